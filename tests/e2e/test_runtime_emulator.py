"""The release executable in AWS's Runtime Interface Emulator: any event gets exactly one response, in time, and the process survives."""

import socket

import pytest

from layer import Layer
from response_endpoint import HOST
from runtime_emulator import ACCOUNT
from templates import PARTNER

EVENT = {
    "RequestType": "Create",
    "ServiceToken": f"arn:aws:lambda:eu-west-1:{ACCOUNT}:function:lambda-permission-provider",
    "StackId": f"arn:aws:cloudformation:eu-west-1:{ACCOUNT}:stack/user/6b2c9c10-3a5e-11f0-9c1e-0a1b2c3d4e5f",
    "RequestId": "7f1a2b3c-0000-4000-8000-000000000001",
    "LogicalResourceId": "Sharing",
    "ResourceType": "Custom::LayerVersionPermission",
}


@pytest.fixture
def layer(aws, tmp_path):
    return Layer(aws, tmp_path.name.replace("_", "-"), account=ACCOUNT)


@pytest.fixture
def event(response_endpoint, layer):
    """A complete Create for a layer version that is not shared. `...` removes a field, and the ResponseURL was signed `age` seconds ago."""

    def make(age: int = 0, **changes) -> dict:
        version = layer.publish()
        complete = EVENT | {"ResourceProperties": {"LayerVersionArn": version, "Principal": PARTNER}} | changes
        event = {key: value for key, value in complete.items() if value is not ...}
        return event | {"ResponseURL": response_endpoint.register(event, age=age)}

    return make


def invoke(response_endpoint, emulator, event, seconds: float = 1) -> dict:
    """Invokes the function, which succeeds, and returns the response that it sent before."""
    assert emulator.invoke(event) == (200, "null")
    return response_endpoint.wait_for_response(event["ResponseURL"], seconds)


def test_create_gets_a_response(start_emulator, response_endpoint, event, layer):
    create = event()
    response = invoke(response_endpoint, start_emulator(), create)

    version = create["ResourceProperties"]["LayerVersionArn"]
    (statement_id,) = layer.policy(version)
    assert (response["Status"], response["PhysicalResourceId"]) == ("SUCCESS", f"{version}#{statement_id}")


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"RequestType": ...}, id="missing request type"),
        pytest.param({"RequestType": None}, id="null request type"),
        pytest.param({"RequestType": "Recreate"}, id="unknown request type"),
        pytest.param({"ResourceProperties": None}, id="null properties"),
        pytest.param({"ResourceProperties": ...}, id="missing properties"),
        pytest.param({"ResourceProperties": "text"}, id="properties not an object"),
        pytest.param({"ResourceType": "Custom::FunctionPermission"}, id="properties of another resource type"),
    ],
)
def test_invalid_event_gets_a_failed_response(start_emulator, response_endpoint, event, changes):
    response = invoke(response_endpoint, start_emulator(), event(**changes))
    assert (response["Status"], response["PhysicalResourceId"]) == ("FAILED", "never-created")


def test_delete_without_physical_id_gets_a_response(start_emulator, response_endpoint, event):
    assert invoke(response_endpoint, start_emulator(timeout=20), event(RequestType="Delete"))["Status"] == "SUCCESS"


def test_delete_without_physical_id_and_properties_gets_a_response(start_emulator, response_endpoint, event):
    response = invoke(response_endpoint, start_emulator(timeout=20), event(RequestType="Delete", ResourceProperties=None))
    assert response["PhysicalResourceId"]


@pytest.mark.parametrize("invalid", [None, [], "text", 7, {}, {"ResponseURL": None}, {"ResponseURL": "not-a-url"}])
def test_event_without_response_url_is_logged_and_the_next_event_succeeds(start_emulator, response_endpoint, event, invalid):
    emulator = start_emulator()
    assert emulator.invoke(invalid) == (200, "null")
    assert "response not sent" in emulator.log()
    assert invoke(response_endpoint, emulator, event())["Status"] == "SUCCESS"
    assert len(emulator.bootstrap_processes()) == 1


def test_panic_gets_a_failed_response_and_the_process_survives(start_emulator, response_endpoint, event):
    emulator = start_emulator(SIMULATE_PANIC="1")
    responses = [invoke(response_endpoint, emulator, event())]
    before = emulator.bootstrap_processes()
    responses.append(invoke(response_endpoint, emulator, event()))

    assert [response["Status"] for response in responses] == ["FAILED", "FAILED"]
    assert all("panic" in response["Reason"] for response in responses)
    assert emulator.bootstrap_processes() == before
    assert emulator.log().count('"message":"panicked"') == 2


@pytest.mark.parametrize("timeout", [3, 6])
def test_hanging_lambda_api_gets_a_failed_response_before_the_timeout(start_emulator, response_endpoint, event, timeout):
    with socket.create_server(("127.0.0.1", 0)) as hanging:
        emulator = start_emulator(timeout=timeout, AWS_ENDPOINT_URL="http://127.0.0.1:{}".format(hanging.getsockname()[1]))
        response = invoke(response_endpoint, emulator, event())

    assert response["Status"] == "FAILED"
    assert "timed out" in response["Reason"]
    assert "Task timed out" not in emulator.log()


def test_unreachable_lambda_api_gets_a_failed_response(start_emulator, response_endpoint, event):
    with socket.create_server(("127.0.0.1", 0)) as closed:
        address = "http://127.0.0.1:{}".format(closed.getsockname()[1])

    assert invoke(response_endpoint, start_emulator(timeout=3, AWS_ENDPOINT_URL=address), event())["Status"] == "FAILED"


def test_redelivered_create_gets_the_same_response(start_emulator, response_endpoint, event):
    emulator, first = start_emulator(), event()
    redelivered = first | {"ResponseURL": response_endpoint.register(first)}

    assert invoke(response_endpoint, emulator, first) == invoke(response_endpoint, emulator, redelivered)


@pytest.mark.parametrize("hosts", ["", HOST, f"http://{HOST}0", f"ftp://{HOST}"])
def test_disallowed_response_host_gets_no_response_and_nothing_is_granted(start_emulator, response_endpoint, event, layer, hosts):
    create = event()
    emulator = start_emulator(RESPONSE_HOSTS=hosts)

    assert emulator.invoke(create) == (200, "null")
    assert f"`ResponseURL` not allowed: got `http://{HOST}?***`" in emulator.log()
    assert got_no_response(response_endpoint, create)
    assert layer.policy(create["ResourceProperties"]["LayerVersionArn"]) == {}


def test_delete_revokes_even_if_the_response_host_is_disallowed(start_emulator, response_endpoint, event, layer):
    create = event()
    id = invoke(response_endpoint, start_emulator(), create)["PhysicalResourceId"]
    version = create["ResourceProperties"]["LayerVersionArn"]
    assert len(layer.policy(version)) == 1

    delete = create | {"RequestType": "Delete", "PhysicalResourceId": id}
    delete["ResponseURL"] = response_endpoint.register(delete)
    emulator = start_emulator(RESPONSE_HOSTS="")

    assert emulator.invoke(delete) == (200, "null")
    assert "`ResponseURL` not allowed" in emulator.log()
    assert got_no_response(response_endpoint, delete)
    assert layer.policy(version) == {}


@pytest.mark.parametrize(("age", "timeout"), [(601, "600"), (7201, "86400")])
def test_expired_request_grants_nothing(start_emulator, response_endpoint, event, layer, age, timeout):
    version = layer.publish()
    properties = {"LayerVersionArn": version, "Principal": PARTNER, "ServiceTimeout": timeout}
    create = event(age, ResourceProperties=properties)

    response = invoke(response_endpoint, start_emulator(), create)

    assert response["Status"] == "FAILED"
    assert "request expired" in response["Reason"]
    assert layer.policy(version) == {}


def got_no_response(response_endpoint, event) -> bool:
    """Whether no response came to this event. Excludes the event from the check at the end of the test."""
    return not response_endpoint.requests.pop(event["ResponseURL"].removeprefix(response_endpoint.url)).responses
