from __future__ import annotations

import concurrent.futures
import time
from typing import TYPE_CHECKING

import pytest
import requests

from dev.tenant import seed

if TYPE_CHECKING:
    from dev.tenant.by_hand import Caller
    from dev.tenant.process import Simulator

ADA = f"/users/{seed.ADA}"
READ = f"{ADA}?$select=accountEnabled"
BLOCK = {"accountEnabled": False}


@pytest.fixture
def caller(caller: Caller) -> Caller:
    """A caller who has signed in already: faults are for what comes after."""
    caller.bearer("https://graph.microsoft.com")
    caller.bearer("https://outlook.office365.com")
    return caller


def enabled(caller: Caller) -> bool:
    return caller.get(READ).json()["accountEnabled"]


def test_throttling_counts_and_says_when(caller: Caller, sim: Simulator) -> None:
    sim.faults([{"service": "graph", "match": "GET /v1.0/users/", "kind": "throttle", "retry_after": 7, "count": 2}])
    responses = [caller.get(ADA) for _ in range(3)]
    assert [response.status_code for response in responses] == [429, 429, 200]
    assert responses[0].headers["Retry-After"] == "7"
    assert [entry["fault"] for entry in sim.requests()[-3:]] == ["throttle", "throttle", None]


def test_throttling_may_leave_the_header_out_or_send_a_date(caller: Caller, sim: Simulator) -> None:
    date = "Wed, 21 Oct 2026 07:28:00 GMT"
    sim.faults([{"kind": "throttle", "count": 1}, {"kind": "throttle", "retry_after": date, "count": 1}])
    assert "Retry-After" not in caller.get(ADA).headers
    assert caller.get(ADA).headers["Retry-After"] == date


def test_statuses_with_the_body_of_a_gateway_or_one_of_choice(caller: Caller, sim: Simulator) -> None:
    sim.faults(
        [
            {"kind": "status", "status": 502, "count": 1},
            {"kind": "status", "status": 503, "count": 1},
            {"kind": "status", "status": 200, "body": '{"value": [', "count": 1},
        ]
    )
    assert "<html>" in caller.get(ADA).text
    assert caller.get(ADA).json()["error"]["code"] == "ServiceUnavailable"
    broken = caller.get(ADA)
    with pytest.raises(requests.JSONDecodeError):
        broken.json()


def test_a_batch_fails_as_a_whole(caller: Caller, sim: Simulator) -> None:
    sim.faults([{"service": "exchange", "match": r"\$batch", "kind": "status", "status": 503, "count": 1}])
    cmdlet = ("Get-Mailbox", {"Identity": seed.ADA})
    assert [caller.invoke_batch(cmdlet).status_code for _ in range(2)] == [503, 200]


def test_one_cmdlet_of_a_batch_fails(caller: Caller, sim: Simulator) -> None:
    sim.faults([{"service": "exchange", "match": "^Get-MailboxStatistics$", "kind": "throttle", "retry_after": 1}])
    cmdlets = [(name, {"Identity": seed.ADA}) for name in ("Get-Mailbox", "Get-MailboxStatistics")]
    answers = {each["id"]: each["status"] for each in caller.invoke_batch(*cmdlets).json()["responses"]}
    assert answers == {"0": 200, "1": 429}
    assert caller.invoke("Get-MailboxStatistics", Identity=seed.ADA).status_code == 429


@pytest.mark.parametrize(("kind", "after"), [("reset_before", "untouched"), ("reset_after", "changed")])
def test_resets_before_and_after_the_change(caller: Caller, sim: Simulator, kind: str, after: str) -> None:
    sim.faults([{"service": "graph", "match": "PATCH", "kind": kind, "count": 1}])
    with pytest.raises(requests.ConnectionError):
        caller.graph("PATCH", ADA, BLOCK)
    assert sim.requests()[-1]["status"] is None
    assert enabled(caller) is (after == "untouched")


@pytest.mark.parametrize(("kind", "after"), [("reset_before", "untouched"), ("reset_after", "changed")])
def test_a_reset_that_hits_an_item_hits_the_batch(caller: Caller, sim: Simulator, kind: str, after: str) -> None:
    sim.faults([{"service": "graph", "match": f"PATCH /v1.0{ADA}", "kind": kind, "count": 1}])
    headers = {"Content-Type": "application/json"}
    with pytest.raises(requests.ConnectionError):
        caller.batch({"id": "1", "method": "PATCH", "url": ADA, "headers": headers, "body": BLOCK})
    assert enabled(caller) is (after == "untouched")


def test_slowness(caller: Caller, sim: Simulator) -> None:
    sim.faults([{"service": "graph", "match": "GET", "kind": "slow", "seconds": 5, "count": 1}])
    with pytest.raises(requests.ReadTimeout):
        caller.session.get(f"{sim.graph}/v1.0{ADA}", headers=caller.bearer("https://graph.microsoft.com"), timeout=0.2)
    assert caller.get(ADA).status_code == 200


def test_reads_that_lag_behind_a_number_of_times(caller: Caller, sim: Simulator) -> None:
    sim.faults([{"service": "graph", "match": "GET /v1.0/users/", "kind": "stale", "count": 2}])
    assert enabled(caller) is True
    caller.graph("PATCH", ADA, BLOCK)
    assert [enabled(caller) for _ in range(3)] == [True, True, False]
    assert sim.state("fabrikam.example")["users"][seed.ADA]["accountEnabled"] is False


def test_reads_that_lag_behind_for_some_time(caller: Caller, sim: Simulator) -> None:
    sim.faults([{"service": "graph", "match": "GET /v1.0/users/", "kind": "stale", "seconds": 0.3}])
    caller.graph("PATCH", ADA, BLOCK)
    start = time.monotonic()
    assert enabled(caller) is True
    while enabled(caller):
        assert time.monotonic() - start < 5
    assert time.monotonic() - start >= 0.2


def test_exchange_lags_too(caller: Caller, sim: Simulator) -> None:
    sim.faults([{"service": "exchange", "match": "^Get-Mailbox$", "kind": "stale", "count": 1}])
    caller.invoke("Set-Mailbox", Identity=seed.ADA, HiddenFromAddressListsEnabled=True)
    hidden = [caller.rows("Get-Mailbox", Identity=seed.ADA)[0]["HiddenFromAddressListsEnabled"] for _ in range(2)]
    assert hidden == [False, True]


def test_the_same_seed_meets_the_same_faults(caller: Caller, sim: Simulator) -> None:
    def run(number: int) -> list[int]:
        sim.faults([{"service": "graph", "kind": "throttle", "probability": 0.5}], seed=number)
        return [caller.get(ADA).status_code for _ in range(20)]

    first = run(1)
    assert set(first) == {200, 429}
    assert run(1) == first
    assert run(2) != first


def test_faults_of_one_tenant_leave_the_others_alone(caller: Caller, sim: Simulator) -> None:
    sim.faults([{"tenant": "fabrikam.example", "kind": "throttle"}])
    assert caller.get(ADA).status_code == 429
    other = caller.in_tenant(seed.CONTOSO)
    assert other.get(f"/users/{seed.LIA}").status_code == 200


def test_sign_in_can_fail_too(caller: Caller, sim: Simulator) -> None:
    sim.faults([{"service": "login", "match": "token", "kind": "status", "status": 503, "count": 1}])
    assert [caller.sign_in("https://graph.microsoft.com").status_code for _ in range(2)] == [503, 200]


def test_latency_does_not_put_requests_in_a_row(caller: Caller, sim: Simulator) -> None:
    sim.latency(graph=300)
    start = time.monotonic()
    with concurrent.futures.ThreadPoolExecutor(10) as pool:
        assert all(response.ok for response in pool.map(lambda _: caller.get(ADA), range(10)))
    assert 0.3 <= time.monotonic() - start < 1.5


def test_rules_that_mean_nothing_are_refused(sim: Simulator) -> None:
    for rule in (
        {"kind": "explode"},
        {"kind": "slow", "service": "teams"},
        {"kind": "slow", "colour": "red"},
        {"kind": "slow", "match": "("},
    ):
        with pytest.raises(ValueError, match="400"):
            sim.faults([rule])
