"""Another account, with layers of its own and a role that lets the provider share some of them."""

import itertools

from provider import Provider
from local_aws import Engine
from layer import Layer
from stack import Stack
from templates import example

ACCOUNT = "210987654321"

_numbers = itertools.count(1)


class Owners:
    external_id = "of-their-own-choice"

    def __init__(self, engine: Engine, provider: Provider):
        self._engine = engine
        self.stack = Stack(engine, f"sharing-role-{next(_numbers)}", account=ACCOUNT)
        parameters = {"ProviderRoleArn": provider.role, "ExternalId": self.external_id, "LayerNames": "tools-*"}
        assert self.stack.create(example("share-another-accounts-layer-role"), **parameters) == "CREATE_COMPLETE"

    @property
    def role(self) -> str:
        return self.stack.outputs["RoleArn"]

    def layer(self, name: str) -> Layer:
        """Theirs; the role may share it if its name begins with `tools-`."""
        return Layer(self._engine, f"{name}-{next(_numbers)}", account=ACCOUNT)
