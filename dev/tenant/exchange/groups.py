"""Groups as Exchange sees them: distribution lists, mail-enabled security groups, Microsoft 365 groups' mail."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dev.tenant.errors import ExchangeError, not_found, out_of_scope
from dev.tenant.exchange import recipients
from dev.tenant.exchange.cmdlet import NOTHING_CHANGED, Rows, Run, changed, cmdlet
from dev.tenant.licensing import joined_group, left_group

if TYPE_CHECKING:
    from dev.tenant.state import Group, Tenant


def _group(tenant: Tenant, identity: str, *, unified: bool) -> Group:
    group = tenant.groups.get(recipients.find_id(tenant, identity))
    if group is None or ("Unified" in group.groupTypes) != unified:
        raise not_found(identity)
    return group


def _row(tenant: Tenant, group: Group) -> dict[str, Any]:
    return {
        "Identity": group.mailNickname,
        "Name": group.mailNickname,
        "Alias": group.mailNickname,
        "DisplayName": group.displayName,
        "PrimarySmtpAddress": group.mail,
        "ExternalDirectoryObjectId": group.id,
        "Guid": group.id,
        "DistinguishedName": group.DistinguishedName,
        "RecipientTypeDetails": recipients.of_group(group).kind,
        "HiddenFromAddressListsEnabled": group.HiddenFromAddressListsEnabled,
        "GrantSendOnBehalfTo": recipients.names(tenant, group.GrantSendOnBehalfTo),
        "IsDirSynced": bool(group.onPremisesSyncEnabled),
        "ManagedBy": recipients.names(tenant, group.owners),
        "grantees": group.GrantSendOnBehalfTo,
    }


def _list(run: Run, *, unified: bool) -> Rows:
    if run["Identity"]:
        found = [_group(run.tenant, run["Identity"], unified=unified)]
    else:
        mail = [group for group in run.tenant.groups.values() if group.mailEnabled]
        found = [group for group in mail if ("Unified" in group.groupTypes) == unified]
    rows = [_row(run.tenant, group) for group in found]
    if run["Filter"]:
        rows = [row for row in rows if recipients.matches(run["Filter"], row, run.tenant)]
    for row in rows:
        del row["grantees"]
    return recipients.limited(run, rows)


@cmdlet("Get-DistributionGroup", "Identity:text Filter:text ResultSize:size")
def get_distribution_group(run: Run) -> Rows:
    """List distribution lists and mail-enabled security groups."""
    return _list(run, unified=False)


@cmdlet("Get-UnifiedGroup", "Identity:text Filter:text ResultSize:size")
def get_unified_group(run: Run) -> Rows:
    """List Microsoft 365 groups."""
    return _list(run, unified=True)


def _set(run: Run, *, unified: bool) -> None:
    group = _group(run.tenant, run["Identity"], unified=unified)
    wanted: dict[str, Any] = {}
    if "GrantSendOnBehalfTo" in run:
        wanted["GrantSendOnBehalfTo"] = changed(
            group.GrantSendOnBehalfTo, run["GrantSendOnBehalfTo"], lambda each: recipients.find_id(run.tenant, each)
        )
    if "HiddenFromAddressListsEnabled" in run:
        wanted["HiddenFromAddressListsEnabled"] = run["HiddenFromAddressListsEnabled"]
    changes = {name: value for name, value in wanted.items() if getattr(group, name) != value}
    if changes and group.onPremisesSyncEnabled:
        raise out_of_scope(run.name, next(iter(changes)), group.mailNickname)
    for name, value in changes.items():
        setattr(group, name, value)
    if not changes:
        run.warn(NOTHING_CHANGED.format(group.mailNickname))


_SETTINGS = "Identity:text GrantSendOnBehalfTo:hash HiddenFromAddressListsEnabled:switch"


@cmdlet("Set-DistributionGroup", f"{_SETTINGS} BypassSecurityGroupManagerCheck:switch", required="Identity")
def set_distribution_group(run: Run) -> None:
    """Change a distribution list or a mail-enabled security group."""
    _manager_check(run)
    _set(run, unified=False)


@cmdlet("Set-UnifiedGroup", _SETTINGS, required="Identity")
def set_unified_group(run: Run) -> None:
    """Change the mail side of a Microsoft 365 group."""
    _set(run, unified=True)


def _manager_check(run: Run) -> None:
    """Let only a group's manager change it, or one who may pass that check by (the switch's description on Learn)."""
    if not run["BypassSecurityGroupManagerCheck"]:
        raise ExchangeError(
            "Microsoft.Exchange.Configuration.Tasks.OperationRequiresGroupManagerException",
            "You don't have sufficient permissions. This operation can only be performed by a manager of the group.",
        )
    if "Exchange Administrator" not in run.tenant.app.entra_roles:
        raise ExchangeError(
            "System.Management.Automation.ParameterBindingException",
            "A parameter cannot be found that matches parameter name 'BypassSecurityGroupManagerCheck'.",
        )


@cmdlet("Get-DistributionGroupMember", "Identity:text ResultSize:size", required="Identity")
def get_member(run: Run) -> Rows:
    """List the members."""
    group = _group(run.tenant, run["Identity"], unified=False)
    rows = []
    for user in run.tenant.live_members(group):
        found = recipients.find(run.tenant, user.id)
        rows.append(
            {
                "Identity": found.name,
                "Name": found.name,
                "DisplayName": found.display_name,
                "PrimarySmtpAddress": found.smtp,
                "ExternalDirectoryObjectId": found.id,
                "RecipientTypeDetails": found.kind,
            }
        )
    return recipients.limited(run, rows)


@cmdlet(
    "Remove-DistributionGroupMember",
    "Identity:text Member:text BypassSecurityGroupManagerCheck:switch",
    required="Identity Member",
)
def remove_member(run: Run) -> None:
    """Take a member out."""
    group = _group(run.tenant, run["Identity"], unified=False)
    member = recipients.find(run.tenant, run["Member"])
    _manager_check(run)
    if group.onPremisesSyncEnabled:
        raise out_of_scope(run.name, "Members", group.mailNickname)
    if member.id not in group.members:
        raise ExchangeError(
            "Microsoft.Exchange.Management.Tasks.MemberNotFoundException",
            f'The recipient "{member.name}" isn\'t a member of the group "{group.mailNickname}".',
        )
    group.members.remove(member.id)
    left_group(run.tenant, group, run.tenant.users[member.id])


@cmdlet(
    "Add-DistributionGroupMember",
    "Identity:text Member:text BypassSecurityGroupManagerCheck:switch",
    required="Identity Member",
)
def add_member(run: Run) -> None:
    """Put a member in."""
    group = _group(run.tenant, run["Identity"], unified=False)
    member = recipients.find(run.tenant, run["Member"])
    _manager_check(run)
    if group.onPremisesSyncEnabled:
        raise out_of_scope(run.name, "Members", group.mailNickname)
    if member.id in group.members:
        raise ExchangeError(
            "Microsoft.Exchange.Management.Tasks.MemberAlreadyExistsException",
            f'The recipient "{member.name}" is already a member of the group "{group.mailNickname}".',
        )
    group.members.append(member.id)
    joined_group(run.tenant, group, run.tenant.users[member.id])
