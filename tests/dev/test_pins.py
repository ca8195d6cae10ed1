"""`requirements*.txt` hold what `requirements*.in` ask for: exact versions with hashes, on every Python and system."""

import re
from importlib import metadata
from itertools import product

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from dev.environment import SUPPORTED
from dev.pin import FILES, command
from dev.processes import ROOT

SYSTEMS = {"linux": "Linux", "darwin": "Darwin", "win32": "Windows"}
MACHINES = [
    {
        "python_version": version,
        "python_full_version": f"{version}.5",
        "sys_platform": system,
        "platform_system": name,
        "os_name": "nt" if system == "win32" else "posix",
        "implementation_name": "cpython",
        "platform_python_implementation": "CPython",
        "extra": "",
    }
    for version, (system, name) in product(SUPPORTED, SYSTEMS.items())
]


def lines(name: str) -> list[str]:
    """Return what stands in a requirements file: without comments, a continued line as one."""
    text = re.sub(r"(?m)^\s*#.*\n?", "", (ROOT / name).read_text())
    return [line for line in text.replace("\\\n", " ").splitlines() if line.strip()]


def direct(name: str) -> list[Requirement]:
    return [Requirement(line) for line in lines(name) if not line.startswith("-")]


def pins(name: str) -> list[tuple[Requirement, list[str]]]:
    split = [line.split(" --hash=") for line in lines(name)]
    return [(Requirement(pin), [each.strip() for each in hashes]) for pin, *hashes in split]


def pinned(name: str, machine: dict[str, str]) -> dict[str, str]:
    """Return the version of each package that a machine gets."""
    here = [pin for pin, _ in pins(name) if pin.marker is None or pin.marker.evaluate(machine)]
    found = {canonicalize_name(pin.name): next(iter(pin.specifier)).version for pin in here}
    assert len(found) == len(here), "a package is pinned twice"
    return found


@pytest.mark.parametrize("source", FILES)
@pytest.mark.parametrize("machine", MACHINES, ids=lambda each: f"{each['sys_platform']}-{each['python_version']}")
def test_what_is_asked_for_is_pinned_at_a_version_that_fits(source: str, machine: dict[str, str]) -> None:
    found = pinned(FILES[source], machine)
    asked = [each for each in direct(source) if each.marker is None or each.marker.evaluate(machine)]

    assert asked
    missing = [str(each) for each in asked if found.get(canonicalize_name(each.name)) not in each.specifier]
    assert missing == [], "run `python3 dev pin`"


@pytest.mark.parametrize("name", FILES.values())
def test_every_pin_is_exact_and_has_hashes(name: str) -> None:
    for pin, hashes in pins(name):
        assert [each.operator for each in pin.specifier] == ["=="], pin
        assert hashes, pin
        assert all(re.fullmatch(r"sha256:[0-9a-f]{64}", each) for each in hashes), pin


@pytest.mark.parametrize("name", FILES.values())
def test_what_a_pinned_package_needs_is_pinned_too(name: str) -> None:
    names = {canonicalize_name(pin.name) for pin, _ in pins(name)}
    installed = {canonicalize_name(each.name): each for each in metadata.distributions()}
    needed = [
        (each, Requirement(text))
        for each in names & installed.keys()
        for text in installed[each].requires or ()
        if not (marker := Requirement(text).marker) or marker.evaluate({"extra": ""})
    ]

    assert needed
    assert [(each, str(need)) for each, need in needed if canonicalize_name(need.name) not in names] == []


@pytest.mark.parametrize("machine", MACHINES, ids=lambda each: f"{each['sys_platform']}-{each['python_version']}")
def test_development_uses_the_versions_that_are_deployed(machine: dict[str, str]) -> None:
    deployed, development = pinned("requirements.txt", machine), pinned("requirements-dev.txt", machine)

    assert deployed.items() <= development.items()


@pytest.mark.parametrize("name", FILES.values())
def test_no_index_and_no_machine_is_named(name: str) -> None:
    text = (ROOT / name).read_text()

    assert re.findall(r"\w+://|--(?:extra-)?index|--find-links|file:|(?m:^/)", text) == []


@pytest.mark.parametrize("source", FILES)
def test_the_file_says_the_command_that_writes_it(source: str) -> None:
    said = (ROOT / FILES[source]).read_text().splitlines()[1]

    assert said.split()[1:] == [
        each for each in command(source, upgrade=True)[2:] if each not in {"--quiet", "--upgrade"}
    ]
