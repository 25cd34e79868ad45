"""The provider's own stack: what templates rely on when it is deployed again, and when it shares a stack with what it provides."""

from provider import package
from response_endpoint import HOST
from stack import Stack
from templates import PARTNER, sharing


def test_service_token_is_unchanged_by_redeployment(provider, stack, layer):
    token, version = provider.service_token, layer.publish()
    with provider.redeployed(AllowPublic="true", Timeout="90", MemorySize="256", Runtime="provided.al2023"):
        assert provider.service_token == token
        assert stack.create(sharing(LayerVersionArn=version, Principal=PARTNER)) == "CREATE_COMPLETE"
    assert provider.service_token == token
    assert stack.delete() == "DELETE_COMPLETE"
    assert layer.policy(version) == {}


def test_stack_with_provider_and_grant_deletes_the_grant_first(engine, layer):
    version = layer.publish()
    both = Stack(engine, "provider-and-grant")
    parameters = {"FunctionName": "provider-and-grant", "ResponseHosts": f"http://{HOST}"}
    assert both.create(with_grant(package(engine), version), **parameters) == "CREATE_COMPLETE"
    assert [statement["Principal"]["AWS"] for statement in layer.policy(version).values()] == [f"arn:aws:iam::{PARTNER}:root"]
    assert both.delete() == "DELETE_COMPLETE"
    assert layer.policy(version) == {}


def with_grant(template: str, version: str) -> str:
    """The provider's template with a grant in it, which takes the ServiceToken from beside it."""
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
