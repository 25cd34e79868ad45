"""Stacks with `Custom::FunctionPermission`: create, update, replace, roll back, delete, and what only functions meet."""

import itertools
import json

import pytest

from access_monitor import AccessMonitor
from function import Function, role_of_functions
from templates import NOT_OWNED, ORGANIZATION, OTHER_PARTNER, PARTNER, function_template, with_failing_resource, without_resource

RULE = "arn:aws:events:eu-west-1:123456789012:rule/nightly"

_numbers = itertools.count(1)


@pytest.fixture(scope="module", autouse=True)
def functions_are_served(deployed_provider):
    with deployed_provider.with_parameters(FunctionNames="served-*"):
        yield


@pytest.fixture
def function(aws):
    function = Function(aws, f"served-{next(_numbers)}")
    function.create()
    return function


def account(id: str) -> dict:
    return {"AWS": f"arn:aws:iam::{id}:root"}


def confined_rule(name: str) -> dict:
    return {"Principal": "events.amazonaws.com", "SourceArn": RULE.replace("nightly", name)}


def test_create_grants_on_the_function_and_returns_what_the_native_type_does(stack, function):
    function.add_statement(NOT_OWNED, "999988887777")
    assert stack.create(function_template(FunctionName=function.name, Principal=PARTNER, StatementId="partner")) == "CREATE_COMPLETE"

    arn = function.policy()["partner"]["Resource"]
    statement = {"Sid": "partner", "Effect": "Allow", "Principal": account(PARTNER), "Action": "lambda:InvokeFunction", "Resource": arn}
    assert function.policy()["partner"] == statement
    outputs = stack.outputs
    assert outputs["Ref"] == f"{arn}#partner"
    assert outputs["Id"] == outputs["StatementId"] == outputs["StatementIds"] == "partner"
    assert outputs["FunctionArn"] == arn
    assert json.loads(outputs["Statement"]) == statement
    assert outputs["RevisionId"] == function.revision_id()

    assert stack.delete() == "DELETE_COMPLETE"
    assert function.policy().keys() == {NOT_OWNED}


def test_function_alias_rule_and_permission_in_one_stack(aws, stack):
    name = f"served-{next(_numbers)}"
    aws.upload("code", "function.zip", Function.code())
    template = {
        "Resources": {
            "Function": {
                "Type": "AWS::Lambda::Function",
                "Properties": {
                    "FunctionName": name,
                    "Runtime": "python3.12",
                    "Handler": "index.handler",
                    "Role": role_of_functions(aws),
                    "Code": {"S3Bucket": "code", "S3Key": "function.zip"},
                },
            },
            "Version": {"Type": "AWS::Lambda::Version", "Properties": {"FunctionName": {"Ref": "Function"}}},
            "Live": {
                "Type": "AWS::Lambda::Alias",
                "Properties": {"FunctionName": {"Ref": "Function"}, "FunctionVersion": {"Fn::GetAtt": ["Version", "Version"]}, "Name": "live"},
            },
            "Rule": {
                "Type": "AWS::Events::Rule",
                "Properties": {"ScheduleExpression": "rate(1 day)", "Targets": [{"Id": "live", "Arn": {"Ref": "Live"}}]},
            },
            "Permission": {
                "Type": "Custom::FunctionPermission",
                "Properties": {
                    "ServiceToken": {"Fn::ImportValue": "lambda-permission-provider-ServiceToken"},
                    "ServiceTimeout": 30,
                    "FunctionName": {"Ref": "Live"},
                    "Principal": "events.amazonaws.com",
                    "SourceArn": {"Fn::GetAtt": ["Rule", "Arn"]},
                },
            },
        },
        "Outputs": {
            "Id": {"Value": {"Fn::GetAtt": ["Permission", "Id"]}},
            "Ref": {"Value": {"Ref": "Permission"}},
            "Rule": {"Value": {"Fn::GetAtt": ["Rule", "Arn"]}},
        },
    }
    assert stack.create(template) == "CREATE_COMPLETE"

    function, outputs = Function(aws, name), stack.outputs
    (statement,) = function.policy("live").values()
    assert statement["Sid"] == outputs["Id"]
    assert outputs["Ref"] == f"{statement['Resource']}#{statement['Sid']}"
    assert statement["Resource"].endswith(f":{name}:live")
    assert statement["Condition"] == {"ArnLike": {"AWS:SourceArn": outputs["Rule"]}}
    assert function.policy() == {}

    assert stack.delete() == "DELETE_COMPLETE"


def test_update_replaces_a_derived_statement_and_keeps_a_given_id(stack, function):
    derived = function_template(FunctionName=function.name, **confined_rule("nightly"))
    assert stack.create(derived) == "CREATE_COMPLETE"
    before = stack.outputs["Ref"]

    assert stack.update(function_template(FunctionName=function.name, **confined_rule("hourly"))) == "UPDATE_COMPLETE"
    assert stack.outputs["Ref"] != before
    (statement,) = function.policy().values()
    assert statement["Condition"]["ArnLike"]["AWS:SourceArn"].endswith("rule/hourly")

    for name in ("hourly", "weekly"):
        given = function_template(FunctionName=function.name, StatementId="rule", **confined_rule(name))
        assert stack.update(given) == "UPDATE_COMPLETE"
        assert function.policy()["rule"]["Condition"]["ArnLike"]["AWS:SourceArn"].endswith(f"rule/{name}")
    assert function.policy().keys() == {"rule"}
    assert stack.delete() == "DELETE_COMPLETE"
    assert function.policy() == {}


def test_update_of_a_list_changes_the_difference_in_place(stack, function):
    function.add_statement(NOT_OWNED, "999988887777")
    listed = [PARTNER, ORGANIZATION]
    assert stack.create(function_template(FunctionName=function.name, Principals=listed, StatementId="team")) == "CREATE_COMPLETE"
    before = stack.outputs["Ref"]
    assert function.policy().keys() == {NOT_OWNED, f"team-{PARTNER}", f"team-{ORGANIZATION}"}

    changed = f"{OTHER_PARTNER},{ORGANIZATION}"
    assert stack.update(function_template(FunctionName=function.name, Principals=changed, StatementId="team")) == "UPDATE_COMPLETE"
    assert stack.outputs["Ref"] == before
    assert function.policy().keys() == {NOT_OWNED, f"team-{OTHER_PARTNER}", f"team-{ORGANIZATION}"}
    assert stack.delete() == "DELETE_COMPLETE"
    assert function.policy().keys() == {NOT_OWNED}


def test_rollback_restores_the_statement(stack, function):
    template = function_template(FunctionName=function.name, Principal=PARTNER, StatementId="partner")
    assert stack.create(template) == "CREATE_COMPLETE"
    before = function.policy()

    changed = function_template(FunctionName=function.name, Principal=OTHER_PARTNER, StatementId="partner")
    assert stack.update(with_failing_resource(changed)) == "UPDATE_ROLLBACK_COMPLETE"

    assert function.policy() == before
    assert stack.delete() == "DELETE_COMPLETE"


def test_failed_create_leaves_nothing(stack, function):
    template = function_template(FunctionName=function.name, Principals=[PARTNER, ORGANIZATION], StatementId="team")
    assert stack.create(with_failing_resource(template)) == "ROLLBACK_COMPLETE"
    assert function.policy() == {}


def test_nonce_puts_statements_back_after_the_function_was_created_again(stack, function):
    def template(nonce: str) -> dict:
        return function_template(FunctionName=function.name, Principals=[PARTNER, ORGANIZATION], StatementId="team", Nonce=nonce)

    assert stack.create(template("1")) == "CREATE_COMPLETE"
    before = function.policy()
    function.delete()
    function.create()
    assert function.policy() == {}

    assert stack.update(template("2")) == "UPDATE_COMPLETE"

    assert function.policy() == before
    assert stack.delete() == "DELETE_COMPLETE"


def test_delete_succeeds_after_the_function_is_gone(stack, function):
    assert stack.create(function_template(FunctionName=function.name, Principal=PARTNER)) == "CREATE_COMPLETE"
    function.delete()
    assert stack.delete() == "DELETE_COMPLETE"


def test_function_url_has_both_statements(provider, stack, function):
    template = function_template(FunctionName=function.name, Principal="*", FunctionUrlAuthType="NONE", StatementId="site")
    assert stack.create(template) == "ROLLBACK_COMPLETE"
    reason = "public function URL not allowed: got `*`, grant to accounts, roles or an organization, or have the provider's operator set"
    assert reason in stack.failure_reason("Sharing")
    assert stack.delete() == "DELETE_COMPLETE"

    with provider.with_parameters(AllowPublicUrls="true"):
        assert stack.create(template) == "CREATE_COMPLETE"
        policy = function.policy()
        assert policy["site-url"]["Action"] == "lambda:InvokeFunctionUrl"
        assert policy["site-url"]["Condition"] == {"StringEquals": {"lambda:FunctionUrlAuthType": "NONE"}}
        assert policy["site-invoke"]["Action"] == "lambda:InvokeFunction"
        assert policy["site-invoke"]["Condition"] == {"Bool": {"lambda:InvokedViaFunctionUrl": "true"}}
        assert policy.keys() == {"site-url", "site-invoke"}
    # A revoke needs no guardrail.
    assert stack.delete() == "DELETE_COMPLETE"
    assert function.policy() == {}


def test_native_permission_and_ours_side_by_side_during_a_migration(stack, function):
    native = {
        "Type": "AWS::Lambda::Permission",
        "Properties": {"FunctionName": function.name, "Action": "lambda:InvokeFunction", **confined_rule("nightly")},
    }
    template = function_template(FunctionName=function.name, Action="lambda:InvokeFunction", **confined_rule("nightly"))
    ours = template["Resources"]["Sharing"]
    assert stack.create({"Resources": {"Native": native}}) == "CREATE_COMPLETE"

    with AccessMonitor(lambda: bool(function.policy())) as monitor:
        assert stack.update({"Resources": {"Native": native, "Ours": ours}}) == "UPDATE_COMPLETE"
        both = list(function.policy().values())
        assert len(both) == 2
        assert without_id(both[0]) == without_id(both[1])
        assert stack.update({"Resources": {"Ours": ours}}) == "UPDATE_COMPLETE"
        assert len(function.policy()) == 1
    assert monitor.checks > 5
    assert monitor.interruptions == 0
    assert stack.delete() == "DELETE_COMPLETE"
    assert function.policy() == {}


def without_id(statement: dict) -> dict:
    return {key: value for key, value in statement.items() if key != "Sid"}


def test_a_missing_function_fails_after_it_was_waited_for(stack):
    template = function_template(FunctionName="served-missing", Principal=PARTNER)
    assert stack.create(template) == "ROLLBACK_COMPLETE"
    assert stack.failure_reason("Sharing").startswith("no such function: got `ResourceNotFoundException` (`Function not found: ")
    assert stack.delete() == "DELETE_COMPLETE"


def test_only_served_functions_are_granted_on(aws, provider, stack):
    other = Function(aws, f"other-{next(_numbers)}")
    other.create()
    template = function_template(FunctionName=other.name, Principal=PARTNER)
    assert stack.create(template) == "ROLLBACK_COMPLETE"
    assert stack.failure_reason("Sharing").startswith(f"functions not served: got `{other.name}`")
    assert stack.delete() == "DELETE_COMPLETE"


def test_without_function_names_the_role_has_no_action_on_functions(aws, provider):
    iam, role = aws.client("iam"), provider.role.rsplit("/", 1)[1]

    def actions() -> set[str]:
        (name,) = iam.list_role_policies(RoleName=role)["PolicyNames"]
        document = iam.get_role_policy(RoleName=role, PolicyName=name)["PolicyDocument"]
        found = [statement["Action"] for statement in document["Statement"]]
        return {action for each in found for action in ([each] if isinstance(each, str) else each)}

    of_functions = {"lambda:AddPermission", "lambda:GetPolicy", "lambda:RemovePermission"}
    assert of_functions <= actions()
    with provider.with_parameters(FunctionNames=""):
        assert of_functions.isdisjoint(actions())


def test_the_role_denies_grants_on_the_provider_itself(aws, provider, stack):
    # The guardrail in the code refuses it first.
    template = function_template(FunctionName=provider.name, Principal=PARTNER)
    with provider.with_parameters(FunctionNames="*"):
        assert stack.create(template) == "ROLLBACK_COMPLETE"
        assert stack.failure_reason("Sharing").startswith("the provider's own function: got `")
        session = aws.client("sts").assume_role(RoleArn=provider.role, RoleSessionName="test")["Credentials"]
        client = aws.client_with(session, "lambda")
        request = {"StatementId": "own", "Principal": PARTNER, "Action": "lambda:InvokeFunction"}
        with pytest.raises(client.exceptions.ClientError) as denied:
            client.add_permission(FunctionName=provider.name, **request)
        assert denied.value.response["Error"]["Code"] == "AccessDeniedException"
        assert "explicit deny" in denied.value.response["Error"]["Message"]
    assert stack.delete() == "DELETE_COMPLETE"


def test_removing_the_resource_revokes(stack, function):
    template = function_template(FunctionName=function.name, Principal=PARTNER)
    assert stack.create(template) == "CREATE_COMPLETE"
    assert stack.update(without_resource(template, "Sharing")) == "UPDATE_COMPLETE"
    assert function.policy() == {}
