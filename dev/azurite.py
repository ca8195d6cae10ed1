"""Azurite, Microsoft's stand-in for Azure Storage: its table service, or all three that a real Functions host needs."""

from __future__ import annotations

import re
import shutil
import signal
from pathlib import Path

from dev.processes import ROOT, Child, free_port, start_on_port

_FOLDER = ROOT / "dev" / "node_modules" / "azurite" / "dist" / "src"
_PRELOAD = Path(__file__).with_name("azurite_preload.js")
_READY = "Azurite Table service successfully started"
_ALL_READY = "Azurite Table service is successfully listening"  # the last of the three
# Azurite's account and key are the same everywhere and documented (Learn: "Connect to Azurite with SDKs and tools").
_KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="


class Azurite:
    """A table service on a port of its own, in memory or kept in a folder; `whole` has blobs and queues beside it."""

    def __init__(self, folder: Path, *, keep: bool = False, port: int = 0, whole: bool = False) -> None:
        """Start it, on that port if it is free."""
        self._folder = folder
        self._keep = keep
        self._others: dict[str, int] = dict.fromkeys(("blob", "queue"), 0) if whole else {}
        self.child, self.port, _ = start_on_port(self._start, _ALL_READY if whole else _READY, port)

    @property
    def connection_string(self) -> str:
        """What the Tables SDK needs to reach it."""
        return (
            f"DefaultEndpointsProtocol=http;AccountName=devstoreaccount1;AccountKey={_KEY};"
            f"TableEndpoint=http://127.0.0.1:{self.port}/devstoreaccount1;"
            + "".join(
                f"{name.capitalize()}Endpoint=http://127.0.0.1:{port}/devstoreaccount1;"
                for name, port in self._others.items()
            )
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
        for name in self._others:
            self._others[name] = free_port()
            address += [f"--{name}Host", "127.0.0.1", f"--{name}Port", str(self._others[name])]
        # The host's own SDKs may be newer than what this Azurite knows.
        address += ["--skipApiVersionCheck"] if self._others else []
        program = _FOLDER / ("azurite.js" if self._others else "table/main.js")
        command = [
            shutil.which("node") or "node",
            "--require",
            str(_PRELOAD),
            str(program),
            "--disableTelemetry",
            *address,
            *where,
        ]
        return Child.start("The table service", command, self._folder, stop_signal=signal.SIGINT)
