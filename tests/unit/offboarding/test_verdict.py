"""What a check says in one word, and what is new in it."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from shared.offboarding.access_check.verdict import Answer, AreaFound, Check, Thing, Verdict

NOW = datetime(2030, 1, 1, tzinfo=UTC)


def check_of(*verdicts: str, area: str = "Groups") -> Check:
    things = tuple(Thing(str(n), f"Group {n}", Verdict(verdict), "There.") for n, verdict in enumerate(verdicts))
    return Check(
        NOW, (AreaFound(area, "remove_groups", things=things), AreaFound("Sign-in", "disable_sign_in", "Blocked."))
    )


@pytest.mark.parametrize(
    ("verdicts", "answer"),
    [
        ((), "out"),
        (("closed", "left"), "out"),
        (("left", "unknown"), "unknown"),
        (("open", "unknown", "closed"), "open"),
    ],
)
def test_a_person_is_out_when_nothing_is_open_and_nothing_unknown(verdicts: tuple[str, ...], answer: str) -> None:
    assert check_of(*verdicts).answer is Answer(answer)


@pytest.mark.parametrize(
    ("verdicts", "words"),
    [
        ((), "The person is out: nothing is open, and everything could be looked at."),
        (("open",), "1 thing is still open."),
        (("open", "open", "unknown"), "2 things are still open and 1 could not be looked at."),
        (("unknown",), "1 could not be looked at."),
    ],
)
def test_it_is_said_in_a_sentence(verdicts: tuple[str, ...], words: str) -> None:
    assert check_of(*verdicts).in_words() == words


def test_what_is_stored_is_read_as_it_was() -> None:
    check = check_of("open", "left", "unknown")

    assert Check.from_json(check.to_json()) == check


def test_of_very_many_things_what_is_open_is_kept_and_the_rest_counted() -> None:
    found = check_of(*["left"] * 300, "open").to_json()["areas"][0]

    assert (len(found["findings"]), found["more"]) == (200, 101)
    assert found["findings"][0]["verdict"] == "open"
    assert found["verdict"] == "open"


def test_what_is_open_is_known_by_area_and_id() -> None:
    assert check_of("open").open_ids() == {"Groups|0"}
    assert check_of("open").open_ids() != check_of("open", area="Apps").open_ids()
