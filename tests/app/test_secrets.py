"""What must stand nowhere: after an offboarding that uses every kind of secret, all that was written is searched.

The same search ends every stack that tests start (tests/conftest.py), so that this one shows only that there was
something to be found.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from dev import canaries, leaks
from dev.processes import free_port
from dev.tenant import seed, tokens

if TYPE_CHECKING:
    from conftest import Leaver

    from dev.stack import Stack

SECRET_IN_URL = "canary-signature-of-a-web-hook"
ACTIONS = {"disable_sign_in": True, "reset_password": True, "revoke_sessions": True, "remove_groups": True}


def test_no_row_history_log_or_answer_holds_a_secret(stack: Stack, leaver: Leaver) -> None:
    accepted = stack.post("/api/offboardings", {"tenant": seed.FABRIKAM, "users": [leaver.upn], "actions": ACTIONS})
    offboarding = accepted.json()["offboardings"][0]["id"]
    stack.wait_for_end(offboarding)

    secrets = stack.simulator.secrets()
    assert any(secret.startswith(tokens.TOKEN_PREFIX) for secret in secrets)
    assert any(not secret.startswith(tokens.TOKEN_PREFIX) for secret in secrets)
    written = list(leaks.everything(stack))
    for place in ("the row", "host/log.txt", "table history", "table instance", ".sqlite"):
        assert any(place in name for name, _ in written), place
    assert canaries.search(written, canaries.named("the person", [leaver.upn]))
    stack.search()


def test_what_a_person_gives_as_a_secret_comes_back_nowhere(front: Any) -> None:
    nobody = f"http://127.0.0.1:{free_port()}"
    hook = {"id": "hook", "format": "slack", "url": f"{nobody}/hook?sig={SECRET_IN_URL}"}
    halo = {"id": "halo", "system": "halopsa", "url": nobody, "client_id": "id"}
    content = {"webhook": [hook], "psa": [{**halo, "client_secret": "canary-secret-of-halo"}]}

    assert front.send("PUT", "settings/notifications", content, role="admin").status_code == 200
    front.post("settings/notifications/test", None, role="admin").raise_for_status()
    front.get("settings/notifications", role="admin").raise_for_status()
    broken = {**content, "psa": [{**halo, "client_secret": "canary-secret-of-halo", "colour": "red"}]}
    assert front.send("PUT", "settings/notifications", broken, role="admin").status_code == 400
    assert front.send("PUT", "settings/notifications", {}, role="admin").status_code == 200

    front.stack.search()


def test_a_stack_that_leaks_fails_the_session(stack: Stack) -> None:
    """The key is in this process's own hands, as the answer to whoever echoed it would be."""
    answer = stack.send("GET", "/api/health", headers={"x-functions-key": "no key"})
    watch = leaks.Watch()
    answer._content = f'{{"echo": "{stack.key}"}}'.encode()
    watch.note(answer)

    with pytest.raises(
        canaries.LeakError, match="the host's default key stands in the answer to GET /api/health in"
    ) as caught:
        watch.check(stack, stack._environment(stack.port))

    assert stack.key not in str(caught.value)
