"""The names that alerts and people ask for: documented, and the same everywhere."""

from __future__ import annotations

import re

from dev.processes import ROOT

_NAME = r"(?:offboarding|microsoft365|notification)\.[a-z_.]+"


def names_in(file: str, pattern: str) -> set[str]:
    return set(re.findall(pattern, (ROOT / file).read_text(encoding="utf-8")))


def test_every_metric_is_documented_and_no_other() -> None:
    made = names_in("shared/base/telemetry/metrics.py", rf'\(\s*"({_NAME})"')

    assert len(made) == 12
    assert names_in("docs/telemetry.md", rf"\| `({_NAME})` \| (?:counter|gauge|histogram) ") == made


def test_every_attribute_and_span_of_the_domain_is_documented() -> None:
    files = ("shared/base/telemetry/tracing.py", "shared/microsoft365/http/telemetry.py", "shared/jobs/telemetry.py")
    told = {name for file in files for name in names_in(file, f'"({_NAME})"')}

    assert told - names_in("docs/telemetry.md", f"`({_NAME})`") == set()
