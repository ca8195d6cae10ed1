"""The outbox: which messages of an offboarding have to be delivered, and what became of each.

A delivery is a part of its offboarding's record, so that it appears in the transaction that ends the offboarding, is
found by the timer through a derived row, and goes when the offboarding goes.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final, Literal

from shared.base import clock
from shared.base.texts import cut

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

Channel = Literal["webhook", "email", "psa"]
CHANNELS: Final[tuple[Channel, ...]] = ("webhook", "email", "psa")
"""The ways in which people are told, in the order in which they are used."""

TRIED_FOR: Final = timedelta(days=1)
"""After that a message that nobody takes is given up."""

ABOUT_ACCESS: Final = "check"
"""How the subject begins of messages about access that is open again; the number of the check follows."""

MAX_KEPT: Final = 30
_MAX_MESSAGE: Final = 500


class DeliveryState(StrEnum):
    """Where a message is: `dead` was given up, `superseded` belongs to a run that another one has replaced."""

    pending = "pending"
    delivered = "delivered"
    dead = "dead"
    superseded = "superseded"


@dataclass(frozen=True)
class Delivery:
    """One message about the end of one run, to one destination; `destination` is its id in the settings.

    `status` is the HTTP status of the last answer, `message` what came of the last attempt in words, `reference` what
    the receiver calls the thing it made (a ticket's number).
    """

    destination: str
    channel: str
    run: int
    created_at: datetime
    state: DeliveryState = DeliveryState.pending
    attempts: int = 0
    next_attempt_at: datetime | None = None
    ended_at: datetime | None = None
    status: int | None = None
    message: str = ""
    reference: str = ""
    about: str = ""
    """The action whose access is about to end, or which check found access; empty: it is about the end of the run."""

    @property
    def is_pending(self) -> bool:
        """Return whether it will be tried again."""
        return self.state is DeliveryState.pending

    @property
    def key(self) -> str:
        """Name the destination among all: ids are unique only within the partner's settings, and within a tenant's."""
        return "-".join(filter(None, (self.channel, self.destination, self.about)))

    @property
    def deadline(self) -> datetime:
        """Until when it is tried."""
        return self.created_at + TRIED_FOR

    def message_id(self, offboarding_id: str) -> str:
        """Return the id by which receivers drop repeats: the same at every attempt."""
        return f"{offboarding_id}-{self.run}-{self.key}"

    def put_off(self, moment: datetime, status: int | None, message: str) -> Delivery:
        """Return it as failed once more and due again at `moment`."""
        tried = self._tried(status, message)
        return replace(tried, next_attempt_at=moment)

    def finished(
        self, state: DeliveryState, now: datetime, status: int | None, message: str, reference: str = ""
    ) -> Delivery:
        """Return it as come to its end by an attempt."""
        tried = self._tried(status, message)
        reference = reference or self.reference
        return replace(tried, state=state, next_attempt_at=None, ended_at=now, reference=reference)

    def superseded(self, now: datetime) -> Delivery:
        """Return it as overtaken by another run, whose end is told instead."""
        if not self.is_pending:
            return self
        text = "The offboarding was run again before this was delivered."
        return replace(self, state=DeliveryState.superseded, next_attempt_at=None, ended_at=now, message=text)

    def again(self, now: datetime) -> Delivery:
        """Return it as if it were new, under the same message id."""
        state = DeliveryState.pending
        return replace(self, state=state, attempts=0, created_at=now, next_attempt_at=now, ended_at=None)

    def _tried(self, status: int | None, message: str) -> Delivery:
        return replace(self, attempts=self.attempts + 1, status=status, message=cut(message, _MAX_MESSAGE))

    def to_json(self) -> dict[str, Any]:
        """Return the form that is stored."""
        return {
            "destination": self.destination,
            "channel": self.channel,
            "run": self.run,
            "state": self.state.value,
            "attempts": self.attempts,
            "created_at": clock.to_text(self.created_at),
            "next_attempt_at": clock.to_text(self.next_attempt_at) if self.next_attempt_at else None,
            "ended_at": clock.to_text(self.ended_at) if self.ended_at else None,
            "status": self.status,
            "message": self.message,
            "reference": self.reference,
            "about": self.about,
        }

    def shown(self, offboarding_id: str) -> dict[str, Any]:
        """Return the form that people see: with the id of the message."""
        return {"id": self.message_id(offboarding_id), **self.to_json()}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Delivery:
        """Read the form that is stored."""
        return cls(
            destination=data["destination"],
            channel=data["channel"],
            run=data["run"],
            created_at=clock.from_text(data["created_at"]),
            state=DeliveryState(data["state"]),
            attempts=data["attempts"],
            next_attempt_at=clock.from_text(data["next_attempt_at"]) if data["next_attempt_at"] else None,
            ended_at=clock.from_text(data["ended_at"]) if data["ended_at"] else None,
            status=data["status"],
            message=data["message"],
            reference=data["reference"],
            about=data.get("about", ""),
        )
