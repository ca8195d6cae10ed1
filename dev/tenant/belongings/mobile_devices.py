"""Mobile devices that synchronise a mailbox."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dev.tenant.belongings import mailbox, taken_by
from dev.tenant.population import ident

if TYPE_CHECKING:
    from dev.tenant.population import Organisation
    from dev.tenant.state import Tenant, User


def pair(tenant: Tenant, user: User, count: int) -> None:
    """Give a user mobile devices."""
    tenant.mailboxes[user.id].devices = [
        {
            "Guid": ident(user.id, "device", index),
            "DeviceId": ident(user.id, "device id", index).replace("-", "").upper(),
            "FriendlyName": f"Outlook for iOS {index}",
            "DeviceType": "Outlook",
            "DeviceModel": "Outlook for iOS and Android",
        }
        for index in range(count)
    ]


@taken_by(
    "remove_mobile_devices", "no mobile device is left", lambda seen, person: not mailbox(seen, person)["devices"]
)
def pair_one(org: Organisation, user: User) -> None:
    """Give a user a mobile device."""
    pair(org.tenant, user, 1)
