"""One process of a function with its own Runtime API: sends it events, and measures the start and each event.

Only the process is measured, by its own CPU clock; the fakes of AWS run elsewhere. An event without the expected response ends the
run: SUCCESS unless it says otherwise, since the cost of a failure is not what is measured.
"""

import asyncio
import contextlib
import dataclasses
import json
import os
import pathlib
import secrets
import signal
import subprocess
import time

from .cpu_limit import CpuLimit
from .fake_aws import FakeAws
from .http_server import Request, Response, port_of, serve

FUNCTION = "arn:aws:lambda:us-west-2:123456789012:function:layer-permission"
SECONDS = 60  # the timeout of an event, as in template.yaml
MAX_RUN = 1800  # seconds


@dataclasses.dataclass
class Invocation:
    """The payload of an event: any bytes. At each of `urls` a response with one of `statuses` is expected."""

    payload: bytes
    request_id: str
    urls: list[str]
    statuses: tuple[str, ...] = ("SUCCESS",)


@dataclasses.dataclass
class Measured:
    """Times in milliseconds. Of the start: until the first event is requested; of an event: until its invocation response."""

    start_wall: float = 0
    start_cpu: float = 0
    event_wall: list[float] = dataclasses.field(default_factory=list)
    event_cpu: list[float] = dataclasses.field(default_factory=list)
    # Resident megabytes after each hundredth event, and their peak.
    resident: list[float] = dataclasses.field(default_factory=list)
    peak: float = 0
    page_faults: int = 0
    calls: int = 0
    log: int = 0  # bytes
    responses: list[dict] = dataclasses.field(default_factory=list)  # of the last event

    @property
    def cpu(self) -> float:
        return self.start_cpu + sum(self.event_cpu)


class Function:
    def __init__(
        self,
        aws: FakeAws,
        command: list,
        environment: dict,
        cpu_limit: CpuLimit | None = None,
        pause: float = 0,
        timeout: float = MAX_RUN,
    ):
        self._aws = aws
        self._command = [str(part) for part in command]
        self._environment = environment
        self._cpu_limit = cpu_limit
        self._pause = pause  # seconds before each event
        self._timeout = timeout  # seconds for all events
        self._access_key = "ASIA" + secrets.token_hex(8).upper()
        self.code: int | None = None  # of a process that exited early
        self.measured = Measured()  # of a run that failed, as far as it got
        self._over = asyncio.get_running_loop().create_future()

    async def run(self, events: list[dict | Invocation]) -> Measured:
        self._events = iter(events)
        self._event = None
        runtime_api = await serve(self._handle, "127.0.0.1")
        log = self._aws.folder / f"{self._access_key}.log"
        self._started = time.perf_counter_ns()
        with log.open("wb") as out:
            self._process = self._start(port_of(runtime_api), out)
        ended = asyncio.get_running_loop().run_in_executor(None, self._process.wait)
        try:
            await asyncio.wait({self._over, ended}, timeout=self._timeout, return_when=asyncio.FIRST_COMPLETED)
            if not self._over.done():
                self.code = self._process.poll()
                raise RuntimeError(f"not done in {self._timeout} s" if self.code is None else f"exited with code {self.code}")
            self._over.result()
        except Exception as failure:
            raise RuntimeError(f"{self._command}: {failure}\n{log.read_text(errors='replace')[-4000:]}") from failure
        finally:
            # By SIGTERM, so that a profiler writes its results.
            with contextlib.suppress(OSError, ValueError):  # if it has exited
                self.measured.peak = self._status("VmHWM")
            self._process.send_signal(signal.SIGTERM if self._over.done() else signal.SIGKILL)
            await ended
            runtime_api.close()
            self.measured.log = log.stat().st_size
            log.unlink()
            self.measured.calls = self._aws.take_number_of_calls(self._access_key)
        return self.measured

    def _start(self, port: int, out) -> subprocess.Popen:
        environment = {
            "PATH": os.environ["PATH"],
            "LANG": "en_US.UTF-8",
            "AWS_LAMBDA_RUNTIME_API": f"127.0.0.1:{port}",
            "AWS_LAMBDA_FUNCTION_NAME": "layer-permission",
            "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "128",
            "AWS_LAMBDA_LOG_GROUP_NAME": "/aws/lambda/layer-permission",
            "AWS_LAMBDA_LOG_STREAM_NAME": "2026/01/31/[$LATEST]0123456789abcdef",
            "AWS_REGION": "us-west-2",
            "AWS_DEFAULT_REGION": "us-west-2",
            "AWS_ACCESS_KEY_ID": self._access_key,
            "AWS_SECRET_ACCESS_KEY": secrets.token_hex(20),
            "AWS_SESSION_TOKEN": secrets.token_hex(400),
            **self._environment,
        }
        # The process inherits the last core, and this one returns to all of them.
        cores = sorted(os.sched_getaffinity(0))
        os.sched_setaffinity(0, {cores[-1]})
        try:
            return subprocess.Popen(self._command, env=environment, stdin=subprocess.DEVNULL, stdout=out, stderr=out)
        finally:
            os.sched_setaffinity(0, cores)

    def _handle(self, request: Request) -> Response | None:
        try:
            if request.target.endswith("/invocation/next"):
                return self._next()
            if request.target.endswith("/response"):
                self.measured.event_wall.append((time.perf_counter_ns() - self._began) / 1e6)
                self._check()
                return Response(202)
            raise RuntimeError(f"{request.target}: {request.body.decode()}")
        except Exception as failure:
            if not self._over.done():
                self._over.set_exception(failure)
            return None

    def _check(self):
        self.measured.responses = [self._aws.take_response(url) for url in self._event.urls]
        for response in self.measured.responses:
            if response["Status"] not in self._event.statuses:
                raise RuntimeError(f"{' or '.join(self._event.statuses)} expected: got {json.dumps(response)}")

    def _invocation(self, event: dict) -> Invocation:
        url = self._aws.presign(f"{event['StackId']}|{event['LogicalResourceId']}|{event['RequestId']}")
        payload = json.dumps({**event, "ResponseURL": url}).encode()
        return Invocation(payload, event["RequestId"], [url])

    def _next(self) -> Response | None:
        cpu, measured = self._cpu(), self.measured
        if self._event is None:
            measured.start_wall = (time.perf_counter_ns() - self._started) / 1e6
            measured.start_cpu = cpu
        else:
            measured.event_cpu.append(cpu - self._cpu_before)
            if len(measured.event_cpu) % 100 == 0:
                measured.resident.append(self._status("VmRSS"))
        event = next(self._events, None)
        if event is None:
            # The fields after the name in brackets: `man 5 proc_pid_stat`.
            fields = self._proc("stat").rpartition(")")[2].split()
            measured.page_faults = int(fields[7]) + int(fields[9])
            self._over.set_result(None)
            return None
        time.sleep(self._pause)  # there is nothing else to serve
        self._event = event if isinstance(event, Invocation) else self._invocation(event)
        headers = {
            "Content-Type": "application/json",
            "Lambda-Runtime-Aws-Request-Id": self._event.request_id,
            "Lambda-Runtime-Deadline-Ms": str(int((time.time() + SECONDS) * 1000)),
            "Lambda-Runtime-Invoked-Function-Arn": FUNCTION,
            "Lambda-Runtime-Trace-Id": "Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700;Sampled=0",
        }
        response = Response(200, self._event.payload, headers)
        if self._cpu_limit and not measured.event_wall:
            self._cpu_limit.begin(self._process.pid)
        self._cpu_before = self._cpu()
        self._began = time.perf_counter_ns()
        return response

    def _cpu(self) -> float:
        # What clock_getcpuclockid(3) returns: the clock of all threads of a process, those that have ended too.
        return time.clock_gettime_ns((~self._process.pid << 3) | 2) / 1e6

    def _status(self, name: str) -> float:
        (line,) = (line for line in self._proc("status").splitlines() if line.startswith(name + ":"))
        return int(line.split()[1]) / 1024

    def _proc(self, file: str) -> str:
        return pathlib.Path(f"/proc/{self._process.pid}/{file}").read_text()
