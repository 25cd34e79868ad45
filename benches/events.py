"""The events that are measured, each with a layer or a function of its own in the necessary state."""

import itertools

from harness.fake_aws import FakeAws

ACCOUNT, OTHER_ACCOUNT, THIRD_ACCOUNT = "111122223333", "444455556666", "777788889999"

_numbers = itertools.count(1)


def request(kind: str, layer: str, version: int = 1, old: dict | None = None, **properties) -> dict:
    number = next(_numbers)
    service = {"ServiceToken": "arn:aws:lambda:us-west-2:123456789012:function:layer-permission", "ServiceTimeout": "120"}
    arn = f"arn:aws:lambda:us-west-2:123456789012:layer:{layer}"
    given = {**service, "LayerVersionArn": f"{arn}:{version}", "StatementId": "partner"}
    event = {
        "RequestType": kind,
        "ServiceToken": service["ServiceToken"],
        "StackId": "arn:aws:cloudformation:us-west-2:123456789012:stack/sharing/6b2c9c10-3a5e-11f0-9c1e-0a1b2c3d4e5f",
        "RequestId": f"7f1a2b3c-0000-4000-8000-{number:012}",
        "LogicalResourceId": "LayerPermission",
        "ResourceType": "Custom::LayerVersionPermission",
        "ResourceProperties": {**given, **(properties or {"Principal": ACCOUNT})},
    }
    if kind != "Create":
        event["PhysicalResourceId"] = f"{arn}:{version}#partner" if "Versions" not in properties else f"{arn}#partner"
    if old is not None:
        event["OldResourceProperties"] = {**given, **old}
    return event


def new_layer(aws: FakeAws, versions: int = 1, shared: bool = True) -> str:
    layer = f"layer-{next(_numbers)}"
    aws.publish(layer, versions, shared)
    return layer


# The events that another process gets first, and those that are measured then.
Scenario = tuple[list[dict], list[dict]]


def create(aws: FakeAws) -> Scenario:
    """On a layer version that has a policy, so that the write is under a revision."""
    return [], [request("Create", new_layer(aws))]


def create_on_function(aws: FakeAws) -> Scenario:
    """On a function that has a policy, so that the write is under a revision."""
    function = f"function-{next(_numbers)}"
    aws.create_function(function)
    event = request("Create", "none")
    properties = event["ResourceProperties"]
    del properties["LayerVersionArn"]
    return [], [event | {"ResourceType": "Custom::FunctionPermission", "ResourceProperties": properties | {"FunctionName": function}}]


def update(aws: FakeAws) -> Scenario:
    """One account in a list of two is replaced by another."""
    layer = new_layer(aws)
    before = {"Principals": [ACCOUNT, OTHER_ACCOUNT]}
    after = {"Principals": [ACCOUNT, THIRD_ACCOUNT]}
    return [request("Create", layer, **before)], [request("Update", layer, old=before, **after)]


def delete(aws: FakeAws) -> Scenario:
    layer = new_layer(aws)
    return [request("Create", layer)], [request("Delete", layer)]


def redelivered_create(aws: FakeAws) -> Scenario:
    layer = new_layer(aws)
    return [request("Create", layer)], [request("Create", layer)]


def all_versions(aws: FakeAws, versions: int, shared: bool) -> Scenario:
    layer = new_layer(aws, versions, shared)
    return [], [request("Create", layer, versions, Principal=ACCOUNT, Versions="All")]


def all_versions_unchanged(aws: FakeAws, versions: int) -> Scenario:
    layer = new_layer(aws, versions)
    properties = {"Principal": ACCOUNT, "Versions": "All"}
    first = request("Create", layer, versions, **properties)
    return [first], [request("Update", layer, versions, old=properties, **properties)]


def many_creates(aws: FakeAws, number: int) -> list[dict]:
    """Each on a version of its own."""
    layer = new_layer(aws, number)
    return [request("Create", layer, version) for version in range(1, number + 1)]


def long_series(aws: FakeAws, number: int) -> list[dict]:
    """In turn a Create whose grant exists and a Delete of a failed Create, which calls only the bucket."""
    layer = new_layer(aws)
    events = [request("Create" if index % 2 == 0 else "Delete", layer) for index in range(number)]
    for never_created in events[1::2]:
        never_created["PhysicalResourceId"] = "never-created"
    return events
