"""Links between the pages lead somewhere, and every page can be reached from the README."""

import re
from pathlib import Path

import pytest

from dev.processes import ROOT

_KEPT_OUT = {"node_modules", ".venv", ".hypothesis"}
PAGES = sorted(
    path for path in ROOT.rglob("*.md") if not any(part in _KEPT_OUT or part.startswith(".") for part in path.parts)
)


def prose(page: Path) -> str:
    """Return a page without what is quoted as code."""
    return re.sub(r"(?ms)^```.*?^```$|`[^`\n]*`", "", page.read_text())


def links(page: Path) -> list[str]:
    found = re.findall(r"\]\(([^)\s]+)\)", prose(page))
    return [link for link in found if not re.match(r"[a-z]+:", link)]


def anchors(page: Path) -> set[str]:
    """Return the anchors of a page's headings, as GitHub makes them."""
    text = re.sub(r"(?ms)^```.*?^```$", "", page.read_text())
    headings = re.findall(r"(?m)^#+ (.+)$", text)
    return {re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-") for heading in headings}


def target(page: Path, link: str) -> Path:
    path = link.partition("#")[0]
    return (page.parent / path).resolve() if path else page


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_leads_somewhere(page: Path) -> None:
    for link in links(page):
        found, anchor = target(page, link), link.partition("#")[2]
        assert found.exists(), link
        assert not anchor or anchor in anchors(found), link


def test_every_page_can_be_reached_from_the_readme() -> None:
    reached, ahead = set[Path](), [ROOT / "README.md"]
    while ahead:
        page = ahead.pop()
        if page not in reached and page in PAGES:
            reached.add(page)
            ahead += [target(page, link) for link in links(page)]

    assert [str(page.relative_to(ROOT)) for page in PAGES if page not in reached] == []
