"""Polls whether an account has access, while a stack is updated."""

import threading

POLL_INTERVAL = 0.005  # seconds


class AccessMonitor:
    """A context manager that calls `has_access` repeatedly, and counts the calls and the interruptions."""

    def __init__(self, has_access):
        self.checks, self.interruptions = 0, 0
        self._has_access, self._closed = has_access, threading.Event()
        self._thread = threading.Thread(target=self._poll)

    def _poll(self):
        while not self._closed.wait(POLL_INTERVAL):
            self.checks += 1
            self.interruptions += not self._has_access()

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._closed.set()
        self._thread.join()
