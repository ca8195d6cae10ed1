"""`python3 dev package`: what Azure gets, and whether it works there.

The files are those that `.funcignore` leaves, the libraries those of `requirements.txt`, put where Azure's build puts
them (Learn: "Python developer reference for Azure Functions", remote build), and nothing else is there to import from.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from dev.processes import ROOT

if TYPE_CHECKING:
    import argparse

LIBRARIES: Final = Path(".python_packages") / "lib" / "site-packages"
_ALWAYS_THE_SAME: Final = (1980, 1, 1, 0, 0, 0)  # the earliest moment that a zip can hold
_MEGABYTE: Final = 1_000_000


def run_package(given: argparse.Namespace) -> int:
    """Build the package, install and import it in a clean environment, and tell its figures."""
    with tempfile.TemporaryDirectory() as folder:
        package = given.out or Path(folder) / "package.zip"
        app = Path(folder) / "app"
        build(package)
        unpack(package, app)
        count, unpacked = len(files(app)), size(app)
        if install(app):
            print("The libraries could not be installed.", file=sys.stderr)
            return 1
        first, found = index(app), index(app)
        print(f"Package            {count} files, {_megabytes(package.stat().st_size)} zipped, {_megabytes(unpacked)}")
        print(f"With libraries     {_megabytes(size(app))}")
        print(f"Import             {found['import']:.2f} s ({first['import']:.2f} s the first time)")
        print(f"Index              {found['index']:.2f} s, {len(found['functions'])} functions")
    return 0


def files(root: Path = ROOT) -> list[str]:
    """List what is deployed, by path below the root: all that `.funcignore` does not exclude."""
    from pathspec import GitIgnoreSpec

    excluded = GitIgnoreSpec.from_lines((ROOT / ".funcignore").read_text(encoding="utf-8").splitlines())
    found: list[str] = []
    for folder, below, names in os.walk(root):
        here = Path(folder).relative_to(root)
        # An excluded folder is not entered: .venv alone holds more files than all the rest.
        below[:] = [name for name in below if not excluded.match_file(f"{(here / name).as_posix()}/")]
        paths = [(here / name).as_posix() for name in names]
        found += [path for path in paths if not excluded.match_file(path)]
    return sorted(found)


def build(package: Path) -> None:
    """Write the package; the same files give the same bytes."""
    with zipfile.ZipFile(package, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in files():
            entry = zipfile.ZipInfo(path, _ALWAYS_THE_SAME)
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, (ROOT / path).read_bytes(), zipfile.ZIP_DEFLATED)


def unpack(package: Path, app: Path) -> None:
    """Lay the package out as the Functions host does."""
    with zipfile.ZipFile(package) as archive:
        archive.extractall(app)


def install(app: Path) -> int:
    """Install the libraries beside the app, as Azure's build does, and return pip's exit code."""
    options = ["-qq", "--disable-pip-version-check", "--require-hashes", "--target", str(app / LIBRARIES)]
    return subprocess.call([sys.executable, "-m", "pip", "install", *options, "-r", str(app / "requirements.txt")])


def index(app: Path, *libraries: Path) -> dict[str, Any]:
    """Import the app, and then all its modules, with nothing but its libraries.

    Returns what its functions are, and how long it took to import and index the app.
    """
    program = str(ROOT / "dev" / "index_app.py")
    # -I and -S: neither this checkout nor .venv is on the path, and no variable of this shell is heard.
    command = [sys.executable, "-I", "-S", program, str(app), *map(str, libraries or [app / LIBRARIES])]
    return json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE, cwd=app).stdout)


def size(folder: Path) -> int:
    """Return how many bytes the files in a folder have."""
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())


def _megabytes(count: int) -> str:
    return f"{count / _MEGABYTE:.1f} MB"
