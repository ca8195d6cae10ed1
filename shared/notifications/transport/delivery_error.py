"""What can go wrong on the way to a receiver."""

from __future__ import annotations


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
