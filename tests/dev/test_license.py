"""The project may be used: it has a license, and what it is deployed with asks nothing that a company cannot give."""

import re
import tomllib
from importlib import metadata

import pytest

from dev.environment import SUPPORTED
from dev.processes import ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
PERMISSIVE = re.compile(r"\b(?:MIT|MIT-0|Apache|BSD|ISC|PSF|Python Software Foundation|Unlicense|MPL)\b")
# MPL-2.0 asks of who ships the files unchanged only that they say where the source is; these are installed from PyPI.


def deployed() -> list[str]:
    names = sorted(set(re.findall(r"(?m)^([\w.-]+)==", (ROOT / "requirements.txt").read_text())))
    return [name for name in names if any(True for _ in metadata.distributions(name=name))]


def license_of(name: str) -> str:
    told = metadata.metadata(name)
    classifiers = [each for each in told.get_all("Classifier", []) if each.startswith("License ::")]
    return " ".join([told.get("License-Expression") or "", (told.get("License") or "")[:80], *classifiers])


def test_the_license_is_mit_and_every_file_says_so() -> None:
    text = (ROOT / "LICENSE").read_text()

    assert text.startswith("MIT License\n\nCopyright (c) 2026 the maintainers of this project\n")
    assert PROJECT["license"] == "MIT"
    assert PROJECT["license-files"] == ["LICENSE"]
    assert "[MIT](LICENSE)" in (ROOT / "README.md").read_text()


def test_the_supported_pythons_are_those_of_the_tool() -> None:
    newest = int(SUPPORTED[0].partition(".")[2])

    assert PROJECT["requires-python"] == f">={SUPPORTED[-1]},<3.{newest + 1}"


def test_the_version_is_the_newest_of_the_changelog() -> None:
    assert re.findall(r"(?m)^## (\d\S+)", (ROOT / "CHANGELOG.md").read_text())[0] == PROJECT["version"]


@pytest.mark.parametrize("name", deployed())
def test_what_is_deployed_is_under_a_permissive_license(name: str) -> None:
    assert PERMISSIVE.search(license_of(name)), license_of(name)
