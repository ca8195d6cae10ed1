"""Disable the computers and phones that the person registered."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from shared.actions.catalogue import Action, Area, graph_permission, register, results_of
from shared.actions.outcome import Finding, ItemWords, Outcome, finding_of_state
from shared.actions.reads.account import USER
from shared.actions.reads.snapshot import Person, Read
from shared.actions.restoration import Restoration, members_back, restores
from shared.microsoft365.graph import rights_calls
from shared.microsoft365.http.errors import Category, MicrosoftError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shared.actions.catalogue import Results, Task, View
    from shared.actions.reads.snapshot import Snapshot

_HYBRID: Final = "ServerAd"


@dataclass(frozen=True)
class _Device:
    """A device in the directory; `enabled` is None where the app may see no more than that there is one."""

    id: str
    name: str
    enabled: bool | None
    is_hybrid: bool


def _keep(page: Any, _: Person) -> list[dict[str, Any]]:  # noqa: ANN401 - Microsoft's JSON
    names = ("id", "displayName", "accountEnabled", "operatingSystem", "trustType")
    return [{name: row.get(name) for name in names} for row in page["value"]]


def _parse(raw: Any) -> tuple[_Device, ...]:  # noqa: ANN401 - Microsoft's JSON
    return tuple(
        _Device(
            id=row["id"],
            name=f"{row['displayName'] or row['id']} ({row['operatingSystem'] or 'device'})",
            enabled=row["accountEnabled"],
            is_hybrid=row["trustType"] == _HYBRID,
        )
        for row in raw or ()
    )


OWNED: Final = Read(
    "owned_devices",
    "The person's devices",
    "graph",
    lambda person: rights_calls.get_owned_devices(person.id),
    _parse,
    _keep,
)
USED: Final = Read(
    "used_devices",
    "The devices that the person works with",
    "graph",
    lambda person: rights_calls.get_registered_devices(person.id),
    _parse,
    _keep,
)


@register
class DisableDevices(Action):
    """Set accountEnabled of the person's devices to false: nobody can sign in to the tenant from them any more.

    Nothing on them is erased. Only what the person registered is disabled: what somebody else owns, they go on working
    with. A hybrid joined computer is mastered in Active Directory (Learn: "How to manage device identities").
    """

    name = "disable_devices"
    title = "Disable devices"
    description = "Disables the computers and phones that the person registered, and erases nothing."
    words = ItemWords("device", "devices", "disabled")
    area = Area("Devices", "It is enabled, and whoever has it can work with the tenant from it.")
    reads = (USER, OWNED, USED)
    proof = (OWNED,)
    permissions = (graph_permission("Directory.Read.All"), graph_permission(rights_calls.DEVICES))
    after = ("disable_sign_in",)
    destructive = True
    removes = True
    undo = "Enable the devices again that were enabled in snapshot.owned_devices."

    def judge(self, view: View) -> Sequence[Finding]:
        """Find out which devices are enabled."""
        if view.now.get(USER) is None:
            return [Finding(Outcome.already_done, "The account no longer exists.")]
        was, now = _by_id(view.first, OWNED), _by_id(view.now, OWNED)
        findings = [_judge(device, was.get(device.id), now.get(device.id)) for device in (was | now).values()]
        findings += [
            Finding(Outcome.not_applicable, "Used, but not owned, by the person: left as it is.", other.id, other.name)
            for other in view.now.get(USED)
            if other.id not in was | now and other.enabled
        ]
        return findings or [Finding(Outcome.already_done, "The person has no device.")]

    def apply(self, task: Task) -> Results:
        """Disable the open ones."""
        calls = {finding.item: rights_calls.enable_device(finding.item, enabled=False) for finding in task.open}
        return results_of(task.clients.graph.batch, calls)


def _by_id(snapshot: Snapshot, read: Read[tuple[_Device, ...]]) -> dict[str, _Device]:
    return {device.id: device for device in snapshot.get(read)}


def _judge(device: _Device, was: _Device | None, now: _Device | None) -> Finding:
    if now and now.enabled is None:
        text = "The app may not see whether it is enabled: grant it Directory.Read.All or Device.Read.All."
        return Finding(Outcome.needs_attention, text, device.id, device.name, is_unread=True)
    is_enabled = bool(now and now.enabled)
    advice = " Disable it in Active Directory, too, or it may come back." if device.is_hybrid else ""
    return finding_of_state(
        before=not (was and was.enabled),
        now=not is_enabled,
        done=f"Disabled.{advice}",
        already="It was disabled already.",
        item=device.id,
        name=device.name,
    )


@restores(DisableDevices)
class EnableDevices(Restoration):
    """Enable the devices again that the offboarding disabled."""

    reads = (USER, OWNED)
    proof = (OWNED,)

    def judge(self, view: View) -> Sequence[Finding]:
        """Find out which of them are enabled."""
        return members_back(
            view,
            were=True,
            before=_enabled(view.first),
            now=_enabled(view.now),
            done="Enabled again.",
            already="Enabled already.",
        )

    def apply(self, task: Task) -> Results:
        """Enable those that are left."""
        calls = {finding.item: rights_calls.enable_device(finding.item, enabled=True) for finding in task.open}
        return results_of(task.clients.graph.batch, calls)

    def settle_error(self, finding: Finding, error: MicrosoftError) -> Finding | None:
        """Say of a device that is gone that nobody can bring it back."""
        if error.category is Category.not_found:
            return Finding(Outcome.needs_attention, "The device no longer exists.", finding.item, finding.name)
        return None


def _enabled(snapshot: Snapshot) -> set[str]:
    return {device.id for device in snapshot.get(OWNED) if device.enabled}
