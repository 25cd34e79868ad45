"""Guardrails: grants that the provider's parameters deny fail, and a revoke is never denied."""

import pytest

from templates import ORGANIZATION, OTHER_PARTNER, PARTNER, sharing_template


@pytest.fixture
def version(layer):
    return layer.publish()


def create_failure(stack, template: dict) -> str:
    """Creates the stack, which is rolled back, and returns the reason."""
    assert stack.create(template) == "ROLLBACK_COMPLETE"
    return stack.failure_reason("Sharing")


def test_public_grant_is_denied_unless_allow_public_is_set(provider, aws, stack, layer, version):
    public = sharing_template(LayerVersionArn=version, Principal="*", StatementId="everybody")
    assert "public grant not allowed: got `*`" in create_failure(stack, public)
    assert layer.policy(version) == {}
    stack.delete()

    with provider.with_parameters(AllowPublic="true"):
        assert stack.create(public) == "CREATE_COMPLETE"
    assert layer.policy(version)["everybody"]["Principal"] == "*"
    assert stack.delete() == "DELETE_COMPLETE"
    assert layer.policy(version) == {}


def test_principal_is_denied_unless_allowed_principals_lists_it(provider, stack, layer, version):
    allowed = sharing_template(LayerVersionArn=version, Principals=[PARTNER, ORGANIZATION], StatementId="partners")
    with provider.with_parameters(AllowedPrincipals=f"{PARTNER}, {ORGANIZATION}"):
        assert stack.create(allowed) == "CREATE_COMPLETE"
        policy = layer.policy(version)

        more = sharing_template(LayerVersionArn=version, Principals=[PARTNER, OTHER_PARTNER, "*"], StatementId="partners")
        assert stack.update(more) == "UPDATE_ROLLBACK_COMPLETE"
        reason = stack.failure_reason("Sharing")
        assert f"principal not allowed: got `{OTHER_PARTNER}`" in reason
        assert "public grant not allowed" in reason
        assert layer.policy(version) == policy


def test_delete_succeeds_after_a_guardrail_denies_the_principal(provider, stack, layer, version):
    stack.create(sharing_template(LayerVersionArn=version, Principal=PARTNER))
    with provider.with_parameters(AllowedPrincipals=OTHER_PARTNER):
        assert stack.delete() == "DELETE_COMPLETE"

    assert layer.policy(version) == {}


def test_invalid_guardrail_denies_grants_but_not_deletes(provider, aws, stack, layer, version):
    stack.create(sharing_template(LayerVersionArn=version, Principal=PARTNER, StatementId="partner"))
    # Set out of band, so the patterns of the template's parameters do not apply.
    with provider.with_configuration(ALLOW_PUBLIC="yes", ALLOWED_PRINCIPALS="1234"):
        assert stack.update(sharing_template(LayerVersionArn=version, Principal=OTHER_PARTNER)) == "UPDATE_ROLLBACK_COMPLETE"
        reason = stack.failure_reason("Sharing")
        assert "invalid guardrail: got `ALLOW_PUBLIC` = `yes`" in reason
        assert "invalid guardrail: got `ALLOWED_PRINCIPALS` with `1234`" in reason
        assert layer.policy(version).keys() == {"partner"}
        assert stack.delete() == "DELETE_COMPLETE"

    assert layer.policy(version) == {}


@pytest.mark.parametrize(
    ("parameter", "value"),
    [
        ("AllowPublic", "yes"),
        ("AllowedPrincipals", "1234"),
        ("AllowedPrincipals", f"{PARTNER};{OTHER_PARTNER}"),
        ("AllowedPrincipals", "everybody"),
        ("AssumableRoles", "*"),
        ("AssumableRoles", f"arn:aws:iam::{PARTNER}:role/*"),
        ("AssumableRoles", f"arn:aws:iam::{PARTNER}:root"),
        ("ResponseHosts", "ftp://example.com"),
        ("ResponseHosts", "example.com:http"),
        ("ResponseHosts", "http://example.com/path"),
        ("ResponseHosts", "*"),
    ],
)
def test_invalid_guardrail_parameter_is_rejected_by_the_template(aws, provider, parameter, value):
    client_error = aws.client("cloudformation").exceptions.ClientError
    with pytest.raises(client_error, match=parameter), provider.with_parameters(**{parameter: value}):
        pass


@pytest.mark.parametrize(
    ("parameter", "value"),
    [
        ("AllowedPrincipals", f"arn:aws:iam::{PARTNER}:root,{OTHER_PARTNER}, {ORGANIZATION},*"),
        ("AssumableRoles", f"arn:aws:iam::{PARTNER}:role/layers, arn:aws-cn:iam::{PARTNER}:role/a/path/role+=.@-_1"),
        ("ResponseHosts", "http://127.0.0.2,amazonaws.com, .example.internal,http://localhost:4566/, https://localhost:8443"),
    ],
)
def test_valid_guardrail_parameter_is_accepted_by_the_template(provider, parameter, value):
    with provider.with_parameters(**{parameter: value}):
        pass


@pytest.mark.parametrize("versions", ["This", "All"])
def test_layer_outside_layer_names_is_access_denied(provider, stack, layer, version, versions):
    template = sharing_template(LayerVersionArn=version, Principal=PARTNER, Versions=versions)
    with provider.with_parameters(LayerNames="other-*"), provider.with_configuration(timeout=4):
        assert stack.create(template) == "ROLLBACK_COMPLETE"
    assert "access denied" in stack.failure_reason("Sharing")

    with provider.with_parameters(LayerNames=layer.name):
        stack.delete()
        assert stack.create(template) == "CREATE_COMPLETE"
        assert stack.delete() == "DELETE_COMPLETE"
    assert layer.policy(version) == {}
