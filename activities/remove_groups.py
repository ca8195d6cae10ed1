"""Take the person out of the groups they are a direct member of."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.actions import memberships
from shared.actions.catalogue import EXCHANGE_ADMIN, Action, After, graph_permission, register
from shared.actions.mailboxes import mail_protection
from shared.actions.outcome import Finding, Outcome, compared
from shared.actions.reads.account import GROUPS, USER
from shared.actions.restoration import Restoration, members_back, original_of, restores
from shared.microsoft365.http.errors import Category, MicrosoftError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shared.actions.catalogue import Results, Task, View
    from shared.actions.reads.account import Group


@register
class RemoveGroups(Action):
    """Remove each direct membership by the door its kind of group has.

    Groups that give licenses are left to `remove_licenses` where that is selected, too; else they go once the mailbox
    is safe. Dynamic groups follow their rule, synced ones Active Directory.
    """

    name = "remove_groups"
    title = "Remove from groups"
    description = "Takes the person out of security groups, Microsoft 365 groups, teams and distribution lists."
    portal_key = "RemoveGroups"
    reads = (USER, GROUPS, *mail_protection.READS)
    proof = (GROUPS,)
    permissions = (
        graph_permission("Directory.Read.All"),
        graph_permission("GroupMember.ReadWrite.All"),
        EXCHANGE_ADMIN,
    )
    after = ("disable_sign_in", After("convert_to_shared", unless="remove_licenses"))
    destructive = True
    removes = True
    undo = "Add the person to the groups of snapshot.groups again."

    def judge(self, view: View) -> Sequence[Finding]:
        """Find out which memberships are left."""
        now = {group.id: group for group in view.now.get(GROUPS)}
        was = {group.id: group for group in view.first.get(GROUPS)}
        groups = list((was | now).values())
        if not groups:
            return [Finding(Outcome.already_done, "The person is in no group.")]
        return [_judge(group, view, is_member=group.id in now, was_member=group.id in was) for group in groups]

    def apply(self, task: Task) -> Results:
        """Remove the open memberships."""
        groups = {group.id: group for group in task.view.now.get(GROUPS)}
        doomed = [groups[finding.item] for finding in task.open if finding.item in groups]
        return memberships.remove(doomed, task.person.id, task.clients)


def _judge(group: Group, view: View, *, is_member: bool, was_member: bool) -> Finding:
    left = memberships.cannot_be_removed(group)
    if left and (is_member or group.is_dynamic):
        return Finding(left[0], left[1], group.id, group.name)
    if group.gives_licenses and "remove_licenses" in view.selected:
        return Finding(Outcome.not_applicable, "It gives licenses: left to that step.", group.id, group.name)
    if is_member and group.gives_licenses:
        danger = mail_protection.danger(view)
        if danger:
            message = f"It gives licenses. {danger}"
            return Finding(Outcome.needs_attention, message, group.id, group.name)
    return compared(
        before=not was_member,
        now=not is_member,
        done="Removed.",
        already="The person was not a member.",
        item=group.id,
        name=group.name,
    )


@restores(RemoveGroups)
class RejoinGroups(Restoration):
    """Make the person a member of the groups again that the offboarding took them out of."""

    reads = (USER, GROUPS)
    proof = (GROUPS,)

    def judge(self, view: View) -> Sequence[Finding]:
        """Find out which memberships are back."""
        return members_back(
            view,
            were=True,
            before={group.id for group in view.first.get(GROUPS)},
            now={group.id for group in view.now.get(GROUPS)},
            done="A member again.",
            already="A member already.",
        )

    def apply(self, task: Task) -> Results:
        """Add the person to the groups that are left."""
        wanted = {finding.item for finding in task.open}
        groups = [group for group in original_of(task.view).first.get(GROUPS) if group.id in wanted]
        return memberships.add(groups, task.person.id, task.clients)

    def settle_error(self, finding: Finding, error: MicrosoftError) -> Finding | None:
        """Say of a group that is gone that nobody can bring the membership back."""
        if error.category is Category.not_found:
            return Finding(Outcome.needs_attention, "The group no longer exists.", finding.item, finding.name)
        return None
