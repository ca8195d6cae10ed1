"""A run that is lost is carried on by the next one; none stays running for ever."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from dev.tenant import seed
from shared.jobs.storage.store import PARTITION
from shared.offboarding.lifecycle import watch
from shared.offboarding.lookup import Lookup

if TYPE_CHECKING:
    from dev.lab import Lab
    from shared.jobs.records import Offboarding

CONTAIN = {"disable_sign_in": True, "reset_password": True, "revoke_sessions": True}


def lose_the_start(lab: Lab) -> Offboarding:
    """Submit, and have the message that starts the orchestration vanish."""
    offboarding = lab.submit("ada@fabrikam.example", CONTAIN)
    lab.hub.terminate(offboarding.instance_id)
    while ready := lab.hub.ready():
        lab.hub.execute(ready[0])
    return offboarding


def test_a_run_that_never_began_is_begun_by_the_next(lab: Lab) -> None:
    offboarding = lose_the_start(lab)
    lab.hub.advance(timedelta(minutes=9))
    assert watch.wake(lab.app) == []
    lab.hub.advance(timedelta(minutes=2))

    recovered = watch.wake(lab.app)

    assert [(o.id, o.run, o.recoveries) for o in recovered] == [(offboarding.id, 2, 1)]
    lab.start(recovered[0])
    lab.run()
    assert lab.result(offboarding.id).offboarding.state == "Completed"


def test_a_run_without_progress_is_carried_on_and_repeats_nothing_settled(lab: Lab) -> None:
    offboarding = lab.submit("ada@fabrikam.example", {"disable_sign_in": True, "convert_to_shared": True})
    while lab.hub.ready():
        lab.hub.execute(lab.hub.ready()[0])
        steps = lab.result(offboarding.id).steps
        if steps.get("convert_to_shared") and steps["convert_to_shared"].attempts:
            break
    lab.hub.terminate(offboarding.instance_id)
    lab.hub.advance(timedelta(minutes=11))
    assert watch.wake(lab.app) == []
    lab.hub.advance(timedelta(minutes=31))

    recovered = watch.wake(lab.app)
    lab.start(recovered[0])
    lab.run()

    after = lab.result(offboarding.id)
    assert after.offboarding.state == "Completed"
    assert after.offboarding.recoveries == 1


def test_five_recoveries_and_then_it_is_abandoned_with_what_was_settled(lab: Lab) -> None:
    offboarding = lose_the_start(lab)
    for _ in range(5):
        lab.hub.advance(timedelta(minutes=11))
        assert len(watch.wake(lab.app)) == 1
    lab.hub.advance(timedelta(minutes=11))

    assert watch.wake(lab.app) == []

    after = lab.result(offboarding.id).offboarding
    assert (after.state, after.reason) == ("Failed", "abandoned")
    assert not [k for k in lab.jobs.keys(PARTITION) if k.startswith("wake|") or "|!" in k]


def test_a_late_start_of_an_old_run_changes_nothing(lab: Lab) -> None:
    offboarding = lab.submit("ada@fabrikam.example", CONTAIN)
    lab.hub.advance(timedelta(minutes=11))
    recovered = watch.wake(lab.app)[0]
    lab.start(recovered)

    lab.run()

    assert lab.hub.status(offboarding.instance_id)["output"] == {"stop": "superseded"}
    after = lab.result(offboarding.id)
    assert after.offboarding.state == "Completed"
    resets = [sent for sent in after.requests if "passwordProfile" in str(sent["body"])]
    assert len(resets) == 1


def test_an_old_run_in_the_middle_of_its_work_is_superseded(lab: Lab) -> None:
    offboarding = lab.submit("ada@fabrikam.example", CONTAIN)
    for _ in range(4):
        lab.hub.execute(lab.hub.ready()[0])
    claimed = Lookup(lab.app).get(offboarding.id)
    lab.hub.advance(timedelta(minutes=11))
    watch.wake(lab.app)
    lab.hub.advance(timedelta(minutes=40))
    recovered = watch.wake(lab.app)
    for one in recovered:
        lab.start(one)

    lab.run()

    after = lab.result(offboarding.id)
    assert claimed.run == 1
    assert after.offboarding.run == 2
    assert after.offboarding.state == "Completed"
    assert lab.user(seed.ADA)["accountEnabled"] is False
