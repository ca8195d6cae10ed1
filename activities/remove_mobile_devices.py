"""End the partnerships of the person's phones and tablets with the mailbox."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from shared.actions.catalogue import EXCHANGE_ADMIN, Action, Area, register, results_of
from shared.actions.mailboxes import mailbox_rows
from shared.actions.outcome import Finding, ItemWords, Outcome, findings_of_removal
from shared.actions.reads.account import USER
from shared.actions.reads.mailbox import MAILBOX
from shared.actions.reads.snapshot import Person, Read
from shared.microsoft365.exchange import exchange_cmdlets

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shared.actions.catalogue import Results, Task, View

_KEPT: Final = ("Guid", "Identity", "DeviceId", "FriendlyName", "DeviceType", "DeviceModel", "FirstSyncTime")


@dataclass(frozen=True)
class _Device:
    """A device that synchronises; `key` removes it: the Guid where there is one, for identities hold odd characters."""

    key: str
    identity: str
    name: str


def _keep(rows: list[dict[str, Any]], _: Person) -> list[dict[str, Any]]:
    mailbox_rows.one_owner(rows, "UserDisplayName")
    return [{name: row.get(name) for name in _KEPT} for row in rows]


def _parse(raw: Any) -> tuple[_Device, ...]:  # noqa: ANN401 - Microsoft's JSON
    return tuple(
        _Device(
            key=row.get("Guid") or row["Identity"],
            identity=row["Identity"],
            name=row.get("FriendlyName") or row.get("DeviceModel") or row.get("DeviceType") or row["Identity"],
        )
        for row in raw or ()
    )


MOBILE_DEVICES = Read(
    "mobile_devices",
    "The mobile devices",
    "exchange",
    lambda person: exchange_cmdlets.get_mobile_devices(person.id, anchor=person.upn),
    _parse,
    _keep,
)


@register
class RemoveMobileDevices(Action):
    """Remove each device's partnership with the mailbox.

    What is on the device stays there: wiping is another command, which the device must fetch first (Learn:
    "Clear-MobileDevice"). A device whose tokens still work makes a new partnership, hence the order.
    """

    name = "remove_mobile_devices"
    title = "Remove mobile devices"
    description = "Ends the synchronisation of phones and tablets with the mailbox. Wipes nothing on them."
    portal_key = "RemoveMobile"
    words = ItemWords("device", "devices", "removed")
    area = Area("Mobile devices", "It may still hold mail of the mailbox.")
    reads = (USER, MAILBOX, MOBILE_DEVICES)
    proof = (MOBILE_DEVICES,)
    permissions = (EXCHANGE_ADMIN,)
    after = ("revoke_sessions",)
    lane = "mailbox"
    destructive = True
    removes = True
    undo = "Cannot be undone: set the devices of snapshot.mobile_devices up again."

    def judge(self, view: View) -> Sequence[Finding]:
        """Find out which devices are left."""
        mailbox = view.now.get(MAILBOX)
        if mailbox is None:
            return [Finding(Outcome.not_applicable, "There is no mailbox.")]
        devices = view.now.get(MOBILE_DEVICES)
        mailbox_rows.check_owner((device.identity for device in devices), mailbox)
        now = {device.key: device.name for device in devices}
        was = {device.key: device.name for device in view.first.get(MOBILE_DEVICES)}
        done = "Removed. What is on the device was not wiped."
        return findings_of_removal(was, now, done) or [Finding(Outcome.already_done, "There was no mobile device.")]

    def apply(self, task: Task) -> Results:
        """Remove the open partnerships."""
        anchor = task.person.upn
        calls = {one.item: exchange_cmdlets.remove_mobile_device(one.item, anchor=anchor) for one in task.open}
        return results_of(task.clients.exchange.batch, calls)
