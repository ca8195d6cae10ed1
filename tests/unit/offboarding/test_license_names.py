"""Licenses go by the names people know."""

from __future__ import annotations

import pytest

from shared.actions.directory import license_names


@pytest.mark.parametrize(
    ("sku", "part", "shown"),
    [
        ("05e9a617-0261-4cee-bb44-138d3ef5d965", "SPE_E3", "Microsoft 365 E3 (SPE_E3)"),
        ("05E9A617-0261-4CEE-BB44-138D3EF5D965", "", "Microsoft 365 E3 (SPE_E3)"),
        ("00000000-0000-4000-8000-000000000001", "SPE_E3", "Microsoft 365 E3 (SPE_E3)"),
        ("00000000-0000-4000-8000-000000000001", "BRAND_NEW", "BRAND_NEW"),
        ("00000000-0000-4000-8000-000000000001", "", "00000000-0000-4000-8000-000000000001"),
    ],
)
def test_a_product_goes_by_its_name(sku: str, part: str, shown: str) -> None:
    assert license_names.named(sku, part) == shown
