"""The examples of function permissions: each is deployed unchanged, and the function's policy is as documented."""

import itertools

import pytest

from function import Function
from local_aws import ACCOUNT, REGION
from templates import ORGANIZATION, OTHER_PARTNER, PARTNER, example

_numbers = itertools.count(1)


@pytest.fixture(scope="module", autouse=True)
def functions_are_served(deployed_provider):
    with deployed_provider.with_parameters(FunctionNames="example-*"):
        yield


@pytest.fixture
def function(aws):
    function = Function(aws, f"example-{next(_numbers)}")
    function.create()
    return function


def deployed(stack, function: Function, template: str, **parameters: str) -> list[dict]:
    """The statements of the function's policy, without their ids and what they have in common."""
    assert stack.create(template, FunctionName=function.name, **parameters) == "CREATE_COMPLETE"
    statements = list(function.policy().values())
    arn = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{function.name}"
    assert all(statement["Effect"] == "Allow" and statement["Resource"] == arn for statement in statements)
    return [{key: statement[key] for key in ("Principal", "Action", "Condition") if key in statement} for statement in statements]


def assert_deleted(stack, function: Function, qualifier: str | None = None):
    assert stack.delete() == "DELETE_COMPLETE"
    assert function.policy(qualifier) == {}


def allows(principal, condition: dict | None = None, action: str = "InvokeFunction") -> dict:
    return {"Principal": principal, "Action": f"lambda:{action}"} | ({"Condition": condition} if condition else {})


def test_api_has_one_statement_for_all_of_its_methods(stack, function):
    (statement,) = deployed(stack, function, example("invoke-from-api-gateway"))
    source = f"arn:aws:execute-api:{REGION}:{ACCOUNT}:{stack.outputs['ApiId']}/*"
    assert statement == allows({"Service": "apigateway.amazonaws.com"}, {"ArnLike": {"AWS:SourceArn": source}})
    assert list(function.policy()) == [stack.outputs["StatementId"]]
    assert_deleted(stack, function)


def test_rule_is_confined_to_the_account(stack, function):
    (statement,) = deployed(stack, function, example("invoke-from-a-rule"))
    assert statement == allows({"Service": "events.amazonaws.com"}, {"StringEquals": {"AWS:SourceAccount": ACCOUNT}})
    assert_deleted(stack, function)


def test_buckets_have_one_statement_for_each_account(stack, function):
    template, parameters = example("invoke-from-buckets-of-accounts"), {"FunctionName": function.name, "BucketNames": "uploads-*"}

    def bucket_of(account: str) -> dict:
        source = {"ArnLike": {"AWS:SourceArn": "arn:aws:s3:::uploads-*"}}
        return allows({"Service": "s3.amazonaws.com"}, {"StringEquals": {"AWS:SourceAccount": account}} | source)

    statements = deployed(stack, function, template, Accounts=f"{PARTNER},{OTHER_PARTNER}", BucketNames="uploads-*")
    assert statements == [bucket_of(PARTNER), bucket_of(OTHER_PARTNER)]
    assert ",".join(function.policy()) == stack.outputs["StatementIds"]

    assert stack.update(template, Accounts=OTHER_PARTNER, **parameters) == "UPDATE_COMPLETE"
    (statement,) = function.policy().values()
    assert statement["Condition"] == bucket_of(OTHER_PARTNER)["Condition"]
    assert_deleted(stack, function)


def test_organization_is_the_condition_of_everybody(stack, function):
    (statement,) = deployed(stack, function, example("invoke-from-an-organization"), Organization=ORGANIZATION)
    assert statement == allows("*", {"StringEquals": {"aws:PrincipalOrgID": ORGANIZATION}})
    assert function.policy().keys() == {"organization"}
    assert_deleted(stack, function)


def test_public_url_has_both_statements_if_the_operator_allows_it(provider, stack, function):
    with provider.with_parameters(AllowPublicUrls="true"):
        url, invoke = deployed(stack, function, example("public-function-url"))
    assert url == allows("*", {"StringEquals": {"lambda:FunctionUrlAuthType": "NONE"}}, "InvokeFunctionUrl")
    assert invoke == allows("*", {"Bool": {"lambda:InvokedViaFunctionUrl": "true"}})
    assert ",".join(function.policy()) == stack.outputs["StatementIds"]
    assert stack.outputs["FunctionUrl"].startswith("http")
    assert_deleted(stack, function)


def test_alias_has_the_statement_and_the_function_has_none(aws, stack, function):
    aws.client("lambda").publish_version(FunctionName=function.name)
    assert deployed(stack, function, example("invoke-an-alias"), Account=PARTNER) == []
    (statement,) = function.policy("live").values()
    assert statement["Resource"] == stack.outputs["FunctionArn"]
    assert statement["Resource"].endswith(f":{function.name}:live")
    assert statement["Principal"] == {"AWS": f"arn:aws:iam::{PARTNER}:root"}
    assert stack.delete() == "DELETE_COMPLETE"
