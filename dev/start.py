"""`python3 dev start`: the stack, kept running until it is stopped."""

from __future__ import annotations

import contextlib
import json
import signal
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from dev import receivers
from dev.processes import StackError
from dev.stack import Options, Stack
from shared.app.host_settings import HOST_SETTINGS
from shared.app.settings import ORIGIN_PREFIX, SECRET_PREFIX, SETTINGS

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator, Mapping, Sequence

    from dev.processes import Child
    from dev.sinks import Sinks

_LOOK_SECONDS = 0.2
_PLAN = '{"tenant":"fabrikam.example","users":["ada@fabrikam.example"],"actions":{"disable_sign_in":true}}'
_SUBMIT = _PLAN.replace("ada@", "bo@").replace("}}", '},"notify":["webhook","email","psa"]}')


class Stopped(BaseException):
    """The user or the system asked this process to stop."""


def run_start(given: argparse.Namespace) -> int:
    """Start everything, tell where it is, and go on until stopped or until a part of it dies."""
    if unknown := unknown_settings(given.set):
        print(f"There is no setting {', '.join(unknown)}; shared/app/settings.py lists all.", file=sys.stderr)
        return 2
    try:
        with stopping(), folder_for(given.state) as folder, contextlib.ExitStack() as running:
            settings = {**receivers.settings(receivers.kept_key(folder)), "API_PAGE": "true", **dict(given.set)}
            options = Options(
                port=given.port, keep=given.state is not None, auth=given.auth, host=given.host, settings=settings
            )
            child, sinks = receivers.start(folder)
            running.callback(child.stop)
            stack = running.enter_context(Stack(folder, options))
            if settings["NOTIFICATION_KEY"]:
                receivers.direct(stack, sinks)
            if given.json or not sys.stdout.isatty():
                print(json.dumps(described(stack, child, sinks)), flush=True)
            else:
                print(told(stack, sinks), file=sys.stderr, flush=True)
            return _watch({**stack.children, "receivers": child})
    except StackError as error:
        print(error, file=sys.stderr)
        return error.code
    except Stopped:
        return 0


def unknown_settings(given: Sequence[tuple[str, str]]) -> list[str]:
    """Return the names that the app and its host do not read."""
    known = {setting.name for setting in (*SETTINGS, *HOST_SETTINGS)}
    prefixes = (SECRET_PREFIX, ORIGIN_PREFIX)
    return [name for name, _ in given if name not in known and not name.startswith(prefixes)]


def described(stack: Stack, child: Child, sinks: Sinks) -> dict[str, Any]:
    """Tell programs where everything is."""
    said = stack.describe()
    return {**said, "receivers": sinks.origin, "pids": {**said["pids"], "receivers": child.process.pid}}


def told(stack: Stack, sinks: Sinks) -> str:
    """Tell people where everything is, and what to type first."""
    call = f"curl -s -H 'x-functions-key: {stack.key}' {stack.api}/api/offboardings"
    lines = {
        "The app": f"{stack.api} until you press Ctrl-C; the tenants are simulated, such as fabrikam.example",
        "Its key": f"{stack.key} (an administrator's; header x-functions-key)",
        "Look at": f"{stack.api}/api/docs?code={stack.key} (the API), {sinks.origin}/_sinks/arrived (messages sent), "
        f"{stack.simulator.origin}/_sim/state?tenant=fabrikam.example (a tenant)",
        "Plan": f"{call}/plan -d '{_PLAN}'",
        "Submit": f"{call} -d '{_SUBMIT}'",
        "Status": call,
    }
    return "\n".join(f"{name:8} {text}" for name, text in lines.items())


def _watch(children: Mapping[str, Child]) -> int:
    while all(child.is_alive for child in children.values()):
        time.sleep(_LOOK_SECONDS)
    child = next(child for child in children.values() if not child.is_alive)
    print(f"{child.name} has ended unexpectedly, so everything stops; the end of its log:", file=sys.stderr)
    print(child.tail(), file=sys.stderr)
    return 1


@contextlib.contextmanager
def folder_for(state: Path | None) -> Iterator[Path]:
    """Give the folder that was asked for, or a temporary one."""
    if state:
        yield state.resolve()
        return
    with tempfile.TemporaryDirectory(prefix="offboarding-", ignore_cleanup_errors=True) as temporary:
        yield Path(temporary)


@contextlib.contextmanager
def stopping() -> Iterator[None]:
    """Turn the first SIGINT, SIGTERM or SIGHUP into `Stopped`, and let nothing disturb the cleaning up after it.

    A terminal that is closed sends SIGHUP, which is ignored already where `nohup` is to keep the stack running.
    """
    names = ("SIGINT", "SIGTERM", "SIGHUP")
    known = [number for name in names if (number := getattr(signal, name, None)) is not None]
    numbers = [number for number in known if signal.getsignal(number) is not signal.SIG_IGN]

    def stop(*_: object) -> NoReturn:
        for number in numbers:
            signal.signal(number, signal.SIG_IGN)
        raise Stopped

    before = {number: signal.signal(number, stop) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
