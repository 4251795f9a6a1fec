"""Stock on shards: every hold is exact and ends, whoever dies on the way; nobody hears of a false sold-out."""

from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import timedelta
from threading import Barrier
from typing import Any

import pytest

from inventory import journal, sweep
from inventory.contract import OutOfStock, TicketGone, UnitsMoved, hold, keep_ticket, on_shards
from inventory.heat import Heat, save_heat
from inventory.journal import journal_key, read_entry
from inventory.shards import Shard, ShardsMoved, levelled, mended, moved, open_ticket, shard_key, take
from market import clock
from market.errors import Conflict
from market.table import Key, Write, update
from tests import shop
from tests.services.inventory import hot

pytestmark = [pytest.mark.usefixtures("database"), pytest.mark.contract("7.2")]
PRICE = shop.euros(1999)


def later(moment: timedelta) -> Any:
    """So much later."""
    then = clock.now() + moment
    return clock.running_on(lambda: then)


def at_once(times: int, act: Callable[[int], str]) -> Counter[str]:
    start = Barrier(times)

    def one(number: int) -> str:
        start.wait()
        try:
            return act(number)
        except Conflict as refused:
            return refused.code

    with ThreadPoolExecutor(times) as pool:
        return Counter(pool.map(one, range(times)))


# -- spreading


def test_units_are_spread_and_gathered_without_any_appearing_or_vanishing() -> None:
    offer = hot.spread(10, 3)

    assert (offer.available, offer.shards, offer.elsewhere, offer.sellable) == (0, 3, 10, 10)
    assert [shard.available for shard in hot.shards(count=3)] == [4, 3, 3]
    sweep.gather("LAMP")
    assert (hot.offer().available, hot.offer().shards, hot.offer().elsewhere) == (10, 0, 0)
    assert not hot.offer().sourced
    hot.table.transact(hold("LAMP", 1, PRICE))
    assert hot.on_hand() == 10


@pytest.mark.parametrize(
    ("home", "there", "count", "wanted"),
    [
        (10, [], 4, [3, 3, 2, 2]),
        (0, [9, 0, 0], 3, [3, 3, 3]),
        (2, [1, 1], 3, [2, 1, 1]),
        (5, [1, 2], 0, [0, 0]),
        (0, [4, 4, 4], 1, [12, 0, 0]),
        (0, [], 2, [0, 0]),
    ],
)
def test_units_lie_evenly(home: int, there: list[int], count: int, wanted: list[int]) -> None:
    shards = [Shard(number=number, available=units) for number, units in enumerate(there)]
    assert levelled(home, shards, count) == wanted


def test_who_holds_units_keeps_them_while_others_are_moved() -> None:
    hot.spread(9, 3)
    order, sources = hot.kept(3)
    hot.table.transact(update(shard_key("LAMP", 0), "SET available = available + :x", {":x": 9}))

    hot.table.write(save_heat(Heat(sku="LAMP", most=5)))
    sweep.spread("LAMP", 5, 5)
    sweep.gather("LAMP")

    assert (hot.offer().available, hot.held(), hot.on_hand()) == (15, 3, 18)
    hot.ended(order, sources, sold=False)
    sweep.gather("LAMP")
    assert (hot.offer().available, hot.held()) == (18, 0)


def test_a_move_that_was_decided_by_old_numbers_is_refused() -> None:
    hot.spread(10, 2)
    with pytest.raises(ShardsMoved):
        hot.table.transact(*moved("LAMP", 0, 1, hot.shards(count=2), 3, sourced=False))
    with pytest.raises(ShardsMoved):
        hot.table.transact(*moved("LAMP", 3, 2, hot.shards(count=2), 3, sourced=False))
    assert hot.on_hand() == 10


# -- holds


def test_an_order_holds_all_its_units_on_one_shard_if_one_has_them() -> None:
    hot.spread(10, 2)
    _, sources = hot.kept(4)

    assert len(sources) == 1
    assert (hot.held(), hot.on_hand(), len(hot.tickets())) == (4, 10, 1)


def test_an_order_takes_what_lies_on_several_shards_and_at_home() -> None:
    hot.spread(6, 3)
    hot.table.transact(update(Key("STK#LAMP"), "SET available = available + :two", {":two": 2}))

    order, sources = hot.seized(8)

    assert sorted(units for _, units in sources) == [2, 2, 2, 2]
    assert ("", 2) in sources
    assert hot.held() == 6
    hot.given_up(order, sources)
    assert (hot.held(), hot.on_hand(), hot.tickets()) == (0, 8, [])


def test_a_sku_is_sold_out_only_when_it_is() -> None:
    hot.spread(3, 3)
    with pytest.raises(OutOfStock) as short:
        hot.seized(4)
    assert short.value.extra == {"sku": "LAMP", "available": 3}
    _, sources = hot.kept(3)
    assert len(sources) == 3
    with pytest.raises(OutOfStock):
        hot.seized(1)
    assert hot.held() == 3


@pytest.mark.parametrize("shards", [1, 4])
def test_many_buyers_at_once_get_exactly_what_is_there(shards: int) -> None:
    hot.spread(20, shards)

    told = at_once(48, lambda _: "held" if hot.kept(1) else "")

    assert told == {"held": 20, "out_of_stock": 28}
    assert (hot.held(), hot.on_hand(), len(hot.tickets())) == (20, 20, 20)


def test_buyers_of_several_units_at_once_leave_fewer_than_one_of_them_wants() -> None:
    hot.spread(20, 4)

    told = at_once(24, lambda _: "held" if hot.kept(3) else "")

    assert told == {"held": 6, "out_of_stock": 18}
    assert hot.held() == 18


def moved_by_one() -> list[Write]:
    """A unit of the second shard goes to the third."""
    return [
        update(
            shard_key("LAMP", 1),
            "SET available = available - :one",
            {":one": 1},
            when="available >= :one",
            otherwise=Conflict(),
        ),
        update(shard_key("LAMP", 2), "SET available = available + :one", {":one": 1}),
        update(Key("STK#LAMP"), "SET moved = moved + :one", {":one": 1}),
    ]


def test_nothing_is_missed_while_units_are_moved_between_shards() -> None:
    """Two units for each buyer, and somebody who keeps moving them about: nobody hears that they are sold out."""
    hot.spread(24, 4)

    def act(number: int) -> str:
        if number == 0:
            for _ in range(6):
                sweep.spread("LAMP", 4, 4)
                with suppress(Conflict):
                    hot.table.transact(*moved_by_one())
            return "moved"
        hot.kept(2)
        return "held"

    told = at_once(13, act)
    assert told["held"] == 12


def test_an_offer_that_is_no_longer_on_shards_must_be_looked_at_again() -> None:
    seen = hot.spread(4, 2)
    sweep.gather("LAMP")
    with pytest.raises(UnitsMoved):
        hot.seized(1, seen=seen)
    assert hot.held() == 0


def test_a_plain_hold_does_not_pass_by_the_shards() -> None:
    hot.spread(4, 2)
    hot.table.transact(update(Key("STK#LAMP"), "SET available = available + :two", {":two": 2}))
    with pytest.raises(UnitsMoved):
        hot.table.transact(hold("LAMP", 1, PRICE))


# -- how holds end


@pytest.mark.contract("7.3")
def test_what_is_sold_leaves_and_is_in_the_journal() -> None:
    hot.spread(10, 2)
    order, sources = hot.kept(3)

    for _ in range(2):
        hot.ended(order, sources, sold=True) if hot.tickets() else sweep.settle("LAMP", 0)

    assert (hot.held(), hot.on_hand(), hot.tickets()) == (0, 7, [])
    (entry,) = map(read_entry, hot.table.query(journal_key("LAMP").pk).items)
    assert (entry.kind, entry.delta, entry.reference) == (journal.SOLD, -3, order)


@pytest.mark.contract("7.3")
def test_what_is_given_back_is_on_sale_again() -> None:
    hot.spread(10, 2)
    order, sources = hot.kept(3)
    hot.ended(order, sources, sold=False)

    assert (hot.held(), hot.on_hand(), hot.tickets()) == (0, 10, [])
    assert hot.table.query(journal_key("LAMP").pk).items == []


@pytest.mark.contract("7.3")
def test_a_hold_ends_once() -> None:
    hot.spread(10, 1)
    order, sources = hot.kept(3)
    hot.ended(order, sources, sold=True)
    with pytest.raises(TicketGone):
        hot.ended(order, sources, sold=False)
    hot.given_up(order, sources)
    assert hot.on_hand() == 7


def test_ends_heard_at_once_are_collected_once() -> None:
    hot.spread(30, 1)
    orders = [hot.kept(1) for _ in range(20)]

    def act(number: int) -> str:
        hot.ended(*orders[number], sold=number % 2 == 0)
        return "ended"

    at_once(20, act)
    sweep.settle("LAMP", 0)

    assert (hot.held(), hot.on_hand(), hot.tickets()) == (0, 20, [])
    assert len(hot.table.query(journal_key("LAMP").pk, limit=100).items) == 10


# -- who dies on the way


def test_a_hold_that_was_never_kept_is_given_back_by_the_sweep() -> None:
    hot.spread(10, 2)
    order, sources = hot.seized(4)

    sweep.sweep()
    assert hot.held() == 4
    with later(timedelta(minutes=3)):
        sweep.sweep()

    assert (hot.held(), hot.on_hand(), hot.tickets()) == (0, 10, [])
    ((number, units),) = on_shards(sources).items()
    with pytest.raises(TicketGone):
        hot.table.transact(keep_ticket("LAMP", number, order, units))


def test_an_update_carried_out_twice_holds_too_much_until_it_is_mended() -> None:
    hot.spread(10, 1)
    order, sources = hot.kept(4)
    hot.table.write(take("LAMP", 0, 4))
    assert hot.held() == 8

    sweep.sweep()

    assert (hot.held(), hot.on_hand()) == (4, 10)
    hot.ended(order, sources, sold=True)
    assert (hot.held(), hot.on_hand()) == (0, 6)


def test_nothing_is_mended_while_somebody_tries() -> None:
    hot.spread(10, 1)
    hot.table.write(take("LAMP", 0, 4))
    hot.table.write(open_ticket("LAMP", 0, "ord_new", 1))
    sweep.sweep()
    assert hot.held() == 4


def test_a_shard_that_changed_since_it_was_looked_at_is_not_mended() -> None:
    hot.spread(10, 1)
    (seen,) = hot.shards(count=1)
    hot.kept(2)
    with pytest.raises(ShardsMoved):
        hot.table.write(mended("LAMP", seen, 0))
    assert hot.held() == 2


def test_a_ticket_that_arrives_after_its_order_was_placed_changes_nothing() -> None:
    hot.spread(10, 1)
    order, _ = hot.kept(2)
    with pytest.raises(TicketGone):
        hot.table.write(open_ticket("LAMP", 0, order, 2))
    assert [ticket["state"] for ticket in hot.tickets()] == ["held"]


def test_sweeps_among_buyers_neither_oversell_nor_lose_a_unit() -> None:
    hot.spread(30, 3)

    def act(number: int) -> str:
        if number % 4 == 0:
            for shard in range(3):
                sweep.settle("LAMP", shard)
            return "swept"
        order, sources = hot.seized(1)
        if number % 4 == 1:
            hot.given_up(order, sources)
            return "given up"
        hot.table.transact(*(keep_ticket("LAMP", place, order, units) for place, units in on_shards(sources).items()))
        hot.ended(order, sources, sold=True)
        return "sold"

    told = at_once(32, act)
    sweep.sweep()

    assert told == {"swept": 8, "given up": 8, "sold": 16}
    assert (hot.held(), hot.on_hand(), hot.tickets()) == (0, 14, [])
