"""Starts the host: `python -m dev.host --root APP --data DIR --port N`."""

import argparse
import asyncio
import logging
import os
import signal
from datetime import timedelta
from pathlib import Path

from dev.host import logs
from dev.host.app import AppError
from dev.host.server import Options, serve


def _options() -> Options:
    parser = argparse.ArgumentParser(prog="python -m dev.host", description=__doc__)
    parser.add_argument("--root", type=Path, required=True, help="folder of function_app.py")
    parser.add_argument("--data", type=Path, required=True, help="folder of the task hub and the keys")
    parser.add_argument("--port", type=int, required=True, help="HTTP port; 0 picks a free one")
    parser.add_argument(
        "--visibility-timeout", type=float, metavar="SECONDS", help="lease of an activity, instead of host.json's"
    )
    parser.add_argument(
        "--clock", metavar="MODULE:FUNCTION", help="called with the host's clock after the app is loaded"
    )
    parser.add_argument("--worker", choices=("embedded", "microsoft"), default="embedded")
    given = parser.parse_args()
    timeout = None if given.visibility_timeout is None else timedelta(seconds=given.visibility_timeout)
    return Options(given.root.resolve(), given.data.resolve(), given.port, timeout, given.clock, given.worker)


async def _main(options: Options) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    await serve(options, lambda address: print(f"READY {address}", flush=True), stop)


if __name__ == "__main__":
    logs.to_stderr()
    code = 0
    try:
        asyncio.run(_main(_options()))
    except AppError as error:
        logging.getLogger("host").critical("%s", error)
        code = 1
    except Exception:
        logging.getLogger("host").critical("the host could not start or go on", exc_info=True)
        code = 1
    logging.shutdown()
    # A user's thread that waits for something would keep the interpreter from ending.
    os._exit(code)
