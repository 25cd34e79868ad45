"""A function, its aliases and versions, and their policies."""

import functools
import io
import json
import zipfile

from local_aws import LocalAws

TRUST = {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}


@functools.cache
def role_of_functions(aws: LocalAws) -> str:
    """The ARN of an execution role without permissions."""
    document = json.dumps({"Version": "2012-10-17", "Statement": [TRUST]})
    return aws.client("iam").create_role(RoleName="functions", AssumeRolePolicyDocument=document)["Role"]["Arn"]


class Function:
    def __init__(self, aws: LocalAws, name: str, **client: str):
        """`client` may give another region."""
        self._lambda, self._role = aws.client("lambda", **client), role_of_functions(aws)
        self.name = name

    @staticmethod
    def code() -> bytes:
        """A zip with a handler."""
        content = io.BytesIO()
        with zipfile.ZipFile(content, "w") as archive:
            archive.writestr("index.py", "def handler(event, context):\n    return event\n")
        return content.getvalue()

    def create(self) -> str:
        """Creates it, and returns its ARN."""
        created = self._lambda.create_function(
            FunctionName=self.name, Runtime="python3.12", Handler="index.handler", Role=self._role, Code={"ZipFile": self.code()}
        )
        return created["FunctionArn"]

    def delete(self):
        self._lambda.delete_function(FunctionName=self.name)

    def publish_alias(self, alias: str) -> str:
        """Publishes a version with an alias, and returns the alias' ARN."""
        version = self._lambda.publish_version(FunctionName=self.name)["Version"]
        return self._lambda.create_alias(FunctionName=self.name, Name=alias, FunctionVersion=version)["AliasArn"]

    def add_statement(self, statement_id: str, principal: str, **parameters: str):
        """Adds a statement out of band, which the provider does not own."""
        self._lambda.add_permission(
            **{"FunctionName": self.name, "StatementId": statement_id, "Principal": principal, "Action": "lambda:InvokeFunction", **parameters}
        )

    def policy(self, qualifier: str | None = None) -> dict[str, dict]:
        """The statements of its policy, or of that of a qualifier, by id."""
        qualified = {"Qualifier": qualifier} if qualifier else {}
        try:
            policy = self._lambda.get_policy(FunctionName=self.name, **qualified)["Policy"]
        except self._lambda.exceptions.ResourceNotFoundException:
            return {}
        return {statement["Sid"]: statement for statement in json.loads(policy)["Statement"]}

    def revision_id(self) -> str:
        return self._lambda.get_policy(FunctionName=self.name)["RevisionId"]
