"""The checker of I6 and I7 passes sound books, and finds bugs planted in them."""

from collections.abc import Callable

import pytest

from ledger import service, store
from ledger.contract import BANK, COMMISSION, PENDING, book, customer_credit, journal_key, post, provider, vendor
from market.table import Key, update
from tests.books_of_money import Charge, journals_of, vendor_violations, violations
from tests.services.ledger import desk
from tests.services.ledger.desk import part, postings

pytestmark = [pytest.mark.usefixtures("database"), pytest.mark.contract("12.4", "12.5")]
ORDERS = ("ord_1", "ord_2", "ord_3", "ord_4")
VENDORS = ("ven_a", "ven_b")
CHARGES = {
    "ord_1": Charge("EUR", 1690, 500, 30),
    "ord_2": Charge("JPY", 5000),
    "ord_3": Charge("EUR", 700, 700, 12),
}


def sound() -> None:
    """A sale, partly refunded, with credit for goodwill; cash on delivery, settled; an order that came to nothing."""
    desk.sell("ord_1", part("ven_a", 1190, 100, 190), part("ven_b", 500, 50), fee=30)
    desk.move(book("ord_1", "refund-1", "EUR", postings(
        (vendor("ven_b"), 450), (COMMISSION, 50), (provider("sandbox"), -500))))  # fmt: skip
    desk.move(book("ord_1", "goodwill", "EUR", postings((COMMISSION, 20), (customer_credit("ada"), -20))))
    desk.sell("ord_2", part("ven_a", 5000, 500), currency="JPY", state=PENDING)
    desk.move(post("ord_2", "sale"))
    desk.move(book("ord_2", "settlement-1", "JPY", postings((BANK, 5000), (provider("sandbox"), -5000))))
    desk.move(book("ord_3", "undone", "EUR", postings(("provider_fees", 12), (provider("sandbox"), -12))))
    desk.sell("ord_4", part("ven_b", 80), state=PENDING)


def told() -> None:
    for order_id in ORDERS:
        service.project(store.of_order(order_id))


def found() -> list[str]:
    journals = journals_of(ORDERS)
    return [*violations(CHARGES, journals), *vendor_violations(journals, VENDORS)]


def test_sound_books_pass() -> None:
    sound()
    told()
    assert found() == []


def sell_twice() -> None:
    desk.sell("ord_1", part("ven_a", 1190, 100, 190), name="sale-again")


def credit_what_nobody_paid() -> None:
    desk.move(book("ord_1", "gift", "EUR", postings((BANK, 5), (vendor("ven_a"), -5))))


def forget_the_refund() -> None:
    (journal,) = store.journals([("ord_1", "refund-1")])
    desk.move(book("ord_1", "unrefund", "EUR", [type(p)(p.account, -p.amount) for p in journal.postings]))


def forget_the_fee() -> None:
    desk.move(book("ord_1", "free", "EUR", postings((provider("sandbox"), 30), ("provider_fees", -30))))


def count_a_promise() -> None:
    desk.move(post("ord_4", "sale"))


def break_a_balance() -> None:
    desk.move(update(journal_key("ord_1", "sale"), "SET postings = :p", {":p": '[["bank",1690]]'}))


def tell_a_vendor_more() -> None:
    (balance, *_) = store.balances("ven_a")
    place = f"balance#{balance.currency}#{balance.month}"
    desk.move(update(Key("LAC#vendor:ven_a", place), "ADD amount :one", {":one": 1}))


@pytest.mark.parametrize(
    ("bug", "promise"),
    [
        (sell_twice, "I7: ord_1"),
        (credit_what_nobody_paid, "I7: ord_1"),
        (forget_the_refund, "I7: ord_1"),
        (forget_the_fee, "I7: ord_1"),
        (count_a_promise, "I7: ord_4"),
        (break_a_balance, "I6: sale of ord_1"),
        (tell_a_vendor_more, "I7: ven_a"),
    ],
)
def test_a_planted_bug_is_found(bug: Callable[[], None], promise: str) -> None:
    sound()
    told()
    bug()
    assert any(wrong.startswith(promise) for wrong in found()), found()


def test_a_sale_that_no_vendor_was_told_of_is_found() -> None:
    sound()
    assert any(wrong.startswith("I7: ven_a") for wrong in found())
