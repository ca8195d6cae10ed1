"""Whatever is sent to the API, it answers as its own description says."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import function_app
from dev.stack import Options, Stack
from dev.tenant import seed
from shared.access.routes import ROUTES
from triggers.functions import MODULE_OF
from triggers.openapi.document import document
from triggers.openapi.operations import OPERATIONS
from triggers.routing import declared_for

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.long

assert function_app.app

# `unsupported_method`: the Functions host answers methods that no function has, with 404.
# `stateful`: the description has no links; the operations are tried on offboardings that exist (below).
_CONFIG = """
[generation]
deterministic = true
max-examples = 15
database = "none"

[phases.stateful]
enabled = false

[checks]
unsupported_method.enabled = false
negative_data_rejection.expected-statuses = ["4xx"]
positive_data_acceptance.expected-statuses = ["2xx", 403, 404, 409]

# 422 is what no schema can say: people named twice, actions that contradict each other, a leap second, a secret that
# cannot be stored; 400 a text with NUL, which JSON has and storage has not. 429 and 5xx, which are allowed unless told
# otherwise, are not: nothing here may lead to them.
[[operations]]
include-operation-id = [
    "submit_offboardings", "plan_offboardings", "reschedule_offboarding", "put_tenant_defaults", "put_own_defaults",
    "put_notifications", "put_tenant_notifications", "restore_offboarding",
]
checks.positive_data_acceptance.expected-statuses = ["2xx", 400, 403, 404, 409, 422]

# 400: what no earlier page answered as `next` has its form and is no page all the same; not every text is a zone.
[[operations]]
include-operation-id = ["list_users", "list_offboardings", "get_report", "get_tenant_report", "list_access"]
checks.positive_data_acceptance.expected-statuses = ["2xx", 400, 403, 404, 409]

# To the Functions host a parameter without a value, such as `?tenant=`, is none.
[[operations]]
include-operation-id = ["list_setting_changes"]
checks.positive_data_acceptance.expected-statuses = ["2xx", 400, 403, 404, 409]
checks.negative_data_rejection.expected-statuses = ["2xx", "4xx"]
"""


def test_every_route_of_ours_is_described() -> None:
    ours = {name for name in ROUTES if not MODULE_OF[name].startswith("triggers.portal")}

    assert set(OPERATIONS) == ours


def test_every_query_parameter_is_described_and_read() -> None:
    for name, operation in OPERATIONS.items():
        described = {one["name"] for one in operation.parameters if one["in"] == "query"}
        assert set(declared_for(name).query) == described, name


def test_every_operation_has_a_summary_and_an_id_of_its_own() -> None:
    operations = [one for path in document("https://x.example")["paths"].values() for one in path.values()]

    assert all(one["summary"] for one in operations)
    assert len({one["operationId"] for one in operations}) == len(OPERATIONS)


@pytest.fixture(scope="module")
def own_stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A stack in which nothing can go out: it has no key that would let it store secrets, and nobody to send mail."""
    options = Options(settings={"FUNCTION_KEY_ROLE": "admin"})
    with Stack(tmp_path_factory.mktemp("schemathesis"), options) as stack:
        yield stack


def _offboarding(stack: Stack, alias: str, scheduled_for: str | None = None) -> str:
    user = stack.simulator.arrange(seed.FABRIKAM, "user", create={"alias": alias, "name": alias.title()})
    body = {"tenant": seed.FABRIKAM, "users": [user], "actions": {"disable_sign_in": True}}
    answer = stack.post("/api/offboardings", {**body, "scheduled_for": scheduled_for})
    answer.raise_for_status()
    return answer.json()["offboardings"][0]["id"]


def _with_things_that_exist(document: dict[str, Any], stack: Stack) -> dict[str, Any]:
    """Narrow a description to ids, tenants and people most of which exist: with others nothing would be reached."""
    ended = _offboarding(stack, "ended")
    stack.wait_for_end(ended)
    tenants = [seed.FABRIKAM, "fabrikam.example", "unknown.example"]
    planned = {
        name: _offboarding(stack, name, "2040-01-01T00:00:00Z")
        for name in ("delete_offboarding", "run_offboarding_now", "cancel_offboarding", "untouched")
    }
    nexts = {
        path: stack.get(f"/api{path.replace('{tenant}', seed.FABRIKAM)}?limit=1").json()["next"]
        for path in ("/offboardings", "/tenants/{tenant}/users")
    }
    for path, operations in document["paths"].items():
        for operation in operations.values():
            ids = [planned.get(operation["operationId"], planned["untouched"]), ended, "0" * 31]
            known = {"id": ids, "tenant": tenants, "next": [nexts.get(path)]}
            for parameter in operation["parameters"]:
                if parameter["name"] in known:
                    parameter["schema"]["enum"] = known[parameter["name"]]
    wanted = document["components"]["schemas"]["Given.OffboardingRequest"]["properties"]
    wanted["tenant"]["enum"] = tenants
    wanted["users"]["items"]["enum"] = ["ada@fabrikam.example", "bo@fabrikam.example", "nobody@fabrikam.example"]
    for path, users in {
        "/offboardings": ["ada@fabrikam.example"],
        "/offboardings/plan": ["bo@fabrikam.example"],
    }.items():
        content = document["paths"][path]["post"]["requestBody"]["content"]["application/json"]
        content["example"] = {"tenant": seed.FABRIKAM, "users": users, "actions": {"disable_sign_in": True}}
    return document


def test_every_answer_is_as_described(own_stack: Stack, tmp_path: Path) -> None:
    document = _with_things_that_exist(own_stack.get("/api/openapi.json").json(), own_stack)
    (tmp_path / "openapi.json").write_text(json.dumps(document), encoding="utf-8")
    header = f'headers = {{ x-functions-key = "{own_stack.key}" }}\n'
    (tmp_path / "schemathesis.toml").write_text(header + _CONFIG, encoding="utf-8")
    tool = [str(Path(sys.executable).parent / "schemathesis"), "--config-file", "schemathesis.toml", "--no-color"]

    command = [*tool, "run", "openapi.json", "--url", f"{own_stack.api}/api"]
    ran = subprocess.run(  # noqa: S603 - the tool that belongs to this Python
        command, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=300
    )

    assert ran.returncode == 0, ran.stdout + ran.stderr
