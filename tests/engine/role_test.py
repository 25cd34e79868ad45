"""`RoleArn`: a layer of another account is shared by a role there, and by nothing else."""

import pytest

from engine import ACCOUNT
from templates import OTHER_PARTNER, PARTNER, sharing

FOREIGN = "somebody-elses"


@pytest.fixture
def by_role(owners, provider):
    """What a resource gives to share a layer of theirs; the provider is allowed to assume the role."""
    with provider.redeployed(AssumableRoles=owners.role):
        yield {"RoleArn": owners.role, "ExternalId": owners.external_id}


def every_version_of_another_accounts_layer_is_shared(stack, owners, by_role):
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


def a_layer_that_the_role_may_not_share_is_refused_by_name_of_the_role(provider, stack, owners, by_role):
    version = owners.layer("private").publish()
    with provider.configured(timeout=4):
        assert stack.create(sharing(LayerVersionArn=version, Principal=PARTNER, **by_role)) == "ROLLBACK_COMPLETE"

    reason = stack.reason("Sharing")
    assert "access denied" in reason
    assert by_role["RoleArn"] in reason


def a_layer_of_another_account_is_refused_without_a_role(provider, stack, owners):
    version = owners.layer("tools-of-theirs").publish()
    with provider.configured(timeout=4):
        assert stack.create(sharing(LayerVersionArn=version, Principal=PARTNER)) == "ROLLBACK_COMPLETE"

    assert "access denied" in stack.reason("Sharing")


@pytest.mark.parametrize("account", [ACCOUNT, PARTNER])
def the_role_lets_in_nobody_but_the_provider(engine, owners, account):
    sts = engine.client("sts", account=account)
    with pytest.raises(sts.exceptions.ClientError, match="AccessDenied"):
        sts.assume_role(RoleArn=owners.role, RoleSessionName="somebody", ExternalId=owners.external_id)


def a_delete_fails_while_the_role_is_out_of_reach_and_is_made_up_for_later(provider, stack, owners):
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
