"""What was charged for an order that came to nothing, where the provider refuses to give it back.

The money lies with the provider until a person pays it back another way. Meanwhile the book says whose it is: one
journal, `unreturned`, that credits the customer, and is reversed if the money goes back after all.
"""

from fraud.contract import MANIFEST as FRAUD
from ledger.contract import MANIFEST as LEDGER
from ledger.contract import (
    PROVIDER_FEES,
    AlreadyBooked,
    book,
    credit,
    customer_credit,
    debit,
    journal_key,
    read_journal,
    reverse,
)
from ledger.contract import provider as account_of
from market.money import Money
from market.table import NEW, Busy, Table, Write, check
from orders.contract import MANIFEST as ORDERS
from payments.gateway import Intent
from payments.manifest import MANIFEST
from payments.model import CAPTURED, PENDING, Payment
from payments.store import Moved, payment_key

_table = Table(MANIFEST, FRAUD, LEDGER, ORDERS)


def owe(payment: Payment, intent: Intent) -> None:
    """Book what a captured intent still holds as its customer's, once; nothing if it went back meanwhile."""
    if intent.status != CAPTURED:
        return
    nothing = Money(0, intent.amount.currency)
    held, fee = intent.amount - (intent.refunded or nothing), intent.fee or nothing
    postings = [
        debit(account_of(payment.provider), held - fee),
        debit(PROVIDER_FEES, fee),
        # Of an intent that we never recorded, for an order that nobody began to pay, we know the order only.
        credit(customer_credit(payment.customer_id or payment.order_id), held),
    ]
    owed = book(payment.order_id, named("unreturned", payment), held.currency, postings)
    try:
        _table.transact(owed, _not_given_back(payment))
    except (AlreadyBooked, Moved):
        return


def given_back(payment: Payment) -> Write:
    """What belongs into the transaction that records that an intent's money went back: the opposite of what was booked
    as owed. Where nothing was, the transaction raises Busy if it is booked at this moment: try again.
    """
    key = journal_key(payment.order_id, named("unreturned", payment))
    owed = _table.get(key, consistent=True)
    return reverse(read_journal(owed)) if owed else check(key, when=NEW, otherwise=Busy("Booked at the same time."))


def named(journal: str, payment: Payment) -> str:
    """The name of a payment's journal: an intent that the customer left for another has one of its own."""
    return f"{journal}-{payment.reference}" if payment.closing else journal


def _not_given_back(payment: Payment) -> Write:
    """Whoever records that money went back leaves a trace, on the payment that ends by it or in the book."""
    if payment.closing and payment.status == PENDING:
        undone = journal_key(payment.order_id, named("undone", payment))
        return check(undone, when=NEW, otherwise=Moved("The money went back."))
    fresh = "attribute_not_exists(refunded)"
    return check(payment_key(payment.order_id), when=fresh, otherwise=Moved("The money went back."))
