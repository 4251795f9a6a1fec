"""Lists and pages ask the table for as much in a shop of twenty times as many products: requests, and read units."""

import pytest

from bench.meter import Meter
from catalog import beside, store
from market import clock
from tests.services.catalog.conftest import ADA, BOB, Market, row

pytestmark = pytest.mark.contract("5.1", "5.6")

SMALL, LARGE = 12, 240
READS = (
    "/v1/products?limit=5",
    "/v1/products?category=home&limit=5",
    "/v1/products?category=home>lamps&limit=5",
    f"/v1/products?vendor={ADA}&limit=5",
    "/v1/suggestions?kind=tags&prefix=br",
    "/v1/suggestions?kind=brands&prefix=lu",
    "/v1/products/lamp-4",
    "/v1/products/lamp-5",
)
"""The last page has offers of two vendors."""


def test_requests_and_read_units_are_those_of_a_shop_of_a_twentieth(embedded_table: str) -> None:
    market, meter = Market(), Meter()
    market.staff("PUT", "/v1/admin/brands/lumen", {"name": "Lumen"})
    _fill(market, 0, SMALL)
    offer = {"sku": "BOBS", "price": {"amount": 900, "currency": "EUR"}, "stock": 1}
    shared = market.anyone("GET", "/v1/products/lamp-5").json["id"]
    made = market.vendor("POST", f"/v1/vendors/{BOB}/offers", offer | {"productId": shared}, vendor_id=BOB)
    assert made.status == 201, made
    first = _read(market, meter)
    _fill(market, SMALL, LARGE)

    assert _read(market, meter) == first
    assert all(sum(calls.values()) <= 2 for calls, _ in first.values())


def _fill(market: Market, begin: int, end: int) -> None:
    for start in range(begin, end, 60):
        rows = [
            row(number, title=f"Lamp {number:03}", slug=f"lamp-{number}", category="home>lamps", tags=["bright"])
            for number in range(start, min(start + 60, end))
        ]
        assert market.import_rows(rows)["rejected"] == 0


def _read(market: Market, meter: Meter) -> dict[str, tuple[dict[str, int], float]]:
    """Calls by operation, and read units, of each list and page by a function that was asked for others before, and
    then of the same again.
    """
    found, now = {}, clock.now()
    with clock.running_on(lambda: now):
        assert market.anyone("GET", "/v1/categories").status == 200
        for path in READS:
            beside.forget()
            store.forget_address(path.rpartition("/")[2])
            for time in ("first", "again"):
                with meter.reading() as reading:
                    assert market.anyone("GET", path).status == 200, path
                found[f"{path} {time}"] = dict(reading.calls), reading.reads
    return found
