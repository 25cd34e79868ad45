"""What the tests start from: one engine for all, with the provider deployed, and a layer of each test's own."""

import itertools

import pytest

from provider import Provider
from runtime_emulator import Emulator
from local_aws import ROLES_SECRET_KEY, ROLES_SESSION_TOKEN, SECRET_KEY, SESSION_TOKEN, Engine
from response_endpoint import HOST, Gate
from layer import Layer
from layer_owner import Owners
from stack import Stack

_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def engine():
    engine = Engine()
    yield engine
    engine.stop()


@pytest.fixture(scope="session")
def deployed(engine):
    return Provider(engine)


@pytest.fixture
def provider(engine, deployed):
    """The provider, as deployed. Afterwards every request was answered once, as CloudFormation wants it, and the log is clean."""
    engine.gate.exchanges.clear()
    engine.gate.violations.clear()
    yield deployed
    check(engine.gate, "\n".join(deployed.log()))


@pytest.fixture
def layer(engine):
    return Layer(engine, f"tools-{next(_numbers)}")


@pytest.fixture
def stack(engine, provider):
    return Stack(engine, f"user-{next(_numbers)}")


@pytest.fixture
def owners(engine, provider):
    owners = Owners(engine, provider)
    yield owners
    assert owners.stack.delete() == "DELETE_COMPLETE"


@pytest.fixture
def gate():
    gate = Gate()
    yield gate
    gate.close()


@pytest.fixture
def emulate(engine, gate, tmp_path):
    """Starts the executable that ships under AWS's emulator: `emulate(timeout=3, SIMULATE_PANIC="1")`."""
    running = []

    def start(**settings):
        running.append(Emulator(tmp_path, **{"AWS_ENDPOINT_URL": engine.url, "RESPONSE_HOSTS": f"http://{HOST}", **settings}))
        return running[-1]

    yield start
    for emulator in running:
        emulator.stop()
        check(gate, emulator.log())


def check(gate: Gate, log: str):
    assert not gate.violations
    assert not [exchange.event for exchange in gate.exchanges.values() if not exchange.answers], "not answered"
    secrets = [exchange.query for exchange in gate.exchanges.values()]
    secrets += [part for query in secrets for part in query.split("&")] 
    secrets += [SECRET_KEY, SESSION_TOKEN, ROLES_SECRET_KEY, ROLES_SESSION_TOKEN]
    assert not [secret for secret in secrets if secret in log], "a secret is in the log"
