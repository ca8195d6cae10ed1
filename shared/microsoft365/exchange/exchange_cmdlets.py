"""The Exchange Online cmdlets that are used, one function for each. Nothing is sent here.

Many `Get-` cmdlets return *every* object when the identity is null or does not exist (their reference pages say so),
and what was read is removed next: so no function here lets an empty identity through. Whoever removes rows must still
check that they belong to the object that was asked for.

Parameters are written as the PowerShell module writes them: switches as `true`, `$null` as null,
`@{Add=..;Remove=..}` as a `GenericHashTable`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from shared.microsoft365.http.wire import Json, JsonObject

MAILBOX_PROPERTIES = (
    "ExternalDirectoryObjectId",
    "Guid",
    "ExchangeGuid",
    "DistinguishedName",
    "Name",
    "Alias",
    "DisplayName",
    "PrimarySmtpAddress",
    "RecipientTypeDetails",
    "LitigationHoldEnabled",
    "InPlaceHolds",
    "ComplianceTagHoldApplied",
    "DelayHoldApplied",
    "DelayReleaseHoldApplied",
    "ArchiveGuid",
    "ArchiveStatus",
    "ForwardingAddress",
    "ForwardingSmtpAddress",
    "DeliverToMailboxAndForward",
    "HiddenFromAddressListsEnabled",
    "IsDirSynced",
    "IsExchangeCloudManaged",
    "GrantSendOnBehalfTo",
)
RECIPIENT_PROPERTIES = ("ExternalDirectoryObjectId", "DisplayName", "PrimarySmtpAddress", "RecipientTypeDetails")
FULL_ACCESS = ("FullAccess",)
SEND_AS = ("SendAs",)

NOT_REPEATABLE = frozenset({"Remove-CalendarEvents"})
"""Sending it twice may mail every attendee twice, so a connection that broke is not tried again at once."""


@dataclass(frozen=True)
class Cmdlet:
    """One cmdlet with its parameters.

    Attributes:
        select: properties of the rows to return; all when empty.
        anchor: UPN of the mailbox whose server should run it; the tenant's system mailbox when None.
    """

    name: str
    parameters: Mapping[str, Json] = field(default_factory=dict[str, Json])
    select: tuple[str, ...] = ()
    anchor: str | None = None

    @property
    def is_write(self) -> bool:
        """Whether it changes something."""
        return not self.name.startswith("Get-")

    @property
    def repeatable(self) -> bool:
        """Whether sending it twice does no more than once."""
        return self.name not in NOT_REPEATABLE

    @property
    def target(self) -> str:
        """The object it is for, as far as one parameter says so."""
        found = (self.parameters.get(name) for name in ("Identity", "Mailbox", "Trustee"))
        return next((text for text in found if isinstance(text, str)), "")


def named(identity: str) -> str:
    """Return the identity.

    Raises:
        ValueError: it is empty or blank, which Exchange would read as "all".
    """
    # Values read from other answers arrive here, so the type is not taken for granted.
    if not isinstance(identity, str) or not identity.strip():  # pyright: ignore[reportUnnecessaryIsInstance]
        raise ValueError("An Exchange identity is empty: the cmdlet would be about every object of the tenant.")
    return identity


def hash_table(*, add: Sequence[str] = (), remove: Sequence[str] = ()) -> JsonObject:
    """Write `@{Add=..; Remove=..}`: change a list without replacing it."""
    parts = {"add": list(add), "remove": list(remove)}
    return {"@odata.type": "#Exchange.GenericHashTable", **{name: values for name, values in parts.items() if values}}


def filter_text(value: str) -> str:
    """Write a text in an OPATH filter: in single quotes, those inside doubled."""
    return "'" + value.replace("'", "''") + "'"


# The mailbox itself.


def get_mailbox(identity: str, *, anchor: str | None = None) -> Cmdlet:
    """Read a mailbox: type, holds, archive, forwarding, visibility, delegates."""
    return Cmdlet("Get-Mailbox", {"Identity": named(identity)}, MAILBOX_PROPERTIES, anchor)


def list_mailboxes(select: tuple[str, ...] = RECIPIENT_PROPERTIES) -> Cmdlet:
    """List all mailboxes of the tenant; read it page by page."""
    return Cmdlet("Get-Mailbox", {"ResultSize": "Unlimited"}, select)


def get_mailbox_statistics(identity: str, *, anchor: str | None = None) -> Cmdlet:
    """Read the size: `TotalItemSize` is a text such as `12.3 GB (13,207,024,435 bytes)`."""
    return Cmdlet("Get-MailboxStatistics", {"Identity": named(identity)}, ("TotalItemSize", "ItemCount"), anchor)


def set_mailbox(identity: str, *, anchor: str | None = None, **properties: Json) -> Cmdlet:
    """Set properties of a mailbox, by their PowerShell names; None clears one."""
    return Cmdlet("Set-Mailbox", {"Identity": named(identity), **properties}, anchor=anchor)


def convert_to_shared(identity: str, *, anchor: str | None = None) -> Cmdlet:
    """Make it a shared mailbox; the type changes some time after."""
    return set_mailbox(identity, anchor=anchor, Type="Shared")


def convert_to_regular(identity: str) -> Cmdlet:
    """Make it a user mailbox; the type changes some time after."""
    return set_mailbox(identity, Type="Regular")


def hide_from_address_lists(identity: str, *, anchor: str | None = None) -> Cmdlet:
    """Take it out of the address lists."""
    return set_mailbox(identity, anchor=anchor, HiddenFromAddressListsEnabled=True)


def show_in_address_lists(identity: str) -> Cmdlet:
    """Show it in the address lists."""
    return set_mailbox(identity, HiddenFromAddressListsEnabled=False)


def get_mail_user(identity: str) -> Cmdlet:
    """Read a mail user: somebody with an address and without a mailbox here, such as a guest."""
    select = ("ExternalDirectoryObjectId", "RecipientTypeDetails", "HiddenFromAddressListsEnabled", "ArchiveGuid")
    return Cmdlet("Get-MailUser", {"Identity": named(identity)}, select)


def hide_mail_user(identity: str) -> Cmdlet:
    """Take a mail user out of the address lists."""
    return Cmdlet("Set-MailUser", {"Identity": named(identity), "HiddenFromAddressListsEnabled": True})


def show_mail_user(identity: str) -> Cmdlet:
    """Show a mail user in the address lists."""
    return Cmdlet("Set-MailUser", {"Identity": named(identity), "HiddenFromAddressListsEnabled": False})


def set_forwarding(identity: str, to: str, *, external: bool, keep_copy: bool, anchor: str | None = None) -> Cmdlet:
    """Forward incoming mail.

    An address outside of the tenant goes into another property than a recipient inside. When both are set the outside
    one is ignored (Set-Mailbox reference), so the other is cleared.

    Args:
        identity: the mailbox.
        to: SMTP address; for a recipient inside also its object id.
        external: whether `to` is no recipient of this tenant.
        keep_copy: whether the mail is also kept in the mailbox.
        anchor: UPN of the mailbox.
    """
    return set_mailbox(
        identity,
        anchor=anchor,
        ForwardingAddress=None if external else named(to),
        ForwardingSmtpAddress=named(to) if external else None,
        DeliverToMailboxAndForward=keep_copy,
    )


def find_forwarding(identity: str, distinguished_name: str) -> Cmdlet:
    """Find a mailbox, by object id, if it forwards to the recipient of that distinguished name; else nothing.

    Get-Mailbox shows a forwarding address by its Name, which says nothing: filters know it by its distinguished name
    (Learn: "Filterable properties for the Filter parameter").
    """
    condition = (
        f"ExternalDirectoryObjectId -eq {filter_text(named(identity))} -and "
        f"ForwardingAddress -eq {filter_text(named(distinguished_name))}"
    )
    return Cmdlet("Get-Mailbox", {"Filter": condition, "ResultSize": 1}, RECIPIENT_PROPERTIES)


def clear_forwarding(identity: str, *, anchor: str | None = None) -> Cmdlet:
    """Stop forwarding, of both kinds."""
    return set_mailbox(
        identity, anchor=anchor, ForwardingAddress=None, ForwardingSmtpAddress=None, DeliverToMailboxAndForward=False
    )


def get_auto_reply(identity: str, *, anchor: str | None = None) -> Cmdlet:
    """Read the automatic reply."""
    return Cmdlet("Get-MailboxAutoReplyConfiguration", {"Identity": named(identity)}, anchor=anchor)


def set_auto_reply(
    identity: str, *, internal: str, external: str, audience: str = "All", anchor: str | None = None
) -> Cmdlet:
    """Switch the automatic reply on. Texts are HTML; the audience outside is `None`, `Known` or `All`."""
    parameters = {
        "Identity": named(identity),
        "AutoReplyState": "Enabled",
        "InternalMessage": internal,
        "ExternalMessage": external,
        "ExternalAudience": audience,
    }
    return Cmdlet("Set-MailboxAutoReplyConfiguration", parameters, anchor=anchor)


def restore_auto_reply(identity: str, before: Mapping[str, Json]) -> Cmdlet:
    """Set the automatic reply to what was read of it; the times count only of one that is scheduled."""
    names = ["AutoReplyState", "InternalMessage", "ExternalMessage", "ExternalAudience"]
    if before.get("AutoReplyState") == "Scheduled":
        names += ["StartTime", "EndTime"]
    values = {name: before[name] for name in names if before.get(name) is not None}
    return Cmdlet("Set-MailboxAutoReplyConfiguration", {"Identity": named(identity), **values})


def get_inbox_rules(mailbox: str, *, anchor: str | None = None) -> Cmdlet:
    """Read the inbox rules, also the hidden ones, which intruders like."""
    return Cmdlet("Get-InboxRule", {"Mailbox": named(mailbox), "IncludeHidden": True}, anchor=anchor)


def remove_inbox_rule(mailbox: str, rule_identity: str, *, anchor: str | None = None) -> Cmdlet:
    """Remove an inbox rule, by the `Identity` that was read. Rules kept in Outlook only go with the first."""
    parameters = {
        "Identity": named(rule_identity),
        "Mailbox": named(mailbox),
        "Force": True,
        "AlwaysDeleteOutlookRulesBlob": True,
        "Confirm": False,
    }
    return Cmdlet("Remove-InboxRule", parameters, anchor=anchor)


def get_mobile_devices(mailbox: str, *, anchor: str | None = None) -> Cmdlet:
    """Read the mobile devices that synchronise with a mailbox."""
    return Cmdlet("Get-MobileDevice", {"Mailbox": named(mailbox), "ResultSize": "Unlimited"}, anchor=anchor)


def remove_mobile_device(device_identity: str, *, anchor: str | None = None) -> Cmdlet:
    """End a device's partnership with the mailbox; wipes nothing."""
    return Cmdlet("Remove-MobileDevice", {"Identity": named(device_identity), "Confirm": False}, anchor=anchor)


def cancel_meetings(identity: str, *, days: int = 730, anchor: str | None = None) -> Cmdlet:
    """Cancel the meetings the mailbox organises in the coming days (at most 1825); the cancellations are queued."""
    parameters = {
        "Identity": named(identity),
        "CancelOrganizedMeetings": True,
        "QueryWindowInDays": days,
        "Confirm": False,
    }
    return Cmdlet("Remove-CalendarEvents", parameters, anchor=anchor)


# Who may do what with a mailbox.


def get_mailbox_permissions(identity: str, user: str | None = None) -> Cmdlet:
    """Read who has access to a mailbox; of one user only, if given."""
    wanted = {} if user is None else {"User": named(user)}
    return Cmdlet("Get-MailboxPermission", {"Identity": named(identity), **wanted})


def add_mailbox_permission(identity: str, user: str, *, automap: bool) -> Cmdlet:
    """Give full access. A person who has it keeps the former auto-mapping: remove it first to change that."""
    parameters = {
        "Identity": named(identity),
        "User": named(user),
        "AccessRights": list(FULL_ACCESS),
        "InheritanceType": "All",
        "AutoMapping": automap,
        "Confirm": False,
    }
    return Cmdlet("Add-MailboxPermission", parameters)


def add_mailbox_rights(identity: str, user: str, rights: Sequence[str]) -> Cmdlet:
    """Give rights on a mailbox back; whether Outlook shows it by itself is not known of a right that was read."""
    parameters = {
        "Identity": named(identity),
        "User": named(user),
        "AccessRights": list(rights),
        "InheritanceType": "All",
        "Confirm": False,
    }
    return Cmdlet("Add-MailboxPermission", parameters)


def remove_mailbox_permission(identity: str, user: str, rights: Sequence[str] = FULL_ACCESS) -> Cmdlet:
    """Take access to a mailbox away; a warning says if there was none."""
    parameters = {
        "Identity": named(identity),
        "User": named(user),
        "AccessRights": list(rights),
        "InheritanceType": "All",
        "Confirm": False,
    }
    return Cmdlet("Remove-MailboxPermission", parameters)


def get_recipient_permissions(trustee: str, identity: str | None = None) -> Cmdlet:
    """Read where a person may send as somebody else: in the whole tenant, or for one recipient."""
    place = {} if identity is None else {"Identity": named(identity)}
    return Cmdlet("Get-RecipientPermission", {**place, "Trustee": named(trustee), "ResultSize": "Unlimited"})


def get_send_as(identity: str) -> Cmdlet:
    """Read who may send as a recipient."""
    return Cmdlet("Get-RecipientPermission", {"Identity": named(identity), "ResultSize": "Unlimited"})


def add_recipient_permission(identity: str, trustee: str) -> Cmdlet:
    """Let a person send as the recipient."""
    return Cmdlet("Add-RecipientPermission", _send_as(identity, trustee))


def remove_recipient_permission(identity: str, trustee: str) -> Cmdlet:
    """No longer let a person send as the recipient; a warning says if they could not."""
    return Cmdlet("Remove-RecipientPermission", _send_as(identity, trustee))


def find_send_on_behalf(distinguished_name: str, cmdlet: str = "Get-Mailbox") -> Cmdlet:
    """Find the mailboxes on whose behalf a person may send.

    Only the distinguished name works in this filter. With `Get-DistributionGroup` or `Get-UnifiedGroup` it finds
    groups.
    """
    condition = f"GrantSendOnBehalfTo -eq {filter_text(named(distinguished_name))}"
    return Cmdlet(cmdlet, {"Filter": condition, "ResultSize": "Unlimited"}, RECIPIENT_PROPERTIES)


def add_send_on_behalf(identity: str, *users: str) -> Cmdlet:
    """Let people send on behalf of a mailbox."""
    return set_mailbox(identity, GrantSendOnBehalfTo=hash_table(add=[named(user) for user in users]))


def add_send_on_behalf_of(identity: str, user: str, cmdlet: str = "Set-Mailbox") -> Cmdlet:
    """Let a person send on behalf of a mailbox or group again; `cmdlet` as of `remove_send_on_behalf`."""
    bypass: JsonObject = {"BypassSecurityGroupManagerCheck": True} if cmdlet == "Set-DistributionGroup" else {}
    change = hash_table(add=[named(user)])
    return Cmdlet(cmdlet, {"Identity": named(identity), "GrantSendOnBehalfTo": change, **bypass})


def remove_send_on_behalf(identity: str, user: str, cmdlet: str = "Set-Mailbox") -> Cmdlet:
    """No longer let a person send on behalf; `cmdlet` is `Set-DistributionGroup` or `Set-UnifiedGroup` for groups.

    Only a manager changes a distribution group, or who may pass that check by (Learn: "Set-DistributionGroup").
    """
    change = hash_table(remove=[named(user)])
    bypass: JsonObject = {"BypassSecurityGroupManagerCheck": True} if cmdlet == "Set-DistributionGroup" else {}
    return Cmdlet(cmdlet, {"Identity": named(identity), "GrantSendOnBehalfTo": change, **bypass})


# Groups, recipients, the tenant.


def remove_distribution_group_member(group: str, member: str) -> Cmdlet:
    """Remove a member from a distribution list or mail-enabled security group; Graph cannot.

    Use object ids: names repeat.
    """
    parameters = {
        "Identity": named(group),
        "Member": named(member),
        "BypassSecurityGroupManagerCheck": True,
        "Confirm": False,
    }
    return Cmdlet("Remove-DistributionGroupMember", parameters)


def add_distribution_group_member(group: str, member: str) -> Cmdlet:
    """Make somebody a member of a distribution list or mail-enabled security group; use object ids."""
    parameters = {
        "Identity": named(group),
        "Member": named(member),
        "BypassSecurityGroupManagerCheck": True,
        "Confirm": False,
    }
    return Cmdlet("Add-DistributionGroupMember", parameters)


def get_recipient(identity: str) -> Cmdlet:
    """Read whether an address or id is a recipient of the tenant, of which kind, and every name Exchange has for it."""
    select = (*RECIPIENT_PROPERTIES, "Identity", "Name", "Alias", "DistinguishedName")
    return Cmdlet("Get-Recipient", {"Identity": named(identity)}, select)


def get_organization_config() -> Cmdlet:
    """Read the tenant's Exchange settings, and which holds cover all its mailboxes."""
    return Cmdlet("Get-OrganizationConfig", select=("Name", "IsDehydrated", "InPlaceHolds"))


def _send_as(identity: str, trustee: str) -> JsonObject:
    return {
        "Identity": named(identity),
        "Trustee": named(trustee),
        "AccessRights": list(SEND_AS),
        "Confirm": False,
    }
