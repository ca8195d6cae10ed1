"""Finding who an identity stands for, and showing people and groups as Exchange names them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from dev.tenant.errors import ExchangeError, not_found, out_of_scope
from dev.tenant.exchange.cmdlet import Rows, Run, as_list, cmdlet
from dev.tenant.graph.schema import sid

if TYPE_CHECKING:
    from dev.tenant.state import Contact, Group, Mailbox, Tenant, User

_MAIL_USERS = ("GuestMailUser", "MailUser")
SELF = "NT AUTHORITY\\SELF"


@dataclass(frozen=True)
class Recipient:
    """Anything that an identity can stand for."""

    id: str
    kind: str
    """RecipientTypeDetails; "User" is an account that is no recipient."""
    name: str
    """Exchange's own: of newer mailboxes a GUID, of groups neither the alias nor the display name."""
    alias: str
    display_name: str
    smtp: str | None
    distinguished_name: str | None
    keys: frozenset[str]


def of_mailbox(tenant: Tenant, mailbox: Mailbox) -> Recipient:
    """Show a mailbox as a recipient."""
    user = (
        tenant.users.get(mailbox.ExternalDirectoryObjectId) or tenant.deleted_users[mailbox.ExternalDirectoryObjectId]
    )
    addresses = [address.split(":", 1)[1] for address in user.proxyAddresses]
    keys = [
        user.id,
        user.userPrincipalName,
        user.displayName,
        mailbox.Guid,
        mailbox.ExchangeGuid,
        mailbox.DistinguishedName,
        mailbox.PrimarySmtpAddress,
        mailbox.Name,
        mailbox.Alias,
        *addresses,
    ]
    smtp, kind = mailbox.PrimarySmtpAddress, mailbox.RecipientTypeDetails
    name, alias = mailbox.Name, mailbox.Alias
    return Recipient(user.id, kind, name, alias, user.displayName, smtp, mailbox.DistinguishedName, _keys(keys))


def of_group(group: Group) -> Recipient:
    """Show a mail-enabled group as a recipient."""
    name, alias = group_name(group), group.mailNickname
    keys = [group.id, name, group.displayName, alias, group.mail or "", group.DistinguishedName]
    kind = "GroupMailbox" if "Unified" in group.groupTypes else "MailUniversalDistributionGroup"
    if group.securityEnabled and kind != "GroupMailbox":
        kind = "MailUniversalSecurityGroup"
    return Recipient(group.id, kind, name, alias, group.displayName, group.mail, group.DistinguishedName, _keys(keys))


def group_name(group: Group) -> str:
    """Return the name of a group in Exchange, which is made of its alias and a suffix."""
    return f"{group.mailNickname}_{group.id[:8]}"


def of_contact(contact: Contact) -> Recipient:
    """Show a mail contact: an address of somebody outside, which the directory's users do not contain."""
    keys = _keys([contact.id, contact.Name, contact.Alias, contact.mail, contact.DistinguishedName])
    name = contact.Name
    return Recipient(
        contact.id, "MailContact", name, contact.Alias, name, contact.mail, contact.DistinguishedName, keys
    )


def of_user(user: User) -> Recipient:
    """Show an account without a mailbox; a guest with an address is a mail user."""
    kind = "GuestMailUser" if user.userType == "Guest" and user.mail else "User"
    if user.onPremisesSyncEnabled and user.mail:  # the mailbox is on-premises
        kind = "MailUser"
    keys = [user.id, user.userPrincipalName, user.displayName, user.mail or ""]
    upn = user.userPrincipalName
    return Recipient(user.id, kind, upn, upn, user.displayName, user.mail, None, _keys(keys))


def _keys(values: list[str]) -> frozenset[str]:
    return frozenset(value.casefold() for value in values if value)


def everyone(tenant: Tenant) -> list[Recipient]:
    """List every recipient and every other account."""
    found = [of_mailbox(tenant, mailbox) for mailbox in tenant.mailboxes.values()]
    found += [of_group(group) for group in tenant.groups.values() if group.mailEnabled]
    found += [of_contact(contact) for contact in tenant.contacts.values()]
    return found + [of_user(user) for user in tenant.users.values() if user.id not in tenant.mailboxes]


def find(tenant: Tenant, identity: str) -> Recipient:
    """Find the one object that an identity stands for."""
    if identity in tenant.mailboxes:
        return of_mailbox(tenant, tenant.mailboxes[identity])
    # A user principal name is nobody else's: no need to look through everyone, which takes long in a large tenant.
    user = tenant.find_user(identity) if "@" in identity else None
    if user is not None:
        return of_mailbox(tenant, tenant.mailboxes[user.id]) if user.id in tenant.mailboxes else of_user(user)
    wanted = identity.casefold()
    found = [recipient for recipient in everyone(tenant) if wanted in recipient.keys]
    if len(found) > 1:
        raise ExchangeError(
            "Microsoft.Exchange.Configuration.Tasks.ManagementObjectAmbiguousException",
            f"The operation couldn't be performed because '{identity}' matches multiple entries.",
        )
    if not found:
        raise not_found(identity)
    return found[0]


def find_id(tenant: Tenant, identity: str) -> str:
    """Find the object id that an identity stands for."""
    return find(tenant, identity).id


def mailbox(tenant: Tenant, identity: str) -> Mailbox:
    """Find the mailbox that an identity stands for."""
    found = tenant.mailboxes.get(identity) or tenant.mailboxes.get(find(tenant, identity).id)
    if found is None:
        raise not_found(identity)
    return found


def trustee(tenant: Tenant, object_id: str) -> str:
    """Name the holder of a right: an account by its UPN while it lives, by its security identifier afterwards."""
    if object_id in tenant.users:
        return tenant.users[object_id].userPrincipalName
    if object_id in tenant.groups:
        return tenant.groups[object_id].displayName
    return object_id if object_id.startswith(("NT AUTHORITY", "S-1-")) else sid(object_id)


def names(tenant: Tenant, object_ids: list[str]) -> list[str]:
    """Name the people on a list such as GrantSendOnBehalfTo: by their Name in Exchange."""
    return [_name(tenant, each) for each in object_ids]


def _name(tenant: Tenant, object_id: str) -> str:
    if object_id in tenant.mailboxes:
        return tenant.mailboxes[object_id].Name
    if object_id in tenant.contacts:
        return tenant.contacts[object_id].Name
    if object_id in tenant.groups and tenant.groups[object_id].mailEnabled:
        return group_name(tenant.groups[object_id])
    return trustee(tenant, object_id)


def matches(filter_text: str, row: dict[str, Any], tenant: Tenant) -> bool:
    """Apply an OPATH filter: comparisons with -eq, -ne or -like, joined by -and ("Filterable properties" on Learn)."""
    return all(
        _holds(clause, row, tenant)
        for clause in re.split(r"\s+-and\s+", filter_text.strip().strip("{}"), flags=re.IGNORECASE)
    )


def _holds(clause: str, row: dict[str, Any], tenant: Tenant) -> bool:
    match = re.fullmatch(r"\s*\(?\s*(\w+)\s+-(eq|ne|like)\s+('(?:[^']|'')*'|\$\w+)\s*\)?\s*", clause, re.IGNORECASE)
    if not match or match[1] not in row:
        raise ExchangeError(
            "Microsoft.Exchange.Data.Directory.FilterParsingException",
            f'Invalid filter syntax. For a description of the filter parameter syntax see the command help. "{clause}"',
            unknown=True,
        )
    name, operator, text = match[1], match[2].lower(), match[3]
    wanted = {"$true": "true", "$false": "false", "$null": ""}.get(
        text.lower(), text.strip("'").replace("''", "'")
    ).casefold()
    value = row[name]
    if name == "ForwardingAddress":
        target = row["forwarding"]
        values = [find(tenant, target).distinguished_name or ""] if target else [""]
    elif name == "GrantSendOnBehalfTo":
        values = [find(tenant, each).distinguished_name or "" for each in row["grantees"] if each in tenant.mailboxes]
    else:
        values = [str(each) for each in value] if isinstance(value, list) else ["" if value is None else str(value)]
    folded = [each.casefold() for each in values]
    if operator == "like":
        pattern = ".*".join(re.escape(part) for part in wanted.split("*"))
        return any(re.fullmatch(pattern, each) for each in folded)
    return (wanted in folded) == (operator == "eq")


def limited(run: Run, rows: Rows) -> Rows:
    """Apply ResultSize; without it a list is cut at a thousand."""
    size = run["ResultSize"]
    most = len(rows) if size == "Unlimited" else size or 1000
    if len(rows) > most:
        run.warn(
            "There are more results available than are currently displayed. To view them, increase the value for the "
            "ResultSize parameter."
        )
    return rows[:most]


@cmdlet("Get-Recipient", "Identity:text ResultSize:size Filter:text RecipientTypeDetails:list")
def get_recipient(run: Run) -> Rows:
    """List everything that mail can be sent to."""
    found = [find(run.tenant, run["Identity"])] if run["Identity"] else everyone(run.tenant)
    kinds = as_list(run["RecipientTypeDetails"])
    rows = [
        {
            "Identity": each.name,
            "Name": each.name,
            "Alias": each.alias,
            "DisplayName": each.display_name,
            "PrimarySmtpAddress": each.smtp,
            "RecipientTypeDetails": each.kind,
            "ExternalDirectoryObjectId": "" if each.kind == "MailContact" else each.id,
            "DistinguishedName": each.distinguished_name,
        }
        for each in found
        if each.kind != "User" and (not kinds or each.kind in kinds)
    ]
    if run["Identity"] and not rows:
        raise not_found(run["Identity"])
    if run["Filter"]:
        rows = [row for row in rows if matches(run["Filter"], row, run.tenant)]
    return limited(run, rows)


@cmdlet("Get-User", "Identity:text ResultSize:size")
def get_user(run: Run) -> Rows:
    """List the accounts, recipients or not."""
    found = [find(run.tenant, run["Identity"])] if run["Identity"] else everyone(run.tenant)
    users = [run.tenant.users[each.id] for each in found if each.id in run.tenant.users]
    rows = [
        {
            "Identity": user.userPrincipalName,
            "UserPrincipalName": user.userPrincipalName,
            "DisplayName": user.displayName,
            "ExternalDirectoryObjectId": user.id,
            "AccountDisabled": not user.accountEnabled,
        }
        for user in users
    ]
    if run["Identity"] and not rows:
        raise not_found(run["Identity"])
    return limited(run, rows)


@cmdlet("Get-MailUser", "Identity:text ResultSize:size")
def get_mail_user(run: Run) -> Rows:
    """List the mail users: guests, and people whose mailbox is on-premises."""
    found = [find(run.tenant, run["Identity"])] if run["Identity"] else everyone(run.tenant)
    rows = [
        {
            "Identity": each.name,
            "DisplayName": each.display_name,
            "PrimarySmtpAddress": each.smtp,
            "RecipientTypeDetails": each.kind,
            "ExternalDirectoryObjectId": each.id,
            "HiddenFromAddressListsEnabled": run.tenant.users[each.id].HiddenFromAddressListsEnabled,
            "ArchiveGuid": run.tenant.users[each.id].ArchiveGuid,
        }
        for each in found
        if each.kind in _MAIL_USERS
    ]
    if run["Identity"] and not rows:
        raise not_found(run["Identity"])
    return limited(run, rows)


@cmdlet("Set-MailUser", "Identity:text HiddenFromAddressListsEnabled:switch", required="Identity")
def set_mail_user(run: Run) -> None:
    """Hide a guest from the address lists."""
    found = find(run.tenant, run["Identity"])
    if found.kind not in _MAIL_USERS:
        raise not_found(run["Identity"])
    if found.kind == "MailUser":
        raise out_of_scope(run.name, "HiddenFromAddressListsEnabled", found.name)
    if "HiddenFromAddressListsEnabled" in run:
        run.tenant.users[found.id].HiddenFromAddressListsEnabled = run["HiddenFromAddressListsEnabled"]


@cmdlet("Get-OrganizationConfig", "")
def get_organization_config(run: Run) -> Rows:
    """Read the organisation's settings."""
    return [
        {
            "Identity": run.tenant.initial_domain,
            "Name": run.tenant.initial_domain,
            "DisplayName": run.tenant.displayName,
            "Guid": run.tenant.id,
            "IsDehydrated": False,
            "InPlaceHolds": list(run.tenant.InPlaceHolds),
        }
    ]
