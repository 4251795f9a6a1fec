"""The chains: each entry once, in its own place, bound to all before it; whatever is told twice, late or at once."""

import json
import random
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from botocore.exceptions import EndpointConnectionError

from audit import consumer, model, service, store
from audit.manifest import MANIFEST
from audit.model import CHAINS, START, BrokenChain, Head, read
from market import clock, config
from market.table import Busy, Key, Table, Write, delete
from tests.services.audit import desk
from tests.services.audit.desk import at, chains, entry, of_chain, stored, tell

pytestmark = pytest.mark.contract("21.4", "2.3")
table = Table(MANIFEST)


def test_entries_of_a_chain_follow_each_other_by_their_hashes(database: str) -> None:
    told = of_chain(3, 5)
    assert tell(told) == []
    found = chains()[3]
    assert [link.entry for link in found] == told
    assert [link.sequence for link in found] == [1, 2, 3, 4, 5]
    assert [link.previous for link in found] == [START, *(link.hash for link in found[:-1])]
    assert all(link.sound for link in found)
    assert [len(links) for chain, links in chains().items() if chain != 3] == [0] * (CHAINS - 1)


def test_all_that_was_recorded_is_kept_as_it_came(database: str) -> None:
    odd = entry(
        1, added_later={"deep": [1, None, True, "ü\u2028", 2**53, 0.1]}, changes=[{"item": "X", "attributes": ["a"]}]
    )
    tell([odd])
    assert [link.entry for links in chains().values() for link in links] == [odd]


def test_chains_share_the_entries_evenly() -> None:
    counts = [0] * CHAINS
    for number in range(4_000):
        counts[read(entry(number)).chain] += 1
    assert min(counts) > 300


def test_a_delivery_is_one_transaction_for_each_chain(database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[int] = []
    transact = Table.transact

    def counted(self: Table, *writes: Write) -> None:
        made.append(len(writes))
        transact(self, *writes)

    monkeypatch.setattr(Table, "transact", counted)
    tell([*of_chain(0, 6), *of_chain(1, 4)])
    assert made == [1 + 6 * 3, 1 + 4 * 3], "a head; a link, a fence and a subject each"


def test_entries_with_the_most_subjects_fit_into_one_transaction(database: str) -> None:
    many = {f"thing{number}_id": "x" * 300 for number in range(20)}
    assert tell(of_chain(2, service.AT_ONCE, subject=many, scope="ven_1")) == []
    assert len(stored()) == service.AT_ONCE


class TestToldAgain:
    def test_the_same_delivery_changes_nothing(self, database: str) -> None:
        told = [entry(number) for number in range(10)]
        tell(told)
        before = chains()
        assert tell(told) == []
        assert chains() == before

    def test_an_entry_twice_in_one_delivery_is_stored_once(self, database: str) -> None:
        tell([entry(1), entry(2), entry(1)])
        assert stored() == [entry(1)["entry_id"], entry(2)["entry_id"]]

    def test_what_is_new_in_a_delivery_is_stored_beside_what_is_known(self, database: str) -> None:
        told = of_chain(5, 6)
        tell(told[:3])
        tell(told)
        assert [link.entry for link in chains()[5]] == told

    def test_the_first_telling_counts_and_another_one_rings(
        self, database: str, capsys: pytest.CaptureFixture[str]
    ) -> None:
        tell([entry(1)])
        assert tell([entry(1, action="orders.nothing")]) == []
        assert [link.entry for links in chains().values() for link in links] == [entry(1)]
        told = capsys.readouterr().out
        assert "audit entry was told otherwise before" in told
        assert '"AuditContradicted":1' in told, "the number that the alarm is on"

    def test_entries_are_kept_in_the_order_of_arrival_however_late(self, database: str) -> None:
        late, early = of_chain(1, 2)
        with at("2026-11-20T10:00"):
            tell([early])
        with at("2026-12-24T10:00"):
            tell([late])
        assert [link.entry for link in chains()[1]] == [early, late]
        assert [link.recorded[:10] for link in chains()[1]] == ["2026-11-20", "2026-12-24"]

    def test_a_clock_that_is_behind_does_not_turn_time_back(self, database: str) -> None:
        first, second = of_chain(1, 2)
        with at("2026-11-20T10:00"):
            tell([first])
        with at("2026-11-20T09:00"):
            tell([second])
        assert [link.recorded[11:16] for link in chains()[1]] == ["10:00", "10:00"]


class TestWhatFails:
    def test_a_message_that_is_no_entry_does_not_hold_up_the_others(self, database: str) -> None:
        broken: dict[str, Any] = {"entry_id": "aud_broken"}
        assert tell([entry(1), broken, entry(2)]) == ["1"]
        assert len(stored()) == 2

    def test_a_message_that_is_no_json_does_not_either(self, database: str) -> None:
        delivery = desk.batch([entry(1), entry(2)])
        delivery["Records"][0]["body"] = "garbage"
        assert consumer.handler(delivery) == {"batchItemFailures": [{"itemIdentifier": "0"}]}
        assert stored() == [entry(2)["entry_id"]]

    @pytest.mark.parametrize("when", ["before", "after"])
    @pytest.mark.parametrize("number", [1, 2, 3])
    def test_a_crash_leaves_nothing_half_done_and_the_next_delivery_finishes(
        self, database: str, monkeypatch: pytest.MonkeyPatch, when: str, number: int
    ) -> None:
        """The function dies before or after one of its transactions."""
        told = [*of_chain(0, 3), *of_chain(1, 3), *of_chain(2, 3)]
        transact, made = Table.transact, [0]

        def dying(self: Table, *writes: Write) -> None:
            made[0] += 1
            if made[0] < number or when == "after":
                transact(self, *writes)
            if made[0] == number:
                raise KeyboardInterrupt

        monkeypatch.setattr(Table, "transact", dying)
        with pytest.raises(KeyboardInterrupt):
            tell(told)
        monkeypatch.setattr(Table, "transact", transact)
        assert len(stored()) == 3 * (number - (when == "before"))
        assert tell(told) == []
        assert stored() == sorted(one["entry_id"] for one in told)

    def test_where_every_answer_is_lost_nothing_is_stored_twice(
        self, database: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        told = [entry(number) for number in range(10)]
        transact = Table.transact

        def unheard(self: Table, *writes: Write) -> None:
            transact(self, *writes)
            raise EndpointConnectionError(endpoint_url="")

        monkeypatch.setattr(Table, "transact", unheard)
        assert tell(told) != []
        assert tell(told) == []
        assert stored() == [one["entry_id"] for one in told]

    def test_a_chain_that_others_keep_taking_is_given_up_for_now(
        self, database: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def taken(*_: Any) -> None:
            raise model.Moved()

        monkeypatch.setattr(store, "append", taken)
        with pytest.raises(Busy):
            service.append([read(entry(1))])

    def test_a_place_is_never_written_over(self, database: str) -> None:
        """Even by who lost the head."""
        told = of_chain(4, 3)
        tell(told[:2])
        head, link = Head(), chains()[4][0]
        forged = model.extend(4, head, [read(told[2])], link.recorded)
        table.write(delete(Key("AUH#4")))
        with pytest.raises(model.Moved):
            store.append(head, list(forged), [read(told[2])])
        assert table.get(Key("AUD#4#000000000001"), consistent=True)["hash"] == link.hash  # type: ignore[index]


class TestAtOnce:
    def test_deliveries_at_once_make_one_chain_of_each(self, database: str) -> None:
        """Eight threads bring all entries, shuffled, each entry at least twice."""
        told = [entry(number) for number in range(40)]
        seeded = random.Random(21)
        deliveries = []
        for _ in range(2):
            shuffled = seeded.sample(told, len(told))
            deliveries += [shuffled[start : start + 5] for start in range(0, len(shuffled), 5)]
        with ThreadPoolExecutor(8) as threads:
            failed = list(threads.map(tell, deliveries))
        for again, delivery in zip(failed, deliveries, strict=True):
            if again:
                assert tell(delivery) == [], "as the queue would, later"
        assert stored() == [one["entry_id"] for one in told]

    def test_one_chain_takes_what_all_bring(self, database: str) -> None:
        told = of_chain(6, 24)
        with ThreadPoolExecutor(6) as threads:
            failed = list(threads.map(lambda one: tell([one]), told))
        tell(one for one, again in zip(told, failed, strict=True) if again)
        found = chains()[6]
        assert [link.sequence for link in found] == list(range(1, 25))
        assert {link.entry["entry_id"] for link in found} == {one["entry_id"] for one in told}


class TestReadingAChain:
    def _put(self, database: str, sequence: int, change: Callable[[dict[str, Any]], Any]) -> None:
        """What an administrator with the rights to could do to the table."""
        client = config.client("dynamodb")
        key = {"pk": {"S": f"AUD#7#{sequence:012d}"}, "sk": {"S": "-"}}
        item = client.get_item(TableName=database, Key=key, ConsistentRead=True)["Item"]
        change(item)
        client.put_item(TableName=database, Item=item)

    def test_a_changed_entry_is_found(self, database: str) -> None:
        tell(of_chain(7, 3))
        self._put(database, 2, lambda item: item.update(entry={"S": json.dumps(entry(999))}))
        with pytest.raises(BrokenChain, match="chain 7, entry 2"):
            chains()

    def test_a_removed_entry_is_found(self, database: str) -> None:
        tell(of_chain(7, 3))
        table.write(delete(Key("AUD#7#000000000003")))
        with pytest.raises(BrokenChain, match="chain 7, entry 3"):
            chains()

    def test_another_time_is_found(self, database: str) -> None:
        tell(of_chain(7, 1))
        self._put(database, 1, lambda item: item.update(recorded={"S": "2026-11-21T00:00:00.000Z"}))
        with pytest.raises(BrokenChain):
            chains()


def test_a_link_says_whether_it_follows() -> None:
    first, second = model.extend(0, Head(), [read(entry(1)), read(entry(2))], "2026-11-20T10:00:00.000Z")
    assert first.follows(Head())
    assert second.follows(first.head)
    assert not second.follows(Head())
    assert not replace(second, sequence=3).follows(first.head)
    assert not replace(second, previous=START).follows(first.head)
    assert not replace(second, entry=entry(3)).follows(first.head)


def test_entries_leave_the_table_after_400_days_and_heads_stay(database: str) -> None:
    with at("2026-11-20T10:00"):
        tell([entry(1)])
        ends = clock.epoch(timedelta(days=400))
    chain, entry_id = read(entry(1)).chain, entry(1)["entry_id"]
    link, fence, head = Key(f"AUD#{chain}#000000000001"), Key(f"AUD#entry#{entry_id}"), Key(f"AUH#{chain}")
    subject = Key("AUD#subject#order:0r3k7q8h2mx4tq9z", f"2026-11-20T10:00:00.000Z#{entry_id}")
    found = table.batch_get([link, fence, subject, head])
    assert {key: item.get("expires_at") for key, item in found.items()} == {
        link: ends,
        fence: ends,
        subject: ends,
        head: None,
    }
