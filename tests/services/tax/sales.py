"""Paid orders in the table, written as orders would have written them."""

from collections.abc import Callable
from typing import Any

import orjson

from market.manifest import Manifest
from market.money import Money
from market.table import Table, put
from orders.contract import MANIFEST as ORDERS
from orders.contract import PAID, LineSnapshot, OrderSnapshot, Part, compact_lines, compact_parts, number_of, order_key
from tax import store

_table = Table(Manifest(service="orders", prefixes=ORDERS.prefixes, functions=()))
_HOMES = {"DE": {"postalCode": "10115"}, "US": {"state": "CA", "postalCode": "90210", "city": "Beverly Hills"}}


def _lines(money: Callable[[int], Money], lamps: Money, rate: int, *, added: bool) -> tuple[LineSnapshot, ...]:
    return (
        LineSnapshot(
            sku="LAMP", product_id="prd_1", vendor_id="ven_lights", title="Lamp", quantity=2, unit_price=money(2_000),
            tax=lamps, tax_rate=rate, tax_added=added,
        ),
        LineSnapshot(
            sku="CHAIR", product_id="prd_2", vendor_id="ven_wood", title="Chair", quantity=1, unit_price=money(8_000),
            tax=money(0), tax_note="exempt",
        ),
    )  # fmt: skip


def _parts(money: Callable[[int], Money], taxes: tuple[Money, Money], rate: int, **more: bool) -> tuple[Part, ...]:
    lamps, parcel = taxes
    added = more["added"]
    return (
        Part(
            vendor_id="ven_lights", subtotal=money(4_000), discount=money(0), shipping=money(490),
            commission=money(400), shipping_tax=parcel, shipping_tax_rate=rate, shipping_tax_added=added,
            tax=lamps + parcel, added=lamps + parcel if added else None, tax_by_vendor=more["by_vendor"],
        ),
        Part(
            vendor_id="ven_wood", subtotal=money(8_000), discount=money(0), shipping=money(0), commission=money(800),
            shipping_tax=money(0), tax=money(0), tax_by_vendor=more["by_vendor"],
        ),
    )  # fmt: skip


def paid(
    order_id: str = "ord_1",
    *,
    country: str = "DE",
    at: str = "2026-11-21T12:00:00.000Z",
    by_vendor: bool = False,
    postal_code: str = "",
) -> OrderSnapshot:
    """Two lamps and an exempt chair of two vendors, one parcel: 19 % inside in Germany, 9.5 % on top in California."""
    american = country == "US"
    currency, rate = ("USD", 9_500) if american else ("EUR", 19_000)

    def money(amount: int) -> Money:
        return Money(amount, currency)

    lamps, parcel = (money(380), money(47)) if american else (money(639), money(78))
    address = {"name": "Ada Lovelace", "country": country} | _HOMES[country]
    address |= {"postalCode": postal_code} if postal_code else {}
    item: dict[str, Any] = {
        "number": number_of("ord_0r3k7q8h2mx4tq9z", "MK"),
        "status": PAID,
        "currency": currency,
        "lines": compact_lines(_lines(money, lamps, rate, added=american)),
        "parts": compact_parts(_parts(money, (lamps, parcel), rate, added=american, by_vendor=by_vendor)),
        "shipping_method": "standard",
        "address": orjson.dumps(address).decode(),
        "created_at": at,
        "paid_at": at,
    }
    item |= {"jurisdiction": "US-CA"} if american else {}
    _table.write(put(order_key("usr_ada", order_id), item))
    return store.order_of("usr_ada", order_id)


def told(order_id: str = "ord_1") -> dict[str, Any]:
    """What `order.paid` says."""
    return {"order_id": order_id, "order_no": "MK-1", "customer_id": "usr_ada", "vendor_ids": ["ven_lights"]}


def refund(*pieces: tuple[str, int, int], refund_id: str = "ref_1", currency: str = "EUR") -> dict[str, Any]:
    """What `refund.succeeded` says. Pieces are (SKU or `shipping`, amount, tax in it)."""

    def money(amount: int) -> dict[str, Any]:
        return Money(amount, currency).plain()

    vendors = {"LAMP": "ven_lights", "CHAIR": "ven_wood", "shipping": "ven_lights"}
    rows = [
        {"sku": what, "vendor_id": vendors[what], "quantity": 1, "amount": money(amount), "tax": money(tax)}
        for what, amount, tax in pieces
    ]
    return {
        "order_id": "ord_1",
        "customer_id": "usr_ada",
        "refund_id": refund_id,
        "lines": [row for row in rows if row["sku"] != "shipping"],
        "shipping": [row for row in rows if row["sku"] == "shipping"],
    }
