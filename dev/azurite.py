"""Azurite's table service, Microsoft's stand-in for Azure Table Storage."""

from __future__ import annotations

import re
import shutil
import signal
from typing import TYPE_CHECKING

from dev.processes import ROOT, Child, start_on_port

if TYPE_CHECKING:
    from pathlib import Path

_PROGRAM = ROOT / "dev" / "node_modules" / "azurite" / "dist" / "src" / "table" / "main.js"
_READY = "Azurite Table service successfully started"
# Azurite's account and key are the same everywhere and documented (Learn: "Connect to Azurite with SDKs and tools").
_KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="


class Azurite:
    """A table service on a port of its own, in memory or kept in a folder."""

    def __init__(self, folder: Path, *, keep: bool = False, port: int = 0) -> None:
        """Start it, on that port if it is free."""
        self._folder = folder
        self._keep = keep
        self.child, self.port, _ = start_on_port(self._start, _READY, port)

    @property
    def connection_string(self) -> str:
        """What the Tables SDK needs to reach it."""
        return (
            f"DefaultEndpointsProtocol=http;AccountName=devstoreaccount1;AccountKey={_KEY};"
            f"TableEndpoint=http://127.0.0.1:{self.port}/devstoreaccount1;"
        )

    def requests(self) -> list[str]:
        """List the requests it has answered, such as "POST /devstoreaccount1/$batch", in order."""
        return re.findall(r'"([A-Z]+ \S+) HTTP/1\.1"', self.child.out.read_text(encoding="utf-8"))

    def stop(self) -> None:
        """Stop it so that everything is written: that is what it does on SIGINT only."""
        self.child.stop()

    def _start(self, port: int) -> Child:
        where = ["--location", str(self._folder)] if self._keep else ["--inMemoryPersistence"]
        address = ["--tableHost", "127.0.0.1", "--tablePort", str(port)]
        command = [shutil.which("node") or "node", str(_PROGRAM), "--disableTelemetry", *address, *where]
        return Child.start("The table service", command, self._folder, stop_signal=signal.SIGINT)
