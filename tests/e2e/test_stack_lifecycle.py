"""The lifecycle of a stack with one `Custom::LayerVersionPermission`: create, update, replace, roll back, delete."""

import json

import pytest

from layer import Layer
from provider import Provider
from stack import Stack
from templates import NOT_OWNED, ORGANIZATION, OTHER_PARTNER, PARTNER, sharing_template, with_failing_resource, without_resource


def account(id: str) -> dict:
    return {"AWS": f"arn:aws:iam::{id}:root"}


def principals(policy: dict) -> list:
    return [statement["Principal"] for statement in policy.values()]


@pytest.fixture
def version(layer):
    return layer.publish()


@pytest.fixture
def shared(stack, layer, version):
    """A stack that shares the version with the partner under an explicit statement id; the policy has a statement not owned, too."""
    layer.add_statement(version, NOT_OWNED, "999988887777")
    template = sharing_template(LayerVersionArn=version, Principal=PARTNER, StatementId="partner")
    assert stack.create(template) == "CREATE_COMPLETE"
    return stack


def test_create_shares_the_layer_version(stack, layer, version):
    assert stack.create(sharing_template(LayerVersionArn=version, Principal=PARTNER, StatementId="partner")) == "CREATE_COMPLETE"

    statement = {
        "Sid": "partner",
        "Effect": "Allow",
        "Principal": account(PARTNER),
        "Action": "lambda:GetLayerVersion",
        "Resource": version,
    }
    assert layer.policy(version) == {"partner": statement}
    outputs = stack.outputs
    assert outputs["Ref"] == outputs["Id"] == f"{version}#partner"
    assert outputs["LayerVersionArn"] == version
    assert outputs["StatementId"] == outputs["StatementIds"] == "partner"
    assert json.loads(outputs["Statement"]) == statement
    assert outputs["RevisionId"] == layer.revision_id(version)


def test_create_without_statement_id_derives_one(stack, layer, version):
    stack.create(sharing_template(LayerVersionArn=version, Principal=PARTNER))

    (statement_id,) = layer.policy(version)
    assert statement_id.startswith("Sharing-")
    assert stack.outputs["Ref"] == f"{version}#{statement_id}"


def test_create_for_an_organization_adds_a_condition(stack, layer, version):
    stack.create(sharing_template(LayerVersionArn=version, Principal="*", OrganizationId=ORGANIZATION, StatementId="organization"))

    statement = layer.policy(version)["organization"]
    assert statement["Principal"] == "*"
    assert statement["Condition"] == {"StringEquals": {"aws:PrincipalOrgID": ORGANIZATION}}


def test_principal_list_has_one_statement_each_and_updates_change_only_the_difference(stack, layer, version):
    layer.add_statement(version, NOT_OWNED, "999988887777")
    listed = [PARTNER, ORGANIZATION]
    assert stack.create(sharing_template(LayerVersionArn=version, Principals=listed, StatementId="partners")) == "CREATE_COMPLETE"
    ref = f"{version}#partners"
    assert stack.outputs["Ref"] == ref
    assert set(layer.policy(version)) == {NOT_OWNED, f"partners-{PARTNER}", f"partners-{ORGANIZATION}"}

    changed = f"{OTHER_PARTNER},{ORGANIZATION}"
    assert stack.update(sharing_template(LayerVersionArn=version, Principals=changed, StatementId="partners")) == "UPDATE_COMPLETE"
    assert stack.outputs["Ref"] == ref
    assert set(layer.policy(version)) == {NOT_OWNED, f"partners-{OTHER_PARTNER}", f"partners-{ORGANIZATION}"}

    assert stack.delete() == "DELETE_COMPLETE"
    assert set(layer.policy(version)) == {NOT_OWNED}


def test_create_by_layer_name_and_version_number(stack, layer, version):
    stack.create(sharing_template(LayerName=layer.name, VersionNumber=1, Principal=PARTNER, StatementId="partner"))

    assert stack.outputs["Ref"] == f"{version}#partner"
    assert principals(layer.policy(version)) == [account(PARTNER)]


def test_create_by_layer_arn_and_version_number(stack, layer, version):
    layer_arn = version.removesuffix(":1")
    stack.create(sharing_template(LayerName=layer_arn, VersionNumber="1", Principal=PARTNER, StatementId="partner"))

    assert stack.outputs["Ref"] == f"{version}#partner"
    assert principals(layer.policy(version)) == [account(PARTNER)]


def test_update_of_principal_replaces_a_derived_statement(stack, layer, version):
    stack.create(sharing_template(LayerVersionArn=version, Principal=PARTNER))
    before = stack.outputs["Ref"]

    assert stack.update(sharing_template(LayerVersionArn=version, Principal=OTHER_PARTNER)) == "UPDATE_COMPLETE"

    assert stack.outputs["Ref"] != before
    assert principals(layer.policy(version)) == [account(OTHER_PARTNER)]


def test_update_of_principal_keeps_an_explicit_statement_id(shared, layer, version):
    before = shared.outputs["Ref"]
    template = sharing_template(LayerVersionArn=version, Principal=OTHER_PARTNER, StatementId="partner")

    assert shared.update(template) == "UPDATE_COMPLETE"

    assert shared.outputs["Ref"] == before
    assert layer.policy(version)["partner"]["Principal"] == account(OTHER_PARTNER)
    assert layer.policy(version).keys() == {"partner", NOT_OWNED}


def test_update_to_another_layer_version_replaces_the_resource(shared, layer, version):
    next_version = layer.publish()
    template = sharing_template(LayerVersionArn=next_version, Principal=PARTNER, StatementId="partner")

    assert shared.update(template) == "UPDATE_COMPLETE"

    assert shared.outputs["Ref"] == f"{next_version}#partner"
    assert layer.policy(next_version).keys() == {"partner"}
    assert layer.policy(version).keys() == {NOT_OWNED}


def test_update_restores_a_statement_removed_out_of_band(shared, layer, version):
    layer.remove_statement(version, "partner")
    template = sharing_template(LayerVersionArn=version, Principal=PARTNER, StatementId="partner", Nonce="2")

    assert shared.update(template) == "UPDATE_COMPLETE"

    assert layer.policy(version).keys() == {"partner", NOT_OWNED}


@pytest.mark.parametrize(
    "change",
    [
        pytest.param({"Principal": OTHER_PARTNER, "StatementId": "partner"}, id="same statement id"),
        pytest.param({"Principal": OTHER_PARTNER}, id="derived statement id"),
    ],
)
def test_update_is_rolled_back_when_another_resource_fails(shared, layer, version, change):
    policy, ref = layer.policy(version), shared.outputs["Ref"]

    status = shared.update(with_failing_resource(sharing_template(LayerVersionArn=version, **change)))

    assert status == "UPDATE_ROLLBACK_COMPLETE"
    assert layer.policy(version) == policy
    assert shared.outputs["Ref"] == ref


def test_failed_update_is_rolled_back(shared, layer, version):
    policy = layer.policy(version)

    status = shared.update(sharing_template(LayerVersionArn=version, Principal="everybody", StatementId="partner"))

    assert status == "UPDATE_ROLLBACK_COMPLETE"
    assert layer.policy(version) == policy


def test_delete_keeps_statements_not_owned(shared, layer, version):
    policy = layer.policy(version)
    assert policy.pop("partner")

    assert shared.delete() == "DELETE_COMPLETE"

    assert layer.policy(version) == policy


def test_delete_succeeds_after_the_statement_was_removed_out_of_band(shared, layer, version):
    layer.remove_statement(version, "partner")

    assert shared.delete() == "DELETE_COMPLETE"


def test_delete_keeps_a_foreign_statement_under_the_same_id(shared, layer, version):
    layer.remove_statement(version, "partner")
    layer.add_statement(version, "partner", OTHER_PARTNER)

    assert shared.delete() == "DELETE_COMPLETE"

    assert layer.policy(version)["partner"]["Principal"] == account(OTHER_PARTNER)


def test_create_fails_if_the_statement_id_is_already_in_use(stack, layer, version):
    layer.add_statement(version, "partner", OTHER_PARTNER)
    policy = layer.policy(version)

    status = stack.create(sharing_template(LayerVersionArn=version, Principal=PARTNER, StatementId="partner"))

    assert status == "ROLLBACK_COMPLETE"
    assert OTHER_PARTNER in stack.failure_reason("Sharing")
    assert layer.policy(version) == policy
    assert stack.delete() == "DELETE_COMPLETE"
    assert layer.policy(version) == policy


def test_create_is_rolled_back_when_another_resource_fails(stack, layer, version):
    status = stack.create(with_failing_resource(sharing_template(LayerVersionArn=version, Principal=PARTNER)))

    assert status == "ROLLBACK_COMPLETE"
    assert layer.policy(version) == {}


def test_deletion_policy_retain_keeps_the_statement(stack, layer, version):
    template = sharing_template({"DeletionPolicy": "Retain"}, LayerVersionArn=version, Principal=PARTNER, StatementId="partner")
    stack.create(template)

    assert stack.update(without_resource(template, "Sharing")) == "UPDATE_COMPLETE"
    assert stack.delete() == "DELETE_COMPLETE"

    assert layer.policy(version).keys() == {"partner"}


def test_update_replace_policy_retain_keeps_the_statement(stack, layer, version):
    policies = {"UpdateReplacePolicy": "Retain"}
    stack.create(sharing_template(policies, LayerVersionArn=version, Principal=PARTNER))
    stack.update(sharing_template(policies, LayerVersionArn=version, Principal=OTHER_PARTNER))

    assert principals(layer.policy(version)) == [account(PARTNER), account(OTHER_PARTNER)]
    assert stack.delete() == "DELETE_COMPLETE"
    assert principals(layer.policy(version)) == [account(PARTNER)]


def test_update_that_removes_the_resource_revokes_the_statement(shared, layer, version):
    template = sharing_template(LayerVersionArn=version, Principal=PARTNER, StatementId="partner")

    assert shared.update(without_resource(template, "Sharing")) == "UPDATE_COMPLETE"

    assert layer.policy(version).keys() == {NOT_OWNED}


def test_two_stacks_derive_different_statement_ids_for_the_same_principal(aws, stack, layer, version):
    second = Stack(aws, f"second-{stack.name}")
    template = sharing_template(LayerVersionArn=version, Principal=PARTNER)
    stack.create(template)
    second.create(template)
    assert len(layer.policy(version)) == 2

    stack.delete()

    assert list(layer.policy(version)) == [second.outputs["StatementId"]]
    second.delete()


def test_ten_concurrent_grants_on_one_layer_version_succeed(stack, layer, version):
    one = sharing_template(LayerVersionArn=version, Principal=PARTNER)["Resources"]["Sharing"]
    ten = {"Resources": {f"Sharing{number}": one for number in range(10)}}

    assert stack.create(ten) == "CREATE_COMPLETE"
    assert len(layer.policy(version)) == 10
    assert stack.delete() == "DELETE_COMPLETE"
    assert layer.policy(version) == {}


def test_service_token_can_be_passed_directly(provider, stack, layer, version):
    template = sharing_template(LayerVersionArn=version, Principal=PARTNER, ServiceToken=provider.service_token)

    assert stack.create(template) == "CREATE_COMPLETE"
    assert len(layer.policy(version)) == 1


def test_cloudformation_custom_resource_type_is_supported(stack, layer, version):
    template = sharing_template(LayerVersionArn=version, Principal=PARTNER)
    template["Resources"]["Sharing"]["Type"] = "AWS::CloudFormation::CustomResource"

    assert stack.create(template) == "CREATE_COMPLETE"
    assert stack.delete() == "DELETE_COMPLETE"
    assert layer.policy(version) == {}


def test_layer_in_another_region_is_shared(aws, stack):
    other_region = Layer(aws, "tools-other-region", region="us-west-2")
    version = other_region.publish()

    assert stack.create(sharing_template(LayerVersionArn=version, Principal=PARTNER)) == "CREATE_COMPLETE"
    assert principals(other_region.policy(version)) == [account(PARTNER)]
    assert stack.delete() == "DELETE_COMPLETE"
    assert other_region.policy(version) == {}


@pytest.mark.parametrize("runtime", ["provided.al2", "provided.al2023"])
def test_provider_runs_on_both_runtimes(aws, layer, version, runtime):
    name = runtime.replace(".", "-")
    provider = Provider(aws, FunctionName=name, Runtime=runtime)
    configuration = aws.client("lambda").get_function_configuration(FunctionName=name)
    assert configuration["Runtime"] == runtime
    user = Stack(aws, f"user-of-{name}")
    template = sharing_template(ServiceToken={"Fn::ImportValue": f"{name}-ServiceToken"}, LayerVersionArn=version, Principal=PARTNER)

    assert user.create(template) == "CREATE_COMPLETE"
    assert principals(layer.policy(version)) == [account(PARTNER)]
    assert user.delete() == "DELETE_COMPLETE"
    assert provider.stack.delete() == "DELETE_COMPLETE"
