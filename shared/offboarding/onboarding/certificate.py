"""How long the app's own certificate is valid: when it has expired, no tenant lets the app in."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

from shared.base import clock
from shared.microsoft365 import tokens
from shared.microsoft365.http.errors import MicrosoftError

if TYPE_CHECKING:
    from datetime import datetime

    from shared.app.settings import Settings

_WARNED_BEFORE: Final = timedelta(days=30)
_DO: Final = "Make a new one, upload it to the app registration, and put it into M365_CERTIFICATE (docs/deploy.md)."


def warning(settings: Settings, now: datetime) -> str:
    """Say that the certificate has expired, expires within 30 days or cannot be read; "" where all is well."""
    if not settings.certificate:
        return ""
    try:
        end = tokens.certificate_end(settings.certificate, settings.certificate_password)
    except MicrosoftError as error:
        return error.message
    if end < now:
        return f"The app's certificate expired on {clock.in_words(end)}. {_DO}"
    if end < now + _WARNED_BEFORE:
        return f"The app's certificate expires on {clock.in_words(end)}. {_DO}"
    return ""
