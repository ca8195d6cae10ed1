"""The wizard's form as the portal sends it."""

from __future__ import annotations

import copy
import itertools
from typing import TYPE_CHECKING, Any

import pytest

from dev.tenant import seed

if TYPE_CHECKING:
    from collections.abc import Callable

    Front = Any

_numbers = itertools.count(1)

_CY = {
    "label": "Cy Brandt (cy@fabrikam.example)",
    "value": seed.CY,
    "addedFields": {},
    "rawData": {"id": seed.CY, "displayName": "Cy Brandt", "userPrincipalName": "cy@fabrikam.example"},
}

_FORM = {
    "Scheduled": {"enabled": False},
    "tenantFilter": {
        "value": "fabrikam.example",
        "label": "Fabrikam (fabrikam.example)",
        "type": "Tenant",
        "addedFields": {
            "defaultDomainName": "fabrikam.example",
            "displayName": "Fabrikam",
            "customerId": seed.FABRIKAM,
            "offboardingDefaults": {
                "RemoveLicenses": True,
                "OOO": "<p>Gone</p>",
                "postExecution": {"webhook": True, "email": False, "psa": False},
            },
        },
    },
    "user": [],
    "ConvertToShared": False,
    "HideFromGAL": False,
    "removeCalendarInvites": False,
    "removePermissions": False,
    "removeCalendarPermissions": False,
    "RemoveRules": False,
    "RemoveMobile": False,
    "RemoveGroups": True,
    "RemoveLicenses": False,
    "RevokeSessions": True,
    "DisableSignIn": True,
    "ClearImmutableId": False,
    "ResetPass": True,
    "RemoveMFADevices": False,
    "RemoveTeamsPhoneDID": False,
    "DisableOneDriveSharing": False,
    "DeleteUser": False,
    "AccessAutomap": [_CY],
    "AccessSendAs": [_CY],
    "OnedriveAccess": [_CY],
    "disableForwarding": False,
    "forward": _CY,
    "KeepCopy": True,
    "postExecution": {"webhook": False, "email": False, "psa": False},
    "reference": "TICKET-42",
    "OOO": "",
    "HIDDEN_defaultsSource": "tenant",
    "HIDDEN_appliedDefaultsForTenant": "fabrikam.example",
}


@pytest.fixture
def person(front: Front) -> dict[str, Any]:
    """Somebody whom no other test knows, as the wizard's picker gives them."""
    alias = f"portal{next(_numbers)}"
    user = front.stack.simulator.arrange(seed.FABRIKAM, "user", create={"alias": alias, "name": alias.title()})
    upn = f"{alias}@fabrikam.example"
    raw = {"id": user, "displayName": alias.title(), "userPrincipalName": upn}
    return {"label": f"{alias.title()} ({upn})", "value": upn, "addedFields": {}, "rawData": raw}


@pytest.fixture
def form(person: dict[str, Any]) -> Callable[..., dict[str, Any]]:
    """The whole form for that person; what is given differs, None leaves a key out."""

    def make(**different: Any) -> dict[str, Any]:
        made = {**copy.deepcopy(_FORM), "user": [person], **different}
        return {name: value for name, value in made.items() if value is not None or name == "forward"}

    return make
