"""The provider, deployed from `template.yaml`. As with `aws cloudformation package`, only the location of the code is replaced."""

import contextlib
import hashlib
import pathlib
import re

from local_aws import REGION, LocalAws
from response_endpoint import HOST
from stack import Stack

ROOT = pathlib.Path(__file__).parents[2]
TEMPLATE = ROOT / "template.yaml"
CODE_BUCKET = "code-of-functions"


def package(aws: LocalAws, region: str = REGION, code: pathlib.Path | None = None) -> str:
    """Uploads the code, or else what the template names, and returns the template with its location."""
    bucket = f"{CODE_BUCKET}-{region}"

    def upload(found: re.Match) -> str:
        content = (code or ROOT / found["path"]).read_bytes()
        key = hashlib.sha256(content).hexdigest()
        aws.upload(bucket, key, content, region)
        return f"CodeUri: s3://{bucket}/{key}"

    template, count = re.subn(r"CodeUri: (?P<path>\S+)", upload, TEMPLATE.read_text())
    assert count == 2, f"{count} CodeUri in {TEMPLATE}"
    return template


class Provider:
    """The provider's own stack."""

    def __init__(self, aws: LocalAws, code: pathlib.Path | None = None, **parameters: str):
        self._lambda, self._logs = aws.client("lambda"), aws.client("logs")
        self.stack = Stack(aws, parameters.get("FunctionName", "lambda-permission-provider"))
        # The response endpoint is not a host of AWS, and has no TLS.
        self._parameters = {"ResponseHosts": f"http://{HOST}", **parameters}
        self._template = package(aws, code=code)
        status = self.stack.create(self._template, **self._parameters)
        assert status == "CREATE_COMPLETE", self.stack.events

    @property
    def name(self) -> str:
        return self.stack.outputs["FunctionName"]

    @property
    def service_token(self) -> str:
        return self.stack.outputs["ServiceToken"]

    @property
    def role(self) -> str:
        return self.stack.outputs["RoleArn"]

    @contextlib.contextmanager
    def with_parameters(self, **parameters: str):
        """Updates the stack with additional parameters, and restores the ones before afterwards."""
        before = self._parameters
        changed = {**before, **parameters}
        assert self.stack.update(self._template, **changed) == "UPDATE_COMPLETE"
        self._parameters = changed
        try:
            yield
        finally:
            self._parameters = before
            assert self.stack.update(self._template, **self._parameters) == "UPDATE_COMPLETE"

    @contextlib.contextmanager
    def with_configuration(self, timeout: int = 60, **env: str):
        """Changes the function's timeout and environment out of band, and restores them afterwards."""
        deployed = self._lambda.get_function_configuration(FunctionName=self.name)["Environment"]["Variables"]
        self._configure(timeout, deployed | env)
        try:
            yield
        finally:
            self._configure(60, deployed)

    def _configure(self, timeout: int, env: dict[str, str]):
        self._lambda.update_function_configuration(FunctionName=self.name, Timeout=timeout, Environment={"Variables": env})
        waiter = self._lambda.get_waiter("function_updated_v2")
        waiter.wait(FunctionName=self.name, WaiterConfig={"Delay": 0.1, "MaxAttempts": 100})

    def log(self) -> list[str]:
        """The lines of its log group."""
        pages = self._logs.get_paginator("filter_log_events").paginate(logGroupName=self.stack.outputs["LogGroup"])
        return [event["message"] for page in pages for event in page["events"]]
