"""Take the person out of the groups they are a direct member of."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from shared.actions.catalogue import EXCHANGE_ADMIN, Action, After, Area, graph_permission, register
from shared.actions.directory import memberships
from shared.actions.mailboxes import mail_protection
from shared.actions.outcome import Finding, ItemWords, Outcome, finding_of_state
from shared.actions.reads.account import GROUPS, OWNED_GROUPS, USER
from shared.actions.reads.snapshot import Snapshot, Survey
from shared.actions.restoration import Restoration, members_back, original_of, restores
from shared.microsoft365.http.errors import Category, MicrosoftError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from shared.actions.catalogue import Results, Task, View
    from shared.actions.mailboxes.scan import Scans
    from shared.actions.reads.account import Group
    from shared.actions.reads.snapshot import Read
    from shared.microsoft365.cloud import TenantClients


HIDDEN: Final = Survey[bool]("sees_hidden_groups", "Whether hidden memberships are seen", bool)
SEES_HIDDEN: Final = "Member.Read.Hidden"


@register
class RemoveGroups(Action):
    """Remove each direct membership, and each ownership, through the API its kind of group has.

    Teams count an owner as a member, and an owner need not be a member: so both links go (Learn: "Add or remove members
    and owners of a team"). A group keeps its last owner, because Microsoft does not let it be without, and then that
    owner's membership, too. Groups that give licenses are left to `remove_licenses` where that is selected, too; else
    they go once the mailbox is safe. Dynamic groups follow their rule, synced ones Active Directory. Groups with hidden
    membership are seen with `Member.Read.Hidden` only (Learn: "List a user's direct memberships").
    """

    name = "remove_groups"
    title = "Remove from groups"
    description = "Takes the person out of security groups, Microsoft 365 groups, teams and distribution lists."
    portal_key = "RemoveGroups"
    words = ItemWords("group", "groups", "removed")
    area = Area("Groups", "The person still belongs to it, or owns it.")
    reads = (USER, GROUPS, OWNED_GROUPS, *mail_protection.READS)
    proof = (GROUPS, OWNED_GROUPS)
    permissions = (
        graph_permission("Directory.Read.All"),
        graph_permission("Group.ReadWrite.All"),
        graph_permission("GroupMember.ReadWrite.All"),
        graph_permission(SEES_HIDDEN),
        EXCHANGE_ADMIN,
    )
    after = ("disable_sign_in", After("convert_to_shared", unless="remove_licenses"))
    destructive = True
    removes = True
    undo = (
        "Add the person to the groups of snapshot.groups, and to the owners of those of snapshot.owned_groups, again."
    )

    def survey(self, view: View, clients: TenantClients, scans: Scans) -> Snapshot | None:
        """Find out whether the app is shown groups with hidden membership: their absence says nothing otherwise."""
        del scans
        if HIDDEN.name in view.now.values:
            return None
        return Snapshot({HIDDEN.name: clients.graph.may(SEES_HIDDEN)}, {})

    def reads_later(self, view: View) -> tuple[Read[Any], ...]:
        """Ask for what a license keeps online of a mailbox on-premises."""
        return mail_protection.reads_later(view)

    def judge(self, view: View) -> Sequence[Finding]:
        """Find out which memberships and ownerships are left."""
        now, was = _by_id(view.now.get(GROUPS)), _by_id(view.first.get(GROUPS))
        owned, owned_first = _by_id(view.now.get(OWNED_GROUPS)), _by_id(view.first.get(OWNED_GROUPS))
        findings = [
            _judge(group, view, is_member=group.id in now, was_member=group.id in was) for group in (was | now).values()
        ]
        if "hand_over_ownership" not in view.selected:  # else that step has ended them, and says what came of it
            findings += [
                _judge_owner(group, is_owner=group.id in owned, was_owner=group.id in owned_first)
                for group in (owned_first | owned).values()
            ]
        if view.now.values.get(HIDDEN.name) is False:
            text = f"Groups that hide their members were not looked at: grant the app {SEES_HIDDEN}."
            findings.append(Finding(Outcome.needs_attention, text, "hidden", "Hidden groups", is_unread=True))
        return findings or [Finding(Outcome.already_done, "The person is in no group.")]

    def apply(self, task: Task) -> Results:
        """End the open ownerships, then the open memberships, but not in groups that would be left without an owner."""
        open_items = {finding.item for finding in task.open}
        owned = [g for g in task.view.now.get(OWNED_GROUPS) if g.id + memberships.OWNER in open_items]
        results = memberships.end_ownerships(owned, task.person.id, task.clients)
        kept = {
            item.removesuffix(memberships.OWNER): error
            for item, error in results.items()
            if error and error.category is Category.last_owner
        }
        doomed = [group for group in task.view.now.get(GROUPS) if group.id in open_items]
        results |= {group.id: kept[group.id] for group in doomed if group.id in kept}
        leaving = [group for group in doomed if group.id not in kept]
        return results | memberships.remove(leaving, task.person.id, task.clients)

    def settle_error(self, finding: Finding, error: MicrosoftError) -> Finding | None:
        """Say of a group whose last owner is leaving what a person does."""
        if error.category is not Category.last_owner:
            return None
        text = "The person is its last owner and stays in it: make somebody else an owner, then take the person out."
        return Finding(Outcome.needs_attention, text, finding.item, finding.name)


def _by_id(groups: Iterable[Group]) -> dict[str, Group]:
    return {group.id: group for group in groups}


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
    return finding_of_state(
        before=not was_member,
        now=not is_member,
        done="Removed.",
        already="The person was not a member.",
        item=group.id,
        name=group.name,
    )


def _judge_owner(group: Group, *, is_owner: bool, was_owner: bool) -> Finding:
    item, name = group.id + memberships.OWNER, f"{group.name} (owner)"
    if is_owner and group.is_synced:
        text = "It is synchronised: name another owner in Active Directory."
        return Finding(Outcome.needs_attention, text, item, name)
    if is_owner and group.is_exchange_group:
        return Finding(Outcome.needs_attention, "Name another owner in the Exchange admin center.", item, name)
    return finding_of_state(
        before=not was_owner,
        now=not is_owner,
        done="No longer an owner.",
        already="The person was no owner.",
        item=item,
        name=name,
    )


@restores(RemoveGroups)
class RejoinGroups(Restoration):
    """Make the person a member of the groups again that the offboarding took them out of."""

    reads = (USER, GROUPS, OWNED_GROUPS)
    proof = (GROUPS, OWNED_GROUPS)

    def judge(self, view: View) -> Sequence[Finding]:
        """Find out which memberships and ownerships are back."""
        return members_back(
            view,
            were=True,
            before=_links(view.first),
            now=_links(view.now),
            done="Back again.",
            already="Back already.",
        )

    def apply(self, task: Task) -> Results:
        """Add the person to the groups that are left."""
        wanted = {finding.item for finding in task.open}
        first = original_of(task.view).first
        owned = [group for group in first.get(OWNED_GROUPS) if group.id + memberships.OWNER in wanted]
        groups = [group for group in first.get(GROUPS) if group.id in wanted]
        return memberships.own_again(owned, task.person.id, task.clients) | memberships.add(
            groups, task.person.id, task.clients
        )

    def settle_error(self, finding: Finding, error: MicrosoftError) -> Finding | None:
        """Say of a group that is gone that nobody can bring the membership back."""
        if error.category is Category.not_found:
            return Finding(Outcome.needs_attention, "The group no longer exists.", finding.item, finding.name)
        return None


def _links(snapshot: Snapshot) -> set[str]:
    owned = {group.id + memberships.OWNER for group in snapshot.get(OWNED_GROUPS)}
    return owned | {group.id for group in snapshot.get(GROUPS)}
