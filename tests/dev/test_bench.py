import inspect
import re
from datetime import UTC, datetime
from pathlib import Path

import pytest

from dev import bench
from dev.arguments import parser
from dev.bench import floor, imports, leavers, offboarding, processor, queue, report, scale, timing
from dev.bench.offboarding import selection
from dev.processes import ROOT, StackError
from dev.stack import Stack
from dev.tenant import seed
from shared.actions import catalogue, plan
from shared.app.settings import SETTINGS
from shared.jobs.records import State
from shared.jobs.storage import keys, rows

NOW = datetime(2026, 11, 30, tzinfo=UTC)


def test_without_names_every_case_is_measured() -> None:
    assert bench.chosen([]) == list(bench.CASES)


def test_cases_are_measured_in_their_own_order() -> None:
    assert bench.chosen(["scale", "light"]) == ["light", "scale"]


def test_a_case_that_does_not_exist_is_refused_with_those_that_do() -> None:
    with pytest.raises(StackError, match=r"No such case: heavier\. There are: import, .*heavy"):
        bench.chosen(["light", "heavier"])


def test_a_case_that_does_not_exist_ends_with_2_before_any_work(capsys: pytest.CaptureFixture[str]) -> None:
    assert bench.run_bench(parser().parse_args(["bench", "heavier"])) == 2
    assert capsys.readouterr().err.startswith("No such case: heavier. There are: ")


def test_the_selected_actions_go_together_and_leave_out_what_contradicts_them() -> None:
    chosen = selection(["one@example.com"], ["other@example.com"])

    assert not plan.make(chosen).refusals
    assert catalogue.all_actions().keys() - chosen.keys() == {"disable_forwarding", "delete_user"}


def test_the_page_that_is_measured_is_that_of_a_long_offboarding() -> None:
    assert report.measure()["items"] == 400


@pytest.mark.parametrize("name", leavers.LEAVERS)
def test_a_leaver_belongs_to_the_tenant_of_their_seed(name: str) -> None:
    leaver = leavers.LEAVERS[name]
    tenant = leaver.build()

    assert leaver.id in tenant.mailboxes
    assert tenant.id in seed.build(leaver.seed)


def test_the_heavy_leaver_has_the_figures_of_the_heavy_case() -> None:
    tenant = seed.large()
    mira, mailbox = tenant.users[seed.MIRA], tenant.mailboxes[seed.MIRA]
    others = [each for key, each in tenant.mailboxes.items() if key != seed.MIRA]
    groups = tenant.groups_of(mira)
    mailing = [each for each in groups if each.mailEnabled and "Unified" not in each.groupTypes]

    assert (len(tenant.mailboxes), len(tenant.groups), len(tenant.numbers)) == (2000, 6000, 3000)
    assert (len(groups), len(mailing), sum(bool(each.assignedLicenses) for each in groups)) == (130, 30, 3)
    assert (len(mailbox.devices), len(mira.methods) - 1) == (4, 8)
    assert len([rule for rule in mailbox.rules if rule["Name"].startswith(("Sort", "Forward"))]) == 25
    assert sum(number.assignmentTargetId == mira.id for number in tenant.numbers.values()) == 2
    assert sum(any(entry["user"] == mira.id for entry in each.calendar) for each in others) == 60
    held = [[*(ace["User"] for ace in each.permissions), *each.send_as, *each.GrantSendOnBehalfTo] for each in others]
    assert sum(mira.id in who for who in held) == 40
    assert mira.onPremisesImmutableId


def test_ended_offboardings_take_a_whole_batch_and_are_kept_by_the_retention() -> None:
    oldest = scale.ended(max(scale.SIZES) - 1, NOW)
    retained = next(int(setting.default or 0) for setting in SETTINGS if setting.name == "RETENTION_DAYS")

    assert oldest.state is State.completed
    assert len(rows.of(oldest)) == 2
    assert oldest.ended_at
    assert (NOW - oldest.ended_at).days < retained
    assert keys.new_id(NOW) < scale.ended(0, NOW).id < oldest.id


def test_counts_are_set_side_by_side() -> None:
    few, many = dict.fromkeys(scale.AIMS, 2), dict.fromkeys(scale.AIMS, 3)

    figures = scale.compared(few, many)

    assert len(figures) == 4 * len(scale.AIMS)
    assert [figures[f"details_{what}"] for what in ("at_1000", "at_100000", "ratio", "aim")] == [2, 3, 1.5, 3]


def test_an_aim_stands_beside_its_figure() -> None:
    figures = {"seconds": 2.0, "ticks_at_1000": 1.0, "ticks_at_100000": 3.0, "ticks_aim": 2.0, "seconds_aim": 1.5}

    assert bench.beside_aims(figures) == [
        ("seconds", 2.0, 1.5),
        ("ticks_at_1000", 1.0, 2.0),
        ("ticks_at_100000", 3.0, 2.0),
    ]


def test_the_page_explains_every_figure_and_has_the_aims_of_the_code() -> None:
    page = (ROOT / "docs" / "performance.md").read_text()
    modules = (imports, leavers, offboarding, processor, queue, timing)
    code = "".join(map(inspect.getsource, modules))
    figures = set(re.findall(r'(?m)^ +(?:return {)?"([a-z_]+)": ', code))
    figures -= {*leavers.LEAVERS, *selection(["a@example.com"], ["b@example.com"])}
    figures -= processor.ACTIONS.keys()
    figures -= {"tenant", "users", "actions"} | {"conversion_reads", "license_reads", "number_reads"}

    assert len(figures) > 15
    assert [name for name in sorted({*figures, *scale.AIMS}) if f"`{name}`" not in page] == []
    for field, name in (("aim", "aim"), ("incumbent", "of_incumbent"), ("incumbent_cache", "of_incumbents_cache")):
        cells = " | ".join(str(getattr(each, field)) for each in leavers.LEAVERS.values())
        assert re.search(rf"`requests_{name}` \| [^|]+ \| {re.escape(cells)} \|", page)
    for name, aim in scale.AIMS.items():
        row = next(line for line in page.splitlines() if f"`{name}`" in line)
        assert str(aim) in row.rpartition(" | ")[2]


def test_the_floor_is_the_graph_of_a_run_without_work(tmp_path: Path) -> None:
    with Stack(tmp_path, offboarding.OPTIONS) as stack:
        seconds = floor.measure(stack, plan.make(["disable_sign_in", "revoke_sessions"]).nodes)

    assert 0 < seconds < 30
