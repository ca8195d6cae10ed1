"""The app in the library that Azure's own Python worker is made of."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

from dev.stack import Options, Stack
from dev.tenant import seed

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.long


@pytest.mark.skipif(sys.version_info < (3, 13), reason="azure-functions-runtime needs Python 3.13")
def test_azures_own_worker_indexes_the_app_and_runs_an_offboarding(tmp_path: Path) -> None:
    settings = {"MAX_RUNS_PER_TENANT": "1", "TICK_SCHEDULE": "0 0 0 29 2 *"}
    with Stack(tmp_path, Options(worker="microsoft", settings=settings)) as stack:
        request = {
            "tenant": "contoso.example",
            "users": [seed.LIA],
            "actions": {"disable_sign_in": True, "convert_to_shared": True, "remove_licenses": True},
        }
        accepted = stack.post("/api/offboardings", request)
        after_it = stack.simulator.arrange(seed.CONTOSO, "user", create={"alias": "waiting"})
        waits = stack.post("/api/offboardings", {**request, "users": [after_it], "actions": {"disable_sign_in": True}})
        details = [stack.wait_for_end(one.json()["offboardings"][0]["id"]) for one in (accepted, waits)]

    assert [one["state"] for one in details] == ["Completed", "Completed"]
