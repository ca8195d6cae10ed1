"""A request to offboard people, as the domain knows it: whoever reads one from HTTP makes this of it."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Final

from shared.actions import plan
from shared.base.problems import Problem, RefusedError
from shared.jobs.storage import rows

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

MAX_BODY_BYTES: Final = 64 * 1024


@dataclass(frozen=True)
class Submission:
    """A request to offboard people of one tenant in one way; `actions` has the parameters of those selected."""

    tenant: str
    users: tuple[str, ...]
    actions: Mapping[str, Mapping[str, Any]]
    scheduled_for: datetime | None = None
    notify: tuple[str, ...] = ()
    reference: str = ""
    ticket: str = ""
    force: bool = False

    def fingerprint(self) -> str:
        """Return a text that two submissions share only if they ask for the same."""
        return json.dumps(asdict(self), default=str, sort_keys=True)


def refuse_too_large(body: bytes) -> None:
    """Refuse a body over the limit before anything parses it; raises `RefusedError` 413."""
    if len(body) > MAX_BODY_BYTES:
        text = f"The body has {len(body)} bytes; at most {MAX_BODY_BYTES} are accepted."
        raise RefusedError(413, "body_too_large", [Problem("", text)])


def checked(submission: Submission, max_users: int) -> Submission:
    """Return the submission if what it asks for makes sense as a whole; raises `RefusedError` (422)."""
    problems: list[Problem] = []
    if not submission.actions:
        problems.append(Problem("actions", "No action is selected."))
    if len(submission.users) > max_users:
        problems.append(Problem("users", f"{len(submission.users)} users; at most {max_users} go into one request."))
    text = json.dumps(submission.actions, ensure_ascii=False)
    if len(text) > rows.MAX_PROPERTY_CHARS:
        problems.append(
            Problem("actions", f"The actions have {len(text)} characters; at most {rows.MAX_PROPERTY_CHARS} fit.")
        )
    problems += [Problem("actions", text) for text in plan.make(submission.actions).refusals]
    if problems:
        raise RefusedError(422, "invalid_request", problems)
    return submission
