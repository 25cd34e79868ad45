"""When something goes wrong in the deployed function: the stack ends at once with a reason, and never waits for its time limit."""

import socket
import time

import pytest

from templates import ORGANIZATION, OTHER_PARTNER, PARTNER, sharing

SOON = 20  # seconds; a stack that nobody answers waits for 30


@pytest.fixture
def silence():
    """The address of a server that takes every connection and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield "http://127.0.0.1:{}".format(server.getsockname()[1])


def test_panic_during_create_fails_the_stack(provider, stack, layer):
    started = time.monotonic()
    with provider.configured(SIMULATE_PANIC="1"):
        status = stack.create(sharing(LayerVersionArn=layer.publish(), Principal=PARTNER))

    assert status == "ROLLBACK_COMPLETE"
    assert "panic" in stack.reason("Sharing")
    assert time.monotonic() - started < SOON


def test_panic_during_delete_fails_and_a_retry_succeeds(provider, stack, layer):
    version = layer.publish()
    stack.create(sharing(LayerVersionArn=version, Principal=PARTNER))
    with provider.configured(SIMULATE_PANIC="1"):
        assert stack.delete() == "DELETE_FAILED"
    assert len(layer.policy(version)) == 1

    assert stack.delete() == "DELETE_COMPLETE"
    assert layer.policy(version) == {}


def test_hanging_lambda_api_fails_the_create(provider, stack, layer, silence):
    started = time.monotonic()
    with provider.configured(timeout=4, AWS_ENDPOINT_URL=silence):
        status = stack.create(sharing(LayerVersionArn=layer.publish(), Principal=PARTNER))

    assert status == "ROLLBACK_COMPLETE"
    assert "out of time" in stack.reason("Sharing")
    assert time.monotonic() - started < SOON


def test_hanging_lambda_api_fails_the_delete_and_a_retry_succeeds(provider, stack, layer, silence):
    version = layer.publish()
    stack.create(sharing(LayerVersionArn=version, Principal=PARTNER))
    with provider.configured(timeout=4, AWS_ENDPOINT_URL=silence):
        assert stack.delete() == "DELETE_FAILED"

    assert stack.delete() == "DELETE_COMPLETE"
    assert layer.policy(version) == {}


def test_hanging_lambda_api_fails_the_update_and_continue_rollback_succeeds(provider, stack, layer, silence):
    version = layer.publish()
    stack.create(sharing(LayerVersionArn=version, Principal=PARTNER))
    policy = layer.policy(version)
    with provider.configured(timeout=4, AWS_ENDPOINT_URL=silence):
        # The rollback's own Update meets the silence as well.
        assert stack.update(sharing(LayerVersionArn=version, Principal=OTHER_PARTNER)) == "UPDATE_ROLLBACK_FAILED"

    assert stack.continue_rollback() == "UPDATE_ROLLBACK_COMPLETE"
    assert layer.policy(version) == policy


@pytest.mark.parametrize(
    ("properties", "word"),
    [
        pytest.param({"Principal": "everybody"}, "everybody", id="no principal"),
        pytest.param({"Principal": PARTNER, "LayerVersionArn": "tools"}, "tools", id="no layer version"),
        pytest.param({"Principal": "*", "OrganizationId": ""}, "OrganizationId", id="empty organization"),
        pytest.param({"Principal": "*", "OrganisationId": ORGANIZATION}, "OrganizationId", id="mistyped name"),
        pytest.param({"Principal": PARTNER, "StatementId": "with space"}, "with space", id="statement id"),
    ],
)
def test_invalid_property_fails_the_create(stack, layer, properties, word):
    version = layer.publish()

    assert stack.create(sharing(**{"LayerVersionArn": version, **properties})) == "ROLLBACK_COMPLETE"

    assert word in stack.reason("Sharing")
    assert layer.policy(version) == {}


def test_missing_layer_version_fails_the_create(stack, layer):
    missing = layer.publish().removesuffix(":1") + ":7"

    assert stack.create(sharing(LayerVersionArn=missing, Principal=PARTNER)) == "ROLLBACK_COMPLETE"

    assert missing in stack.reason("Sharing")


def test_delete_succeeds_after_the_layer_version_was_deleted(engine, stack, layer):
    version = layer.publish()
    stack.create(sharing(LayerVersionArn=version, Principal=PARTNER))
    engine.client("lambda").delete_layer_version(LayerName=layer.name, VersionNumber=1)

    assert stack.delete() == "DELETE_COMPLETE"
