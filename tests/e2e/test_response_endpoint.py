"""The gate itself: it refuses what CloudFormation refuses, so that the other tests can rest on it."""

import http.client
import json

import pytest

ID = "arn:aws:lambda:eu-west-1:123456789012:layer:tools:1#partner"
EVENT = {
    "RequestType": "Update",
    "StackId": "arn:aws:cloudformation:eu-west-1:123456789012:stack/user/1",
    "RequestId": "7f1a2b3c",
    "LogicalResourceId": "Sharing",
    "PhysicalResourceId": ID,
}
GOOD = {
    "Status": "SUCCESS",
    "PhysicalResourceId": ID,
    "StackId": EVENT["StackId"],
    "RequestId": EVENT["RequestId"],
    "LogicalResourceId": EVENT["LogicalResourceId"],
}


def put(gate, body: bytes | dict, event=EVENT, url=None, **headers) -> int:
    connection = http.client.HTTPConnection(gate.url.removeprefix("http://"))
    target = (url or gate.admit(event)).removeprefix(gate.url)
    connection.request("PUT", target, body if isinstance(body, bytes) else json.dumps(body).encode(), headers)
    status = connection.getresponse().status
    connection.close()
    return status


def test_valid_response_is_accepted(gate):
    url = gate.admit(EVENT)
    assert put(gate, GOOD, url=url) == 200
    assert gate.answer_to(url, seconds=1) == GOOD
    assert not gate.violations


@pytest.mark.parametrize(
    ("event", "answer"),
    [
        pytest.param({}, {"StackId": "arn:aws:cloudformation:other"}, id="another stack"),
        pytest.param({}, {"RequestId": "another"}, id="another request"),
        pytest.param({}, {"LogicalResourceId": "sharing"}, id="another logical id"),
        pytest.param({}, {"Status": "Success"}, id="unknown status"),
        pytest.param({}, {"Status": "FAILED"}, id="failed without reason"),
        pytest.param({}, {"PhysicalResourceId": ""}, id="empty id"),
        pytest.param({}, {"PhysicalResourceId": None}, id="null id"),
        pytest.param({}, {"PhysicalResourceId": "i" * 1025}, id="too long an id"),
        pytest.param({}, {"Data": {"Long": "x" * 4096}}, id="too long a body"),
        pytest.param({}, {"reason": "lower-case"}, id="unknown field"),
        pytest.param({"RequestType": "Delete"}, {"PhysicalResourceId": "other"}, id="a delete that changes the id"),
        pytest.param({}, {"Status": "FAILED", "Reason": "x", "PhysicalResourceId": "other"}, id="a failed update that does"),
    ],
)
def test_invalid_response_is_rejected(gate, event, answer):
    assert put(gate, GOOD | answer, EVENT | event) == 403
    assert gate.violations


@pytest.mark.parametrize("body", [b"", b"null", b"{", b"[]"])
def test_response_that_is_not_a_json_object_is_rejected(gate, body):
    assert put(gate, body) == 403
    assert gate.violations


def test_response_with_content_type_is_rejected(gate):
    assert put(gate, GOOD, **{"Content-Type": "application/json"}) == 403
    assert gate.violations


def test_chunked_response_is_rejected(gate):
    assert put(gate, GOOD, **{"Transfer-Encoding": "chunked"}) == 403
    assert gate.violations


def test_second_response_is_rejected(gate):
    url = gate.admit(EVENT)
    assert [put(gate, GOOD, url=url), put(gate, GOOD, url=url)] == [200, 403]
    assert gate.violations


def test_reencoded_response_url_is_rejected(gate):
    assert put(gate, GOOD, url=gate.admit(EVENT).replace("%3A", ":")) == 403
    assert gate.violations
