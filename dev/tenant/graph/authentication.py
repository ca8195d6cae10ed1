"""Authentication methods: listed together, deleted one by one under the name of their type."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dev.tenant.belongings.sign_in_methods import PHONE_IDS
from dev.tenant.errors import GraphError, denied
from dev.tenant.graph.router import Ask, route
from dev.tenant.graph.users import guard_sensitive

if TYPE_CHECKING:
    from collections.abc import Callable

    from dev.tenant.state import User

_READ = ("UserAuthenticationMethod.Read.All", "UserAuthenticationMethod.ReadWrite.All")
_WRITE = ("UserAuthenticationMethod.ReadWrite.All",)
_PASSWORD = "#microsoft.graph.passwordAuthenticationMethod"  # noqa: S105 - a type's name

_COLLECTIONS = {
    "phoneMethods": "phone",
    "microsoftAuthenticatorMethods": "microsoftAuthenticator",
    "softwareOathMethods": "softwareOath",
    "fido2Methods": "fido2",
    "windowsHelloForBusinessMethods": "windowsHelloForBusiness",
    "platformCredentialMethods": "platformCredential",
    "temporaryAccessPassMethods": "temporaryAccessPass",
    "emailMethods": "email",
    "externalAuthenticationMethods": "external",
}
_BETA_COLLECTIONS = {"hardwareOathMethods": "hardwareOath"}
_BETA_TYPES = {f"#microsoft.graph.{kind}AuthenticationMethod" for kind in (*_BETA_COLLECTIONS.values(), "qrCodePin")}


@route("GET", "/users/{user}/authentication/methods", permissions=_READ)
def list_methods(ask: Ask, user: str) -> dict[str, Any]:
    """List every method that this version knows, the password among them ("authenticationMethod" on Learn)."""
    found = ask.user(user)
    hidden = set() if ask.version == "beta" else _BETA_TYPES
    return {
        "@odata.context": f"{ask.root}/$metadata#users('{found.id}')/authentication/methods",
        "value": [dict(method) for method in found.methods if method["@odata.type"] not in hidden],
    }


@route("GET", "/users/{user}/authentication/hardwareOathMethods", permissions=_READ, versions=("beta",))
def list_hardware_tokens(ask: Ask, user: str) -> dict[str, Any]:
    """List the hardware tokens; only beta knows them."""
    kind = "#microsoft.graph.hardwareOathAuthenticationMethod"
    tokens = [dict(method) for method in ask.user(user).methods if method["@odata.type"] == kind]
    return {"value": [{n: v for n, v in token.items() if n != "@odata.type"} for token in tokens]}


@route("GET", "/users/{user}/authentication/qrCodePinMethod", permissions=_READ, versions=("beta",))
def get_qr_code(ask: Ask, user: str) -> dict[str, Any]:
    """Read the QR code, of which there is one at most; only beta knows it."""
    kind = "#microsoft.graph.qrCodePinAuthenticationMethod"
    code = next((method for method in ask.user(user).methods if method["@odata.type"] == kind), None)
    if code is None:
        raise GraphError(404, "resourceNotFound", "The requested authentication method was not found.")
    return {n: v for n, v in code.items() if n != "@odata.type"}


@route("GET", "/users/{user}/authentication/signInPreferences", permissions=_READ, versions=("beta",))
def sign_in_preferences(ask: Ask, user: str) -> dict[str, Any]:
    """Tell which second factor is the default; only beta can."""
    found = ask.user(user)
    kinds = {method["id"]: method["@odata.type"] for method in found.methods}
    kind = kinds.get(found.default_method or "", "")
    preferred = "push" if "microsoftAuthenticator" in kind else "voiceMobile" if "phone" in kind else None
    return {
        "@odata.context": f"{ask.root}/$metadata#users('{found.id}')/authentication/signInPreferences",
        "isSystemPreferredAuthenticationMethodEnabled": False,
        "userPreferredMethodForSecondaryAuthentication": preferred,
    }


@route("POST", "/users/{user}/authentication/methods/{method}/resetPassword")
@route("POST", "/users/{user}/authentication/passwordMethods/{method}/resetPassword")
def reset_password(ask: Ask, user: str, method: str) -> None:
    """Refuse: no application permission exists for it ("resetPassword" on Learn), and the app has no other kind."""
    del ask, user, method
    raise denied()


def _delete(ask: Ask, user: User, kind: str, method_id: str | None) -> None:
    guard_sensitive(ask, user)
    full = f"#microsoft.graph.{kind}AuthenticationMethod"
    method = next(
        (each for each in user.methods if each["@odata.type"] == full and method_id in {None, each["id"]}),
        None,
    )
    if method is None:
        raise GraphError(404, "resourceNotFound", f"The requested authentication method '{method_id}' was not found.")
    others = [each for each in user.methods if each is not method and each["@odata.type"] != _PASSWORD]
    if method["id"] == user.default_method and others:
        raise GraphError(
            400,
            "badRequest",
            "The requested authentication method matches the user's current default authentication method, and cannot "
            "be deleted until the default authentication method is changed.",
        )
    if method["id"] == PHONE_IDS["mobile"] and any(each["id"] == PHONE_IDS["alternateMobile"] for each in others):
        raise GraphError(
            400, "badRequest", "The mobile phone cannot be deleted while an alternate mobile phone is registered."
        )
    user.methods.remove(method)
    if method["id"] == user.default_method:
        user.default_method = None


def _deletion(kind: str) -> Callable[..., None]:
    def delete(ask: Ask, user: str, method: str | None = None) -> None:
        _delete(ask, ask.user(user), kind, method)

    return delete


for _segment, _kind in _COLLECTIONS.items():
    route("DELETE", f"/users/{{user}}/authentication/{_segment}/{{method}}", permissions=_WRITE)(_deletion(_kind))
for _segment, _kind in _BETA_COLLECTIONS.items():
    route("DELETE", f"/users/{{user}}/authentication/{_segment}/{{method}}", permissions=_WRITE, versions=("beta",))(
        _deletion(_kind)
    )
route("DELETE", "/users/{user}/authentication/qrCodePinMethod", permissions=_WRITE, versions=("beta",))(
    _deletion("qrCodePin")
)
