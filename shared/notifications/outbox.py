"""Delivering: at least once, for a day, and never at the cost of the offboarding.

What has to be told appears in the transaction that ends an offboarding. The run tries once, right after; what it
could not deliver, the timer tries again until it is taken, refused for good, or a day old. A crash between delivery
and record repeats the message under the same id.
"""

from __future__ import annotations

import logging
import random
import threading
import time
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from shared.base import clock
from shared.base.problems import refused
from shared.base.threads import Threads
from shared.jobs import telemetry
from shared.jobs.delivery import ABOUT_ACCESS, MAX_KEPT, Delivery, DeliveryState
from shared.jobs.storage.table import ConflictError
from shared.notifications import message as messages
from shared.notifications.transport.delivery_error import DeliveryError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from shared.app.services import Services
    from shared.jobs.details import Details
    from shared.jobs.records import Offboarding, Wake
    from shared.jobs.storage.store import Store
    from shared.notifications.channels import Channels
    from shared.notifications.message import Message
    from shared.notifications.settings.destinations import Destinations

_log = logging.getLogger(__name__)

RUN_DELIVERS_WITHIN: Final = timedelta(minutes=1)
"""How long the timer waits for the run to deliver."""

_WAITS: Final = (60, 60, 120, 240, 480, 900)
"""Seconds between attempts; the last counts for all that follow: about a hundred attempts in a day."""

_JITTER: Final = 0.2
_AT_ONCE: Final = 8
_BEGIN_WITHIN_SECONDS: Final = 10
"""A round begins no attempt after that. An attempt takes 45 s at most, so a round is over before the next tick: slow
receivers hold up nothing, and no message is on its way twice at the same time, unless somebody asks for a round beside
the timer's."""

_first_attempts = threading.BoundedSemaphore(4)
"""Runs share the activities' threads: only so many of these may wait for receivers, the timer takes the rest."""


def announced(services: Services, over: Offboarding, *, has_attention: bool = False) -> Offboarding:
    """Return an offboarding that is about to end with everything that has to be told about it."""
    if not over.request.notify:
        return over
    return _told(services, over, messages.result_of(over.state, has_attention=has_attention))


def announced_notice(services: Services, offboarding: Offboarding, action: str) -> Offboarding:
    """Return an offboarding with everything that has to be told before what an action gave to others ends."""
    return _told(services, offboarding, messages.Result.warning, action)


def announced_check(services: Services, offboarding: Offboarding) -> Offboarding:
    """Return an offboarding with everything that has to be told of access that is open again."""
    return _told(services, offboarding, messages.Result.failure, f"{ABOUT_ACCESS}-{offboarding.checks.count}")


def _told(services: Services, over: Offboarding, result: messages.Result, about: str = "") -> Offboarding:
    now = clock.now()
    found = _in_force(services.store, over.request.tenant.id)
    new: list[Delivery] = []
    for channel in over.request.notify:
        destinations = found.of(channel) if found else None
        if not destinations:
            what = "No destination is set up for this channel." if found else "The notification settings are not valid."
            new.append(
                Delivery(channel, channel, over.run, now, DeliveryState.dead, ended_at=now, message=what, about=about)
            )
        new += [
            Delivery(one.id, channel, over.run, now, next_attempt_at=now + RUN_DELIVERS_WITHIN, about=about)
            for one in destinations or []
            if one.wants(result)
        ]
    return replace(over, deliveries=(*over.deliveries, *new)[-MAX_KEPT:])


def _in_force(store: Store, tenant_id: str) -> Destinations | None:
    from shared.notifications.settings import preferences

    try:
        return preferences.in_force(store, tenant_id)
    except ValueError:
        _log.exception("The notification settings of tenant %s cannot be read", tenant_id)
        return None


def _channels(services: Services) -> Channels:
    from shared.notifications.channels import Channels

    return Channels(services)


def deliver_first(services: Services, offboarding_id: str, channels: Channels | None = None) -> None:
    """Try what has not been tried yet; where many receivers are slow, leave it to the timer."""
    if not _first_attempts.acquire(blocking=False):
        return
    try:
        _Round(services, channels or _channels(services), _end_of_round()).deliver(offboarding_id, is_first=True)
    finally:
        _first_attempts.release()


def deliver_due(services: Services, due: Iterable[Wake], channels: Channels | None = None) -> None:
    """Try what is due, several offboardings at a time; what there is no time for stays due."""
    ids = list(dict.fromkeys(wake.id for wake in due if wake.destination))
    if not ids:
        return
    one_round = _Round(services, channels or _channels(services), _end_of_round())
    with Threads(min(_AT_ONCE, len(ids)), "deliver") as threads:
        list(threads.map(one_round.deliver_safely, ids))


def _end_of_round() -> float:
    return time.monotonic() + _BEGIN_WITHIN_SECONDS


@dataclass(frozen=True)
class _Round:
    """Attempts, begun before `until` (seconds of the process's own clock)."""

    services: Services
    channels: Channels
    until: float

    def deliver_safely(self, offboarding_id: str) -> None:
        try:
            self.deliver(offboarding_id)
        except Exception:  # noqa: BLE001 - one offboarding must not keep the others from being told
            _log.exception(
                "Notifications of offboarding %s were not delivered; retrying at the next tick", offboarding_id
            )

    def deliver(self, offboarding_id: str, *, is_first: bool = False) -> None:
        """Try the messages of one offboarding that are due (or, first, those that were never tried)."""
        if time.monotonic() > self.until:
            return
        store, now = self.services.store, clock.now()
        offboarding = store.get(offboarding_id)
        if offboarding is None:
            return
        waiting = [
            delivery
            for delivery in offboarding.deliveries
            if delivery.next_attempt_at and delivery.run == offboarding.run
            if (delivery.attempts == 0 if is_first else delivery.next_attempt_at <= now)
        ]
        if not waiting:
            return
        details = store.details(offboarding_id)
        found = _in_force(store, offboarding.request.tenant.id)
        link = (
            self.services.settings.notification_link
            or f"{self.services.settings.public_url}/api/offboardings/{{id}}/report"
        )
        for delivery in waiting:
            if time.monotonic() > self.until:
                return
            message_id = delivery.message_id(offboarding_id)
            message = _message(offboarding, details, delivery.about, message_id, link)
            with telemetry.delivery(offboarding, delivery):
                tried = self._tried(delivery, message, found)
            offboarding = _recorded(store, offboarding, tried)
            if offboarding is None:
                return

    def _tried(self, delivery: Delivery, message: Message, found: Destinations | None) -> Delivery:
        """Make one attempt and return the delivery as it is after it."""
        destinations = (found.of(delivery.channel) if found else None) or []
        destination = next((one for one in destinations if one.id == delivery.destination), None)
        if destination is None:
            return _failed(delivery, message.id, DeliveryError("This destination is not in the settings any more."))
        try:
            taken = self.channels.send(message, destination)
        except DeliveryError as error:
            return _failed(delivery, message.id, error)
        except Exception:  # noqa: BLE001 - whatever a receiver answers must not stop the others
            _log.exception("Message %s broke on its way", message.id)
            return _failed(delivery, message.id, DeliveryError("The answer was not understood.", retry=True))
        text = taken.warning or "It was taken."
        return delivery.finished(DeliveryState.delivered, clock.now(), taken.status, text, taken.reference)


def _message(offboarding: Offboarding, details: Details, about: str, message_id: str, link: str) -> Message:
    if about.startswith(ABOUT_ACCESS):
        return messages.make_alarm(offboarding, details.checked or {}, message_id, link)
    if about:
        return messages.make_notice(offboarding, about, message_id, link)
    return messages.make(offboarding, details.steps, message_id, link, details.checked)


def _failed(delivery: Delivery, message_id: str, error: DeliveryError) -> Delivery:
    """Return a delivery after an attempt that failed: due again, or given up."""
    now = clock.now()
    wait = _WAITS[min(delivery.attempts, len(_WAITS) - 1)]
    jitter = random.Random(f"{message_id}{delivery.attempts}").uniform(1 - _JITTER, 1 + _JITTER)  # noqa: S311
    again = now + timedelta(seconds=max(wait * jitter, error.retry_after or 0))
    if error.retry and again <= delivery.deadline:
        return delivery.put_off(again, error.status, str(error))
    _log.warning("Message %s was given up: %s", message_id, error)
    return delivery.finished(DeliveryState.dead, now, error.status, str(error))


def _recorded(store: Store, offboarding: Offboarding, tried: Delivery) -> Offboarding | None:
    """Record an attempt, whoever else changes the offboarding meanwhile; None where it is gone or runs again."""
    current: Offboarding | None = offboarding
    while current is not None:
        new = replace(current, deliveries=tuple(_newer(old, tried) for old in current.deliveries))
        try:
            store.change(current, new)
        except ConflictError:
            current = store.get(offboarding.id)
        else:
            return store.get(offboarding.id)
    return None


def _newer(old: Delivery, tried: Delivery) -> Delivery:
    if (old.key, old.run) != (tried.key, tried.run):
        return old
    return tried if old.is_pending or tried.state is DeliveryState.delivered else old


def resend(
    services: Services, offboarding_id: str, destinations: Collection[str], by: str, origin: str = ""
) -> Offboarding:
    """Let messages about the last run be delivered again, under the same ids, within a minute.

    Args:
        services: the app's.
        offboarding_id: of an offboarding that has ended.
        destinations: whose messages; where none is named, those that were given up.
        by: who asked.
        origin: from which network addresses.

    Raises:
        RefusedError: 404 no such offboarding or destination; 409 nothing to send again, or it keeps changing.
    """
    for _ in range(3):
        offboarding = services.store.get(offboarding_id) if offboarding_id.isalnum() else None
        if offboarding is None:
            raise refused(404, "offboarding_not_found", "There is no such offboarding.")
        now = clock.now()
        chosen = _chosen(offboarding, destinations)
        again = tuple(one.again(now) if one in chosen else one for one in offboarding.deliveries)
        new = replace(offboarding, deliveries=again).noted(now, by, "resent", origin)
        try:
            services.store.change(offboarding, new)
        except ConflictError:
            continue
        return new
    raise refused(409, "changed", "The offboarding keeps changing; look at it again.")


def _chosen(offboarding: Offboarding, destinations: Collection[str]) -> list[Delivery]:
    last = [one for one in offboarding.deliveries if one.run == offboarding.run and offboarding.has_ended]
    if unknown := sorted(set(destinations) - {one.destination for one in last}):
        raise refused(404, "destination_not_found", f"Nothing was to be sent to {', '.join(unknown)}.", "destinations")
    chosen = [
        one for one in last if (one.destination in destinations if destinations else one.state is DeliveryState.dead)
    ]
    if not chosen:
        raise refused(409, "nothing_to_resend", "Nothing failed to send. To resend anyway, give `?destinations=<id>`.")
    return chosen
