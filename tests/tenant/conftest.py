from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from dev.tenant import seed
from dev.tenant.by_hand import Caller, Certificate, plain_session
from dev.tenant.process import Simulator

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="session")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Simulator]:
    simulator = Simulator.start("--ca", str(tmp_path_factory.mktemp("ca")))
    yield simulator
    simulator.stop()


@pytest.fixture
def sim(running: Simulator) -> Simulator:
    running.reset("standard")
    return running


@pytest.fixture(scope="session")
def certificate(running: Simulator) -> Certificate:
    made = Certificate()
    running.app(certificate=made.pem)
    return made


@pytest.fixture
def caller(sim: Simulator, certificate: Certificate) -> Iterator[Caller]:
    with plain_session() as session:
        yield Caller(sim, session, certificate, seed.FABRIKAM)
