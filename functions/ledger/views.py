"""How the ledger looks on the wire."""

from collections.abc import Iterable

from pydantic import Field

from ledger.accounts import Difference, Entry, Sums
from ledger.contract import Journal, side_of
from ledger.service import Period, Standing, Statement
from market.http import View
from market.money import Money


class PostingView(View):
    account: str
    amount: Money


class JournalView(View):
    """`state`: pending, posted or void; `movedAt`: when a pending one was posted or voided."""

    name: str
    at: str
    state: str
    moved_at: str | None = None
    postings: list[PostingView]

    @classmethod
    def of(cls, journal: Journal) -> "JournalView":
        return cls(
            name=journal.name,
            at=journal.at,
            state=journal.state,
            moved_at=journal.moved_at or None,
            postings=[
                PostingView(account=posting.account, amount=Money(posting.amount, journal.currency))
                for posting in journal.postings
            ],
        )


class LedgerView(View):
    order_id: str
    journals: list[JournalView]


class StandingView(View):
    """What the vendor is owed in one currency; negative: what it owes. `pending` is promised, but not certain."""

    posted: Money
    pending: Money


class BalanceView(View):
    vendor_id: str
    balances: list[StandingView]

    @classmethod
    def of(cls, vendor_id: str, standing: Iterable[Standing]) -> "BalanceView":
        return cls(
            vendor_id=vendor_id, balances=[StandingView(posted=each.posted, pending=each.pending) for each in standing]
        )


class EntryView(View):
    """`net` is what the vendor gained, where it is known how that came about: gross less commission, tax and fees.

    Where the marketplace paid for a discount of the customer's, `subsidy` is added.
    """

    at: str
    order_id: str
    order_no: str | None = None
    journal: str
    gross: Money | None = None
    commission: Money | None = None
    tax: Money | None = None
    fees: Money | None = None
    subsidy: Money | None = None
    net: Money

    @classmethod
    def of(cls, entry: Entry) -> "EntryView":
        def money(amount: int | None) -> Money | None:
            return None if amount is None else Money(amount, entry.currency)

        return cls(
            at=entry.at,
            order_id=entry.order_id,
            order_no=entry.number or None,
            journal=entry.journal,
            gross=money(entry.gross),
            commission=money(entry.commission),
            tax=money(entry.tax),
            fees=money(entry.fees),
            subsidy=money(entry.subsidy),
            net=Money(entry.net, entry.currency),
        )


class StatementView(View):
    """A month in UTC; balances are by currency. Pages share the balances and go on with the entries."""

    vendor_id: str
    month: str
    opening: list[Money]
    closing: list[Money]
    items: list[EntryView]
    next_cursor: str | None = None

    @classmethod
    def of(cls, vendor_id: str, month: str, statement: Statement) -> "StatementView":
        return cls(
            vendor_id=vendor_id,
            month=month,
            opening=statement.opening,
            closing=statement.closing,
            items=[EntryView.of(entry) for entry in statement.entries],
            next_cursor=statement.next,
        )


class AccountView(View):
    """Debits are positive, credits negative; `side` is where the account's balance normally is."""

    account: str
    side: str
    posted: Money
    pending: Money


class TrialBalanceView(View):
    """What the days added. In each currency `posted` sums to zero over the accounts, and so does `pending`."""

    first: str = Field(serialization_alias="from")
    last: str = Field(serialization_alias="to")
    accounts: list[AccountView]

    @classmethod
    def of(cls, period: Period, posted: Sums, pending: Sums) -> "TrialBalanceView":
        return cls(
            first=period.first.isoformat(),
            last=period.last.isoformat(),
            accounts=[
                AccountView(
                    account=account,
                    side=side_of(account),
                    posted=Money(posted.get((account, currency), 0), currency),
                    pending=Money(pending.get((account, currency), 0), currency),
                )
                for account, currency in sorted(posted.keys() | pending.keys(), key=lambda key: key[::-1])
            ],
        )


class DifferenceView(View):
    """`what` is `entry` or `balance`; `stored` or `right` is empty where there is none."""

    what: str
    place: str
    stored: str
    right: str


class DifferenceList(View):
    vendor_id: str
    items: list[DifferenceView]

    @classmethod
    def of(cls, vendor_id: str, found: Iterable[Difference]) -> "DifferenceList":
        items = [DifferenceView(what=d.what, place=d.place, stored=d.stored, right=d.right) for d in found]
        return cls(vendor_id=vendor_id, items=items)
