"""What a receiver answered, and whether trying again can help."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from shared.microsoft365.http.errors import retry_after_seconds
from shared.notifications.transport.delivery_error import DeliveryError

if TYPE_CHECKING:
    from collections.abc import Mapping

_WORTH_RETRYING: Final = frozenset({408, 425, 429})
_SERVER_ERROR: Final = 500
_SHOWN: Final = 120


@dataclass(frozen=True)
class Answer:
    """What came back: at most 64 KiB of it."""

    status: int
    headers: Mapping[str, str]
    body: bytes

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

    def refusal(self, receiver: str) -> DeliveryError:
        """Say what an answer means that is not a success."""
        retry = self.status in _WORTH_RETRYING or self.status >= _SERVER_ERROR
        said = "".join(c if c.isprintable() else " " for c in self.text[:_SHOWN]).strip()
        text = f"{receiver} answered {self.status}" + (f": {said}" if said else ".")
        return DeliveryError(text, status=self.status, retry=retry, retry_after=retry_after_seconds(self.headers))
