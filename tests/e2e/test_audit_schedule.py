"""The audit on a schedule: a second function of the same zip, with a role that can only read."""

import json

import pytest

from layer import Layer
from provider import package
from response_endpoint import HOST
from stack import Stack
from templates import ORGANIZATION, PARTNER, sharing_template

NAMESPACE = "LambdaPermissionProvider"
REGION = "ap-south-2"


@pytest.fixture(scope="module")
def auditor(aws):
    """The provider with its audit, in a region that has nothing of other tests."""
    auditor = Auditor(aws)
    yield auditor
    assert auditor.stack.delete() == "DELETE_COMPLETE"


class Auditor:
    def __init__(self, aws):
        self._aws, self._template = aws, package(aws, REGION)
        self._parameters = {
            "ResponseHosts": f"http://{HOST}",
            "AuditSchedule": "rate(1 day)",
            "AuditTrustedPrincipals": ORGANIZATION,
        }
        self._cloudwatch, self._logs = aws.client("cloudwatch", region=REGION), aws.client("logs", region=REGION)
        self.lambda_client = aws.client("lambda", region=REGION)
        # Roles are those of all regions, and MiniStack names them after their stack.
        self.stack = Stack(aws, "provider-with-audit", region=REGION)
        assert self.stack.create(self._template, **self._parameters) == "CREATE_COMPLETE", self.stack.events

    def update(self, **parameters: str):
        self._parameters |= parameters
        assert self.stack.update(self._template, **self._parameters) == "UPDATE_COMPLETE"

    @property
    def name(self) -> str:
        return self.stack.outputs["Auditor"]

    @property
    def role(self) -> str:
        return self.lambda_client.get_function_configuration(FunctionName=self.name)["Role"].rpartition("/")[2]

    def log(self) -> list[str]:
        pages = self._logs.get_paginator("filter_log_events").paginate(logGroupName=self.stack.outputs["LogGroup"])
        return [event["message"] for page in pages for event in page["events"]]

    def lines(self, message: str) -> list[dict]:
        lines = [json.loads(text) for text in self.log() if text.startswith("{")]
        return [line for line in lines if line.get("message") == message]

    def metrics(self) -> list[dict]:
        """The metrics of each run."""
        lines = [json.loads(text) for text in self.log() if '"_aws"' in text]
        return [line for line in lines if line["FunctionName"] == self.name]

    def run(self) -> dict:
        """The metrics of a run, which CloudWatch takes from the log."""
        response = self.lambda_client.invoke(FunctionName=self.name)
        assert "FunctionError" not in response, response["Payload"].read()
        metrics = self.metrics()[-1]
        dimensions = [{"Name": "FunctionName", "Value": self.name}]
        names = [metric["Name"] for metric in metrics["_aws"]["CloudWatchMetrics"][0]["Metrics"]]
        data = [{"MetricName": name, "Dimensions": dimensions, "Value": metrics[name]} for name in names]
        self._cloudwatch.put_metric_data(Namespace=NAMESPACE, MetricData=data)
        return {name: metrics[name] for name in names}

    def alarm(self) -> dict:
        alarms = self._cloudwatch.describe_alarms()["MetricAlarms"]
        return next(alarm for alarm in alarms if alarm["MetricName"] == "NewFindings")


def test_removed_and_public_grants_are_reported_within_one_run_and_accepted_ones_are_silent(aws, auditor):
    layer, stack = Layer(aws, "audited", region=REGION), Stack(aws, "audited", region=REGION)
    version = layer.publish()
    assert stack.create(sharing_template(LayerVersionArn=version, Principal=PARTNER)) == "CREATE_COMPLETE"
    sid = stack.outputs["StatementId"]
    layer.remove_statement(version, sid)
    layer.add_statement(version, "foreign", "*")

    metrics = auditor.run()

    assert metrics["Missing"] >= 1 and metrics["Public"] >= 1
    kinds = ["Public", "Outside", "Changed", "Missing", "OwnerGone", "Unowned"]
    assert metrics["NewFindings"] == sum(metrics[kind] for kind in kinds)
    found = {(line["finding"], line["statement_id"]): line for line in auditor.lines("finding") if line["resource"] == version}
    assert set(found) == {("MISSING", sid), ("PUBLIC", "foreign"), ("UNOWNED", "foreign")}
    assert found["MISSING", sid]["stack_id"] == stack.id
    assert found["MISSING", sid]["remedy"] == "deploy its stack with another `Nonce`"
    assert all(line["level"] == "WARN" for line in found.values())
    alarm = auditor.alarm()
    assert (alarm["Threshold"], alarm["ComparisonOperator"], alarm["TreatMissingData"]) == (0, "GreaterThanThreshold", "ignore")
    assert alarm["Dimensions"] == [{"Name": "FunctionName", "Value": auditor.name}]
    assert alarm["StateValue"] == "ALARM"

    accepted = ",".join({line["fingerprint"] for line in auditor.lines("finding")})
    auditor.update(AuditBaseline=accepted)
    metrics = auditor.run()
    assert metrics["NewFindings"] == 0 and metrics["AcceptedFindings"] >= 3
    assert ("PUBLIC", "foreign") in {(line["finding"], line["statement_id"]) for line in auditor.lines("accepted finding")}
    assert stack.delete() == "DELETE_COMPLETE"


def test_schedule_invokes_the_function(aws, auditor):
    events = aws.client("events", region=REGION)
    arn = auditor.lambda_client.get_function_configuration(FunctionName=auditor.name)["FunctionArn"]
    [rule] = events.list_rule_names_by_target(TargetArn=arn)["RuleNames"]
    described = events.describe_rule(Name=rule)
    assert (described["ScheduleExpression"], described["State"]) == ("rate(1 day)", "ENABLED")
    policy = json.loads(auditor.lambda_client.get_policy(FunctionName=arn)["Policy"])
    [statement] = policy["Statement"]
    assert statement["Principal"] == {"Service": "events.amazonaws.com"}
    assert statement["Condition"] == {"ArnLike": {"AWS:SourceArn": described["Arn"]}}


def test_role_of_the_audit_can_only_read_and_a_failed_look_is_an_error(aws, auditor):
    iam, role = aws.client("iam"), auditor.role
    assert role != auditor.stack.outputs["RoleArn"].rpartition("/")[2]
    [name] = iam.list_role_policies(RoleName=role)["PolicyNames"]
    statements = iam.get_role_policy(RoleName=role, PolicyName=name)["PolicyDocument"]["Statement"]
    actions = [action for statement in statements for action in statement["Action"] if not action.startswith("logs:")]
    assert all(action.partition(":")[2].startswith(("List", "Get", "Describe")) for action in actions)

    deny = {"Version": "2012-10-17", "Statement": {"Effect": "Deny", "Action": "cloudformation:ListStacks", "Resource": "*"}}
    iam.put_role_policy(RoleName=role, PolicyName="deny", PolicyDocument=json.dumps(deny))
    try:
        response = auditor.lambda_client.invoke(FunctionName=auditor.name)
    finally:
        iam.delete_role_policy(RoleName=role, PolicyName="deny")
    assert response["FunctionError"]
    reason = auditor.lines("audit failed")[-1]["reason"]
    assert reason.startswith("access denied: got `AccessDenied") and "`cloudformation:ListStacks`" in reason


def test_provider_gets_no_broader_by_the_audit(aws, provider, auditor):
    assert "Auditor" not in provider.stack.outputs
    assert role_policies(aws, provider.role) == role_policies(aws, auditor.stack.outputs["RoleArn"])


def role_policies(aws, arn: str) -> list[str]:
    """What the role of a provider allows, without what differs for each stack."""
    iam, role = aws.client("iam"), arn.rpartition("/")[2]
    names = iam.list_role_policies(RoleName=role)["PolicyNames"]
    documents = [iam.get_role_policy(RoleName=role, PolicyName=name)["PolicyDocument"] for name in names]
    return [[statement["Action"] for statement in document["Statement"]] for document in documents]
