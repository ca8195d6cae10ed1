"""Whoever changes a setting is on record, and administrators can read it."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from dev.tenant import seed
from shared.jobs.storage import setting_changes
from shared.offboarding.lifecycle import watch

if TYPE_CHECKING:
    from dev.lab import Lab

    Front = Any

HOOK = {"id": "noc", "format": "slack", "url": "http://127.0.0.1:8080/hook?token=canary-secret"}
NOTHING = {"offboardingDefaults": None, "currentTheme": {"value": "light", "label": "light"}}
CONADMIN = {"role": "admin", "name": "conadmin@contoso.example"}


def changes(front: Front, **who: str) -> list[dict[str, Any]]:
    answer = front.get("audit?limit=200", **{"role": "admin", **who})
    assert answer.status_code == 200, answer.text
    return answer.json()["items"]


def test_new_destinations_are_told_without_their_secrets(front: Front) -> None:
    body = {"webhook": [HOOK], "email": None, "psa": None}
    assert front.send("PUT", "settings/notifications", body, role="admin").status_code == 200

    newest = changes(front)[0]
    assert (newest["setting"], newest["by"], newest["tenant"]) == ("notifications", "op@msp.example", None)
    told = {each["what"]: each["after"] for each in newest["changes"]}
    assert told["webhook.noc.url"] == "changed"
    assert told["webhook.0.id"] == "noc"
    assert "canary-secret" not in str(newest)
    assert "gAAAA" not in str(newest), "nor what is stored of it"


def test_what_is_saved_unchanged_is_no_change(front: Front) -> None:
    front.send("PUT", "settings/notifications", {"webhook": [HOOK]}, role="admin")
    shown = front.get("settings/notifications", role="admin").json()
    before = changes(front)

    front.send("PUT", "settings/notifications", shown, role="admin")

    assert changes(front) == before


def test_defaults_are_told_with_what_they_were(front: Front) -> None:
    path = "tenants/contoso.example/defaults"
    front.send("PUT", path, {"actions": {"forward_email": {"to": "a@contoso.example"}}, "notify": []})
    front.send(
        "PUT", path, {"actions": {"forward_email": {"to": "evil@evil.example"}}, "notify": []}, name="bo@x.example"
    )

    newest = changes(front)[0]
    assert (newest["by"], newest["tenant"]) == ("bo@x.example", seed.CONTOSO)
    assert newest["setting"] == "default actions of the tenant"
    assert {"what": "actions.forward_email.to", "before": "a@contoso.example", "after": "evil@evil.example"} in newest[
        "changes"
    ]


def test_everybodys_settings_of_the_portal_are_told(front: Front) -> None:
    settings = {"offboardingDefaults": {"RemoveGroups": True}, "currentTheme": {"value": "dark", "label": "dark"}}

    front.post("ExecUserSettings", {"user": "allUsers", "currentSettings": settings}, role="admin")

    told = {each["setting"] for each in changes(front)[:2]}
    front.post("ExecUserSettings", {"user": "allUsers", "currentSettings": NOTHING}, role="admin")
    assert told == {"everybody's default actions", "everybody's look of the portal"}


def test_an_administrator_of_some_tenants_sees_what_counts_for_those(front: Front) -> None:
    front.send("PUT", "settings/notifications", {"webhook": []}, role="admin")
    for tenant in ("contoso.example", "fabrikam.example"):
        front.send("PUT", f"tenants/{tenant}/defaults", {"actions": {"disable_sign_in": True}, "notify": []})
        front.send("PUT", f"tenants/{tenant}/defaults", None)

    assert {each["tenant"] for each in changes(front, **CONADMIN)} == {seed.CONTOSO}
    assert changes(front, role="admin", name="none@x.example") == []
    assert front.get("audit?tenant=fabrikam.example", **CONADMIN).status_code == 404


def test_operators_do_not_see_it(front: Front) -> None:
    assert front.get("audit").status_code == 403


def test_pages_hold_each_change_once(front: Front) -> None:
    for number in range(5):
        to = f"{number}@contoso.example"
        front.send("PUT", "tenants/contoso.example/defaults", {"actions": {"forward_email": {"to": to}}, "notify": []})
    whole = changes(front)

    paged: list[dict[str, Any]] = []
    following = ""
    while following is not None:
        page = front.get(f"audit?limit=2&next={following}" if following else "audit?limit=2", role="admin").json()
        paged += page["items"]
        following = page["next"]

    assert paged == whole


def test_it_goes_with_the_retention(lab: Lab) -> None:
    store = lab.app.store
    store.put_document("one", {}, None, setting_changes.made("notifications", "op", {}, {"a": "old"}))
    lab.hub.clock.advance(timedelta(days=lab.app.settings.retention_days + 1))
    store.put_document("two", {}, None, setting_changes.made("notifications", "op", {}, {"a": "new"}))

    watch.forget_old(lab.app)

    found, _ = store.setting_changes(None, 10)
    assert [change.changes[0].after for _, change in found] == ["new"]


def test_a_great_many_values_are_counted() -> None:
    change = setting_changes.made("notifications", "op", {}, {"many": list(range(1000))})

    assert len(change.changes) == setting_changes.MAX_CHANGES
    assert change.changes[-1].what == "and 801 more"
