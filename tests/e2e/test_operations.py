"""What operators rely on: dead-letter queue, alarms, log group, and the settings that an organization may require."""

import json
import time

import release
from local_aws import ACCOUNT, REGION
from stack import Stack


def dead_letter_queue(aws, provider):
    sqs, url = aws.client("sqs"), provider.stack.outputs["DeadLetterQueue"]
    return sqs, url, sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]


def transformed(aws, provider, logical_id: str) -> dict:
    """A resource's properties after SAM's transform: MiniStack does not apply all of them."""
    template = aws.client("cloudformation").get_template(StackName=provider.stack.name, TemplateStage="Processed")
    return template["TemplateBody"]["Resources"][logical_id]["Properties"]


def test_failed_event_is_retried_twice_and_sent_to_an_encrypted_dead_letter_queue(aws, provider):
    _, _, queue = dead_letter_queue(aws, provider)
    assert queue["SqsManagedSseEnabled"] == "true"
    assert int(queue["MessageRetentionPeriod"]) == 4 * 24 * 3600
    target = {"TargetArn": {"Fn::GetAtt": ["DeadLetterQueue", "Arn"]}}
    assert transformed(aws, provider, "Provider")["DeadLetterConfig"] == target
    retries = transformed(aws, provider, "ProviderEventInvokeConfig")
    assert (retries["MaximumRetryAttempts"], retries["MaximumEventAgeInSeconds"]) == (2, 3600)


def test_dead_letter_queue_denies_requests_without_tls(aws, provider):
    _, _, queue = dead_letter_queue(aws, provider)
    [statement] = json.loads(queue["Policy"])["Statement"]
    assert (statement["Effect"], statement["Principal"], statement["Action"]) == ("Deny", "*", "sqs:*")
    assert statement["Resource"] == queue["QueueArn"]
    assert statement["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}


def test_alarms_watch_dead_letters_errors_dropped_events_and_throttles(aws, provider):
    _, _, queue = dead_letter_queue(aws, provider)
    alarms = aws.client("cloudwatch").describe_alarms()["MetricAlarms"]
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


def test_alarms_notify_the_alarm_topic(aws, provider):
    topic = f"arn:aws:sns:us-east-1:{ACCOUNT}:operators"
    with provider.with_parameters(AlarmTopic=topic):
        alarms = aws.client("cloudwatch").describe_alarms()["MetricAlarms"]
        assert [alarm["AlarmActions"] for alarm in alarms] == [[topic]] * 5


KEY = f"arn:aws:kms:{REGION}:{ACCOUNT}:key/1234abcd-12ab-34cd-56ef-1234567890ab"
BOUNDARY = f"arn:aws:iam::{ACCOUNT}:policy/team/boundary"


def test_kms_key_permissions_boundary_and_role_path_are_applied(aws, provider):
    stack = Stack(aws, "organization-settings")
    parameters = {"CodeBucket": "releases", "FunctionName": "organization-settings"}
    release.upload(aws, "releases")
    settings = {"KmsKeyArn": KEY, "PermissionsBoundary": BOUNDARY, "RolePath": "/team/layers/"}
    assert stack.create(release.PACKAGED.read_text(), **parameters, **settings) == "CREATE_COMPLETE"

    arn = stack.outputs["RoleArn"]
    assert ":role/team/layers/" in arn
    role = aws.client("iam").get_role(RoleName=arn.rpartition("/")[2])["Role"]
    [policy] = aws.client("iam").list_role_policies(RoleName=role["RoleName"])["PolicyNames"]
    document = aws.client("iam").get_role_policy(RoleName=role["RoleName"], PolicyName=policy)["PolicyDocument"]
    [kms_statement] = [statement for statement in document["Statement"] if statement["Resource"] == KEY]
    assert kms_statement["Action"] == ["kms:Decrypt", "kms:GenerateDataKey"]
    [group] = aws.client("logs").describe_log_groups(logGroupNamePrefix=stack.outputs["LogGroup"])["logGroups"]
    assert group["kmsKeyId"] == KEY
    attributes = aws.client("sqs").get_queue_attributes(QueueUrl=stack.outputs["DeadLetterQueue"], AttributeNames=["All"])["Attributes"]
    assert attributes["KmsMasterKeyId"] == KEY
    assert attributes.get("SqsManagedSseEnabled") != "true"
    assert stack.delete() == "DELETE_COMPLETE"
    # MiniStack's roles have no permissions boundaries, and its functions no keys.
    for resource, name, condition, parameter in [
        ("ExecutionRole", "PermissionsBoundary", "HasPermissionsBoundary", "PermissionsBoundary"),
        ("Provider", "KmsKeyArn", "HasKmsKey", "KmsKeyArn"),
    ]:
        value = {"Fn::If": [condition, {"Ref": parameter}, {"Ref": "AWS::NoValue"}]}
        assert transformed(aws, provider, resource)[name] == value


def test_optional_organization_settings_are_omitted_by_default(aws, provider):
    assert ":role/" in provider.role and provider.role.count("/") == 1
    _, _, queue = dead_letter_queue(aws, provider)
    assert "KmsMasterKeyId" not in queue
    [group] = aws.client("logs").describe_log_groups(logGroupNamePrefix=provider.stack.outputs["LogGroup"])["logGroups"]
    assert "kmsKeyId" not in group


def test_log_group_is_retained_and_does_not_block_recreation(aws, provider):
    groups = []
    for _ in range(2):
        stack = Stack(aws, "recreated")
        parameters = {"CodeBucket": "releases", "FunctionName": "recreated"}
        release.upload(aws, "releases")
        assert stack.create(release.PACKAGED.read_text(), **parameters) == "CREATE_COMPLETE"
        groups.append(stack.outputs["LogGroup"])
        assert stack.delete() == "DELETE_COMPLETE"
    retained = aws.client("logs").describe_log_groups(logGroupNamePrefix="/aws/lambda/recreated-")["logGroups"]
    assert sorted(group["logGroupName"] for group in retained) == sorted(groups)
    assert len(set(groups)) == 2


def test_redelivered_delete_from_the_dead_letter_queue_revokes(aws, provider, layer):
    """With the steps of docs/troubleshooting.md: receive, invoke, delete."""
    version = layer.publish()
    layer.add_statement(version, "orphaned", "111122223333")
    event = {
        "RequestType": "Delete",
        "ResponseURL": "http://127.0.0.2:9/expired",
        "StackId": f"arn:aws:cloudformation:us-east-1:{ACCOUNT}:stack/s/1",
        "RequestId": "1",
        "LogicalResourceId": "Share",
        "ResourceType": "Custom::LayerVersionPermission",
        "PhysicalResourceId": f"{version}#orphaned",
        "ResourceProperties": {"LayerVersionArn": version, "Principal": "111122223333", "StatementId": "orphaned"},
    }
    sqs, url, _ = dead_letter_queue(aws, provider)
    sqs.send_message(QueueUrl=url, MessageBody=json.dumps(event))
    [message] = sqs.receive_message(QueueUrl=url)["Messages"]
    aws.client("lambda").invoke(FunctionName=provider.name, InvocationType="Event", Payload=message["Body"])
    deadline = time.monotonic() + 30
    while layer.policy(version) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert layer.policy(version) == {}
    sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
