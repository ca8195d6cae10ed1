"""What of a request cannot be as it was meant: successors who leave, too, or are nobody; results told to no one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from shared.actions import catalogue
from shared.base.identifiers import shown
from shared.base.problems import Problem, RefusedError
from shared.base.texts import cut, without_direction_marks

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from typing import Any

    from shared.app.settings import Settings
    from shared.jobs.records import Tenant
    from shared.jobs.storage.store import Store
    from shared.notifications.settings.destinations import Destination
    from shared.offboarding.tenants.people import Found


def successors(actions: Mapping[str, Mapping[str, Any]]) -> dict[str, list[str]]:
    """Return the people that the parameters name, by action."""
    named = {name: params.get("to") for name, params in actions.items()}
    return {name: [to] if isinstance(to, str) else list(to) for name, to in named.items() if to}


def named(found: Found) -> dict[str, str]:
    """Return what the people are called whom the parameters name: "Cy Brandt (cy@example.com)"."""
    return {
        name: f"{cut(without_direction_marks(user.display_name), _MAX_NAME)} ({user.upn})"
        for name, user in found.others.items()
    }


_MAX_NAME: Final = 100


def refuse_leaving(actions: Mapping[str, Mapping[str, Any]], found: Found) -> None:
    """Raise `RefusedError` 422 where mail or access would go to somebody who leaves by the same request."""
    leaving = {user.id for user in found.users}
    problems = [
        Problem(
            f"actions.{action}.to", f"{catalogue.title_of(action)}: {user.upn} is leaving. Name somebody who stays."
        )
        for action, names in successors(actions).items()
        for name in names
        if (user := found.others.get(name)) and user.id in leaving
    ]
    if problems:
        raise RefusedError(422, "successor_leaves", problems)


def refuse_outsiders(actions: Mapping[str, Mapping[str, Any]], found: Found) -> None:
    """Raise `RefusedError` 422 where a right would go to an address outside the tenant, which can hold none."""
    problems = [
        Problem(
            f"actions.{action}.to",
            f"{catalogue.title_of(action)}: {shown(name)} is not an address of {found.tenant.domain}. Name somebody of "
            "the tenant.",
        )
        for action, names in successors(actions).items()
        for name in names
        if catalogue.get(action).only_inside and name in found.outsiders
    ]
    if problems:
        raise RefusedError(422, "successor_outside", problems)


def remarks_on_successors(actions: Mapping[str, Mapping[str, Any]], found: Found) -> Iterator[str]:
    """Say who does not exist; a group or a contact may have the address, which only the run finds out."""
    for action, names in successors(actions).items():
        for name in names:
            if name in found.strangers:
                yield (
                    f"{catalogue.title_of(action)}: no user of the tenant has the address {name}. Unless it is a group "
                    "or a contact, this step will fail."
                )


def remarks_on_channels(notify: Sequence[str], tenant: Tenant, store: Store, settings: Settings) -> Iterator[str]:
    """Say by which channels nobody would be told."""
    if not notify:
        return
    from shared.notifications.settings import preferences

    try:
        in_force = preferences.in_force(store, tenant.id)
    except ValueError:
        yield "The notification settings are not valid, so nobody will be told."
        return
    for channel in dict.fromkeys(notify):
        destinations = [one for one in in_force.of(channel) or [] if one.enabled]
        if not destinations:
            yield f"Nobody will be told by {channel}: no destination is set up for it."
        for destination in destinations:
            if problem := _problem_of(destination, tenant, settings):
                yield f"{destination.id} will not be told: {problem}"


def _problem_of(destination: Destination, tenant: Tenant, settings: Settings) -> str:
    from shared.notifications.settings.destinations import Autotask, ConnectWise, Email, HaloPsa

    if isinstance(destination, Email):
        return settings.why_no_mail
    if isinstance(destination, HaloPsa | ConnectWise | Autotask) and tenant.id not in destination.clients:
        return f"tenant {tenant.domain} is not mapped to a client of the PSA system."
    return ""
