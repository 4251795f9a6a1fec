"""What becomes of refunds: booked once or given up once, refunded parts, and what is left open."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from market import clock
from market.errors import Idempotency
from market.money import Money
from refunds import service, store
from refunds.contract import account_key, payment_status
from tests.services import outbox
from tests.services.refunds import desk
from tests.services.refunds.desk import ORDER, all_, ask, ask_as_vendor, euros, last_refund, some, units

pytestmark = pytest.mark.contract("12.3")

FREE = Money(0, "EUR")


@pytest.fixture(autouse=True)
def _two_vendors(database: str) -> None:
    desk.two_vendors()


def status() -> str:
    return payment_status(store._table.get(account_key(ORDER), consistent=True))


def test_a_refund_that_succeeds_is_booked_once_and_told() -> None:
    ask(some(units("LAMP", 1), shipping=[{"vendorId": "ven_lights"}]))
    refund, fee = last_refund(), Money(11, "EUR")
    assert status() == "paid", "nothing has come back yet"
    for _ in range(3):
        service.settle(ORDER, refund, "sandbox", fee)
    assert set(desk.journals()) == {f"refund-{refund}"}
    tax = 160 + 78
    assert desk.sums() == {
        "provider:sandbox": -(1_490 - 11),
        "provider_fees": -11,
        "vendor:ven_lights": 1_490 - tax - 100,
        "commission": 100,
        "tax:DE": tax,
    }
    told = [envelope["data"] for envelope in outbox.announced() if envelope["type"] == "refund.succeeded"]
    assert [(event["refund_id"], event["amount"]["amount"]) for event in told] == [(refund, 1_490)]
    assert told[0]["lines"][0] | {"title": ""} == {
        "sku": "LAMP",
        "vendor_id": "ven_lights",
        "title": "",
        "quantity": 1,
        "amount": euros(1_000),
        "tax": euros(160),
        "discount": euros(0),
    }
    assert desk.listed()[0]["status"] == "succeeded"
    assert status() == "partially_refunded"
    ask(all_())
    service.settle(ORDER, last_refund(), "sandbox", FREE)
    assert status() == "refunded"


def test_the_book_of_a_sale_refunded_piece_by_piece_is_empty_but_for_the_fee() -> None:
    for body in (
        some(units("LAMP", 1)),
        some({"sku": "LAMP", "amount": euros(333)}),
        {"shipping": True, "reason": "late"},
    ):
        assert ask(body).status == 201
    assert ask(all_()).status == 201
    for refund in desk.listed():
        service.settle(ORDER, refund["id"], "sandbox", FREE)
    found = store.facts("ada", ORDER, Idempotency("key", "same")).order
    assert desk.sums() == {
        "provider:sandbox": -found.total.amount,
        "commission": sum(part.commission.amount for part in found.parts),
        "tax:DE": found.tax.amount,
        **{f"vendor:{part.vendor_id}": part.earnings.amount for part in found.parts},
    }


def test_a_refund_settled_at_once_by_two_is_booked_once() -> None:
    ask(all_())
    refund = last_refund()
    with ThreadPoolExecutor(3) as pool:
        for done in [pool.submit(service.settle, ORDER, refund, "sandbox", FREE) for _ in range(3)]:
            done.result()
    assert desk.sums()["provider:sandbox"] == -4_980
    assert len([e for e in outbox.announced() if e["type"] == "refund.succeeded"]) == 1
    assert status() == "refunded"


def test_a_refused_refund_gives_its_reservation_back() -> None:
    ask(some(units("LAMP", 2)))
    refund = last_refund()
    for _ in range(3):
        service.refuse(ORDER, refund, "account closed")
    (shown,) = desk.listed()
    assert (shown["status"], shown["failure"]) == ("failed", "account closed")
    assert desk.journals() == {}
    assert [e["type"] for e in outbox.announced()] == ["refund.requested", "refund.failed"]
    assert status() == "paid"
    assert ask(all_()).json["amount"] == euros(4_980), "all of it may be refunded again"


def test_a_refund_is_settled_one_way_only() -> None:
    ask(some(units("LAMP", 1)))
    succeeded = last_refund()
    service.settle(ORDER, succeeded, "sandbox", FREE)
    with pytest.raises(store.Settled):
        service.refuse(ORDER, succeeded, "too late")
    ask(some(units("LAMP", 1)))
    failed = last_refund()
    service.refuse(ORDER, failed, "account closed")
    with pytest.raises(store.Settled):
        service.settle(ORDER, failed, "sandbox", FREE)
    assert set(desk.journals()) == {f"refund-{succeeded}"}


def test_giving_a_reservation_back_while_another_is_made() -> None:
    ask(some(units("LAMP", 2)))
    refund = last_refund()
    with ThreadPoolExecutor(2) as pool:
        refused = pool.submit(service.refuse, ORDER, refund, "account closed")
        asked = pool.submit(ask, some(units("CHAIR", 1)))
        refused.result()
        assert asked.result().status == 201
    assert ask(all_()).json["amount"] == euros(2_980)


# -- cancelled parts


def test_a_cancelled_part_is_refunded_once_however_often_it_is_heard() -> None:
    for _ in range(3):
        service.refund_part("ada", ORDER, "ven_lights")
    (made,) = desk.listed()
    assert (made["amount"], made["reason"], made["requestedBy"]) == (euros(2_490), "cancelled", "system")
    service.refund_part("ada", ORDER, "ven_wood")
    assert sum(refund["amount"]["amount"] for refund in desk.listed()) == 4_980


def test_a_cancelled_part_that_was_partly_refunded_gives_what_is_left() -> None:
    ask(some({"sku": "LAMP", "amount": euros(1_999)}))
    service.refund_part("ada", ORDER, "ven_lights")
    assert desk.listed()[0]["amount"] == euros(491)
    ask_as_vendor(all_(), "ven_wood")
    service.refund_part("ada", ORDER, "ven_wood")
    assert len(desk.listed()) == 3, "nothing was left of the other part"


def test_open_refunds_are_found_until_they_are_settled() -> None:
    ask(some(units("LAMP", 1)))
    ask(some(units("CHAIR", 1)))
    refund = last_refund()
    hour = timedelta(hours=1)
    assert len(store.open_between(clock.now() - hour, clock.now() + hour)) == 2
    assert store.open_between(clock.now() - hour, clock.now() - hour) == []
    service.settle(ORDER, refund, "sandbox", FREE)
    assert [found.status for found in store.open_between(clock.now() - hour, clock.now() + hour)] == ["requested"]
