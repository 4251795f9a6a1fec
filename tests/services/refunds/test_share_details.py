"""The edges of what a refund gives back, and what its refusals say."""

from typing import Any

import pytest

from market.errors import Problem
from market.money import Money
from refunds.model import (
    REQUESTED,
    Account,
    LineTally,
    LineWish,
    NothingToRefund,
    PartTally,
    Refund,
    RefundTooLarge,
    ShippingWish,
    UnknownLine,
    Wish,
    price,
    share,
)
from tests.services.refunds.orders import line, order

pytestmark = pytest.mark.contract("12.3", "12.5")

ALL = Wish(all_left=True)
LAMP, CHAIR = (
    line("LAMP", "ven_a", 3, Money(1_000, "EUR"), discount=1, rate=1_900),
    line("CHAIR", "ven_b", 1, Money(8_000, "EUR")),
)
BOUGHT = order(LAMP, CHAIR, rate=1_900)
UNTOUCHED = Account(order_id=BOUGHT.id)


def euros(cents: int) -> Money:
    return Money(cents, "EUR")


def test_a_share_is_rounded_half_up_and_of_nothing_nothing() -> None:
    assert [share(10, 1, 4), share(1, 1, 2), share(1, 1, 3), share(10, 4, 4), share(10, 1, 0)] == [3, 1, 0, 10, 0]


def test_one_unit_is_told_with_its_tax_its_discount_and_its_title() -> None:
    shares = price(BOUGHT, UNTOUCHED, Wish(lines=(LineWish(sku="LAMP", quantity=1),)))
    (given,) = shares.lines
    assert (given.sku, given.vendor_id, given.title) == ("LAMP", "ven_a", "A LAMP")
    assert given.tally == LineTally(quantity=1, amount=1_000, goodwill=0, tax=160)
    assert given.discount == 0
    assert (shares.amount, shares.tax, shares.vendors) == (1_000, 160, ("ven_a",))
    assert shares.commissions == {"ven_a": 100}
    assert shares.clawback == 1_000 - 160 - 100


def test_the_units_of_a_line_add_up_to_its_discount() -> None:
    first = price(BOUGHT, UNTOUCHED, Wish(lines=(LineWish(sku="LAMP", quantity=2),)))
    after = UNTOUCHED.reserve(first)
    rest = price(BOUGHT, after, Wish(lines=(LineWish(sku="LAMP", quantity=1),)))
    assert first.lines[0].discount + rest.lines[0].discount == 1
    assert first.amount + rest.amount == 2_999
    assert after.version == 1
    assert after.line("LAMP").quantity == 2


def test_everything_is_all_lines_and_parcels_of_everybody_or_of_one_vendor() -> None:
    shares = price(BOUGHT, UNTOUCHED, ALL)
    assert shares.amount == BOUGHT.total.amount
    assert [part.amount for part in shares.shipping] == [490, 490]
    assert [part.tax for part in shares.shipping] == [78, 78]
    own = price(BOUGHT, UNTOUCHED, ALL, vendor_id="ven_b")
    assert own.vendors == ("ven_b",)
    assert own.amount == 8_490
    account = UNTOUCHED.reserve(own)
    assert account.part("ven_b") == PartTally(490, 78, 800)
    assert account.total == 8_490
    assert account.give_back(own).total == 0
    assert account.give_back(own).version == 2


def test_goodwill_counts_towards_the_charge_of_the_line() -> None:
    given = price(BOUGHT, UNTOUCHED, Wish(lines=(LineWish(sku="LAMP", amount=euros(500)),)))
    assert given.lines[0].tally == LineTally(0, 500, 500, share(LAMP.tax.amount if LAMP.tax else 0, 500, 2_999))
    assert given.lines[0].discount == 0
    after = UNTOUCHED.reserve(given)
    rest = price(BOUGHT, after, Wish(lines=(LineWish(sku="LAMP", quantity=3),)))
    assert rest.amount == 2_499
    assert rest.lines[0].discount == 1


def test_a_part_of_the_shipping_may_be_given_back() -> None:
    half = price(BOUGHT, UNTOUCHED, Wish(shipping=(ShippingWish(vendor_id="ven_a", amount=euros(245)),)))
    assert (half.amount, half.tax, half.shipping[0].vendor_id) == (245, 39, "ven_a")
    after = UNTOUCHED.reserve(half)
    rest = price(BOUGHT, after, Wish(all_shipping=True), vendor_id="ven_a")
    assert (rest.amount, rest.tax) == (245, 39)
    assert price(BOUGHT, after, Wish(all_shipping=True)).amount == 245 + 490


def test_the_commission_of_free_goods_follows_the_shipping() -> None:
    free = order(line("GIFT", "ven_a", 1, Money(10, "EUR"), discount=10))
    shares = price(free, Account(order_id=free.id), ALL)
    assert (shares.amount, shares.commissions) == (490, {"ven_a": 0})


@pytest.mark.parametrize(
    ("wish", "kind", "detail", "extra"),
    [
        (
            Wish(lines=(LineWish(sku="LAMP", quantity=4),)),
            RefundTooLarge,
            "3 of LAMP are left.",
            {"sku": "LAMP", "left": 3},
        ),
        (
            Wish(lines=(LineWish(sku="CHAIR", amount=euros(8_001)),)),
            RefundTooLarge,
            "80.00 EUR are left of CHAIR.",
            {"left": {"amount": 8_000, "currency": "EUR"}},
        ),
        (
            Wish(shipping=(ShippingWish(vendor_id="ven_a", amount=euros(491)),)),
            RefundTooLarge,
            "4.90 EUR are left of the shipping of ven_a.",
            {"left": {"amount": 490, "currency": "EUR"}},
        ),
        (
            Wish(lines=(LineWish(sku="SOFA", quantity=1),)),
            UnknownLine,
            "There is no SOFA to give money back for.",
            {},
        ),
        (
            Wish(shipping=(ShippingWish(vendor_id="ven_c"),)),
            UnknownLine,
            "There is no parcel of ven_c to give money back for.",
            {},
        ),
        (Wish(), NothingToRefund, "There is nothing left to give back of this.", {}),
    ],
)
def test_a_refusal_says_what_is_left(wish: Wish, kind: type[Problem], detail: str, extra: dict[str, Any]) -> None:
    with pytest.raises(kind) as refused:
        price(BOUGHT, UNTOUCHED, wish)
    assert (refused.value.detail, refused.value.extra) == (detail, extra)


def test_a_vendor_does_not_know_of_another_ones_line() -> None:
    with pytest.raises(UnknownLine):
        price(BOUGHT, UNTOUCHED, Wish(lines=(LineWish(sku="CHAIR", quantity=1),)), vendor_id="ven_a")


def test_what_is_left_after_goodwill_on_all_units_can_still_be_given() -> None:
    units = price(BOUGHT, UNTOUCHED, Wish(lines=(LineWish(sku="CHAIR", quantity=1),)))
    with pytest.raises(RefundTooLarge) as refused:
        price(BOUGHT, UNTOUCHED.reserve(units), Wish(lines=(LineWish(sku="CHAIR", quantity=1),)))
    assert refused.value.extra == {"sku": "CHAIR", "left": 0}
    odd = Account(order_id=BOUGHT.id, lines={"CHAIR": LineTally(quantity=1, amount=7_000)})
    rest = price(BOUGHT, odd, ALL, vendor_id="ven_b")
    assert [given.tally.amount for given in rest.lines] == [1_000]
    assert rest.lines[0].tally.quantity == 0


def test_a_refund_knows_its_amount_in_money() -> None:
    shares = price(BOUGHT, UNTOUCHED, ALL)
    refund = Refund(
        id="rfd_1", order_id=BOUGHT.id, order_no=BOUGHT.number, customer_id="ada", status=REQUESTED, currency="EUR",
        shares=shares, reason="returned", note="", by="staff", by_id="sam", created_at="",
    )  # fmt: skip
    assert refund.amount == BOUGHT.total
