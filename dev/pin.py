"""`python3 dev pin`: write the exact packages, with their hashes, that the two `.in` files lead to.

One resolution serves every Python and system that is supported: uv's universal mode adds the markers, which pip reads.
"""

from __future__ import annotations

import re
import subprocess
import sys
from typing import TYPE_CHECKING, Final

from dev.environment import SUPPORTED
from dev.processes import ROOT

if TYPE_CHECKING:
    import argparse
    from pathlib import Path

# In this order: what development needs is held to what is deployed.
FILES: Final = {"requirements.in": "requirements.txt", "requirements-dev.in": "requirements-dev.txt"}


def run_pin(given: argparse.Namespace) -> int:
    """Pin what the `.in` files ask for; what is pinned already stays, unless everything is to be renewed."""
    before = {name: _pins(ROOT / name) for name in FILES.values()}
    code = max(subprocess.call(command(source, upgrade=given.upgrade), cwd=ROOT) for source in FILES)
    for name, pins in before.items():
        print(told(name, pins, _pins(ROOT / name)))
    return code


def told(name: str, before: set[str], after: set[str]) -> str:
    """Say what is different in a file."""
    changed = [f"-{pin}" for pin in sorted(before - after)] + [f"+{pin}" for pin in sorted(after - before)]
    return f"{name}: {len(after)} packages, " + (", ".join(changed) if changed else "unchanged")


def _pins(file: Path) -> set[str]:
    text = file.read_text(encoding="utf-8") if file.exists() else ""
    return set(re.findall(r"(?m)^([\w.-]+==[^\s;\\]+)", text))


def command(source: str, *, upgrade: bool) -> list[str]:
    """Return the call of uv; no index goes into the file, which may be private or a mirror."""
    options = ["--universal", "--python-version", SUPPORTED[-1], "--generate-hashes", "--no-emit-index-url"]
    renewed = ["--upgrade"] if upgrade else []
    return [sys.executable, "-m", "uv", "pip", "compile", "--quiet", *options, *renewed, source, "-o", FILES[source]]
