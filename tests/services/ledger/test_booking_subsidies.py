"""What we pay of customers' discounts, as journals keep it and vendors' accounts tell it."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from ledger import accounts
from ledger.contract import Journal, Posting, Share, book, read_journal, reverse
from market import clock
from tests.fragments import words

pytestmark = pytest.mark.contract("12.4", "12.5")

AT = "2026-11-21T12:00:00.000Z"
POSTINGS = (
    Posting("provider:sandbox", 700),
    Posting("promotions", 300),
    Posting("vendor:ven_a", -850),
    Posting("commission", -100),
    Posting("tax:DE", -50),
)
SHARE = Share(vendor_id="ven_a", gross=700, commission=100, tax=50, subsidy=300)
SALE = Journal(order_id="ord_1", name="sale", currency="EUR", at=AT, postings=POSTINGS, number="1", shares=(SHARE,))


@pytest.fixture(autouse=True)
def _at_noon() -> Iterator[None]:
    with clock.running_on(lambda: datetime(2026, 11, 21, 12, tzinfo=UTC)):
        yield


def test_a_journal_keeps_it_with_the_vendors_share() -> None:
    write = book("ord_1", "sale", "EUR", POSTINGS, number="1", shares=[SHARE])
    assert read_journal(words(write).item).shares == (SHARE,)


def test_a_reversal_takes_it_back() -> None:
    (share,) = read_journal(words(reverse(SALE)).item).shares
    assert share == Share(vendor_id="ven_a", gross=-700, commission=-100, tax=-50, subsidy=-300)


def test_an_account_tells_it_with_the_sale() -> None:
    (entry,) = accounts.entries_of(SALE)
    assert (entry.at, entry.net, entry.gross, entry.subsidy) == (AT, 850, 700, 300)
    (without,) = accounts.entries_of(replace(SALE, shares=(replace(SHARE, subsidy=0),)))
    assert without.subsidy is None


def test_an_account_works_it_out_where_a_journal_has_no_shares() -> None:
    (entry,) = accounts.entries_of(replace(SALE, shares=()))
    assert (entry.vendor_id, entry.net, entry.gross) == ("ven_a", 850, 700)
    assert (entry.commission, entry.tax, entry.subsidy) == (100, 50, 300)
