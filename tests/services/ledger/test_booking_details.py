"""What booking asks of the table, word by word; what it refuses and how; accounts and commissions at their edges."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import orjson
import pytest

from ledger import accounts, contract, model
from ledger.contract import (
    AlreadyBooked,
    AlreadyPosted,
    AlreadyVoid,
    Journal,
    NotBooked,
    Posting,
    Rule,
    Share,
    Unbalanced,
    Unbookable,
    book,
    commission_keys,
    commission_of,
    compact_rules,
    credit,
    customer_credit,
    day_list,
    debit,
    post,
    provider,
    read_journal,
    read_rules,
    reverse,
    side_of,
    tax,
    vendor,
    void,
)
from market import clock
from market.money import MAX_AMOUNT, Money
from tests.fragments import refusal, words

pytestmark = pytest.mark.contract("12.4", "12.5")

NOW, DAY = "2026-11-21T12:00:00.000Z", "2026-11-21"
ORDER = "ord_1"
POSTINGS = [Posting("provider:sandbox", 1_000), Posting("vendor:ven_a", -900), Posting("commission", -100)]
SHARE = Share(vendor_id="ven_a", gross=1_000, commission=100)
SALE = Journal(
    order_id=ORDER, name="sale", currency="EUR", at=NOW, postings=tuple(POSTINGS), number="MK-1", shares=(SHARE,)
)


@pytest.fixture(autouse=True)
def _at_noon() -> Any:
    with clock.running_on(lambda: datetime(2026, 11, 21, 12, tzinfo=UTC)):
        yield


def euros(cents: int) -> Money:
    return Money(cents, "EUR")


def test_a_journal_is_put_once_with_its_postings_and_shares() -> None:
    write = book(ORDER, "sale", "EUR", [*POSTINGS, Posting("bank", 0)], number="MK-1", shares=[SHARE])
    assert words(write).when == "attribute_not_exists(pk)"
    assert words(write).item == {
        "pk": "LED#ord_1",
        "sk": "sale",
        "currency": "EUR",
        "state": "posted",
        "at": NOW,
        "postings": '[["provider:sandbox",1000],["vendor:ven_a",-900],["commission",-100]]',
        "by1pk": day_list(DAY, ORDER),
        "by1sk": f"{NOW}#ord_1#sale",
        "number": "MK-1",
        "shares": '[["ven_a",1000,100,0,0]]',
    }
    booked = refusal(write, None)
    assert isinstance(booked, AlreadyBooked)
    assert booked.detail == "sale is booked."
    assert read_journal(words(write).item) == SALE


def test_what_is_not_told_is_not_kept() -> None:
    item = words(book(ORDER, "sale", "EUR", POSTINGS, state="pending")).item
    assert item["state"] == "pending"
    assert not {"number", "shares"} & set(item)
    journal = read_journal(item)
    assert (journal.state, journal.number, journal.shares, journal.moved_at) == ("pending", "", (), "")
    older = {name: value for name, value in item.items() if name != "state"}
    assert read_journal(older).state == "posted"
    assert read_journal(dict(item) | {"moved_at": "later"}).moved_at == "later"


@pytest.mark.parametrize(("write", "state"), [(post, "posted"), (void, "void")])
def test_a_pending_journal_ends_once(write: Any, state: str) -> None:
    ended = write(ORDER, "sale")
    said = words(ended)
    assert (said.action, said.key) == ("Update", ("LED#ord_1", "sale"))
    assert said.does == "SET state = :state, moved_at = :now, by2pk = :day, by2sk = :place"
    assert said.when == "state = :pending"
    assert said.values == {
        ":state": state,
        ":now": NOW,
        ":day": day_list(DAY, ORDER),
        ":place": f"{NOW}#ord_1#sale",
        ":pending": "pending",
    }
    assert (type(refusal(ended, None)), refusal(ended, None).detail) == (NotBooked, "There is no such journal.")
    for found, kind, detail in (("void", AlreadyVoid, "sale is void."), ("posted", AlreadyPosted, "sale is posted.")):
        refused = refusal(ended, {"sk": "sale", "state": found})
        assert (type(refused), refused.detail) == (kind, detail)
    assert isinstance(refusal(ended, {"sk": "sale"}), AlreadyPosted)


def test_a_reversal_is_the_opposite_in_every_amount() -> None:
    share = replace(SHARE, gross=1_060, tax=50, fees=10)
    sale = replace(SALE, shares=(share,))
    reversal = read_journal(words(reverse(sale)).item)
    assert (reversal.name, reversal.order_id, reversal.currency, reversal.number) == (
        "reversal-sale",
        ORDER,
        "EUR",
        "MK-1",
    )
    assert [(p.account, p.amount) for p in reversal.postings] == [(p.account, -p.amount) for p in sale.postings]
    assert reversal.shares == (Share(vendor_id="ven_a", gross=-1_060, commission=-100, tax=-50, fees=-10),)
    with pytest.raises(Unbookable, match=r"^sale of ord_1 is void: there is nothing to reverse$"):
        reverse(replace(sale, state="void"))


@pytest.mark.parametrize(
    ("change", "kind", "message"),
    [
        ({"name": "no space"}, Unbookable, "'ord_1' or 'no space' cannot name a journal"),
        ({"order_id": ""}, Unbookable, "'' or 'sale' cannot name a journal"),
        ({"order_id": "#" * 50}, Unbookable, f"'{'#' * 40}' or 'sale' cannot name a journal"),
        ({"name": "#" * 50}, Unbookable, f"'ord_1' or '{'#' * 40}' cannot name a journal"),
        ({"currency": "X" * 20}, Unbookable, f"'{'X' * 10}' is no currency"),
        ({"state": "void"}, Unbookable, "sale of ord_1 cannot begin as void"),
        ({"postings": [Posting("bank", 0)] * 251}, Unbookable, "sale has 251 postings"),
        ({"postings": [Posting("b" * 70, 0)]}, Unbookable, f"there is no account '{'b' * 60}'"),
        (
            {"postings": [Posting("bank", MAX_AMOUNT + 1), Posting("commission", -MAX_AMOUNT - 1)]},
            Unbookable,
            "sale moves more than the book holds",
        ),
        ({"postings": [Posting("bank", 3), Posting("commission", -1)]}, Unbalanced, "sale is out by 2"),
        (
            {"shares": [replace(SHARE, fees=1)]},
            Unbalanced,
            "sale credits ven_a another amount than its share",
        ),
        (
            {"shares": [SHARE, replace(SHARE, vendor_id="ven_b")]},
            Unbalanced,
            "sale credits ven_b another amount than its share",
        ),
    ],
)
def test_what_is_not_sound_is_not_booked(change: dict[str, Any], kind: type, message: str) -> None:
    given: dict[str, Any] = {"order_id": ORDER, "name": "sale", "currency": "EUR", "postings": POSTINGS} | change
    with pytest.raises(kind) as refused:
        book(**given)
    assert type(refused.value) is kind
    assert str(refused.value) == message


def test_the_bounds_of_the_book_are_inside_it() -> None:
    book(ORDER, "sale", "EUR", [Posting("bank", 0)] * 250)
    book(ORDER, "sale", "EUR", [Posting("bank", MAX_AMOUNT), Posting("commission", -MAX_AMOUNT)])
    twice = [Posting("bank", 2), Posting("vendor:ven_a", -1), Posting("vendor:ven_a", -1)]
    book(ORDER, "sale", "EUR", twice, shares=[Share(vendor_id="ven_a", gross=2, commission=0)])
    book(ORDER, "sale", "EUR", [], shares=[Share(vendor_id="ven_a", gross=0, commission=0)])


def test_accounts_have_names_and_sides() -> None:
    assert provider("sandbox") == "provider:sandbox"
    assert vendor("ven_a") == "vendor:ven_a"
    assert tax("DE") == "tax:DE"
    assert customer_credit("ada") == "customer_credit:ada"
    assert {name: side_of(name) for name in ("provider:x", "provider_fees", "bank", "vendor:a", "commission")} == {
        "provider:x": "debit",
        "provider_fees": "debit",
        "bank": "debit",
        "vendor:a": "credit",
        "commission": "credit",
    }
    assert debit("bank", euros(5)) == Posting("bank", 5)
    assert credit("bank", euros(5)) == Posting("bank", -5)


def test_days_are_listed_in_four_shards() -> None:
    lists = {day_list(DAY, f"ord_{number}") for number in range(50)}
    assert lists == {f"LED#{DAY}#{shard}" for shard in range(4)}


RULES = (
    Rule(vendor_id="ven_a", category="home", basis_points=0, least=euros(5), most=euros(9), since="1", until="2"),
    Rule(vendor_id="ven_a", per_unit=euros(3), priority=2),
    Rule(vendor_id="ven_a", per_order=euros(4)),
)


def test_rules_are_stored_without_what_is_empty_and_read_back() -> None:
    text = compact_rules(RULES)
    assert orjson.loads(text) == [
        {"category": "home", "since": "1", "until": "2", "least": [5, "EUR"], "most": [9, "EUR"], "basis_points": 0},
        {"priority": 2, "per_unit": [3, "EUR"]},
        {"per_order": [4, "EUR"]},
    ]
    everyone = compact_rules([Rule(basis_points=700)])
    found = read_rules([{"pk": "COM#ven_a", "rules": text}, {"pk": "USR#ada"}, {"pk": "COM#*", "rules": everyone}])
    assert found == {"ven_a": RULES, "": (Rule(basis_points=700),)}
    keys = commission_keys(["ven_a", "ven_b", "ven_a"])
    assert [key.pk for key in keys] == ["COM#*", "COM#ven_a", "COM#ven_b"]


def test_a_percentage_is_rounded_half_up_line_by_line() -> None:
    rules = {"": [Rule(basis_points=5_000)]}
    sold = [("", euros(1), 1), ("", euros(3), 1)]
    assert commission_of(rules, "ven_a", sold, NOW) == euros(1 + 2)
    assert commission_of({"": [Rule(basis_points=4_999)]}, "ven_a", [("", euros(1), 1)], NOW) == euros(0)
    assert commission_of({"": [Rule()]}, "ven_a", [("", euros(100), 1)], NOW) == euros(0)


@pytest.mark.parametrize(
    ("sold", "message"),
    [
        ([], "there is no commission of nothing"),
        ([("", euros(-1), 1)], "a line cannot be charged less than nothing"),
    ],
)
def test_nothing_and_less_than_nothing_have_no_commission(sold: Any, message: str) -> None:
    with pytest.raises(ValueError, match=f"^{message}$"):
        commission_of({}, "ven_a", sold, NOW)


def test_a_deeper_category_goes_before_a_higher_one_and_that_before_none() -> None:
    rules = {
        "": [Rule(basis_points=1, priority=9), Rule(category="a", basis_points=2), Rule(category="a>b", basis_points=3)]
    }
    paths = {"": 1, "a": 2, "a>b": 3, "a>b>c": 3, "ab": 1}
    assert {path: model.rule_for(rules, "", (path, euros(1), 1), NOW).basis_points for path in paths} == paths


# -- vendors' accounts


def test_a_posted_journal_is_an_entry_of_its_vendor() -> None:
    (entry,) = accounts.entries_of(SALE)
    assert entry == accounts.Entry(
        vendor_id="ven_a",
        order_id=ORDER,
        journal="sale",
        currency="EUR",
        at=NOW,
        net=900,
        number="MK-1",
        gross=1_000,
        commission=100,
        tax=0,
        fees=0,
    )
    assert entry.place == f"{NOW}#ord_1#sale"
    assert entry.balance == "balance#EUR#2026-11"
    assert not entry.ended


def test_a_pending_journal_waits_and_its_end_is_remembered() -> None:
    (waiting,) = accounts.entries_of(replace(SALE, state="pending"))
    assert (waiting.waiting, waiting.state, waiting.place) == (True, "pending", f"waiting#{NOW}#ord_1#sale")
    assert waiting.balance == "balance#EUR#waiting"
    first, second = accounts.entries_of(replace(SALE, moved_at="2026-12-01T"))
    assert (first.waiting, first.state, first.at, first.ended) == (True, "posted", NOW, True)
    assert (second.waiting, second.state, second.at) == (False, "posted", "2026-12-01T")
    (gone,) = accounts.entries_of(replace(SALE, state="void", moved_at="2026-12-01T"))
    assert (gone.waiting, gone.state) == (True, "void")
    assert accounts.balances_of([waiting, first, second, gone]) == {
        "balance#EUR#waiting": (900, 1),
        "balance#EUR#2026-12": (900, 1),
    }
    assert accounts.balances_of([second, second])["balance#EUR#2026-12"] == (1_800, 2)


def test_where_no_share_is_told_it_follows_from_a_journal_about_one_vendor() -> None:
    postings = (*POSTINGS[:2], Posting("vendor:ven_a", 10), Posting("commission", -100), Posting("tax:DE", -10))
    (entry,) = accounts.entries_of(replace(SALE, shares=(), postings=postings))
    assert (entry.net, entry.gross, entry.commission, entry.tax, entry.fees) == (890, 1_000, 100, 10, 0)


def test_of_two_vendors_without_shares_only_the_sums_are_told() -> None:
    postings = (Posting("bank", 3), Posting("vendor:a", -1), Posting("vendor:b", -2))
    entries = accounts.entries_of(replace(SALE, shares=(), postings=postings))
    assert [(e.vendor_id, e.net, e.gross, e.commission, e.tax, e.fees) for e in entries] == [
        ("a", 1, None, None, None, None),
        ("b", 2, None, None, None, None),
    ]


def test_a_vendor_with_a_share_of_nothing_has_an_entry_too() -> None:
    nothing = Share(vendor_id="ven_b", gross=5, commission=2, tax=2, fees=1)
    entries = {entry.vendor_id: entry for entry in accounts.entries_of(replace(SALE, shares=(nothing, SHARE)))}
    assert entries["ven_b"].net == 0
    assert (entries["ven_b"].gross, entries["ven_b"].tax, entries["ven_b"].fees) == (5, 2, 1)
    assert entries["ven_a"].net == 900


def test_a_difference_names_what_is_stored_and_what_is_right() -> None:
    (right,) = accounts.entries_of(SALE)
    wrong, extra = replace(right, net=1), replace(right, order_id="ord_2")
    ended = replace(right, waiting=True)
    found = list(accounts.compare([wrong, extra, ended], [right]))
    assert found == [
        accounts.Difference("entry", right.place, "posted 1 EUR", "posted 900 EUR"),
        accounts.Difference("entry", extra.place, "posted 900 EUR", ""),
    ]
    assert list(accounts.compare([right], [right, ended])) == []
    assert [d.right for d in accounts.compare([], [right])] == ["posted 900 EUR"]


def test_a_trial_balance_keeps_apart_what_counts_and_what_is_promised() -> None:
    posted, pending = accounts.trial_balance([SALE, SALE, replace(SALE, state="pending"), replace(SALE, state="void")])
    assert posted == {("provider:sandbox", "EUR"): 2_000, ("vendor:ven_a", "EUR"): -1_800, ("commission", "EUR"): -200}
    assert pending == {("provider:sandbox", "EUR"): 1_000, ("vendor:ven_a", "EUR"): -900, ("commission", "EUR"): -100}


def test_the_contract_names_the_states_of_a_journal() -> None:
    assert replace(SALE, moved_at="later").posted_at == "later"
    assert SALE.posted_at == NOW
    assert replace(SALE, state=contract.PENDING).posted_at == ""
