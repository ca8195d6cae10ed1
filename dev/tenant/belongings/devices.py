"""Computers and phones that a person joined or registered in the directory."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dev.tenant.belongings import taken_by
from dev.tenant.errors import bad_request, missing
from dev.tenant.graph import odata
from dev.tenant.graph.router import READ_DEVICES, READ_USERS, Ask, route
from dev.tenant.population import ident

if TYPE_CHECKING:
    from dev.tenant.belongings import Seen
    from dev.tenant.population import Organisation
    from dev.tenant.state import Tenant, User

WRITE_DEVICES = ("Device.ReadWrite.All",)
_OPTIONS = "$select $top $skiptoken"


def _devices(tenant: Tenant) -> dict[str, Any]:
    return tenant.belongings.setdefault("devices", {})


def _is_disabled(seen: Seen, person: str) -> bool:
    devices = seen["belongings"].get("devices", {}).values()
    return not any(device["accountEnabled"] for device in devices if person in device["owners"])


@taken_by("disable_devices", "no device that the person owns is enabled", _is_disabled)
def register(org: Organisation, user: User) -> None:
    """Give a user a joined computer and a phone of their own, and a computer of somebody else's that they use."""
    other = next((each for each in org.tenant.users if each != user.id), "")
    for name, system, trust, owners in (
        ("LAPTOP", "Windows", "AzureAd", [user.id]),
        ("PHONE", "iOS", "Workplace", [user.id]),
        ("DESK", "Windows", "AzureAd", [other]),
    ):
        _devices(org.tenant)[ident(user.id, "directory device", name)] = {
            "displayName": f"{name} of {user.displayName}",
            "deviceId": ident(user.id, "device id", name),
            "accountEnabled": True,
            "operatingSystem": system,
            "trustType": trust,
            "owners": owners,
            "users": [user.id],
        }


@route("GET", "/users/{user}/registeredDevices", permissions=READ_USERS, options=_OPTIONS)
def registered_devices(ask: Ask, user: str) -> dict[str, Any]:
    """List the devices that the user works with."""
    return _answer(ask, user, "users")


@route("GET", "/users/{user}/ownedDevices", permissions=READ_USERS, options=_OPTIONS)
def owned_devices(ask: Ask, user: str) -> dict[str, Any]:
    """List the devices that the user owns."""
    return _answer(ask, user, "owners")


def _answer(ask: Ask, user: str, relation: str) -> dict[str, Any]:
    found = ask.user(user)
    rows = [
        odata.readable(ask, _resource(key, device), READ_DEVICES)
        for key, device in _devices(ask.tenant).items()
        if found.id in device[relation]
    ]
    body = odata.page(ask, rows, "directoryObjects")
    body["value"] = [odata.select(ask, row, "device") for row in body["value"]]
    return body


def _resource(key: str, device: dict[str, Any]) -> dict[str, Any]:
    own = {name: value for name, value in device.items() if name not in {"owners", "users"}}
    return {"@odata.type": "#microsoft.graph.device", "id": key, **own}


@route("PATCH", "/devices/{device}", permissions=WRITE_DEVICES)
def update_device(ask: Ask, device: str) -> None:
    """Enable or disable a device, by its object id and not by its `deviceId` ("Update device" on Learn)."""
    body = ask.object_body()
    if device not in _devices(ask.tenant):
        raise missing(device)
    if unknown := body.keys() - {"accountEnabled"}:
        raise bad_request(f"Property '{min(unknown)}' is read-only and cannot be set.", unknown=True)
    _devices(ask.tenant)[device]["accountEnabled"] = bool(body["accountEnabled"])
