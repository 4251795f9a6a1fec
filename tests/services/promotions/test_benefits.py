"""Each benefit by itself: what it takes off which line, worked out by hand."""

import pytest

from promotions.model import Bundle, BuyGet, Fixed, FreeGift, FreeShipping, Percent, Tier, Tiered
from tests.services.promotions.maker import applied, goods, off, outcome, promotion, some

pytestmark = pytest.mark.contract("9.1")
LAMP, CHAIR, VASE = goods("LAMP", 1_000, 2), goods("CHAIR", 3_333), goods("VASE", 501)


def test_a_share_is_taken_off_all_lines_together_and_rounded_once() -> None:
    assert off([LAMP, CHAIR, VASE], promotion("p", Percent(basis_points=1_500))) == (300, 500, 75)  # 875.1 of 5834
    assert off([goods("A", 5)], promotion("p", Percent(basis_points=1_000))) == (1,), "half a cent goes to the customer"
    assert off([goods("A", 4)], promotion("p", Percent(basis_points=1_000))) == (0,)
    assert off([goods("A", 5, 3)], promotion("p", Percent(basis_points=10_000))) == (15,)


def test_a_share_has_an_upper_bound_by_currency() -> None:
    bounded = promotion("p", Percent(basis_points=5_000, most={"EUR": 700}))

    assert off([LAMP, CHAIR], bounded) == (263, 437)
    assert off([goods("A", 1_000)], bounded) == (500,)
    assert off([goods("A", 10_000, currency="USD")], bounded, currency="USD") == (5_000,)


def test_an_amount_is_taken_off_the_order_and_spread_by_value_without_a_lost_cent() -> None:
    assert off([LAMP, CHAIR, VASE], promotion("p", Fixed(amounts={"EUR": 1_000}))) == (343, 571, 86)
    assert off([goods("A", 100), goods("B", 100), goods("C", 100)], promotion("p", Fixed(amounts={"EUR": 100}))) == (
        34, 33, 33,
    )  # fmt: skip


def test_an_amount_is_never_more_than_the_goods_and_is_named_for_the_currency() -> None:
    ten = promotion("p", Fixed(amounts={"EUR": 1_000, "JPY": 1_200}))

    assert off([goods("A", 300), goods("B", 200)], ten) == (300, 200)
    assert off([goods("A", 5_000, currency="JPY")], ten, currency="JPY") == (1_200,)
    assert applied([goods("A", 5_000, currency="USD")], ten, currency="USD") == {}


def test_an_amount_off_each_unit_leaves_no_line_below_nothing() -> None:
    each = promotion("p", Fixed(amounts={"EUR": 600}, per_unit=True))

    assert off([LAMP, CHAIR, VASE], each) == (1_200, 600, 501)


def test_the_cheapest_units_are_free() -> None:
    three_for_two = promotion("p", BuyGet(buy=2, get=1))

    assert off([goods("A", 1_000, 2)], three_for_two) == (0,)
    assert off([goods("A", 1_000, 2), goods("B", 400)], three_for_two) == (0, 400)
    assert off([goods("A", 1_000, 4), goods("B", 400, 2)], three_for_two) == (0, 800)
    assert off([goods("A", 1_000, 5), goods("B", 400)], three_for_two) == (1_000, 400)


def test_the_cheapest_units_may_cost_less_and_be_bounded() -> None:
    half = promotion("p", BuyGet(buy=1, get=1, basis_points=5_000, most=2))

    assert off([goods("A", 1_001, 2)], half) == (501,)
    assert off([goods("A", 1_001, 8)], half) == (1_001,)
    assert off([goods("A", 1_000, 3), goods("B", 999)], half) == (500, 500)


def test_other_goods_may_be_the_reward_and_are_not_counted_as_bought() -> None:
    pads = promotion("p", BuyGet(buy=2, get=1, rewards=some(skus=["PAD", "INK"])), include=some(categories=["desk"]))
    desk = goods("DESK", 9_000, 2, category="desk")

    assert off([desk, goods("PAD", 300, 3)], pads) == (0, 300)
    assert off([desk, goods("PAD", 300), goods("INK", 200)], pads) == (0, 0, 200)
    assert applied([goods("DESK", 9_000, category="desk"), goods("PAD", 300, category="desk")], pads) == {}
    assert applied([goods("PAD", 300, 4)], pads) == {}
    assert applied([desk], pads) == {}


def test_the_highest_tier_that_is_reached_counts_for_all_units() -> None:
    tiers = (Tier(units=3, basis_points=500), Tier(units=10, basis_points=1_000), Tier(units=5, amounts={"EUR": 400}))
    more = promotion("p", Tiered(tiers=tiers))

    assert [off([goods("A", 1_000, units)], more) for units in (2, 3, 4, 5, 9, 10)] == [
        (0,), (150,), (200,), (400,), (400,), (1_000,),
    ]  # fmt: skip


def test_tiers_by_money_look_at_the_goods_before_discounts() -> None:
    tiers = (Tier(spend={"EUR": 5_000}, amounts={"EUR": 500}), Tier(spend={"EUR": 10_000}, basis_points=2_000))
    more = promotion("p", Tiered(tiers=tiers))
    first = promotion("first", Fixed(amounts={"EUR": 1_000}), priority=1)

    assert [off([goods("A", price)], more) for price in (4_999, 5_000, 9_999, 10_000)] == [
        (0,),
        (500,),
        (500,),
        (2_000,),
    ]
    assert applied([goods("A", 10_000)], more, first) == {"first": 1_000, "p": 1_800}
    assert off([goods("A", 99_999, currency="USD")], more, currency="USD") == (0,)


def test_a_bundle_has_its_price_as_often_as_it_is_complete() -> None:
    set_of_three = promotion("p", Bundle(units={"LAMP": 2, "VASE": 1}, prices={"EUR": 2_000}))

    assert off([LAMP, CHAIR, VASE], set_of_three) == (401, 0, 100)  # 2501 -> 2000, by 2000 : 501
    assert off([goods("LAMP", 1_000, 5), goods("VASE", 501, 2)], set_of_three) == (801, 201)
    assert off([goods("LAMP", 1_000, 1), VASE], set_of_three) == (0, 0)
    assert off([LAMP], set_of_three) == (0,)


def test_a_bundle_is_bounded_and_never_dearer_than_its_goods() -> None:
    once = promotion("p", Bundle(units={"LAMP": 1}, prices={"EUR": 900}, most=1))

    assert off([LAMP], once) == (100,)
    assert off([LAMP], promotion("p", Bundle(units={"LAMP": 2}, prices={"EUR": 2_000}))) == (0,)
    assert off([goods("LAMP", 1_000, currency="USD")], once, currency="USD") == (0,)


def test_a_gift_in_the_cart_is_free_and_one_that_is_not_is_told() -> None:
    mug = promotion("p", FreeGift(sku="MUG", units=2), minimum={"EUR": 3_000})
    found = outcome([CHAIR, goods("MUG", 700)], mug)

    assert found.by_line(2) == (0, 700)
    assert [(gift.sku, gift.quantity, gift.promotion_id) for gift in found.gifts] == [("MUG", 1, "p")]
    assert off([CHAIR, goods("MUG", 700, 3)], mug) == (0, 1_400)
    assert outcome([CHAIR, goods("MUG", 700, 3)], mug).gifts == ()
    alone = outcome([CHAIR], mug)
    assert (alone.applied, alone.gifts[0].quantity) == ((), 2)


def test_a_gift_does_not_help_to_earn_itself() -> None:
    mug = promotion("p", FreeGift(sku="MUG"), minimum={"EUR": 3_000}, min_units=2)

    assert applied([goods("A", 1_500), goods("B", 1_499), goods("MUG", 700)], mug) == {}
    assert applied([goods("A", 1_500), goods("B", 1_500), goods("MUG", 700)], mug) == {"p": 700}
    assert applied([goods("A", 3_000), goods("MUG", 700)], mug) == {}, "one unit is bought, and one is the gift"
    assert applied([goods("A", 1_500), goods("MUG", 1_500, 2)], mug) == {"p": 1_500}, "the second mug is bought"
    assert outcome([goods("MUG", 5_000)], mug).gifts == ()


def test_free_shipping_is_for_the_parcels_of_those_who_sell_some_of_the_goods() -> None:
    free = promotion("p", FreeShipping(), include=some(categories=["lamps"]), minimum={"EUR": 1_000})
    lines = [goods("A", 1_000, category="lamps", vendor="ven_1"), goods("B", 9_000, vendor="ven_2")]
    (found,) = outcome(lines, free).applied

    assert (found.free_shipping, found.amount.amount, found.by_line) == (frozenset({"ven_1"}), 0, (0, 0))
    assert applied([goods("A", 999, category="lamps")], free) == {}


def test_the_outcome_says_who_pays_and_which_version_it_was() -> None:
    shared = promotion(
        "p", Percent(basis_points=1_000), platform_basis_points=4_000, participants={"ven_1": frozenset()}, version=7
    )
    (found,) = outcome([LAMP, goods("B", 900, vendor="ven_2")], shared).applied

    assert (found.funded_by, found.platform_basis_points, found.version, found.title) == ("shared", 4_000, 7, "p")
    assert found.by_line == (200, 0), "the other vendor has not joined"
    assert (found.kind, found.code, found.free_shipping) == ("percent", "", frozenset())
    own = promotion("p", Percent(basis_points=1_000), scope="ven_1")
    assert outcome([LAMP], own).applied[0].funded_by == "vendor"
