"""MiniStack answers the calls for the policies of functions as AWS does: each case that was recorded from the real service."""

import json
import pathlib

import pytest
from botocore.exceptions import ClientError

from function import Function
from local_aws import ACCOUNT, REGION

RECORDED = pathlib.Path(__file__).parents[1] / "fake_aws/src/recorded_functions.json"
CASES = {case["name"]: case for case in json.loads(RECORDED.read_text())["function"]}
# What boto3 does not send, what no template leads to, and what an older version of Lambda answered.
NOT_PLAYED = {
    "two qualifiers that differ",
    "qualifier with ?",
    "qualifier with $",
    "stale revision on remove (old message)",
}


def with_real_names(case: dict, function: Function) -> dict:
    arn = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{function.name}"
    text = json.dumps(case)
    for placeholder, name in {
        "<function>": function.name,
        "<function-arn>": arn,
        "<arn of function `doesnotexist`>": arn.replace(function.name, "doesnotexist"),
        "<partition>": "aws",
        "<region>": REGION,
        "<user_arn>": "arn:aws:iam::111111111111:user/somebody",
        "<log-group>": "my-log-group",
        "<log-group-name:1>": "my-log-group",
        "<resource:1>": function.name,
        "<resource:2>": "*",
    }.items():
        text = text.replace(placeholder, name)
    return json.loads(text)


def call(aws, operation: str, request: dict) -> dict:
    client = aws.client("lambda")
    method = {"AddPermission": client.add_permission, "GetPolicy": client.get_policy, "RemovePermission": client.remove_permission}
    return method[operation](**request)


def request_for(statement: dict, function: str) -> dict:
    """The call that makes this statement."""
    condition = statement.get("Condition", {})
    source = {"SourceArn": arn} if (arn := condition.get("ArnLike", {}).get("AWS:SourceArn")) else {}
    sid, principal = statement["Sid"].strip("<>"), statement["Principal"]["Service"]
    qualifier = statement["Resource"].split(":")[7:]
    qualified = {"Qualifier": qualifier[0]} if qualifier else {}
    return {"FunctionName": function, "StatementId": sid, "Principal": principal, "Action": statement["Action"], **source, **qualified}


def set_up(aws, function: Function, case: dict):
    """The state in which the case was recorded."""
    client = aws.client("lambda")
    client.publish_version(FunctionName=function.name)
    if case["status"] != 404:
        client.create_alias(FunctionName=function.name, Name="permission-alias", FunctionVersion="1")
    s3 = {"statement_id": "s3", "principal": "s3.amazonaws.com"}
    match case["name"]:
        case "statement id is taken, by the very same statement" | "remove":
            function.add_statement(**s3)
        case "remove no such statement":
            function.add_statement(**s3)
    for statement in case.get("body", {}).get("Policy", {}).get("Statement", []):
        client.add_permission(**request_for(statement, function.name))


@pytest.mark.parametrize("name", [name for name in CASES if name not in NOT_PLAYED])
def test_recorded_case_of_function_policies(aws, name):
    function = Function(aws, f"recorded-{list(CASES).index(name)}")
    function.create()
    case = with_real_names(CASES[name], function)
    set_up(aws, function, case)
    request = case["request"]
    if request.get("RevisionId", "").startswith("<"):
        request["RevisionId"] = function.revision_id()

    if case["status"] >= 400:
        with pytest.raises(ClientError) as raised:
            call(aws, case["operation"], request)
        error = raised.value.response
        assert error["ResponseMetadata"]["HTTPStatusCode"] == case["status"]
        assert (error["Error"]["Code"], error["Error"]["Message"]) == (case["code"], case["message"])
        return
    answer = call(aws, case["operation"], request)
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == case["status"]
    assert ("RevisionId" in answer) == (case["operation"] == "GetPolicy")
    for document in ("Statement", "Policy"):
        got = json.loads(answer[document]) if document in answer else None
        assert json.dumps(got).replace("<", "").replace(">", "") == json.dumps(ordered(case, document)).replace("<", "").replace(">", "")


def ordered(case: dict, document: str):
    """The recorded document, with its keys in the order in which Lambda writes them: one recording has sorted them."""

    def statement(found: dict) -> dict:
        keys = ("Sid", "Effect", "Principal", "Action", "Resource", "Condition")
        return {key: found[key] for key in keys if key in found}

    found = case["body"].get(document)
    if document == "Statement" and found:
        return statement(found)
    if document == "Policy" and found:
        return {"Version": found["Version"], "Id": found["Id"], "Statement": [statement(each) for each in found["Statement"]]}
    return found


def test_each_qualifier_has_a_policy_and_a_revision_of_its_own(aws):
    function = Function(aws, "qualifiers")
    function.create()
    function.publish_alias("live")
    function.add_statement("same", "s3.amazonaws.com")
    before = function.revision_id()

    function.add_statement("same", "s3.amazonaws.com", Qualifier="live")

    assert function.revision_id() == before
    assert function.policy()["same"]["Resource"].endswith(":qualifiers")
    assert function.policy("live")["same"]["Resource"].endswith(":qualifiers:live")
    assert len(function.policy()) == len(function.policy("live")) == 1
