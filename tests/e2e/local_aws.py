"""A local AWS: MiniStack with CloudFormation, Lambda, S3 and the other services that the tests need, as a child process."""

import contextlib
import functools
import pathlib
import shutil
import sys
import tempfile

import boto3
from botocore.config import Config

from process import Process, free_port
from response_endpoint import ResponseEndpoint

ACCOUNT = "123456789012"
REGION = "eu-west-1"
# Credentials of functions, and of sessions of assumed roles. The tests search the log for them.
SECRET_KEY = "secret-access-key-of-the-function"
SESSION_TOKEN = "session-token-of-the-function"
ASSUMED_SECRET_KEY = "secret-access-key-of-the-assumed-role"
ASSUMED_SESSION_TOKEN = "session-token-of-the-assumed-role"


class LocalAws:
    def __init__(self):
        self._folder = pathlib.Path(tempfile.mkdtemp(prefix="local-aws-"))
        self.response_endpoint = ResponseEndpoint()
        port = free_port()
        self.url = f"http://127.0.0.1:{port}"
        self._process = Process(
            [sys.executable, pathlib.Path(__file__).with_name("ministack_server.py")],
            port,
            log=self._folder / "ministack.log",
            cwd=self._folder,
            GATEWAY_PORT=str(port),
            BIND_HOST="127.0.0.1",
            MINISTACK_HOST="127.0.0.1",
            LAMBDA_EXECUTOR="local",
            MINISTACK_REGION=REGION,
            AUTH="true",  # checks each request as IAM does: its signature, and the policies of its role
            AWS_SECRET_ACCESS_KEY=SECRET_KEY,
            AWS_SESSION_TOKEN=SESSION_TOKEN,
            ASSUMED_SECRET_KEY=ASSUMED_SECRET_KEY,
            ASSUMED_SESSION_TOKEN=ASSUMED_SESSION_TOKEN,
            RESPONSE_ENDPOINT=self.response_endpoint.url,
            HOME=str(self._folder),
            TMPDIR=str(self._folder),
        )

    @functools.cache
    def client(self, service: str, region: str = REGION, account: str = ACCOUNT):
        return boto3.client(
            service,
            endpoint_url=self.url,
            region_name=region,
            aws_access_key_id=account,  # MiniStack takes an access key of 12 digits for the account
            aws_secret_access_key=SECRET_KEY,
            config=Config(retries={"total_max_attempts": 1}, proxies={}),
        )

    def client_with(self, credentials: dict, service: str):
        """A client with the credentials of a session."""
        return boto3.client(
            service,
            endpoint_url=self.url,
            region_name=REGION,
            aws_access_key_id=credentials["AccessKeyId"],
            aws_secret_access_key=credentials["SecretAccessKey"],
            aws_session_token=credentials["SessionToken"],
            config=Config(retries={"total_max_attempts": 1}, proxies={}),
        )

    def upload(self, bucket: str, key: str, content: bytes, region: str = REGION):
        """Puts an object into a bucket of the region, and creates the bucket if needed."""
        s3 = self.client("s3", region=region)
        with contextlib.suppress(s3.exceptions.BucketAlreadyOwnedByYou):
            s3.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": region})
        s3.put_object(Bucket=bucket, Key=key, Body=content)

    def stop(self):
        self._process.kill()
        self.response_endpoint.close()
        shutil.rmtree(self._folder)
