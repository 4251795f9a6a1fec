"""The reconciler as it runs: by its own schedule, beside checkouts, reviews and the schedule of orders."""

from collections.abc import Iterator
from datetime import timedelta

import pytest

from local.templates import Templates
from market import clock, config
from orders import model, store
from orders import service as orders
from payments import reconciling
from tests import shop
from tests.sagas.checkout import HOLD_SECONDS, LATE, Checkout, order_id, templates
from tests.sagas.review import DOUBTFUL, REVIEW_SECONDS, Reviewed, assert_waiting, held

pytestmark = pytest.mark.contract("11.2", "12.2")
THREE_DAYS = timedelta(days=3)


@pytest.fixture
def reviewed(database: str, environment: pytest.MonkeyPatch) -> Iterator[Reviewed]:
    running = Reviewed(environment)
    yield running
    running.close()


def test_an_order_whose_webhook_was_lost_is_paid_within_minutes_not_when_its_hold_ends(checkout: Checkout) -> None:
    shop.stock("LAMP", 10, price=shop.euros(2000))
    checkout.break_("webhook", "before", 10**6)
    number = checkout.place()
    checkout.run()
    checkout.pay("ada", number)
    checkout.wait(600)
    assert shop.order_of("ada", number)["status"] == "paid"
    assert checkout.history(number) == ["AwaitPayment", "Confirm"]
    checkout.wait(HOLD_SECONDS + 1200)
    assert checkout.provider_book(number) == ("captured", 2490)


def test_a_webhook_that_comes_after_the_reconciler_changes_nothing(
    checkout: Checkout, environment: pytest.MonkeyPatch
) -> None:
    environment.setattr(reconciling, "GRACE", timedelta(minutes=-1))
    shop.stock("LAMP", 10, price=shop.euros(2000))
    number = checkout.place()
    checkout.run()
    checkout.pay("ada", number, LATE)
    assert reconciling.run()["repaired"] == 1
    checkout.run()
    assert shop.order_of("ada", number)["status"] == "paid"
    checkout.wait(60)
    assert checkout.calls["webhook"] == 1
    assert checkout.provider_book(number) == ("captured", 2490)


def test_money_that_a_parked_undo_has_left_goes_back_by_itself(checkout: Checkout) -> None:
    shop.stock("LAMP", 10, price=shop.euros(2000))
    number = checkout.place()
    checkout.pay("ada", number)
    checkout.before("confirm", lambda: _cancel(number))
    checkout.break_("undo", "before", 10**6)
    checkout.run()
    assert checkout.provider_book(number)[1] == 2490
    checkout.wait(900)
    assert checkout.provider_book(number) == ("refunded", 0)
    assert shop.shelf("LAMP") == (10, 0)


def test_orders_that_wait_in_turn_are_all_looked_at(checkout: Checkout, environment: pytest.MonkeyPatch) -> None:
    from payments import books

    environment.setattr(books, "_PAGE", 1)
    environment.setattr("payments.providers.sandbox.Sandbox.recent", lambda *_: iter(()))
    checkout.break_("webhook", "before", 10**6)
    checkout.break_("payments-schedule", "before", 10**6)
    shop.stock("LAMP", 10, price=shop.euros(2000))
    numbers = [checkout.place() for _ in range(6)]
    checkout.run()
    for number in numbers:
        checkout.pay("ada", number)
    checkout.wait(130)
    repaired = 0
    for _ in range(14):
        done = reconciling.run()["repaired"]
        assert done <= 4, "a run is bounded"
        repaired += done
        checkout.run()
    assert repaired == 6
    assert {shop.order_of("ada", number)["status"] for number in numbers} == {"paid"}


def test_an_order_in_review_is_not_overdue_until_the_review_ends(reviewed: Reviewed) -> None:
    number = held(reviewed)
    reviewed.run()
    until = store.get("ada", order_id(number), consistent=True).hold_until
    assert clock.iso(clock.now() + THREE_DAYS - timedelta(minutes=1)) < until
    assert until <= clock.iso(clock.now() + THREE_DAYS)
    assert store.pending_since(clock.now() + THREE_DAYS - timedelta(minutes=5)) == []
    reviewed.wait(REVIEW_SECONDS - 600)
    assert_waiting(reviewed, number)
    assert reconciling.run() == {"repaired": 0, "putOff": 0, "differing": 0}
    assert reviewed.decide(number).status == 200
    reviewed.run()
    assert shop.order_of("ada", number)["status"] == "paid"
    assert store.pending_since(clock.now() + THREE_DAYS * 2) == []


def test_hearing_of_a_review_twice_or_late_neither_prolongs_nor_reopens_anything(reviewed: Reviewed) -> None:
    number = held(reviewed)
    reviewed.run()
    before = _item(number)
    orders.await_review("ada", order_id(number), clock.now() - timedelta(minutes=1))
    assert _item(number) == before
    reviewed.decide(number, "reject")
    reviewed.run()
    ended = _item(number)
    assert ended["status"] == {"S": "cancelled"}
    orders.await_review("ada", order_id(number), clock.now() + timedelta(days=1))
    assert _item(number) == ended


def test_orders_in_review_crowd_nobody_out(reviewed: Reviewed, environment: pytest.MonkeyPatch) -> None:
    shop.stock("LAMP", 10, price=shop.euros(2000))
    doubtful = [reviewed.place() for _ in range(3)]
    reviewed.run()
    for number in doubtful:
        reviewed.pay("ada", number, DOUBTFUL)
    reviewed.run()
    reviewed.break_("orders-consumer", "before", 10**6)
    lost = reviewed.place()
    reviewed.run()
    reviewed.break_("orders-consumer", "before", 0)
    overdue = store.pending_since(clock.now() + timedelta(seconds=HOLD_SECONDS + 60))
    assert [order.id for order in overdue] == [order_id(lost)]


def test_orders_wait_for_a_review_as_long_as_the_checkout_does() -> None:
    known: Templates = templates()
    waits = [m.definition["States"].get("AwaitReview", {}).get("TimeoutSeconds") for m in known.machines.values()]
    assert int(model.REVIEW.total_seconds()) in waits


def _item(number: str) -> dict[str, object]:
    key = {"pk": {"S": "ORD#ada"}, "sk": {"S": order_id(number)}}
    found = config.client("dynamodb").get_item(TableName=config.setting("TABLE_NAME"), Key=key, ConsistentRead=True)
    return dict(found["Item"])


def _cancel(number: str) -> None:
    from orders.api import handler
    from tests.http import call

    assert call(handler, "POST", f"/v1/orders/{number}/cancellation", caller="ada").status == 202
