"""Many random lives of the book: told to the end, accounts are what was done. Bugs planted in them are found."""

from dataclasses import replace
from typing import Any

import pytest

from ledger import accounts, service, store
from ledger.accounts import Entry
from tests.services.ledger.histories import History

pytestmark = [
    pytest.mark.parametrize("database", ["dynoxide"], indirect=True),
    pytest.mark.usefixtures("database"),
    pytest.mark.contract("12.4"),
]


def wrong(seed: int) -> list[str]:
    history = History(seed)
    history.live()
    history.catch_up()
    return history.wrong()


def assert_histories_hold(seeds: range) -> None:
    assert [found for seed in seeds for found in wrong(seed)] == []


def test_histories_end_in_the_balances_that_were_worked_out_beside_the_book() -> None:
    assert_histories_hold(range(20))


@pytest.mark.slow
@pytest.mark.parametrize("hundred", range(10))
def test_a_thousand_histories_end_in_the_balances_that_were_worked_out_beside_the_book(hundred: int) -> None:
    first = 1_000 + 100 * hundred
    assert_histories_hold(range(first, first + 100))


class TestTheHistoriesFindPlantedBugs:
    def finds(self) -> bool:
        return any(wrong(seed) for seed in range(5_000, 5_040))

    def test_an_entry_without_a_fence(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(store, "NEW", "")
        monkeypatch.setattr(service, "_all_known", lambda _group, _known: False)
        assert self.finds()

    def test_a_promise_that_is_counted_when_it_is_made(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(accounts.Entry, "balance", property(lambda e: accounts.balance_place(e.currency, e.at[:7])))
        assert self.finds()

    def test_a_promise_that_is_not_taken_out_when_it_ends(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(store, "_end", lambda _waiting, _further: False)
        assert self.finds()

    def test_a_tombstone_that_is_not_left(self, monkeypatch: pytest.MonkeyPatch) -> None:
        honest = accounts.entries_of
        monkeypatch.setattr(accounts, "entries_of", lambda journal: [e for e in honest(journal) if not e.ended])
        assert self.finds()

    def test_a_reversal_with_the_sign_of_what_it_reverses(self, monkeypatch: pytest.MonkeyPatch) -> None:
        honest = accounts.entries_of

        def forgetful(journal: Any) -> list[Entry]:
            made = honest(journal)
            return [replace(e, net=-e.net) for e in made] if journal.name.startswith("reversal") else made

        monkeypatch.setattr(accounts, "entries_of", forgetful)
        assert self.finds()

    def test_currencies_thrown_together(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(
            accounts.Entry, "balance", property(lambda e: f"balance#EUR#{'waiting' if e.waiting else e.at[:7]}")
        )
        assert self.finds()

    def test_a_catching_up_that_forgets_what_was_posted_later(self, monkeypatch: pytest.MonkeyPatch) -> None:
        honest = store.of_days
        monkeypatch.setattr(store, "of_days", lambda a, b, index: honest(a, b, index) if index == "by1" else iter(()))
        honest_journal = store.read_journal

        def as_booked(item: Any) -> Any:
            return honest_journal({k: v for k, v in item.items() if k != "moved_at"})

        monkeypatch.setattr(store, "read_journal", as_booked)
        assert self.finds()
