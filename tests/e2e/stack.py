"""A CloudFormation stack. Each operation waits until it ends."""

import json
import time
from collections.abc import Callable

from local_aws import LocalAws

OPERATION_TIMEOUT = 60  # seconds
POLL_INTERVAL = 0.03  # seconds


def print_failure(event: dict):
    """pytest shows what a failed test printed."""
    if event["ResourceStatus"].endswith("_FAILED"):
        print(event["LogicalResourceId"], event["ResourceStatus"], event.get("ResourceStatusReason"))


class Stack:
    def __init__(self, aws: LocalAws, name: str, on_event: Callable[[dict], None] = print_failure, **client: str):
        """`on_event` gets each stack event after the operation has ended. `client` may give another region or account."""
        self._cloudformation = aws.client("cloudformation", **client)
        self._on_event, self._seen_events = on_event, 0
        self.name = name
        self.id = None

    def create(self, template: dict | str, **parameters: str) -> str:
        created = self._cloudformation.create_stack(StackName=self.name, **_arguments(template, parameters))
        self.id = created["StackId"]
        return self._wait()

    def update(self, template: dict | str, **parameters: str) -> str:
        self._cloudformation.update_stack(StackName=self.name, **_arguments(template, parameters))
        return self._wait()

    def delete(self) -> str:
        self._cloudformation.delete_stack(StackName=self.name)
        return self._wait()

    def continue_rollback(self) -> str:
        self._cloudformation.continue_update_rollback(StackName=self.name)
        return self._wait()

    @property
    def outputs(self) -> dict[str, str]:
        return {output["OutputKey"]: output["OutputValue"] for output in self._describe().get("Outputs", [])}

    @property
    def events(self) -> list[dict]:
        """Oldest first."""
        return self._cloudformation.describe_stack_events(StackName=self.id)["StackEvents"][::-1]

    def failure_reason(self, logical_id: str) -> str:
        """The reason of the latest failure of this resource."""
        return next(
            event["ResourceStatusReason"]
            for event in reversed(self.events)
            if event["LogicalResourceId"] == logical_id and event["ResourceStatus"].endswith("_FAILED")
        )

    def _describe(self) -> dict:
        return self._cloudformation.describe_stacks(StackName=self.id)["Stacks"][0]

    def _wait(self) -> str:
        # CloudFormation has no notifications: AWS's own waiters poll, too.
        end = time.monotonic() + OPERATION_TIMEOUT
        while time.monotonic() < end:
            status = self._describe()["StackStatus"]
            if not status.endswith("_IN_PROGRESS"):
                for event in self.events[self._seen_events :]:
                    self._on_event(event)
                    self._seen_events += 1
                return status
            time.sleep(POLL_INTERVAL)
        raise TimeoutError(f"stack {self.name} is still {status} after {OPERATION_TIMEOUT} s")


def _arguments(template: dict | str, parameters: dict[str, str]) -> dict:
    return {
        "TemplateBody": template if isinstance(template, str) else json.dumps(template),
        "Parameters": [{"ParameterKey": key, "ParameterValue": value} for key, value in parameters.items()],
        "Capabilities": ["CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"],
    }
