"""Start the receivers: `python -m dev.sinks --port 0`.

Prints one line when they are ready, `READY {"origin", "keys"}`, and runs until SIGTERM or SIGINT. `keys` holds what the
pretended systems expect: signing secrets and credentials, made anew at every start unless `--keys FILE` keeps them.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import signal
import sys
from pathlib import Path

from dev.sinks.desk import make_keys
from dev.sinks.server import Server


def main() -> None:
    """Read the command line and serve."""
    parser = argparse.ArgumentParser(prog="python -m dev.sinks", description="Receivers of notifications.")
    parser.add_argument("--port", type=int, default=0, help="0 picks a free one")
    parser.add_argument("--keys", type=Path, help="file that keeps what the systems expect, for the next start")
    given = parser.parse_args()
    server = Server(given.port, _kept(given.keys) if given.keys else None)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    print("READY " + json.dumps({"origin": server.origin, "keys": server.desk.keys}), flush=True)
    with contextlib.suppress(KeyboardInterrupt), server:
        server.serve_forever(poll_interval=0.1)


def _kept(file: Path) -> dict[str, str]:
    if not file.exists():
        file.touch(mode=0o600)
        file.write_text(json.dumps(make_keys()), encoding="utf-8")
    return json.loads(file.read_text(encoding="utf-8"))


if __name__ == "__main__":
    main()
