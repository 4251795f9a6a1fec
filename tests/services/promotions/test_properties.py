"""What holds for every cart and every set of promotions."""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from market.money import Money
from promotions.codec import compact, compact_book, expand, expand_book
from promotions.contract import Goods, Outcome, Promotion, evaluate, spends_of
from promotions.counters import compact_spends, read_spends
from promotions.evaluation import MAX_LIMITED
from promotions.model import (
    Benefit,
    Bundle,
    BuyGet,
    Conditions,
    Fixed,
    FreeGift,
    FreeShipping,
    Limits,
    Percent,
    Selector,
    Stacking,
    Tier,
    Tiered,
)
from tests.services.promotions.maker import ADA, NOON, promotion

pytestmark = pytest.mark.contract("9.1")
SKUS = [f"S{n}" for n in range(6)]
CATEGORIES = ["", "a", "a>b", "a>b>c", "d"]

amounts = st.integers(1, 5_000).map(lambda amount: {"EUR": amount})
points = st.integers(1, 10_000)
small = st.integers(1, 4)
names = st.frozensets(st.sampled_from(SKUS), max_size=3)
selectors = st.builds(Selector, skus=names, categories=st.frozensets(st.sampled_from(CATEGORIES[1:]), max_size=2))
benefits: st.SearchStrategy[Benefit] = st.one_of(
    st.builds(Percent, basis_points=points, most=st.one_of(st.just({}), amounts)),
    st.builds(Fixed, amounts=amounts, per_unit=st.booleans()),
    st.builds(FreeShipping),
    st.builds(BuyGet, buy=small, get=small, basis_points=points, rewards=selectors, most=st.integers(0, 5)),
    st.builds(
        Tiered,
        tiers=st.lists(st.builds(Tier, units=small, basis_points=points), min_size=1, max_size=3).map(tuple),
    ),
    st.builds(Bundle, units=st.dictionaries(st.sampled_from(SKUS), small, min_size=1, max_size=3), prices=amounts),
    st.builds(FreeGift, sku=st.sampled_from(SKUS), units=small),
)
promotions = st.builds(
    Promotion,
    id=st.sampled_from([f"prm_{n:02}" for n in range(40)]),
    status=st.just("running"),
    scope=st.sampled_from(["platform", "platform", "v0", "v1"]),
    benefit=benefits,
    include=selectors,
    exclude=selectors,
    conditions=st.builds(
        Conditions, minimum=st.one_of(st.just({}), amounts), min_units=st.integers(0, 6), starts_at=st.just(NOON)
    ),
    stacking=st.builds(
        Stacking,
        priority=st.integers(-2, 2),
        exclusive=st.sampled_from([False, False, False, True]),
        group=st.sampled_from(["", "", "g", "h"]),
    ),
    limits=st.builds(Limits, uses=st.sampled_from([0, 5])),
)
books = st.lists(promotions, max_size=14, unique_by=lambda one: one.id)
lines = st.builds(
    Goods,
    sku=st.sampled_from(SKUS),
    product_id=st.sampled_from(["p0", "p1"]),
    vendor_id=st.sampled_from(["v0", "v1"]),
    category=st.sampled_from(CATEGORIES),
    quantity=st.integers(1, 9),
    unit_price=st.integers(0, 9_999).map(lambda amount: Money(amount, "EUR")),
)
carts = st.lists(lines, min_size=1, max_size=6, unique_by=lambda line: line.sku)


def run(cart: list[Goods], book: list[Promotion]) -> Outcome:
    return evaluate(cart, book, codes=(), customer=ADA, country="DE", currency="EUR", at=NOON)


@settings(max_examples=150, derandomize=True, deadline=None)
@given(carts, books)
def test_no_line_falls_below_nothing_and_sums_agree(cart: list[Goods], book: list[Promotion]) -> None:
    found = run(cart, book)

    assert all(
        0 <= off <= line.unit_price.amount * line.quantity
        for off, line in zip(found.by_line(len(cart)), cart, strict=True)
    )
    for one in found.applied:
        assert min(one.by_line) >= 0
        assert (sum(one.by_line), "EUR") == (one.amount.amount, one.amount.currency)
        assert one.amount.amount or one.free_shipping
    assert sum(one.limits.uses > 0 for one in found.applied) <= MAX_LIMITED


@settings(max_examples=80, derandomize=True, deadline=None)
@given(carts, books, st.randoms(use_true_random=False))
def test_no_order_matters(cart: list[Goods], book: list[Promotion], shuffle: random.Random) -> None:
    places = list(range(len(cart)))
    shuffle.shuffle(places)
    before = run(cart, book)
    shuffle.shuffle(book)
    after = run([cart[place] for place in places], book)

    assert [(one.promotion_id, one.amount) for one in after.applied] == [
        (one.promotion_id, one.amount) for one in before.applied
    ]
    by_line = before.by_line(len(cart))
    assert after.by_line(len(cart)) == tuple(by_line[place] for place in places)
    assert (after.gifts, after.refused) == (before.gifts, before.refused)


@settings(max_examples=80, derandomize=True, deadline=None)
@given(carts, books)
def test_exclusive_promotions_are_alone_and_groups_have_one(cart: list[Goods], book: list[Promotion]) -> None:
    stacking = {one.id: one.stacking for one in book}
    counted = [stacking[one.promotion_id] for one in run(cart, book).applied]
    groups = [one.group for one in counted if one.group and not one.exclusive]

    assert len(counted) == 1 or not any(one.exclusive for one in counted)
    assert len(groups) == len(set(groups))


@settings(max_examples=80, derandomize=True, deadline=None)
@given(carts, books)
def test_no_exclusive_promotion_alone_would_be_better(cart: list[Goods], book: list[Promotion]) -> None:
    chosen = run(cart, book).amount("EUR").amount

    assert all(run(cart, [one]).amount("EUR").amount <= chosen for one in book if one.stacking.exclusive)


@settings(max_examples=80, derandomize=True, deadline=None)
@given(carts, points, st.integers(0, 5))
def test_more_of_the_same_never_takes_less_off_by_a_share(cart: list[Goods], share: int, place: int) -> None:
    """True of shares; not of bundles, bounds, or shares that follow each other."""
    book, more = [promotion("p", Percent(basis_points=share))], list(cart)
    line = more[place % len(more)]
    more[place % len(more)] = Goods(
        **{name: getattr(line, name) for name in Goods.__slots__} | {"quantity": line.quantity + 1}
    )

    assert run(more, book).amount("EUR").amount >= run(cart, book).amount("EUR").amount


@settings(max_examples=80, derandomize=True, deadline=None)
@given(books)
def test_what_is_written_is_read_again(book: list[Promotion]) -> None:
    assert expand_book(compact_book(book)) == tuple(book)
    assert [expand(compact(one)) for one in book] == book
    assert [compact(expand(compact(one))) for one in book] == [compact(one) for one in book]


@settings(max_examples=50, derandomize=True, deadline=None)
@given(carts, books)
def test_spends_are_read_again_with_postage(cart: list[Goods], book: list[Promotion]) -> None:
    found = run(cart, book)
    spends = spends_of(found, "ord_1", shipping={one.promotion_id: 490 for one in found.applied})

    assert read_spends(compact_spends(spends)) == spends
    assert [spend.amount - 490 for spend in spends] == [one.amount.amount for one in found.applied]
    assert all(0 <= spend.shard < spend.shards for spend in spends)
