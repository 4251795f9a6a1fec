"""Prices and the real catalog: what is decided here is carried out there, and comes back as history."""

from typing import Any

import orjson
import pytest

from catalog import consumer as catalog
from prices import api, consumer, schedule
from tests.http import call
from tests.services.catalog.conftest import ADA, Market, variant
from tests.services.prices.floor import Floor
from tests.shop import announced

pytestmark = pytest.mark.contract("8.3")


class Bus:
    """Brings every event to whom it is for, as often as it is said, once and again."""

    def __init__(self) -> None:
        self._brought: set[str] = set()

    def run(self, *, times: int = 2) -> None:
        waiting = [one for one in announced() if one["eventId"] not in self._brought]
        while waiting:
            for envelope in waiting:
                self._brought.add(envelope["eventId"])
                for handler, kinds in (
                    (catalog.handler, {"price.decided"}),
                    (consumer.handler, {"product.created", "product.price.updated", "price.refused"}),
                ):
                    if envelope["type"] in kinds:
                        record = {
                            "messageId": "1",
                            "eventSourceARN": "arn:q:events",
                            "body": orjson.dumps({"detail": envelope}).decode(),
                        }
                        for _ in range(times):
                            assert handler({"Records": [record]}) == {"batchItemFailures": []}
            waiting = [one for one in announced() if one["eventId"] not in self._brought]


def money(amount: int) -> dict[str, Any]:
    return {"amount": amount, "currency": "EUR"}


def test_a_sale_changes_the_catalog_and_gives_the_price_back(floor: Floor) -> None:
    market, bus = Market(), Bus()
    product = market.create(variants=[variant("LAMP-1", 4900, stock=3)]).json
    bus.run()
    entry = {"sku": "LAMP-1", "kind": "plan", "listId": "spring", "price": money(3_900)}
    entry |= {"startsAt": floor.at(days=40), "endsAt": floor.at(days=41)}
    path = f"/v1/vendors/{ADA}/prices"
    answer = call(api.handler, "PUT", path, {"entries": [entry]}, caller="ada", roles="vendor", vendor_id=ADA)
    assert "refused" not in answer.json["items"][0], answer

    floor.wait(days=40)
    schedule.handler({})
    bus.run()
    page = market.anyone("GET", f"/v1/products/{product['slug']}").json
    assert page["variants"][0]["price"] == money(3_900)
    shown = call(api.handler, "GET", "/v1/prices/LAMP-1").json
    assert (shown["price"], shown["comparePrice"]) == (money(3_900), money(4_900))

    floor.wait(days=1)
    schedule.handler({})
    bus.run()
    assert market.anyone("GET", f"/v1/products/{product['slug']}").json["variants"][0]["price"] == money(4_900)
    assert schedule.handler({}) == {"plans": 0, "rules": 0}


def test_a_vendor_who_compares_with_more_than_it_ever_cost_is_told(floor: Floor) -> None:
    market, bus = Market(), Bus()
    product = market.create(variants=[variant("LAMP-1", 4900)]).json
    bus.run()
    floor.wait(days=40)
    change = {"variants": [variant("LAMP-1", 3900, compareAtPrice=money(9_900))]}
    answer = market.vendor("PATCH", f"/v1/vendors/{ADA}/products/{product['id']}", change)
    assert answer.status == 200, answer
    bus.run()

    (doubt,) = (one["data"] for one in announced() if one["type"] == "price.claim_doubted")
    assert (doubt["claimed"], doubt["lowest"]) == (money(9_900), money(4_900))
