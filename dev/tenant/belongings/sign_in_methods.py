"""Methods of signing in beside the password."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dev.tenant.belongings import account, taken_by
from dev.tenant.population import ident

if TYPE_CHECKING:
    from dev.tenant.belongings import Seen
    from dev.tenant.messages import Json
    from dev.tenant.population import Organisation
    from dev.tenant.state import User

PHONE_IDS = {
    "mobile": "3179e48a-750b-4051-897c-87b9720928f7",
    "alternateMobile": "b6332ec1-7057-4abe-9331-3d72feddfe41",
    "office": "e37fc753-ff3b-4958-9484-eaa9425c82bc",
}


def method(user: User, kind: str, **facts: Json) -> str:
    """Register an authentication method, named as in its type: "fido2", "softwareOath"."""
    method_id = facts.pop("id", ident(user.id, kind))
    kind_name = f"#microsoft.graph.{kind}AuthenticationMethod"
    user.methods.append({"@odata.type": kind_name, "id": method_id, "createdDateTime": "2024-03-01T08:00:00Z", **facts})
    return method_id


def phone(user: User, kind: str, number: str) -> None:
    """Register a phone; the three kinds have fixed ids (phoneAuthenticationMethod on Learn)."""
    method(user, "phone", id=PHONE_IDS[kind], phoneType=kind, phoneNumber=number)


def authenticator(user: User) -> None:
    """Register Microsoft Authenticator as the default method."""
    user.default_method = method(user, "microsoftAuthenticator", displayName="Phone", phoneAppVersion="6.2509.1")


def _has_only_the_password(seen: Seen, person: str) -> bool:
    kinds = {each["@odata.type"] for each in account(seen, person)["methods"]}
    return kinds <= {"#microsoft.graph.passwordAuthenticationMethod"}


@taken_by("remove_mfa_methods", "no sign-in method but the password is left", _has_only_the_password)
def register(_: Organisation, user: User) -> None:
    """Register Microsoft Authenticator and a phone."""
    authenticator(user)
    phone(user, "mobile", "+1 5550102")
