"""azd finds what it deploys, and knows what was made."""

import json
import re

import pytest
import yaml
from bicep import INFRA, ROOT, Values, template

PROJECT = yaml.safe_load((ROOT / "azure.yaml").read_text())
MAIN = template("main.bicep")
APP = template("modules/app.bicep")


def test_azd_builds_the_template_and_the_app_that_are_here() -> None:
    (service,) = PROJECT["services"].values()

    assert (INFRA / f"{PROJECT['infra']['module']}.bicep").is_file()
    assert (service["language"], service["host"]) == ("python", "function")
    assert all((ROOT / service["project"] / name).is_file() for name in ("host.json", "requirements.txt"))


def test_the_function_app_carries_the_name_of_the_service() -> None:
    (name,) = PROJECT["services"]
    (app,) = [module for module in MAIN.modules if module.symbol == "app"]

    tags = Values("modules/app.bicep", **{**app.params, "tags": {}}).of(APP.resource("site").config["tags"])
    assert tags == {"'azd-service-name'": name}


def test_the_resource_group_carries_the_name_of_the_environment() -> None:
    group = MAIN.resource("group").config

    assert "targetScope = 'subscription'" in MAIN.text
    assert Values("main.bicep", environmentName="prod").of(group["tags"]) == {"'azd-env-name'": "prod"}
    assert Values("main.bicep", environmentName="prod").of(group["name"]) == "rg-prod"


def test_the_outputs_are_those_that_azd_and_the_guide_need() -> None:
    guide = "".join((ROOT / "docs" / name).read_text() for name in ("deploy.md", "onboarding.md", "operations.md"))
    needed = {"AZURE_LOCATION", "AZURE_TENANT_ID", "AZURE_RESOURCE_GROUP"}
    # In a shell as a variable, in a query as <VARIABLE>.
    told = set(re.findall(r"(?:\$\{?|<)([A-Z][A-Z0-9]*_[A-Z0-9_]+)", guide))
    variable_of_azd = {"AZURE_SUBSCRIPTION_ID", "M365_CLIENT_ID", "PORTAL_CLIENT_ID", "MAIL_SENDER"}

    assert needed <= set(MAIN.outputs)
    assert set(MAIN.outputs) - needed <= told, "an output that nobody uses"
    assert told - set(MAIN.outputs) == variable_of_azd, "azd and `azd env set` know these"


@pytest.mark.parametrize(
    ("public_url", "origin"), [("", "app.outputs.url"), ("https://portal.example", "https://portal.example")]
)
def test_the_origin_that_callers_use_is_an_output(public_url: str, origin: str) -> None:
    values = Values("main.bicep", publicUrl=public_url)

    assert values.of(MAIN.outputs["API_URL"]["value"]) == origin


def test_azd_is_new_enough_to_leave_out_what_funcignore_names() -> None:
    assert PROJECT["requiredVersions"] == {"azd": ">= 1.18.0"}


def test_it_runs_on_flex_consumption_with_the_python_that_is_deployed() -> None:
    site = APP.resource("site").properties

    assert APP.resource("plan").config["sku"] == {"name": "FC1", "tier": "FlexConsumption"}
    assert site["functionAppConfig"]["runtime"] == {"name": "python", "version": "3.13"}
    assert site["keyVaultReferenceIdentity"] == "identityId"
    assert APP.resource("site").config["identity"] == {
        "type": "UserAssigned",
        "userAssignedIdentities": {"'${identityId}'": {}},
    }


def test_one_instance_is_ready_for_each_group_that_scales_by_itself() -> None:
    ready = APP.resource("site").properties["functionAppConfig"]["scaleAndConcurrency"]["alwaysReady"]

    assert ready == [{"name": "durable", "instanceCount": 1}, {"name": "http", "instanceCount": 1}]


@pytest.mark.parametrize(
    ("length", "name"),
    [(24, "sthost${token}"), (24, "stdata${token}"), (24, "kv-${token}"), (60, "func-offboarding-${token}")],
)
def test_names_fit(length: int, name: str) -> None:
    assert f"name: '{name}'" in MAIN.text
    assert len(name.replace("${token}", "x" * 13)) <= length, "uniqueString gives 13 characters"


def test_the_certificate_is_one_that_the_app_can_read_and_does_not_change_unseen() -> None:
    policy = json.loads((INFRA / "certificate-policy.json").read_text())

    assert policy["secretProperties"]["contentType"] == "application/x-pkcs12"
    assert policy["keyProperties"]["exportable"] is True
    # A renewed certificate would reach the app before the app registration knows it.
    assert [action["action"]["actionType"] for action in policy["lifetimeActions"]] == ["EmailContacts"]
