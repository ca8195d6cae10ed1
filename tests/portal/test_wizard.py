from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from dev.tenant import seed
from shared.base import clock

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import requests

    Also = Callable[[dict[str, Any]], requests.Response]
    Front = Any
    Form = Callable[..., dict[str, Any]]

LATER = int(time.time()) + 200 * 24 * 3600
_LATER = {"enabled": True, "date": LATER}
_OFF = {
    "RemoveGroups": False,
    "RevokeSessions": False,
    "ResetPass": False,
    "AccessAutomap": None,
    "AccessSendAs": None,
    "OnedriveAccess": None,
    "forward": None,
    "Scheduled": _LATER,
}


def _submit(front: Front, form: dict[str, Any], **who: str) -> list[dict[str, Any]]:
    answer = front.post("ExecOffboardUser", form, **who)
    assert answer.status_code == 200, answer.text
    return answer.json()["Results"]


def _details(front: Front, result: dict[str, Any]) -> dict[str, Any]:
    return front.get(f"offboardings/{result['copyField']}").json()


def _problems(front: Front, form: Any, status: int = 400, **who: str) -> list[str]:
    answer = front.post("ExecOffboardUser", form, **who)
    assert answer.status_code == status, answer.text
    return answer.json()["Results"]


def test_the_captured_form_becomes_an_offboarding(front: Front, form: Form, person: dict[str, Any]) -> None:
    result = _submit(front, form(Scheduled=_LATER, OOO="<p>I have left.</p>"))[0]
    told = _details(front, result)

    assert set(result) == {"resultText", "state", "copyField", "details"}
    assert person["value"] in result["resultText"]
    assert clock.in_words(datetime.fromtimestamp(LATER, UTC)) in result["resultText"]
    assert told["state"] == "Planned"
    assert told["user"]["id"] == person["rawData"]["id"]
    assert told["scheduled_for"] == clock.to_text(datetime.fromtimestamp(LATER, UTC))
    assert told["reference"] == "TICKET-42"
    assert {step["name"] for step in told["steps"]} == {
        "disable_sign_in",
        "forward_email",
        "grant_mailbox_access_automap",
        "grant_onedrive_access",
        "grant_send_as",
        "remove_groups",
        "reset_password",
        "revoke_sessions",
        "set_out_of_office",
    }


def test_nobody_is_shown_the_new_password_and_the_result_says_so(front: Front, form: Form) -> None:
    text = _submit(front, form(Scheduled=_LATER))[0]["resultText"]

    assert "The new password is shown to nobody and kept nowhere." in text


def test_forwarding_beside_an_out_of_office_message_is_warned_of(front: Front, form: Form) -> None:
    result = _submit(front, form(Scheduled=_LATER, OOO="<p>Gone</p>"))[0]

    assert result["state"] == "warning"
    assert "out-of-office" in result["resultText"]


@pytest.mark.parametrize(
    ("user", "text"),
    [
        ("big@fabrikam.example", "holds 49.6 GiB"),
        ("hold@fabrikam.example", "is on hold"),
        ("archive@fabrikam.example", "has an archive"),
        ("info@fabrikam.example", "is already shared"),
        (seed.GUEST, "is a guest"),
    ],
)
def test_what_the_wizard_cannot_show_is_in_the_result(front: Front, form: Form, user: str, text: str) -> None:
    chosen = form(**_OFF, user=[user], ConvertToShared=True, RemoveLicenses=True)
    result = _submit(front, chosen)[0]

    assert text in result["resultText"]
    assert result["state"] == "warning"
    assert front.post("RemoveScheduledItem", {"id": result["copyField"]}).status_code == 200


def test_each_person_has_a_result_with_their_own_warnings_only(front: Front, form: Form, person: Any) -> None:
    chosen = form(**_OFF, user=[person, "board@fabrikam.example", "hold@fabrikam.example"], RemoveLicenses=True)
    chosen["ConvertToShared"] = True
    before = max((sent["n"] for sent in front.stack.simulator.requests()), default=0)
    results = _submit(front, chosen)
    asked = [r for r in front.stack.simulator.requests(before) if r["service"] == "exchange"]

    assert [result["state"] for result in results] == ["success", "success", "warning"]
    assert len(asked) == 1
    assert len(asked[0]["items"]) == 6
    for result in results:
        front.post("RemoveScheduledItem", {"id": result["copyField"]})


def test_what_holds_for_everybody_is_told_once(front: Front, form: Form, person: Any) -> None:
    chosen = form(Scheduled=_LATER, OOO="<p>Gone</p>", user=[person, "hold@fabrikam.example"])
    *results, general = _submit(front, chosen)

    assert [person["value"] in result["resultText"] for result in results] == [True, False]
    assert not any("out-of-office" in result["resultText"] for result in results)
    assert general["state"] == "warning"
    assert general["resultText"].startswith("For all of them: ")
    assert "out-of-office" in general["resultText"]
    for result in results:
        front.post("RemoveScheduledItem", {"id": result["copyField"]})


@pytest.mark.parametrize("picker", ["AccessAutomap", "AccessNoAutomap", "AccessSendAs", "OnedriveAccess", "forward"])
def test_nobody_takes_over_from_themselves(front: Front, form: Form, person: Any, picker: str) -> None:
    """The wizard's pickers offer everybody, those who leave, too; theirs have ids as values."""
    option = {**person, "value": person["rawData"]["id"]}
    chosen = form(**{**_OFF, "forward": None, picker: option if picker == "forward" else [option]})
    answer = front.post("ExecOffboardUser", chosen)

    assert answer.status_code == 422
    (text,) = answer.json()["Results"]
    assert f"{person['value']} is leaving. Name somebody who stays." in text


@pytest.mark.parametrize("picker", ["AccessAutomap", "AccessNoAutomap", "AccessSendAs", "OnedriveAccess"])
def test_nobody_outside_is_given_access(front: Front, form: Form, picker: str) -> None:
    """The pickers take free text."""
    option = {"label": "eve@outside.example", "value": "eve@outside.example"}
    answer = front.post("ExecOffboardUser", form(**{**_OFF, "forward": None, picker: [option]}))

    assert answer.status_code == 422
    (text,) = answer.json()["Results"]
    assert "'eve@outside.example' is not an address of fabrikam.example. Name somebody of the tenant." in text


def test_a_channel_without_destination_is_told(front: Front, form: Form) -> None:
    (result,) = _submit(front, form(Scheduled=_LATER, postExecution={"webhook": False, "email": False, "psa": True}))

    assert result["state"] == "warning"
    assert "Nobody will be told by psa: no destination is set up for it." in result["resultText"]


def test_what_is_given_ends_after_as_many_days_as_the_tenants_defaults_say(front: Front, form: Form) -> None:
    """The portal has no field for it, and its page of defaults leaves it as it is."""
    path = "tenants/fabrikam.example/defaults"
    saved = front.send("PUT", path, {"actions": {"disable_sign_in": True}, "access_ends_after_days": 90})
    assert saved.json()["access_ends_after_days"] == 90
    shown = {"customerId": seed.FABRIKAM, "offboardingDefaults": {"DisableSignIn": True}}
    assert front.post("EditTenantOffboardingDefaults", shown).ok
    try:
        (result,) = _submit(front, form(Scheduled=_LATER))
        ends = clock.in_words(datetime.fromtimestamp(LATER, UTC) + timedelta(days=90))
        assert f"What is given to others ends on {ends}, as the tenant's defaults say:" in result["resultText"]
        assert front.post("AddScheduledItem", {"RowKey": result["copyField"], "RunNow": True}).ok
        path_of_it = f"offboardings/{result['copyField']}"
        for _ in range(600):
            if front.get(f"{path_of_it}/status").status_code == 200:
                break
            front.stack.advance(2)
        given = {one["action"]: one["until"] for one in front.get(path_of_it).json()["access"]}
        until = clock.to_text(datetime.fromtimestamp(LATER, UTC) + timedelta(days=90))
        assert given["grant_mailbox_access_automap"] == given["forward_email"] == until
    finally:
        cleared = front.send("PUT", path, b"null").json()
    assert cleared["access_ends_after_days"] is None


@pytest.mark.parametrize("days", [0, -1, 732, 1.5, "90", True])
def test_days_that_make_no_sense_are_refused(front: Front, days: Any) -> None:
    body = {"actions": {}, "access_ends_after_days": days}

    assert front.send("PUT", "tenants/fabrikam.example/defaults", body).status_code in {400, 422}


@pytest.mark.parametrize("own", [{"access_ends_after_days": 90}, {"also": {"disable_devices": True}}])
def test_what_is_added_to_the_wizard_is_a_tenants_setting(front: Front, own: dict[str, Any]) -> None:
    answer = front.send("PUT", "defaults", {"actions": {}, **own})

    assert answer.status_code == 422
    assert "are set for a tenant" in answer.json()["detail"]


@pytest.fixture
def also(front: Front) -> Iterator[Also]:
    """Set what Fabrikam adds to the wizard's choice, until the test ends."""
    path = "tenants/fabrikam.example/defaults"
    yield lambda also: front.send("PUT", path, {"actions": {}, "also": also})
    assert front.send("PUT", path, b"null").json()["also"] == {}


def test_actions_that_the_wizard_cannot_show_are_added_and_told(front: Front, form: Form, also: Also) -> None:
    added = {"remove_directory_roles": True, "hand_over_ownership": {"to": seed.CY}}
    assert also(added).json()["also"] == added
    shown = {"customerId": seed.FABRIKAM, "offboardingDefaults": {"DisableSignIn": True}}
    assert front.post("EditTenantOffboardingDefaults", shown).ok, "the portal's page of defaults leaves it as it is"

    (result,) = _submit(front, form(Scheduled=_LATER))

    told = f"Also done, as the tenant's defaults say: Hand over ownership (to {seed.CY}), Remove administrator roles."
    assert told in result["resultText"]
    assert {step["name"] for step in _details(front, result)["steps"]} >= set(added)


def test_what_the_wizard_has_a_switch_for_is_not_added_to_it(also: Also) -> None:
    answer = also({"disable_sign_in": True})

    assert answer.status_code == 422
    assert "has a switch of its own for Block sign-in" in answer.json()["detail"]


def test_where_the_heir_leaves_ownership_is_left_out_and_told(front: Front, form: Form, also: Also) -> None:
    leaver = form()["user"][0]["value"]
    also({"hand_over_ownership": {"to": leaver}, "disable_devices": True})

    (result,) = _submit(front, form(Scheduled=_LATER))

    assert (
        f"Hand over ownership, which the tenant's defaults add, was left out: {leaver} is leaving."
        in (result["resultText"])
    )
    assert "Also done, as the tenant's defaults say: Disable devices." in result["resultText"]


def test_a_synced_person_is_told(front: Front, form: Form) -> None:
    chosen = form(**_OFF, tenantFilter="hybrid.example", user=["sven@hybrid.example"])
    result = _submit(front, chosen)[0]

    assert "synchronised from Active Directory" in result["resultText"]
    front.post("RemoveScheduledItem", {"id": result["copyField"]})


def test_exchange_need_not_answer(front: Front, form: Form) -> None:
    front.stack.simulator.faults([{"service": "exchange", "match": ".", "kind": "status", "status": 503}])
    try:
        result = _submit(front, form(**_OFF, ConvertToShared=True))[0]
    finally:
        front.stack.simulator.faults([])

    assert "warnings about them are missing" in result["resultText"]
    assert result["state"] == "warning"


def test_graph_has_to_answer(front: Front, form: Form) -> None:
    front.stack.simulator.faults([{"service": "graph", "match": ".", "kind": "status", "status": 503}])
    try:
        answer = front.post("ExecOffboardUser", form(Scheduled=_LATER))
    finally:
        front.stack.simulator.faults([])

    assert answer.status_code == 503
    assert int(answer.headers["Retry-After"]) > 0


@pytest.mark.parametrize("schedule", [{"enabled": True}, {"enabled": True, "date": None}, {"enabled": "true"}])
def test_a_schedule_without_a_date_is_refused(front: Front, form: Form, schedule: Any) -> None:
    assert _problems(front, form(Scheduled=schedule)) == ["The offboarding is scheduled, but no date was picked."]


@pytest.mark.parametrize("date", [-1, 0, 1e300, "soon", True, [], 99999999999999, "9" * 5000])
def test_a_date_that_is_none_is_refused(front: Front, form: Form, date: Any) -> None:
    assert len(_problems(front, form(Scheduled={"enabled": True, "date": date}))) == 1


def test_a_date_counts_only_while_enabled(front: Front, form: Form) -> None:
    off = {**_OFF, "Scheduled": {"enabled": False, "date": LATER}}
    result = _submit(front, form(**off))[0]

    assert _details(front, result)["scheduled_for"] is None


def test_a_date_long_past_is_refused(front: Front, form: Form) -> None:
    (told,) = _problems(front, form(Scheduled={"enabled": True, "date": 1577836800}), 422)

    assert told == "1 Jan 2020, 00:00 UTC is in the past. Choose a later time, or none to start now."


def test_a_date_of_next_decade_is_warned_of(front: Front, form: Form) -> None:
    result = _submit(front, form(**{**_OFF, "Scheduled": {"enabled": True, "date": 2208988799}}))[0]

    assert result["state"] == "warning"
    assert "31 Dec 2039, 23:59 UTC, is more than a year ahead" in result["resultText"]


def test_every_problem_is_told_at_once(front: Front) -> None:
    form = {"tenantFilter": "", "user": ["not an address"], "Scheduled": {"enabled": True}}

    assert len(_problems(front, form)) == 3


def test_nothing_switched_on_is_refused(front: Front, form: Form) -> None:
    assert _problems(front, form(**_OFF, DisableSignIn=False, KeepCopy=True), 422) == ["No action is selected."]


@pytest.mark.parametrize("text", ["", "<p></p>", "<p> <br></p>", "<h1></h1>\n"])
def test_tags_without_text_are_no_message(front: Front, form: Form, text: str) -> None:
    result = _submit(front, form(**_OFF, OOO=text))[0]

    assert [step["name"] for step in _details(front, result)["steps"]] == ["disable_sign_in"]


def test_what_delete_user_greys_out_is_dropped_and_told(front: Front, form: Form) -> None:
    result = _submit(front, form(DeleteUser=True, Scheduled=_LATER), role="admin")[0]
    names = {step["name"] for step in _details(front, result)["steps"]}

    assert "delete_user" in names
    assert "forward_email" not in names
    assert "Forward e-mail was left out, because" in result["resultText"]
    assert result["state"] == "warning"


def test_delete_user_needs_a_right_of_its_own(front: Front, form: Form) -> None:
    assert "delete_user" in _problems(front, form(DeleteUser=True), 403)[0]


def test_a_person_in_both_lists_of_full_access_is_dropped_from_one(front: Front, form: Form) -> None:
    both = form()["AccessAutomap"]
    result = _submit(front, form(AccessNoAutomap=both, Scheduled=_LATER))[0]

    assert "names the same person" in result["resultText"]


@pytest.mark.parametrize(
    "tenant",
    [
        "fabrikam.example",
        seed.FABRIKAM,
        "fabrikam.onmicrosoft.example",
        {"label": "fabrikam.example", "value": "fabrikam.example", "type": "Tenant"},
        {"Label": "Fabrikam", "Value": "FABRIKAM.example"},
    ],
)
def test_a_tenant_in_every_spelling(front: Front, form: Form, tenant: Any) -> None:
    chosen = form(**_OFF)
    del chosen["tenantFilter"]
    result = _submit(front, {**chosen, "TenantFilter": tenant})[0]

    assert _details(front, result)["tenant"] == {"id": seed.FABRIKAM, "domain": "fabrikam.example"}


@pytest.mark.parametrize("tenant", ["AllTenants", "", None, 7, {"value": None}, "elsewhere.example"])
def test_a_tenant_that_is_none(front: Front, form: Form, tenant: Any) -> None:
    status = 404 if tenant == "elsewhere.example" else 400

    assert len(_problems(front, form(**_OFF) | {"tenantFilter": tenant}, status)) == 1


@pytest.mark.parametrize("shape", ["text", "option", "typed", "id"])
def test_people_in_every_spelling(front: Front, form: Form, person: dict[str, Any], shape: str) -> None:
    upn = person["value"]
    spelled = {
        "text": upn,
        "option": person,
        "typed": {"label": upn, "value": f" {upn.upper()} "},
        "id": {"label": "x", "value": person["rawData"]["id"]},
    }
    result = _submit(front, form(**_OFF, user=[spelled[shape], "", {"value": " "}, None]))[0]

    assert _details(front, result)["user"]["id"] == person["rawData"]["id"]


def test_an_unknown_person_is_named(front: Front, form: Form, person: Any) -> None:
    problems = _problems(front, form(**_OFF, user=[person, "ghost@fabrikam.example"]), 404)

    assert problems == ["There is no user 'ghost@fabrikam.example' in this tenant."]


@pytest.mark.parametrize("on", [True, 1, 1.0, "true", "True", "on", "1", "Yes"])
def test_a_switch_is_on_however_it_says_so(front: Front, form: Form, on: Any) -> None:
    result = _submit(front, form(**_OFF, HideFromGAL=on))[0]

    assert "hide_from_address_lists" in {step["name"] for step in _details(front, result)["steps"]}


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("HideFromGAL", "perhaps"),
        ("HideFromGAL", ["true"]),
        ("HideFromGAL", {"value": True}),
        ("KeepCopy", "perhaps"),
        ("forward", ["bo@fabrikam.example", "cy@fabrikam.example"]),
        ("forward", 7),
        ("forward", {"label": "Bo", "value": None}),
        ("AccessAutomap", [["bo@fabrikam.example"]]),
        ("OnedriveAccess", [{"value": 7}]),
        ("OOO", ["Gone"]),
        ("OOO", {"value": "Gone"}),
        ("Scheduled", "tomorrow"),
        ("Scheduled", {"enabled": "soon", "date": 0}),
        ("postExecution", ["webhook"]),
        ("postExecution", {"webhook": "perhaps"}),
        ("reference", ["TICKET-42"]),
        ("reference", "x" * 201),
        ("user", [7]),
    ],
)
def test_a_wish_that_cannot_be_read_is_refused_and_named(front: Front, form: Form, field: str, value: Any) -> None:
    different = {**_OFF, "forward": "cy@fabrikam.example", field: value}
    told = _problems(front, form(**different))

    named = "webhook" if isinstance(value, dict) and "webhook" in value else field
    assert any(named.lower() in one.lower() for one in told), told


@pytest.mark.parametrize("enabled", [1, "on", "true"])
def test_a_schedule_that_is_on_in_other_words_does_not_run_now(front: Front, form: Form, enabled: Any) -> None:
    result = _submit(front, form(**{**_OFF, "Scheduled": {"enabled": enabled, "date": float(LATER)}}))[0]

    assert _details(front, result)["state"] == "Planned"


def test_one_person_in_a_list_is_one_person(front: Front, form: Form) -> None:
    result = _submit(front, form(**{**_OFF, "forward": [{"label": "Cy", "value": seed.CY}]}))[0]

    assert "forward_email" in {step["name"] for step in _details(front, result)["steps"]}


def test_a_switch_of_another_release_is_told_as_left_out(front: Front, form: Form) -> None:
    result = _submit(front, form(**_OFF, WipeDevices=True))[0]

    assert result["state"] == "warning"
    assert "wipedevices is not known here and was left out." in result["resultText"]


def test_names_of_keys_and_switches_are_read_leniently(front: Front, form: Form) -> None:
    chosen = {name.upper(): value for name, value in form(**_OFF, DisableSignIn="True").items()}
    result = _submit(front, {**chosen, "keepCopy": True, "Unheard-of": {"a": 1}})[0]

    assert [step["name"] for step in _details(front, result)["steps"]] == ["disable_sign_in"]


def test_a_second_submit_of_the_same_person_is_refused(front: Front, form: Form) -> None:
    _submit(front, form(**_OFF))

    assert "already" in _problems(front, form(**_OFF), 409)[0]


def test_who_submitted_is_recorded(front: Front, form: Form) -> None:
    result = _submit(front, form(**_OFF), name="ada@msp.example")[0]

    assert _details(front, result)["requested_by"] == "ada@msp.example"
