"""What is wrong with a request, told all at once and in words."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong: `field` is a path such as "actions.forward_email.to", "" for the whole request."""

    field: str
    message: str


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


def refused(status: int, code: str, message: str, field: str = "") -> RefusedError:
    """Refuse a request for one reason."""
    return RefusedError(status, code, [Problem(field, message)])
