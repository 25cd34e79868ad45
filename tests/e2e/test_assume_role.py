"""`RoleArn`: a layer of another account is shared by a role there, and by nothing else."""

import pytest

from local_aws import ACCOUNT
from templates import OTHER_PARTNER, PARTNER, sharing

FOREIGN = "somebody-elses"


@pytest.fixture
def by_role(owners, provider):
    """What a resource gives to share a layer of theirs; the provider is allowed to assume the role."""
    with provider.redeployed(AssumableRoles=owners.role):
        yield {"RoleArn": owners.role, "ExternalId": owners.external_id}


def test_every_version_of_a_cross_account_layer_is_shared(stack, owners, by_role):
    layer = owners.layer("tools-of-theirs")
    versions = [layer.publish(), layer.publish()]
    layer.share(versions[0], FOREIGN, "999988887777")
    everything = {"LayerVersionArn": versions[1], "Versions": "All", "StatementId": "partners", **by_role}

    assert stack.create(sharing(**everything, Principals=[PARTNER, OTHER_PARTNER])) == "CREATE_COMPLETE"
    assert [layer.may_be_used_by(PARTNER, version) for version in versions] == [True, True]
    assert stack.update(sharing(**everything, Principals=[OTHER_PARTNER])) == "UPDATE_COMPLETE"
    assert [layer.may_be_used_by(PARTNER, version) for version in versions] == [False, False]
    assert [layer.may_be_used_by(OTHER_PARTNER, version) for version in versions] == [True, True]
    assert stack.delete() == "DELETE_COMPLETE"
    assert [layer.policy(version).keys() for version in versions] == [{FOREIGN}, set()]


def test_layer_outside_the_role_is_access_denied_and_names_the_role(provider, stack, owners, by_role):
    version = owners.layer("private").publish()
    with provider.configured(timeout=4):
        assert stack.create(sharing(LayerVersionArn=version, Principal=PARTNER, **by_role)) == "ROLLBACK_COMPLETE"

    reason = stack.reason("Sharing")
    assert "access denied" in reason
    assert by_role["RoleArn"] in reason


def test_cross_account_layer_without_role_is_access_denied(provider, stack, owners):
    version = owners.layer("tools-of-theirs").publish()
    with provider.configured(timeout=4):
        assert stack.create(sharing(LayerVersionArn=version, Principal=PARTNER)) == "ROLLBACK_COMPLETE"

    assert "access denied" in stack.reason("Sharing")


@pytest.mark.parametrize("account", [ACCOUNT, PARTNER])
def test_role_can_be_assumed_only_by_the_provider(engine, owners, account):
    sts = engine.client("sts", account=account)
    with pytest.raises(sts.exceptions.ClientError, match="AccessDenied"):
        sts.assume_role(RoleArn=owners.role, RoleSessionName="somebody", ExternalId=owners.external_id)


def test_delete_fails_while_the_role_cannot_be_assumed_and_succeeds_on_retry(provider, stack, owners):
    layer = owners.layer("tools-of-theirs")
    version = layer.publish()
    by_role = {"RoleArn": owners.role, "ExternalId": owners.external_id}
    with provider.redeployed(AssumableRoles=owners.role):
        stack.create(sharing(LayerVersionArn=version, Principal=PARTNER, **by_role))

    assert stack.delete() == "DELETE_FAILED"
    assert "role not assumable" in stack.reason("Sharing")
    assert layer.may_be_used_by(PARTNER, version)

    with provider.redeployed(AssumableRoles=owners.role):
        assert stack.delete() == "DELETE_COMPLETE"
    assert layer.policy(version) == {}
