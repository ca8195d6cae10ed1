"""Inbox rules and mobile devices."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dev.tenant.errors import not_found
from dev.tenant.exchange import recipients
from dev.tenant.exchange.cmdlet import Rows, Run, cmdlet

if TYPE_CHECKING:
    from dev.tenant.state import Mailbox


def _rule_row(run: Run, mailbox: Mailbox, rule: dict[str, Any]) -> dict[str, Any]:
    owner = mailbox.Alias if run.tenant.rules_by_alias else mailbox.Name
    return {
        "Identity": f"{owner}\\{rule['RuleIdentity']}",
        "RuleIdentity": rule["RuleIdentity"],
        "Name": rule["Name"],
        "Enabled": rule["Enabled"],
        "Priority": 1,
        "MailboxOwnerId": mailbox.Name,
    }


@cmdlet("Get-InboxRule", "Mailbox:text Identity:text IncludeHidden:switch", required="Mailbox")
def get_inbox_rule(run: Run) -> Rows:
    """List the rules; Exchange's own and those that hide show only on request."""
    mailbox = recipients.mailbox(run.tenant, run["Mailbox"])
    rows = [_rule_row(run, mailbox, rule) for rule in mailbox.rules if run["IncludeHidden"] or not rule["hidden"]]
    if run["Identity"]:
        rows = [row for row in rows if run["Identity"] in {row["Identity"], str(row["RuleIdentity"]), row["Name"]}]
        if not rows:
            raise not_found(run["Identity"])
    return rows


@cmdlet(
    "Remove-InboxRule",
    "Identity:text Mailbox:text Force:switch AlwaysDeleteOutlookRulesBlob:switch",
    required="Identity",
    writes="Mailbox",
)
def remove_inbox_rule(run: Run) -> None:
    """Delete a rule; an identity that names its mailbox needs no other."""
    mailbox = recipients.mailbox(run.tenant, run["Mailbox"] or run["Identity"].partition("\\")[0])
    for rule in mailbox.rules:
        row = _rule_row(run, mailbox, rule)
        if run["Identity"] in {row["Identity"], str(row["RuleIdentity"])}:
            mailbox.rules.remove(rule)
            return
    raise not_found(run["Identity"])


def _device_row(mailbox: Mailbox, device: dict[str, Any], owner: str) -> dict[str, Any]:
    identity = f"{mailbox.Name}\\ExchangeActiveSyncDevices\\{device['DeviceType']}§{device['DeviceId']}"
    return {
        **device,
        "Identity": identity,
        "Id": identity,
        "DeviceAccessState": "Allowed",
        "DistinguishedName": f"CN={device['DeviceType']}§{device['DeviceId']},{mailbox.DistinguishedName}",
        "FirstSyncTime": "2025-03-04T07:00:00Z",
        "UserDisplayName": owner,
    }


def _devices(run: Run, mailboxes: list[Mailbox]) -> Rows:
    users = run.tenant.users
    return [
        _device_row(mailbox, device, users[mailbox.ExternalDirectoryObjectId].displayName)
        for mailbox in mailboxes
        for device in mailbox.devices
    ]


@cmdlet("Get-MobileDevice", "Mailbox:text Identity:text ResultSize:size")
def get_mobile_device(run: Run) -> Rows:
    """List devices; a null mailbox stands for all of them."""
    every = list(run.tenant.mailboxes.values())
    mailboxes = [recipients.mailbox(run.tenant, run["Mailbox"])] if run["Mailbox"] else every
    rows = _devices(run, mailboxes)
    if run["Identity"]:
        rows = [row for row in rows if run["Identity"] in {row["Identity"], row["Guid"], row["DeviceId"]}]
        if not rows:
            raise not_found(run["Identity"])
    return recipients.limited(run, rows)


@cmdlet("Remove-MobileDevice", "Identity:text", required="Identity")
def remove_mobile_device(run: Run) -> None:
    """Forget a device; what it holds stays on it."""
    for mailbox in run.tenant.mailboxes.values():
        for device in mailbox.devices:
            if run["Identity"] in {device["Guid"], _device_row(mailbox, device, "")["Identity"]}:
                mailbox.devices.remove(device)
                return
    raise not_found(run["Identity"])
