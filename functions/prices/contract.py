"""What pricing an order needs to know of prices: keys of page-shaped items, readers of them, and pure arithmetic.

    base price of the offer
      │  planned      a change of the base that is due counts at once
      │  listed       the lowest list price for the customer's groups, country and quantity
      ▼  converted    at the day's rate, with the fee, by the currency's rounding rule
    price of one unit in the order's currency

`listed` does all three when it is given a quote. Nothing here reads the clock or the table; an item that does not exist
is None and reads as no list, no group, no rate.
"""

from collections.abc import Mapping
from typing import Any

from market.table import Key
from prices import lists, rates
from prices.lists import MAX_ENTRIES as MAX_ENTRIES
from prices.lists import REGIONS as REGIONS
from prices.lists import Entry as Entry
from prices.lists import Listed as Listed
from prices.lists import listed as listed
from prices.lists import planned as planned
from prices.manifest import MANIFEST as MANIFEST
from prices.rates import PIVOT as PIVOT
from prices.rates import NoRate as NoRate
from prices.rates import Quote as Quote
from prices.rates import Rate as Rate
from prices.rates import Rates as Rates
from prices.rates import Rounding as Rounding
from prices.rates import TooMuch as TooMuch
from prices.rates import converted as converted
from prices.rates import exchanged as exchanged
from prices.rates import fee_in as fee_in
from prices.rates import read_quote as read_quote


def entries_key(sku: str) -> Key:
    """Where all list prices and plans of a SKU are."""
    return Key(f"PRL#{sku}")


def read_entries(item: Mapping[str, Any] | None) -> tuple[Entry, ...]:
    return lists.unpacked(item["entries"]) if item else ()


def groups_key(customer_id: str) -> Key:
    """Where the groups of a customer are; guests have none."""
    return Key(f"PRG#{customer_id}")


def read_groups(item: Mapping[str, Any] | None) -> frozenset[str]:
    """The platform's groups by name (`wholesale`), vendors' with their id before it (`ven_1:friends`)."""
    return frozenset(item.get("groups", ())) if item else frozenset()


def rates_key() -> Key:
    """Where all exchange rates are."""
    return Key("FXR#current")


def read_rates(item: Mapping[str, Any] | None) -> Rates:
    """Without any, each currency can only be quoted to itself."""
    return rates.unpacked(item) if item else Rates()
