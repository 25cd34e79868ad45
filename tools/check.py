"""Runs make's targets in two sequences at the same time: `python check.py 'TARGET TARGET...' 'TARGET...'`.

Prints the output of a target when it ends, and each minute what is running. A target that fails ends the run. Two are faster than one
after the other because each waits for much of its time: for child processes, a linker or the network.
"""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time

INTERVAL = 60  # seconds between lines that say what is running
GRACE_PERIOD = 30  # seconds that targets have to end


class Run:
    def __init__(self, sequences: list[list[str]]):
        self._sequences = sequences
        self._total, self._done = sum(map(len, sequences)), 0
        self._started = time.monotonic()
        self._running: dict[str, subprocess.Popen] = {}
        self._lock = threading.Lock()
        self.failed: str | None = None
        self._stopped = False

    def run(self) -> None:
        threads = [threading.Thread(target=self._run_sequence, args=(sequence,), daemon=True) for sequence in self._sequences]
        for thread in threads:
            thread.start()
        while any(thread.is_alive() for thread in threads):
            try:
                self._wait(threads)
            except KeyboardInterrupt:
                self.failed = self.failed or ", ".join(self._running)
                self.stop()

    def _wait(self, threads: list[threading.Thread]) -> None:
        last = time.monotonic()
        while any(thread.is_alive() for thread in threads):
            time.sleep(0.2)
            if time.monotonic() - last >= INTERVAL:
                last = time.monotonic()
                self._say(f"running: {', '.join(self._running)}")

    def stop(self) -> None:
        """Ends the others, as Ctrl-C would, so that they end what they have started."""
        self._signal(signal.SIGINT)
        timer = threading.Timer(GRACE_PERIOD, self._signal, [signal.SIGKILL])
        timer.daemon = True
        timer.start()

    def _signal(self, number: int) -> None:
        with self._lock:
            self._stopped = True
            for process in self._running.values():
                os.killpg(process.pid, number)

    def _run_sequence(self, targets: list[str]) -> None:
        for target in targets:
            with self._lock:
                if self._stopped:
                    return
                output = tempfile.TemporaryFile()
                command = ["make", "--no-print-directory", target]
                process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True)
                self._running[target] = process
            started = time.monotonic()
            code = process.wait()
            with self._lock:
                del self._running[target]
                if self._stopped:
                    return
                self._done += 1
                self._print(output)
                took = f"in {_minutes(time.monotonic() - started)}, {self._done} of {self._total}"
                self._say(f"{target} {'passed' if code == 0 else 'failed'} {took}")
                if code:
                    self.failed = target
            if code:
                self.stop()

    @staticmethod
    def _print(output) -> None:
        output.seek(0)
        sys.stdout.flush()
        shutil.copyfileobj(output, sys.stdout.buffer)

    def _say(self, text: str) -> None:
        print(f"make check: {_minutes(time.monotonic() - self._started)} {text}", flush=True)


def _minutes(seconds: float) -> str:
    return f"{int(seconds) // 60}:{int(seconds) % 60:02}"


def main(sequences: list[str]) -> int:
    # Not those of the make that runs this.
    for name in ("MAKEFLAGS", "MAKELEVEL", "MFLAGS"):
        os.environ.pop(name, None)
    # A shell lets what it runs in the background ignore this, and children inherit that.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    run = Run([sequence.split() for sequence in sequences])
    run.run()
    if run.failed:
        print(f"make check: failed: {run.failed}; repeat one alone, as in `make test`")
    return 1 if run.failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
