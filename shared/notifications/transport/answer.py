"""What a receiver answered, and whether trying again can help."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, cast

from shared.base.texts import cut
from shared.microsoft365.http.errors import readable, retry_after_seconds
from shared.microsoft365.http.wire import lookup
from shared.notifications.transport.concealment import concealed
from shared.notifications.transport.delivery_error import DeliveryError

if TYPE_CHECKING:
    from collections.abc import Mapping

_WORTH_RETRYING: Final = frozenset({408, 425, 429})
_SERVER_ERROR: Final = 500
_SHOWN: Final = 200
_READ: Final = 4_000


@dataclass(frozen=True)
class Answer:
    """What came back: at most 64 KiB of it."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    secrets: tuple[str, ...] = field(default=(), repr=False)
    """What the request held that is for its receiver alone."""

    @property
    def is_success(self) -> bool:
        """Return whether the receiver took it."""
        return 200 <= self.status < 300  # noqa: PLR2004

    @property
    def text(self) -> str:
        """Return the body as text, whatever it is."""
        return self.body.decode("utf-8", "replace")

    def json(self) -> Any:  # noqa: ANN401 - whatever the receiver says
        """Parse the body; raises `DeliveryError` where it is not JSON."""
        try:
            return json.loads(self.body)
        except ValueError:
            raise DeliveryError("The answer is not JSON.", status=self.status) from None

    def parsed(self) -> Any:  # noqa: ANN401 - whatever the receiver says
        """Parse the body; None where it is not JSON."""
        try:
            return json.loads(self.body)
        except (ValueError, RecursionError):
            return None

    def refusal(self, receiver: str, *, final: bool = False) -> DeliveryError:
        """Say what an answer means that is not a success; `final` where its status promises more than is so."""
        retry = not final and (self.status in _WORTH_RETRYING or self.status >= _SERVER_ERROR)
        said = cut(concealed(readable(_reason(self.parsed()) or self.text, _READ), self.secrets), _SHOWN)
        text = f"{receiver} answered {self.status}" + (f": {said}" if said else ".")
        return DeliveryError(text, status=self.status, retry=retry, retry_after=retry_after_seconds(self.headers))


def _reason(said: Any) -> str:  # noqa: ANN401 - whatever the receiver says
    """Return the words for people in a refusal: of `errors` (texts, or objects with a message), else of the whole."""
    if not isinstance(said, dict):
        return ""
    parts = cast("dict[str, Any]", said)
    errors: list[Any] = parts["errors"] if isinstance(parts.get("errors"), list) else []
    texts = [one if isinstance(one, str) else lookup(one, "message") for one in errors]
    told = [text for text in texts if isinstance(text, str) and text]
    whole = [parts.get(name) for name in ("message", "error_description", "error")]
    return "; ".join(told) or next((text for text in whole if isinstance(text, str) and text), "")
