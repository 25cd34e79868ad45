"""What an operator relies on: events that could not be answered are kept, encrypted, and alarms tell of them."""

import json
import time

from engine import ACCOUNT


def queue_of(engine, provider):
    sqs, url = engine.client("sqs"), provider.stack.outputs["DeadLetterQueue"]
    return sqs, url, sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]


def transformed(engine, provider, logical_id: str) -> dict:
    """A resource's properties as SAM's transform gives them to CloudFormation: the engine does not act on all of them."""
    template = engine.client("cloudformation").get_template(StackName=provider.stack.name, TemplateStage="Processed")
    return template["TemplateBody"]["Resources"][logical_id]["Properties"]


def an_event_is_tried_three_times_and_then_kept_in_an_encrypted_queue(engine, provider):
    _, _, queue = queue_of(engine, provider)
    assert queue["SqsManagedSseEnabled"] == "true"
    assert int(queue["MessageRetentionPeriod"]) == 14 * 24 * 3600
    kept = {"TargetArn": {"Fn::GetAtt": ["UnansweredEvents", "Arn"]}}
    assert transformed(engine, provider, "Provider")["DeadLetterConfig"] == kept
    tried = transformed(engine, provider, "ProviderEventInvokeConfig")
    assert (tried["MaximumRetryAttempts"], tried["MaximumEventAgeInSeconds"]) == (2, 3600)


def the_alarms_watch_what_is_unanswered_failing_or_throttled(engine, provider):
    _, _, queue = queue_of(engine, provider)
    alarms = engine.client("cloudwatch").describe_alarms()["MetricAlarms"]
    watched = {alarm["MetricName"]: alarm["Dimensions"][0]["Value"] for alarm in alarms}
    name = queue["QueueArn"].rpartition(":")[2]
    assert watched == {
        "ApproximateNumberOfMessagesVisible": name,
        "Errors": provider.name,
        "Throttles": provider.name,
    }
    assert all(alarm["Threshold"] == 0 and alarm["TreatMissingData"] == "notBreaching" for alarm in alarms)


def the_alarms_tell_the_topic_that_is_given(engine, provider):
    topic = f"arn:aws:sns:us-east-1:{ACCOUNT}:operators"
    with provider.redeployed(AlarmTopic=topic):
        alarms = engine.client("cloudwatch").describe_alarms()["MetricAlarms"]
        assert [alarm["AlarmActions"] for alarm in alarms] == [[topic]] * 3


def a_revoke_from_the_queue_is_run_again(engine, provider, layer):
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
