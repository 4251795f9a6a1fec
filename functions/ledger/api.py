"""Routes of the ledger, for staff."""

from ledger import store
from ledger.manifest import MANIFEST
from market.errors import NotFound
from market.http import STAFF, ServiceApi, View
from market.money import Money

api = ServiceApi(MANIFEST)
handler = api.handler


class PostingView(View):
    account: str
    amount: Money


class JournalView(View):
    name: str
    at: str
    postings: list[PostingView]


class LedgerView(View):
    order_id: str
    journals: list[JournalView]


@api.get("/v1/admin/ledger/<order_id>", callers=[STAFF])
def show(order_id: str) -> LedgerView:
    """Everything booked for an order; debits are positive, credits negative, each journal sums to zero."""
    journals = [
        JournalView(
            name=journal.name,
            at=journal.at,
            postings=[
                PostingView(account=posting.account, amount=Money(posting.amount, journal.currency))
                for posting in journal.postings
            ],
        )
        for journal in store.of_order(order_id)
    ]
    if not journals:
        raise NotFound("Nothing is booked for this order.")
    return LedgerView(order_id=order_id, journals=journals)
