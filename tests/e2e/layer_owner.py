"""Another account that owns layers, with a role that lets the provider share some of them."""

import itertools

from layer import Layer
from local_aws import LocalAws
from provider import Provider
from stack import Stack
from templates import example

ACCOUNT = "210987654321"

_numbers = itertools.count(1)


class LayerOwner:
    external_id = "external-id-of-the-layer-owner"

    def __init__(self, aws: LocalAws, provider: Provider):
        self._aws = aws
        self.stack = Stack(aws, f"sharing-role-{next(_numbers)}", account=ACCOUNT)
        parameters = {"ProviderRoleArn": provider.role, "ExternalId": self.external_id, "LayerNames": "tools-*"}
        assert self.stack.create(example("share-another-accounts-layer-role"), **parameters) == "CREATE_COMPLETE"

    @property
    def role(self) -> str:
        return self.stack.outputs["RoleArn"]

    def layer(self, name: str) -> Layer:
        """A layer of this account; the role may share it if its name begins with `tools-`."""
        return Layer(self._aws, f"{name}-{next(_numbers)}", account=ACCOUNT)
