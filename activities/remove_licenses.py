"""Take the licenses back: those assigned to the person, and the groups that give them some."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from shared.actions.catalogue import EXCHANGE_ADMIN, Action, Area, graph_permission, register
from shared.actions.directory import license_names, memberships
from shared.actions.mailboxes import mail_protection
from shared.actions.outcome import Finding, ItemWords, Outcome, finding_of_state
from shared.actions.reads.account import GROUPS, USER
from shared.actions.reads.snapshot import Read
from shared.actions.restoration import Restoration, members_back, original_of, restores
from shared.microsoft365.graph import graph_calls
from shared.microsoft365.http.errors import Category, MicrosoftError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from shared.actions.catalogue import Results, Task, View
    from shared.actions.reads.account import Group, License, User
    from shared.microsoft365.graph.graph_calls import GraphCall

_ASSIGN: Final = "assign"
"""Id of the one call that takes back every direct license."""
_PROCESS: Final = "process"
"""Id of the call that has inherited licenses processed again."""


def _names(raw: Any) -> Mapping[str, str]:  # noqa: ANN401 - Microsoft's JSON
    return raw or {}


SKU_NAMES = Read(
    "skus",
    "The names of the licenses",
    "graph",
    lambda _: graph_calls.get_subscribed_skus(),
    _names,
    lambda page, _: {sku["skuId"]: sku["skuPartNumber"] for sku in page["value"]},
)


@register
class RemoveLicenses(Action):
    """Remove direct licenses in one call, and the memberships that give inherited ones.

    All direct licenses go in one call, so that none is refused for another that depends on it. An inherited license
    cannot be taken from the person, only with the group (Learn: "assignLicense"); Entra follows within minutes, and
    where it could not, only when it is asked to process the person's licenses again (Learn: "Identify and resolve
    license assignment problems for a group"). A direct license that an inherited one depends on goes after that.
    """

    name = "remove_licenses"
    title = "Remove licenses"
    description = "Takes back every license, once the mail is safe without."
    portal_key = "RemoveLicenses"
    words = ItemWords("license", "licenses", "removed")
    area = Area("Licenses", "It is still assigned.")
    reads = (USER, GROUPS, SKU_NAMES, *mail_protection.READS)
    permissions = (
        graph_permission("LicenseAssignment.ReadWrite.All"),
        graph_permission("GroupMember.ReadWrite.All"),
        EXCHANGE_ADMIN,
    )
    after = (
        "remove_groups",
        "hide_from_address_lists",
        "remove_mailbox_permissions",
        "remove_calendar_permissions",
        "remove_inbox_rules",
        "remove_mobile_devices",
        "remove_teams_number",
        "grant_mailbox_access",
        "grant_mailbox_access_automap",
        "grant_send_as",
        "grant_send_on_behalf",
        "grant_onedrive_access",
        "disable_onedrive_sharing",
        "forward_email",
        "disable_forwarding",
        "set_out_of_office",
    )
    requires = ("convert_to_shared", "cancel_meetings")
    warns_without = MappingProxyType(
        {
            "convert_to_shared": "A user mailbox without a license is deleted after 30 days: licenses stay unless the "
            "mailbox is shared already or the user is deleted, too.",
        }
    )
    destructive = True
    removes = True
    changes_account = True
    undo = "Assign the licenses of snapshot.user.licenseAssignmentStates again."

    def reads_later(self, view: View) -> tuple[Read[Any], ...]:
        """Ask for what a license keeps online of a mailbox on-premises."""
        return mail_protection.reads_later(view)

    def judge(self, view: View) -> Sequence[Finding]:
        """Find out which licenses are left."""
        user, was = view.now.get(USER), view.first.get(USER)
        now, before = (user.licenses if user else ()), (was.licenses if was else ())
        licenses = list(dict.fromkeys((*now, *before)))
        if not licenses:
            return [Finding(Outcome.already_done, "The person has no license.")]
        danger = mail_protection.danger(view) if now else None
        if danger:
            return [Finding(Outcome.skipped, f"The licenses stay. {danger}", blocked_by=("mail_protection",))]
        groups = {group.id: group for group in (*view.first.get(GROUPS), *view.now.get(GROUPS))}
        names = _names(view.now.values.get(SKU_NAMES.name))
        return [
            _judge(assignment, groups, names, has=assignment in now, had=assignment in before)
            for assignment in licenses
        ]

    def apply(self, task: Task) -> Results:
        """Take back the open licenses: everything that goes through Graph in one batch."""
        user = task.view.now.get(USER)
        open_items = {finding.item for finding in task.open}
        licenses = [assignment for assignment in (user.licenses if user else ()) if _item(assignment) in open_items]
        direct = [assignment.sku for assignment in licenses if assignment.group is None]
        giving = {assignment.group for assignment in licenses if assignment.group}
        groups = [group for group in task.view.now.get(GROUPS) if group.id in giving]
        more = [(_ASSIGN, graph_calls.assign_license(task.person.id, direct))] if direct else []
        if giving - {group.id for group in groups}:
            more.append((_PROCESS, graph_calls.reprocess_licenses(task.person.id)))
        said = memberships.remove(groups, task.person.id, task.clients, more)
        refused = said.get(_ASSIGN)
        if refused and refused.category is Category.license_dependency and giving:
            said[_ASSIGN] = None
        return {_item(assignment): _answer(said, assignment) for assignment in licenses}

    def insists_on(self, view: View, missing: Sequence[Finding]) -> Sequence[GraphCall]:
        """Take back direct licenses that others depended on, and have stuck ones processed again."""
        user, items = view.now.get(USER), {finding.item for finding in missing}
        left = [assignment for assignment in (user.licenses if user else ()) if _item(assignment) in items]
        direct = [assignment.sku for assignment in left if assignment.group is None]
        calls = [graph_calls.assign_license(view.person.id, direct)] if direct else []
        if any(assignment.group and assignment.is_stuck for assignment in left):
            calls.append(graph_calls.reprocess_licenses(view.person.id))
        return calls


def _item(assignment: License) -> str:
    return f"{assignment.sku}/{assignment.group or _ASSIGN}"


def _answer(said: Results, assignment: License) -> MicrosoftError | None:
    if assignment.group is None:
        return said.get(_ASSIGN)
    return said[assignment.group] if assignment.group in said else said.get(_PROCESS)


def _judge(
    assignment: License, groups: Mapping[str, Group], names: Mapping[str, str], *, has: bool, had: bool
) -> Finding:
    name = license_names.named(assignment.sku, names.get(assignment.sku, ""))
    if assignment.group is None:
        return finding_of_state(
            before=not had, now=not has, done="Removed.", already="", item=_item(assignment), name=name
        )
    group = groups.get(assignment.group)
    giver = group.name if group else assignment.group
    name = f"{name} (from {giver})"
    left = memberships.cannot_be_removed(group) if group else None
    if has and group is None and not assignment.is_stuck:
        text = (
            "It comes from a group the person is not in: see under Licenses in the Entra admin center why it is there."
        )
        return Finding(Outcome.needs_attention, text, _item(assignment), name)
    if has and left:
        return Finding(Outcome.needs_attention, f"{giver} gives it. {left[1]}", _item(assignment), name)
    done = f"Removed with the membership in {giver}."
    return finding_of_state(before=not had, now=not has, done=done, already="", item=_item(assignment), name=name)


@restores(RemoveLicenses)
class GiveLicenses(Restoration):
    """Assign the direct licenses again with their switched-off plans, and join the groups that give the others."""

    reads = (USER, GROUPS)

    def judge(self, view: View) -> Sequence[Finding]:
        """Find out which licenses are back."""
        return members_back(
            view,
            were=True,
            before=_items(view.first.get(USER)),
            now=_items(view.now.get(USER)),
            done="Assigned again.",
            already="Assigned already.",
        )

    def apply(self, task: Task) -> Results:
        """Assign them all at once, or one by one where that is refused: one that is used up stops no other."""
        first, wanted = original_of(task.view).first, {finding.item for finding in task.open}
        was = first.get(USER)
        licenses = [one for one in (was.licenses if was else ()) if _item(one) in wanted]
        direct = [(one.sku, one.disabled_plans) for one in licenses if one.group is None]
        giving = {one.group for one in licenses if one.group}
        said = _give(task, direct)
        joined = memberships.add(
            [group for group in first.get(GROUPS) if group.id in giving], task.person.id, task.clients
        )
        return {_item(one): joined.get(one.group) if one.group else said[one.sku] for one in licenses}

    def settle_error(self, finding: Finding, error: MicrosoftError) -> Finding | None:
        """Say what has to be bought, or of a group that is gone that it gives nothing any more."""
        if error.category is Category.no_license_left:
            text = "The tenant has none of these licenses left: buy or free one, and restore again."
            return Finding(Outcome.needs_attention, text, finding.item, finding.name)
        if error.category is Category.not_found:
            return Finding(Outcome.needs_attention, "The group that gave it no longer exists.", finding.item)
        return None


def _items(user: User | None) -> set[str]:
    return {_item(one) for one in user.licenses} if user else set()


def _give(task: Task, licenses: list[tuple[str, tuple[str, ...]]]) -> dict[str, MicrosoftError | None]:
    graph, said = task.clients.graph, dict[str, "MicrosoftError | None"]()
    for together in (licenses, *([one] for one in licenses)):
        missing = [one for one in together if one[0] not in said or len(together) == 1]
        if not missing or any(one[0] in said and said[one[0]] is None for one in missing):
            continue
        try:
            graph.send(graph_calls.give_licenses(task.person.id, missing))
        except MicrosoftError as error:
            if error.retryable:
                raise
            said |= {sku: error for sku, _ in missing}
        else:
            said |= {sku: None for sku, _ in missing}
    return said
