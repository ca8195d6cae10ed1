"""What the tests of reports share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dev.tenant import seed
from shared.base import clock
from shared.offboarding.lookup import Lookup
from shared.offboarding.reports import page, record

if TYPE_CHECKING:
    from dev.lab import Lab

HALF = {
    "disable_sign_in": True,
    "revoke_sessions": True,
    "reset_password": True,
    "remove_groups": True,
    "convert_to_shared": True,
    "remove_licenses": True,
    "grant_mailbox_access": {"to": [seed.BO]},
}
MADE = page.Made(clock.from_text("2030-01-01T12:00:00.000Z"), page.zone_of(""))


def record_of(lab: Lab, offboarding_id: str) -> dict[str, Any]:
    """Make the record of an offboarding as it is stored."""
    lookup = Lookup(lab.app)
    offboarding, details = lookup.details(offboarding_id)
    return record.of(offboarding, details, lookup.audit(offboarding_id))
