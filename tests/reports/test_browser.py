"""The pages as a browser shows and prints them, at the width of a desk and of a telephone."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

import pytest

from dev.processes import ROOT
from shared.access.scope import EVERYTHING
from shared.offboarding.reports import page, tenant_record

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser, Page

    from dev.lab import Lab

from reporting import MADE

pytestmark = pytest.mark.long

_AXE = ROOT / "dev" / "node_modules" / "axe-core" / "axe.min.js"


@pytest.fixture(params=[1280, 400])
def look(browser: Browser, request: pytest.FixtureRequest) -> Iterator[Page]:
    """Return a window; axe is put into the page from outside, where the page's own policy says nothing."""
    context = browser.new_context(viewport={"width": request.param, "height": 900}, bypass_csp=True)
    yield context.new_page()
    context.close()


@pytest.fixture
def texts(lab: Lab, half_failed: dict[str, Any]) -> dict[str, str]:
    """Return reports of every kind."""
    long = copy.deepcopy(half_failed)
    long["user"]["display_name"] = long["reference"] = "x" * 256
    for step in long["steps"]:
        for item in step["items"]:
            item["name"] = item["message"] = "y" * 256
    tenant = tenant_record.of(lab.app, EVERYTHING, "fabrikam.example", None, None)
    running = {**half_failed, "result": "running", "ended_at": None}
    return {
        "failed": page.of_offboarding(half_failed, MADE),
        "long": page.of_offboarding(long, MADE),
        "running": page.of_offboarding(running, MADE).replace('http-equiv="refresh"', 'name="renew"'),
        "tenant": page.of_tenant(tenant, MADE),
    }


def test_everybody_can_read_them(look: Page, texts: dict[str, str]) -> None:
    for name, text in texts.items():
        look.set_content(text)
        look.add_script_tag(path=_AXE)
        found = look.evaluate("async () => (await axe.run()).violations")

        assert [(one["id"], one["nodes"][0]["html"]) for one in found] == [], name


def test_nothing_is_wider_than_the_window(look: Page, texts: dict[str, str]) -> None:
    for name, text in texts.items():
        look.set_content(text)
        width = look.evaluate("document.documentElement.scrollWidth")

        assert width <= (look.viewport_size or {})["width"], name


def test_each_step_has_a_bar_that_can_be_seen(look: Page, texts: dict[str, str]) -> None:
    look.set_content(texts["failed"])
    bars = look.locator(".chart tbody svg")

    assert bars.count() == 6
    for index in range(bars.count()):
        box = bars.nth(index).bounding_box()
        assert box
        assert box["width"] > 40
        assert bars.nth(index).get_attribute("aria-label")


def test_its_own_policy_lets_its_style_through_and_nothing_else(browser: Browser, texts: dict[str, str]) -> None:
    context = browser.new_context()
    window = context.new_page()
    said: list[str] = []
    window.on("console", lambda message: said.append(message.text))
    window.set_content(texts["failed"].replace("</main>", "<script>document.title = 'run'</script></main>"))

    assert window.evaluate("getComputedStyle(document.querySelector('h1')).fontSize") == "27.2px"
    assert "Offboarding of" in window.title()
    assert any("script" in text for text in said)
    context.close()


@pytest.mark.parametrize("paper", ["A4", "Letter"])
def test_it_prints(browser: Browser, texts: dict[str, str], paper: str) -> None:
    context = browser.new_context()
    window = context.new_page()
    for text in texts.values():
        window.set_content(text)
        window.emulate_media(media="print")
        whole = window.evaluate(
            "[...document.querySelectorAll('tr')].every(row => getComputedStyle(row).breakInside === 'avoid')"
        )
        printed = window.pdf(format=paper)

        assert whole
        assert printed.startswith(b"%PDF")
        assert printed.count(b"/Type /Page\n") + printed.count(b"/Type /Page ") >= 1
    context.close()
