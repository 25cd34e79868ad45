"""Shows the life of one `Custom::LayerVersionPermission` on a CloudFormation engine on this machine. Ends well only if every
step came out as it should."""

import json
import sys

from provider import Provider
from local_aws import Engine
from layer import Layer
from stack import Stack
from templates import ORGANIZATION, OTHER_PARTNER, PARTNER, doomed, sharing

FOREIGN = "somebody-elses"


def show_event(event: dict):
    reason = event.get("ResourceStatusReason") or ""
    print(f"  {event['LogicalResourceId']:8} {event['ResourceStatus']:45} {reason[:72]}".rstrip())


class Demo:
    def __init__(self, engine: Engine):
        print(
            "Deploys template.yaml with the executable that ships into a CloudFormation engine on this machine, shares a\n"
            "layer by a stack, and changes, replaces, rolls back and deletes that stack. Shown: what a person sees of it.\n"
        )
        self.wrong: list[str] = []
        provider = Provider(engine)
        print(f"The provider is deployed; other stacks reach it by\n  ServiceToken: {provider.service_token}\n")
        self.engine, self.layer, self.stack = engine, Layer(engine, "tools"), Stack(engine, "sharing", show_event)
        self.version, self.next_version = self.layer.publish(), self.layer.publish()
        self.layer.share(self.version, FOREIGN, "999988887777")

    def run(self):
        create, update = self.stack.create, self.stack.update
        version, next_version = {"LayerVersionArn": self.version}, {"LayerVersionArn": self.next_version}
        partner, other = {"Principal": PARTNER, "StatementId": "partner"}, {"Principal": OTHER_PARTNER, "StatementId": "partner"}
        organization = {"Principal": "*", "OrganizationId": ORGANIZATION}

        self.step("Share version 1 with a partner", create, sharing(**version, **partner), "CREATE_COMPLETE", PARTNER)
        self.step("Another partner, same statement id", update, sharing(**version, **other), "UPDATE_COMPLETE", OTHER_PARTNER)
        failing = doomed(sharing(**version, **organization))
        self.step("An update in which another resource fails", update, failing, "UPDATE_ROLLBACK_COMPLETE", OTHER_PARTNER)
        moved = sharing(**next_version, **organization)
        self.step("Share version 2 instead, with an organization", update, moved, "UPDATE_COMPLETE", None, ORGANIZATION)
        self.step("Delete the stack", lambda _: self.stack.delete(), {}, "DELETE_COMPLETE", None)

    def step(self, title: str, act, template: dict, status: str, on_first: str | None, on_second: str | None = None):
        """One step, and what is to be true after it: the stack's status, and whom our statement names on either version."""
        print(f"{title}\n{'-' * len(title)}")
        properties = template.get("Resources", {}).get("Sharing", {}).get("Properties", {})
        for key in [key for key in properties if not key.startswith("Service")]:
            print(f"    {key}: {properties[key]}")
        got = act(template)
        if got != "DELETE_COMPLETE":
            print(f"  Ref: {self.stack.outputs.get('Ref')}")
        self.expect(got == status, f"{title}: the stack is {got}, not {status}")
        for version, named in ((self.version, on_first), (self.next_version, on_second)):
            policy = self.layer.policy(version)
            print(f"  Policy of version {version.rpartition(':')[2]}:{'' if policy else ' none'}")
            for id, statement in policy.items():
                print(f"    {id}: {json.dumps({key: statement[key] for key in ('Principal', 'Condition') if key in statement})}")
            foreign = policy.pop(FOREIGN, None)
            self.expect(version != self.version or foreign is not None, f"{title}: the foreign statement is gone")
            ours = [named in json.dumps(statement) for statement in policy.values()] if named else list(policy)
            self.expect(ours == ([True] if named else []), f"{title}: {version} is not shared with {named or 'nobody'} alone")
        print()

    def expect(self, true: bool, otherwise: str):
        if not true:
            self.wrong.append(otherwise)


def main() -> int:
    engine = Engine()
    try:
        demo = Demo(engine)
        demo.run()
    finally:
        engine.stop()
    wrong = demo.wrong + engine.gate.violations
    for line in wrong:
        print(f"WRONG: {line}")
    requests = len(engine.gate.exchanges)
    print(
        f"{requests} requests of CloudFormation were answered; "
        + ("every step ended as it should, and the foreign statement is untouched." if not wrong else "see above.")
    )
    return bool(wrong)


if __name__ == "__main__":
    sys.exit(main())
