"""`RoleArn`: a layer of another account is shared by assuming a role of that account, and not otherwise."""

import pytest

from local_aws import ACCOUNT
from templates import NOT_OWNED, OTHER_PARTNER, PARTNER, sharing_template


@pytest.fixture
def role_properties(layer_owner, provider):
    """The properties for a layer of the layer owner, whose role the provider may assume."""
    with provider.with_parameters(AssumableRoles=layer_owner.role):
        yield {"RoleArn": layer_owner.role, "ExternalId": layer_owner.external_id}


def test_every_version_of_a_cross_account_layer_is_shared(stack, layer_owner, role_properties):
    layer = layer_owner.layer("tools-of-the-owner")
    versions = [layer.publish(), layer.publish()]
    layer.add_statement(versions[0], NOT_OWNED, "999988887777")
    common = {"LayerVersionArn": versions[1], "Versions": "All", "StatementId": "partners", **role_properties}

    assert stack.create(sharing_template(**common, Principals=[PARTNER, OTHER_PARTNER])) == "CREATE_COMPLETE"
    assert [layer.is_usable_by(PARTNER, version) for version in versions] == [True, True]
    assert stack.update(sharing_template(**common, Principals=[OTHER_PARTNER])) == "UPDATE_COMPLETE"
    assert [layer.is_usable_by(PARTNER, version) for version in versions] == [False, False]
    assert [layer.is_usable_by(OTHER_PARTNER, version) for version in versions] == [True, True]
    assert stack.delete() == "DELETE_COMPLETE"
    assert [layer.policy(version).keys() for version in versions] == [{NOT_OWNED}, set()]


def test_layer_outside_the_role_is_access_denied_and_names_the_role(provider, stack, layer_owner, role_properties):
    version = layer_owner.layer("private").publish()
    with provider.with_configuration(timeout=4):
        assert stack.create(sharing_template(LayerVersionArn=version, Principal=PARTNER, **role_properties)) == "ROLLBACK_COMPLETE"

    reason = stack.failure_reason("Sharing")
    assert "access denied" in reason
    assert role_properties["RoleArn"] in reason


def test_cross_account_layer_without_role_is_access_denied(provider, stack, layer_owner):
    version = layer_owner.layer("tools-of-the-owner").publish()
    with provider.with_configuration(timeout=4):
        assert stack.create(sharing_template(LayerVersionArn=version, Principal=PARTNER)) == "ROLLBACK_COMPLETE"

    assert "access denied" in stack.failure_reason("Sharing")


@pytest.mark.parametrize("account", [ACCOUNT, PARTNER])
def test_role_can_be_assumed_only_by_the_provider(aws, layer_owner, account):
    sts = aws.client("sts", account=account)
    with pytest.raises(sts.exceptions.ClientError, match="AccessDenied"):
        sts.assume_role(RoleArn=layer_owner.role, RoleSessionName="not-the-provider", ExternalId=layer_owner.external_id)


def test_delete_fails_while_the_role_cannot_be_assumed_and_succeeds_on_retry(provider, stack, layer_owner):
    layer = layer_owner.layer("tools-of-the-owner")
    version = layer.publish()
    role_properties = {"RoleArn": layer_owner.role, "ExternalId": layer_owner.external_id}
    with provider.with_parameters(AssumableRoles=layer_owner.role):
        stack.create(sharing_template(LayerVersionArn=version, Principal=PARTNER, **role_properties))

    assert stack.delete() == "DELETE_FAILED"
    assert "cannot assume role" in stack.failure_reason("Sharing")
    assert layer.is_usable_by(PARTNER, version)

    with provider.with_parameters(AssumableRoles=layer_owner.role):
        assert stack.delete() == "DELETE_COMPLETE"
    assert layer.policy(version) == {}
