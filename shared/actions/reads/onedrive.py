"""Where the OneDrive is."""

from __future__ import annotations

from typing import Any

from shared.actions.reads.snapshot import Read
from shared.microsoft365.graph import graph_calls


def _site_url(raw: Any) -> str | None:  # noqa: ANN401 - Microsoft's JSON
    """Return the address of the OneDrive's site: where the drive does not say, that of its library without the name."""
    if raw is None:
        return None
    ids: dict[str, str] = raw.get("sharePointIds") or {}
    return ids.get("siteUrl") or str(raw["webUrl"]).rstrip("/").rpartition("/")[0]


DRIVE = Read("drive", "The OneDrive", "graph", lambda p: graph_calls.get_drive(p.id), _site_url, lambda drive, _: drive)
