"""Booking, as a write for the transaction in which the money moves.

A journal is one item: a name, and postings that sum to zero in their currency. Debits are positive, credits negative.
Accounts: `provider:<name>` (what the payment provider owes us), `vendor:<id>` (what we owe a vendor), `commission`
(our share), `provider_fees` (what the provider kept).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import orjson

from ledger.manifest import MANIFEST as MANIFEST
from market import clock
from market.errors import Conflict
from market.money import Money
from market.table import NEW, Key, Write, put

COMMISSION, PROVIDER_FEES = "commission", "provider_fees"


class AlreadyBooked(Conflict):
    """The order has a journal of this name."""

    code, title = "already_booked", "Already booked"


class Unbalanced(ValueError):
    """The postings do not sum to zero: a programming error that must never reach the book."""


@dataclass(frozen=True, slots=True)
class Posting:
    """One side of an entry. amount: minor units, debit > 0, credit < 0."""

    account: str
    amount: int


def provider(name: str) -> str:
    return f"provider:{name}"


def vendor(vendor_id: str) -> str:
    return f"vendor:{vendor_id}"


def debit(account: str, money: Money) -> Posting:
    return Posting(account, money.amount)


def credit(account: str, money: Money) -> Posting:
    return Posting(account, -money.amount)


def journal_key(order_id: str, name: str) -> Key:
    return Key(f"LED#{order_id}", name)


def book(order_id: str, name: str, currency: str, postings: Sequence[Posting]) -> Write:
    """Book a journal once per order and name. Raises Unbalanced; AlreadyBooked from the transaction."""
    if sum(posting.amount for posting in postings) != 0:
        raise Unbalanced(f"{name} of {order_id}")
    item = {
        "currency": currency,
        "at": clock.timestamp(),
        "postings": orjson.dumps(
            [[posting.account, posting.amount] for posting in postings if posting.amount]
        ).decode(),
    }
    return put(journal_key(order_id, name), item, when=NEW, otherwise=AlreadyBooked(f"{name} is booked."))
