"""Organizational units: their accounts are granted to by a stack, and followed on a schedule."""

import json

import pytest

from iam_user import IamUser
from layer import Layer
from local_aws import ACCOUNT
from organization import Organization
from provider import package
from response_endpoint import HOST
from stack import Stack
from templates import example

NAMESPACE = "LambdaPermissionProvider"
REGION = "ap-southeast-4"


class UnitProvider:
    """A provider that follows units, in a region that has nothing of other tests."""

    def __init__(self, aws):
        self._aws = aws
        self._cloudwatch, self._logs = aws.client("cloudwatch", region=REGION), aws.client("logs", region=REGION)
        self.lambda_client, self.events = aws.client("lambda", region=REGION), aws.client("events", region=REGION)
        # Roles are those of all regions, and MiniStack names them after their stack.
        self.stack = Stack(aws, "provider-with-units", region=REGION)
        template, parameters = package(aws, REGION), {"ResponseHosts": f"http://{HOST}", "RefreshSchedule": "rate(1 hour)"}
        assert self.stack.create(template, **parameters) == "CREATE_COMPLETE", self.stack.events
        self.organization = Organization(aws, self.stack.name, self.stack.outputs["RoleArn"])
        parameters |= {"OrganizationsRoleArn": self.organization.role, "OrganizationsExternalId": self.organization.external_id}
        assert self.stack.update(template, **parameters) == "UPDATE_COMPLETE"

    @property
    def name(self) -> str:
        return self.stack.outputs["FunctionName"]

    def log(self) -> list[dict]:
        pages = self._logs.get_paginator("filter_log_events").paginate(logGroupName=self.stack.outputs["LogGroup"])
        lines = [event["message"] for page in pages for event in page["events"]]
        return [json.loads(line) for line in lines if line.startswith("{")]

    def rule(self) -> dict:
        arn = self.lambda_client.get_function_configuration(FunctionName=self.name)["FunctionArn"]
        [name] = self.events.list_rule_names_by_target(TargetArn=arn)["RuleNames"]
        return self.events.describe_rule(Name=name)

    def refresh(self) -> tuple[dict, list[str], list[str]]:
        """Invokes the function as its rule does. The metrics, which CloudWatch takes from the log, the calls, and what was not done."""
        [target] = self.events.list_targets_by_rule(Rule=self.rule()["Name"])["Targets"]
        before = len(self.log())
        response = self.lambda_client.invoke(FunctionName=self.name, Payload=target["Input"].encode())
        assert "FunctionError" not in response, response["Payload"].read()
        lines = self.log()[before:]
        metrics = next(line for line in lines if "UnitProblems" in line)
        dimensions = [{"Name": "FunctionName", "Value": self.name}]
        data = [{"MetricName": "UnitProblems", "Dimensions": dimensions, "Value": metrics["UnitProblems"]}]
        self._cloudwatch.put_metric_data(Namespace=NAMESPACE, MetricData=data)
        calls = [line["action"].partition(":")[2] for line in lines if line.get("message") == "AWS API call"]
        problems = [line["reason"] for line in lines if line.get("message") == "refresh incomplete"]
        names = ["UnitGrants", "UnitRevokes", "UnitProblems"]
        return {name: metrics[name] for name in names}, calls, problems

    def alarm(self) -> dict:
        alarms = self._cloudwatch.describe_alarms()["MetricAlarms"]
        return next(alarm for alarm in alarms if alarm["MetricName"] == "UnitProblems")


@pytest.fixture(scope="module")
def provider(aws):
    provider = UnitProvider(aws)
    yield provider
    assert provider.organization.external_id not in json.dumps(provider.log())
    assert provider.stack.delete() == "DELETE_COMPLETE"
    assert provider.organization.stack.delete() == "DELETE_COMPLETE"


@pytest.fixture
def organization(provider):
    return provider.organization


def accounts(layer: Layer, version: str) -> set[str]:
    """The accounts that the policy grants to."""
    return {statement["Principal"]["AWS"].split(":")[4] for statement in layer.policy(version).values()}


def test_accounts_of_a_unit_are_granted_to_and_followed(aws, provider, organization):
    unit, elsewhere = organization.unit("apps"), organization.unit("elsewhere")
    members = [organization.account(unit) for _ in range(3)] + [organization.account(organization.unit("nested", unit))]
    suspended, _other = organization.account(unit), organization.account(elsewhere)
    organization.close(suspended)
    layer, stack = Layer(aws, "for-units", region=REGION), Stack(aws, "for-units", region=REGION)
    version = layer.publish()

    assert stack.create(example("share-with-a-unit"), LayerVersionArn=version, Units=unit) == "CREATE_COMPLETE", stack.events
    last = unit.rpartition("-")[2]
    assert set(layer.policy(version)) == {f"apps-{last}-{account}" for account in members}
    assert set(stack.outputs["StatementIds"].split(",")) == set(layer.policy(version))
    metrics, calls, problems = provider.refresh()
    assert metrics == {"UnitGrants": 0, "UnitRevokes": 0, "UnitProblems": 0}, problems
    assert calls == ["AssumeRole", "ListAccounts", "ListImports", "ListStackResources", "GetLayerVersionPolicy"]

    joined = organization.account(unit)
    organization.move(members[0], elsewhere)
    metrics, calls, problems = provider.refresh()
    assert metrics == {"UnitGrants": 1, "UnitRevokes": 1, "UnitProblems": 0}, problems
    assert calls[5:] == ["AddLayerVersionPermission", "RemoveLayerVersionPermission", "GetLayerVersionPolicy"]
    expected = {*members[1:], joined}
    assert accounts(layer, version) == expected
    assert provider.alarm()["StateValue"] != "ALARM"

    # An incomplete listing changes nothing.
    organization.move(members[1], elsewhere)
    with organization.denied():
        metrics, calls, problems = provider.refresh()
    assert metrics == {"UnitGrants": 0, "UnitRevokes": 0, "UnitProblems": 1}
    assert problems[0].startswith("cannot list accounts: got `AccessDenied")
    assert set(calls) == {"AssumeRole", "ListAccounts"}
    assert accounts(layer, version) == expected
    alarm = provider.alarm()
    assert (alarm["StateValue"], alarm["Threshold"], alarm["TreatMissingData"]) == ("ALARM", 0, "ignore")

    # More than a third is left.
    organization.move(members[2], elsewhere)
    metrics, _calls, problems = provider.refresh()
    assert metrics == {"UnitGrants": 0, "UnitRevokes": 0, "UnitProblems": 1}
    assert problems[0].startswith(f"too many accounts gone: got 2 of 4 no longer in `{unit}`")
    assert accounts(layer, version) == expected

    # A deployment is asked for by a person.
    assert stack.update(example("share-with-a-unit"), LayerVersionArn=version, Units=f"{unit},{elsewhere}") == "UPDATE_COMPLETE"
    assert accounts(layer, version) == {members[3], joined, members[0], members[1], members[2], _other}

    # Delete needs nothing of Organizations.
    with organization.denied():
        assert stack.delete() == "DELETE_COMPLETE"
    assert layer.policy(version) == {}


def test_unit_without_accounts_fails_the_stack(aws, provider, organization):
    layer, stack = Layer(aws, "for-nobody", region=REGION), Stack(aws, "for-nobody", region=REGION)
    version, unit = layer.publish(), organization.unit("empty")

    assert stack.create(example("share-with-a-unit"), LayerVersionArn=version, Units=unit) == "ROLLBACK_COMPLETE"
    assert stack.failure_reason("Share").startswith(f"no account in the organizational unit: got `{unit}`")
    assert layer.policy(version) == {}
    assert stack.delete() == "DELETE_COMPLETE"


def test_schedule_invokes_the_function(provider):
    rule = provider.rule()
    assert (rule["ScheduleExpression"], rule["State"]) == ("rate(1 hour)", "ENABLED")
    [statement] = json.loads(provider.lambda_client.get_policy(FunctionName=provider.name)["Policy"])["Statement"]
    assert statement["Principal"] == {"Service": "events.amazonaws.com"}
    assert statement["Condition"] == {"ArnLike": {"AWS:SourceArn": rule["Arn"]}}


def test_service_control_policy_narrows_a_grant_to_units(aws, deployed_provider):
    organizations, layer, stack = aws.client("organizations"), Layer(aws, "narrowed"), Stack(aws, "narrowed")
    version, other = layer.publish(), Layer(aws, "not-narrowed").publish()
    [root] = organizations.list_roots()["Roots"]
    apps, data = (
        organizations.create_organizational_unit(ParentId=root["Id"], Name=name)["OrganizationalUnit"]["Id"] for name in ("apps", "data")
    )
    nested = organizations.create_organizational_unit(ParentId=apps, Name="nested")["OrganizationalUnit"]["Id"]
    organization = organizations.describe_organization()["Organization"]["Id"]
    parameters = {
        "LayerVersions": f"{layer.arn}:*",
        "UnitPaths": f"{organization}/{root['Id']}/{apps}/*",
        "Targets": ACCOUNT,
    }
    with IamUser(aws, "narrowed", deployed_provider.role) as user:
        user.attach_policy("arn:aws:iam::aws:policy/AdministratorAccess")
        assert user.can_get_layer(version)
        assert stack.create(example("narrow-to-units"), **parameters) == "CREATE_COMPLETE"
        parent = root["Id"]
        for unit, is_allowed in [(data, False), (apps, True), (nested, True), (root["Id"], False)]:
            organizations.move_account(AccountId=ACCOUNT, SourceParentId=parent, DestinationParentId=unit)
            parent = unit
            assert user.can_get_layer(version) == is_allowed, unit
            assert user.can_get_layer(other)
        assert stack.delete() == "DELETE_COMPLETE"
        assert user.can_get_layer(version)
