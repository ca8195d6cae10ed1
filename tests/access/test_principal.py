import base64
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.access import principal
from shared.access.caller import Caller, authorised
from shared.access.policy import Role
from shared.app.settings import Settings
from shared.base.problems import RefusedError

_ID = "http://schemas.microsoft.com/identity/claims/objectidentifier"
_OPERATOR_ID = "0000aaaa-0000-4000-8000-000000000001"
_APP_SERVICE = {
    "auth_typ": "aad",
    "claims": [
        {"typ": "name", "val": "Op Erator"},
        {"typ": "preferred_username", "val": "op@msp.example"},
        {"typ": _ID, "val": _OPERATOR_ID},
        {"typ": "roles", "val": "operator"},
        {"typ": "groups", "val": "0000bbbb-0000-4000-8000-000000000002"},
    ],
    "name_typ": "name",
    "role_typ": "roles",
}
_STATIC_WEB_APPS = {
    "identityProvider": "aad",
    "userId": "1f2e",
    "userDetails": "op@msp.example",
    "userRoles": ["anonymous", "authenticated", "editor"],
}


def _header(content: object) -> str:
    return base64.b64encode(json.dumps(content).encode()).decode()


def _settings(mode: str, **more: str) -> Settings:
    return Settings.parse(
        {
            "OFFBOARDING_STORAGE": "in memory",
            "PUBLIC_URL": "https://offboarding.example",
            "M365_TENANTS": "11111111-1111-4111-8111-111111111111",
            "M365_CLIENT_ID": "app",
            "M365_CLIENT_SECRET": "secret",
            "AUTH_MODE": mode,
            **more,
        }
    )


def _caller(mode: str, content: object, route: str = "GET offboardings", **settings: str) -> Caller:
    return authorised(route, _settings(mode, **settings), {principal.HEADER: _header(content)})


def test_app_service_names_person_roles_and_groups() -> None:
    caller = _caller("app-service", _APP_SERVICE)

    assert (caller.name, caller.id, caller.role) == ("op@msp.example", _OPERATOR_ID, Role.operator)


def test_a_group_can_stand_for_a_role() -> None:
    group = "0000bbbb-0000-4000-8000-000000000002=admin"

    assert _caller("app-service", _APP_SERVICE, ACCESS_ROLES=group).role is Role.admin


def test_a_group_is_known_by_its_id_and_not_by_what_it_is_called() -> None:
    claims = [*_APP_SERVICE["claims"], {"typ": "groups", "val": "admin"}, {"typ": "groups", "val": "superadmin"}]

    for role_type in ("roles", "groups"):
        assert _caller("app-service", {**_APP_SERVICE, "claims": claims, "role_typ": role_type}).role is Role.operator


def test_an_app_that_calls_is_known_by_its_id() -> None:
    claims = [{"typ": "appid", "val": _OPERATOR_ID}, {"typ": _ID, "val": "sp-id"}, {"typ": "roles", "val": "reader"}]

    assert _caller("app-service", {**_APP_SERVICE, "claims": claims}).name == _OPERATOR_ID


@pytest.mark.parametrize("name", ["service", "key", "allusers"])
def test_a_person_cannot_be_taken_for_the_app_in_the_records(name: str) -> None:
    said = {**_STATIC_WEB_APPS, "identityProvider": "github", "userDetails": name}

    assert _caller("static-web-apps", said).name == f"{name} (github)"


def test_one_name_at_two_identity_providers_is_two_people() -> None:
    there = _caller("static-web-apps", {**_STATIC_WEB_APPS, "identityProvider": "github"})
    here = _caller("static-web-apps", _STATIC_WEB_APPS)

    assert there.name == here.name
    assert there.scope.identity != here.scope.identity


def test_static_web_apps_names_person_and_roles() -> None:
    caller = _caller("static-web-apps", _STATIC_WEB_APPS)

    assert (caller.name, caller.id, caller.role) == ("op@msp.example", "1f2e", Role.operator)


@pytest.mark.parametrize(
    ("mode", "content"),
    [
        ("app-service", _STATIC_WEB_APPS),
        ("static-web-apps", _APP_SERVICE),
        ("app-service", {**_APP_SERVICE, "claims": [{"typ": "roles", "val": "admin"}]}),
        ("app-service", {**_APP_SERVICE, "claims": [{"typ": "roles"}]}),
        ("app-service", {**_APP_SERVICE, "auth_typ": ""}),
        ("static-web-apps", {**_STATIC_WEB_APPS, "userDetails": "two\nlines"}),
        ("static-web-apps", {**_STATIC_WEB_APPS, "userRoles": "admin"}),
        ("static-web-apps", {**_STATIC_WEB_APPS, "userId": None}),
        ("static-web-apps", []),
    ],
)
def test_what_is_not_valid_is_nobody(mode: str, content: object) -> None:
    with pytest.raises(RefusedError) as caught:
        _caller(mode, content)

    assert caught.value.status == 401


@given(st.text(max_size=60) | st.binary(max_size=60).map(lambda raw: base64.b64encode(raw).decode()))
@pytest.mark.parametrize("read", [principal.from_app_service, principal.from_static_web_apps])
def test_no_header_breaks_anything(read: Any, header: str) -> None:
    with pytest.raises(RefusedError):
        read(header)


def test_with_a_function_key_a_principal_is_worth_nothing() -> None:
    caller = _caller("function-key", {**_STATIC_WEB_APPS, "userRoles": ["admin"]})

    assert (caller.name, caller.role) == ("key", Role.operator)


@pytest.mark.parametrize(("role", "status"), [("reader", 403), ("operator", None), ("admin", None)])
def test_a_function_key_has_the_role_of_the_setting(role: str, status: int | None) -> None:
    settings = _settings("function-key", FUNCTION_KEY_ROLE=role)
    if status is None:
        assert authorised("POST offboardings", settings, {}).role == Role[role]
        return
    with pytest.raises(RefusedError) as caught:
        authorised("POST offboardings", settings, {})
    assert caught.value.status == status


def test_an_unknown_role_is_none() -> None:
    with pytest.raises(RefusedError) as caught:
        _caller("static-web-apps", {**_STATIC_WEB_APPS, "userRoles": ["authenticated", "sales"]})

    assert caught.value.status == 403
    assert "you have none" in str(caught.value)


_A, _B = "aaaa", "bbbb"


@pytest.mark.parametrize(
    ("setting", "tenants"),
    [
        ("*=all", None),
        ("*=none", frozenset()),
        (f"editor={_A}", {_A}),
        (f"operator={_A};editor={_B}", {_A, _B}),
        (f"editor=all;op@msp.example={_A} {_B}", {_A, _B}),
        (f"1f2e={_A};*=all", {_A}),
        ("admin=all", frozenset()),
        ("", frozenset()),
    ],
)
def test_the_most_particular_entry_says_which_tenants(setting: str, tenants: Any) -> None:
    assert _caller("static-web-apps", _STATIC_WEB_APPS, ACCESS_TENANTS=setting).scope.tenants == tenants


def test_a_user_name_without_an_address_is_never_taken_for_a_role() -> None:
    somebody = {**_STATIC_WEB_APPS, "identityProvider": "github", "userDetails": "admin", "userRoles": ["readonly"]}
    caller = _caller("static-web-apps", somebody, ACCESS_TENANTS="admin=all")

    assert caller.scope.tenants == frozenset()
    assert caller.scope.forbidden == {"delete_user"}


@pytest.mark.parametrize("name", ["key", "KEY"])
def test_a_role_called_key_is_not_the_function_key(name: str) -> None:
    caller = _caller("static-web-apps", {**_STATIC_WEB_APPS, "userRoles": [name, "editor"]})

    assert caller.scope.forbidden
    assert caller.scope.most == 20


@pytest.mark.parametrize(
    ("settings", "forbidden", "most"),
    [
        ({}, {"delete_user"}, 20),
        ({"DELETE_USER_ALLOWED_TO": "editor"}, set(), 20),
        ({"DELETE_USER_ALLOWED_TO": "op@msp.example", "BULK_ALLOWED_TO": "1f2e"}, set(), None),
        ({"BULK_LIMIT": "3"}, {"delete_user"}, 3),
    ],
)
def test_deleting_and_bulk_are_rights_of_their_own(settings: dict[str, str], forbidden: set[str], most: Any) -> None:
    scope = _caller("static-web-apps", _STATIC_WEB_APPS, **settings).scope

    assert (scope.forbidden, scope.most) == (forbidden, most)


@pytest.mark.parametrize(
    "wrong",
    [
        {"AUTH_MODE": "handshake"},
        {"ACCESS_ROLES": "editor=emperor"},
        {"ACCESS_TENANTS": "editor"},
        {"BULK_LIMIT": "many"},
        {"M365_TENANTS": ""},
        {"TASK_HUB": "my-hub"},
    ],
)
def test_settings_that_make_no_sense_are_told(wrong: dict[str, str]) -> None:
    mode = wrong.pop("AUTH_MODE", "function-key")
    with pytest.raises(Exception, match="settings are incomplete"):
        _settings(mode, **wrong)


def test_only_settings_for_notifications_can_be_read_by_them() -> None:
    settings = _settings("function-key", NOTIFICATION_SECRET_ONE="one", NOTIFICATION="two", XNOTIFICATION_SECRET_="x")
    assert settings.notification_secrets == {"NOTIFICATION_SECRET_ONE": "one"}


@pytest.mark.parametrize("mode", ["app-service", "static-web-apps"])
def test_on_azure_a_principal_is_believed_only_behind_the_platforms_authentication(mode: str) -> None:
    with pytest.raises(Exception, match="needs App Service authentication") as refused:
        _settings(mode, WEBSITE_SITE_NAME="offboarding")

    assert "WEBSITE_AUTH" not in str(refused.value), "who sets it by hand believes forged principals"
    assert _settings(mode, WEBSITE_SITE_NAME="offboarding", WEBSITE_AUTH_ENABLED="True").auth_mode == mode
    assert _settings("function-key", WEBSITE_SITE_NAME="offboarding").auth_mode == "function-key"


@pytest.mark.parametrize(
    ("configuration", "is_on"),
    [
        ('{"platform": {"enabled": true}, "globalValidation": {"requireAuthentication": true}}', True),
        ('{"platform": {"enabled": false}}', False),
        ('{"platform": {"enabled": "true"}}', False),
        ('{"platform": null}', False),
        ("[true]", False),
        ("true", False),
        ("not JSON", False),
        ("", False),
    ],
)
def test_the_platforms_own_configuration_is_a_second_sign_of_its_authentication(
    configuration: str,
    is_on: bool,  # noqa: FBT001 - a parameter of the test
) -> None:
    azure = {"WEBSITE_SITE_NAME": "offboarding", "WEBSITE_AUTH_V2_CONFIG_JSON": configuration}

    if is_on:
        assert _settings("static-web-apps", **azure).auth_mode == "static-web-apps"
    else:
        with pytest.raises(Exception, match="needs App Service authentication"):
            _settings("static-web-apps", **azure)
