"""Mailboxes: what they are, what is in them, where their mail goes, what they answer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dev.tenant.errors import ExchangeError, not_found, out_of_scope
from dev.tenant.exchange import recipients
from dev.tenant.exchange.cmdlet import NOTHING_CHANGED, Rows, Run, as_list, changed, cmdlet
from dev.tenant.licensing import has_exchange

if TYPE_CHECKING:
    from dev.tenant.state import Mailbox, Tenant

_TYPES = {"Regular": "UserMailbox", "Shared": "SharedMailbox", "Room": "RoomMailbox", "Equipment": "EquipmentMailbox"}
_COPIED = [
    "ExternalDirectoryObjectId",
    "Name",
    "Alias",
    "Guid",
    "ExchangeGuid",
    "DistinguishedName",
    "PrimarySmtpAddress",
    "RecipientTypeDetails",
    "LitigationHoldEnabled",
    "InPlaceHolds",
    "ComplianceTagHoldApplied",
    "DelayHoldApplied",
    "DelayReleaseHoldApplied",
    "ArchiveGuid",
    "ArchiveStatus",
    "DeliverToMailboxAndForward",
    "HiddenFromAddressListsEnabled",
    "IsDirSynced",
    "IsExchangeCloudManaged",
]
_ON_PREMISES = ("HiddenFromAddressListsEnabled", "ForwardingAddress", "GrantSendOnBehalfTo")
"""What Active Directory masters ("Attributes synchronized by Microsoft Entra Connect" on Learn)."""


def _row(tenant: Tenant, mailbox: Mailbox) -> dict[str, Any]:
    user = (
        tenant.users.get(mailbox.ExternalDirectoryObjectId) or tenant.deleted_users[mailbox.ExternalDirectoryObjectId]
    )
    row: dict[str, Any] = {name: getattr(mailbox, name) for name in _COPIED}
    forwarding = mailbox.ForwardingAddress
    return {
        **row,
        "Identity": mailbox.Name,
        "DisplayName": user.displayName,
        "UserPrincipalName": user.userPrincipalName,
        "EmailAddresses": list(user.proxyAddresses),
        "RecipientType": "UserMailbox",
        "IsShared": mailbox.RecipientTypeDetails == "SharedMailbox",
        "AccountDisabled": not user.accountEnabled,
        "ForwardingAddress": recipients.names(tenant, [forwarding])[0] if forwarding else None,
        "ForwardingSmtpAddress": mailbox.ForwardingSmtpAddress,
        "GrantSendOnBehalfTo": recipients.names(tenant, mailbox.GrantSendOnBehalfTo),
        "ProhibitSendReceiveQuota": "100 GB (107,374,182,400 bytes)",
        "SKUAssigned": has_exchange(user),
        "WhenSoftDeleted": user.deletedDateTime,
        "grantees": mailbox.GrantSendOnBehalfTo,
        "forwarding": forwarding,
    }


def _progress(mailbox: Mailbox) -> None:
    """Bring a conversion one read nearer to being seen."""
    if mailbox.conversion is None:
        return
    if mailbox.conversion["reads"] > 0:
        mailbox.conversion["reads"] -= 1
        return
    mailbox.RecipientTypeDetails = mailbox.conversion["to"]
    mailbox.conversion = None


@cmdlet("Get-Mailbox", "Identity:text Filter:text ResultSize:size RecipientTypeDetails:list SoftDeletedMailbox:switch")
def get_mailbox(run: Run) -> Rows:
    """Read mailboxes: a null or empty identity stands for all of them (a warning in many cmdlets' documentation)."""
    tenant = run.tenant
    held = tenant.deleted_mailboxes if run["SoftDeletedMailbox"] else tenant.mailboxes
    if run["Identity"]:
        if run["SoftDeletedMailbox"]:
            found = [
                each for each in held.values() if run["Identity"].casefold() in recipients.of_mailbox(tenant, each).keys
            ]
            if not found:
                raise not_found(run["Identity"])
        else:
            found = [recipients.mailbox(tenant, run["Identity"])]
    else:
        found = list(held.values())
    for each in found:
        _progress(each)
    kinds = as_list(run["RecipientTypeDetails"])
    rows = [_row(tenant, each) for each in found if not kinds or each.RecipientTypeDetails in kinds]
    if run["Filter"]:
        rows = [row for row in rows if recipients.matches(run["Filter"], row, tenant)]
    rows = recipients.limited(run, rows)
    for row in rows:
        del row["grantees"], row["forwarding"]
    return rows


@cmdlet(
    "Set-Mailbox",
    "Identity:text Type:text HiddenFromAddressListsEnabled:switch ForwardingAddress:text ForwardingSmtpAddress:text "
    "DeliverToMailboxAndForward:switch GrantSendOnBehalfTo:hash Force:switch",
    required="Identity",
    writes="Identity",
)
def set_mailbox(run: Run) -> None:
    """Change a mailbox: everything that was given, or nothing."""
    mailbox = recipients.mailbox(run.tenant, run["Identity"])
    wanted = _wanted(run, mailbox)
    changes = {name: value for name, value in wanted.items() if getattr(mailbox, name) != value}
    for name in _ON_PREMISES:
        if mailbox.IsDirSynced and not mailbox.IsExchangeCloudManaged and name in changes:
            raise out_of_scope(run.name, name, mailbox.Name)
    converted = _convert(run, mailbox) if run["Type"] is not None else False
    for name, value in changes.items():
        setattr(mailbox, name, value)
    if not changes and not converted:
        run.warn(NOTHING_CHANGED.format(mailbox.Name))


def _wanted(run: Run, mailbox: Mailbox) -> dict[str, Any]:
    wanted: dict[str, Any] = {}
    for name in ("HiddenFromAddressListsEnabled", "DeliverToMailboxAndForward"):
        if name in run:
            wanted[name] = run[name]
    if "ForwardingAddress" in run:
        address = run["ForwardingAddress"]
        wanted["ForwardingAddress"] = _forwarding_target(run.tenant, address) if address else None
    if "ForwardingSmtpAddress" in run:
        address = run["ForwardingSmtpAddress"]
        wanted["ForwardingSmtpAddress"] = f"smtp:{address.removeprefix('smtp:')}" if address else None
    if "GrantSendOnBehalfTo" in run:
        held = mailbox.GrantSendOnBehalfTo
        wanted["GrantSendOnBehalfTo"] = changed(
            held, run["GrantSendOnBehalfTo"], lambda each: recipients.find_id(run.tenant, each)
        )
    return wanted


def _forwarding_target(tenant: Tenant, address: str) -> str:
    found = recipients.find(tenant, address)
    if found.kind == "User":
        raise not_found(address)
    return found.id


def _convert(run: Run, mailbox: Mailbox) -> bool:
    """Begin a change of type; reads show it only later."""
    if run["Type"] not in _TYPES:
        raise ExchangeError(
            "System.Management.Automation.ParameterBindingException",
            f"Cannot bind parameter 'Type'. Cannot convert value \"{run['Type']}\" to type "
            '"Microsoft.Exchange.Data.Directory.Recipient.ConvertibleMailboxSubType".',
            unknown=True,
        )
    kind = _TYPES[run["Type"]]
    coming = mailbox.conversion["to"] if mailbox.conversion else mailbox.RecipientTypeDetails
    if coming == kind:
        return False
    if not has_exchange(run.tenant.users[mailbox.ExternalDirectoryObjectId]) and coming == "UserMailbox":
        raise ExchangeError(
            "Microsoft.Exchange.Configuration.Tasks.RecipientTaskException",
            f"The mailbox '{mailbox.Name}' must have a valid Exchange Online license to be converted.",
        )
    mailbox.conversion = {"to": kind, "reads": run.tenant.conversion_reads}
    if run.tenant.conversion_reads == 0:
        _progress(mailbox)
    return True


def size_text(size: int) -> str:
    """Write a size as Exchange does: rounded, and exactly in parentheses."""
    value, units = float(size), ["B", "KB", "MB", "GB", "TB"]
    while value >= 1024 and len(units) > 1:  # noqa: PLR2004 - a kilobyte
        value, units = value / 1024, units[1:]
    return f"{value:.4g} {units[0]} ({size:,} bytes)"


@cmdlet("Get-MailboxStatistics", "Identity:text Archive:switch", required="Identity")
def get_statistics(run: Run) -> Rows:
    """Measure a mailbox."""
    mailbox = recipients.mailbox(run.tenant, run["Identity"])
    return [
        {
            "DisplayName": run.tenant.users[mailbox.ExternalDirectoryObjectId].displayName,
            "MailboxGuid": mailbox.ExchangeGuid,
            "OwnerADGuid": mailbox.Guid,
            "MailboxTypeDetail": mailbox.RecipientTypeDetails,
            "ItemCount": mailbox.item_count,
            "TotalItemSize": size_text(mailbox.total_item_size),
            "TotalDeletedItemSize": size_text(mailbox.total_item_size // 10),
            "LastLogonTime": "2026-10-02T07:31:00Z",
        }
    ]


@cmdlet("Get-MailboxAutoReplyConfiguration", "Identity:text", required="Identity")
def get_auto_reply(run: Run) -> Rows:
    """Read the automatic replies."""
    mailbox = recipients.mailbox(run.tenant, run["Identity"])
    return [{"Identity": mailbox.Name, "MailboxOwnerId": mailbox.Name, **mailbox.auto_reply}]


_STATES = ("Disabled", "Enabled", "Scheduled")
_AUDIENCES = ("None", "Known", "All")


@cmdlet(
    "Set-MailboxAutoReplyConfiguration",
    "Identity:text AutoReplyState:text InternalMessage:text ExternalMessage:text ExternalAudience:text "
    "StartTime:text EndTime:text",
    required="Identity",
    writes="Identity",
)
def set_auto_reply(run: Run) -> None:
    """Change the automatic replies; plain text is put into a page."""
    mailbox = recipients.mailbox(run.tenant, run["Identity"])
    wanted = dict(mailbox.auto_reply)
    for name, known in (("AutoReplyState", _STATES), ("ExternalAudience", _AUDIENCES)):
        if name in run:
            if run[name] not in known:
                text = f"Cannot bind parameter '{name}'. Cannot convert value \"{run[name]}\"."
                raise ExchangeError("System.Management.Automation.ParameterBindingException", text, unknown=True)
            wanted[name] = run[name]
    for name in ("InternalMessage", "ExternalMessage"):
        if name in run:
            wanted[name] = _page(run[name] or "")
    for name in ("StartTime", "EndTime"):
        if name in run:
            wanted[name] = run[name]
    mailbox.auto_reply = wanted


def _page(text: str) -> str:
    return text if not text or "<html" in text.lower() else f"<html>\n<body>\n{text}\n</body>\n</html>\n"
