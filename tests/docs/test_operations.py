"""docs/operations.md speaks of what there is: every alert has its runbook, every metric that is asked for exists."""

import inspect
import re
from pathlib import Path

import pytest

from shared.base.telemetry import metrics

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs/operations.md").read_text(encoding="utf-8")
ALERTS = (ROOT / "infra/modules/alerts.bicep").read_text(encoding="utf-8")
RULES = re.findall(r"displayName: 'Offboarding: (.+)'", ALERTS)
METRICS = set(re.findall(r'"((?:offboarding|microsoft365|notification)\.[a-z_.]+)"', inspect.getsource(metrics)))


def test_there_are_alerts() -> None:
    assert len(RULES) >= 4


@pytest.mark.parametrize("rule", RULES)
def test_an_alert_has_a_runbook(rule: str) -> None:
    assert f"### {rule[0].upper()}{rule[1:]}\n" in PAGE


@pytest.mark.parametrize("text", [PAGE, ALERTS], ids=["operations.md", "alerts.bicep"])
def test_queries_ask_for_metrics_that_are_recorded(text: str) -> None:
    asked = set(re.findall(r'Name == "([a-z0-9_.]+)"', text))

    assert asked
    assert asked <= METRICS
