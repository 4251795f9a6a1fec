"""What vendors do with their warehouses over HTTP: places, transfers, many rows at once, and what the books say."""

from collections import Counter
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from inventory import api, auditing, transfers
from inventory.contract import (
    UnitsMoved,
    choose_sources,
    commit,
    hold,
    read_warehouses,
    release,
    warehouses_key,
)
from inventory.moves import Who
from inventory.transfers import NotInTransit
from market import ids
from tests import shop
from tests.http import Response, call
from tests.services.inventory.books import PRICE, TABLE, VENDOR, WAREHOUSES, Books, present

pytestmark = [pytest.mark.usefixtures("database"), pytest.mark.contract("7.5")]


def vendor(method: str, path: str, body: Any = None, **options: Any) -> Response:
    whole = f"/v1/vendors/{VENDOR}/{path}"
    return call(api.handler, method, whole, body, caller="usr_ada", roles="vendor", vendor_id=VENDOR, **options)


def opened(*wished: Mapping[str, Any]) -> list[str]:
    """Open warehouses; their ids."""
    forms = [{"name": f"Hall {number}", "country": "DE"} | dict(form) for number, form in enumerate(wished)]
    answer = vendor("PUT", "warehouses", {"warehouses": forms})
    assert answer.status == 200, answer.json
    return [one["id"] for one in answer.json["items"]]


def key() -> dict[str, str]:
    return {"Idempotency-Key": ids.ulid()}


# -- warehouses


def test_warehouses_are_kept_in_order_and_never_taken_out() -> None:
    berlin, lyon = opened({"city": "Berlin", "pickup": True, "opening": "Mo-Fr 9-17"}, {"country": "FR", "priority": 3})
    listed = vendor("GET", "warehouses")
    assert [one["id"] for one in listed.json["items"]] == [berlin, lyon]
    assert listed.json["items"][0] == {
        "id": berlin, "name": "Hall 0", "country": "DE", "region": "", "postalCode": "", "city": "Berlin", "line": "",
        "priority": 100, "pickup": True, "opening": "Mo-Fr 9-17", "isActive": True,
    }  # fmt: skip
    assert read_warehouses(TABLE.get(warehouses_key(VENDOR)))[1].priority == 3

    gone = vendor("PUT", "warehouses", {"warehouses": [{"id": lyon, "name": "Lyon", "country": "FR"}]})
    assert (gone.status, gone.json["code"], gone.json["missing"]) == (409, "warehouse_in_use", [berlin])
    strange = {"id": f"wh_{'0' * 26}", "name": "Mine?", "country": "FR"}
    assert vendor("PUT", "warehouses", {"warehouses": [strange]}).status == 404
    turned = [{"id": one["id"], "name": one["name"], "country": one["country"]} for one in listed.json["items"][::-1]]
    assert vendor("PUT", "warehouses", {"warehouses": turned}).json["items"][0]["id"] == lyon


def test_warehouses_are_changed_by_who_has_seen_them() -> None:
    opened({})
    seen = vendor("GET", "warehouses")
    forms = [{"id": one["id"], "name": "Renamed", "country": "DE"} for one in seen.json["items"]]
    tag = {"If-Match": seen.headers["etag"]}
    first = vendor("PUT", "warehouses", {"warehouses": forms}, headers=tag)
    assert (first.status, first.headers["etag"] != seen.headers["etag"]) == (200, True)
    assert vendor("PUT", "warehouses", {"warehouses": [{**forms[0], "name": "Late"}]}, headers=tag).status == 412
    again = vendor("PUT", "warehouses", {"warehouses": forms}, headers={"If-Match": first.headers["etag"]})
    assert again.headers["etag"] == first.headers["etag"], "the same once more is no change"
    many = [{"name": "Hall", "country": "DE"} for _ in range(21)]
    assert vendor("PUT", "warehouses", {"warehouses": many}).status == 422
    twice = [forms[0], forms[0]]
    assert vendor("PUT", "warehouses", {"warehouses": twice}).status == 422


def test_units_are_counted_where_they_lie_and_totals_are_their_sums() -> None:
    shop.stock("LAMP", 10)
    (berlin,) = opened({})
    path = "inventory/LAMP"
    assert vendor("PATCH", path, {"available": 4, "place": berlin, "expected": 0}).json["available"] == 14
    shown = vendor("PATCH", path, {"adjust": -2, "place": berlin, "reason": "broken"}).json
    assert (shown["available"], shown["onHand"]) == (12, 12)
    assert shown["places"] == [{"warehouseId": berlin, "available": 2, "held": 0, "kept": 0}]
    assert vendor("PATCH", path, {"available": 3}).json["available"] == 5, "of those in no warehouse"
    assert vendor("PATCH", path, {"adjust": -3, "place": berlin}).json["available"] == 2
    assert vendor("PATCH", path, {"adjust": 1, "place": f"wh_{'0' * 26}"}).status == 404
    assert vendor("PATCH", path, {"adjust": 1, "place": "nowhere"}).status == 422


def test_the_public_learns_where_it_can_be_fetched_but_not_how_many() -> None:
    shop.stock("LAMP", 0)
    berlin, lyon = opened({"pickup": True, "city": "Berlin"}, {})
    for place in (berlin, lyon):
        vendor("PATCH", "inventory/LAMP", {"adjust": 8, "place": place})
    answer = call(api.handler, "GET", "/v1/inventory/LAMP").json
    assert (answer["available"], [one["id"] for one in answer["pickup"]]) == (10, [berlin])
    assert (answer["pickup"][0]["inStock"], "available" in answer["pickup"][0]) == (True, False)


# -- sold from places


@pytest.mark.contract("7.2", "7.3")
def test_the_last_units_of_a_place_are_held_once_and_others_are_told_to_look_again() -> None:
    shop.stock("LAMP", 0)
    (berlin,) = opened({})
    vendor("PATCH", "inventory/LAMP", {"available": 3, "place": berlin})

    def buy(number: int) -> str:
        own = Books("LAMP")
        try:
            own.place(number, 1)
        except UnitsMoved as moved:
            return moved.code
        except Exception as refused:
            return str(getattr(refused, "code", refused))
        return "held"

    with ThreadPoolExecutor(8) as crowd:
        told = Counter(crowd.map(buy, range(8)))
    assert told["held"] == 3
    assert set(told) <= {"held", "out_of_stock", "units_moved"}
    assert present("LAMP").places[berlin].held == 3


@pytest.mark.contract("7.2")
def test_a_hold_of_a_place_that_is_empty_by_now_says_so_and_a_plain_one_is_sent_to_the_offer() -> None:
    shop.stock("LAMP", 1)
    (berlin,) = opened({})
    vendor("PATCH", "inventory/LAMP", {"available": 3, "place": berlin})
    for refused in (hold("LAMP", 1, PRICE), hold("LAMP", 4, PRICE, None, ((berlin, 4),), placed=3)):
        with pytest.raises(UnitsMoved):
            TABLE.transact(refused)
    with pytest.raises(UnitsMoved):
        TABLE.transact(hold("LAMP", 1, PRICE, None, (("", 1),), placed=0))
    TABLE.transact(hold("LAMP", 4, PRICE, None, choose_sources(present("LAMP"), 4, "DE", WAREHOUSES), placed=3))
    assert (present("LAMP").held, present("LAMP").available) == (4, 0)


@pytest.mark.contract("7.3")
def test_an_order_placed_before_there_were_warehouses_still_ends() -> None:
    shop.stock("LAMP", 6)
    TABLE.transact(hold("LAMP", 2, PRICE))
    TABLE.transact(hold("LAMP", 1, PRICE))
    (berlin,) = opened({})
    vendor("PATCH", "inventory/LAMP", {"adjust": 5, "place": berlin})
    TABLE.transact(*commit("LAMP", 2, order="ord_1"))
    TABLE.transact(release("LAMP", 1))
    offer = present("LAMP")
    assert (offer.available, offer.held, offer.loose, offer.placed) == (9, 0, 4, 5)
    assert auditing.audit("LAMP").agrees


# -- transfers


def test_a_transfer_takes_units_away_and_brings_them_in_parts() -> None:
    shop.stock("LAMP", 10)
    berlin, lyon = opened({}, {"country": "FR"})
    vendor("PATCH", "inventory/LAMP", {"adjust": 6, "place": berlin})
    body = {"from": berlin, "to": lyon, "lines": [{"sku": "LAMP", "units": 5}], "note": "for the fair"}
    sent = vendor("POST", "transfers", body, headers=(one := key()))
    assert (sent.status, sent.json["status"], sent.json["version"]) == (201, "in_transit", 1)
    again = vendor("POST", "transfers", body, headers=one)
    assert (again.status, again.json["id"]) == (201, sent.json["id"])
    other = vendor("POST", "transfers", body | {"note": "another"}, headers=one)
    assert (other.status, other.json["code"]) == (422, "idempotency_key_reused")
    assert vendor("POST", "transfers", body).status == 400
    assert present("LAMP").available == 11, "what is on its way is nowhere"

    path = f"transfers/{sent.json['id']}"
    part = {"version": 1, "received": [{"sku": "LAMP", "units": 2}]}
    assert vendor("PATCH", path, part).json["lines"][0] == {
        "sku": "LAMP", "sent": 5, "received": 2, "lost": 0, "cancelled": 0, "inTransit": 3,
    }  # fmt: skip
    twice = vendor("PATCH", path, part)
    assert (twice.status, twice.json["code"], twice.json["version"]) == (409, "transfer_changed", 2)
    over = vendor("PATCH", path, {"version": 2, "received": [{"sku": "LAMP", "units": 4}]})
    assert (over.status, over.json["code"], over.json["inTransit"]) == (409, "not_in_transit", 3)
    lost = vendor("PATCH", path, {"version": 2, "close": "lost", "reason": "fell off"}).json
    assert (lost["status"], lost["reason"], lost["lines"][0]["lost"], "closedAt" in lost) == (
        "closed",
        "fell off",
        3,
        True,
    )
    assert present("LAMP").places[lyon].available == 2
    assert auditing.audit("LAMP").agrees
    assert [one["id"] for one in vendor("GET", "transfers").json["items"]] == [sent.json["id"]]
    kinds = [
        (one["kind"], one["delta"], one.get("reference"))
        for one in vendor("GET", "inventory/LAMP/journal").json["items"]
    ]
    assert kinds == [("received", 2, sent.json["id"]), ("sent", -5, sent.json["id"]), ("adjusted", 6, None)]


def test_a_cancelled_transfer_is_back_where_it_came_from() -> None:
    shop.stock("LAMP", 10)
    (berlin,) = opened({})
    sent = vendor("POST", "transfers", {"to": berlin, "lines": [{"sku": "LAMP", "units": 4}]}, headers=key()).json
    assert present("LAMP").available == 6
    done = vendor("PATCH", f"transfers/{sent['id']}", {"version": 1, "close": "cancelled", "reason": "no van"}).json
    assert (done["status"], done["lines"][0]["cancelled"], present("LAMP").loose) == ("closed", 4, 10)
    again = vendor("PATCH", f"transfers/{sent['id']}", {"version": 2, "close": "lost", "reason": "no van"})
    assert again.json["lines"][0]["lost"] == 0, "nothing is left to lose"


def test_a_transfer_is_all_or_nothing_and_at_once_only_one_step_counts() -> None:
    shop.stock("LAMP", 3)
    shop.stock("CHAIR", 1)
    (berlin,) = opened({})
    lines = [{"sku": "LAMP", "units": 2}, {"sku": "CHAIR", "units": 2}]
    few = vendor("POST", "transfers", {"to": berlin, "lines": lines}, headers=key())
    assert (few.status, few.json["code"], few.json["sku"]) == (409, "not_so_many", "CHAIR")
    assert present("LAMP").available == 3
    sent = vendor("POST", "transfers", {"to": berlin, "lines": lines[:1]}, headers=key()).json
    body = {"version": 1, "received": lines[:1]}
    with ThreadPoolExecutor(6) as crowd:
        told = Counter(crowd.map(lambda _: vendor("PATCH", f"transfers/{sent['id']}", body).status, range(6)))
    assert told == {200: 1, 409: 5}
    assert present("LAMP").places[berlin].available == 2


@pytest.mark.parametrize(
    "body",
    [
        {"lines": [{"sku": "LAMP", "units": 1}]},
        {"to": "WH", "lines": []},
        {"to": "WH", "lines": [{"sku": "LAMP", "units": 0}]},
        {"to": "WH", "lines": [{"sku": "LAMP", "units": 1}] * 2},
        {"to": "WH", "from": "WH", "lines": [{"sku": "LAMP", "units": 1}]},
        {"to": "WH", "lines": [{"sku": f"S{number}", "units": 1} for number in range(21)]},
    ],
)
def test_a_transfer_that_makes_no_sense_is_refused(body: dict[str, Any]) -> None:
    (berlin,) = opened({})
    named = {name: berlin if value == "WH" else value for name, value in body.items()}
    assert vendor("POST", "transfers", named, headers=key()).status == 422


def test_what_is_closed_takes_no_more_units_and_is_emptied_by_a_transfer() -> None:
    shop.stock("LAMP", 0)
    berlin, lyon = opened({}, {})
    vendor("PATCH", "inventory/LAMP", {"adjust": 2, "place": berlin})
    listed = vendor("GET", "warehouses").json["items"]
    forms = [{"id": one["id"], "name": "Hall", "country": "DE", "isActive": one["id"] == lyon} for one in listed]
    vendor("PUT", "warehouses", {"warehouses": forms})
    assert vendor("PATCH", "inventory/LAMP", {"adjust": 1, "place": berlin}).status == 404
    line = [{"sku": "LAMP", "units": 2}]
    assert vendor("POST", "transfers", {"to": berlin, "lines": line}, headers=key()).status == 404
    assert vendor("POST", "transfers", {"from": berlin, "to": lyon, "lines": line}, headers=key()).status == 201


def test_nobody_moves_what_is_anothers() -> None:
    shop.stock("LAMP", 5)
    shop.stock("VASE", 5, vendor="ven_bob")
    (berlin,) = opened({})
    body = {"to": berlin, "lines": [{"sku": "VASE", "units": 1}]}
    assert vendor("POST", "transfers", body, headers=key()).status == 404
    sent = vendor("POST", "transfers", body | {"lines": [{"sku": "LAMP", "units": 1}]}, headers=key()).json
    with pytest.raises(Exception, match="There is no such transfer"):
        transfers.get("ven_bob", sent["id"])
    seen = transfers.get(VENDOR, sent["id"])
    with pytest.raises(NotInTransit):
        transfers.receive(seen, {"VASE": 1}, Who())
