"""An IAM user who creates and configures functions, as far as policies allow."""

import boto3

from layer import layer_content
from local_aws import REGION, LocalAws


class IamUser:
    def __init__(self, aws: LocalAws, name: str, role: str):
        """`role` is the execution role of the functions."""
        self._iam, self._admin = aws.client("iam"), aws.client("lambda")
        self._iam.create_user(UserName=name)
        self._key = self._iam.create_access_key(UserName=name)["AccessKey"]
        credentials = {"aws_access_key_id": self._key["AccessKeyId"], "aws_secret_access_key": self._key["SecretAccessKey"]}
        self._lambda = boto3.client("lambda", endpoint_url=aws.url, region_name=REGION, **credentials)
        self._name, self._policies = name, []
        self._function = {"Runtime": "provided.al2023", "Handler": "any", "Code": {"ZipFile": layer_content()}, "Role": role}
        self._admin.create_function(FunctionName=f"{name}-old", **self._function)

    def attach_policy(self, policy_arn: str):
        self._iam.attach_user_policy(UserName=self._name, PolicyArn=policy_arn)
        self._policies.append(policy_arn)

    def can_use_layers(self, layers: list[str] | None) -> bool:
        """Whether the user can create a function with these layers, and add them to an existing one. `None` omits the parameter."""
        arguments = {} if layers is None else {"Layers": layers}
        new, old = f"{self._name}-new", f"{self._name}-old"
        created = self._is_allowed(self._lambda.create_function, FunctionName=new, **self._function, **arguments)
        if created:
            self._admin.delete_function(FunctionName=new)
        configured = self._is_allowed(self._lambda.update_function_configuration, FunctionName=old, Description="other", **arguments)
        assert created == configured, f"created: {created}, configured: {configured}"
        return created

    def can_get_layer(self, version_arn: str) -> bool:
        layer, version = version_arn.rsplit(":", 1)
        return self._is_allowed(self._lambda.get_layer_version, LayerName=layer, VersionNumber=int(version))

    def can_share(self, layer: str, version: int, function: str) -> bool:
        """Whether the user can share a layer version and a function with an account."""
        statement = {"StatementId": self._name, "Principal": "111122223333"}
        layer_version = {"LayerName": layer, "VersionNumber": version}
        shared = self._is_allowed(self._lambda.add_layer_version_permission, Action="lambda:GetLayerVersion", **layer_version, **statement)
        if shared:
            self._admin.remove_layer_version_permission(StatementId=self._name, **layer_version)
        granted = self._is_allowed(self._lambda.add_permission, FunctionName=function, Action="lambda:InvokeFunction", **statement)
        if granted:
            self._admin.remove_permission(FunctionName=function, StatementId=self._name)
        assert shared == granted, f"shared: {shared}, granted: {granted}"
        return shared

    def _is_allowed(self, call, **arguments) -> bool:
        try:
            call(**arguments)
        except self._lambda.exceptions.ClientError as error:
            assert error.response["Error"]["Code"] == "AccessDeniedException", error
            return False
        return True

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._admin.delete_function(FunctionName=f"{self._name}-old")
        for arn in self._policies:
            self._iam.detach_user_policy(UserName=self._name, PolicyArn=arn)
        self._iam.delete_access_key(UserName=self._name, AccessKeyId=self._key["AccessKeyId"])
        self._iam.delete_user(UserName=self._name)
