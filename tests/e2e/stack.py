"""A stack: what a person does with it, and what they see of it. Every step waits for its end."""

import json
import time
from collections.abc import Callable

from local_aws import Engine

SLOWEST_STEP = 60  # seconds


def show_failure(event: dict):
    """For the person whose test fails: pytest tells them what was printed."""
    if event["ResourceStatus"].endswith("_FAILED"):
        print(event["LogicalResourceId"], event["ResourceStatus"], event.get("ResourceStatusReason"))


class Stack:
    def __init__(self, engine: Engine, name: str, show: Callable[[dict], None] = show_failure, **where: str):
        """`show` is given each event of a step when the step has ended."""
        self._cloudformation = engine.client("cloudformation", **where)
        self._show, self._shown = show, 0
        self.name = name
        self.id = None

    def create(self, template: dict | str, **parameters: str) -> str:
        made = self._cloudformation.create_stack(StackName=self.name, **_arguments(template, parameters))
        self.id = made["StackId"]
        return self._end()

    def update(self, template: dict | str, **parameters: str) -> str:
        self._cloudformation.update_stack(StackName=self.name, **_arguments(template, parameters))
        return self._end()

    def delete(self) -> str:
        self._cloudformation.delete_stack(StackName=self.name)
        return self._end()

    def continue_rollback(self) -> str:
        self._cloudformation.continue_update_rollback(StackName=self.name)
        return self._end()

    @property
    def outputs(self) -> dict[str, str]:
        return {output["OutputKey"]: output["OutputValue"] for output in self._describe().get("Outputs", [])}

    @property
    def events(self) -> list[dict]:
        """Oldest first."""
        return self._cloudformation.describe_stack_events(StackName=self.id)["StackEvents"][::-1]

    def reason(self, logical_id: str) -> str:
        """Why this resource failed, the last time that it did."""
        return next(
            event["ResourceStatusReason"]
            for event in reversed(self.events)
            if event["LogicalResourceId"] == logical_id and event["ResourceStatus"].endswith("_FAILED")
        )

    def _describe(self) -> dict:
        return self._cloudformation.describe_stacks(StackName=self.id)["Stacks"][0]

    def _end(self) -> str:
        # An API without notifications: AWS's own waiters ask again and again, too.
        end = time.monotonic() + SLOWEST_STEP
        while time.monotonic() < end:
            status = self._describe()["StackStatus"]
            if not status.endswith("_IN_PROGRESS"):
                for event in self.events[self._shown :]:
                    self._show(event)
                    self._shown += 1
                return status
            time.sleep(0.03)
        raise TimeoutError(f"stack {self.name} is still {status} after {SLOWEST_STEP} s")


def _arguments(template: dict | str, parameters: dict[str, str]) -> dict:
    return {
        "TemplateBody": template if isinstance(template, str) else json.dumps(template),
        "Parameters": [{"ParameterKey": key, "ParameterValue": value} for key, value in parameters.items()],
        "Capabilities": ["CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"],
    }
