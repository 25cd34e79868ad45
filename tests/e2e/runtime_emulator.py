"""AWS's Lambda Runtime Interface Emulator: runs the executable that ships as Lambda does, time limit included."""

import json
import pathlib
import urllib.error
import urllib.request
import zipfile

from provider import ROOT
from local_aws import REGION, SECRET_KEY, SESSION_TOKEN
from process import TOOLS, Process, free_port

EMULATOR = TOOLS / "aws-lambda-rie"
ACCOUNT = "012345678912"  # The emulator says so in the ARN of the function; it cannot be set.


class Emulator:
    def __init__(self, folder: pathlib.Path, timeout: int = 10, **env: str):
        bootstrap = folder / "bootstrap"
        if not bootstrap.exists():
            zipfile.ZipFile(ROOT / "dist/bootstrap.zip").extract("bootstrap", folder)
            bootstrap.chmod(0o755)
        self.timeout = timeout
        port, runtime_api = free_port(), free_port()
        self._url = f"http://127.0.0.1:{port}/2015-03-31/functions/function/invocations"
        self._process = Process(
            [
                EMULATOR,
                *("--runtime-interface-emulator-address", f"127.0.0.1:{port}"),
                *("--runtime-api-address", f"127.0.0.1:{runtime_api}"),
                bootstrap,
            ],
            port,
            log=folder / f"emulator-{port}.log",
            cwd=folder,
            AWS_LAMBDA_FUNCTION_NAME="layer-permission-provider",
            AWS_LAMBDA_FUNCTION_TIMEOUT=str(timeout),
            AWS_LAMBDA_FUNCTION_MEMORY_SIZE="128",
            AWS_REGION=REGION,
            AWS_ACCESS_KEY_ID=ACCOUNT,
            AWS_SECRET_ACCESS_KEY=SECRET_KEY,
            AWS_SESSION_TOKEN=SESSION_TOKEN,
            **env,
        )

    def invoke(self, event) -> tuple[int, str]:
        """What the emulator says of this invocation: status and text."""
        request = urllib.request.Request(self._url, data=json.dumps(event).encode())
        try:
            with urllib.request.urlopen(request, timeout=self.timeout + 10) as reply:
                return reply.status, reply.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()

    def log(self) -> str:
        return self._process.text()

    def bootstraps(self) -> list[int]:
        """The processes of the executable that run now."""
        return [id for id, name in self._process.members().items() if name == "bootstrap"]

    def stop(self):
        self._process.kill()
