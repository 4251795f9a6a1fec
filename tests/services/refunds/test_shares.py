"""What a refund gives back, worked out over many made-up orders: to the cent, and never more than was paid."""

from collections.abc import Iterator
from dataclasses import replace
from random import Random

import pytest

from market.money import CurrencyMismatch, Money
from orders.contract import OrderSnapshot
from refunds.model import (
    Account,
    LineWish,
    NothingToRefund,
    RefundTooLarge,
    Shares,
    ShippingWish,
    UnknownLine,
    Wish,
    price,
    share,
)
from tests.services.refunds.orders import CURRENCIES, line, order, random_order

pytestmark = pytest.mark.contract("12.3", "12.5")

SEEDS = range(150)


def euros(cents: int) -> Money:
    return Money(cents, "EUR")


def units(sku: str, quantity: int) -> Wish:
    return Wish(lines=(LineWish(sku=sku, quantity=quantity),))


def goodwill(sku: str, amount: Money) -> Wish:
    return Wish(lines=(LineWish(sku=sku, amount=amount),))


ALL = Wish(all_left=True)


def unit_by_unit(dice: Random, bought: OrderSnapshot) -> Iterator[Wish]:
    """Every unit of every line and every parcel, in a random split and order."""
    wishes = [Wish(shipping=(ShippingWish(vendor_id=part.vendor_id),)) for part in bought.parts if part.shipping.amount]
    for one in bought.lines:
        left = one.quantity
        while left:
            some = dice.randint(1, left)
            wishes.append(units(one.sku, some))
            left -= some
    dice.shuffle(wishes)
    yield from wishes


def any_wish(dice: Random, bought: OrderSnapshot) -> Wish:
    one, part = dice.choice(bought.lines), dice.choice(bought.parts)
    amount = Money(dice.randint(1, max(1, one.charge.amount)), bought.currency)
    parcel = Money(dice.randint(1, max(1, part.shipping.amount)), bought.currency)
    return dice.choice(
        (
            units(one.sku, dice.randint(1, one.quantity)),
            goodwill(one.sku, amount),
            Wish(shipping=(ShippingWish(vendor_id=part.vendor_id, amount=parcel),)),
            Wish(all_shipping=True),
            Wish(
                lines=tuple(LineWish(sku=each.sku, quantity=1) for each in bought.lines),
                shipping=(ShippingWish(vendor_id=part.vendor_id),),
            ),
        )
    )


def granted(bought: OrderSnapshot, account: Account, wish: Wish) -> Shares | None:
    try:
        return price(bought, account, wish)
    except (RefundTooLarge, NothingToRefund):
        return None


def assert_all_given_back(bought: OrderSnapshot, account: Account) -> None:
    """Per line, per part and in total exactly what was captured, with its tax and its commission."""
    for one in bought.lines:
        tally, tax = account.line(one.sku), one.tax.amount if one.tax else 0
        assert (tally.amount, tally.tax) == (one.charge.amount, tax), one
    for part in bought.parts:
        back = account.part(part.vendor_id)
        assert (back.shipping, back.shipping_tax) == (part.shipping.amount, part.shipping_tax.amount)
        goods = sum(one.charge.amount for one in bought.lines_of(part.vendor_id))
        assert back.commission == (part.commission.amount if goods or part.shipping.amount else 0)
    assert account.total == bought.total.amount


@pytest.mark.parametrize("seed", SEEDS)
def test_unit_after_unit_in_any_split_gives_exactly_the_charge(seed: int) -> None:
    dice = Random(seed)
    bought, account, given = random_order(dice), Account(order_id="ord"), 0
    for wish in unit_by_unit(dice, bought):
        if shares := granted(bought, account, wish):
            account, given = account.reserve(shares), given + shares.amount
    for one in bought.lines:
        if account.line(one.sku).quantity == one.quantity:
            assert account.line(one.sku).amount == one.charge.amount
    if shares := granted(bought, account, ALL):  # a third of one yen is nothing, and so no refund: what is left then
        account, given = account.reserve(shares), given + shares.amount
    assert given == bought.total.amount
    assert_all_given_back(bought, account)


@pytest.mark.parametrize("seed", SEEDS)
def test_whatever_is_asked_and_whatever_fails_the_sum_is_never_above_what_was_captured(seed: int) -> None:
    dice = Random(1_000 + seed)
    bought, account, open_ = random_order(dice), Account(order_id="ord"), []
    for _ in range(60):
        if open_ and dice.random() < 0.3:
            account = account.give_back(open_.pop(dice.randrange(len(open_))))
        elif shares := granted(bought, account, any_wish(dice, bought)):
            assert shares.amount > 0
            account = account.reserve(shares)
            open_.append(shares)
        assert sum(shares.amount for shares in open_) == account.total <= bought.total.amount
        for one in bought.lines:
            assert min(account.line(one.sku)) >= 0
            assert account.line(one.sku).amount <= one.charge.amount
            assert account.line(one.sku).quantity <= one.quantity
            assert account.line(one.sku).tax <= (one.tax.amount if one.tax else 0)
        for part in bought.parts:
            assert min(account.part(part.vendor_id)) >= 0
            assert account.part(part.vendor_id).shipping <= part.shipping.amount
            assert account.part(part.vendor_id).commission <= part.commission.amount
    if shares := granted(bought, account, ALL):
        account = account.reserve(shares)
        open_.append(shares)
    assert_all_given_back(bought, account)
    vendors = sum(part.earnings.amount for part in bought.parts)
    assert sum(shares.clawback for shares in open_) == vendors, "what vendors earned is what they lose, no cent more"


@pytest.mark.parametrize("seed", SEEDS)
def test_a_share_is_within_one_of_its_exact_proportion(seed: int) -> None:
    dice = Random(2_000 + seed)
    bought = random_order(dice)
    for one in bought.lines:
        first, second = dice.randint(0, one.quantity), dice.randint(0, one.quantity)
        low, high = min(first, second), max(first, second)
        account = Account(order_id="ord")
        if low and (shares := granted(bought, account, units(one.sku, low))):
            account = account.reserve(shares)
            low_paid = True
        else:
            low_paid = low == 0
        if high > low and low_paid and (shares := granted(bought, account, units(one.sku, high - low))):
            assert abs(shares.amount * one.quantity - one.charge.amount * (high - low)) <= one.quantity


@pytest.mark.parametrize("seed", SEEDS)
def test_everything_at_once_is_everything(seed: int) -> None:
    bought = random_order(Random(3_000 + seed))
    account = Account(order_id="ord")
    shares = granted(bought, account, ALL)
    if shares is None:
        assert bought.total.amount == 0
        return
    assert shares.amount == bought.total.amount
    assert_all_given_back(bought, account.reserve(shares))
    with pytest.raises(NothingToRefund):
        price(bought, account.reserve(shares), ALL)


@pytest.mark.parametrize("seed", SEEDS)
def test_a_vendor_gives_back_its_own_part_and_no_more(seed: int) -> None:
    bought = random_order(Random(4_000 + seed))
    for part in bought.parts:
        if part.charge.amount:
            shares = price(bought, Account(order_id="ord"), ALL, vendor_id=part.vendor_id)
            assert shares.vendors == (part.vendor_id,)
            assert (shares.amount, shares.clawback) == (part.charge.amount, part.earnings.amount)
            assert shares.tax == part.tax.amount


@pytest.mark.parametrize("currency", CURRENCIES)
def test_three_units_of_a_discounted_line(currency: str) -> None:
    bought = order(line("LAMP", "ven_a", 3, Money(1_000, currency), discount=500, rate=1_900), shipping=490)
    account, given = Account(order_id="ord"), []
    for _ in range(3):
        shares = price(bought, account, units("LAMP", 1))
        (lamp,) = shares.lines
        given.append((lamp.tally.amount, lamp.tally.tax, lamp.discount, shares.commissions["ven_a"], shares.clawback))
        account = account.reserve(shares)
    assert given == [(833, 133, 167, 83, 617), (834, 133, 166, 84, 617), (833, 133, 167, 83, 617)]


def test_goodwill_lessens_what_the_last_units_give() -> None:
    bought = order(line("LAMP", "ven_a", 2, euros(1_000)), shipping=0)
    account = Account(order_id="ord")
    account = account.reserve(price(bought, account, goodwill("LAMP", euros(300))))
    account = account.reserve(price(bought, account, units("LAMP", 1)))
    assert account.line("LAMP").amount == 1_300
    assert price(bought, account, units("LAMP", 1)).amount == 700


def test_what_a_failed_goodwill_had_taken_from_the_units_is_still_there() -> None:
    bought = order(line("LAMP", "ven_a", 1, euros(1_000)), shipping=0)
    account = Account(order_id="ord")
    failing = price(bought, account, goodwill("LAMP", euros(300)))
    account = account.reserve(failing)
    account = account.reserve(price(bought, account, units("LAMP", 1)))
    account = account.give_back(failing)
    assert price(bought, account, ALL).amount == 300


def test_a_refund_that_fails_between_others_leaves_no_cent_astray() -> None:
    bought = order(line("LAMP", "ven_a", 2, Money(5, "JPY"), discount=5), shipping=0)
    account = Account(order_id="ord")
    first = price(bought, account, units("LAMP", 1))
    account = account.reserve(first)
    second = price(bought, account, units("LAMP", 1))
    account = account.reserve(second).give_back(first)
    assert (first.amount, second.amount) == (3, 2)
    assert price(bought, account, units("LAMP", 1)).amount == 3


def test_the_commission_follows_the_goods_and_the_shipping_only_where_goods_were_free() -> None:
    bought = order(line("LAMP", "ven_a", 1, euros(1_000)))
    parcel = price(bought, Account(order_id="ord"), Wish(all_shipping=True))
    assert (parcel.amount, parcel.commissions, parcel.clawback) == (490, {"ven_a": 0}, 490)


def test_refusals_say_what_is_left() -> None:
    bought = order(line("LAMP", "ven_a", 2, euros(1_000)))
    account = Account(order_id="ord")
    account = account.reserve(price(bought, account, units("LAMP", 1)))
    with pytest.raises(RefundTooLarge) as units_left:
        price(bought, account, units("LAMP", 2))
    assert units_left.value.extra["left"] == 1
    with pytest.raises(RefundTooLarge) as money_left:
        price(bought, account, goodwill("LAMP", euros(1_001)))
    assert money_left.value.extra["left"] == {"amount": 1_000, "currency": "EUR"}
    with pytest.raises(RefundTooLarge) as parcel_left:
        price(bought, account, Wish(shipping=(ShippingWish(vendor_id="ven_a", amount=euros(491)),)))
    assert parcel_left.value.extra["left"] == {"amount": 490, "currency": "EUR"}


def test_other_money_other_lines_and_other_vendors_are_refused() -> None:
    bought = order(line("LAMP", "ven_a", 1, euros(1_000)), line("CHAIR", "ven_b", 1, euros(2_000)))
    account = Account(order_id="ord")
    with pytest.raises(CurrencyMismatch):
        price(bought, account, goodwill("LAMP", Money(100, "USD")))
    for wish in (units("SOFA", 1), Wish(shipping=(ShippingWish(vendor_id="ven_c"),))):
        with pytest.raises(UnknownLine):
            price(bought, account, wish)
    for wish in (units("CHAIR", 1), Wish(shipping=(ShippingWish(vendor_id="ven_b"),))):
        with pytest.raises(UnknownLine):
            price(bought, account, wish, vendor_id="ven_a")


def test_a_total_below_the_sum_of_the_lines_is_the_limit() -> None:
    """Were an order's parts ever out of step with its lines, what was captured still is the limit."""
    whole = order(line("LAMP", "ven_a", 1, euros(1_000)), shipping=0)
    (part,) = whole.parts
    bought = replace(whole, parts=(replace(part, discount=euros(400)),))
    with pytest.raises(RefundTooLarge):
        price(bought, Account(order_id="ord"), ALL)


@pytest.mark.parametrize(
    ("whole", "portion", "of", "due"),
    [(5, 1, 2, 3), (100, 1, 3, 33), (100, 2, 3, 67), (0, 1, 2, 0), (7, 0, 0, 0), (7, 7, 7, 7)],
)
def test_shares_round_half_up(whole: int, portion: int, of: int, due: int) -> None:
    assert share(whole, portion, of) == due
