"""Demonstrates the lifecycle of a `Custom::LayerVersionPermission` in a local CloudFormation: `python demo.py EXECUTABLE`. Exits with 0
only if every step has the expected result."""

import json
import pathlib
import sys
import tempfile
import zipfile

from layer import Layer
from local_aws import LocalAws
from provider import Provider
from stack import Stack
from templates import NOT_OWNED, ORGANIZATION, OTHER_PARTNER, PARTNER, sharing_template, with_failing_resource


def print_event(event: dict):
    reason = event.get("ResourceStatusReason") or ""
    print(f"  {event['LogicalResourceId']:8} {event['ResourceStatus']:45} {reason[:72]}".rstrip())


class Demo:
    def __init__(self, aws: LocalAws, code: pathlib.Path):
        print(
            "Deploys template.yaml with the executable to a local CloudFormation, shares a layer in a stack, and updates,\n"
            "replaces, rolls back and deletes that stack. Prints the stack events and the policies of the layer versions.\n"
        )
        self.failures: list[str] = []
        provider = Provider(aws, code)
        print(f"The provider is deployed. Other stacks use it with\n  ServiceToken: {provider.service_token}\n")
        self.aws, self.layer, self.stack = aws, Layer(aws, "tools"), Stack(aws, "sharing", print_event)
        self.version, self.next_version = self.layer.publish(), self.layer.publish()
        self.layer.add_statement(self.version, NOT_OWNED, "999988887777")

    def run(self):
        create, update = self.stack.create, self.stack.update
        version, next_version = {"LayerVersionArn": self.version}, {"LayerVersionArn": self.next_version}
        partner, other = {"Principal": PARTNER, "StatementId": "partner"}, {"Principal": OTHER_PARTNER, "StatementId": "partner"}
        organization = {"Principal": "*", "OrganizationId": ORGANIZATION}

        self.step("Share version 1 with an account", create, sharing_template(**version, **partner), "CREATE_COMPLETE", PARTNER)
        replaced = sharing_template(**version, **other)
        self.step("Update to another account under the same statement id", update, replaced, "UPDATE_COMPLETE", OTHER_PARTNER)
        failing = with_failing_resource(sharing_template(**version, **organization))
        self.step("Update in which another resource fails", update, failing, "UPDATE_ROLLBACK_COMPLETE", OTHER_PARTNER)
        moved = sharing_template(**next_version, **organization)
        self.step("Update to version 2 and an organization", update, moved, "UPDATE_COMPLETE", None, ORGANIZATION)
        self.step("Delete the stack", lambda _: self.stack.delete(), {}, "DELETE_COMPLETE", None)

    def step(self, title: str, act, template: dict, expected: str, on_first: str | None, on_second: str | None = None):
        """Performs one step, and checks the stack's status and the principal of the stack's statement on each version."""
        print(f"{title}\n{'-' * len(title)}")
        properties = template.get("Resources", {}).get("Sharing", {}).get("Properties", {})
        for key in [key for key in properties if not key.startswith("Service")]:
            print(f"    {key}: {properties[key]}")
        status = act(template)
        if status != "DELETE_COMPLETE":
            print(f"  Ref: {self.stack.outputs.get('Ref')}")
        self.expect(status == expected, f"{title}: the stack is {status}, not {expected}")
        for version, principal in ((self.version, on_first), (self.next_version, on_second)):
            policy = self.layer.policy(version)
            print(f"  Policy of version {version.rpartition(':')[2]}:{'' if policy else ' none'}")
            for id, statement in policy.items():
                print(f"    {id}: {json.dumps({key: statement[key] for key in ('Principal', 'Condition') if key in statement})}")
            not_owned = policy.pop(NOT_OWNED, None)
            self.expect(version != self.version or not_owned is not None, f"{title}: the statement {NOT_OWNED} is gone")
            owned = [principal in json.dumps(statement) for statement in policy.values()] if principal else list(policy)
            self.expect(owned == ([True] if principal else []), f"{title}: {version} is not shared with exactly {principal or 'nobody'}")
        print()

    def expect(self, holds: bool, failure: str):
        if not holds:
            self.failures.append(failure)


def main(executable: pathlib.Path) -> int:
    with tempfile.TemporaryDirectory() as folder:
        code = pathlib.Path(folder) / "code.zip"
        with zipfile.ZipFile(code, "w") as archive:
            archive.write(executable, "bootstrap")
        aws = LocalAws()
        try:
            demo = Demo(aws, code)
            demo.run()
        finally:
            aws.stop()
    failures = demo.failures + aws.response_endpoint.violations
    for failure in failures:
        print(f"FAILED: {failure}")
    requests = len(aws.response_endpoint.requests)
    print(
        f"{requests} requests of CloudFormation got a response; "
        + ("every step had the expected result, and the statement not owned is unchanged." if not failures else "see the failures above.")
    )
    return bool(failures)


if __name__ == "__main__":
    sys.exit(main(pathlib.Path(sys.argv[1])))
