"""The receivers of notifications beside a stack: what the app needs to reach them, and that it knows them."""

from __future__ import annotations

import base64
import json
import sys
from typing import TYPE_CHECKING, Any, Final

import requests
from cryptography.fernet import Fernet

from dev.processes import Child, StackError, start_on_port
from dev.sinks import Sinks
from dev.tenant import seed

if TYPE_CHECKING:
    from pathlib import Path

    from dev.stack import Stack

SENDER: Final = "noc@fabrikam.example"
READER: Final = "desk@msp.example"
_HALO_CLIENT: Final = "12"
_ADMIN: Final = "admin@msp.example"


def settings(key: str | None = None) -> dict[str, str]:
    """Return the settings of an app that may tell people on this machine, and whose key is an admin's.

    Args:
        key: what encrypts stored secrets; a new one unless given.
    """
    return {
        "NOTIFICATION_KEY": key or Fernet.generate_key().decode(),
        "ALLOW_LOOPBACK_WEBHOOKS": "true",
        "FUNCTION_KEY_ROLE": "admin",
        "ACCESS_TENANTS": "*=all",
        "MAIL_TENANT": seed.FABRIKAM,
        "MAIL_SENDER": SENDER,
    }


def kept_key(folder: Path) -> str:
    """Return the key of a folder, making it the first time: without it, what was stored with it could not be read."""
    file = folder / "notification.key"
    if not file.exists():
        folder.mkdir(parents=True, exist_ok=True)
        file.touch(mode=0o600)
        file.write_bytes(Fernet.generate_key())
    return file.read_text(encoding="ascii")


def start(folder: Path) -> tuple[Child, Sinks]:
    """Start the receivers at the address and with the secrets that the folder keeps."""
    kept, place = folder / "receivers.json", folder / "receivers"
    known: dict[str, Any] = json.loads(kept.read_text(encoding="utf-8")) if kept.exists() else {}

    def begin(port: int) -> Child:
        command = [sys.executable, "-m", "dev.sinks", "--port", str(port), "--keys", str(folder / "receivers.keys")]
        return Child.start("The receivers", command, place)

    child, port, said = start_on_port(begin, "READY ", int(known.get("port", 0)))
    kept.write_text(json.dumps({"port": port}), encoding="utf-8")
    return child, Sinks(**json.loads(said))


def direct(stack: Stack, sinks: Sinks) -> None:
    """Send all notifications to a webhook, a Teams workflow, a mailbox and HaloPSA, unless webhooks are set already."""
    present = _ask(stack, "GET", None)
    # Whoever gave the key another role has no use for destinations that nobody may see.
    if present.status_code == requests.codes.forbidden or (present.ok and present.json().get("webhook")):
        return
    people = stack.simulator.state(seed.FABRIKAM)["users"].values()
    if SENDER not in {person["userPrincipalName"] for person in people}:
        sender = {"alias": SENDER.partition("@")[0], "name": "Operations Desk"}
        stack.simulator.arrange(seed.FABRIKAM, "user", create=sender)
    keys = sinks.keys
    destinations = {
        "webhook": [
            {"id": "hook", "format": "standard", "url": f"{sinks.origin}/standard/x", "signing": [keys["signing"]]},
            {"id": "teams", "format": "teams", "url": f"{sinks.origin}/teams/workflows/x?sig=x"},
        ],
        "email": [{"id": "desk", "to": [READER]}],
        "psa": [
            {
                "id": "halo",
                "system": "halopsa",
                "url": f"{sinks.origin}/halo",
                "client_id": keys["halo_id"],
                "client_secret": keys["halo_secret"],
                "clients": {seed.FABRIKAM: _HALO_CLIENT},
            }
        ],
    }
    for answer in (present, _ask(stack, "PUT", destinations)):
        if not answer.ok:
            raise StackError(f"The app refused the notification settings with {answer.status_code}: {answer.text}")


def _ask(stack: Stack, method: str, body: object) -> requests.Response:
    return stack.send(method, "/api/settings/notifications", body, principal(stack.options.auth))


def principal(auth: str) -> dict[str, str]:
    """Return what a front would say of an administrator; nothing where the key says who is calling."""
    said = {
        "static-web-apps": {"identityProvider": "aad", "userId": _ADMIN, "userDetails": _ADMIN, "userRoles": ["admin"]},
        "app-service": {
            "auth_typ": "aad",
            "claims": [
                {"typ": "oid", "val": seed.ADMIN},
                {"typ": "preferred_username", "val": _ADMIN},
                {"typ": "roles", "val": "admin"},
            ],
        },
    }.get(auth)
    return {"x-ms-client-principal": base64.b64encode(json.dumps(said).encode()).decode()} if said else {}
