"""The organization of a management account, and the role by which the provider lists its accounts."""

import contextlib
import json

from local_aws import LocalAws
from stack import Stack
from templates import example

MANAGEMENT = "999988887777"


class Organization:
    external_id = "external-id-of-the-organization"

    def __init__(self, aws: LocalAws, name: str, provider_role: str):
        self._organizations = aws.client("organizations", account=MANAGEMENT)
        self._iam = aws.client("iam", account=MANAGEMENT)
        self._root = self._organizations.list_roots()["Roots"][0]["Id"]
        self.stack = Stack(aws, f"{name}-list-accounts", account=MANAGEMENT)
        parameters = {"ProviderRoleArn": provider_role, "ExternalId": self.external_id}
        assert self.stack.create(example("list-accounts-role"), **parameters) == "CREATE_COMPLETE"

    @property
    def role(self) -> str:
        return self.stack.outputs["RoleArn"]

    def unit(self, name: str, parent: str | None = None) -> str:
        """The id of a new unit."""
        created = self._organizations.create_organizational_unit(ParentId=parent or self._root, Name=name)
        return created["OrganizationalUnit"]["Id"]

    def account(self, unit: str) -> str:
        """The id of a new account in a unit."""
        created = self._organizations.create_account(Email="somebody@example.com", AccountName="Somebody")
        account = created["CreateAccountStatus"]["AccountId"]
        self.move(account, unit)
        return account

    def move(self, account: str, unit: str):
        parent = self._organizations.list_parents(ChildId=account)["Parents"][0]["Id"]
        self._organizations.move_account(AccountId=account, SourceParentId=parent, DestinationParentId=unit)

    def close(self, account: str):
        self._organizations.close_account(AccountId=account)

    @contextlib.contextmanager
    def denied(self):
        """The role may not list accounts."""
        role, deny = self.role.rpartition("/")[2], {"Effect": "Deny", "Action": "organizations:ListAccounts", "Resource": "*"}
        policy = json.dumps({"Version": "2012-10-17", "Statement": deny})
        self._iam.put_role_policy(RoleName=role, PolicyName="deny", PolicyDocument=policy)
        try:
            yield
        finally:
            self._iam.delete_role_policy(RoleName=role, PolicyName="deny")
