"""Webhooks that changed nothing, and money that waits for a person, kept for staff for 90 days.

What a provider really said has a record of its own. What anybody may send us, forged, replayed or unreadable, is only
counted, per provider, reason and hour: an attacker can raise a number, but cannot fill the table.
"""

from datetime import timedelta

from fraud.contract import MANIFEST as FRAUD
from ledger.contract import MANIFEST as LEDGER
from market import clock
from market.money import Money
from market.table import Item, Key, Page, Table, put, update
from orders.contract import MANIFEST as ORDERS
from payments.gateway import Notice
from payments.history import PAYLOAD
from payments.manifest import MANIFEST
from payments.words import kept

_table = Table(MANIFEST, FRAUD, LEDGER, ORDERS)
_PARTITION = "PAY#incidents"
KEPT = timedelta(days=90)


def count(provider: str, reason: str) -> None:
    """One more webhook that was refused at the door. An estimate: a write that is repeated counts twice."""
    hour = clock.timestamp()[:13]
    _table.write(
        update(
            Key(_PARTITION, f"{hour}#{provider}#{reason}"),
            "ADD times :one SET provider = :provider, reason = :reason, at = :hour, expires_at = :until",
            {
                ":one": 1,
                ":provider": provider,
                ":reason": reason,
                ":hour": f"{hour}:00:00.000Z",
                ":until": clock.epoch(KEPT),
            },
        )
    )


def record(provider: str, notice: Notice, reason: str, *, received_at: str, payload: str) -> None:
    """Keep a verified webhook that does not fit the payment it speaks of; once however often it is worked off."""
    intent = notice.intent
    line = {
        "notice": notice.id,
        "type": notice.type,
        "order_id": intent.order_id,
        "reference": intent.reference,
        "amount": intent.amount.amount,
        "currency": intent.amount.currency,
        "payload": kept(payload)[:PAYLOAD],
    }
    _keep(provider, reason, received_at, notice.id, line)


def pay_back(provider: str, order_id: str, what: str, money: Money, *, at: str) -> None:
    """Money that came by hand and has to go back by hand, for a refund or an `undo`; once, if `at` stays the same."""
    line = {"order_id": order_id, "reference": what, "amount": money.amount, "currency": money.currency}
    _keep(provider, "pay_back_by_hand", at, f"{order_id}#{what}", line)


def page(*, limit: int, cursor: str | None) -> Page:
    """The newest first."""
    return _table.query(_PARTITION, newest_first=True, limit=limit, cursor=cursor)


def _keep(provider: str, reason: str, at: str, name: str, line: Item) -> None:
    whole = {"provider": provider, "reason": reason, "at": at, "times": 1, "expires_at": clock.epoch(KEPT)} | line
    _table.write(put(Key(_PARTITION, f"{at}#{provider}#{name}"), whole))
