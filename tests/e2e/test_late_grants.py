"""Grants that are late: the provider asks the stack whether it still waits."""

import json

from templates import PARTNER, sharing_template

NO_LONGER = "stack no longer waits: got `no such stack or resource` for `Sharing` from CloudFormation, deploy again if it should still be granted"


def questions(provider) -> list[str]:
    """The outcomes of the questions in the log."""
    calls = [json.loads(line) for line in provider.log() if "cloudformation:DescribeStackResource" in line]
    return [call["outcome"] for call in calls if call.get("message") == "AWS API call"]


def test_prompt_grant_asks_nothing(provider, stack, layer):
    before = len(questions(provider))
    assert stack.create(sharing_template(LayerVersionArn=layer.publish(), Principal=PARTNER)) == "CREATE_COMPLETE"
    assert len(questions(provider)) == before


def test_late_create_and_update_are_granted_while_the_stack_waits(aws, provider, stack, layer):
    before = len(questions(provider))
    version, later = layer.publish(), layer.publish()
    aws.response_endpoint.age = 15
    try:
        assert stack.create(sharing_template(LayerVersionArn=version, Principal=PARTNER)) == "CREATE_COMPLETE"
        assert questions(provider)[before:] == ["success", "success"]
        assert stack.update(sharing_template(LayerVersionArn=later, Principal=PARTNER)) == "UPDATE_COMPLETE"
        assert questions(provider)[before + 2 :] == ["success", "success"]
    finally:
        aws.response_endpoint.age = 0
    assert len(layer.policy(later)) == 1
    assert layer.policy(version) == {}


def test_late_create_of_a_deleted_stack_grants_nothing(aws, provider, stack, layer):
    version = layer.publish()
    template = sharing_template(LayerVersionArn=version, Principal=PARTNER)
    assert stack.create(template) == "CREATE_COMPLETE"
    sent = next(request.event for request in aws.response_endpoint.requests.values() if request.event["RequestType"] == "Create")
    assert stack.delete() == "DELETE_COMPLETE"

    repeated = {**sent, "RequestId": "repeated"}
    repeated["ResponseURL"] = aws.response_endpoint.register(repeated, age=15)
    aws.client("lambda").invoke(FunctionName=provider.name, Payload=json.dumps(repeated))
    response = aws.response_endpoint.wait_for_response(repeated["ResponseURL"], 30)
    assert response["Status"] == "FAILED"
    assert response["Reason"] == NO_LONGER
    assert layer.policy(version) == {}
