"""What must stand nowhere: the generated password and the tokens."""

from __future__ import annotations

from typing import TYPE_CHECKING

from azure.data.tables import TableServiceClient

from dev.tenant import tokens

if TYPE_CHECKING:
    from conftest import Leaver

    from dev.stack import Stack


def test_no_row_history_log_or_answer_holds_the_password_or_a_token(stack: Stack, leaver: Leaver) -> None:
    actions = {"disable_sign_in": True, "reset_password": True, "revoke_sessions": True, "remove_groups": True}
    request = {"tenant": "fabrikam.example", "users": [leaver.upn], "actions": actions}
    accepted = stack.post("/api/offboardings", request).json()["offboardings"][0]
    details = stack.wait_for_end(accepted["id"])
    secrets = stack.simulator.secrets()
    assert len(secrets) >= 3

    written = {
        f"{path.parent.name}/{path.name}": path.read_bytes()
        for folder in ("host", "storage")
        for path in (stack.folder / folder).rglob("*")
        if path.is_file()
    }
    with TableServiceClient.from_connection_string(stack.storage.connection_string) as storage:
        tables = [storage.get_table_client(table.name) for table in storage.list_tables()]
        written["rows"] = "".join(str(row) for table in tables for row in table.list_entities()).encode()
    written["details"] = str(details).encode()

    assert any(name.endswith(".sqlite") for name in written)
    assert leaver.upn.encode() in written["rows"]
    for secret in (*secrets, tokens.TOKEN_PREFIX):
        assert [name for name, text in written.items() if secret.encode() in text] == []
