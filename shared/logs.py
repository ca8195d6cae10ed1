"""What is worth a line in the log."""

from __future__ import annotations

import logging


def quiet_libraries() -> None:
    """Keep the SDKs from logging every request they send; their warnings stay."""
    for name in ("azure", "msal", "urllib3"):
        logging.getLogger(name).setLevel(logging.WARNING)
