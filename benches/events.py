"""The events that are measured, each with a layer of its own in the state that it needs. Knows nothing of who gets them."""

import itertools

from stage.control_plane import ControlPlane

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


def new_layer(control_plane: ControlPlane, versions: int = 1, shared: bool = True) -> str:
    layer = f"layer-{next(_numbers)}"
    control_plane.publish(layer, versions, shared)
    return layer


# Each scenario: what is played first, by another process, and what is measured then.
Scenario = tuple[list[dict], list[dict]]


def create(control_plane: ControlPlane) -> Scenario:
    """On a layer version that has a policy, so that the write is under a revision."""
    return [], [request("Create", new_layer(control_plane))]


def update(control_plane: ControlPlane) -> Scenario:
    """One account in a list of two makes room for another."""
    layer = new_layer(control_plane)
    before = {"Principals": [ACCOUNT, OTHER_ACCOUNT]}
    after = {"Principals": [ACCOUNT, THIRD_ACCOUNT]}
    return [request("Create", layer, **before)], [request("Update", layer, old=before, **after)]


def delete(control_plane: ControlPlane) -> Scenario:
    layer = new_layer(control_plane)
    return [request("Create", layer)], [request("Delete", layer)]


def redelivered_create(control_plane: ControlPlane) -> Scenario:
    layer = new_layer(control_plane)
    return [request("Create", layer)], [request("Create", layer)]


def all_versions(control_plane: ControlPlane, versions: int, shared: bool) -> Scenario:
    layer = new_layer(control_plane, versions, shared)
    return [], [request("Create", layer, versions, Principal=ACCOUNT, Versions="All")]


def all_versions_unchanged(control_plane: ControlPlane, versions: int) -> Scenario:
    layer = new_layer(control_plane, versions)
    properties = {"Principal": ACCOUNT, "Versions": "All"}
    first = request("Create", layer, versions, **properties)
    return [first], [request("Update", layer, versions, old=properties, **properties)]


def many_creates(control_plane: ControlPlane, number: int) -> list[dict]:
    """Each on a version of its own."""
    layer = new_layer(control_plane, number)
    return [request("Create", layer, version) for version in range(1, number + 1)]


def long_series(control_plane: ControlPlane, number: int) -> list[dict]:
    """In turn a Create that is true already and a Delete of what was never made, which calls nobody but the bucket."""
    layer = new_layer(control_plane)
    events = [request("Create" if index % 2 == 0 else "Delete", layer) for index in range(number)]
    for never_made in events[1::2]:
        never_made["PhysicalResourceId"] = "never-created"
    return events
