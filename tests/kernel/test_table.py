"""The table on both engines: conditions that name their error, all or nothing, values that come back as they were."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from market.errors import Conflict, NotFound, Problem
from market.manifest import Manifest
from market.table import EXISTS, NEW, Item, Key, NotOwned, Table, check, delete, put, update
from tests.kernel.lamps import MANIFEST

pytestmark = pytest.mark.usefixtures("database")
LAMP, OTHER, THIRD = Key("LMP#brass"), Key("LMP#tin"), Key("LMP#oak", "part")
table = Table(MANIFEST)


class Taken(Conflict):
    code = "taken"


class Few(Conflict):
    code = "few"


def few(found: Item | None) -> Problem:
    return Few("Too few.", left=found["left"] if found else None)


def stock(key: Key, left: int) -> None:
    table.write(put(key, {"left": left}))


def take(key: Key, wanted: int) -> Any:
    return update(key, "SET left = left - :wanted", {":wanted": wanted}, when="left >= :wanted", otherwise=few)


def left(key: Key) -> int:
    item = table.get(key, consistent=True)
    assert item is not None
    return int(item["left"])


def test_what_is_not_there_is_none() -> None:
    assert table.get(LAMP) is None
    assert table.batch_get([LAMP, OTHER]) == {}
    assert table.query("LMP#brass").items == []


@pytest.mark.parametrize(
    "value",
    [
        0, -1, 10**37, True, False, None, "", "ü \N{ELECTRIC LIGHT BULB} \x00", [], {}, [1, "a", None, [True]],
        {"a": {"b": [1, {"c": None}]}, "ü": 0}, {"one"}, {"b", "a", "ü"},
    ],
)  # fmt: skip
def test_values_come_back_as_they_were(value: Any) -> None:
    table.write(put(LAMP, {"value": value}))

    found = table.get(LAMP, consistent=True)
    assert found == {"pk": LAMP.pk, "sk": LAMP.sk, "value": value}
    assert type(found["value"]) is type(value)


@pytest.mark.parametrize("value", [1.5, float("nan"), b"x", set(), {1, 2}, object()])
def test_values_that_would_not_come_back_are_refused(value: Any) -> None:
    with pytest.raises(TypeError, match="cannot store"):
        put(LAMP, {"value": value})


def test_tuples_and_frozen_sets_come_back_as_lists_and_sets() -> None:
    table.write(put(LAMP, {"pair": (1, 2), "kinds": frozenset({"a"})}))

    assert table.get(LAMP) == {"pk": LAMP.pk, "sk": LAMP.sk, "pair": [1, 2], "kinds": {"a"}}


def test_a_failed_condition_raises_its_own_error_and_changes_nothing() -> None:
    table.write(put(LAMP, {"left": 1}, when=NEW, otherwise=Taken("Taken.")))

    with pytest.raises(Taken):
        table.write(put(LAMP, {"left": 2}, when=NEW, otherwise=Taken("Taken.")))
    assert left(LAMP) == 1


def test_the_error_may_look_at_what_was_found() -> None:
    stock(LAMP, 2)

    with pytest.raises(Few) as refused:
        table.write(take(LAMP, 3))
    assert refused.value.extra == {"left": 2}
    with pytest.raises(Few) as refused:
        table.write(take(OTHER, 1))
    assert refused.value.extra == {"left": None}


def test_an_update_answers_the_item_as_it_is_now() -> None:
    stock(LAMP, 5)

    assert table.write(take(LAMP, 2)) == {"pk": LAMP.pk, "sk": LAMP.sk, "left": 3}


def test_a_delete_may_have_a_condition() -> None:
    stock(LAMP, 5)

    with pytest.raises(Few):
        table.write(delete(LAMP, when="left = :none", values={":none": 0}, otherwise=few))
    table.write(delete(LAMP, when=EXISTS, otherwise=NotFound()))
    assert table.get(LAMP, consistent=True) is None
    with pytest.raises(NotFound):
        table.write(delete(LAMP, when=EXISTS, otherwise=NotFound()))


def test_a_transaction_writes_all() -> None:
    stock(LAMP, 5)
    table.transact(
        take(LAMP, 1), put(OTHER, {"left": 1}), check(THIRD, when=NEW, otherwise=Taken()), delete(Key("LMP#old"))
    )

    assert (left(LAMP), left(OTHER)) == (4, 1)


def test_a_transaction_that_fails_writes_nothing() -> None:
    stock(LAMP, 5)

    with pytest.raises(Few):
        table.transact(take(LAMP, 1), put(OTHER, {"left": 1}), take(THIRD, 1))
    assert (left(LAMP), table.get(OTHER, consistent=True)) == (5, None)


def test_the_first_failing_write_wins_and_the_others_are_told_too() -> None:
    stock(LAMP, 5)
    stock(OTHER, 1)
    new = put(Key("LMP#new"), {})
    gone = put(THIRD, {}, when=EXISTS, otherwise=Taken("Gone."))
    with pytest.raises(Few) as refused:
        table.transact(take(LAMP, 1), take(OTHER, 2), new, gone)

    assert refused.value.extra == {"left": 1}
    assert [type(other) for other in refused.value.also] == [Taken]
    assert (left(LAMP), table.get(new.key, consistent=True)) == (5, None)


def test_a_check_guards_without_writing() -> None:
    stock(LAMP, 5)
    guard = check(LAMP, when="left > :none", values={":none": 9}, otherwise=few)

    with pytest.raises(Few):
        table.transact(guard, put(OTHER, {}))
    assert table.get(OTHER, consistent=True) is None


def test_a_condition_without_an_error_is_a_programming_mistake() -> None:
    with pytest.raises(RuntimeError, match="names no error"):
        table.transact(put(LAMP, {}, when=EXISTS))


@pytest.mark.parametrize(
    "name", ["status", "name", "order", "count", "value", "values", "size", "set", "type", "year", "_x", "a1"]
)
def test_reserved_words_need_no_care(name: str) -> None:
    table.write(put(LAMP, {name: "old"}))
    condition = f"{name} = :old AND attribute_exists({name}) AND (NOT {name} IN (:new) OR begins_with({name}, :new))"
    changed = table.write(
        update(LAMP, f"SET {name} = :new", {":new": "new", ":old": "old"}, when=condition, otherwise=Conflict())
    )

    assert changed[name] == "new"


def test_all_clauses_of_an_update_may_be_used() -> None:
    table.write(put(LAMP, {"left": 1, "kinds": {"a", "b"}, "old": 1, "inner": {"name": "x"}}))
    changed = table.write(
        update(
            LAMP,
            "SET inner.name = :name, seen = if_not_exists(seen, :one) REMOVE old ADD left :one DELETE kinds :gone",
            {":name": "y", ":one": 1, ":gone": {"b"}},
            when="left BETWEEN :one AND :one",
            otherwise=Conflict(),
        )
    )

    assert changed == {"pk": LAMP.pk, "sk": LAMP.sk, "left": 2, "kinds": {"a"}, "inner": {"name": "y"}, "seen": 1}


def test_keys_of_others_are_refused_before_anything_is_sent() -> None:
    foreign = Key("ORD#ada")

    for attempt in (
        lambda: table.get(foreign),
        lambda: table.batch_get([LAMP, foreign]),
        lambda: table.query("ORD#ada"),
        lambda: table.query("ORD#ada", index="by1"),
        lambda: table.write(put(foreign, {})),
        lambda: table.transact(put(LAMP, {}), put(foreign, {})),
        lambda: table.batch_put([put(foreign, {})]),
        lambda: table.get(Key("LMP")),
        lambda: table.get(Key("")),
    ):
        with pytest.raises(NotOwned):
            attempt()
    assert table.get(LAMP, consistent=True) is None


def test_an_error_about_ownership_does_not_tell_the_key() -> None:
    with pytest.raises(NotOwned) as refused:
        table.get(Key("USR#ada@example.com"))

    assert "ada" not in str(refused.value)


def test_the_keys_of_used_contracts_are_allowed_and_must_be_those_of_the_manifest() -> None:
    shop = Manifest(service="shop", prefixes=("SHP#",), functions=(), uses=("lamps",))

    stock(LAMP, 3)
    assert Table(shop, MANIFEST).get(LAMP, consistent=True)
    with pytest.raises(AssertionError):
        Table(shop)
    with pytest.raises(AssertionError):
        Table(MANIFEST, shop)


def test_what_a_manifest_only_reads_is_got_and_listed_and_never_written() -> None:
    guide = Table(Manifest(service="guide", prefixes=("GUI#",), functions=(), reads=("lamps",)), MANIFEST)
    own = put(Key("GUI#1"), {"lamp": LAMP.pk})
    stock(LAMP, 3)

    guide.write(own)
    assert guide.get(LAMP, consistent=True)
    assert set(guide.batch_get([LAMP, own.key], consistent=True)) == {LAMP, own.key}
    assert [item["left"] for item in guide.query(LAMP.pk).items] == [3]
    for write in (put(LAMP, {"left": 9}), delete(LAMP), take(LAMP, 1), check(LAMP, when=EXISTS, otherwise=Taken())):
        with pytest.raises(NotOwned):
            guide.transact(own, write)
    with pytest.raises(NotOwned):
        guide.write(delete(LAMP))
    with pytest.raises(NotOwned):
        guide.batch_put([own, delete(LAMP)])
    assert left(LAMP) == 3


def test_more_than_a_hundred_items_are_read_and_repeated_keys_asked_once() -> None:
    keys = [Key("LMP#many", f"{number:03}") for number in range(130)]
    table.batch_put([put(key, {"left": number}) for number, key in enumerate(keys)])
    found = table.batch_get([*keys, *keys, LAMP], consistent=True)

    assert {key: item["left"] for key, item in found.items()} == {key: number for number, key in enumerate(keys)}


def test_a_batch_may_delete_and_has_no_conditions() -> None:
    stock(LAMP, 1)
    table.batch_put([delete(LAMP), put(OTHER, {"left": 2})])

    assert (table.get(LAMP, consistent=True), left(OTHER)) == (None, 2)
    for write in (put(LAMP, {}, when=NEW, otherwise=Taken()), take(OTHER, 1)):
        with pytest.raises(AssertionError, match="no conditions"):
            table.batch_put([write])


def test_the_last_unit_goes_to_one_of_many() -> None:
    stock(LAMP, 3)

    def buy(number: int) -> bool:
        try:
            table.transact(take(LAMP, 1), put(Key("LMP#sold", str(number)), {}, when=NEW, otherwise=Taken()))
        except Few:
            return False
        return True

    with ThreadPoolExecutor(4) as pool:
        bought = list(pool.map(buy, range(10)))

    assert (sum(bought), left(LAMP)) == (3, 0)
    assert len(table.query("LMP#sold").items) == 3
