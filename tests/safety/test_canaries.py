"""The search for secrets finds them: in every place, in every form, and without repeating them."""

from __future__ import annotations

import base64
import html
import json
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pytest
from azure.data.tables import TableServiceClient
from hypothesis import given
from hypothesis import strategies as st

from dev import canaries, certificate, leaks
from dev.host.durable.store import Store
from dev.memory_table import MemoryTable
from dev.tenant import seed, tokens
from shared.jobs.storage.table import Insert

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from dev.azurite import Azurite
    from dev.lab import Lab

SECRET = 'canary & "pass"/wörd+1=?'
CANARY = canaries.Canary("a generated password", SECRET)

FORMS: dict[str, Callable[[str], str]] = {
    "as it is": str,
    "in a URL": lambda text: quote(text, safe=""),
    "in JSON": json.dumps,
    "in JSON of every language": lambda text: json.dumps(text, ensure_ascii=False),
    "in HTML": html.escape,
    "in base64": lambda text: base64.b64encode(text.encode()).decode(),
    "in base64 for URLs": lambda text: base64.urlsafe_b64encode(text.encode()).decode(),
}


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
def test_every_form_is_found(form: Callable[[str], str]) -> None:
    places = [("the log", f"before {form(SECRET)} after".encode()), ("elsewhere", b"nothing")]
    assert canaries.search(places, [CANARY]) == ["a generated password stands in the log"]


@given(before=st.binary(max_size=7), after=st.binary(max_size=7))
def test_base64_is_found_in_the_middle_of_something_longer(before: bytes, after: bytes) -> None:
    text = base64.b64encode(before + SECRET.encode() + after)
    assert canaries.search([("a header", text)], [CANARY])


@given(st.text(max_size=200))
def test_what_holds_no_secret_is_not_found(text: str) -> None:
    assert canaries.search([("the log", text.encode(errors="replace"))], [CANARY]) == []


def test_it_is_told_where_but_never_what() -> None:
    with pytest.raises(canaries.LeakError) as caught:
        canaries.check([("the answer to GET /api/x", SECRET.encode())], [CANARY])
    assert "a generated password stands in the answer to GET /api/x" in str(caught.value)
    assert SECRET not in str(caught.value) + repr(CANARY)


def test_a_row_is_searched_also_where_its_text_is_split(azurite: Azurite) -> None:
    with TableServiceClient.from_connection_string(azurite.connection_string) as storage:
        table = storage.create_table_if_not_exists("canaries")
        row = {"PartitionKey": "p", "RowKey": "1", "json00": SECRET[:7], "json01": SECRET[7:]}
        table.upsert_entity(row)
    found = canaries.search(leaks.rows(azurite.connection_string), [CANARY])
    assert found == ["a generated password stands in the row p 1 of the table canaries"]


def test_logs_and_other_files_are_searched(tmp_path: Path) -> None:
    (tmp_path / "log.txt").write_text(f"sent {SECRET}", encoding="utf-8")
    (tmp_path / "keys.json").write_text(f"here it belongs: {SECRET}", encoding="utf-8")
    found = canaries.search(leaks.files(tmp_path), [CANARY])
    assert found == [f"a generated password stands in {tmp_path.name}/log.txt"]


def test_the_task_hub_is_searched_value_by_value(tmp_path: Path) -> None:
    hub = Store(str(tmp_path / "Hub.sqlite"))
    with hub.transaction():
        hub.append_history("one", 0, [{"EventType": 0, "Result": "x" * 9000 + SECRET}])
    hub.close()
    with closing(sqlite3.connect(tmp_path / "Hub.sqlite")) as stored:
        assert stored.execute("SELECT count(*) FROM history").fetchone() == (1,)
    found = canaries.search(leaks.files(tmp_path), [CANARY])
    assert f"a generated password stands in {tmp_path.name}/Hub.sqlite, table history" in found


def test_rows_in_memory_are_searched() -> None:
    table = MemoryTable()
    table.transact("offboardings", [Insert("job|1", {"message": SECRET})])
    found = canaries.search(leaks.of_laboratory({"offboardings": table}, None), [CANARY])
    assert found == ["a generated password stands in the row offboardings job|1 of the table offboardings"]


def test_the_generated_password_is_known_to_the_search(lab: Lab) -> None:
    lab.offboard("ada@fabrikam.example", {"reset_password": True})
    known = [*canaries.ALWAYS, *canaries.arrived(lab.simulator.secrets()), *canaries.of_settings(lab.app.settings)]
    kinds = {"an access token", "a generated password", "the certificate", "the certificate's private key"}
    assert {canary.kind for canary in known} >= kinds
    for secret in lab.simulator.secrets():
        is_token = secret.startswith(tokens.TOKEN_PREFIX)
        for part in (secret, secret[:600], secret[60:]) if is_token else (secret, f"new: {secret}"):
            assert canaries.search([("the log", part.encode())], known), "a part of a secret was not found"


def test_a_certificate_is_found_in_any_file_format(tmp_path: Path) -> None:
    made = certificate.keep(tmp_path, "canary-certificate-password")
    known = list(canaries.of_certificate(made.pfx, "canary-certificate-password"))
    assert canaries.search([("the log", made.pfx.encode())], known)
    assert canaries.search([("the log", base64.b64decode(made.pfx))], known)
    assert canaries.search([("the log", made.pem.encode())], known) == []


@pytest.mark.parametrize(
    "body",
    [
        {"webhook": [{"url": SECRET}]},
        {"webhook": [{"signing": [SECRET]}]},
        {"webhook": [{"auth": {"kind": "headers", "headers": {"x-key": SECRET}}}]},
        {"webhook": [{"auth": {"kind": "bearer", "token": SECRET}}]},
        {"psa": [{"private_key": SECRET, "url": "https://psa.example"}]},
        {"webhook": SECRET},
        {"webhookAuthToken": SECRET},
    ],
)
def test_secrets_that_people_give_are_known(body: Any) -> None:
    assert [canary.text for canary in canaries.of_destinations(body)] == [SECRET]


@pytest.mark.parametrize(
    "body", [{}, [], None, {"webhook": [{"url": {"setting": "NOTIFICATION_SECRET_ONE"}}]}, {"psa": 1}]
)
def test_what_is_no_secret_is_not_taken_for_one(body: Any) -> None:
    assert list(canaries.of_destinations(body)) == []


def test_the_tenants_client_secret_is_long_enough_to_be_looked_for() -> None:
    assert list(canaries.named("the client secret", [seed.CLIENT_SECRET]))
