"""What the operator forbids by the parameters of the provider: it is not granted, and taking access away is never refused."""

import pytest

from templates import ORGANIZATION, OTHER_PARTNER, PARTNER, sharing


@pytest.fixture
def version(layer):
    return layer.publish()


def refused(stack, template: dict) -> str:
    """Why this was not created; nothing is left of it."""
    assert stack.create(template) == "ROLLBACK_COMPLETE"
    return stack.reason("Sharing")


def test_public_grant_is_denied_unless_allow_public_is_set(provider, engine, stack, layer, version):
    public = sharing(LayerVersionArn=version, Principal="*", StatementId="everybody")
    assert "public grant not allowed: got `*`" in refused(stack, public)
    assert layer.policy(version) == {}
    stack.delete()

    with provider.redeployed(AllowPublic="true"):
        assert stack.create(public) == "CREATE_COMPLETE"
    assert layer.policy(version)["everybody"]["Principal"] == "*"
    assert stack.delete() == "DELETE_COMPLETE"
    assert layer.policy(version) == {}


def test_principal_is_denied_unless_allowed_principals_lists_it(provider, stack, layer, version):
    allowed = sharing(LayerVersionArn=version, Principals=[PARTNER, ORGANIZATION], StatementId="partners")
    with provider.redeployed(AllowedPrincipals=f"{PARTNER}, {ORGANIZATION}"):
        assert stack.create(allowed) == "CREATE_COMPLETE"
        policy = layer.policy(version)

        more = sharing(LayerVersionArn=version, Principals=[PARTNER, OTHER_PARTNER, "*"], StatementId="partners")
        assert stack.update(more) == "UPDATE_ROLLBACK_COMPLETE"
        reason = stack.reason("Sharing")
        assert f"principal not allowed: got `{OTHER_PARTNER}`" in reason
        assert "public grant not allowed" in reason
        assert layer.policy(version) == policy


def test_delete_succeeds_after_a_guardrail_denies_the_principal(provider, stack, layer, version):
    stack.create(sharing(LayerVersionArn=version, Principal=PARTNER))
    with provider.redeployed(AllowedPrincipals=OTHER_PARTNER):
        assert stack.delete() == "DELETE_COMPLETE"

    assert layer.policy(version) == {}


def test_unreadable_guardrail_denies_grants_but_not_deletes(provider, engine, stack, layer, version):
    stack.create(sharing(LayerVersionArn=version, Principal=PARTNER, StatementId="partner"))
    # Not even the template's patterns stand before what is set by hand.
    with provider.configured(ALLOW_PUBLIC="yes", ALLOWED_PRINCIPALS="1234"):
        assert stack.update(sharing(LayerVersionArn=version, Principal=OTHER_PARTNER)) == "UPDATE_ROLLBACK_COMPLETE"
        reason = stack.reason("Sharing")
        assert "guardrail unreadable: got `ALLOW_PUBLIC` = `yes`" in reason
        assert "guardrail unreadable: got `ALLOWED_PRINCIPALS` with `1234`" in reason
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
def test_invalid_guardrail_parameter_is_rejected_by_the_template(engine, provider, parameter, value):
    refusal = engine.client("cloudformation").exceptions.ClientError
    with pytest.raises(refusal, match=parameter), provider.redeployed(**{parameter: value}):
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
    with provider.redeployed(**{parameter: value}):
        pass


@pytest.mark.parametrize("versions", ["This", "All"])
def test_layer_outside_layer_names_is_access_denied(provider, stack, layer, version, versions):
    template = sharing(LayerVersionArn=version, Principal=PARTNER, Versions=versions)
    with provider.redeployed(LayerNames="other-*"), provider.configured(timeout=4):
        assert stack.create(template) == "ROLLBACK_COMPLETE"
    assert "access denied" in stack.reason("Sharing")

    with provider.redeployed(LayerNames=layer.name):
        stack.delete()
        assert stack.create(template) == "CREATE_COMPLETE"
        assert stack.delete() == "DELETE_COMPLETE"
    assert layer.policy(version) == {}
