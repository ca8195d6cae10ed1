"""The app registration of the API is one that callers can get tokens for, with the roles that the app knows."""

import json
from typing import Any

from bicep import INFRA, variables

from shared.access import policy
from shared.access.policy import Role

AZURE_CLI = "04b07795-8ddb-461a-bbee-02f9e1bf7b46"


def registration(name: str) -> dict[str, Any]:
    return json.loads((INFRA / name).read_text())


def test_the_azure_cli_may_ask_for_the_scope_that_is_exposed() -> None:
    (scope,) = registration("api-registration.json")["api"]["oauth2PermissionScopes"]
    (client,) = registration("api-clients.json")["api"]["preAuthorizedApplications"]

    assert scope["isEnabled"] is True
    assert client == {"appId": AZURE_CLI, "delegatedPermissionIds": [scope["id"]]}


def test_a_client_is_let_in_after_the_scope_exists() -> None:
    assert "preAuthorizedApplications" not in registration("api-registration.json")["api"]


def test_tokens_are_of_the_version_that_app_service_is_told_to_take() -> None:
    assert registration("api-registration.json")["api"]["requestedAccessTokenVersion"] == 2
    assert registration("api-registration.json")["signInAudience"] == "AzureADMyOrg"


def test_its_roles_are_those_of_the_app() -> None:
    roles = registration("api-registration.json")["appRoles"]
    (known,) = [default for variable, default in variables().values() if variable == "ACCESS_ROLES"]

    meant = policy.roles(known or "")
    assert {meant[role["value"]] for role in roles} == {Role.reader, Role.operator, Role.admin}
    assert len({role["id"] for role in roles}) == len(roles)
    assert all(role["isEnabled"] and set(role["allowedMemberTypes"]) == {"User", "Application"} for role in roles)
