"""What is sent to Graph, to the letter."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from shared.microsoft365.graph import graph_calls as calls
from shared.microsoft365.graph.graph_calls import GraphCall

if TYPE_CHECKING:
    from collections.abc import Callable

USER = "aaaaaaaa-0000-4000-8000-000000000001"


@pytest.mark.parametrize(
    ("call", "method", "path", "body"),
    [
        (calls.disable_user(USER), "PATCH", f"/users/{USER}", {"accountEnabled": False}),
        (calls.clear_immutable_id(USER), "PATCH", f"/users/{USER}", {"onPremisesImmutableId": None}),
        (calls.revoke_sessions(USER), "POST", f"/users/{USER}/revokeSignInSessions", None),
        (calls.delete_user(USER), "DELETE", f"/users/{USER}", None),
        (calls.remove_group_member("g", "u"), "DELETE", "/groups/g/members/u/$ref", None),
        (
            calls.assign_license(USER, ["sku"]),
            "POST",
            f"/users/{USER}/assignLicense",
            {"addLicenses": [], "removeLicenses": ["sku"]},
        ),
        (
            calls.set_password(USER, "canary"),
            "PATCH",
            f"/users/{USER}",
            {"passwordProfile": {"password": "canary", "forceChangePasswordNextSignIn": True}},
        ),
        (
            calls.unassign_number("+15550100", "callingPlan"),
            "POST",
            "/admin/teams/telephoneNumberManagement/numberAssignments/unassignNumber",
            {"telephoneNumber": "+15550100", "numberType": "callingPlan"},
        ),
        (calls.get_drive(USER), "GET", f"/users/{USER}/drive?$select=id,webUrl,sharePointIds", None),
        (
            calls.get_phone_numbers(USER),
            "GET",
            f"/admin/teams/telephoneNumberManagement/numberAssignments?$filter=assignmentTargetId%20eq%20%27{USER}%27",
            None,
        ),
        (calls.get_deleted_user(USER), "GET", f"/directory/deletedItems/{USER}?$select=id,deletedDateTime", None),
    ],
)
def test_calls(call: GraphCall, method: str, path: str, body: object) -> None:
    assert (call.method, call.path, call.body, call.version) == (method, path, body, "v1.0")
    assert call.is_write == (method != "GET")


@pytest.mark.parametrize(
    ("user", "path"),
    [
        ("gil_partner.example#EXT#@contoso.example", "/users/gil_partner.example%23EXT%23%40contoso.example"),
        ("a/b?c", "/users/a%2Fb%3Fc"),
        ("$dollar@contoso.example", "/users(%27%24dollar%40contoso.example%27)"),
    ],
)
def test_a_name_cannot_change_the_path(user: str, path: str) -> None:
    assert calls.delete_user(user).path == path


@pytest.mark.parametrize("user", ["", " "])
@pytest.mark.parametrize(
    "build",
    [
        calls.get_user,
        calls.delete_user,
        calls.get_deleted_user,
        calls.get_operation,
        lambda text: calls.remove_group_member("g", text),
        lambda text: calls.remove_group_member(text, "u"),
        lambda text: calls.delete_calendar_permission("m", text),
    ],
)
def test_an_empty_id_is_refused(build: Callable[..., object], user: str) -> None:
    with pytest.raises(ValueError, match="empty"):
        build(user)


def test_texts_in_queries_stay_texts() -> None:
    assert calls.find_users_by_address("o'hara&x@contoso.example").path.startswith(
        "/users?$filter=proxyAddresses/any(a:a%20eq%20%27smtp:o%27%27hara%26x%40contoso.example%27)&$select="
    )
    assert "%22displayName:a%5C%22b%5C%5C%22" in calls.search_users('a"b\\').path


def test_every_known_sign_in_method_has_a_path_of_its_own() -> None:
    base = f"/users/{USER}/authentication"
    kind = "#microsoft.graph.{}AuthenticationMethod".format

    assert calls.delete_auth_method(USER, kind("external"), "m").path == f"{base}/externalAuthenticationMethods/m"
    assert calls.delete_auth_method(USER, kind("qrCodePin"), "m") == GraphCall(
        "DELETE", f"{base}/qrCodePinMethod", version="beta"
    )
    assert calls.delete_auth_method(USER, kind("hardwareOath"), "m").version == "beta"
    for unknown in (calls.PASSWORD_METHOD, kind("brandNew")):
        with pytest.raises(ValueError, match="no known way"):
            calls.delete_auth_method(USER, unknown, "m")


@pytest.mark.parametrize(
    ("location", "operation"),
    [("https://x/v1.0/a/operations('op-1')", "op-1"), ("https://x/v1.0/a/operations/op-2", "op-2"), ("", "")],
)
def test_the_id_of_an_operation(location: str, operation: str) -> None:
    assert calls.operation_id({"location": location}) == operation
    assert calls.operation_id(None) == ""


def test_mail_is_not_repeated() -> None:
    assert not calls.send_mail("box@contoso.example", {"subject": "x"}).repeatable
