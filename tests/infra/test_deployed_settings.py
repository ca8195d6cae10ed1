"""The deployment sets what the app reads, and nothing else; every file that names settings agrees."""

import json
import re
from typing import Any

import pytest
from bicep import ROOT, Values, template, variables

from shared.app.host_settings import HOST_SETTINGS
from shared.app.settings import AUTH_MODES, SETTINGS, Settings

DECLARED = {setting.name: setting for setting in (*SETTINGS, *HOST_SETTINGS)}

NOT_IN_AZURE = {
    "OFFBOARDING_STORAGE": "an identity reaches the account: it has no connection string",
    "AzureWebJobsStorage": "as above; AzureWebJobsStorage__... say which account and which identity",
    "FUNCTIONS_WORKER_RUNTIME": "Flex Consumption refuses it: functionAppConfig.runtime says it",
    "M365_CERTIFICATE_PASSWORD": "a certificate comes out of Key Vault without one",
    "M365_CLIENT_SECRET": "a certificate or the managed identity is safer, and SharePoint refuses secrets",
    "WEBSITE_HOSTNAME": "the platform sets it",
    "GRAPH_URL": "its default is the address of the public cloud",
    "EXCHANGE_URL": "as above",
    "LOGIN_URL": "as above",
    "SHAREPOINT_URL": "as above",
    "ALLOW_LOOPBACK_WEBHOOKS": "for development only",
    "API_PAGE": "as above: programs and tools read openapi.json",
}

SET_OTHERWISE = {
    "PYTHON_APPLICATIONINSIGHTS_ENABLE_TELEMETRY": "true",
    "AzureWebJobsStorage__credential": "managedidentity",
}
"""What is at its default on a developer's machine, but not in Azure."""

REFUSED_BY_FLEX = {
    "ENABLE_ORYX_BUILD",
    "FUNCTIONS_EXTENSION_VERSION",
    "FUNCTIONS_WORKER_PROCESS_COUNT",
    "FUNCTIONS_WORKER_RUNTIME",
    "FUNCTIONS_WORKER_RUNTIME_VERSION",
    "SCM_DO_BUILD_DURING_DEPLOYMENT",
    "WEBSITE_CONTENTAZUREFILECONNECTIONSTRING",
    "WEBSITE_CONTENTSHARE",
    "WEBSITE_MAX_DYNAMIC_APPLICATION_SCALE_OUT",
    "WEBSITE_RUN_FROM_PACKAGE",
}
"""Learn: "App settings reference for Azure Functions", Flex Consumption plan deprecations."""


def deployed(**parameters: Any) -> dict[str, str]:
    """Return the settings of the function app, as far as they are known before the deployment."""
    settings = Values("main.bicep", m365ClientId="client", **parameters).of("settings")
    app = Values("modules/app.bicep", settings=settings, publicUrl="", notificationReferences={})
    return app.of(template("modules/app.bicep").resource("appSettings").properties)


def test_every_setting_is_set_and_none_that_nobody_reads() -> None:
    assert set(deployed()) == set(DECLARED) - set(NOT_IN_AZURE)


def test_flex_consumption_refuses_none_of_them() -> None:
    assert set(deployed()) & REFUSED_BY_FLEX == set()


def test_defaults_are_those_of_the_app() -> None:
    contradicting = {
        name: value
        for name, value in deployed().items()
        if DECLARED[name].default and value != DECLARED[name].default and SET_OTHERWISE.get(name) != value
    }

    assert contradicting == {}
    assert SET_OTHERWISE.items() <= deployed().items()


@pytest.mark.parametrize("mode", AUTH_MODES)
@pytest.mark.parametrize("credential", ["certificate", "managed-identity"])
def test_the_app_starts_with_what_is_set(mode: str, credential: str) -> None:
    environment = deployed(authMode=mode, m365Credential=credential, m365Tenants="one,two")
    platform = {"WEBSITE_SITE_NAME": "func", "WEBSITE_AUTH_ENABLED": str(mode != "function-key")}
    resolved = {n: "resolved" if v.startswith("@Microsoft.KeyVault(") else v for n, v in environment.items()}

    settings = Settings.parse({**resolved, **platform})

    assert (settings.auth_mode, settings.tenants) == (mode, ("one", "two"))
    assert bool(settings.certificate) is (credential == "certificate")
    assert settings.managed_identity_client_id == ("" if settings.certificate else "identity.outputs.clientId")
    assert settings.storage_uri == "dataStorage.outputs.tableEndpoint"
    assert settings.storage_connection == ""


def test_busy_activities_leave_threads_for_turns_and_requests() -> None:
    environment = deployed(activitiesAtOnce=5)

    assert environment["PYTHON_THREADPOOL_THREAD_COUNT"] == "10"
    assert environment["AzureFunctionsJobHost__extensions__durableTask__maxConcurrentActivityFunctions"] == "5"


def test_public_url_is_that_of_the_app_where_no_other_is_given() -> None:
    app = Values("modules/app.bicep", settings={}, notificationReferences={}, publicUrl="https://portal.example")
    given = app.of(template("modules/app.bicep").resource("appSettings").properties)

    assert given["PUBLIC_URL"] == "https://portal.example"
    assert deployed()["PUBLIC_URL"] == "https://${site.properties.defaultHostName}"


def test_no_library_is_traced_by_itself() -> None:
    from azure.monitor.opentelemetry import _constants

    disabled = deployed()["OTEL_PYTHON_DISABLED_INSTRUMENTATIONS"].split(",")

    assert set(_constants._FULLY_SUPPORTED_INSTRUMENTED_LIBRARIES) <= set(disabled)


def test_host_json_takes_its_settings_from_the_environment() -> None:
    host = json.loads((ROOT / "host.json").read_text())
    named = set(re.findall(r"%(\w+)%", json.dumps(host)))

    assert named
    assert named <= set(deployed())


def test_the_scale_controller_reads_the_same_number_of_activities() -> None:
    # It knows host.json only; a number there cannot name a setting.
    host = json.loads((ROOT / "host.json").read_text())
    setting = "AzureFunctionsJobHost__extensions__durableTask__maxConcurrentActivityFunctions"

    assert host["extensions"]["durableTask"]["maxConcurrentActivityFunctions"] == int(deployed()[setting]) == 16


def test_no_sign_of_authentication_is_set_by_hand() -> None:
    assert [name for name in deployed() if name.startswith("WEBSITE_AUTH")] == []


def test_the_sample_for_development_is_known_and_complete() -> None:
    sample = json.loads((ROOT / "local.settings.sample.json").read_text())["Values"]
    needed = {setting.name for setting in DECLARED.values() if setting.default is None}

    assert set(sample) <= set(DECLARED)
    assert needed <= set(sample)
    assert {name for name, value in sample.items() if DECLARED[name].secret and not value.startswith(("<", "Use"))} == {
        "M365_CERTIFICATE_PASSWORD"
    }
    told = {name: value for name, value in sample.items() if DECLARED[name].default and "<" not in value}
    assert told == {name: DECLARED[name].default for name in told}


def test_the_guide_lists_every_variable_and_its_default() -> None:
    guide = (ROOT / "docs" / "deploy.md").read_text()
    rows = dict(re.findall(r"^\| `([A-Z0-9_]+)` \| (.*?) \|", guide, re.MULTILINE))
    known = {variable: default or "" for variable, default in variables().values() if not variable.startswith("AZURE_")}

    assert {name: value.strip("`") for name, value in rows.items()} == known
