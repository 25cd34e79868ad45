"""The executable that ships under AWS's emulator: whatever the event, it is answered once, in time, and the process lives on."""

import socket

import pytest

from runtime_emulator import ACCOUNT
from response_endpoint import HOST
from layer import Layer
from templates import PARTNER

EVENT = {
    "RequestType": "Create",
    "ServiceToken": f"arn:aws:lambda:eu-west-1:{ACCOUNT}:function:layer-permission-provider",
    "StackId": f"arn:aws:cloudformation:eu-west-1:{ACCOUNT}:stack/user/6b2c9c10-3a5e-11f0-9c1e-0a1b2c3d4e5f",
    "RequestId": "7f1a2b3c-0000-4000-8000-000000000001",
    "LogicalResourceId": "Sharing",
    "ResourceType": "Custom::LayerVersionPermission",
}


@pytest.fixture
def layer(engine, tmp_path):
    return Layer(engine, tmp_path.name.replace("_", "-"), account=ACCOUNT)


@pytest.fixture
def event(gate, layer):
    """An event with everything, for a layer version that nobody has shared; without what is given as `...`, and so many seconds old."""

    def make(age: int = 0, **changes) -> dict:
        version = layer.publish()
        whole = EVENT | {"ResourceProperties": {"LayerVersionArn": version, "Principal": PARTNER}} | changes
        event = {key: value for key, value in whole.items() if value is not ...}
        return event | {"ResponseURL": gate.admit(event, age=age)}

    return make


def answer(gate, emulator, event, seconds: float = 1) -> dict:
    """The answer to this event, which was given before the invocation ended well."""
    assert emulator.invoke(event) == (200, "null")
    return gate.answer_to(event["ResponseURL"], seconds)


def test_create_gets_a_response(emulate, gate, event, layer):
    create = event()
    answered = answer(gate, emulate(), create)

    version = create["ResourceProperties"]["LayerVersionArn"]
    (statement_id,) = layer.policy(version)
    assert (answered["Status"], answered["PhysicalResourceId"]) == ("SUCCESS", f"{version}#{statement_id}")


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"RequestType": ...}, id="without request type"),
        pytest.param({"RequestType": None}, id="null request type"),
        pytest.param({"RequestType": "Recreate"}, id="unknown request type"),
        pytest.param({"ResourceProperties": None}, id="null properties"),
        pytest.param({"ResourceProperties": ...}, id="without properties"),
        pytest.param({"ResourceProperties": "many"}, id="properties that are no object"),
        pytest.param({"ResourceType": "Custom::FunctionPermission"}, id="not served"),
    ],
)
def test_invalid_event_gets_a_failed_response(emulate, gate, event, changes):
    answered = answer(gate, emulate(), event(**changes))
    assert (answered["Status"], answered["PhysicalResourceId"]) == ("FAILED", "never-created")


def test_delete_without_physical_id_gets_a_response(emulate, gate, event):
    assert answer(gate, emulate(timeout=20), event(RequestType="Delete"))["Status"] == "SUCCESS"


def test_delete_without_physical_id_and_properties_gets_a_response(emulate, gate, event):
    answered = answer(gate, emulate(timeout=20), event(RequestType="Delete", ResourceProperties=None))
    assert answered["PhysicalResourceId"]


@pytest.mark.parametrize("nonsense", [None, [], "text", 7, {}, {"ResponseURL": None}, {"ResponseURL": "nowhere"}])
def test_event_without_response_url_is_logged_and_the_next_event_succeeds(emulate, gate, event, nonsense):
    emulator = emulate()
    assert emulator.invoke(nonsense) == (200, "null")
    assert "not answerable" in emulator.log()
    assert answer(gate, emulator, event())["Status"] == "SUCCESS"
    assert len(emulator.bootstraps()) == 1


def test_panic_gets_a_failed_response_and_the_process_survives(emulate, gate, event):
    emulator = emulate(SIMULATE_PANIC="1")
    answers = [answer(gate, emulator, event())]
    before = emulator.bootstraps()
    answers.append(answer(gate, emulator, event()))

    assert [answered["Status"] for answered in answers] == ["FAILED", "FAILED"]
    assert all("panic" in answered["Reason"] for answered in answers)
    assert emulator.bootstraps() == before
    assert emulator.log().count('"message":"panicked"') == 2


@pytest.mark.parametrize("timeout", [3, 6])
def test_hanging_lambda_api_gets_a_failed_response_before_the_timeout(emulate, gate, event, timeout):
    with socket.create_server(("127.0.0.1", 0)) as silence:
        emulator = emulate(timeout=timeout, AWS_ENDPOINT_URL="http://127.0.0.1:{}".format(silence.getsockname()[1]))
        answered = answer(gate, emulator, event())

    assert answered["Status"] == "FAILED"
    assert "out of time" in answered["Reason"]
    assert "timed out" not in emulator.log()


def test_unreachable_lambda_api_gets_a_failed_response(emulate, gate, event):
    with socket.create_server(("127.0.0.1", 0)) as closed:
        address = "http://127.0.0.1:{}".format(closed.getsockname()[1])

    assert answer(gate, emulate(timeout=3, AWS_ENDPOINT_URL=address), event())["Status"] == "FAILED"


def test_redelivered_create_gets_the_same_response(emulate, gate, event):
    emulator, first = emulate(), event()
    again = first | {"ResponseURL": gate.admit(first)}

    assert answer(gate, emulator, first) == answer(gate, emulator, again)


@pytest.mark.parametrize("hosts", ["", HOST, f"http://{HOST}0", f"ftp://{HOST}"])
def test_disallowed_response_host_gets_no_response_and_nothing_is_granted(emulate, gate, event, layer, hosts):
    create = event()
    emulator = emulate(RESPONSE_HOSTS=hosts)

    assert emulator.invoke(create) == (200, "null")
    assert f"`ResponseURL` not allowed: got `http://{HOST}?***`" in emulator.log()
    assert not_answered(gate, create)
    assert layer.policy(create["ResourceProperties"]["LayerVersionArn"]) == {}


def test_delete_revokes_even_if_the_response_host_is_disallowed(emulate, gate, event, layer):
    create = event()
    id = answer(gate, emulate(), create)["PhysicalResourceId"]
    version = create["ResourceProperties"]["LayerVersionArn"]
    assert len(layer.policy(version)) == 1

    delete = create | {"RequestType": "Delete", "PhysicalResourceId": id}
    delete["ResponseURL"] = gate.admit(delete)
    emulator = emulate(RESPONSE_HOSTS="")

    assert emulator.invoke(delete) == (200, "null")
    assert "`ResponseURL` not allowed" in emulator.log()
    assert not_answered(gate, delete)
    assert layer.policy(version) == {}


@pytest.mark.parametrize(("age", "timeout"), [(601, "600"), (7201, "86400")])
def test_expired_request_grants_nothing(emulate, gate, event, layer, age, timeout):
    version = layer.publish()
    properties = {"LayerVersionArn": version, "Principal": PARTNER, "ServiceTimeout": timeout}
    create = event(age, ResourceProperties=properties)

    answered = answer(gate, emulate(), create)

    assert answered["Status"] == "FAILED"
    assert "too late" in answered["Reason"]
    assert layer.policy(version) == {}


def not_answered(gate, event) -> bool:
    """Whether no answer came to this event; that there is none is not held against it afterwards."""
    return not gate.exchanges.pop(event["ResponseURL"].removeprefix(gate.url)).answers
