"""Nothing that cannot be read or kept of a person keeps the account from being closed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from dev.tenant import seed
from shared.jobs.storage import rows
from shared.jobs.storage.table import Insert, UnfitRowError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dev.lab import Lab
    from shared.jobs.storage.table import Operation

CONTAIN = {"disable_sign_in": True, "reset_password": True, "revoke_sessions": True}
SEND_AS = {"to": ["cy@fabrikam.example"]}
MORE: dict[str, Any] = {"remove_groups": True, "remove_inbox_rules": True, "grant_send_as": SEND_AS}


@pytest.mark.parametrize("read", ["groups", "owned_groups", "inbox_rules", "mailbox"])
def test_what_storage_refuses_to_keep_of_a_read(lab: Lab, read: str) -> None:
    kept = lab.details.transact

    def picky(partition: str, operations: Sequence[Operation]) -> list[str]:
        if any(isinstance(operation, Insert) and holds_answer(operation) for operation in operations):
            raise UnfitRowError("PropertyValueTooLarge")
        return kept(partition, operations)

    def holds_answer(row: Insert) -> bool:
        return row.key.startswith("snapshot|") and (f"|{read}" in row.key or f'"{read}": ' in rows.joined(row.row))

    lab.details.transact = picky  # the table is the tests' own
    result = lab.offboard(seed.ADA, CONTAIN | MORE)

    assert [result.outcome(name) for name in CONTAIN] == ["done", "done", "done"]
    assert lab.user(seed.ADA)["accountEnabled"] is False
    assert result.offboarding.state == "Failed"


@pytest.mark.parametrize("service", ["graph", "exchange"])
def test_a_service_that_reads_nothing(lab: Lab, service: str) -> None:
    lab.simulator.faults([{"service": service, "match": "$batch", "kind": "status", "status": 500}])

    result = lab.offboard(seed.ADA, CONTAIN | MORE)

    if service == "exchange":
        assert [result.outcome(name) for name in CONTAIN] == ["done", "done", "done"]
    assert result.offboarding.has_ended
