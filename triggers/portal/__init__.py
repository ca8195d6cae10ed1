"""The endpoints of the existing portal (CIPP 10.9): its shapes, our services.

Nothing is decided here: each endpoint reads the portal's form, calls what our own API calls, and answers as the portal
expects it.
"""

from triggers.portal import absent, log_book, notifications, pickers, preferences, scheduled, start_up, wizard
from triggers.portal.wire import blueprint

__all__ = [
    "absent",
    "blueprint",
    "log_book",
    "notifications",
    "pickers",
    "preferences",
    "scheduled",
    "start_up",
    "wizard",
]
