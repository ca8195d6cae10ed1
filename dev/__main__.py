"""The one tool of this project: `python3 dev start|demo|test|check|bench|docs|pin|package`.

It starts with whatever Python the machine has, builds .venv, and goes on with .venv's Python: so this file and
`environment.py` use the standard library only, and syntax that older Pythons can read.
"""

import argparse
import importlib
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
# `python3 dev` puts this folder on the import path, which would make its modules top-level ones.
sys.path[0] = str(ROOT)

if sys.version_info < (3, 7):  # noqa: UP036 - older than what the app needs, for finding something newer
    sys.exit("This Python is too old even to look for a newer one; run this with Python 3.11 or newer.")

from dev import environment  # noqa: E402 - after the import path is right

_COMMANDS = {
    "start": "run the app, its storage and the simulated Microsoft 365 until stopped",
    "demo": "offboard somebody from start to end and show what happens",
    "test": "run the tests; arguments go to pytest",
    "check": "run the linter, the formatter, the type checker and the import rules",
    "bench": "measure an offboarding",
    "docs": "write the pages that follow from the code",
    "pin": "write requirements*.txt anew from requirements*.in",
    "package": "build what is deployed, and try it in a clean environment",
}
_TOGETHER = {"test": "checks", "check": "checks", "docs": "checks"}


def parser() -> argparse.ArgumentParser:
    """Build the command line."""
    tool = argparse.ArgumentParser(prog="python3 dev", description="Develop, try and test the offboarding backend.")
    tool.add_argument("--python", metavar="X.Y", help="build .venv with this Python (3.11 to 3.13)")
    commands = tool.add_subparsers(dest="command", metavar="COMMAND")
    made = {name: commands.add_parser(name, help=text, description=text) for name, text in _COMMANDS.items()}
    made["start"].add_argument("--port", type=int, default=0, help="port of the app; a free one where not given")
    made["start"].add_argument("--state", type=Path, metavar="DIR", help="keep everything here, to go on from later")
    made["start"].add_argument("--auth", default="function-key", metavar="MODE", help="the app's AUTH_MODE")
    made["demo"].add_argument("--json", type=Path, metavar="FILE", help="write the result here as well")
    latency = "of every request to Microsoft 365, so that there is something to see; 100 where not given"
    made["demo"].add_argument("--latency", type=int, default=100, metavar="MS", help=latency)
    made["bench"].add_argument("case", nargs="*", help="what to measure; everything where not given")
    made["bench"].add_argument("--json", type=Path, metavar="FILE", help="write the figures here as well")
    made["pin"].add_argument("--upgrade", action="store_true", help="to the newest versions that the .in files allow")
    made["package"].add_argument("--out", type=Path, metavar="FILE.zip", help="keep the package here")
    return tool


def main() -> int:
    """Parse the command line, make sure of the environment, and run the command in it."""
    tool = parser()
    given, rest = tool.parse_known_args()
    if given.command is None:
        tool.print_help()
        return 2
    if rest and given.command != "test":
        tool.error("unknown arguments: " + " ".join(rest))
    try:
        python = environment.ensure(ROOT, given.python or os.environ.get("DEV_PYTHON"))
    except environment.UnfitError as error:
        print(error, file=sys.stderr)
        return 1
    if not environment.is_running(python):
        return _again_with(python)
    module = importlib.import_module("dev." + _TOGETHER.get(given.command, given.command))
    run = getattr(module, "run_" + given.command)
    return run(rest) if given.command == "test" else run(given)


def _again_with(python: Path) -> int:
    command = [str(python), str(ROOT / "dev"), *sys.argv[1:]]
    if os.name == "posix":
        os.execv(command[0], command)  # noqa: S606 - the same program with another interpreter
    return subprocess.call(command)


if __name__ == "__main__":
    try:
        code = main()
    except KeyboardInterrupt:
        code = 130
    sys.exit(code)
