"""The engine: a CloudFormation, with Lambda, S3 and the rest, that runs on this machine for as long as it is needed."""

import contextlib
import functools
import pathlib
import shutil
import sys
import tempfile

import boto3
from botocore.config import Config

from response_endpoint import Gate
from process import Process, free_port

ACCOUNT = "123456789012"
REGION = "eu-west-1"
# The functions get the first two, and who assumes a role the others. A log that shows one of them is caught by its name.
SECRET_KEY = "secret-access-key-of-the-function"
SESSION_TOKEN = "session-token-of-the-function"
ROLES_SECRET_KEY = "secret-access-key-of-the-assumed-role"
ROLES_SESSION_TOKEN = "session-token-of-the-assumed-role"


class Engine:
    def __init__(self):
        self._folder = pathlib.Path(tempfile.mkdtemp(prefix="engine-"))
        self.gate = Gate()
        port = free_port()
        self.url = f"http://127.0.0.1:{port}"
        self._process = Process(
            [sys.executable, pathlib.Path(__file__).with_name("ministack_server.py")],
            port,
            log=self._folder / "engine.log",
            cwd=self._folder,
            GATEWAY_PORT=str(port),
            BIND_HOST="127.0.0.1",
            MINISTACK_HOST="127.0.0.1",
            LAMBDA_EXECUTOR="local",
            MINISTACK_REGION=REGION,
            AUTH="true",  # every request is checked as IAM does: its signature, and what the policies of its role allow
            AWS_SECRET_ACCESS_KEY=SECRET_KEY,
            AWS_SESSION_TOKEN=SESSION_TOKEN,
            ROLES_SECRET_KEY=ROLES_SECRET_KEY,
            ROLES_SESSION_TOKEN=ROLES_SESSION_TOKEN,
            GATE=self.gate.url,
            HOME=str(self._folder),
            TMPDIR=str(self._folder),
        )

    @functools.cache
    def client(self, service: str, region: str = REGION, account: str = ACCOUNT):
        return boto3.client(
            service,
            endpoint_url=self.url,
            region_name=region,
            aws_access_key_id=account,  # by this the engine knows it
            aws_secret_access_key=SECRET_KEY,
            config=Config(retries={"total_max_attempts": 1}, proxies={}),
        )

    def upload(self, bucket: str, key: str, content: bytes):
        """Puts an object into a bucket of the region, which is made if there is none."""
        s3 = self.client("s3")
        with contextlib.suppress(s3.exceptions.BucketAlreadyOwnedByYou):
            s3.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": REGION})
        s3.put_object(Bucket=bucket, Key=key, Body=content)

    def stop(self):
        self._process.kill()
        self.gate.close()
        shutil.rmtree(self._folder)
