"""What somebody who reviews the deployment for its security looks for."""

import re
from typing import Any

import pytest
from bicep import FILES, Resource, Values, everything_of_type, path, template

from shared.app.settings import AUTH_MODES, SECRET_PREFIX, SETTINGS

ROLES = {
    "storageBlobDataOwner": "b7e6dc6d-f1e8-4753-8033-0f276bb0955b",
    "storageQueueDataContributor": "974c5e8b-45b9-4653-ba55-5f855dd0fb88",
    "storageTableDataContributor": "0a9a7e1f-b9d0-4cc4-a60d-0319b160aaa3",
    "keyVaultSecretsUser": "4633458b-17de-408a-b874-0445c86b69e6",
    "monitoringMetricsPublisher": "3913510d-42f4-4e42-8a64-420c390055eb",
}
"""Learn: "Azure built-in roles"."""

GRANTED = {
    ("hostStorage", "storageBlobDataOwner"),
    ("hostStorage", "storageQueueDataContributor"),
    ("hostStorage", "storageTableDataContributor"),
    ("dataStorage", "storageTableDataContributor"),
    ("vault", "keyVaultSecretsUser"),
    ("insights", "monitoringMetricsPublisher"),
}
"""What the code needs, and no more: (resource, role)."""

SITE = template("modules/app.bicep").resource("site")


def only(kind: str) -> Resource:
    (resource,) = everything_of_type(kind)
    return resource


def test_storage_opens_to_identities_only() -> None:
    account = only("Microsoft.Storage/storageAccounts").properties

    wanted = {
        "allowBlobPublicAccess": False,
        "allowCrossTenantReplication": False,
        "allowSharedKeyAccess": False,
        "defaultToOAuthAuthentication": True,
        "isLocalUserEnabled": False,
        "minimumTlsVersion": "TLS1_2",
        "supportsHttpsTrafficOnly": True,
    }
    assert {name: account.get(name) for name in wanted} == wanted
    assert only("Microsoft.Storage/storageAccounts/blobServices/containers").properties == {"publicAccess": "None"}


def test_the_offboardings_have_an_account_of_their_own() -> None:
    accounts = {m.symbol: m.params for m in template("main.bicep").modules if m.file == "modules/storage.bicep"}

    assert set(accounts) == {"hostStorage", "dataStorage"}
    assert accounts["hostStorage"]["name"] != accounts["dataStorage"]["name"]
    assert "containers" not in accounts["dataStorage"]


def test_the_vault_is_governed_by_roles_and_cannot_be_emptied() -> None:
    vault = only("Microsoft.KeyVault/vaults").properties

    assert (vault["enableRbacAuthorization"], vault["enablePurgeProtection"], vault["enableSoftDelete"]) == (True,) * 3
    assert vault["softDeleteRetentionInDays"] == 90
    assert "accessPolicies" not in vault


def test_who_reads_the_vault_and_the_offboardings_is_logged() -> None:
    logged = {r.config["scope"]: r for r in everything_of_type("Microsoft.Insights/diagnosticSettings")}
    accounts = {m.symbol: m.params for m in template("main.bicep").modules if m.file == "modules/storage.bicep"}

    assert set(logged) == {"vault", "tables"}
    assert all(setting.properties["workspaceId"] == "workspaceId" for setting in logged.values())
    assert {log["category"] for log in logged["tables"].properties["logs"] if log["enabled"]} == {
        "StorageRead",
        "StorageWrite",
        "StorageDelete",
    }
    assert "workspaceId" in accounts["dataStorage"], "the account with the offboardings"
    assert "workspaceId" not in accounts["hostStorage"], "the host's queues are asked every few seconds"


def test_telemetry_takes_no_keys() -> None:
    assert only("Microsoft.Insights/components").properties["DisableLocalAuth"] is True
    assert only("Microsoft.OperationalInsights/workspaces").properties["features"]["disableLocalAuth"] is True


def test_the_app_is_reached_with_https_and_deployed_without_a_password() -> None:
    assert SITE.properties["httpsOnly"] is True
    assert SITE.properties["siteConfig"] == {"minTlsVersion": "1.2", "scmMinTlsVersion": "1.2"}
    assert only("Microsoft.Web/sites/basicPublishingCredentialsPolicies").properties == {"allow": False}
    storage = SITE.properties["functionAppConfig"]["deployment"]["storage"]
    assert storage["authentication"]["type"] == "UserAssignedIdentity"


def test_the_identity_has_the_roles_that_the_code_needs_and_no_more() -> None:
    roles = template("modules/roles.bicep")
    assignments = everything_of_type("Microsoft.Authorization/roleAssignments")
    granted = {(a.config["scope"], role_of(a)) for a in assignments}

    assert granted == GRANTED
    assert len(assignments) == len(GRANTED)
    assert {name: roles.variables[name] for name in ROLES} == ROLES
    assert {(a.properties["principalId"], a.properties["principalType"]) for a in assignments} == {
        ("principalId", "ServicePrincipal")
    }


def role_of(assignment: Resource) -> str:
    arguments = assignment.properties["roleDefinitionId"]["function"]["parameters"]
    assert arguments["resource_type"] == "Microsoft.Authorization/roleDefinitions"
    return str(arguments["resource_name_1"])


def test_the_roles_are_on_the_resources_of_these_names() -> None:
    roles = template("modules/roles.bicep")
    scopes = {r.symbol: (r.type, r.config["name"]) for r in roles.resources if r.existing}
    given = {
        name: path(tree["operator"]["operands"])
        for module in template("main.bicep").modules
        if module.symbol == "roles"
        for name, tree in module.params.items()
    }

    assert scopes == {
        "hostStorage": ("Microsoft.Storage/storageAccounts", "hostStorageName"),
        "dataStorage": ("Microsoft.Storage/storageAccounts", "dataStorageName"),
        "vault": ("Microsoft.KeyVault/vaults", "vaultName"),
        "insights": ("Microsoft.Insights/components", "insightsName"),
    }
    assert given == {
        "principalId": "identity.outputs.principalId",
        "hostStorageName": "hostStorage.outputs.name",
        "dataStorageName": "dataStorage.outputs.name",
        "vaultName": "vault.outputs.name",
        "insightsName": "monitoring.outputs.insightsName",
    }


@pytest.mark.parametrize("file", FILES)
def test_no_file_handles_a_secret(file: str) -> None:
    parsed = template(file)
    suspicious = re.compile(r"(secret|password|apikey|accountkey|connectionstring|token)$", re.IGNORECASE)

    assert re.findall(r"\blist\w*\(", parsed.text) == []
    assert re.findall(r"AccountKey=|SharedAccessSignature=|-----BEGIN|[?&]sig=", parsed.text) == []
    assert [name for name in parsed.outputs if suspicious.search(name)] == []
    assert [name for name, p in parsed.parameters.items() if suspicious.search(name) and not is_secure(p)] == []


def is_secure(parameter: dict[str, Any]) -> bool:
    return any(decorator["type"] == "secure" for decorator in parameter["decorators"])


def test_secret_settings_are_empty_or_come_from_the_vault() -> None:
    settings: dict[str, str] = Values("main.bicep").of("settings")
    secret = {s.name: settings[s.name] for s in SETTINGS if s.secret and s.name in settings}

    assert set(secret) == {"M365_CERTIFICATE", "NOTIFICATION_KEY"}
    assert [name for name, value in secret.items() if value and not value.startswith("@Microsoft.KeyVault(")] == []
    # Where they are named, keys and secrets of notifications replace the empty ones; nothing else does.
    settings_tree = template("modules/app.bicep").resource("appSettings").properties["function"]["parameters"]
    assert list(settings_tree.values())[:2] == ["settings", "notificationReferences"]
    prefix = SECRET_PREFIX.removesuffix("SECRET_")
    assert f"filter(vaultNames, entry => startsWith(entry, '{prefix}'))" in template("modules/app.bicep").text


@pytest.mark.parametrize("mode", AUTH_MODES)
def test_app_service_authentication_fits_the_mode(mode: str) -> None:
    resource = template("modules/app.bicep").resource("authentication")
    values = Values("modules/app.bicep", authMode=mode, portalClientId="portal", portalTenant="home")
    wanted = values.of(resource.properties)
    is_on = mode == "app-service"

    assert values.of(resource.condition) is (mode != "static-web-apps"), "the link of a Static Web App writes it itself"
    assert wanted["platform"]["enabled"] is is_on
    assert wanted["globalValidation"]["requireAuthentication"] is is_on
    assert wanted["globalValidation"]["unauthenticatedClientAction"] == ("Return401" if is_on else "AllowAnonymous")
    assert wanted["globalValidation"]["excludedPaths"] == ["/api/health"]
    assert wanted["identityProviders"]["azureActiveDirectory"]["enabled"] is is_on
    assert wanted["identityProviders"]["azureActiveDirectory"]["validation"]["allowedAudiences"] == [
        "portal",
        "api://portal",
    ]
    assert "clientSecretSettingName" not in wanted["identityProviders"]["azureActiveDirectory"]["registration"]


def test_only_the_path_that_is_open_to_everybody_is_left_out() -> None:
    from shared.access.routes import ROUTES

    resource = template("modules/app.bicep").resource("authentication")
    is_open = [f"/api/{route.split()[1]}" for route, role in ROUTES.items() if role is None]

    assert resource.properties["globalValidation"]["excludedPaths"] == is_open
