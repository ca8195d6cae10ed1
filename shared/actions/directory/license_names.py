"""What licenses are called where people buy them: "Microsoft 365 E3", not SPE_E3.

The names are Microsoft's table (Learn: "Product names and service plan identifiers for licensing"), beside this file,
read when the first license is named.
"""

from __future__ import annotations

import csv
from functools import cache
from pathlib import Path


def named(sku_id: str, part_number: str = "") -> str:
    """Return a product by its name, with its part number behind it; one that the table lacks by what is known of it."""
    name = _names().get(sku_id.casefold()) or _names().get(part_number.casefold())
    part = part_number or _parts().get(sku_id.casefold(), "")
    if not name:
        return part or sku_id
    return f"{name} ({part})" if part else name


def part_number(sku_id: str) -> str:
    """Return the part number of a product, such as SPE_E3; "" for one that the table lacks."""
    return _parts().get(sku_id.casefold(), "")


@cache
def _rows() -> list[dict[str, str]]:
    with Path(__file__).with_name("license_names.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@cache
def _names() -> dict[str, str]:
    """Return names by id and by part number: a tenant may know one that the table has under another id."""
    by_part = {row["sku_part_number"].casefold(): row["product_name"] for row in _rows()}
    return by_part | {row["sku_id"].casefold(): row["product_name"] for row in _rows()}


@cache
def _parts() -> dict[str, str]:
    return {row["sku_id"].casefold(): row["sku_part_number"] for row in _rows()}
