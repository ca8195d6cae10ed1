"""`python3 dev pin`: write the exact packages, with their hashes, that the two `.in` files lead to.

One resolution serves every Python and system that is supported: uv's universal mode adds the markers, which pip reads.
"""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING, Final

from dev.environment import SUPPORTED
from dev.processes import ROOT

if TYPE_CHECKING:
    import argparse

# In this order: what development needs is held to what is deployed.
FILES: Final = {"requirements.in": "requirements.txt", "requirements-dev.in": "requirements-dev.txt"}


def run_pin(given: argparse.Namespace) -> int:
    """Pin what the `.in` files ask for; what is pinned already stays, unless everything is to be renewed."""
    return max(subprocess.call(command(source, upgrade=given.upgrade), cwd=ROOT) for source in FILES)


def command(source: str, *, upgrade: bool) -> list[str]:
    """Return the call of uv; no index goes into the file, which may be private or a mirror."""
    options = ["--universal", "--python-version", SUPPORTED[-1], "--generate-hashes", "--no-emit-index-url"]
    renewed = ["--upgrade"] if upgrade else []
    return [sys.executable, "-m", "uv", "pip", "compile", "--quiet", *options, *renewed, source, "-o", FILES[source]]
