"""The book: balanced journals, written once, never changed; pending ones end once."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from ledger import contract, store
from ledger.accounts import trial_balance
from ledger.contract import (
    BANK,
    COMMISSION,
    PENDING,
    POSTED,
    PROVIDER_FEES,
    VOID,
    AlreadyBooked,
    AlreadyPosted,
    AlreadyVoid,
    Journal,
    NotBooked,
    Posting,
    Unbalanced,
    Unbookable,
    book,
    customer_credit,
    post,
    provider,
    reverse,
    side_of,
    tax,
    vendor,
    void,
)
from market.errors import Problem
from market.money import MAX_AMOUNT
from market.table import Write
from tests.services.ledger import desk
from tests.services.ledger.desk import part, postings

pytestmark = pytest.mark.contract("12.4")


def journal(order_id: str, name: str = "sale") -> Journal:
    (found,) = [journal for journal in store.of_order(order_id) if journal.name == name]
    return found


def plain(name: str = "sale", amount: int = 100, **options: str) -> Write:
    return book("ord_1", name, "EUR", postings((BANK, amount), (COMMISSION, -amount)), **options)  # type: ignore[arg-type]


@pytest.mark.usefixtures("database")
class TestBooking:
    def test_a_journal_is_read_as_it_was_booked(self) -> None:
        with desk.at("2026-11-21T10:00"):
            desk.sell("ord_1", part("ven_a", 1190, 100, 190), fee=30)
        found = journal("ord_1")
        assert dict((p.account, p.amount) for p in found.postings) == {
            "provider:sandbox": 1160, "provider_fees": 30, "vendor:ven_a": -900, "commission": -100, "tax:DE": -190,
        }  # fmt: skip
        assert (found.state, found.at, found.moved_at, found.posted_at) == (
            POSTED, "2026-11-21T10:00:00.000Z", "", "2026-11-21T10:00:00.000Z",
        )  # fmt: skip
        assert (found.number, found.shares) == ("MK-1", (part("ven_a", 1190, 100, 190),))

    def test_a_journal_is_booked_once_and_the_second_changes_nothing(self) -> None:
        desk.move(plain())
        with pytest.raises(AlreadyBooked):
            desk.move(plain(amount=200))
        assert journal("ord_1").postings[0].amount == 100

    def test_of_many_threads_that_book_one_journal_one_does(self) -> None:
        def attempt(amount: int) -> bool:
            try:
                desk.move(plain(amount=amount))
            except AlreadyBooked:
                return False
            return True

        with ThreadPoolExecutor(8) as threads:
            assert sorted(threads.map(attempt, range(1, 17))) == [False] * 15 + [True]
        assert len(store.of_order("ord_1")) == 1

    def test_many_threads_book_many_orders_and_each_is_listed_on_its_day(self) -> None:
        with desk.at("2026-11-21T10:00"), ThreadPoolExecutor(8) as threads:
            list(threads.map(lambda n: desk.sell(f"ord_{n}", part("ven_a", n)), range(1, 41)))
        listed = [
            j.order_id
            for index, shard in store.LISTS
            for j in store.listed("2026-11-21", index, shard, limit=100, cursor=None)[0]
        ]
        assert sorted(listed) == sorted(f"ord_{n}" for n in range(1, 41))

    def test_a_reversal_undoes_a_journal_once(self) -> None:
        desk.sell("ord_1", part("ven_a", 1190, 100, 190), part("ven_b", 500, 50), fee=30)
        desk.move(reverse(journal("ord_1")))
        posted, _ = contract_sums(store.of_order("ord_1"))
        assert set(posted.values()) == {0}
        assert journal("ord_1", "reversal-sale").shares[0] == part("ven_a", -1190, -100, -190)
        with pytest.raises(AlreadyBooked):
            desk.move(reverse(journal("ord_1")))

    def test_a_reversal_that_was_wrong_is_reversed_itself(self) -> None:
        desk.sell("ord_1", part("ven_a", 1000))
        desk.move(reverse(journal("ord_1")))
        desk.move(reverse(journal("ord_1", "reversal-sale")))
        posted, _ = contract_sums(store.of_order("ord_1"))
        assert posted["vendor:ven_a", "EUR"] == -1000


def contract_sums(journals: list[Journal]) -> tuple[dict[tuple[str, str], int], dict[tuple[str, str], int]]:
    posted, pending = trial_balance(journals)
    return dict(posted), dict(pending)


@pytest.mark.usefixtures("database")
class TestStates:
    def test_a_pending_journal_counts_from_when_it_is_posted(self) -> None:
        with desk.at("2026-10-31T23:59"):
            desk.move(plain(state=PENDING))
        assert journal("ord_1").posted_at == ""
        with desk.at("2026-11-02T08:00"):
            desk.move(post("ord_1", "sale"))
        found = journal("ord_1")
        assert (found.state, found.at[:10], found.posted_at[:10]) == (POSTED, "2026-10-31", "2026-11-02")

    @pytest.mark.parametrize(
        ("first", "second", "refusal"),
        [
            (post, post, AlreadyPosted),
            (post, void, AlreadyPosted),
            (void, post, AlreadyVoid),
            (void, void, AlreadyVoid),
        ],
    )
    def test_a_journal_ends_once(
        self, first: Callable[[str, str], Write], second: Callable[[str, str], Write], refusal: type[Problem]
    ) -> None:
        desk.move(plain(state=PENDING))
        desk.move(first("ord_1", "sale"))
        before = journal("ord_1")
        with pytest.raises(refusal):
            desk.move(second("ord_1", "sale"))
        assert journal("ord_1") == before

    @pytest.mark.parametrize("end", [post, void])
    def test_what_was_never_pending_does_not_end(self, end: Callable[[str, str], Write]) -> None:
        desk.move(plain())
        with pytest.raises(AlreadyPosted):
            desk.move(end("ord_1", "sale"))
        with pytest.raises(NotBooked):
            desk.move(end("ord_1", "other"))

    @pytest.mark.parametrize("end", [post, void])
    def test_only_the_state_of_a_journal_changes(self, end: Callable[[str, str], Write]) -> None:
        desk.sell("ord_1", part("ven_a", 1190, 100, 190), state=PENDING)
        before = desk.table.get(contract.journal_key("ord_1", "sale"), consistent=True)
        desk.move(end("ord_1", "sale"))
        after = desk.table.get(contract.journal_key("ord_1", "sale"), consistent=True)
        assert before is not None
        assert after is not None
        assert {name for name in before.keys() | after.keys() if before.get(name) != after.get(name)} == {
            "state", "moved_at", "by2pk", "by2sk",
        }  # fmt: skip

    @pytest.mark.parametrize("attempt", range(5))
    def test_posting_and_voiding_at_once_come_to_one_end(self, attempt: int) -> None:
        desk.move(plain(state=PENDING))

        def end(write: Write) -> str:
            try:
                desk.move(write)
            except (AlreadyPosted, AlreadyVoid) as refused:
                return type(refused).__name__
            return "done"

        with ThreadPoolExecutor(6) as threads:
            said = list(threads.map(end, [post("ord_1", "sale"), void("ord_1", "sale")] * 3))
        assert said.count("done") == 1
        winner = (POSTED, VOID)[said.index("done") % 2]
        assert journal("ord_1").state == winner
        assert set(said) - {"done"} == {"AlreadyPosted" if winner == POSTED else "AlreadyVoid"}

    @pytest.mark.parametrize("end", [None, void])
    def test_what_does_not_count_is_not_reversed(self, end: Callable[[str, str], Write] | None) -> None:
        desk.move(plain(state=PENDING))
        if end:
            desk.move(end("ord_1", "sale"))
        with pytest.raises(Unbookable):
            reverse(journal("ord_1"))


class TestWhatTheBookRefuses:
    def test_postings_that_do_not_sum_to_zero(self) -> None:
        with pytest.raises(Unbalanced):
            book("ord_1", "sale", "EUR", postings((BANK, 100), (COMMISSION, -99)))

    def test_a_share_that_is_not_what_its_vendor_is_credited(self) -> None:
        with pytest.raises(Unbalanced):
            book("ord_1", "sale", "EUR", postings((BANK, 100), (vendor("ven_a"), -100)), shares=[part("ven_a", 100, 1)])

    @pytest.mark.parametrize(
        "account",
        ["", "cash", "vendor", "vendor:", "vendor:a b", "vendor:a#b", "tax:", "tax:de", "tax:DEU", "bank:x",
         "provider:", "provider:Stripe", "commission:x", "customer_credit:", "vendor:" + "x" * 101, "bank\n"],
    )  # fmt: skip
    def test_accounts_that_there_are_not(self, account: str) -> None:
        with pytest.raises(Unbookable):
            book("ord_1", "sale", "EUR", postings((BANK, 100), (account, -100)))

    @pytest.mark.parametrize("name", ["", "a#b", "-x", "x" * 121, "a b", "sale\n"])
    def test_names_that_cannot_be_keys(self, name: str) -> None:
        with pytest.raises(Unbookable):
            book("ord_1", name, "EUR", [])
        with pytest.raises(Unbookable):
            book(name, "sale", "EUR", [])

    @pytest.mark.parametrize("currency", ["", "EUROS", "XXX", "eur"])
    def test_currencies_that_there_are_not(self, currency: str) -> None:
        with pytest.raises(Unbookable):
            book("ord_1", "sale", currency, [])

    def test_more_than_it_holds(self) -> None:
        with pytest.raises(Unbookable):
            book("ord_1", "sale", "EUR", postings((BANK, MAX_AMOUNT + 1), (COMMISSION, -MAX_AMOUNT - 1)))
        with pytest.raises(Unbookable):
            book("ord_1", "sale", "EUR", [Posting(BANK, 0)] * 251)

    def test_a_journal_that_begins_as_void(self) -> None:
        with pytest.raises(Unbookable):
            plain(state=VOID)


def test_every_account_has_its_normal_side() -> None:
    debits = [provider("stripe"), PROVIDER_FEES, BANK]
    credits = [vendor("ven_a"), COMMISSION, tax("DE"), customer_credit("gst_1")]
    assert [side_of(account) for account in debits + credits] == ["debit"] * 3 + ["credit"] * 4
    whole = [Posting(account, 4) for account in debits] + [Posting(account, -3) for account in credits]
    assert book("ord_1", "sale", "EUR", whole)
