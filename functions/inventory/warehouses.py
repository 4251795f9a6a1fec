"""A vendor's warehouses: one item, `WHS#<vendor id>`, since there are few and all of them are read at once."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from market.table import Key

MAX_WAREHOUSES = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Warehouse:
    """Where units lie and leave from.

    priority: the lower, the earlier it is drawn from. pickup: whether customers fetch what they bought there; opening:
    when, in the vendor's words. One that is not active gets no more units, and gives its own only after all others.
    """

    id: str
    name: str
    country: str
    region: str = ""
    postal_code: str = ""
    city: str = ""
    line: str = ""
    priority: int = 100
    pickup: bool = False
    opening: str = ""
    is_active: bool = True


def warehouses_key(vendor_id: str) -> Key:
    return Key(f"WHS#{vendor_id}")


def read_warehouses(item: Mapping[str, Any] | None) -> tuple[Warehouse, ...]:
    """The vendor's warehouses in their own order; none where the item is not there."""
    return tuple(Warehouse(**stored) for stored in orjson.loads(item["warehouses"])) if item else ()


def compact(warehouses: Sequence[Warehouse]) -> str:
    """As stored: nothing that is empty."""
    rows = [{name: getattr(one, name) for name in Warehouse.__slots__} for one in warehouses]
    return orjson.dumps([{name: value for name, value in row.items() if value != ""} for row in rows]).decode()
