"""Paid orders to bill, written as orders would have written them."""

from dataclasses import replace

import orjson
import pytest

from invoices import store
from invoices.manifest import MANIFEST as INVOICES
from market import clock, config
from market.money import Money
from market.table import Table, put
from orders.contract import MANIFEST as ORDERS
from orders.contract import PAID, LineSnapshot, OrderSnapshot, Part, compact_lines, compact_parts, number_of, order_key
from vendors.contract import MANIFEST as VENDORS
from vendors.contract import vendor_key

ADDRESS = {"name": "Ada Łukasiewicz", "line1": "Torstr. 1", "city": "Berlin", "postalCode": "10119", "country": "DE"}
_table = Table(replace(INVOICES, uses=INVOICES.reads, reads=()), ORDERS, VENDORS)


def euros(cents: int) -> Money:
    return Money(cents, "EUR")


@pytest.fixture(autouse=True)
def table(database: str, environment: pytest.MonkeyPatch) -> str:
    """The table, the bucket of documents and two vendors, one of which says little of itself."""
    environment.setenv("DOCUMENTS_BUCKET", "documents")
    config.client("s3").create_bucket(Bucket="documents")
    known = {"legal_name": "Lumen GmbH", "tax_id": "DE123456789", "country": "DE", "support_email": "l@example.com"}
    _table.write(put(vendor_key("ven_lights"), {"name": "Lumen & Söhne", "slug": "lumen-lights"} | known))
    _table.write(put(vendor_key("ven_wood"), {"name": "Wood", "slug": "wood", "support_email": "w@example.com"}))
    return database


def paid(order_id: str = "ord_0r3k7q8h2mx4tq9z", customer: str = "usr_ada", *, title: str = "Lamp") -> OrderSnapshot:
    """A paid order of two vendors, in the table: two discounted lamps and a chair, 19 % and 7 %."""
    lines = (
        LineSnapshot(
            sku="LAMP", product_id="prd_1", vendor_id="ven_lights", title=title, quantity=2, unit_price=euros(1_999),
            discount=euros(100), tax=euros(622), tax_rate=19_000,
        ),
        LineSnapshot(
            sku="CHAIR", product_id="prd_2", vendor_id="ven_wood", title="Chair", quantity=1, unit_price=euros(8_000),
            tax=euros(523), tax_rate=7_000,
        ),
    )  # fmt: skip
    none = euros(0)
    parts = (
        Part(
            vendor_id="ven_lights", subtotal=euros(3_998), discount=euros(100), shipping=euros(490),
            shipping_tax=euros(78), shipping_tax_rate=19_000, tax=euros(700), commission=euros(390),
        ),
        Part(
            vendor_id="ven_wood", subtotal=euros(8_000), discount=none, shipping=none, shipping_tax=none,
            tax=euros(523), commission=euros(800),
        ),
    )  # fmt: skip
    item = {
        "number": number_of(order_id, "MK"),
        "status": PAID,
        "currency": "EUR",
        "lines": compact_lines(lines),
        "parts": compact_parts(parts),
        "shipping_method": "standard",
        "address": orjson.dumps(ADDRESS).decode(),
        "created_at": clock.timestamp(),
    }
    _table.write(put(order_key(customer, order_id), item))
    return store.order_of(customer, order_id)
