"""What an operator relies on: events that could not be answered are kept, encrypted, and alarms tell of them."""

import json
import time

import release
from local_aws import ACCOUNT, REGION
from stack import Stack


def queue_of(engine, provider):
    sqs, url = engine.client("sqs"), provider.stack.outputs["DeadLetterQueue"]
    return sqs, url, sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]


def transformed(engine, provider, logical_id: str) -> dict:
    """A resource's properties as SAM's transform gives them to CloudFormation: the engine does not act on all of them."""
    template = engine.client("cloudformation").get_template(StackName=provider.stack.name, TemplateStage="Processed")
    return template["TemplateBody"]["Resources"][logical_id]["Properties"]


def test_failed_event_is_retried_twice_and_sent_to_an_encrypted_dead_letter_queue(engine, provider):
    _, _, queue = queue_of(engine, provider)
    assert queue["SqsManagedSseEnabled"] == "true"
    assert int(queue["MessageRetentionPeriod"]) == 4 * 24 * 3600
    kept = {"TargetArn": {"Fn::GetAtt": ["UnansweredEvents", "Arn"]}}
    assert transformed(engine, provider, "Provider")["DeadLetterConfig"] == kept
    tried = transformed(engine, provider, "ProviderEventInvokeConfig")
    assert (tried["MaximumRetryAttempts"], tried["MaximumEventAgeInSeconds"]) == (2, 3600)


def test_dead_letter_queue_denies_requests_without_tls(engine, provider):
    _, _, queue = queue_of(engine, provider)
    [statement] = json.loads(queue["Policy"])["Statement"]
    assert (statement["Effect"], statement["Principal"], statement["Action"]) == ("Deny", "*", "sqs:*")
    assert statement["Resource"] == queue["QueueArn"]
    assert statement["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}


def test_alarms_watch_dead_letters_errors_dropped_events_and_throttles(engine, provider):
    _, _, queue = queue_of(engine, provider)
    alarms = engine.client("cloudwatch").describe_alarms()["MetricAlarms"]
    watched = {alarm["MetricName"]: alarm["Dimensions"][0]["Value"] for alarm in alarms}
    name = queue["QueueArn"].rpartition(":")[2]
    assert watched == {
        "ApproximateNumberOfMessagesVisible": name,
        "Errors": provider.name,
        "DeadLetterErrors": provider.name,
        "AsyncEventsDropped": provider.name,
        "Throttles": provider.name,
    }
    assert all(alarm["Threshold"] == 0 and alarm["TreatMissingData"] == "notBreaching" for alarm in alarms)


def test_alarms_notify_the_alarm_topic(engine, provider):
    topic = f"arn:aws:sns:us-east-1:{ACCOUNT}:operators"
    with provider.redeployed(AlarmTopic=topic):
        alarms = engine.client("cloudwatch").describe_alarms()["MetricAlarms"]
        assert [alarm["AlarmActions"] for alarm in alarms] == [[topic]] * 5


KEY = f"arn:aws:kms:{REGION}:{ACCOUNT}:key/1234abcd-12ab-34cd-56ef-1234567890ab"
BOUNDARY = f"arn:aws:iam::{ACCOUNT}:policy/team/boundary"


def test_kms_key_permissions_boundary_and_role_path_are_applied(engine, provider):
    stack = Stack(engine, "required")
    where = {"CodeBucket": "releases", "FunctionName": "required"}
    release.upload(engine, "releases")
    wanted = {"KmsKeyArn": KEY, "PermissionsBoundary": BOUNDARY, "RolePath": "/team/layers/"}
    assert stack.create(release.PACKAGED.read_text(), **where, **wanted) == "CREATE_COMPLETE"

    arn = stack.outputs["RoleArn"]
    assert ":role/team/layers/" in arn
    role = engine.client("iam").get_role(RoleName=arn.rpartition("/")[2])["Role"]
    [policy] = engine.client("iam").list_role_policies(RoleName=role["RoleName"])["PolicyNames"]
    document = engine.client("iam").get_role_policy(RoleName=role["RoleName"], PolicyName=policy)["PolicyDocument"]
    [by_key] = [statement for statement in document["Statement"] if statement["Resource"] == KEY]
    assert by_key["Action"] == ["kms:Decrypt", "kms:GenerateDataKey"]
    [group] = engine.client("logs").describe_log_groups(logGroupNamePrefix=stack.outputs["LogGroup"])["logGroups"]
    assert group["kmsKeyId"] == KEY
    attributes = engine.client("sqs").get_queue_attributes(QueueUrl=stack.outputs["DeadLetterQueue"], AttributeNames=["All"])["Attributes"]
    assert attributes["KmsMasterKeyId"] == KEY
    assert attributes.get("SqsManagedSseEnabled") != "true"
    assert stack.delete() == "DELETE_COMPLETE"
    # The engine's roles have no boundaries, and its functions no keys.
    for resource, name, condition, parameter in [
        ("ProviderRole", "PermissionsBoundary", "HasPermissionsBoundary", "PermissionsBoundary"),
        ("Provider", "KmsKeyArn", "HasKmsKey", "KmsKeyArn"),
    ]:
        given = {"Fn::If": [condition, {"Ref": parameter}, {"Ref": "AWS::NoValue"}]}
        assert transformed(engine, provider, resource)[name] == given


def test_optional_organization_settings_are_omitted_by_default(engine, provider):
    assert ":role/" in provider.role and provider.role.count("/") == 1
    _, _, queue = queue_of(engine, provider)
    assert "KmsMasterKeyId" not in queue
    [group] = engine.client("logs").describe_log_groups(logGroupNamePrefix=provider.stack.outputs["LogGroup"])["logGroups"]
    assert "kmsKeyId" not in group


def test_log_group_is_retained_and_does_not_block_recreation(engine, provider):
    groups = []
    for _ in range(2):
        stack = Stack(engine, "again-and-again")
        where = {"CodeBucket": "releases", "FunctionName": "again-and-again"}
        release.upload(engine, "releases")
        assert stack.create(release.PACKAGED.read_text(), **where) == "CREATE_COMPLETE"
        groups.append(stack.outputs["LogGroup"])
        assert stack.delete() == "DELETE_COMPLETE"
    kept = engine.client("logs").describe_log_groups(logGroupNamePrefix="/aws/lambda/again-and-again-")["logGroups"]
    assert sorted(group["logGroupName"] for group in kept) == sorted(groups)
    assert len(set(groups)) == 2


def test_redelivered_delete_from_the_dead_letter_queue_revokes(engine, provider, layer):
    """As the README's commands do it: receive, invoke, delete."""
    version = layer.publish()
    layer.share(version, "left", "111122223333")
    event = {
        "RequestType": "Delete",
        "ResponseURL": "http://127.0.0.2:9/gone",
        "StackId": f"arn:aws:cloudformation:us-east-1:{ACCOUNT}:stack/s/1",
        "RequestId": "1",
        "LogicalResourceId": "Share",
        "ResourceType": "Custom::LayerVersionPermission",
        "PhysicalResourceId": f"{version}#left",
        "ResourceProperties": {"LayerVersionArn": version, "Principal": "111122223333", "StatementId": "left"},
    }
    sqs, url, _ = queue_of(engine, provider)
    sqs.send_message(QueueUrl=url, MessageBody=json.dumps(event))
    [message] = sqs.receive_message(QueueUrl=url)["Messages"]
    engine.client("lambda").invoke(FunctionName=provider.name, InvocationType="Event", Payload=message["Body"])
    deadline = time.monotonic() + 30
    while layer.policy(version) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert layer.policy(version) == {}
    sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
