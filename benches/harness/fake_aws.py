"""Lambda and the bucket of the responses: the executable `fake-aws` of `tests/fake_aws`, at the path in `FAKE_AWS`, which is
controlled by JSON lines."""

import datetime
import json
import os
import pathlib
import secrets
import subprocess

BUCKET_HOST = "cloudformation-custom-resource-response-uswest2.s3.us-west-2.amazonaws.com"
HOSTS = ["lambda.us-west-2.amazonaws.com", BUCKET_HOST]


class FakeAws:
    """`environment` directs a process here that would call AWS. Over HTTPS it is empty, and works only inside a namespace."""

    def __init__(self, folder: pathlib.Path, https: bool):
        self.folder = folder
        self.root_certificate = folder / "root.pem"
        arguments = ["https", folder] if https else ["http"]
        command = [os.environ["FAKE_AWS"], *arguments]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1)
        urls = self._read_line()
        self.environment = {} if https else {"AWS_ENDPOINT_URL": urls["lambda"], "RESPONSE_HOSTS": "http://127.0.0.1"}

    def __enter__(self) -> "FakeAws":
        return self

    def __exit__(self, *_):
        self._process.communicate()

    def publish(self, layer: str, versions: int, shared: bool):
        """A layer with this number of versions, each granted to another account if it is shared."""
        self._run("publish", layer=layer, versions=versions, shared=shared)

    def create_function(self, function: str):
        """A function that is granted to another account."""
        self._run("create_function", function=function)

    def delay(self, round_trip: int, policy_call: int, put: int):
        """How many milliseconds things take from now on, over HTTPS: a round trip of the network, Lambda's part, S3's part."""
        self._run("delay", round_trip=round_trip, policy_call=policy_call, put=put)

    def presign(self, key: str) -> str:
        """A URL for one response."""
        signed = datetime.datetime.now(datetime.UTC)
        parameters = (
            f"X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Date={signed:%Y%m%dT%H%M%SZ}"
            f"&X-Amz-SignedHeaders=host&X-Amz-Expires=7199&X-Amz-Credential=AKIA{secrets.token_hex(8).upper()}"
            f"%2F{signed:%Y%m%d}%2Fus-west-2%2Fs3%2Faws4_request"
        )
        return self._run("presign", key=key, parameters=parameters)

    def take_response(self, url: str) -> dict:
        """The only response to this URL."""
        responses = self._run("take_responses", url=url)
        if len(responses) != 1:
            raise RuntimeError(f"one response expected: got {responses}")
        return responses[0]

    def take_number_of_calls(self, access_key: str) -> int:
        """How many calls of Lambda were signed by this access key since the last time."""
        return self._run("take_number_of_calls", access_key=access_key)

    def ca_bundle(self, *others: pathlib.Path | str) -> pathlib.Path:
        """These root certificates and that of the fakes, as an operator would append it to the bundle of a client."""
        bundle = self.folder / f"bundle-{len(list(self.folder.glob('bundle-*')))}.pem"
        bundle.write_text("".join(pathlib.Path(other).read_text() for other in [*others, self.root_certificate]))
        return bundle

    def _run(self, command: str, **arguments):
        self._process.stdin.write(json.dumps({"command": command, **arguments}) + "\n")
        return self._read_line()

    def _read_line(self):
        if line := self._process.stdout.readline():
            return json.loads(line)
        raise RuntimeError(f"fake-aws has exited with code {self._process.wait()}")
