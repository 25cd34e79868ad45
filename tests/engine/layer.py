"""A layer, and what its policies say."""

import io
import json
import zipfile

from engine import Engine


class Layer:
    def __init__(self, engine: Engine, name: str, **where: str):
        self._lambda = engine.client("lambda", **where)
        self.name = name

    def publish(self) -> str:
        """The ARN of a new version."""
        content = io.BytesIO()
        zipfile.ZipFile(content, "w").close()
        made = self._lambda.publish_layer_version(LayerName=self.name, Content={"ZipFile": content.getvalue()})
        return made["LayerVersionArn"]

    def share(self, version_arn: str, statement_id: str, principal: str):
        """Adds a statement that is not ours."""
        self._lambda.add_layer_version_permission(
            StatementId=statement_id, Principal=principal, Action="lambda:GetLayerVersion", **_named(version_arn)
        )

    def withdraw(self, version_arn: str, statement_id: str):
        """Removes a statement by hand."""
        self._lambda.remove_layer_version_permission(StatementId=statement_id, **_named(version_arn))

    def policy(self, version_arn: str) -> dict[str, dict]:
        """The statements on this version, by their ids."""
        try:
            policy = self._lambda.get_layer_version_policy(**_named(version_arn))["Policy"]
        except self._lambda.exceptions.ResourceNotFoundException:
            return {}
        return {statement["Sid"]: statement for statement in json.loads(policy)["Statement"]}

    def revision(self, version_arn: str) -> str:
        return self._lambda.get_layer_version_policy(**_named(version_arn))["RevisionId"]


def _named(version_arn: str) -> dict:
    *_, name, version = version_arn.split(":")
    return {"LayerName": name, "VersionNumber": int(version)}
