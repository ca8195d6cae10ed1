"""The parts of the cloud that tests share: one of each per test process, so every test arranges a leaver of its own."""

import base64
import gc
import itertools
import json
import os
from collections import Counter
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
import requests

from dev import canaries, certificate, leaks
from dev.azurite import Azurite
from dev.certificate import Certificate
from dev.lab import Lab, Laboratory
from dev.stack import Options, Stack
from dev.tenant import seed
from dev.tenant.process import Simulator

_LOGGED = pytest.StashKey[str]()
_numbers = itertools.count(1)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--campaign", action="store_true", help="run the long fault campaign: 5,000 seeds, 100 kills")
    parser.addoption("--protections", action="store_true", help="switch off each protection and see its test fail")


def pytest_configure() -> None:
    """Have every stack that tests start searched for secrets when it ends, also those in processes of their own."""
    os.environ[leaks.SWITCH] = "yes"
    os.environ.setdefault("WEBSITE_HOSTNAME", "localhost")  # as wherever functions run


def pytest_collection_finish() -> None:
    """Keep the garbage collector from looking through thousands of tests each time."""
    gc.freeze()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Keep what a test logged."""
    report = yield
    if report.when == "call":
        item.stash[_LOGGED] = report.caplog + report.capstderr + report.capstdout
    return report


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown(item: pytest.Item) -> Generator[None]:
    """Search what an app in the process of a test wrote, logged and sent, before its fixtures end."""
    try:
        _search_laboratory(item)
    except canaries.LeakError as error:
        found = error
    else:
        found = None
    yield
    if found:
        raise found


def _search_laboratory(item: pytest.Item) -> None:
    given: dict[str, Any] = getattr(item, "funcargs", {})
    lab, sinks = given.get("lab") or given.get("office"), given.get("sinks")
    places: list[tuple[str, bytes]] = []
    known = list(canaries.ALWAYS)
    if lab:
        tables = {"offboardings": lab.jobs, "offboardingdetails": lab.details}
        places += leaks.of_laboratory(tables, getattr(lab, "hub", None))
        places.append(("the log", item.stash.get(_LOGGED, "").encode()))
        known += canaries.of_settings(lab.app.settings)
        if simulator := getattr(lab, "simulator", None):
            known += canaries.arrived(simulator.secrets())
    if sinks:
        places += [("a message", json.dumps(one, ensure_ascii=False).encode()) for one in sinks.arrived()]
        known += canaries.of_sinks(sinks.keys)
    canaries.check(places, known)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Sum up the figures that the tests of the fault campaign recorded."""
    reports = [report for reports in terminalreporter.stats.values() for report in reports]
    found = [
        value
        for report in reports
        if getattr(report, "when", "") == "call"
        for name, value in report.user_properties
        if name == "campaign"
    ]
    sums: Counter[str] = Counter()
    for figures in found:
        sums.update(figures)
    if found:
        told = ", ".join(f"{count:,} {what}" for what, count in sums.items())
        terminalreporter.write_line(f"Fault campaign: {len(found):,} worlds, {told}")


@dataclass(frozen=True)
class Leaver:
    """A person made for one test."""

    id: str
    upn: str
    tenant: str = seed.FABRIKAM


@pytest.fixture(scope="session")
def azurite(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Azurite]:
    """Table storage in memory."""
    azurite = Azurite(tmp_path_factory.mktemp("azurite"))
    yield azurite
    azurite.stop()


@pytest.fixture(scope="session")
def signed(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    """The app's certificate: SharePoint refuses secrets."""
    return certificate.keep(tmp_path_factory.mktemp("certificate"))


@pytest.fixture(scope="session")
def simulator(tmp_path_factory: pytest.TempPathFactory, signed: Certificate) -> Iterator[Simulator]:
    """The simulated Microsoft 365, which knows the app's certificate."""
    folder = tmp_path_factory.mktemp("tenant")
    simulator = Simulator.start("--ca", str(folder), log=folder / "log.txt")
    simulator.app(certificate=signed.pem)
    yield simulator
    simulator.stop()


@pytest.fixture(scope="session")
def laboratory(simulator: Simulator, signed: Certificate) -> Iterator[Laboratory]:
    """Where the app is opened in process, with clients of Microsoft 365 that outlive a test."""
    laboratory = Laboratory(simulator, signed.pfx)
    yield laboratory
    laboratory.close()


@pytest.fixture
def lab(simulator: Simulator, laboratory: Laboratory, monkeypatch: pytest.MonkeyPatch) -> Iterator[Lab]:
    """The app in process, with fresh tenants and empty storage."""
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", simulator.ca)
    with laboratory.opened() as lab:
        yield lab
    assert [sent for sent in simulator.requests() if sent["refused"]] == []


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """Everything: storage, the simulated Microsoft 365 and the app in its host."""
    with Stack(tmp_path_factory.mktemp("stack")) as stack:
        yield stack


@dataclass(frozen=True)
class Front:
    """The app behind a front that says who is signed in, as Static Web Apps does.

    The portal's roles `contoso` and `nowhere` are operators of one tenant and of none; whatever the roles of
    conadmin@contoso.example and none@x.example are, they are theirs in one tenant and in none.
    """

    stack: Stack

    def principal(self, *roles: str, name: str = "op@msp.example") -> str:
        """Return the header that says so."""
        said = {"identityProvider": "aad", "userId": f"id of {name}", "userDetails": name}
        said["userRoles"] = ["anonymous", "authenticated", *roles]
        return base64.b64encode(json.dumps(said).encode()).decode()

    def send(
        self, method: str, path: str, body: object = None, *, role: str = "editor", name: str = "op@msp.example"
    ) -> requests.Response:
        """Send a request of somebody with a role."""
        headers = {"x-ms-client-principal": self.principal(role, name=name), "x-functions-key": ""}
        return self.stack.send(method, f"/api/{path}", body, headers)

    def get(self, path: str, **who: str) -> requests.Response:
        """Ask as somebody with a role."""
        return self.send("GET", path, **who)

    def post(self, path: str, body: object, **who: str) -> requests.Response:
        """Send a body as somebody with a role."""
        return self.send("POST", path, body, **who)


@pytest.fixture(scope="session")
def front(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Front]:
    """Everything, behind a front that signs people in."""
    roles = "readonly=reader,editor=operator,admin=admin,contoso=operator,nowhere=operator"
    people = f"conadmin@contoso.example={seed.CONTOSO};none@x.example=none"
    settings = {
        "ACCESS_ROLES": roles,
        "ACCESS_TENANTS": f"contoso={seed.CONTOSO};nowhere=none;{people};*=all",
        "NOTIFICATION_KEY": base64.urlsafe_b64encode(bytes(range(32))).decode(),
        "ALLOW_LOOPBACK_WEBHOOKS": "true",
    }
    with Stack(tmp_path_factory.mktemp("front"), Options(auth="static-web-apps", settings=settings)) as stack:
        yield Front(stack)


@pytest.fixture
def leaver(stack: Stack) -> Leaver:
    """A person of fabrikam.example with a license, a mailbox and a OneDrive, whom no other test knows."""
    alias = f"leaver{next(_numbers)}"
    user = stack.simulator.arrange(seed.FABRIKAM, "user", create={"alias": alias, "name": alias.title()})
    return Leaver(user, f"{alias}@fabrikam.example")
