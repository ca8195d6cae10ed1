"""What can go wrong on the way to a receiver, and whether trying again can help."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from shared.microsoft365.errors import retry_after_seconds

if TYPE_CHECKING:
    from shared.notifications.guard import Answer

_WORTH_RETRYING: Final = frozenset({408, 425, 429})
_SERVER_ERROR: Final = 500
_SHOWN: Final = 120


class DeliveryError(Exception):
    """A message that was not taken.

    The text is for people and holds no secret. `status` is the HTTP status, None where no answer came; `retry` tells
    whether the same message may be taken later; `retry_after` is what the receiver asked for, in seconds.
    """

    def __init__(
        self, message: str, *, status: int | None = None, retry: bool = False, retry_after: float | None = None
    ) -> None:
        super().__init__(message)
        self.status = status
        self.retry = retry
        self.retry_after = retry_after


def refusal(answer: Answer, receiver: str) -> DeliveryError:
    """Say what an answer means that is not a success."""
    retry = answer.status in _WORTH_RETRYING or answer.status >= _SERVER_ERROR
    said = "".join(c if c.isprintable() else " " for c in answer.text[:_SHOWN]).strip()
    text = f"{receiver} answered {answer.status}" + (f": {said}" if said else ".")
    return DeliveryError(text, status=answer.status, retry=retry, retry_after=retry_after_seconds(answer.headers))
