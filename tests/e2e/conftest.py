"""Shared fixtures: one local AWS for all tests, with the provider deployed, and a new layer and stack for each test."""

import itertools

import pytest

from layer import Layer
from layer_owner import LayerOwner
from local_aws import ASSUMED_SECRET_KEY, ASSUMED_SESSION_TOKEN, SECRET_KEY, SESSION_TOKEN, LocalAws
from provider import Provider
from response_endpoint import HOST, ResponseEndpoint
from runtime_emulator import RuntimeEmulator
from stack import Stack

_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def aws():
    aws = LocalAws()
    yield aws
    aws.stop()


@pytest.fixture(scope="session")
def deployed_provider(aws):
    return Provider(aws)


@pytest.fixture
def provider(aws, deployed_provider):
    """The deployed provider. Afterwards, checks that every request got exactly one valid response, and that the log contains no secret."""
    aws.response_endpoint.requests.clear()
    aws.response_endpoint.violations.clear()
    yield deployed_provider
    check(aws.response_endpoint, "\n".join(deployed_provider.log()))


@pytest.fixture
def layer(aws):
    return Layer(aws, f"tools-{next(_numbers)}")


@pytest.fixture
def stack(aws, provider):
    return Stack(aws, f"user-{next(_numbers)}")


@pytest.fixture
def layer_owner(aws, provider):
    layer_owner = LayerOwner(aws, provider)
    yield layer_owner
    assert layer_owner.stack.delete() == "DELETE_COMPLETE"


@pytest.fixture
def response_endpoint():
    response_endpoint = ResponseEndpoint()
    yield response_endpoint
    response_endpoint.close()


@pytest.fixture
def start_emulator(aws, response_endpoint, tmp_path):
    """Starts the release executable in AWS's Runtime Interface Emulator: `start_emulator(timeout=3, SIMULATE_PANIC="1")`."""
    running = []

    def start(**settings):
        env = {"AWS_ENDPOINT_URL": aws.url, "RESPONSE_HOSTS": f"http://{HOST}", **settings}
        running.append(RuntimeEmulator(tmp_path, **env))
        return running[-1]

    yield start
    for emulator in running:
        emulator.stop()
        check(response_endpoint, emulator.log())


def check(response_endpoint: ResponseEndpoint, log: str):
    requests = response_endpoint.requests.values()
    assert not response_endpoint.violations
    assert not [request.event for request in requests if not request.responses], "no response"
    secrets = [request.query for request in requests]
    secrets += [part for query in secrets for part in query.split("&")]
    secrets += [SECRET_KEY, SESSION_TOKEN, ASSUMED_SECRET_KEY, ASSUMED_SESSION_TOKEN]
    assert not [secret for secret in secrets if secret in log], "the log contains a secret"
