from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from dev.tenant import seed

if TYPE_CHECKING:
    Front = Any

_OWN = {
    "ResetPass": True,
    "RemoveLicenses": False,
    "OOO": "<p>Away</p>",
    "keepCopy": True,
    "postExecution": {"psa": True},
}


def _own(front: Front, **who: str) -> dict[str, Any]:
    return front.get("ListUserSettings", **who).json()


def _tenant(front: Front, domain: str = "contoso.example") -> dict[str, Any] | None:
    rows = front.get("ListTenants?IncludeOffboardingDefaults=true").json()
    return next(row["offboardingDefaults"] for row in rows if row["defaultDomainName"] == domain)


def _managed(front: Front) -> Any:
    """Return what Manage Tenant shows: it reads a JSON text of the tenant's own properties, and saves all it shows."""
    details = front.get("listTenantDetails?tenantFilter=contoso.example").json()
    assert details["Groups"] == []
    text = details["customProperties"].get("OffboardingDefaults")
    return json.loads(text) if text else None


def test_settings_of_somebody_new(front: Front) -> None:
    told = _own(front, name="new@msp.example", role="readonly")

    assert told == {
        "currentTheme": {"value": "light", "label": "light"},
        "pinNav": True,
        "showDevtools": False,
        "UserSpecificSettings": {
            "currentTheme": {"value": "light", "label": "light"},
            "pinNav": True,
            "showDevtools": False,
        },
        "UserBookmarks": [],
        "offboardingDefaultsSource": "none",
        "offboardingDefaults": {},
    }


def test_the_page_begins_with_the_current_user(front: Front) -> None:
    """It begins with "Current User" where `UserSpecificSettings` is truthy, else with "All Users"."""
    who = {"name": "careful@msp.example", "role": "admin"}
    for _ in range(2):  # the page sends back all that it was told
        told = _own(front, **who)
        assert told["UserSpecificSettings"]["pinNav"] is True
        assert "UserSpecificSettings" not in told["UserSpecificSettings"]
        body = {"user": "careful@msp.example", "currentSettings": told}
        assert front.post("ExecUserSettings", body, **who).status_code == 200
    assert _own(front, name="somebody@msp.example")["offboardingDefaultsSource"] == "none"


def test_an_operator_saves_their_own(front: Front) -> None:
    who = {"name": "own@msp.example"}
    settings = {"currentTheme": {"value": "dark", "label": "dark"}, "offboardingDefaults": _OWN}
    answer = front.post("ExecUserSettings", {"user": "own@msp.example", "currentSettings": settings}, **who)

    assert answer.json() == [{"Results": "The settings were saved."}]
    told = _own(front, **who)
    assert told["currentTheme"]["value"] == "dark"
    assert told["offboardingDefaults"]["ResetPass"] is True
    assert told["offboardingDefaults"]["RemoveLicenses"] is False
    assert told["offboardingDefaults"]["OOO"] == "<p>Away</p>"
    assert told["offboardingDefaults"]["postExecution"] == {"webhook": False, "email": False, "psa": True}
    assert front.get("defaults", **who).json()["source"] == "operator"
    assert _own(front, name="other@msp.example")["offboardingDefaults"] == {}


def test_everybody_has_bookmarks_of_their_own(front: Front) -> None:
    """The menu's star sends all of them, and reads them back as `UserBookmarks`."""
    bookmarks = [{"label": "Wizard", "path": "/identity/administration/offboarding-wizard"}]
    body = {"user": "somebody@else.example", "currentSettings": {"bookmarks": bookmarks}}
    who = {"name": "fan@msp.example", "role": "readonly"}

    assert front.post("ExecUserBookmarks", body, **who).json() == {"Results": "The bookmarks were saved."}
    told = _own(front, **who)
    assert told["UserBookmarks"] == bookmarks
    assert "UserBookmarks" not in told["UserSpecificSettings"]
    assert _own(front, name="somebody@else.example")["UserBookmarks"] == []
    endless = {"currentSettings": {"bookmarks": ["x" * 40_000]}}
    assert front.post("ExecUserBookmarks", endless, **who).status_code == 400
    assert front.post("ExecUserBookmarks", {"currentSettings": {"bookmarks": 1}}, **who).status_code == 400
    assert front.post("ExecUserBookmarks", {"currentSettings": {}}, **who).status_code == 200
    assert _own(front, **who)["UserBookmarks"] == []


def test_everybodys_are_an_administrators(front: Front) -> None:
    body = {"user": "allUsers", "currentSettings": {"offboardingDefaults": {"DisableSignIn": True}}}

    assert front.post("ExecUserSettings", body).status_code == 403
    assert front.post("ExecUserSettings", body, role="admin").status_code == 200
    told = _own(front, name="anybody@msp.example")
    assert told["offboardingDefaultsSource"] == "allUsers"
    assert told["offboardingDefaults"]["DisableSignIn"] is True
    assert front.get("defaults", name="anybody@msp.example").json()["source"] == "everybody"
    clear = {"user": "allUsers", "currentSettings": {"offboardingDefaults": None}}
    assert front.post("ExecUserSettings", clear, role="admin").status_code == 200
    assert _own(front, name="anybody@msp.example")["offboardingDefaults"] == {}


@pytest.mark.parametrize("name", ["conadmin@contoso.example", "none@x.example"])
@pytest.mark.parametrize(
    "settings",
    [
        {"offboardingDefaults": {"forward": {"value": "attacker@evil.example"}, "KeepCopy": True}},
        {"currentTheme": {"value": "dark", "label": "dark"}},
    ],
)
def test_who_is_limited_to_tenants_sets_nothing_beyond_them(front: Front, name: str, settings: dict[str, Any]) -> None:
    body = {"user": "allUsers", "currentSettings": settings}

    assert front.post("ExecUserSettings", body, role="admin", name=name).status_code == 403
    assert front.send("PUT", "settings/notifications", {"webhook": []}, role="admin", name=name).status_code == 403
    assert front.post("ExecNotificationConfig", {"email": "a@b.example"}, role="admin", name=name).status_code == 403
    other = front.send("PUT", "tenants/fabrikam.example/defaults", b"null", role="admin", name=name)
    assert other.status_code == 404
    assert _own(front, name="anybody@msp.example")["offboardingDefaults"] == {}


def test_nobody_saves_defaults_that_do_what_they_may_not(front: Front) -> None:
    form = {"DeleteUser": True}

    own = {"user": "op@msp.example", "currentSettings": {"offboardingDefaults": form}}
    assert front.post("ExecUserSettings", own).status_code == 403
    tenant = {"customerId": seed.CONTOSO, "offboardingDefaults": form}
    assert front.post("EditTenantOffboardingDefaults", tenant).status_code == 403
    assert front.send("PUT", "defaults", {"actions": {"delete_user": True}}).status_code == 403


def test_a_user_called_allusers_is_nobody_but_themselves(front: Front) -> None:
    body = {"user": "", "currentSettings": {"currentTheme": {"value": "dark", "label": "dark"}}}

    assert front.post("ExecUserSettings", body, name="allusers").status_code == 200
    assert _own(front, name="yet.another@msp.example")["currentTheme"]["value"] == "light"


def test_nobody_saves_anothers(front: Front) -> None:
    body = {"user": "boss@msp.example", "currentSettings": {"offboardingDefaults": {"DisableSignIn": True}}}

    assert front.post("ExecUserSettings", body, role="admin").status_code == 403


def test_a_tenants_defaults_are_whole_so_that_no_switch_leaks(front: Front) -> None:
    body = {
        "customerId": seed.CONTOSO,
        "defaultDomainName": "contoso.example",
        "offboardingDefaults": {"RemoveGroups": True, "forward": None, "OOO": "<p></p>"},
    }
    answer = front.post("EditTenantOffboardingDefaults", body)

    assert answer.json()["state"] == "success"
    told = _tenant(front)
    assert told
    assert told["RemoveGroups"] is True
    assert told["ResetPass"] is False
    assert told["OOO"] == ""
    assert told["KeepCopy"] is False
    assert front.get("tenants/contoso.example/defaults").json()["source"] == "tenant"
    assert _managed(front) == told
    assert front.post("EditTenantOffboardingDefaults", {**body, "offboardingDefaults": _managed(front)}).ok
    assert _tenant(front) == told
    cleared = front.post("EditTenantOffboardingDefaults", {**body, "offboardingDefaults": None})
    assert "cleared" in cleared.json()["resultText"]
    assert _tenant(front) is None
    assert _managed(front) is None
    assert front.get("tenants/contoso.example/defaults").json()["source"] != "tenant"


@pytest.mark.parametrize(
    "form",
    [
        {"DeleteUser": True, "ConvertToShared": True},
        {"disableForwarding": True, "forward": {"value": "cy@fabrikam.example"}},
        {"forward": {"value": "nobody in particular"}},
    ],
)
def test_what_contradicts_itself_is_not_saved(front: Front, form: dict[str, Any]) -> None:
    tenant = {"customerId": seed.HYBRID, "offboardingDefaults": form}
    own = {"user": "careless@msp.example", "currentSettings": {"offboardingDefaults": form}}

    assert front.post("EditTenantOffboardingDefaults", tenant).status_code in {400, 422}
    assert front.post("ExecUserSettings", own, name="careless@msp.example").status_code in {400, 422}
    assert _tenant(front, "hybrid.example") is None


def test_our_own_api_sees_the_same_defaults(front: Front) -> None:
    body = {"actions": {"disable_sign_in": True, "grant_onedrive_access": {"to": [seed.LIA]}}, "notify": ["email"]}
    saved = front.send("PUT", "tenants/contoso.example/defaults", body)

    assert saved.json() == {"source": "tenant", **body, "also": {}, "access_ends_after_days": None, "warnings": []}
    told = _tenant(front)
    assert told
    assert told["DisableSignIn"] is True
    assert told["OnedriveAccess"] == [{"label": seed.LIA, "value": seed.LIA}]
    assert told["postExecution"] == {"webhook": False, "email": True, "psa": False}
    assert front.send("PUT", "tenants/contoso.example/defaults", b"null").json()["source"] != "tenant"


@pytest.mark.parametrize(
    "body",
    [
        {"actions": {"delete_user": True, "convert_to_shared": True}},
        {"actions": {"fly": True}},
        {"actions": {}, "more": 1},
        [],
        "x",
    ],
)
def test_our_own_api_refuses_what_makes_no_sense(front: Front, body: Any) -> None:
    assert front.send("PUT", "defaults", body).status_code in {400, 422}


def test_settings_without_end_are_refused(front: Front) -> None:
    settings = {"currentTheme": "x" * 40_000}

    assert front.post("ExecUserSettings", {"user": "op@msp.example", "currentSettings": settings}).status_code == 400
    assert front.post("ExecUserSettings", b"[" * 70_000).status_code == 413
    assert front.post("ExecUserSettings", b"[" * 60_000).status_code == 400
