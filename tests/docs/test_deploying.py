"""What the guides must say so that a deployment works: nobody can try it here, so each sentence is held."""

import base64
import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from shared.access import principal

ROOT = Path(__file__).resolve().parents[2]
PAGES = {path.name: path.read_text(encoding="utf-8") for path in (ROOT / "docs").glob("*.md")}
GUIDE = PAGES["deploy.md"]


def section(page: str, title: str) -> str:
    found = re.search(rf"^##+ {re.escape(title)}\n(.*?)(?=^##+ |\Z)", PAGES[page], re.MULTILINE | re.DOTALL)
    assert found, f"{page} has no section {title}"
    return " ".join(found[1].split())


def test_the_app_registration_takes_the_certificate_for_as_long_as_it_lives() -> None:
    months = json.loads((ROOT / "infra/certificate-policy.json").read_text())["x509CertificateProperties"][
        "validityInMonths"
    ]
    resets = re.findall(r"az ad app credential reset.*", "".join(PAGES.values()))

    assert resets
    assert all(f"--years {months // 12}" in command for command in resets)
    assert 'credential list --id "$M365_CLIENT_ID" --cert --query "[].endDateTime"' in section(
        "deploy.md", "The certificate"
    )
    assert f"--years {months // 12}" in section("onboarding.md", "A new certificate")


def test_no_command_uses_a_variable_that_may_be_empty() -> None:
    assert [name for name, page in PAGES.items() if "$PUBLIC_URL" in page] == []


def test_starting_anew_names_everything_literally() -> None:
    removed = section("deploy.md", "Remove it")

    assert "$" not in removed, "after azd down its outputs are gone"
    steps = [
        "az keyvault list-deleted",
        "az group create",
        "az keyvault recover",
        "azd env set AZURE_LOCATION",
        "azd up",
    ]
    assert [step for step in steps if step not in removed] == []
    assert sorted(steps, key=removed.index) == steps


def test_changes_in_the_azure_portal_are_set_back_without_the_kept_state() -> None:
    assert "`azd provision --no-state` sets back what was changed in the Azure portal" in section(
        "deploy.md", "Settings"
    )


def test_a_dead_app_is_asked_for_where_telemetry_is() -> None:
    runbook = section("operations.md", "Due offboardings do not begin")
    steps = [
        "SeverityLevel >= 3",
        "settings are incomplete",
        "Diagnose and solve problems",
        "Monitoring Metrics Publisher",
    ]

    assert [step for step in steps if step not in runbook] == []
    assert "Look at its log stream" not in runbook


def test_a_dead_timer_is_replaced_by_hand() -> None:
    runbook = section("operations.md", "Due offboardings do not begin")

    assert "`POST /api/tick` does exactly what the timer does, needs the role admin" in runbook
    assert '"$API_URL/api/tick"' in runbook
    assert "az functionapp restart" in runbook


def test_the_number_of_activities_stands_in_two_places() -> None:
    assert "set `ACTIVITIES_AT_ONCE` and the number there to the same" in section("deploy.md", "Settings")


@pytest.mark.parametrize("page", PAGES)
def test_nobody_is_told_to_set_a_sign_of_authentication_by_hand(page: str) -> None:
    assert "WEBSITE_AUTH_ENABLED" not in PAGES[page]


def test_setting_a_sign_of_authentication_by_hand_is_warned_of() -> None:
    assert "**never set a `WEBSITE_AUTH_...` setting by hand**" in section("portal.md", "Who is signed in")


def test_what_could_not_be_proved_is_a_checklist() -> None:
    checklist = section("deploy.md", "After the first deployment")
    items = re.findall(r"(?:^| )(\d+)\. ", checklist)

    assert items == [str(number) for number in range(1, len(items) + 1)]
    assert checklist.index("1. **App Service authentication**") < checklist.index("2. ")
    assert "[After the first deployment](#after-the-first-deployment)" in GUIDE


@pytest.mark.parametrize(
    "read", [principal.from_app_service, principal.from_static_web_apps], ids=["app-service", "static-web-apps"]
)
def test_the_forged_caller_would_be_an_admin_without_the_platform(read: Callable[[str], principal.Principal]) -> None:
    found = re.search(r"FORGED='(.*?)'", GUIDE, re.DOTALL)

    assert found
    assert "admin" in read(base64.b64encode(found[1].encode()).decode()).roles


def test_callers_of_the_api_can_get_a_token() -> None:
    access = section("deploy.md", "Who may call it")
    steps = [
        "--body @infra/api-registration.json",
        '--identifier-uris "api://$PORTAL_CLIENT_ID"',
        "--body @infra/api-clients.json",
        "az ad sp create",
        "appRoleAssignmentRequired=true",
    ]

    assert [step for step in steps if step not in access] == []
    assert sorted(steps, key=access.index) == steps


def test_unlinking_a_static_web_app_is_not_all() -> None:
    access = section("deploy.md", "Who may call it")

    assert "Unlinking leaves its identity provider behind: remove" in access
    assert "then `azd up`. Until then callers get 401." in access


def test_the_scope_of_mail_is_a_filter_that_exchange_supports() -> None:
    partner = section("onboarding.md", "The partner's tenant")

    assert """-RecipientRestrictionFilter "EmailAddresses -eq '<MAIL_SENDER>'\"""" in partner
    assert "`MAIL_SENDER` is an address" in partner


def test_the_first_alert_is_no_surprise() -> None:
    assert "Fifteen minutes later the alert *due offboardings do not begin* fires" in section("deploy.md", "Deploy it")


def test_costs_are_figures() -> None:
    costs = section("deploy.md", "What costs money")

    assert "42 USD a month in East US 2" in costs
    assert "two of 512 MB (`INSTANCE_MEMORY_MB`) about 11" in costs
    assert "fits into 512 MB" in costs


def test_it_is_said_why_updates_do_not_roll() -> None:
    assert "Rolling updates are not used: they are a preview" in section("deploy.md", "Update")


def test_who_read_the_data_can_be_asked() -> None:
    assert "StorageTableLogs" in section("operations.md", "Who read the data")


def test_the_deploying_identity_may_do_what_a_deployment_does() -> None:
    contributing = " ".join((ROOT / "CONTRIBUTING.md").read_text().split())

    assert "*Contributor* and *Role Based Access Control Administrator* on the subscription" in contributing
    assert "`AZURE_ENV_NAME` and `AZURE_LOCATION`" in contributing
