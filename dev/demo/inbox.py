"""Where the demonstration's notifications go, and what arrived there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cryptography.fernet import Fernet

from dev.demo import leavers
from dev.processes import StackError, wait_until
from dev.tenant import seed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dev.sinks import Sinks
    from dev.stack import Stack

SENDER = "noc@fabrikam.example"
READER = "desk@msp.example"
_SECONDS_TO_ARRIVE = 90
_HALO_CLIENT = "12"


def settings() -> dict[str, str]:
    """Return the settings of the app under which it may tell people on this machine."""
    return {
        "NOTIFICATION_KEY": Fernet.generate_key().decode(),
        "ALLOW_LOOPBACK_WEBHOOKS": "true",
        "FUNCTION_KEY_ROLE": "admin",
        "ACCESS_TENANTS": "*=all",
        "MAIL_TENANT": seed.FABRIKAM,
        "MAIL_SENDER": SENDER,
    }


def direct(stack: Stack, sinks: Sinks) -> None:
    """Send every notification to a webhook, a Teams workflow, a mailbox and HaloPSA."""
    stack.simulator.arrange(
        leavers.TENANT, "user", create={"alias": SENDER.partition("@")[0], "name": "Operations Desk"}
    )
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
    answer = stack.send("PUT", "/api/settings/notifications", destinations)
    if not answer.ok:
        raise StackError(f"The app refused the notification settings with {answer.status_code}: {answer.text}")


def wait(stack: Stack, sinks: Sinks, offboardings: Sequence[dict[str, Any]]) -> tuple[list[str], list[str]]:
    """Wait until every notification was delivered; returns what arrived, and what did not, in lines."""
    ids = [offboarding["id"] for offboarding in offboardings]

    def told() -> bool:
        return all(n["state"] == "delivered" for one in ids for n in stack.details(one)["notifications"])

    try:
        wait_until(told, _SECONDS_TO_ARRIVE, "every notification was delivered")
    except StackError:
        missing = [n for one in ids for n in stack.details(one)["notifications"] if n["state"] != "delivered"]
        return _lines(stack, sinks), [f"{n['channel']} {n['destination']}: {n['state']} {n}" for n in missing]
    return _lines(stack, sinks), []


def _lines(stack: Stack, sinks: Sinks) -> list[str]:
    lines = [f"{one['service']}: {one['title']}" for one in sinks.arrived()]
    mails = stack.simulator.state(leavers.TENANT)["sent_mail"]
    return lines + [f"mail: {mail['message']['subject']}" for mail in mails]
