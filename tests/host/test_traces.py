"""The host hands traces on as Azure does: from the request to the function, from a start to the activities."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from dev.host.tracing import child_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from conftest import SampleHost

TRACE = "0af7651916cd43dd8448eb211c80319c"
INCOMING = f"00-{TRACE}-b7ad6b7169203331-01"


@pytest.mark.parametrize("worker", ["embedded", "microsoft"])
def test_a_trace_reaches_the_activities(new_host: Callable[..., SampleHost], worker: str) -> None:
    if worker == "microsoft":
        pytest.importorskip("azure_functions_runtime", reason="azure-functions-runtime needs Python 3.13")
    host = new_host("--worker", worker)

    told = host.request("POST", "/v1/trace/one", headers={"traceparent": INCOMING}).text
    first, second = host.ended("one")["output"]

    assert {told[3:35], first[3:35], second[3:35]} == {TRACE}
    assert len({INCOMING, told, first, second}) == 4


def test_a_request_without_a_trace_begins_one(host: SampleHost) -> None:
    one, other = (host.request("POST", f"/v1/trace/{name}").text for name in ("first", "second"))

    assert one[3:35] != other[3:35]
    assert host.ended("first")["output"][0][3:35] == one[3:35]


@pytest.mark.parametrize("given", [None, "", "nonsense", f"00-{'0' * 32}-b7ad6b7169203331-01", f"01-{TRACE}"])
def test_what_is_no_traceparent_is_not_gone_on_with(given: str | None) -> None:
    assert TRACE not in child_of(given)
    assert child_of(child_of(given))[3:35] != "0" * 32
