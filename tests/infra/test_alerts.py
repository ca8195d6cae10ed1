"""Somebody is told when offboardings do not happen."""

import re

import pytest
from bicep import ROOT, Values, template

ALERTS = template("modules/alerts.bicep")
RULES = {rule["name"]: rule for rule in ALERTS.variables["rules"]}
CODE = "\n".join(path.read_text() for path in (ROOT / "shared").rglob("*.py"))


def query(name: str) -> str:
    return Values("modules/alerts.bicep").of(RULES[name]["query"])


def test_there_is_an_alert_for_everything_that_needs_a_person() -> None:
    assert set(RULES) == {
        "failed-orchestrations",
        "oldest-due",
        "lost-runs",
        "dead-letters",
        "throttling",
        "protected-people",
    }
    assert {rule["severity"] for rule in RULES.values()} <= {0, 1, 2, 3, 4}


@pytest.mark.parametrize(
    ("name", "metrics"),
    [
        ("failed-orchestrations", {"offboarding.ended"}),
        ("oldest-due", {"offboarding.queue.oldest_due"}),
        ("lost-runs", {"offboarding.recovered"}),
        ("dead-letters", {"notification.deliveries"}),
        ("throttling", {"microsoft365.throttled"}),
    ],
)
def test_an_alert_asks_for_metrics_that_the_app_has(name: str, metrics: set[str]) -> None:
    asked = set(re.findall(r'Name == "([^"]+)"', query(name)))

    assert asked == metrics
    assert [metric for metric in asked if f'"{metric}"' not in CODE] == []


def test_failed_orchestrations_are_seen_in_the_error_line_of_durable_functions() -> None:
    line = "0f1e-2: Function 'offboard_user (Orchestrator)' failed with an error. Reason: Exception. IsReplay: False."
    (wanted,) = re.findall(r'Message contains "([^"]+)"', query("failed-orchestrations"))

    assert wanted in line
    assert wanted not in line.replace("Orchestrator", "Activity")


def test_no_data_at_all_is_an_alert_too() -> None:
    # `summarize` without `by` gives one row for an empty table, too.
    assert "summarize Ticks = count()" in query("oldest-due")
    assert " by " not in query("oldest-due")
    assert "Ticks == 0 or" in query("oldest-due")


def test_attempts_at_protected_people_are_found_by_the_field_of_their_log_line() -> None:
    written = re.findall(r"logs\.about\((.*\bprotection=why)\)", CODE)

    assert written == ["operator=operator, tenant=tenant_id, person=person_id, protection=why"]
    assert "isnotempty(tostring(line.protection))" in query("protected-people")
    assert set(re.findall(r"line\.(\w+)", query("protected-people"))) == set(re.findall(r"(\w+)=", written[0]))


def test_a_rule_fires_when_its_query_finds_anything() -> None:
    (condition,) = ALERTS.resource("alert").properties["criteria"]["allOf"]
    tables = set(re.findall(r"\bApp\w+", "".join(query(name) for name in RULES)))

    assert (condition["timeAggregation"], condition["operator"], condition["threshold"]) == ("Count", "GreaterThan", 0)
    assert ALERTS.resource("alert").properties["enabled"] is True
    assert ALERTS.resource("alert").properties["scopes"] == ["workspaceId"]
    assert tables == {"AppMetrics", "AppTraces", "AppRequests"}


@pytest.mark.parametrize(("email", "told"), [("", []), ("noc@msp.example", ["actionGroup.id"])])
def test_an_e_mail_is_sent_where_an_address_is_given(email: str, told: list[str]) -> None:
    values = Values("modules/alerts.bicep", email=email)
    group = ALERTS.resource("actionGroup")

    assert values.of(ALERTS.resource("alert").properties["actions"]) == {"actionGroups": told}
    assert values.of(group.condition) is bool(told)
    assert values.of(group.properties["emailReceivers"])[0]["emailAddress"] == email
    assert len(group.properties["groupShortName"]) <= 12
