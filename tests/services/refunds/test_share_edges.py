"""A second refund after a first: what it differs by, what it leaves out, and each vendor's own part of a refund."""

from dataclasses import replace

import pytest

from market.money import Money
from orders.contract import OrderSnapshot
from refunds.model import (
    Account,
    LineShare,
    LineTally,
    LineWish,
    PartTally,
    RefundTooLarge,
    Shares,
    ShippingShare,
    ShippingWish,
    Wish,
    price,
)
from tests.services.refunds.orders import line, order

pytestmark = pytest.mark.contract("12.3", "12.5")

ALL, PARCELS = Wish(all_left=True), Wish(all_shipping=True)
LAMPS = line("LAMP", "ven_a", 3, Money(1_000, "EUR"), rate=1_900)
CHAIR = line("CHAIR", "ven_b", 1, Money(8_000, "EUR"))
BOUGHT = order(LAMPS, CHAIR)
UNTOUCHED = Account(order_id=BOUGHT.id)


def units(sku: str, quantity: int) -> Wish:
    return Wish(lines=(LineWish(sku=sku, quantity=quantity),))


def goodwill(sku: str, cents: int) -> Wish:
    return Wish(lines=(LineWish(sku=sku, amount=Money(cents, "EUR")),))


def after(*wishes: Wish, bought: OrderSnapshot = BOUGHT) -> Account:
    """The account once these were refunded, one after another."""
    account = Account(order_id=bought.id)
    for wish in wishes:
        account = account.reserve(price(bought, account, wish))
    return account


def test_tax_and_commission_are_what_is_missing_to_where_they_should_stand() -> None:
    first = price(BOUGHT, UNTOUCHED, units("LAMP", 1))
    second = price(BOUGHT, UNTOUCHED.reserve(first), units("LAMP", 2))
    assert [shares.lines[0].tally for shares in (first, second)] == [
        LineTally(quantity=1, amount=1_000, tax=160),
        LineTally(quantity=2, amount=2_000, tax=479 - 160),
    ]
    assert [shares.commissions for shares in (first, second)] == [{"ven_a": 100}, {"ven_a": 200}]


def test_what_bears_no_tax_gives_none_back() -> None:
    exempt = replace(CHAIR, tax=None)
    for bought in (BOUGHT, order(LAMPS, exempt)):
        shares = price(bought, UNTOUCHED, ALL, vendor_id="ven_b")
        assert shares.lines[0].tally == LineTally(quantity=1, amount=8_000, tax=0)
        assert shares.shipping == (ShippingShare(vendor_id="ven_b", amount=490, tax=0),)
        assert shares.tax == 0


def test_everything_leaves_out_the_lines_and_parcels_that_were_given_back() -> None:
    rest = price(BOUGHT, after(units("CHAIR", 1), units("LAMP", 1)), ALL)
    assert [(given.sku, given.tally.quantity) for given in rest.lines] == [("LAMP", 2)]
    assert [parcel.vendor_id for parcel in rest.shipping] == ["ven_a", "ven_b"]
    of_one = price(BOUGHT, after(PARCELS), ALL)
    assert [given.sku for given in of_one.lines] == ["LAMP", "CHAIR"]
    assert of_one.shipping == ()
    one_parcel = Wish(shipping=(ShippingWish(vendor_id="ven_a"),))
    assert [parcel.vendor_id for parcel in price(BOUGHT, after(one_parcel), ALL).shipping] == ["ven_b"]


def test_a_parcel_that_cost_nothing_is_no_part_of_everything() -> None:
    posted_free = order(CHAIR, shipping=0)
    assert price(posted_free, UNTOUCHED, ALL).shipping == ()


def test_money_left_on_a_line_without_units_is_given_as_goodwill() -> None:
    odd = Account(order_id=BOUGHT.id, lines={"LAMP": LineTally(quantity=3, amount=2_900, tax=463)})
    rest = price(BOUGHT, odd, ALL, vendor_id="ven_a")
    assert [given.tally for given in rest.lines] == [LineTally(quantity=0, amount=100, goodwill=100, tax=479 - 463)]


def test_one_cent_can_be_given_back() -> None:
    assert price(BOUGHT, UNTOUCHED, goodwill("CHAIR", 1)).amount == 1
    assert price(BOUGHT, after(goodwill("CHAIR", 7_999)), goodwill("CHAIR", 1)).amount == 1


def test_goodwill_is_bounded_by_what_is_left_of_the_line() -> None:
    account = after(goodwill("CHAIR", 3_000))
    with pytest.raises(RefundTooLarge) as refused:
        price(BOUGHT, account, goodwill("CHAIR", 5_001))
    assert refused.value.detail == "50.00 EUR are left of CHAIR."
    assert refused.value.extra == {"left": {"amount": 5_000, "currency": "EUR"}}


def test_a_refund_is_bounded_by_what_is_left_of_the_order() -> None:
    """Were an order's parts ever out of step with its lines, what was captured still is the limit, to the cent."""
    whole = order(line("LAMP", "ven_a", 2, Money(1_000, "EUR")), shipping=0)
    bought = replace(whole, parts=(replace(whole.parts[0], discount=Money(400, "EUR")),))
    account = after(units("LAMP", 1), bought=bought)
    with pytest.raises(RefundTooLarge) as refused:
        price(bought, account, goodwill("LAMP", 601))
    assert refused.value.detail == "6.00 EUR are left of the order."
    assert refused.value.extra == {"left": {"amount": 600, "currency": "EUR"}}
    assert price(bought, account, goodwill("LAMP", 600)).amount == 600


def test_a_commission_on_free_goods_comes_back_as_the_shipping_does() -> None:
    free = order(line("GIFT", "ven_a", 1, Money(10, "EUR"), discount=10))
    bought = replace(free, parts=(replace(free.parts[0], commission=Money(49, "EUR")),))
    half = Wish(shipping=(ShippingWish(vendor_id="ven_a", amount=Money(245, "EUR")),))
    first = price(bought, UNTOUCHED, half)
    second = price(bought, UNTOUCHED.reserve(first), PARCELS)
    assert (first.commissions, second.commissions) == ({"ven_a": 25}, {"ven_a": 24})


def test_a_vendor_sees_its_own_part_of_a_refund() -> None:
    shares = price(BOUGHT, UNTOUCHED, ALL)
    own, other, nobodys = (shares.of_vendor(vendor_id) for vendor_id in ("ven_a", "ven_b", "ven_c"))
    assert (own.lines, own.shipping, own.commissions) == (shares.lines[:1], shares.shipping[:1], {"ven_a": 300})
    assert (other.lines, other.shipping, other.commissions) == (shares.lines[1:], shares.shipping[1:], {"ven_b": 800})
    assert nobodys == Shares(lines=(), shipping=(), commissions={})
    assert own.clawback + other.clawback == shares.clawback


def test_a_part_whose_goods_alone_are_given_back_keeps_its_shipping() -> None:
    assert after(units("LAMP", 1)).parts == {"ven_a": PartTally(shipping=0, shipping_tax=0, commission=100)}
    given = LineShare(sku="LAMP", vendor_id="ven_a", title="A LAMP", tally=LineTally(1, 1_000), discount=0)
    without = Shares(lines=(given,), shipping=(), commissions={})
    assert without.part_tallies() == {"ven_a": PartTally()}
