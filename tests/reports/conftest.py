"""Offboardings to report on, and a browser to look at reports with."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from dev.tenant import seed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser

    from dev.lab import Lab

sys.path.append(str(Path(__file__).parent))
from reporting import HALF, record_of


@pytest.fixture
def half_failed(lab: Lab) -> dict[str, Any]:
    """The record of an offboarding whose mailbox could not be converted."""
    rule = {"service": "exchange", "match": "Set-Mailbox", "kind": "status", "status": 400, "probability": 1}
    lab.simulator.faults([rule])
    result = lab.offboard(seed.ADA, HALF, notify=["psa"], reference="REF-7")
    lab.simulator.faults([])
    return record_of(lab, result.offboarding.id)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Return Chromium, where one is installed; while it runs, nothing else can start an event loop in the process."""
    program = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if program is None:
        pytest.skip("There is no Chromium here.")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        yield browser
        browser.close()
