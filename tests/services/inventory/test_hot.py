"""A hot SKU is bought as any other: from shards, from home, or from both. It becomes hot, and cools, by itself."""

from collections import Counter
from datetime import timedelta
from typing import Any

import orjson
import pytest

from inventory import journal, schedule, sweep
from inventory.api import handler as inventory
from inventory.consumer import handler as consumer
from inventory.heat import COOLING, Heat, contended, measured, save_heat, shards_wanted
from inventory.journal import journal_key, read_entry, rebuild
from inventory.shards import MAX_SHARDS, Shard
from market import clock
from market.table import Key, Table, update
from orders.consumer import handler as orders_consumer
from orders.staff_api import handler as staff_orders
from orders.table import TABLE
from orders.tasks import handler as tasks
from tests import shop
from tests.http import call
from tests.services.inventory import hot

pytestmark = [pytest.mark.usefixtures("database"), pytest.mark.contract("7.2", "11.1")]
VENDOR = "ven_lights"
JSON = dict[str, Any]


def later(moment: timedelta) -> Any:
    then = clock.now() + moment
    return clock.running_on(lambda: then)


def hear(kind: str) -> None:
    """Inventory hears the events of this type; twice, as happens."""
    for envelope in [one for one in shop.announced() if one["type"] == kind] * 2:
        answer = consumer({"Records": [record(envelope)]})
        assert answer == {"batchItemFailures": []}


def record(envelope: JSON) -> JSON:
    return {"messageId": "1", "eventSourceARN": "a:b:c", "body": orjson.dumps({"detail": envelope}).decode()}


def pay(customer: str, order: JSON) -> None:
    whole = order["total"]
    captured = {"amount": whole, "fee": {"amount": 0, "currency": whole["currency"]}, "provider": "sandbox"}
    given = {"customerId": customer, "orderId": order["id"], "captured": captured}
    tasks({"task": "confirm", "input": given})


def give_up(customer: str, order: JSON) -> str:
    given = {"customerId": customer, "orderId": order["id"], "failure": {"Error": "NotPaidInTime"}}
    return str(tasks({"task": "give_up", "input": given})["status"])


# -- buying


def test_a_hot_sku_is_bought_paid_for_and_leaves() -> None:
    hot.spread(10, 3)

    order = shop.buy("ada", ("LAMP", 2))
    assert order.status == 201, order
    assert (hot.held(), hot.on_hand()) == (2, 10)
    pay("ada", order.json)
    hear("order.paid")

    assert (hot.held(), hot.on_hand(), hot.tickets()) == (0, 8, [])
    entries = list(map(read_entry, hot.table.query(journal_key("LAMP").pk).items))
    assert [(entry.kind, entry.delta, entry.reference) for entry in entries] == [(journal.SOLD, -2, order.json["id"])]
    assert sum(rebuild(10, 0, entries).values()) == hot.on_hand()


@pytest.mark.contract("7.3")
def test_an_order_that_is_not_paid_gives_its_units_back_to_their_shard() -> None:
    hot.spread(10, 3)
    order = shop.buy("ada", ("LAMP", 2)).json

    assert give_up("ada", order) == "cancelled"
    hear("order.cancelled")

    assert (hot.held(), hot.on_hand(), hot.tickets()) == (0, 10, [])
    assert sum(shard.available for shard in hot.shards()) == 10


@pytest.mark.contract("7.3")
def test_without_any_news_the_sweep_ends_every_hold() -> None:
    hot.spread(10, 3)
    pay("ada", shop.buy("ada", ("LAMP", 2)).json)
    give_up("bob", shop.buy("bob", ("LAMP", 3)).json)

    schedule.handler({})

    assert (hot.held(), hot.on_hand(), hot.tickets()) == (0, 8, [])


@pytest.mark.contract("7.3")
def test_units_of_a_cancelled_part_come_home_and_are_spread_again() -> None:
    hot.spread(10, 3)
    order = shop.buy("ada", ("LAMP", 2)).json
    pay("ada", order)
    path = f"/v1/vendors/{VENDOR}/orders/{order['orderNo']}/cancellation"
    (paid,) = [one for one in shop.announced() if one["type"] == "order.paid"]
    orders_consumer({"Records": [record(paid)]})
    answer = call(staff_orders, "POST", path, {"reason": "broken"}, caller="lu", roles="vendor", vendor_id=VENDOR)
    assert answer.status == 202, answer

    assert hot.offer().available == 2
    schedule.handler({})

    assert (hot.offer().available, hot.held(), hot.on_hand()) == (0, 0, 10)


@pytest.mark.contract("11.2")
def test_a_cart_that_was_filled_before_the_sku_became_hot_is_ordered_all_the_same() -> None:
    shop.stock("LAMP", 10)
    shop.fill("ada", ("LAMP", 2))
    seen = shop.summary("ada")
    hot.table.write(save_heat(Heat(sku="LAMP", most=2)))
    sweep.spread("LAMP", 2, 2)

    order = shop.place("ada", shop.order_body(seen))

    assert order.status == 201, order
    assert (hot.held(), hot.on_hand(), hot.offer().held) == (2, 10, 0)


@pytest.mark.contract("11.2")
def test_a_cart_that_was_filled_while_it_was_hot_is_ordered_when_it_no_longer_is() -> None:
    hot.spread(10, 2)
    shop.fill("ada", ("LAMP", 2))
    seen = shop.summary("ada")
    sweep.gather("LAMP")

    order = shop.place("ada", shop.order_body(seen))

    assert order.status == 201, order
    assert (hot.offer().held, hot.tickets()) == (2, [])


@pytest.mark.contract("7.2", "10.1")
def test_no_cart_is_refused_by_a_number_that_is_a_minute_old() -> None:
    hot.spread(5, 1)
    hot.table.transact(update(Key("STK#LAMP"), "SET elsewhere = :none", {":none": 0}))

    assert shop.buy("ada", ("LAMP", 5)).status == 201
    assert shop.fill("bob", ("LAMP", 5))["lines"][0].get("problem") is None
    refused = shop.place("bob", shop.order_body(shop.summary("bob")))
    assert (refused.status, refused.json["code"]) == (409, "out_of_stock")
    assert refused.json["lines"][0]["available"] == 0


@pytest.mark.contract("11.2")
def test_a_price_that_changed_is_not_passed_over_on_shards() -> None:
    hot.spread(5, 1)
    shop.fill("ada", ("LAMP", 1))
    seen = shop.summary("ada")
    shop.reprice("LAMP", shop.euros(2_500))

    refused = shop.place("ada", shop.order_body(seen))

    assert (refused.status, refused.json["lines"][0]["code"]) == (409, "price_changed")
    assert (hot.held(), hot.tickets()) == (0, [])


@pytest.mark.contract("11.2")
def test_an_order_that_is_refused_for_another_reason_gives_everything_back() -> None:
    hot.spread(5, 2)
    shop.stock("CHAIR", 1, vendor="ven_wood")
    shop.fill("ada", ("LAMP", 2), ("CHAIR", 1))
    seen = shop.summary("ada")
    assert shop.buy("bob", ("CHAIR", 1)).status == 201

    refused = shop.place("ada", shop.order_body(seen))

    assert refused.json["code"] == "out_of_stock"
    assert (hot.held(), hot.on_hand(), hot.tickets()) == (0, 5, [])


def test_the_same_request_again_gives_the_same_order_also_of_the_last_units() -> None:
    hot.spread(2, 1)
    shop.fill("ada", ("LAMP", 2))
    body = shop.order_body(shop.summary("ada"))

    first, again = (shop.place("ada", body, key="the-same-key") for _ in range(2))

    assert (first.status, again.status) == (201, 201)
    assert first.json["orderNo"] == again.json["orderNo"]
    assert hot.held() == 2


def test_a_hot_line_costs_three_calls_more() -> None:
    """One read of the shards, one ticket, one hold: beside the three of every order."""
    hot.spread(10, 2)
    shop.stock("CHAIR", vendor="ven_wood")
    asked = []
    for customer, sku in (("ada", "CHAIR"), ("bob", "LAMP")):
        shop.fill(customer, (sku, 2))
        body = shop.order_body(shop.summary(customer))
        with shop.dynamodb_calls() as calls:
            assert shop.place(customer, body).status == 201
        asked.append(Counter(calls))

    assert asked[1] - asked[0] == Counter(["BatchGetItem", "PutItem", "UpdateItem"])
    assert asked[0] - asked[1] == Counter()


# -- how a SKU becomes hot, and cold again


def test_orders_that_meet_put_the_sku_on_a_shard(monkeypatch: pytest.MonkeyPatch) -> None:
    shop.stock("LAMP", 10)
    honest = type(TABLE).transact

    def met(table: Table, *writes: Any) -> list[Key]:
        return honest(table, *writes) + [write.key for write in writes if write.key == Key("STK#LAMP")]

    with monkeypatch.context() as patch:
        patch.setattr(type(TABLE), "transact", met)
        for customer in ("ada", "bob"):
            assert shop.buy(customer, ("LAMP", 1)).status == 201

    assert shop.types(shop.announced()).count("stock.contended") == 1
    hear("stock.contended")

    assert (hot.offer().shards, hot.offer().available, hot.offer().held, hot.on_hand()) == (1, 0, 2, 10)


def test_a_sku_that_cools_down_is_gathered_and_forgotten() -> None:
    shop.stock("LAMP", 10)
    sweep.contended("LAMP")
    assert hot.offer().shards == 1
    order = shop.buy("ada", ("LAMP", 2)).json

    with later(COOLING + timedelta(minutes=1)):
        schedule.handler({})
        assert (hot.offer().shards, hot.offer().available, hot.held()) == (0, 8, 2)
        pay("ada", order)
        schedule.handler({})
        assert schedule.handler({}) == {"tended": 1}
        assert schedule.handler({}) == {"tended": 0}

    assert (hot.held(), hot.on_hand()) == (0, 8)


def test_an_announced_peak_is_prepared_for_ahead() -> None:
    shop.stock("LAMP", 100)
    path = f"/v1/vendors/{VENDOR}/inventory/LAMP"
    who = {"caller": "usr", "roles": "vendor", "vendor_id": VENDOR}
    assert call(inventory, "PATCH", path, {"expectedPeak": 1_200}, **who).status == 200

    schedule.handler({})
    assert (hot.offer().shards, [shard.available for shard in hot.shards(count=3)]) == (3, [34, 33, 33])

    answer = call(inventory, "PATCH", path, {"adjust": -10}, **who)
    assert answer.status == 200, answer
    assert hot.on_hand() == 90
    schedule.handler({})
    assert (hot.offer().shards, hot.offer().available) == (3, 0)
    assert call(inventory, "PATCH", path, {"expectedPeak": 0}, **who).status == 200
    with later(COOLING + timedelta(minutes=1)):
        schedule.handler({})
    assert (hot.offer().shards, hot.offer().available) == (0, 90)


@pytest.mark.parametrize(
    ("peak", "announced", "wanted"),
    [(0, 0, 0), (5, 0, 0), (6, 0, 1), (500, 0, 1), (501, 0, 2), (0, 4, 0), (0, 1_200, 3), (90_000, 0, MAX_SHARDS)],
)
def test_there_are_as_many_shards_as_the_peak_needs(peak: int, announced: int, wanted: int) -> None:
    assert shards_wanted(Heat(sku="LAMP", peak=peak, warm_at=clock.epoch()), announced) == wanted


def test_what_the_shards_were_written_tells_how_hot_it_is() -> None:
    start = Heat(sku="LAMP", written=100, at=clock.epoch() - 60)
    heat = measured(start, [Shard(number=0, version=30_000), Shard(number=1, version=30_100)])
    assert (heat.peak, heat.written, shards_wanted(heat, 0)) == (1_000, 60_100, 2)
    with later(COOLING + timedelta(minutes=1)):
        assert shards_wanted(measured(heat, [Shard(number=0, version=60_100)]), 0) == 0
    assert contended(Heat(sku="LAMP")).peak == 6


def test_a_sku_that_is_nowhere_is_forgotten() -> None:
    hot.table.write(save_heat(Heat(sku="GONE")))
    sweep.contended("GONE")
    assert schedule.handler({}) == {"tended": 0}
