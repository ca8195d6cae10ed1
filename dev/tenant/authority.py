"""Where the sign-in port's certificate comes from; kept in a folder, so that a restart changes nothing."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import trustme

if TYPE_CHECKING:
    from pathlib import Path


def prepare(folder: Path) -> None:
    """Put `ca.pem` (to trust) and `server.pem` (to serve with) into a folder, unless they are there."""
    folder.mkdir(parents=True, exist_ok=True)
    authority, server = folder / "ca.pem", folder / "server.pem"
    if authority.exists() and server.exists():
        return
    made = trustme.CA()
    certificate = made.issue_cert("127.0.0.1", "localhost")
    made.cert_pem.write_to_path(str(authority))
    descriptor = os.open(server, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(certificate.private_key_and_cert_chain_pem.bytes())
