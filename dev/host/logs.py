"""Logging of the host and its worker: to stderr, a line for each record."""

import logging
import os
import sys
import warnings


class _OneLine(logging.Formatter):
    """Keeps a record, traceback and all, on one line."""

    def format(self, record: logging.LogRecord) -> str:
        return super().format(record).replace("\n", "\\n")


def to_stderr() -> None:
    """Log what the app and the host say, as LOGLEVEL asks."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_OneLine("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    logging.basicConfig(level=os.environ.get("LOGLEVEL", "INFO").upper(), handlers=[handler])
    logging.captureWarnings(True)  # noqa: FBT003 - the library's signature
    # Microsoft's worker library and the SDK report every invocation.
    logging.getLogger("azure.functions").setLevel(logging.WARNING)
    # The SDK's one sign that its task numbers and the host's have parted: results would go to the wrong tasks.
    warnings.filterwarnings("error", message=r"Potential duplicate Task completion for TaskId: \d+$")
