"""What passes between the HTTP server and the simulated services."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dev.tenant.state import Tenant

Json = Any
"""Whatever JSON can hold; whoever reads it looks at what it is."""


@dataclass
class Call:
    """One HTTP request, and what became known of it while it was served."""

    service: str
    method: str
    base: str
    """What stands for https://graph.microsoft.com, as this client reached it; links in answers start with it."""
    path: str
    """The path below the base, still percent-encoded: a slash inside a segment must not split it."""
    query: dict[str, str]
    headers: Mapping[str, str]
    body: Json = None
    raw: bytes = b""
    tenant: Tenant | None = None
    cmdlet: str | None = None
    refused: bool = False
    items: list[dict[str, Any]] = field(default_factory=list)
    drop: bool = False
    """Answer nothing: the change is made and the connection is reset."""
    delay: float = 0.0
    """Seconds that the items of a batch asked for."""

    @property
    def target(self) -> str:
        """What the regular expressions of the fault rules are held against."""
        query = "&".join(f"{name}={value}" for name, value in self.query.items())
        return f"{self.method} {unquote(self.path)}" + (f"?{query}" if query else "")


@dataclass
class Reply:
    """An answer: JSON unless the body is text or bytes."""

    status: int = 200
    body: Json = None
    headers: dict[str, str] = field(default_factory=dict)


class ConnectionDropped(Exception):  # noqa: N818 - not an error of the simulator: it is what the client is to see
    """The connection is reset before anything was done."""


def now() -> str:
    """Say the time as Microsoft's services write it."""
    return datetime.now(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
