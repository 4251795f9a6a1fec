"""Vendors' accounts, worked out of journals: pure. What is stored of them is a projection and can be made anew."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from ledger.contract import PENDING, POSTED, Journal, Share

_VENDOR = "vendor:"
Sums = Mapping[tuple[str, str], int]
"""Amounts by (account, currency)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """What one journal does to one vendor's account; amounts in minor units, positive where the vendor gains.

    at: when it counts; for one that is `waiting`, when it was booked. A waiting entry stays for a while, as posted or
    void, when its journal has ended, so that late news cannot bring it back. gross, commission, tax, fees: None where
    the journal does not say how its amount came about; subsidy: None where we paid nothing of the customer's discount.
    """

    vendor_id: str
    order_id: str
    journal: str
    currency: str
    at: str
    net: int
    state: str = POSTED
    waiting: bool = False
    number: str = ""
    gross: int | None = None
    commission: int | None = None
    tax: int | None = None
    fees: int | None = None
    subsidy: int | None = None

    @property
    def place(self) -> str:
        """Where it stands in the account; a statement reads in this order."""
        return f"{'waiting#' if self.waiting else ''}{self.at}#{self.order_id}#{self.journal}"

    @property
    def balance(self) -> str:
        """The balance that it is part of: of its month, or of what waits."""
        return balance_place(self.currency, "" if self.waiting else self.at[:7])

    @property
    def ended(self) -> bool:
        """Whether it no longer waits: it is of no more weight, and its place may be empty."""
        return self.waiting and self.state != PENDING


@dataclass(frozen=True, slots=True)
class Balance:
    """The sum of a vendor's entries in a currency: of one month, or where `month` is empty of those that wait.

    entries: how many it is the sum of.
    """

    currency: str
    month: str
    amount: int
    entries: int
    updated_at: str


@dataclass(frozen=True, slots=True)
class Difference:
    """Something stored that is not what the journals say; `stored` or `right` is empty where there is none."""

    what: str
    place: str
    stored: str
    right: str


def balance_place(currency: str, month: str) -> str:
    return f"balance#{currency}#{month or 'waiting'}"


def entries_of(journal: Journal) -> list[Entry]:
    """What the journal does to vendors' accounts: nothing, one entry a vendor, or two if it once was pending."""
    found: list[Entry] = []
    for vendor_id, net in _vendors(journal).items():
        share = _share(journal, vendor_id, net)
        common = Entry(
            vendor_id=vendor_id, order_id=journal.order_id, journal=journal.name, currency=journal.currency,
            at=journal.at, net=net, number=journal.number,
            gross=share.gross if share else None, commission=share.commission if share else None,
            tax=share.tax if share else None, fees=share.fees if share else None,
            subsidy=(share.subsidy or None) if share else None,
        )  # fmt: skip
        if journal.moved_at or journal.state == PENDING:
            found.append(_as(common, journal.at, state=journal.state, waiting=True))
        if journal.posted_at:
            found.append(_as(common, journal.posted_at))
    return found


def balances_of(entries: Iterable[Entry]) -> dict[str, tuple[int, int]]:
    """(amount, how many) of the entries' balances, by place."""
    found: dict[str, tuple[int, int]] = {}
    for entry in entries:
        if not entry.ended:
            amount, count = found.get(entry.balance, (0, 0))
            found[entry.balance] = (amount + entry.net, count + 1)
    return found


def compare(stored: Iterable[Entry], right: Iterable[Entry]) -> Iterator[Difference]:
    """Entries that are missing, surplus or other than they should be."""
    kept, wanted = ({entry.place: entry for entry in entries if not entry.ended} for entries in (stored, right))
    for place in sorted(kept.keys() | wanted.keys()):
        if kept.get(place) != wanted.get(place):
            yield Difference("entry", place, _told(kept.get(place)), _told(wanted.get(place)))


def trial_balance(journals: Iterable[Journal]) -> tuple[Sums, Sums]:
    """What the journals add to each account: (posted, pending). Each of the two sums to zero per currency."""
    sums: dict[str, Counter[tuple[str, str]]] = {POSTED: Counter(), PENDING: Counter()}
    for journal in journals:
        for posting in journal.postings:
            if journal.state in sums:
                sums[journal.state][posting.account, journal.currency] += posting.amount
    return sums[POSTED], sums[PENDING]


def _vendors(journal: Journal) -> dict[str, int]:
    """What each vendor is credited; those with a share of nothing too."""
    found = {share.vendor_id: 0 for share in journal.shares}
    for posting in journal.postings:
        if posting.account.startswith(_VENDOR):
            vendor_id = posting.account.removeprefix(_VENDOR)
            found[vendor_id] = found.get(vendor_id, 0) - posting.amount
    return found


def _share(journal: Journal, vendor_id: str, net: int) -> Share | None:
    """How the vendor's amount came about: as booked, or as it follows where the journal is about one vendor only."""
    for share in journal.shares:
        if share.vendor_id == vendor_id:
            return share
    if len(_vendors(journal)) > 1:
        return None
    kept: Counter[str] = Counter()
    for posting in journal.postings:
        kept[posting.account.partition(":")[0]] -= posting.amount
    commission, taxed, subsidy = kept["commission"], kept["tax"], -kept["promotions"]
    gross = net + commission + taxed - subsidy
    return Share(vendor_id=vendor_id, gross=gross, commission=commission, tax=taxed, subsidy=subsidy)


def _as(entry: Entry, at: str, *, state: str = POSTED, waiting: bool = False) -> Entry:
    return replace(entry, at=at, state=state, waiting=waiting)


def _told(entry: Entry | None) -> str:
    return f"{entry.state} {entry.net} {entry.currency}" if entry else ""
