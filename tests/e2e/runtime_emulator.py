"""AWS's Lambda Runtime Interface Emulator: runs the release executable as Lambda does, timeout included."""

import json
import pathlib
import urllib.error
import urllib.request
import zipfile

from local_aws import REGION, SECRET_KEY, SESSION_TOKEN
from process import TOOLS, Process, free_port
from provider import ROOT

EXECUTABLE = TOOLS / "aws-lambda-rie"
ACCOUNT = "012345678912"  # hard-coded in the emulator, for the function's ARN


class RuntimeEmulator:
    def __init__(self, folder: pathlib.Path, timeout: int = 10, **env: str):
        bootstrap = folder / "bootstrap"
        if not bootstrap.exists():
            zipfile.ZipFile(ROOT / "dist/bootstrap-x86_64.zip").extract("bootstrap", folder)
            bootstrap.chmod(0o755)
        self.timeout = timeout
        port, runtime_api = free_port(), free_port()
        self._url = f"http://127.0.0.1:{port}/2015-03-31/functions/function/invocations"
        self._process = Process(
            [
                EXECUTABLE,
                *("--runtime-interface-emulator-address", f"127.0.0.1:{port}"),
                *("--runtime-api-address", f"127.0.0.1:{runtime_api}"),
                bootstrap,
            ],
            port,
            log=folder / f"emulator-{port}.log",
            cwd=folder,
            AWS_LAMBDA_FUNCTION_NAME="lambda-permission-provider",
            AWS_LAMBDA_FUNCTION_TIMEOUT=str(timeout),
            AWS_LAMBDA_FUNCTION_MEMORY_SIZE="128",
            AWS_REGION=REGION,
            AWS_ACCESS_KEY_ID=ACCOUNT,
            AWS_SECRET_ACCESS_KEY=SECRET_KEY,
            AWS_SESSION_TOKEN=SESSION_TOKEN,
            **env,
        )

    def invoke(self, event) -> tuple[int, str]:
        """The status and the body of the invocation's HTTP response."""
        request = urllib.request.Request(self._url, data=json.dumps(event).encode())
        try:
            with urllib.request.urlopen(request, timeout=self.timeout + 10) as response:
                return response.status, response.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()

    def log(self) -> str:
        return self._process.output()

    def bootstrap_processes(self) -> list[int]:
        """The ids of the running processes of the release executable."""
        return [id for id, name in self._process.session_processes().items() if name == "bootstrap"]

    def stop(self):
        self._process.kill()
