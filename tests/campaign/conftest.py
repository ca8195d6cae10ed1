"""The campaign's cloud: one simulated Microsoft 365 for a test process, reached by the app's real clients."""

from __future__ import annotations

import os
import random
import secrets
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

# Tests are files, not a package; what several of these share is imported by name.
sys.path.append(str(Path(__file__).parent))

from world import Cloud

from dev import certificate
from dev.tenant.process import Simulator
from shared.base import clock

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="session")
def shared_cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    folder = tmp_path_factory.mktemp("tenant")
    simulator = Simulator.start("--port", "0", "--ca", str(folder), log=folder / "log.txt")
    signed = certificate.keep(folder)
    simulator.app(certificate=signed.pem)
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(os.environ, "REQUESTS_CA_BUNDLE", simulator.ca)
        cloud = Cloud(simulator, signed.pfx)
        yield cloud
        cloud.close()
    simulator.stop()


@pytest.fixture
def cloud(shared_cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> Iterator[Cloud]:
    """Return the cloud, and let ids repeat from run to run: jitter derives from them. A test resets what it changes."""
    ids = random.Random(0)
    monkeypatch.setattr(secrets, "token_hex", lambda count=32: ids.randbytes(count).hex())
    yield shared_cloud
    shared_cloud.leave()
    clock.set_source(clock.system_time)
    assert [sent["url"] for sent in shared_cloud.simulator.requests() if sent["refused"]] == []
