"""What vendors do with their stock over HTTP: many rows at once, marks, what is kept or comes later, and the books."""

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import orjson
import pytest

from inventory import api, auditing, consumer, store
from inventory.contract import (
    hold,
    stock_key,
)
from market import ids
from market.table import update
from tests import shop
from tests.http import Response, call
from tests.services.inventory import hot
from tests.services.inventory.books import PRICE, TABLE, VENDOR, Books, present

pytestmark = [pytest.mark.usefixtures("database"), pytest.mark.contract("7.5")]


def vendor(method: str, path: str, body: Any = None, **options: Any) -> Response:
    whole = f"/v1/vendors/{VENDOR}/{path}"
    return call(api.handler, method, whole, body, caller="usr_ada", roles="vendor", vendor_id=VENDOR, **options)


def low_told() -> list[tuple[str, int]]:
    told = [event for event in shop.announced() if event["type"].startswith("inventory.")]
    return [(event["type"].removeprefix("inventory."), event["data"]["available"]) for event in told]


def hear(kind: str, data: Mapping[str, Any]) -> None:
    envelope = {
        "eventId": ids.ulid(), "type": kind, "version": 1, "occurredAt": "2026-11-22T00:00:00.000Z",
        "actor": {"type": "system", "id": "system"}, "data": data, "trace": {},
    }  # fmt: skip
    record = {
        "messageId": "1",
        "eventSourceARN": "arn:q:inventory",
        "body": orjson.dumps({"detail": envelope}).decode(),
    }
    assert consumer.handler({"Records": [record]}) == {"batchItemFailures": []}


# -- many at once


@pytest.mark.contract("7.4")
def test_many_rows_each_say_what_became_of_them_and_can_be_sent_again() -> None:
    for sku in ("LAMP", "CHAIR", "DESK"):
        shop.stock(sku, 5)
    shop.stock("VASE", 5, vendor="ven_bob")
    rows = [
        {"sku": "LAMP", "available": 9, "expected": 5},
        {"sku": "CHAIR", "adjust": -3, "reference": "delivery-7", "reason": "broken"},
        {"sku": "DESK", "adjust": -6},
        {"sku": "VASE", "adjust": 1},
        {"sku": "LAMP", "available": 7, "expected": 3},
    ]
    first = vendor("POST", "inventory", {"rows": rows}).json["items"]
    assert [(one["row"], one["sku"], one["outcome"], one.get("available")) for one in first] == [
        (0, "LAMP", "changed", 9),
        (1, "CHAIR", "changed", 2),
        (2, "DESK", "refused", None),
        (3, "VASE", "refused", None),
        (4, "LAMP", "refused", None),
    ]
    assert [one.get("code") for one in first[2:]] == ["not_so_many", "not_found", "stock_changed"]
    again = vendor("POST", "inventory", {"rows": rows[:2]}).json["items"]
    assert [one["outcome"] for one in again] == ["unchanged", "unchanged"]
    assert (present("LAMP").available, present("CHAIR").available) == (9, 2)
    entry = vendor("GET", "inventory/CHAIR/journal").json["items"][0]
    assert (entry["by"], entry["reason"], entry["reference"]) == ("usr_ada", "broken", "delivery-7")


@pytest.mark.contract("7.4")
@pytest.mark.parametrize("rows", [[], [{"sku": "LAMP"}], [{"sku": "LAMP", "adjust": 1}] * 101])
def test_rows_that_make_no_sense_are_refused_as_a_whole(rows: list[Any]) -> None:
    assert vendor("POST", "inventory", {"rows": rows}).status == 422


def test_the_same_reference_at_once_is_done_once() -> None:
    shop.stock("LAMP", 5)
    body = {"rows": [{"sku": "LAMP", "adjust": 3, "reference": "delivery-9"}]}
    with ThreadPoolExecutor(8) as crowd:
        list(crowd.map(lambda _: vendor("POST", "inventory", body), range(8)))
    assert present("LAMP").available == 8


# -- running out


@pytest.mark.contract("7.4")
def test_a_vendor_hears_once_of_each_crossing_whoever_looks_how_often() -> None:
    shop.stock("LAMP", 10)
    vendor("PATCH", "inventory/LAMP", {"reorderPoint": 4})
    books = Books("LAMP")
    books.place(1, 6)
    books.pay(1)
    with ThreadPoolExecutor(6) as crowd:
        list(crowd.map(lambda _: hear("order.paid", {"skus": ["LAMP", "LAMP"]}), range(6)))
    assert low_told() == [("low_stock", 4)]
    vendor("PATCH", "inventory/LAMP", {"adjust": -1})
    assert len(low_told()) == 1, "it was low before"
    assert vendor("PATCH", "inventory/LAMP", {"adjust": 5}).json["isLow"] is False
    assert vendor("PATCH", "inventory/LAMP", {"available": 1}).json["isLow"] is True
    assert low_told() == [("low_stock", 4), ("restocked", 8), ("low_stock", 1)]


@pytest.mark.contract("7.4")
def test_units_of_a_cancelled_order_lift_the_mark() -> None:
    shop.stock("LAMP", 5)
    books = Books("LAMP")
    books.place(1, 3)
    vendor("PATCH", "inventory/LAMP", {"reorderPoint": 2})
    books.cancel(1)
    hear("order.cancelled", {"skus": ["LAMP"]})
    assert low_told() == [("low_stock", 2), ("restocked", 5)]
    vendor("PATCH", "inventory/LAMP", {"reorderPoint": 7})
    vendor("PATCH", "inventory/LAMP", {"reorderPoint": None})
    assert len(low_told()) == 3, "whoever stops watching is not told"
    assert "isLow" not in vendor("GET", "inventory/LAMP").json


@pytest.mark.contract("7.4")
def test_orders_of_what_nobody_watches_cost_inventory_nothing() -> None:
    shop.stock("LAMP", 5)
    for kind in ("order.paid", "order.cancelled"):
        hear(kind, {"order_id": "ord_1"})
        hear(kind, {"skus": ["LAMP", "GONE"]})
    assert low_told() == []


# -- kept, and later


@pytest.mark.contract("7.1")
def test_safety_stock_is_on_hand_but_not_sold() -> None:
    shop.stock("LAMP", 5)
    shown = vendor("PATCH", "inventory/LAMP", {"safetyStock": 2}).json
    assert (shown["available"], shown["kept"], shown["onHand"], shown["safetyStock"]) == (3, 2, 5, 2)
    assert call(api.handler, "GET", "/v1/inventory/LAMP").json["available"] == 3
    assert vendor("PATCH", "inventory/LAMP", {"safetyStock": 0}).json["available"] == 5
    assert auditing.audit("LAMP").agrees


@pytest.mark.contract("7.1")
def test_what_is_not_there_yet_is_sold_and_served_first() -> None:
    shop.stock("LAMP", 1)
    later = {"kind": "backorder", "units": 4, "from": "2999-12-24"}
    vendor("PATCH", "inventory/LAMP", {"later": later})
    public = call(api.handler, "GET", "/v1/inventory/LAMP").json
    assert (public["available"], "availableFrom" in public) == (5, False)
    books = Books("LAMP")
    books.place(1, 3)
    books.pay(1)
    shown = vendor("GET", "inventory/LAMP").json
    assert shown["later"] == {"kind": "backorder", "from": "2999-12-24", "left": 2, "held": 0, "owed": 2}
    assert call(api.handler, "GET", "/v1/inventory/LAMP").json["availableFrom"] == "2999-12-24"
    assert vendor("PATCH", "inventory/LAMP", {"adjust": 5}).json["available"] == 3
    books.take_back(1)
    offer = present("LAMP")
    assert (offer.available, offer.later and offer.later.owed) == (6, 0), "its units had arrived"
    assert auditing.audit("LAMP").agrees
    assert "later" not in vendor("PATCH", "inventory/LAMP", {"later": None}).json
    assert vendor("PATCH", "inventory/LAMP", {"later": later | {"from": "soon"}}).status == 422


@pytest.mark.contract("7.4")
def test_a_vendor_counts_and_takes_what_lies_on_shards_by_now() -> None:
    hot.spread(20, 2)
    assert present("LAMP").elsewhere == 20
    assert vendor("PATCH", "inventory/LAMP", {"adjust": -3}).json["available"] == 17
    hot.sweep.spread("LAMP", 2, 2)
    assert vendor("PATCH", "inventory/LAMP", {"available": 9}).json["onHand"] == 9
    assert auditing.audit("LAMP").agrees
    assert vendor("PATCH", "inventory/LAMP", {"expectedPeak": 900}).json["expectedPeak"] == 900


# -- the books


def test_the_journal_says_who_did_what_and_adds_up() -> None:
    shop.stock("LAMP", 10)
    vendor("PATCH", "inventory/LAMP", {"available": 8, "reason": "counted"})
    books = Books("LAMP")
    books.place(1, 2)
    books.pay(1)
    pages = [vendor("GET", "inventory/LAMP/journal", query={"limit": 1})]
    pages.append(vendor("GET", "inventory/LAMP/journal", query={"limit": 1, "cursor": pages[0].json["nextCursor"]}))
    sold, counted = (page.json["items"][0] for page in pages)
    assert (sold["kind"], sold["delta"], sold["reference"], "by" in sold) == ("sold", -2, "ord_1", False)
    assert (counted["kind"], counted["to"], counted["delta"], counted["by"]) == ("counted", 8, -2, "usr_ada")
    found = vendor("GET", "inventory/LAMP/audit").json
    assert (found["agrees"], found["startedWith"], found["entries"]) == (True, 10, 2)
    assert found["onHand"] == found["rebuilt"] == [{"units": 6}]
    assert vendor("GET", "inventory/NONE/audit").status == vendor("GET", "inventory/NONE/journal").status == 404


def test_a_difference_is_found_and_the_command_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    shop.stock("LAMP", 10)
    shop.stock("CHAIR", 3)
    TABLE.transact(hold("LAMP", 1, PRICE))
    assert auditing.main(["LAMP", "CHAIR"]) == 0

    TABLE.transact(update(stock_key("LAMP"), "SET available = available + :one", {":one": 1}))
    assert auditing.main(["CHAIR", "LAMP"]) == 1
    assert "LAMP: DIFFERS; on hand {'': 11}, journal {'': 10}, 0 entries" in capsys.readouterr().out
    TABLE.transact(update(stock_key("LAMP"), "REMOVE started_with"))
    assert auditing.main(["LAMP"]) == 0
    assert "agrees" not in vendor("GET", "inventory/LAMP/audit").json
    assert store.get("LAMP", vendor_id=VENDOR).started_with is None
