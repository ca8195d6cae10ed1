from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import requests

from dev.tenant import seed
from dev.tenant.process import Simulator

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from dev.tenant.by_hand import Caller, Certificate

ADA = f"/users/{seed.ADA}"
SECRETS = (seed.CLIENT_SECRET, "Bearer ", "eyJ")


def test_what_was_recorded(caller: Caller, sim: Simulator) -> None:
    caller.get(f"{ADA}?$select=id")
    caller.invoke("Get-Mailbox", Identity=seed.ADA)
    login, graph, second_login, exchange = sim.requests()
    assert [entry["n"] for entry in sim.requests()] == [1, 2, 3, 4]
    assert (login["service"], second_login["service"]) == ("login", "login")
    assert login["body"]["client_secret"] == "<redacted>"
    assert login["tenant"] == seed.FABRIKAM
    expected = {"service": "graph", "method": "GET", "url": f"/v1.0{ADA}?$select=id", "status": 200, "items": []}
    assert {name: graph[name] for name in expected} == expected
    assert graph["tenant"] == seed.FABRIKAM
    assert graph["refused"] is False
    assert exchange["cmdlet"] == "Get-Mailbox"
    assert exchange["body"]["CmdletInput"]["Parameters"] == {"Identity": seed.ADA}
    assert not any(secret in str(sim.requests()) for secret in SECRETS)


def test_requests_since(caller: Caller, sim: Simulator) -> None:
    caller.get(ADA)
    last = sim.requests()[-1]["n"]
    caller.get(f"{ADA}/drive")
    assert [entry["url"] for entry in sim.requests(last)] == [f"/v1.0{ADA}/drive"]


def test_items_of_a_batch_are_recorded(caller: Caller, sim: Simulator) -> None:
    body = {"passwordProfile": {"password": "Correct-Horse-7"}}
    headers = {"Content-Type": "application/json"}
    caller.batch(
        {"id": "1", "method": "PATCH", "url": ADA, "headers": headers, "body": body},
        {"id": "2", "method": "GET", "url": "/shoes"},
    )
    entry = sim.requests()[-1]
    blotted = {"passwordProfile": {"password": "<password>"}}
    assert entry["items"] == [
        {"method": "PATCH", "url": ADA, "body": blotted, "status": 204, "refused": False},
        {"method": "GET", "url": "/shoes", "body": None, "status": 400, "refused": True},
    ]
    assert entry["refused"] is True
    assert "Correct-Horse-7" not in str(entry)


def test_reset_brings_everything_back(caller: Caller, sim: Simulator) -> None:
    before = sim.state("fabrikam.example")
    caller.graph("DELETE", ADA)
    sim.latency(graph=1)
    sim.faults([{"kind": "throttle"}])
    assert sim.state("fabrikam.example") != before
    sim.reset()
    assert sim.state("fabrikam.example") == before
    assert sim.requests() == []
    assert caller.get(ADA).status_code == 200, "tokens outlive a reset"


def test_the_state_of_a_tenant_is_shown_in_parts(sim: Simulator) -> None:
    whole = sim.state("fabrikam.example")

    assert sim.state("fabrikam.example", part="users") == whole["users"]
    assert sim.state("fabrikam.example", part="users", id=seed.ADA) == whole["users"][seed.ADA]
    for wrong in ({"part": "nothing"}, {"part": "users", "id": "nobody"}):
        with pytest.raises(ValueError, match="no such part"):
            sim.state("fabrikam.example", **wrong)


def test_other_seeds(sim: Simulator) -> None:
    sim.reset("small")
    assert len(sim.state("contoso.example")["users"]) == 40
    with pytest.raises(ValueError, match="404"):
        sim.state("fabrikam.example")
    with pytest.raises(ValueError, match="no such seed"):
        sim.reset("huge")


def test_arranging(sim: Simulator) -> None:
    tenant = "contoso.example"
    user = sim.arrange(
        tenant, "user", create={"alias": "nia", "name": "Nia Pires", "licenses": ["SPB"]}, set={"jobTitle": "x"}
    )
    group = sim.arrange(tenant, "group", create={"nickname": "crew", "kind": "team", "members": [user]})
    sim.arrange(tenant, "mailbox", mailbox=user, set={"total_item_size": 5})
    sim.arrange(tenant, "directory_role", user=user, role="Global Administrator")
    sim.arrange(
        tenant, "number", number="+15559999", set={"assignmentStatus": "userAssigned", "assignmentTargetId": user}
    )
    state = sim.state(tenant)
    assert state["users"][user]["jobTitle"] == "x"
    assert state["groups"][group]["members"] == [user]
    assert state["mailboxes"][user]["total_item_size"] == 5
    assert any(user in role["members"] for role in state["directory_roles"].values())
    sim.arrange(tenant, "group", group="crew", remove=[user])
    sim.arrange(tenant, "delete_user", user=user, for_good=True)
    state = sim.state(tenant)
    assert user not in state["users"] | state["deleted_users"]
    for op, what in (("dance", {}), ("user", {"user": seed.LIA, "set": {"shoeSize": 4}}), ("user", {"user": "nobody"})):
        with pytest.raises(ValueError, match="400"):
            sim.arrange(tenant, op, **what)


def test_controls_are_not_on_the_sign_in_port(caller: Caller, sim: Simulator) -> None:
    response = caller.session.get(f"{sim.login}/_sim/requests", verify=sim.ca)
    assert response.status_code == 400
    assert caller.session.get(f"{sim.origin}/_sim/shoes").status_code == 404
    assert caller.session.get(f"{sim.origin}/teams").status_code == 404


@pytest.fixture
def kept(tmp_path: Path) -> Iterator[Callable[[], Simulator]]:
    """Arguments of a simulation that keeps its state, and a way to start it."""
    started = []

    def start() -> Simulator:
        simulator = Simulator.start(
            "--data", str(tmp_path / "tenant.json"), "--ca", str(tmp_path / "ca"), "--seed", "small"
        )
        started.append(simulator)
        return simulator

    yield start
    for simulator in started:
        simulator.stop()


def token(simulator: Simulator) -> str:
    form = {
        "grant_type": "client_credentials",
        "client_id": seed.CLIENT_ID,
        "client_secret": seed.CLIENT_SECRET,
        "scope": "https://graph.microsoft.com/.default",
    }
    with requests.Session() as session:
        session.trust_env = False
        url = f"{simulator.login}/{seed.CONTOSO}/oauth2/v2.0/token"
        return session.post(url, data=form, verify=simulator.ca).json()["access_token"]


def test_state_survives_a_restart_and_so_do_tokens_and_certificates(
    kept: Callable[[], Simulator], certificate: Certificate
) -> None:
    first = kept()
    authority = Path(first.ca).read_bytes()
    bearer = {"Authorization": f"Bearer {token(first)}"}
    first.app(certificate=certificate.pem)
    with requests.Session() as session:
        session.trust_env = False
        url = f"{first.graph}/v1.0/users/{seed.LIA}"
        assert session.patch(url, json={"accountEnabled": False}, headers=bearer).status_code == 204
        state = first.state("contoso.example")
        first.stop()
        assert first.process.returncode == 0
        second = kept()
        assert second.state("contoso.example") == state
        assert second.app()["certificates"] == 1
        assert Path(second.ca).read_bytes() == authority
        url = f"{second.graph}/v1.0/users/{seed.LIA}?$select=accountEnabled"
        assert session.get(url, headers=bearer).json()["accountEnabled"] is False


def test_state_survives_even_a_kill(kept: Callable[[], Simulator], tmp_path: Path) -> None:
    first = kept()
    first.arrange("contoso.example", "user", user=seed.LIA, set={"jobTitle": "kept"})
    file = tmp_path / "tenant.json"
    while not (file.exists() and '"kept"' in file.read_text(encoding="utf-8")):
        assert first.process.poll() is None
    os.kill(first.process.pid, signal.SIGKILL)
    first.stop()
    assert kept().state("contoso.example")["users"][seed.LIA]["jobTitle"] == "kept"
