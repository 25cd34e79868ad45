"""The provider's own stack: redeployed, and with a grant in the same template."""

from provider import package
from response_endpoint import HOST
from stack import Stack
from templates import PARTNER, sharing_template


def test_service_token_is_unchanged_by_redeployment(provider, stack, layer):
    token, version = provider.service_token, layer.publish()
    with provider.with_parameters(AllowPublic="true", Timeout="90", MemorySize="256", Runtime="provided.al2023"):
        assert provider.service_token == token
        assert stack.create(sharing_template(LayerVersionArn=version, Principal=PARTNER)) == "CREATE_COMPLETE"
    assert provider.service_token == token
    assert stack.delete() == "DELETE_COMPLETE"
    assert layer.policy(version) == {}


def test_stack_with_provider_and_grant_deletes_the_grant_first(aws, layer):
    version = layer.publish()
    stack = Stack(aws, "provider-and-grant")
    parameters = {"FunctionName": "provider-and-grant", "ResponseHosts": f"http://{HOST}"}
    assert stack.create(with_grant(package(aws), version), **parameters) == "CREATE_COMPLETE"
    assert [statement["Principal"]["AWS"] for statement in layer.policy(version).values()] == [f"arn:aws:iam::{PARTNER}:root"]
    assert stack.delete() == "DELETE_COMPLETE"
    assert layer.policy(version) == {}


def with_grant(template: str, version: str) -> str:
    """Adds a grant to the provider's template, with the ServiceToken of the same template."""
    share = f"""
  Share:
    Type: Custom::LayerVersionPermission
    Properties:
      ServiceToken: !GetAtt Provider.Arn
      ServiceTimeout: 60
      LayerVersionArn: {version}
      Principal: '{PARTNER}'

Outputs:
"""
    before, outputs = template.split("\nOutputs:\n")
    return before + share + outputs
