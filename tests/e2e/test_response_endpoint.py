"""The response endpoint rejects what CloudFormation rejects, so that the other tests can rely on it."""

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
VALID = {
    "Status": "SUCCESS",
    "PhysicalResourceId": ID,
    "StackId": EVENT["StackId"],
    "RequestId": EVENT["RequestId"],
    "LogicalResourceId": EVENT["LogicalResourceId"],
}


def put(response_endpoint, body: bytes | dict, event=EVENT, url=None, **headers) -> int:
    connection = http.client.HTTPConnection(response_endpoint.url.removeprefix("http://"))
    target = (url or response_endpoint.register(event)).removeprefix(response_endpoint.url)
    connection.request("PUT", target, body if isinstance(body, bytes) else json.dumps(body).encode(), headers)
    status = connection.getresponse().status
    connection.close()
    return status


def test_valid_response_is_accepted(response_endpoint):
    url = response_endpoint.register(EVENT)
    assert put(response_endpoint, VALID, url=url) == 200
    assert response_endpoint.wait_for_response(url, seconds=1) == VALID
    assert not response_endpoint.violations


@pytest.mark.parametrize(
    ("event", "response"),
    [
        pytest.param({}, {"StackId": "arn:aws:cloudformation:other"}, id="another stack"),
        pytest.param({}, {"RequestId": "another"}, id="another request"),
        pytest.param({}, {"LogicalResourceId": "sharing"}, id="another logical id"),
        pytest.param({}, {"Status": "Success"}, id="unknown status"),
        pytest.param({}, {"Status": "FAILED"}, id="failed without reason"),
        pytest.param({}, {"PhysicalResourceId": ""}, id="empty physical id"),
        pytest.param({}, {"PhysicalResourceId": None}, id="null physical id"),
        pytest.param({}, {"PhysicalResourceId": "i" * 1025}, id="physical id too long"),
        pytest.param({}, {"Data": {"Long": "x" * 4096}}, id="body too long"),
        pytest.param({}, {"reason": "lower-case"}, id="unknown field"),
        pytest.param({"RequestType": "Delete"}, {"PhysicalResourceId": "other"}, id="delete changes the physical id"),
        pytest.param({}, {"Status": "FAILED", "Reason": "x", "PhysicalResourceId": "other"}, id="failed update changes the physical id"),
    ],
)
def test_invalid_response_is_rejected(response_endpoint, event, response):
    assert put(response_endpoint, VALID | response, EVENT | event) == 403
    assert response_endpoint.violations


@pytest.mark.parametrize("body", [b"", b"null", b"{", b"[]"])
def test_response_that_is_not_a_json_object_is_rejected(response_endpoint, body):
    assert put(response_endpoint, body) == 403
    assert response_endpoint.violations


def test_response_with_content_type_is_rejected(response_endpoint):
    assert put(response_endpoint, VALID, **{"Content-Type": "application/json"}) == 403
    assert response_endpoint.violations


def test_chunked_response_is_rejected(response_endpoint):
    assert put(response_endpoint, VALID, **{"Transfer-Encoding": "chunked"}) == 403
    assert response_endpoint.violations


def test_second_response_is_rejected(response_endpoint):
    url = response_endpoint.register(EVENT)
    assert [put(response_endpoint, VALID, url=url), put(response_endpoint, VALID, url=url)] == [200, 403]
    assert response_endpoint.violations


def test_reencoded_response_url_is_rejected(response_endpoint):
    assert put(response_endpoint, VALID, url=response_endpoint.register(EVENT).replace("%3A", ":")) == 403
    assert response_endpoint.violations
