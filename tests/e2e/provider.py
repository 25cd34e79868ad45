"""Deploys `template.yaml`, unchanged but for what `aws cloudformation package` changes: the place of the code."""

import contextlib
import hashlib
import pathlib
import re

from local_aws import Engine
from response_endpoint import HOST
from stack import Stack

ROOT = pathlib.Path(__file__).parents[2]
TEMPLATE = ROOT / "template.yaml"
BUCKET = "code-of-functions"


def package(engine: Engine) -> str:
    """The template with its code uploaded."""

    def upload(code: re.Match) -> str:
        content = (ROOT / code["path"]).read_bytes()
        key = hashlib.sha256(content).hexdigest()
        engine.upload(BUCKET, key, content)
        return f"CodeUri: s3://{BUCKET}/{key}"

    template, count = re.subn(r"CodeUri: (?P<path>\S+)", upload, TEMPLATE.read_text())
    assert count == 1, f"{count} places of code in {TEMPLATE}"
    return template


class Provider:
    """The provider, deployed as a stack of its own."""

    def __init__(self, engine: Engine, **parameters: str):
        self._lambda, self._logs = engine.client("lambda"), engine.client("logs")
        self.stack = Stack(engine, parameters.get("FunctionName", "layer-permission-provider"))
        # The gate is no host of AWS, and has no TLS.
        self._parameters = {"ResponseHosts": f"http://{HOST}", **parameters}
        self._template = package(engine)
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
    def redeployed(self, **parameters: str):
        """For a while: deployed with these parameters, too."""
        assert self.stack.update(self._template, **{**self._parameters, **parameters}) == "UPDATE_COMPLETE"
        try:
            yield
        finally:
            assert self.stack.update(self._template, **self._parameters) == "UPDATE_COMPLETE"

    @contextlib.contextmanager
    def configured(self, timeout: int = 60, **env: str):
        """For a while: what an operator does by hand, another timeout or variables of the environment."""
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
        """The lines of its log."""
        pages = self._logs.get_paginator("filter_log_events").paginate(logGroupName=self.stack.outputs["LogGroup"])
        return [event["message"] for page in pages for event in page["events"]]
