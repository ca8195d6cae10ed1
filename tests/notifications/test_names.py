"""Names that people chose for themselves or for a group cannot make a message look like another."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

from shared.actions.outcome import Outcome
from shared.jobs.records import Item
from shared.notifications import message

OVERRIDE = "\u202e"


def test_what_turns_text_around_reaches_no_receiver(office: Any) -> None:
    office.settings(webhook=[office.standard()])

    office.end(1, reference=f"REF{OVERRIDE}7", requested_by=f"op{OVERRIDE}@msp.example")

    (arrived,) = office.sinks.arrived()
    assert OVERRIDE not in json.dumps(arrived["body"], ensure_ascii=False)
    assert arrived["body"]["data"]["reference"] == "REF7"


def test_neither_do_names_of_people_and_groups(office: Any) -> None:
    running = office.run(1, {"remove_groups": Outcome.done})
    person = replace(running.request.person, display_name=f"Ada{OVERRIDE}nimdA")
    ended = replace(running, request=replace(running.request, person=person))
    step = office.app.store.details(running.id).steps["remove_groups"]
    item = Item("1", f"Board{OVERRIDE}", Outcome.failed, f"Not {OVERRIDE}removed.")

    made = message.make(ended, {"remove_groups": replace(step, items=(item,), message=f"1{OVERRIDE}")}, "m", "")

    assert made.name.startswith("AdanimdA")
    assert OVERRIDE not in made.steps[0].full_text
