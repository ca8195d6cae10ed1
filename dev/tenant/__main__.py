"""Start the simulation: `python -m dev.tenant --port 0`.

Prints one line when it is ready, `READY {"origin", "graph", "exchange", "sharepoint", "login", "ca"}`, and runs until
SIGTERM or SIGINT. `sharepoint` holds `{host}` for the host's name.
"""

from __future__ import annotations

import argparse
import asyncio
import tempfile
from pathlib import Path

from dev.tenant import authority
from dev.tenant.seed import SEEDS
from dev.tenant.server import Server
from dev.tenant.simulation import Simulation


def main() -> None:
    """Read the command line and serve."""
    parser = argparse.ArgumentParser(prog="python -m dev.tenant", description="A simulated Microsoft 365.")
    parser.add_argument(
        "--port", type=int, default=0, help="for Graph, Exchange, SharePoint and the controls; 0 picks one"
    )
    parser.add_argument("--login-port", type=int, default=0, help="for sign-in, over TLS; 0 picks one")
    parser.add_argument("--data", type=Path, help="file that keeps the state across restarts")
    parser.add_argument("--seed", choices=sorted(SEEDS), default="standard", help="what to start with")
    parser.add_argument("--ca", type=Path, help="folder for the certificate authority; a temporary one unless given")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="tenant-") as temporary:
        folder = arguments.ca or Path(temporary)
        authority.prepare(folder)
        server = Server(Simulation(arguments.seed, arguments.data), folder.resolve())
        asyncio.run(server.run(arguments.port, arguments.login_port))


if __name__ == "__main__":
    main()
