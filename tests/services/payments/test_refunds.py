"""Money given back in parts: never twice, never more than was taken, whatever is lost, repeated or asked at once."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from market.money import Money
from market.tasks import Transient
from payments.gateway import Refund
from payments.model import RefundRefused
from payments.providers.sandbox import Sandbox
from tests import shop
from tests.services.payments.till import REFUND_REFUSED, REFUND_SLOW, TOTAL, Till

pytestmark = pytest.mark.contract("12.3")


def test_parts_and_then_the_rest_are_given_back(till: Till) -> None:
    number = till.sold()
    first = till.refund(number, "rfd_1", 1000)
    assert (first["provider"], first["feeReturned"]) == ("sandbox", {"amount": 0, "currency": "EUR"})
    assert first["reference"].startswith("re_")
    assert till.intents(number) == [("captured", TOTAL - 1000)]
    seen = till.payment(number)
    assert (seen["status"], seen["refunded"]["amount"], seen["captured"]["amount"]) == ("captured", 1000, TOTAL)
    till.refund(number, "rfd_2", TOTAL - 1000)
    assert till.intents(number) == [("refunded", 0)]
    seen = till.payment(number)
    assert (seen["status"], seen["refunded"]["amount"]) == ("refunded", TOTAL)


def test_the_same_refund_asked_again_is_the_same_refund(till: Till) -> None:
    number = till.sold()
    answers = [till.refund(number, "rfd_1", 1000) for _ in range(3)]
    assert answers[0] == answers[1] == answers[2]
    assert till.intents(number) == [("captured", TOTAL - 1000)]
    assert till.calls["POST refund"] == 1


def test_a_refunds_id_with_another_amount_is_refused(till: Till) -> None:
    number = till.sold()
    till.refund(number, "rfd_1", 1000)
    with pytest.raises(RefundRefused, match="another_amount"):
        till.refund(number, "rfd_1", 900)
    assert till.intents(number) == [("captured", TOTAL - 1000)]


def test_more_than_was_captured_is_refused_without_asking_the_provider(till: Till) -> None:
    number = till.sold()
    till.refund(number, "rfd_1", 2000)
    for refund_id, amount in (("rfd_2", 491), ("rfd_3", TOTAL)):
        with pytest.raises(RefundRefused, match="not_refundable"):
            till.refund(number, refund_id, amount)
    assert till.calls["POST refund"] == 1
    till.refund(number, "rfd_4", 490)
    with pytest.raises(RefundRefused):
        till.refund(number, "rfd_5", 1)


def test_what_was_never_captured_is_not_given_back(till: Till) -> None:
    number = till.order()
    with pytest.raises(RefundRefused, match="not_captured"):
        till.refund(number, "rfd_1", 100)
    till.open("ada", number)
    with pytest.raises(RefundRefused, match="not_captured"):
        till.refund(number, "rfd_1", 100)


def test_another_currency_is_refused(till: Till) -> None:
    from payments.tasks import handler
    from tests.sagas.checkout import order_id

    given = {"orderId": order_id(till.sold()), "refundId": "rfd_1", "amount": {"amount": 10, "currency": "USD"}}
    with pytest.raises(RefundRefused):
        handler({"task": "refund", "input": given}, None)


@pytest.mark.parametrize("times", [1, 3])
@pytest.mark.parametrize("when", ["before", "after"])
def test_a_lost_answer_is_asked_for_again(till: Till, when: str, times: int) -> None:
    number = till.sold()
    till.break_("POST refund", when, times)
    for _ in range(times):
        with pytest.raises(Transient):
            till.refund(number, "rfd_1", 1000)
        assert till.payment(number)["refunded"]["amount"] == 1000, "it is set aside"
    till.refund(number, "rfd_1", 1000)
    assert till.intents(number) == [("captured", TOTAL - 1000)]
    assert till.payment(number)["refunded"]["amount"] == 1000


def test_a_refund_that_the_provider_refuses_leaves_the_money_to_be_refunded(till: Till) -> None:
    number = till.sold(REFUND_REFUSED)
    for _ in range(2):
        with pytest.raises(RefundRefused, match="refund_refused"):
            till.refund(number, "rfd_1", 1000)
    assert till.calls["POST refund"] == 1, "final is final"
    seen = till.payment(number)
    assert (seen["status"], seen["refunded"]["amount"], len(seen["receipts"])) == ("captured", 0, 1)
    (refused,) = [entry["details"] for entry in till.record(number)["history"] if entry["kind"] == "refund"]
    assert (refused["status"], refused["reason"]) == ("refused", "refund_refused")
    with pytest.raises(RefundRefused, match="refund_refused"):
        till.refund(number, "rfd_2", TOTAL)  # all of it is still there to be asked for


def test_a_slow_refund_is_asked_for_until_it_arrives(till: Till) -> None:
    number = till.sold(REFUND_SLOW)
    for _ in range(3):
        with pytest.raises(Transient):
            till.refund(number, "rfd_1", 1000)
        till.wait(30)
    assert [receipt["kind"] for receipt in till.payment(number)["receipts"]] == ["payment"]
    till.wait(60)
    till.refund(number, "rfd_1", 1000)
    assert [receipt["kind"] for receipt in till.payment(number)["receipts"]] == ["payment", "refund"]
    assert till.intents(number) == [("captured", TOTAL - 1000)]


def test_many_refunds_at_once_never_give_back_more_than_was_captured(till: Till) -> None:
    number = till.sold()

    def ask(count: int) -> int:
        for _ in range(20):
            try:
                till.refund(number, f"rfd_{count}", 700)
            except RefundRefused:
                return 0
            except Transient:
                continue
            return 700
        raise AssertionError("never an answer")

    with ThreadPoolExecutor(8) as crowd:
        given = sum(crowd.map(ask, range(8)))
    assert given == 2100
    assert till.intents(number) == [("captured", TOTAL - 2100)]
    assert till.payment(number)["refunded"]["amount"] == 2100


def test_one_refund_asked_for_by_many_at_once_is_made_once(till: Till) -> None:
    number = till.sold()

    def ask(_: int) -> str:
        for _attempt in range(20):
            try:
                return str(till.refund(number, "rfd_1", TOTAL)["reference"])
            except Transient:
                continue
        raise AssertionError("never an answer")

    with ThreadPoolExecutor(6) as crowd:
        assert len(set(crowd.map(ask, range(6)))) == 1
    assert till.intents(number) == [("refunded", 0)]
    assert till.payment(number)["status"] == "refunded"


@pytest.mark.contract("12.4")
def test_an_order_that_comes_to_nothing_after_the_capture_books_what_the_provider_keeps(till: Till) -> None:
    till.break_("confirm", "before", 10**6)
    number = till.order()
    till.pay("ada", number)
    till.run()
    till.wait(4 * 3600)
    assert shop.order_of("ada", number)["status"] == "cancelled"
    assert till.intents(number) == [("refunded", 0)]
    assert till.accounts(number) == {"provider_fees": 60, "provider:sandbox": -60}
    assert shop.types(shop.announced()).count("payment.refunded") == 1
    seen = till.payment(number)
    assert (seen["status"], seen["refunded"]["amount"]) == ("refunded", TOTAL)
    assert [receipt["kind"] for receipt in seen["receipts"]] == ["payment", "refund"]


@pytest.mark.contract("12.4")
def test_a_fee_that_the_provider_gives_back_is_not_booked(till: Till, monkeypatch: pytest.MonkeyPatch) -> None:
    kept: Callable[..., Refund] = Sandbox.refund

    def generous(port: Sandbox, refund_id: str, reference: str, amount: Money) -> Refund:
        made = kept(port, refund_id, reference, amount)
        return Refund(reference=made.reference, status=made.status, amount=made.amount, fee=shop.euros(60))

    monkeypatch.setattr(Sandbox, "refund", generous)
    till.break_("confirm", "before", 10**6)
    number = till.order()
    till.pay("ada", number)
    till.run()
    till.wait(4 * 3600)
    assert till.intents(number) == [("refunded", 0)]
    assert till.accounts(number) == {}
    assert shop.types(shop.announced()).count("payment.refunded") == 1


@pytest.mark.parametrize("when", ["before", "after"])
def test_an_undo_whose_refund_is_lost_is_repeated_and_books_once(till: Till, when: str) -> None:
    till.break_("confirm", "before", 10**6)
    till.break_("POST refund", when, 2)
    number = till.order()
    till.pay("ada", number)
    till.run()
    till.wait(4 * 3600)
    assert till.intents(number) == [("refunded", 0)]
    assert till.accounts(number) == {"provider_fees": 60, "provider:sandbox": -60}


def test_an_undo_waits_for_a_slow_refund(till: Till) -> None:
    for step in ("confirm", "give_up"):
        till.break_(step, "before", 10**6)
    number = till.order()
    till.pay("ada", number, REFUND_SLOW)
    till.run()
    for _ in range(2):
        with pytest.raises(Transient):
            till.undo(number)
        assert till.payment(number)["status"] == "captured"
    till.wait(130)
    for _ in range(2):
        till.undo(number)
    assert till.intents(number) == [("refunded", 0)]
    assert till.payment(number)["status"] == "refunded"
    assert till.accounts(number) == {"provider_fees": 60, "provider:sandbox": -60}


def test_an_undo_that_the_provider_refuses_is_parked_for_a_person(till: Till) -> None:
    till.break_("confirm", "before", 10**6)
    number = till.order()
    till.pay("ada", number, REFUND_REFUSED)
    till.run()
    till.wait(8 * 3600)
    assert list(till.executions().values()) == ["FAILED"]
    assert till.intents(number) == [("captured", TOTAL)]
    assert till.payment(number)["status"] == "captured"
