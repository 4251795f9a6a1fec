"""What we paid of discounts comes back to us with a refund: in its proportion, to the cent, and once."""

from dataclasses import replace

import pytest

from market.money import Money
from orders.contract import OrderSnapshot
from refunds.model import Account, LineWish, NothingToRefund, ShippingWish, Wish, price
from tests.services.refunds.orders import line, order

pytestmark = pytest.mark.contract("12.3", "12.5")

ALL, PARCELS = Wish(all_left=True), Wish(all_shipping=True)


def euros(cents: int) -> Money:
    return Money(cents, "EUR")


def units(quantity: int) -> Wish:
    return Wish(lines=(LineWish(sku="LAMP", quantity=quantity),))


def goodwill(cents: int) -> Wish:
    return Wish(lines=(LineWish(sku="LAMP", amount=euros(cents)),))


def postage(cents: int) -> Wish:
    return Wish(shipping=(ShippingWish(vendor_id="ven_a", amount=euros(cents)),))


def bought(off: int, ours: int, *, commission: int = 0, shipping: int = 490, parcel: int = 0) -> OrderSnapshot:
    """Four lamps of 10.00 less `off`; what we paid of that, and of the parcel; a second vendor without any."""
    lamps = replace(line("LAMP", "ven_a", 4, euros(1_000), discount=off), subsidy=euros(ours) if ours else None)
    made = order(lamps, line("CHAIR", "ven_b", 1, euros(8_000)), shipping=shipping)
    part = replace(made.parts[0], commission=euros(commission), shipping_subsidy=euros(parcel) if parcel else None)
    return replace(made, parts=(part, *made.parts[1:]))


def told(sold: OrderSnapshot, *wishes: Wish) -> list[tuple[int, int, int]]:
    """Of each refund, one after another: what the customer gets, and what we get back and give back of ours."""
    account, found = Account(order_id=sold.id), []
    for wish in wishes:
        shares = price(sold, account, wish, vendor_id="ven_a")
        found.append((shares.amount, shares.subsidy, shares.commissions["ven_a"]))
        account = account.reserve(shares)
    return found


def test_it_comes_back_with_the_units_and_the_commission_on_both() -> None:
    half = bought(2_000, 1_000, commission=300)
    assert told(half, units(1), units(3)) == [(500, 250, 75), (1_500, 750, 225)]


def test_it_comes_back_with_goodwill_in_its_proportion() -> None:
    half = bought(2_000, 1_000, commission=300)
    assert told(half, goodwill(100), goodwill(300)) == [(100, 50, 15), (300, 150, 45)]


def test_its_cents_that_do_not_divide_are_all_back_in_the_end() -> None:
    uneven = bought(2_000, 101)
    assert [ours for _, ours, _ in told(uneven, units(1), units(1), units(1), units(1))] == [25, 26, 25, 25]


def test_of_goods_that_cost_nothing_it_comes_back_by_units() -> None:
    free = bought(4_000, 4_000, commission=400)
    assert told(free, units(1), units(3)) == [(0, 1_000, 100), (0, 3_000, 300)]


def test_of_postage_it_comes_back_in_its_proportion() -> None:
    dear = bought(0, 0, shipping=800, parcel=490)
    assert [one[:2] for one in told(dear, postage(400), postage(100), PARCELS)] == [(400, 245), (100, 61), (300, 184)]


def test_of_a_parcel_that_cost_nothing_it_comes_back_whole_and_once() -> None:
    free = bought(0, 0, shipping=0, parcel=490)
    account = Account(order_id=free.id)
    shares = price(free, account, PARCELS, vendor_id="ven_a")
    assert (shares.amount, shares.subsidy, shares.clawback) == (0, 490, 490)
    account = account.reserve(shares)
    assert account.part("ven_a").shipping_subsidy == 490
    with pytest.raises(NothingToRefund):
        price(free, account, PARCELS, vendor_id="ven_a")
    assert account.give_back(shares).part("ven_a").shipping_subsidy == 0


def test_all_that_is_left_has_a_free_parcel_in_it_until_that_is_back() -> None:
    free = bought(0, 0, shipping=0, parcel=490)
    account = Account(order_id=free.id)
    whole = price(free, account, ALL)
    assert ([one.vendor_id for one in whole.shipping], whole.subsidy) == (["ven_a"], 490)
    later = price(free, account.reserve(price(free, account, PARCELS, vendor_id="ven_a")), ALL)
    assert (later.shipping, later.subsidy) == ((), 0)


def test_a_commission_on_nothing_but_postage_comes_back_with_that() -> None:
    gift = bought(4_000, 0, commission=129, shipping=800, parcel=490)
    assert [one[2] for one in told(gift, postage(400), postage(400))] == [65, 64]


def test_each_vendors_part_says_who_hands_the_tax_on() -> None:
    sold = bought(2_000, 1_000)
    taxed = replace(sold, lines=tuple(replace(one, tax=euros(40)) for one in sold.lines))
    taxed = replace(taxed, parts=(replace(sold.parts[0], tax_by_vendor=True), *sold.parts[1:]))
    whole = price(taxed, Account(order_id=taxed.id), ALL)
    assert (whole.self_taxed, whole.tax, whole.our_tax) == (("ven_a",), 80, 40)
    assert [(whole.of_vendor(name).self_taxed, whole.of_vendor(name).our_tax) for name in ("ven_a", "ven_b")] == [
        (("ven_a",), 0),
        ((), 40),
    ]
