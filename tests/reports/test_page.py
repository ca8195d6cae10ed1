"""The page is one file, runs nothing, loads nothing, and shows names as what they are: text."""

from __future__ import annotations

import copy
from html.parser import HTMLParser
from typing import Any

import pytest
from reporting import MADE

from dev.processes import ROOT
from shared.base.problems import RefusedError
from shared.offboarding.reports import page, timeline

HOSTILE = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "</title></style><h1>Hacked",
    "{{ 7 * 7 }}{% raw %}",
    "a\u202eexe.doc",
    "x" * 256,
)


class Reader(HTMLParser):
    """Collects elements, their attributes, and the text of the page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str]] = []
        self.text = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [(name, value or "") for name, value in attrs]

    def handle_data(self, data: str) -> None:
        self.text += data


def test_it_runs_and_loads_nothing(half_failed: dict[str, Any]) -> None:
    read = Reader(page.of_offboarding(half_failed, MADE))

    assert not {"script", "img", "link", "iframe", "object", "form", "base"} & set(read.tags)
    assert not [name for name, _ in read.attributes if name.startswith("on") or name in {"style", "src"}]
    assert not [value for name, value in read.attributes if "//" in value and name != "xmlns"]
    policy = next(value for name, value in read.attributes if "default-src" in value)
    assert policy.startswith(f"default-src 'none'; style-src {page.styles()};")


def test_a_reader_finds_most_important_things_first(half_failed: dict[str, Any]) -> None:
    text = Reader(page.of_offboarding(half_failed, MADE)).text
    order = [
        "Offboarding of Ada Castell",
        "Failed.",
        "What a person must still do",
        "Requested by",
        "When each step ran",
        "What each step did",
        "Who was told",
        "Who decided what",
        "What was written to Microsoft 365",
        "Permissions",
        "SHA-256",
    ]
    body = text[text.rindex("Offboarding of Ada Castell") :]

    assert [body.index(each) for each in order] == sorted(body.index(each) for each in order)


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_names_stay_text(half_failed: dict[str, Any], name: str) -> None:
    plain = Reader(page.of_offboarding(half_failed, MADE))
    record = copy.deepcopy(half_failed)
    record["user"]["display_name"] = record["reference"] = record["requested_by"] = name
    for step in record["steps"]:
        step["message"] = name
        for item in step["items"]:
            item["name"] = item["message"] = name
    read = Reader(page.of_offboarding(record, MADE))

    assert set(read.tags) == set(plain.tags)
    assert name.replace("\u202e", "") in read.text
    assert "\u202e" not in read.text


def test_no_template_lets_anything_through_unescaped() -> None:
    for template in (ROOT / "shared" / "offboarding" / "reports" / "templates").iterdir():
        text = template.read_text()
        assert "safe" not in text, template.name
        assert "autoescape" not in text, template.name


def test_each_table_has_headers(half_failed: dict[str, Any]) -> None:
    read = Reader(page.of_offboarding(half_failed, MADE))

    assert read.tags.count("h1") == 1
    assert read.tags.count("thead") == read.tags.count("table")
    assert {value for name, value in read.attributes if name == "scope"} == {"col", "row"}


def test_only_what_runs_renews_itself(half_failed: dict[str, Any]) -> None:
    assert 'http-equiv="refresh" content="5"' in page.of_offboarding({**half_failed, "result": "running"}, MADE)
    for result in ("planned", "completed", "attention", "failed"):
        assert 'http-equiv="refresh"' not in page.of_offboarding({**half_failed, "result": result}, MADE)


def test_times_are_told_in_the_readers_zone(half_failed: dict[str, Any]) -> None:
    made = page.Made(MADE.at, page.zone_of("Asia/Kolkata"))

    assert "1 Jan 2030, 05:30:00 IST" in page.of_offboarding(half_failed, made)
    assert "1 Jan 2030, 00:00:00 UTC" in page.of_offboarding(half_failed, MADE)


@pytest.mark.parametrize("name", ["Nowhere/Land", "../../etc/passwd", "/etc/passwd", "Europe", "x" * 5000, "a\0b"])
def test_a_zone_that_is_none_is_refused(name: str) -> None:
    with pytest.raises(RefusedError, match="zone must be the name of a time zone"):
        page.zone_of(name)


def _step(started: str | None, written: str | None, ended: str | None, **more: Any) -> dict[str, Any]:
    moments = {"started_at": started, "written_at": written, "ended_at": ended}
    step = {"title": "Step", "run": 1, "state": "ended", "outcome": "done", "blocked_by": []}
    return {**step, **{name: moment and f"2030-01-01T{moment}Z" for name, moment in moments.items()}, **more}


def test_a_bar_waits_works_and_is_proved() -> None:
    claimed = {"what": "claimed", "at": "2030-01-01T11:00:00Z"}
    write = {"run": 1, "step": "Step", "at": "2030-01-01T11:00:30Z"}
    steps = [
        _step("11:00:20", "11:00:40", "11:01:40"),
        _step("11:00:00", None, None, outcome=None, state="running"),
        _step(None, None, "11:01:40", outcome="skipped", blocked_by=["Other"]),
    ]
    record = {"steps": steps, "decisions": [claimed], "writes": [write]}
    now = MADE.at.replace(hour=11, minute=1, second=40)
    (run,) = timeline.runs(record, now)
    done, running, skipped = run.bars

    assert (done.start, done.proof, done.end, done.attempts, done.seconds) == (20, 40, 100, (30,), 80)
    assert (running.start, running.end, running.outcome) == (0, 100, "running")
    assert (skipped.is_drawn, skipped.note) == (False, "needed: Other")
    assert run.ticks[0] == (0, 0)
    assert run.ticks[-1][0] <= 100


def test_each_run_has_an_axis_of_its_own() -> None:
    claims = [{"what": "claimed", "at": f"2030-01-0{day}T11:00:00Z"} for day in (1, 2)]
    steps = [_step("11:00:00", None, "11:00:10"), {**_step("11:00:00", None, "11:00:10"), "run": 2}]
    steps[1]["started_at"], steps[1]["ended_at"] = "2030-01-02T11:00:00Z", "2030-01-02T11:00:10Z"
    first, second = timeline.runs({"steps": steps, "decisions": claims, "writes": []}, MADE.at)

    assert [bar.end for run in (first, second) for bar in run.bars] == [100, 100]
    assert (second.begin - first.begin).days == 1


@pytest.mark.parametrize(
    ("seconds", "told"), [(0, "0 s"), (59, "59 s"), (250, "4 min 10 s"), (7500, "2 h 5 min"), (273_600, "3 d 4 h")]
)
def test_lengths_of_time_are_told_in_words(seconds: int, told: str) -> None:
    assert timeline.in_words(seconds) == told
