"""A layer and the policies of its versions."""

import io
import json
import zipfile

from local_aws import LocalAws


def layer_content() -> bytes:
    """An empty zip."""
    content = io.BytesIO()
    zipfile.ZipFile(content, "w").close()
    return content.getvalue()


class Layer:
    def __init__(self, aws: LocalAws, name: str, **client: str):
        """`client` may give another region or account."""
        self._aws, self._lambda = aws, aws.client("lambda", **client)
        self.name = name

    def publish(self) -> str:
        """The ARN of a new version."""
        published = self._lambda.publish_layer_version(LayerName=self.name, Content={"ZipFile": layer_content()})
        return published["LayerVersionArn"]

    def versions(self) -> list[str]:
        """The ARNs of its versions, oldest first."""
        pages = self._lambda.get_paginator("list_layer_versions").paginate(LayerName=self.name)
        return [version["LayerVersionArn"] for page in pages for version in page["LayerVersions"]][::-1]

    @property
    def arn(self) -> str:
        return self.versions()[0].rpartition(":")[0]

    def add_statement(self, version_arn: str, statement_id: str, principal: str):
        """Adds a statement out of band, which the provider does not own."""
        self._lambda.add_layer_version_permission(
            StatementId=statement_id, Principal=principal, Action="lambda:GetLayerVersion", **_version(version_arn)
        )

    def remove_statement(self, version_arn: str, statement_id: str):
        """Removes a statement out of band."""
        self._lambda.remove_layer_version_permission(StatementId=statement_id, **_version(version_arn))

    def policy(self, version_arn: str) -> dict[str, dict]:
        """The statements in the policy of this version, by id."""
        try:
            policy = self._lambda.get_layer_version_policy(**_version(version_arn))["Policy"]
        except self._lambda.exceptions.ResourceNotFoundException:
            return {}
        return {statement["Sid"]: statement for statement in json.loads(policy)["Statement"]}

    def is_usable_by(self, account: str, version_arn: str) -> bool:
        """Whether GetLayerVersionByArn succeeds for this account."""
        client = self._aws.client("lambda", account=account)
        try:
            client.get_layer_version_by_arn(Arn=version_arn)
        except client.exceptions.ClientError as error:
            assert error.response["Error"]["Code"] == "AccessDeniedException", error
            return False
        return True

    def revision_id(self, version_arn: str) -> str:
        return self._lambda.get_layer_version_policy(**_version(version_arn))["RevisionId"]


def _version(version_arn: str) -> dict:
    *_, name, version = version_arn.split(":")
    return {"LayerName": name, "VersionNumber": int(version)}
