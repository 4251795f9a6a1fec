"""What checkout may know of shipping: tables, parcels and options, as keys and pure functions. No I/O.

    table = table_of(found.get(table_key(vendor_id)), found.get(table_key(PLATFORM)))
    parcel = parcel_of(pieces, currency)                          # pieces of one vendor, after discounts
    for option in options(parcel, destination, table, at=at): ...
    option = choose("standard", parcel, destination, table, vendor_id=vendor_id, at=at)

A vendor's own table counts, else the platform's, else `DEFAULT`. A table has one currency; for an order in another one
pass `convert`, which brings an amount of the table's currency into the order's (`lambda money: converted(money, quote)`
with a quote of `prices.contract`). Without it such a table offers nothing but pickup, for the reason `currency`.

A carrier's own price is kept under `quote_key(quote_id)` for a while. An order that names one passes it to `carried`,
which refuses it unless it is still valid and for this very vendor, parcel and place (`matches`).
"""

from collections.abc import Mapping
from typing import Any

from market.table import Key
from shipping import quotes, stored
from shipping.manifest import MANIFEST as MANIFEST
from shipping.model import CarrierQuoteGone as CarrierQuoteGone
from shipping.model import Destination as Destination
from shipping.model import NotShippable as NotShippable
from shipping.model import Option as Option
from shipping.model import Parcel as Parcel
from shipping.model import Piece as Piece
from shipping.model import RateTable as RateTable
from shipping.model import ShippingMethodNotOffered as ShippingMethodNotOffered
from shipping.offering import NOTHING_TO_SEND as NOTHING_TO_SEND
from shipping.offering import carried as carried
from shipping.offering import choose as choose
from shipping.offering import matches as matches
from shipping.offering import options as options
from shipping.quotes import CarrierQuote as CarrierQuote
from shipping.quotes import CarrierRate as CarrierRate
from shipping.rating import Convert as Convert
from shipping.rating import parcel_of as parcel_of
from shipping.stored import DEFAULT as DEFAULT

Table = RateTable

PLATFORM = "platform"
"""The scope of the table that counts for vendors without one of their own."""


def table_key(scope: str) -> Key:
    """scope: `PLATFORM`, or a vendor's id."""
    return Key(f"SHT#{scope}")


def read_table(item: Mapping[str, Any]) -> RateTable:
    return stored.read(
        item["table"],
        scope=item["pk"].removeprefix("SHT#"),
        version=item["version"],
        updated_by=item["updated_by"],
        updated_at=item["updated_at"],
    )


def table_of(vendors: Mapping[str, Any] | None, platforms: Mapping[str, Any] | None) -> RateTable:
    """The table that counts, of the items as they were found."""
    item = vendors if vendors and vendors.get("table") else platforms
    return read_table(item) if item and item.get("table") else DEFAULT


def quote_key(quote_id: str) -> Key:
    return Key(f"SHQ#{quote_id}")


def read_carrier_quote(item: Mapping[str, Any]) -> CarrierQuote:
    return quotes.read(item)
