"""Which of a SKU's prices counts: the table of the README, and what holds for all of them."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from market.money import Money
from prices import lists
from prices.contract import Entry, Listed, Quote, entries_key, groups_key, listed, read_entries, read_groups

pytestmark = pytest.mark.contract("8.1")
NOON = "2026-03-02T12:00:00.000Z"


def euros(cents: int) -> Money:
    return Money(cents, "EUR")


def entry(list_id: str, cents: int, **more: Any) -> Entry:
    sets = {name: frozenset(value) for name, value in more.items() if name in ("groups", "countries")}
    return Entry(list_id=list_id, price=euros(cents), **more | sets)


FRIENDS = entry("friends", 800, groups={"friends"})
SWISS = entry("swiss", 1_200, countries={"CH"})
EUROPE = entry("europe", 950, countries={"EU"})
TEN = entry("ten", 900, min_quantity=10)
HUNDRED = entry("hundred", 700, min_quantity=100)
SPRING = entry("spring", 850, starts_at="2026-03-01T00:00:00.000Z", ends_at="2026-03-08T00:00:00.000Z")
ALL = (FRIENDS, SWISS, EUROPE, TEN, HUNDRED, SPRING)


@pytest.mark.parametrize(
    ("why", "entries", "asked", "cents", "named"),
    [
        ("nothing applies: the base", ALL[:5], {}, 1_000, ""),
        ("no entry at all: the base", (), {}, 1_000, ""),
        ("a group's price is for its members", (FRIENDS,), {"groups": {"friends"}}, 800, "friends"),
        ("and for nobody else", (FRIENDS,), {"groups": {"others"}}, 1_000, ""),
        ("a country's price counts there, above the base too", (SWISS,), {"country": "CH"}, 1_200, "swiss"),
        ("and nowhere else", (SWISS,), {"country": "DE"}, 1_000, ""),
        ("and not while the country is unknown", (SWISS,), {"country": ""}, 1_000, ""),
        ("a region stands for its countries", (EUROPE,), {"country": "FR"}, 950, "europe"),
        ("Switzerland is not in it", (EUROPE,), {"country": "CH"}, 1_000, ""),
        ("a tier counts from its quantity on", (TEN, HUNDRED), {"quantity": 10}, 900, "ten"),
        ("not below", (TEN, HUNDRED), {"quantity": 9}, 1_000, ""),
        ("the higher tier is lower", (TEN, HUNDRED), {"quantity": 100}, 700, "hundred"),
        ("of those that apply the lowest", (EUROPE, SPRING), {"country": "FR"}, 850, "spring"),
        ("whatever their order", (SPRING, EUROPE), {"country": "FR"}, 850, "spring"),
        ("a sale beats a country's higher price", (SWISS, SPRING), {"country": "CH"}, 850, "spring"),
        ("it starts on the moment", (SPRING,), {"at": "2026-03-01T00:00:00.000Z"}, 850, "spring"),
        ("not before", (SPRING,), {"at": "2026-02-28T23:59:59.999Z"}, 1_000, ""),
        ("and is over on the moment", (SPRING,), {"at": "2026-03-08T00:00:00.000Z"}, 1_000, ""),
        (
            "of one price the one for fewer is named",
            (entry("a", 800), FRIENDS),
            {"groups": {"friends"}},
            800,
            "friends",
        ),
        ("then the first by name", (entry("b", 800), entry("a", 800)), {}, 800, "a"),
    ],
)
def test_which_price_counts(
    why: str, entries: tuple[Entry, ...], asked: dict[str, Any], cents: int, named: str
) -> None:
    given = {"quantity": 1, "country": "", "groups": frozenset(), "at": NOON} | asked
    given["groups"] = frozenset(given["groups"])

    assert listed(euros(1_000), entries, **given) == Listed(euros(cents), named, euros(1_000)), why


FRANCS = Entry(list_id="swiss", price=Money(1_195, "CHF"), countries=frozenset({"CH"}))
TO_FRANCS = Quote(frm="EUR", to="CHF", numerator=95, denominator=100)


@pytest.mark.contract("8.5")
@pytest.mark.parametrize(
    ("entries", "quantity", "price", "named"),
    [
        ((), 1, Money(950, "CHF"), ""),
        ((FRANCS,), 1, Money(1_195, "CHF"), "swiss"),
        ((TEN,), 10, Money(855, "CHF"), "ten"),
        ((FRANCS, TEN), 10, Money(855, "CHF"), "ten"),
        ((Entry(list_id="dollars", price=Money(1, "USD")),), 1, Money(950, "CHF"), ""),
    ],
)
def test_lists_in_the_orders_currency_count_as_they_are_and_those_in_the_base_currency_are_converted(
    entries: tuple[Entry, ...], quantity: int, price: Money, named: str
) -> None:
    asked: dict[str, Any] = {"quantity": quantity, "country": "CH", "groups": frozenset(), "at": NOON}

    assert listed(euros(1_000), entries, **asked, quote=TO_FRANCS) == Listed(price, named, euros(1_000))
    assert listed(euros(1_000), (FRANCS,), **asked).list_id == "", "without a rate francs are no price of euros"


cents = st.integers(1, 10_000)
some = st.builds(
    Entry,
    list_id=st.sampled_from(["a", "b", "c"]),
    price=cents.map(euros),
    min_quantity=st.integers(1, 12),
    groups=st.frozensets(st.sampled_from(["x", "ven_1:y"])),
    countries=st.frozensets(st.sampled_from(["DE", "CH", "EU"])),
    starts_at=st.sampled_from(["", "2026-03-01T00:00:00.000Z", "2026-03-03T00:00:00.000Z"]),
    ends_at=st.sampled_from(["", "2026-03-02T00:00:00.000Z", "2026-03-04T00:00:00.000Z"]),
    replaces=st.none() | st.just(euros(1_000)),
)


@given(st.lists(some, max_size=8), st.integers(1, 12), st.randoms(use_true_random=False))
def test_the_order_of_entries_is_irrelevant_and_they_survive_being_stored(
    entries: list[Entry], quantity: int, chance: Any
) -> None:
    asked: dict[str, Any] = {"quantity": quantity, "country": "DE", "groups": frozenset({"x"}), "at": NOON}
    plain = [one for one in entries if not one.replaces]
    mixed = chance.sample(plain, len(plain))

    assert listed(euros(1_000), plain, **asked) == listed(euros(1_000), mixed, **asked)
    assert lists.unpacked(lists.packed(entries)) == tuple(entries)


def test_items_that_are_not_there_read_as_nothing() -> None:
    assert read_entries(None) == ()
    assert read_groups(None) == read_groups({"version": 1}) == frozenset()
    assert (entries_key("LAMP").pk, groups_key("ada").pk) == ("PRL#LAMP", "PRG#ada")
