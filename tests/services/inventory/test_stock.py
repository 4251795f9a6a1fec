"""Stock: what buyers' holds do to it, what vendors may do, what the public learns."""

import threading
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from inventory import api, store
from inventory.contract import (
    MANIFEST,
    NotOnSale,
    Offer,
    OutOfStock,
    PriceChanged,
    SkuTaken,
    change_offer,
    commit,
    hold,
    new_offer,
    release,
)
from market.errors import Conflict
from market.money import Money
from market.table import Table, Write
from tests.http import Response, call
from vendors.manifest import MANIFEST as VENDORS

ADA, BOB = "ven_ada", "ven_bob"
PRICE = Money(4900, "EUR")
table = Table(MANIFEST, VENDORS)


def offer(sku: str = "LAMP", *, available: int = 10, vendor: str = ADA) -> Offer:
    return Offer(sku=sku, product_id="prd_1", vendor_id=vendor, title="Lamp", price=PRICE, available=available)


def counts(sku: str = "LAMP", vendor: str = ADA) -> tuple[int, int]:
    found = store.get(sku, vendor_id=vendor)
    return found.available, found.held


def vendor(method: str, path: str, body: Any = None, *, vendor_id: str = ADA) -> Response:
    return call(api.handler, method, path, body, caller="usr", roles="vendor", vendor_id=vendor_id)


@pytest.fixture
def lamps(database: str) -> None:
    """Ten lamps of Ada's."""
    table.transact(new_offer(offer()))


def at_once(times: int, write: Callable[[], Write]) -> Counter[str]:
    """Let so many threads write at the same moment; how many were refused why, and how many were not."""
    start = threading.Barrier(times)

    def one(_: int) -> str:
        start.wait()
        try:
            table.transact(write())
        except Conflict as refused:
            return refused.code
        return "done"

    with ThreadPoolExecutor(times) as pool:
        return Counter(pool.map(one, range(times)))


@pytest.mark.contract("7.2")
@pytest.mark.parametrize(("units", "buyers"), [(1, 20), (10, 100)])
def test_the_last_units_go_to_as_many_buyers_as_there_are_units(database: str, units: int, buyers: int) -> None:
    table.transact(new_offer(offer(available=units)))

    told = at_once(buyers, lambda: hold("LAMP", 1, PRICE))

    assert told == {"done": units, "out_of_stock": buyers - units}
    assert counts() == (0, units)


@pytest.mark.contract("7.2")
def test_holds_that_end_at_once_leave_the_count_right(lamps: None) -> None:
    at_once(10, lambda: hold("LAMP", 1, PRICE))
    with ThreadPoolExecutor(2) as pool:
        sold = pool.submit(at_once, 6, lambda: commit("LAMP", 1))
        freed = pool.submit(at_once, 4, lambda: release("LAMP", 1))

    assert sold.result() == {"done": 6}
    assert freed.result() == {"done": 4}
    assert counts() == (4, 0)


@pytest.mark.contract("7.3")
def test_more_than_is_held_is_neither_sold_nor_freed(lamps: None) -> None:
    table.transact(hold("LAMP", 2, PRICE))

    for fragment in (commit, release):
        with pytest.raises(Conflict):
            table.transact(fragment("LAMP", 3))
    assert counts() == (8, 2)


@pytest.mark.contract("7.2")
def test_a_hold_says_why_it_is_refused(lamps: None) -> None:
    with pytest.raises(OutOfStock) as short:
        table.transact(hold("LAMP", 11, PRICE))
    with pytest.raises(PriceChanged) as dearer:
        table.transact(hold("LAMP", 1, Money(4800, "EUR")))
    with pytest.raises(PriceChanged):
        table.transact(hold("LAMP", 1, Money(4900, "USD")))
    with pytest.raises(NotOnSale):
        table.transact(hold("NONE", 1, PRICE))
    table.transact(
        change_offer(Offer(sku="LAMP", product_id="prd_1", vendor_id=ADA, title="Lamp", price=PRICE, active=False))
    )
    with pytest.raises(NotOnSale):
        table.transact(hold("LAMP", 1, PRICE))

    assert short.value.extra == {"sku": "LAMP", "available": 10}
    assert dearer.value.extra["price"] == {"amount": 4900, "currency": "EUR"}
    assert counts() == (10, 0)


def test_a_sku_is_put_on_sale_once(lamps: None) -> None:
    with pytest.raises(SkuTaken):
        table.transact(new_offer(offer(vendor=BOB)))


@pytest.mark.contract("7.1")
def test_an_offer_changes_without_touching_the_stock_unless_it_is_counted(lamps: None) -> None:
    table.transact(hold("LAMP", 2, PRICE))
    table.transact(change_offer(offer(available=99)))
    assert counts() == (8, 2)
    table.transact(change_offer(offer(), available=5))
    assert counts() == (5, 2)


@pytest.mark.contract("7.1")
@pytest.mark.parametrize(("available", "shown"), [(0, 0), (3, 3), (10, 10), (5000, 10)])
def test_the_public_learns_no_more_than_ten(database: str, available: int, shown: int) -> None:
    table.transact(new_offer(offer(available=available)))

    answer = call(api.handler, "GET", "/v1/inventory/LAMP")

    assert answer.json == {"sku": "LAMP", "inStock": available > 0, "available": shown}
    assert answer.headers["cache-control"] == "public, max-age=5"


def test_a_sku_off_sale_is_unknown_to_the_public(lamps: None) -> None:
    table.transact(
        change_offer(Offer(sku="LAMP", product_id="prd_1", vendor_id=ADA, title="Lamp", price=PRICE, active=False))
    )

    assert call(api.handler, "GET", "/v1/inventory/LAMP").status == 404
    assert call(api.handler, "GET", "/v1/inventory/NONE").status == 404


@pytest.mark.contract("7.4")
def test_a_vendor_counts_and_adjusts_its_own_stock(lamps: None) -> None:
    path = f"/v1/vendors/{ADA}/inventory/LAMP"
    table.transact(hold("LAMP", 4, PRICE))

    assert vendor("PATCH", path, {"adjust": -2}).json["available"] == 4
    assert vendor("PATCH", path, {"adjust": 10}).json["available"] == 14
    answer = vendor("PATCH", path, {"available": 20, "expected": 14}).json

    assert (answer["available"], answer["held"], answer["onHand"]) == (20, 4, 24)
    assert vendor("GET", path).json == answer


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"adjust": -11}, 409, "not_so_many"),
        ({"adjust": 10_000_000}, 409, "not_so_many"),
        ({"available": 5, "expected": 9}, 409, "stock_changed"),
        ({"available": -1}, 422, "validation_error"),
        ({"available": 10_000_001}, 422, "validation_error"),
        ({"available": "5"}, 422, "validation_error"),
        ({"available": 5.0}, 422, "validation_error"),
        ({"available": True}, 422, "validation_error"),
        ({"available": 5, "adjust": 1}, 422, "validation_error"),
        ({"adjust": 1, "expected": 10}, 422, "validation_error"),
        ({"held": 0, "available": 1}, 422, "validation_error"),
        ({}, 422, "validation_error"),
        ([], 422, "validation_error"),
    ],
)
def test_a_change_that_makes_no_sense_is_refused(lamps: None, body: object, status: int, code: str) -> None:
    answer = vendor("PATCH", f"/v1/vendors/{ADA}/inventory/LAMP", body)

    assert (answer.status, answer.json["code"]) == (status, code)
    assert counts() == (10, 0)


def test_another_vendors_stock_does_not_exist(lamps: None) -> None:
    for vendor_id in (ADA, BOB):
        path = f"/v1/vendors/{vendor_id}/inventory/LAMP"
        assert vendor("GET", path, vendor_id=BOB).status == 404
        assert vendor("PATCH", path, {"available": 0}, vendor_id=BOB).status == 404
        assert vendor("PATCH", path, {"adjust": -1}, vendor_id=BOB).status == 404
    assert vendor("GET", f"/v1/vendors/{ADA}/inventory", vendor_id=BOB).status == 404
    assert vendor("PATCH", f"/v1/vendors/{ADA}/inventory/NONE", {"available": 1}).status == 404
    assert counts() == (10, 0)


@pytest.mark.contract("7.1")
def test_a_vendor_lists_its_stock_with_true_counts(lamps: None) -> None:
    for number in range(5):
        table.transact(new_offer(offer(f"LAMP-{number}")))
    table.transact(new_offer(offer("OTHER", vendor=BOB)))
    table.transact(hold("LAMP-3", 4, PRICE))
    seen, cursor = [], None
    while True:
        answer = call(
            api.handler, "GET", f"/v1/vendors/{ADA}/inventory", caller="usr", roles="vendor", vendor_id=ADA,
            query={"limit": 2} | ({"cursor": cursor} if cursor else {}),
        ).json  # fmt: skip
        seen += [(item["sku"], item["available"], item["held"]) for item in answer["items"]]
        cursor = answer.get("nextCursor")
        if cursor is None:
            break

    assert seen == [("LAMP", 10, 0), *((f"LAMP-{n}", *((6, 4) if n == 3 else (10, 0))) for n in range(5))]


def test_adjustments_at_once_never_go_below_zero(lamps: None) -> None:
    with ThreadPoolExecutor(20) as pool:
        path = f"/v1/vendors/{ADA}/inventory/LAMP"
        statuses = Counter(
            answer.status for answer in pool.map(lambda _: vendor("PATCH", path, {"adjust": -1}), range(20))
        )

    assert statuses == {200: 10, 409: 10}
    assert counts() == (0, 0)
