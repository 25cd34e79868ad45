"""The whole stage: Lambda and the bucket under AWS's names over TLS, or both over plain HTTP under addresses of their own.
Knows nothing of what is played on it."""

import pathlib

from .authority import Authority
from .bucket import HOST as BUCKET_HOST
from .bucket import Bucket
from .control_plane import ControlPlane
from .server import port_of, serve

LAMBDA_HOST = "lambda.us-west-2.amazonaws.com"
NAMES = [LAMBDA_HOST, BUCKET_HOST]


class Stage:
    """`environment`: what sends a process here that would go to AWS."""

    def __init__(self, folder: pathlib.Path):
        self.folder = folder
        self.control_plane = ControlPlane()
        self.bucket = Bucket()
        self.environment: dict[str, str] = {}

    async def over_tls(self) -> "Stage":
        """Under AWS's own names: only inside a namespace."""
        self.authority = Authority(self.folder, NAMES)
        tls = self.authority.server_side()

        def answer(asked):
            neighbour = self.control_plane if asked.headers["host"] == LAMBDA_HOST else self.bucket
            return neighbour.answer(asked)

        self._servers = [await serve(answer, "127.0.0.1", 443, tls)]
        return self

    async def over_plain_http(self) -> "Stage":
        self._servers = [await serve(neighbour.answer, "127.0.0.1") for neighbour in (self.control_plane, self.bucket)]
        calls, answers = (f"http://127.0.0.1:{port_of(server)}" for server in self._servers)
        self.bucket.origin = answers
        self.environment = {"AWS_ENDPOINT_URL": calls, "RESPONSE_HOSTS": "http://127.0.0.1"}
        return self
