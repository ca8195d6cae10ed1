"""The one tool of this project: `python3 dev start|demo|test|check|bench|docs|pin|package`.

It starts with whatever Python the machine has, builds .venv, and goes on with .venv's Python: so this file,
`arguments.py` and `environment.py` use the standard library only, and syntax that older Pythons can read.
"""

import errno
import importlib
import os
import signal
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
# `python3 dev` puts this folder on the import path, which would make its modules top-level ones.
sys.path[0] = str(ROOT)

if sys.version_info < (3, 7):  # noqa: UP036 - older than what the app needs, for finding something newer
    sys.exit("This Python is too old even to look for a newer one; run this with Python 3.11 to 3.13.")

from dev import arguments, environment  # noqa: E402 - after the import path is right
from dev.arguments import parser  # noqa: E402

_TOGETHER = {"test": "checks", "check": "checks", "docs": "checks"}
_UNFIT = 2


def main() -> int:
    """Parse the command line, make sure of the environment, and run the command in it."""
    tool = parser()
    given, rest = tool.parse_known_args()
    if given.command is None:
        tool.print_help()
        return _UNFIT
    if rest and given.command != "test":
        tool.error("unknown arguments: " + " ".join(rest))
    missing = arguments.missing_tests(rest, ROOT)
    if missing:
        tool.error("there is no " + ", ".join(missing))
    lack = arguments.lack_of_room(given.command, getattr(given, "state", None))
    if lack:
        print(lack, file=sys.stderr)
        return _UNFIT
    try:
        python = environment.ensure(ROOT, given.python or os.environ.get("DEV_PYTHON"))
    except environment.UnfitError as error:
        print(error, file=sys.stderr)
        return error.code
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


def _stop(number: int, _: object) -> None:
    raise SystemExit(128 + number)


if __name__ == "__main__":
    # What was started must end with this process, also where it is told to end or its terminal is closed; whoever
    # began it with nohup wants it to outlive the terminal.
    for name in ("SIGTERM", "SIGHUP"):
        wanted = getattr(signal, name, None)
        if wanted is not None and signal.getsignal(wanted) is not signal.SIG_IGN:
            signal.signal(wanted, _stop)
    try:
        code = main()
    except KeyboardInterrupt:
        code = 130
    except OSError as error:
        if error.errno != errno.ENOSPC:
            raise
        print(f"{error.filename or 'The disk'} is full; make room and run this again.", file=sys.stderr)
        code = _UNFIT
    sys.exit(code)
