"""Failures of the deployed function: the stack fails at once with a reason, and does not wait for its timeout."""

import socket
import time

import pytest

from templates import ORGANIZATION, OTHER_PARTNER, PARTNER, sharing_template

MAX_DURATION = 20  # seconds; without a response, a stack waits for 30


@pytest.fixture
def hanging_server():
    """The URL of a server that accepts connections and never responds."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield "http://127.0.0.1:{}".format(server.getsockname()[1])


def test_panic_during_create_fails_the_stack(provider, stack, layer):
    started = time.monotonic()
    with provider.with_configuration(SIMULATE_PANIC="1"):
        status = stack.create(sharing_template(LayerVersionArn=layer.publish(), Principal=PARTNER))

    assert status == "ROLLBACK_COMPLETE"
    assert "panic" in stack.failure_reason("Sharing")
    assert time.monotonic() - started < MAX_DURATION


def test_panic_during_delete_fails_and_a_retry_succeeds(provider, stack, layer):
    version = layer.publish()
    stack.create(sharing_template(LayerVersionArn=version, Principal=PARTNER))
    with provider.with_configuration(SIMULATE_PANIC="1"):
        assert stack.delete() == "DELETE_FAILED"
    assert len(layer.policy(version)) == 1

    assert stack.delete() == "DELETE_COMPLETE"
    assert layer.policy(version) == {}


def test_hanging_lambda_api_fails_the_create(provider, stack, layer, hanging_server):
    started = time.monotonic()
    with provider.with_configuration(timeout=4, AWS_ENDPOINT_URL=hanging_server):
        status = stack.create(sharing_template(LayerVersionArn=layer.publish(), Principal=PARTNER))

    assert status == "ROLLBACK_COMPLETE"
    assert "timed out" in stack.failure_reason("Sharing")
    assert time.monotonic() - started < MAX_DURATION


def test_hanging_lambda_api_fails_the_delete_and_a_retry_succeeds(provider, stack, layer, hanging_server):
    version = layer.publish()
    stack.create(sharing_template(LayerVersionArn=version, Principal=PARTNER))
    with provider.with_configuration(timeout=4, AWS_ENDPOINT_URL=hanging_server):
        assert stack.delete() == "DELETE_FAILED"

    assert stack.delete() == "DELETE_COMPLETE"
    assert layer.policy(version) == {}


def test_hanging_lambda_api_fails_the_update_and_continue_rollback_succeeds(provider, stack, layer, hanging_server):
    version = layer.publish()
    stack.create(sharing_template(LayerVersionArn=version, Principal=PARTNER))
    policy = layer.policy(version)
    with provider.with_configuration(timeout=4, AWS_ENDPOINT_URL=hanging_server):
        # The Update of the rollback fails for the same reason.
        assert stack.update(sharing_template(LayerVersionArn=version, Principal=OTHER_PARTNER)) == "UPDATE_ROLLBACK_FAILED"

    assert stack.continue_rollback() == "UPDATE_ROLLBACK_COMPLETE"
    assert layer.policy(version) == policy


@pytest.mark.parametrize(
    ("properties", "word"),
    [
        pytest.param({"Principal": "everybody"}, "everybody", id="invalid principal"),
        pytest.param({"Principal": PARTNER, "LayerVersionArn": "tools"}, "tools", id="invalid layer version"),
        pytest.param({"Principal": "*", "OrganizationId": ""}, "OrganizationId", id="empty organization"),
        pytest.param({"Principal": "*", "OrganisationId": ORGANIZATION}, "OrganizationId", id="misspelled property"),
        pytest.param({"Principal": PARTNER, "StatementId": "with space"}, "with space", id="invalid statement id"),
    ],
)
def test_invalid_property_fails_the_create(stack, layer, properties, word):
    version = layer.publish()

    assert stack.create(sharing_template(**{"LayerVersionArn": version, **properties})) == "ROLLBACK_COMPLETE"

    assert word in stack.failure_reason("Sharing")
    assert layer.policy(version) == {}


def test_missing_layer_version_fails_the_create(stack, layer):
    missing = layer.publish().removesuffix(":1") + ":7"

    assert stack.create(sharing_template(LayerVersionArn=missing, Principal=PARTNER)) == "ROLLBACK_COMPLETE"

    assert missing in stack.failure_reason("Sharing")


def test_delete_succeeds_after_the_layer_version_was_deleted(aws, stack, layer):
    version = layer.publish()
    stack.create(sharing_template(LayerVersionArn=version, Principal=PARTNER))
    aws.client("lambda").delete_layer_version(LayerName=layer.name, VersionNumber=1)

    assert stack.delete() == "DELETE_COMPLETE"
