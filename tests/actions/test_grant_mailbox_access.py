"""Full access without auto-mapping."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dev.tenant import seed

if TYPE_CHECKING:
    from dev.lab import Lab

from grants import to


def test_ten_people_go_in_one_batch(lab: Lab) -> None:
    state = lab.simulator.state("fabrikam.example")
    people = [user for user in state["mailboxes"] if user != seed.ADA][:12]

    result = lab.offboard(seed.ADA, to(*people))

    batches = [len(sent["items"]) for sent in result.requests if sent["service"] == "exchange"]
    assert batches == [10, 4, 10, 2, 1], "the snapshot with twelve names, the two batches, the proof"
    assert set(result.items("grant_mailbox_access").values()) == {"done"}


def test_a_full_list_of_rights_fails_the_person_who_no_longer_fits(lab: Lab) -> None:
    """Exchange keeps 500 entries on a mailbox."""
    entry = {"AccessRights": ["ReadPermission"], "IsInherited": False, "Deny": False, "InheritanceType": "All"}
    full = [{**entry, "User": f"{n:08}-0000-4000-8000-000000000000", "AutoMapping": False} for n in range(500)]
    lab.simulator.arrange("fabrikam.example", "mailbox", mailbox=seed.ADA, set={"permissions": full})

    result = lab.offboard(seed.ADA, to(seed.CY))

    assert result.outcome("grant_mailbox_access") == "failed"
    assert "500" in result.message("grant_mailbox_access")


def test_the_right_to_read_permissions_is_not_full_access(lab: Lab) -> None:
    reader = {"User": seed.CY, "AccessRights": ["ReadPermission"], "IsInherited": False, "Deny": False}
    inherited = {"User": seed.BO, "AccessRights": ["FullAccess"], "IsInherited": True, "Deny": False}
    entries = [{**e, "InheritanceType": "All", "AutoMapping": False} for e in (reader, inherited)]
    lab.simulator.arrange("fabrikam.example", "mailbox", mailbox=seed.ADA, set={"permissions": entries})

    result = lab.offboard(seed.ADA, to(seed.CY))

    assert result.outcome("grant_mailbox_access") == "done"
