"""What became of an account's orders, each counted once, and what the rules make of it."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from fraud import signals
from fraud.model import History
from market import config, ids
from market.money import Money
from tests.services.fraud.screens import in_review, reasons, screen, send, table
from tests.services.fraud.test_reviews import hear

pytestmark = [pytest.mark.contract("12.8"), pytest.mark.usefixtures("database")]


def history(account: str = "ada") -> History:
    return signals.read_history(table.get(signals.account_key(account, config.key("fraud")), consistent=True))


def paid(order_id: str, amount: int = 2_000, currency: str = "EUR", account: str = "ada") -> None:
    assert screen(order_id, account=account, amount=Money(amount, currency)).admitted


def cancelled(order_id: str, reason: str) -> list[Any]:
    return hear("order.cancelled", order_id=order_id, order_no="", customer_id="ada", reason=reason)


def refunded(order_id: str, refund_id: str) -> list[Any]:
    return hear("refund.succeeded", order_id=order_id, customer_id="ada", refund_id=refund_id)


def test_paid_orders_are_summed_by_currency_each_once() -> None:
    for _ in range(3):
        paid("ord_1", 2_000)
    paid("ord_2", 3_000)
    paid("ord_3", 900, "JPY")
    paid("ord_4", 100, account="bob")
    assert history().paid == {"EUR": (2, 5_000), "JPY": (1, 900)}
    assert history("bob").orders == 1


def test_the_same_payment_screened_at_once_counts_once() -> None:
    with ThreadPoolExecutor(6) as pool:
        list(pool.map(lambda _: paid("ord_1"), range(6)))
    assert history().paid == {"EUR": (1, 2_000)}


def test_an_order_that_is_cancelled_after_it_passed_was_not_paid() -> None:
    paid("ord_1", 2_000)
    paid("ord_2", 3_000)
    for _ in range(2):
        cancelled("ord_1", "cancelled_by_customer")
    assert (history().paid, history().refused) == ({"EUR": (1, 3_000)}, 0)


def test_a_review_that_is_approved_counts_as_paid() -> None:
    held = in_review()
    assert history().paid == {}
    assert send("POST", f"/reviews/{held.order_no}/decision", {"decision": "approve", "note": ""}).status == 200
    assert send("POST", f"/reviews/{held.order_no}/decision", {"decision": "approve", "note": ""}).status == 409
    assert history().paid == {"EUR": (1, 5_000)}


def test_declined_payments_count_and_other_cancellations_do_not() -> None:
    for _ in range(2):
        cancelled("ord_1", "payment_declined")
    cancelled("ord_2", "payment_timeout")
    cancelled("ord_3", "cancelled_by_customer")
    assert history().refused == 1


def test_each_refund_of_an_order_counts_once() -> None:
    for refund_id in ("rfd_1", "rfd_2", "rfd_1"):
        assert refunded("ord_1", refund_id) == []
    paid("ord_1")
    assert (history().refunded, history().orders) == (2, 1)


def test_an_order_that_is_counted_before_it_is_screened_is_screened_all_the_same() -> None:
    order_id = ids.short("ord")
    refunded(order_id, "rfd_1")
    assert screen(order_id, bin="41000000").status == "open"


def test_history_speaks_for_an_account_and_against_it() -> None:
    assert reasons(amount=Money(60_000, "EUR")) == {"large_first_order", "new_account"}
    for number in range(3):
        paid(f"ord_{number}", 5_000)
    assert reasons(amount=Money(25_000, "EUR")) == set()
    assert reasons(amount=Money(25_001, "EUR")) == {"above_average"}
    for number in range(3, 6):
        cancelled(f"ord_{number}", "payment_declined")
    assert reasons() == {"refused_before"}
