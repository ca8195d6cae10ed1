"""What is wrong with a request, told all at once and in words."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong: `field` is a path such as "actions.forward_email.to", "" for the whole request."""

    field: str
    message: str

    def __str__(self) -> str:
        """Return the message, with the field before it where it does not say what it is about."""
        says_it = not self.field or self.field in self.message
        return self.message if says_it else f"{self.field}: {self.message}"


class RefusedError(Exception):
    """A request that is not carried out; nothing was stored and nothing was started.

    `status` is the HTTP status, `code` a stable word for programs, `retry_after` in seconds where trying again helps.
    """

    def __init__(self, status: int, code: str, problems: list[Problem], retry_after: int | None = None) -> None:
        super().__init__("; ".join(p.message for p in problems))
        self.status = status
        self.code = code
        self.problems = problems
        self.retry_after = retry_after


def unfit(kinds: Iterable[str]) -> int:
    """Return the status for what pydantic found wrong, by the types of its errors.

    A body that is not as the API describes it is a 400. One that is, but that a check of our own refuses, is a 422: no
    schema can say that people must not be named twice, or that a moment must be one of the calendar.
    """
    return 422 if set(kinds) == {"value_error"} else 400


def refused(status: int, code: str, message: str, field: str = "") -> RefusedError:
    """Refuse a request for one reason."""
    return RefusedError(status, code, [Problem(field, message)])
