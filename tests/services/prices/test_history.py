"""What a SKU has cost, and the prior price of a reduction: the lowest of the 30 days before it."""

from datetime import UTC, datetime, timedelta
from itertools import permutations

import pytest

from market import clock
from market.money import Money
from prices import history, service, store
from prices.contract import Entry
from prices.history import History, Prior, prior
from prices.service import Wish
from tests.services.prices.floor import LAMP, VENDOR, Floor
from tests.shop import euros

pytestmark = pytest.mark.contract("8.1")
START = datetime(2026, 1, 1, tzinfo=UTC)


def day(number: float) -> str:
    return clock.iso(START + timedelta(days=number))


def past(*changes: tuple[float, int | None, int]) -> History:
    known = History()
    for at, before, after in changes:
        known = known.with_change(day(at), euros(before) if before is not None else None, euros(after))
    return known


def asked(known: History, at: float, *entries: Entry, base: int, country: str = "") -> Prior | None:
    return prior(known, entries, country=country, base=euros(base), at=day(at))


@pytest.mark.parametrize(
    ("why", "changes", "at", "lowest", "reduced"),
    [
        ("a plain reduction", [(0, None, 100), (50, 100, 80)], 60, 100, True),
        ("a price that was raised just before does not count as the old one",
         [(0, None, 100), (45, 100, 130), (50, 130, 90)], 51, 100, True),
        ("a low price more than 30 days before is forgotten",
         [(0, None, 60), (10, 60, 100), (50, 100, 80)], 51, 100, True),
        ("it counts on the 30th day before", [(0, None, 60), (20.5, 60, 100), (50, 100, 80)], 51, 60, True),
        ("a sale within the 30 days counts",
         [(0, None, 100), (40, 100, 70), (42, 70, 100), (50, 100, 80)], 51, 70, True),
        ("a second step counts from its own 30 days", [(0, None, 100), (50, 100, 80), (60, 80, 70)], 61, 80, True),
        ("a raise is no reduction", [(0, None, 100), (50, 100, 120)], 51, 100, False),
        ("a price that never changed is none", [(0, None, 100)], 51, 100, False),
        ("a young product is compared with what there was", [(0, None, 100), (5, 100, 80)], 6, 100, True),
        ("a reduction stays one for as long as it lasts", [(0, None, 100), (50, 100, 80)], 300, 100, True),
    ],
)  # fmt: skip
def test_the_prior_price(
    why: str, changes: list[tuple[float, int | None, int]], at: float, lowest: int, reduced: bool
) -> None:
    found = asked(past(*changes), at, base=changes[-1][2])

    assert found is not None, why
    assert (found.lowest.amount, found.reduced) == (lowest, reduced), why


def test_public_list_prices_count_and_those_for_some_do_not() -> None:
    known = past((0, None, 100))
    sale = Entry(list_id="sale", price=euros(70), starts_at=day(30), ends_at=day(40))
    club = Entry(list_id="club", price=euros(50), groups=frozenset({"club"}), starts_at=day(1))
    bulk = Entry(list_id="bulk", price=euros(40), min_quantity=10, starts_at=day(1))

    during = asked(known, 35, sale, club, bulk, base=100)
    assert during == Prior(euros(100), day(30), reduced=True)
    later = known.with_change(day(50), euros(100), euros(80))
    found = asked(later, 51, sale, club, bulk, base=80)
    assert found is not None
    assert found.lowest == euros(70), "the sale was in the 30 days before"
    assert asked(later.without([sale], day(45)), 51, base=80) == found, "also after the entry was taken away"


def test_a_countrys_price_counts_in_that_country() -> None:
    known = past((0, None, 100), (50, 100, 80))
    swiss = Entry(list_id="swiss", price=euros(60), countries=frozenset({"CH"}), starts_at=day(30), ends_at=day(45))

    here, there = (asked(known, 51, swiss, base=80, country=country) for country in ("DE", "CH"))
    assert here is not None
    assert there is not None
    assert (here.lowest.amount, there.lowest.amount) == (100, 60)


def test_changes_may_be_told_in_any_order_and_twice() -> None:
    changes = [(0.0, None, 100), (10.0, 100, 90), (20.0, 90, 120), (50.0, 120, 80)]
    expected = past(*changes)
    for order in permutations(changes):
        assert past(*order, *order) == expected


def test_a_change_that_is_not_told_yet_is_known_from_the_next_one() -> None:
    whole = past((0, None, 100), (30, 100, 60), (40, 60, 100), (50, 100, 80))
    without = past((0, None, 100), (40, 60, 100), (50, 100, 80))

    assert asked(whole, 51, base=80) == Prior(euros(60), day(50), reduced=True)
    assert asked(without, 51, base=80) == Prior(euros(60), day(50), reduced=True)


def test_another_currency_is_another_history() -> None:
    known = past((0, None, 100)).with_change(day(10), euros(100), Money(120, "USD"))

    assert prior(known, (), country="", base=euros(100), at=day(11)) is None
    found = prior(known, (), country="", base=Money(120, "USD"), at=day(11))
    assert found == Prior(Money(120, "USD"), day(10), reduced=False)


@pytest.mark.parametrize(("claim", "fine"), [(100, True), (99, True), (101, False)])
def test_a_claim_is_honest_up_to_the_prior_price(claim: int, fine: bool) -> None:
    found = asked(past((0, None, 100), (50, 100, 80)), 51, base=80)

    assert history.honest(euros(claim), found) is fine
    assert not history.honest(Money(claim, "USD"), found)
    assert not history.honest(euros(claim), None)


def test_the_history_is_written_from_what_the_catalog_tells(floor: Floor) -> None:
    floor.lamp(2_000)
    floor.wait(days=40)
    news = floor.reprice(euros(1_600))
    floor.hear("product.price.updated", news, times=2)
    floor.hear("product.created", {"skus": [LAMP, "UNKNOWN"]}, at=floor.at(), times=2)

    kept = store.sheets([LAMP])[LAMP].past
    assert [change.after for change in kept.history.changes] == [2_000, 1_600]
    assert kept.version == 2, "what was heard twice is written once"
    assert history.unpacked(history.packed(kept.history)) == kept.history


def test_a_sale_by_list_stays_in_the_history_after_the_vendor_took_it_away(floor: Floor) -> None:
    def sale(*, gone: bool = False) -> Wish:
        return Wish(LAMP, Entry(list_id="sale", price=euros(1_200)), gone=gone)

    floor.lamp(2_000)
    floor.wait(days=20)
    service.change(VENDOR, [sale()])
    floor.wait(days=2)
    service.change(VENDOR, [sale(gone=True)])
    floor.wait(days=3)
    floor.reprice(euros(1_700))
    floor.wait(days=1)
    sheet = store.sheets([LAMP])[LAMP]
    found = prior(sheet.past.history, sheet.book.entries, country="", base=euros(1_700), at=clock.timestamp())

    assert sheet.book.entries == ()
    assert found is not None
    assert (found.lowest, found.reduced) == (euros(1_200), True)


def test_nobody_can_say_that_a_list_price_began_earlier(floor: Floor) -> None:
    floor.lamp(2_000)
    service.change(VENDOR, [Wish(LAMP, Entry(list_id="old", price=euros(1_500), starts_at=floor.at(days=-90)))])
    floor.wait(days=5)
    service.change(VENDOR, [Wish(LAMP, Entry(list_id="old", price=euros(1_400), starts_at=floor.at(days=-90)))])

    (entry,) = store.sheets([LAMP])[LAMP].book.entries
    assert entry.starts_at == floor.at()


@pytest.mark.parametrize(("claim", "doubted"), [(2_000, False), (2_500, True)])
def test_a_vendor_is_told_of_a_comparison_that_is_not_honest(floor: Floor, claim: int, doubted: bool) -> None:
    floor.lamp(2_000)
    floor.wait(days=40)
    floor.reprice(euros(1_600), compare_at=euros(claim).plain())

    told = floor.decided("price.claim_doubted")
    assert [doubt["lowest"]["amount"] for doubt in told] == ([2_000] if doubted else [])
