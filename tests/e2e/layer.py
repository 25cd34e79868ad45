"""A layer, and what its policies say."""

import io
import json
import zipfile

from local_aws import Engine


def layer_content() -> bytes:
    """An archive without files."""
    content = io.BytesIO()
    zipfile.ZipFile(content, "w").close()
    return content.getvalue()


class Layer:
    def __init__(self, engine: Engine, name: str, **where: str):
        self._engine, self._lambda = engine, engine.client("lambda", **where)
        self.name = name

    def publish(self) -> str:
        """The ARN of a new version."""
        made = self._lambda.publish_layer_version(LayerName=self.name, Content={"ZipFile": layer_content()})
        return made["LayerVersionArn"]

    def versions(self) -> list[str]:
        """The ARNs of its versions, oldest first."""
        pages = self._lambda.get_paginator("list_layer_versions").paginate(LayerName=self.name)
        return [version["LayerVersionArn"] for page in pages for version in page["LayerVersions"]][::-1]

    @property
    def arn(self) -> str:
        return self.versions()[0].rpartition(":")[0]

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

    def may_be_used_by(self, account: str, version_arn: str) -> bool:
        """Whether the engine lets this account have it."""
        theirs = self._engine.client("lambda", account=account)
        try:
            theirs.get_layer_version_by_arn(Arn=version_arn)
        except theirs.exceptions.ClientError as error:
            assert error.response["Error"]["Code"] == "AccessDeniedException", error
            return False
        return True

    def revision(self, version_arn: str) -> str:
        return self._lambda.get_layer_version_policy(**_named(version_arn))["RevisionId"]


def _named(version_arn: str) -> dict:
    *_, name, version = version_arn.split(":")
    return {"LayerName": name, "VersionNumber": int(version)}
