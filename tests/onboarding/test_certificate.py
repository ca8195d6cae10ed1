"""The end of the app's certificate is told before it comes."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from shared.microsoft365 import tokens
from shared.offboarding.onboarding import certificate

if TYPE_CHECKING:
    from dev.certificate import Certificate
    from dev.lab import Lab


@pytest.mark.parametrize(("days", "said"), [(31, ""), (29, "expires on"), (-1, "expired on")])
def test_it_is_told_from_thirty_days_before(lab: Lab, signed: Certificate, days: int, said: str) -> None:
    end = tokens.certificate_end(signed.pfx, "")

    told = certificate.warning(lab.app.settings, end - timedelta(days=days))

    assert said in told
    assert bool(told) == bool(said)


def test_one_that_cannot_be_read_is_told_and_no_certificate_is_nothing_to_tell(lab: Lab) -> None:
    now = tokens.certificate_end(lab.app.settings.certificate, "")

    assert "is not a PFX" in certificate.warning(replace(lab.app.settings, certificate="bm9uZQ=="), now)
    assert certificate.warning(replace(lab.app.settings, certificate=""), now) == ""
