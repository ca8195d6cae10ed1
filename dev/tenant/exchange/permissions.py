"""Rights on mailboxes: full access and send as."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dev.tenant.errors import ExchangeError, not_found
from dev.tenant.exchange import recipients
from dev.tenant.exchange.cmdlet import Rows, Run, as_list, cmdlet
from dev.tenant.population import ace

if TYPE_CHECKING:
    from dev.tenant.state import Group, Mailbox, Tenant

_RIGHTS = {"FullAccess", "ReadPermission", "ChangePermission", "ChangeOwner", "ExternalAccount", "DeleteItem"}
_ALREADY = 'The appropriate access control entry is already present on the object "{}" for account "{}".'
_MOST = 500
"""Entries on one mailbox ("Add-MailboxPermission" on Learn)."""


def _known(tenant: Tenant, identity: str | None) -> str | None:
    """Find whom a filter names; one that names nobody is as good as none, which is what the cmdlets' pages warn of."""
    if not identity:
        return None
    try:
        return recipients.find_id(tenant, identity)
    except ExchangeError:
        return None


def _rights(run: Run) -> list[str]:
    rights = as_list(run["AccessRights"])
    if unknown := set(rights) - _RIGHTS:
        text = f"Cannot bind parameter 'AccessRights'. Cannot convert value \"{unknown.pop()}\"."
        raise ExchangeError("System.Management.Automation.ParameterBindingException", text, unknown=True)
    return rights


def _permission_row(tenant: Tenant, mailbox: Mailbox, entry: dict[str, Any]) -> dict[str, Any]:
    return {
        "Identity": mailbox.Name,
        "User": recipients.trustee(tenant, entry["User"]),
        "AccessRights": list(entry["AccessRights"]),
        "IsInherited": entry["IsInherited"],
        "Deny": entry["Deny"],
        "InheritanceType": entry["InheritanceType"],
    }


@cmdlet("Get-MailboxPermission", "Identity:text User:text ResultSize:size", required="Identity")
def get_mailbox_permission(run: Run) -> Rows:
    """List who may open a mailbox."""
    mailbox = recipients.mailbox(run.tenant, run["Identity"])
    user = _known(run.tenant, run["User"])
    entries = [entry for entry in mailbox.permissions if user is None or entry["User"] == user]
    return [_permission_row(run.tenant, mailbox, entry) for entry in entries]


@cmdlet(
    "Add-MailboxPermission",
    "Identity:text User:text AccessRights:list InheritanceType:text AutoMapping:switch",
    required="Identity User AccessRights",
    writes="Identity",
)
def add_mailbox_permission(run: Run) -> Rows | None:
    """Let somebody open a mailbox; for one who may already, nothing changes, auto-mapping included."""
    mailbox = recipients.mailbox(run.tenant, run["Identity"])
    user, rights = recipients.find(run.tenant, run["User"]), _rights(run)
    granted = [entry for entry in mailbox.permissions if entry["User"] == user.id and not entry["Deny"]]
    if any(set(rights) <= set(entry["AccessRights"]) for entry in granted):
        run.warn(_ALREADY.format(mailbox.Name, user.name))
        return None
    if len(mailbox.permissions) >= _MOST:
        raise ExchangeError(
            "Microsoft.Exchange.Management.RecipientTasks.TooManyAcesException",
            f'The mailbox "{mailbox.Name}" has reached the maximum of {_MOST} access control entries.',
        )
    entry = ace(user.id, rights, automapping=run["AutoMapping"] is not False)
    mailbox.permissions.append(entry)
    return [_permission_row(run.tenant, mailbox, entry)]


@cmdlet(
    "Remove-MailboxPermission",
    "Identity:text User:text AccessRights:list InheritanceType:text Deny:switch BypassMasterAccountSid:switch",
    required="Identity User AccessRights",
    writes="Identity",
)
def remove_mailbox_permission(run: Run) -> None:
    """Take rights on a mailbox away: those that are granted, or with `Deny` those that are denied."""
    mailbox = recipients.mailbox(run.tenant, run["Identity"])
    user, rights = recipients.find(run.tenant, run["User"]), set(_rights(run))
    entries = [
        entry
        for entry in mailbox.permissions
        if entry["User"] == user.id and entry["Deny"] is (run["Deny"] is True) and rights & set(entry["AccessRights"])
    ]
    if not entries:
        run.warn(
            f'Can\'t remove the access control entry on the object "{mailbox.Name}" for account "{user.name}" '
            "because the ACE doesn't exist on the object."
        )
    for entry in entries:
        entry["AccessRights"] = [right for right in entry["AccessRights"] if right not in rights]
        if not entry["AccessRights"]:
            mailbox.permissions.remove(entry)


def _target(tenant: Tenant, identity: str) -> Mailbox | Group:
    found = recipients.find(tenant, identity)
    target = tenant.mailboxes.get(found.id) or tenant.groups.get(found.id)
    if target is None:
        raise not_found(identity)
    return target


def _name(target: Mailbox | Group) -> str:
    return getattr(target, "Name", None) or getattr(target, "mailNickname", "")


def _recipient_row(tenant: Tenant, target: Mailbox | Group, object_id: str) -> dict[str, Any]:
    return {
        "Identity": _name(target),
        "Trustee": recipients.trustee(tenant, object_id),
        "AccessControlType": "Allow",
        "AccessRights": ["SendAs"],
        "IsInherited": False,
        "InheritanceType": "None",
    }


@cmdlet("Get-RecipientPermission", "Identity:text Trustee:text AccessRights:list ResultSize:size")
def get_recipient_permission(run: Run) -> Rows:
    """List who may send as whom, for one recipient or for all, for one trustee or for all."""
    tenant = run.tenant
    targets: list[Mailbox | Group] = [
        *tenant.mailboxes.values(),
        *(each for each in tenant.groups.values() if each.mailEnabled),
    ]
    if run["Identity"]:
        targets = [_target(tenant, run["Identity"])]
    user = _known(tenant, run["Trustee"])
    rows = [
        _recipient_row(tenant, target, each)
        for target in targets
        for each in ([] if user else [recipients.SELF]) + target.send_as
        if user in {None, each}
    ]
    return recipients.limited(run, rows)


@cmdlet(
    "Add-RecipientPermission",
    "Identity:text Trustee:text AccessRights:list",
    required="Identity Trustee AccessRights",
    writes="Identity",
)
def add_recipient_permission(run: Run) -> Rows | None:
    """Let somebody send as a recipient."""
    target = _target(run.tenant, run["Identity"])
    user = recipients.find(run.tenant, run["Trustee"])
    _only_send_as(run)
    if user.id in target.send_as:
        run.warn(_ALREADY.format(_name(target), user.name))
        return None
    target.send_as.append(user.id)
    return [_recipient_row(run.tenant, target, user.id)]


@cmdlet(
    "Remove-RecipientPermission",
    "Identity:text Trustee:text AccessRights:list Deny:switch",
    required="Identity Trustee AccessRights",
    writes="Identity",
)
def remove_recipient_permission(run: Run) -> None:
    """Take the right to send as a recipient away."""
    target = _target(run.tenant, run["Identity"])
    user = recipients.find(run.tenant, run["Trustee"])
    _only_send_as(run)
    if user.id not in target.send_as:
        run.warn(
            f'Can\'t remove the access control entry on the object "{_name(target)}" for account "{user.name}" '
            "because the ACE isn't present."
        )
        return
    target.send_as.remove(user.id)


def _only_send_as(run: Run) -> None:
    if as_list(run["AccessRights"]) != ["SendAs"]:
        text = "Cannot bind parameter 'AccessRights'. The only valid value is \"SendAs\"."
        raise ExchangeError("System.Management.Automation.ParameterBindingException", text, unknown=True)
