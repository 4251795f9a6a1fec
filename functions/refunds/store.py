"""Refunds in the table: reserved against the order's refund account, then settled once, by conditions.

RFD#<order id>       -             the refund account: what is given back or reserved, with a version
RFD#<order id>       rfd_…         one refund
RFD#key#<key>        -             who asked for what with an idempotency key, and which refund came of it
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zlib import crc32

import orjson

from ledger.contract import MANIFEST as LEDGER
from market import clock
from market.errors import Conflict, Idempotency, NotFound
from market.events import Event, announce
from market.table import NEW, Item, Key, Table, Write, put, update
from orders.contract import MANIFEST as ORDERS
from orders.contract import OrderSnapshot, claimed_from, order_key, read_order, read_ref, ref_key, still_paid
from refunds.contract import account_key
from refunds.manifest import MANIFEST
from refunds.model import (
    FAILED,
    REQUESTED,
    SUCCEEDED,
    Account,
    LineShare,
    LineTally,
    NotRefundable,
    PartTally,
    Refund,
    Shares,
    ShippingShare,
)

_table = Table(MANIFEST, LEDGER, ORDERS)
query = _table.query
_OPEN = "RFD#open#"
_SHARDS = 4


class Raced(Conflict):
    """Somebody else changed the account first: price again, and try again."""


class Repeated(Conflict):
    """The idempotency key was used before."""


class Settled(Conflict):
    """The refund is not `requested` any more; `status` says what became of it."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What an idempotency key was used for."""

    fingerprint: str
    order_id: str
    refund_id: str


@dataclass(frozen=True, slots=True)
class Facts:
    """All that a refund is decided by, in one read."""

    order: OrderSnapshot
    account: Account
    asked: Asked | None


def customer_of(order_id: str) -> str:
    """Under whose id the order lies. Raises NotFound."""
    item = _table.get(ref_key(order_id), consistent=True)
    if item is None:
        raise NotFound("There is no such order.")
    return read_ref(item).customer_id


def order_of(customer_id: str, order_id: str) -> OrderSnapshot:
    """The customer's order, placed or claimed. Raises NotFound, for another customer's too."""
    item = _table.get(order_key(customer_id, order_id), consistent=True)
    if item and (guest := claimed_from(item)):
        item = _table.get(order_key(guest, order_id), consistent=True)
    if item is None:
        raise NotFound("There is no such order.")
    return read_order(item)


def require_part(customer_id: str, order_id: str, vendor_id: str) -> None:
    """Raises NotFound unless the vendor has a part of the order."""
    if vendor_id not in {part.vendor_id for part in order_of(customer_id, order_id).parts}:
        raise NotFound("There is no such order.")


def facts(customer_id: str, order_id: str, idempotency: Idempotency) -> Facts:
    """Raises NotFound where there is no such order."""
    order, account, key = order_key(customer_id, order_id), account_key(order_id), _asked_key(idempotency.key)
    found = _table.batch_get([order, account, key], consistent=True)
    if order not in found:
        raise NotFound("There is no such order.")
    return Facts(read_order(found[order]), _account(order_id, found.get(account)), _asked(found.get(key)))


def reserve(order: OrderSnapshot, account: Account, refund: Refund, asked: Idempotency, announced: Event) -> None:
    """Reserve the refund's shares, record it and its key, and announce it: all or nothing.

    Raises Repeated, NotRefundable, or Raced if the account is no longer as it was read.
    """
    _table.transact(
        put(
            _asked_key(asked.key),
            {"fingerprint": asked.fingerprint, "order_id": order.id, "refund_id": refund.id},
            when=NEW,
            otherwise=Repeated(),
        ),
        still_paid(order.customer_id, order.id, otherwise=NotRefundable("The order is not paid.")),
        _save(order, account, account.reserve(refund.shares)),
        put(_refund_key(refund.order_id, refund.id), _item(refund) | _open(refund), when=NEW, otherwise=Raced()),
        announce(announced, by=MANIFEST),
    )


def get(order_id: str, refund_id: str) -> Refund:
    item = _table.get(_refund_key(order_id, refund_id), consistent=True)
    if item is None:
        raise NotFound("There is no such refund.")
    return _refund(item)


def with_account(refund: Refund) -> tuple[OrderSnapshot, Account]:
    """The order of a refund and its account, as they stand."""
    order, account = order_key(refund.customer_id, refund.order_id), account_key(refund.order_id)
    found = _table.batch_get([order, account], consistent=True)
    return read_order(found[order]), _account(refund.order_id, found.get(account))


def succeed(refund: Refund, booking: Write, announced: Event) -> None:
    """requested → succeeded, booked and announced. Raises Settled."""
    counted = update(account_key(refund.order_id), "ADD succeeded :amount", {":amount": refund.shares.amount})
    _table.transact(_settle(refund, SUCCEEDED), counted, booking, announce(announced, by=MANIFEST))


def fail(refund: Refund, order: OrderSnapshot, account: Account, failure: str, announced: Event) -> None:
    """requested → failed, its reservation given back, announced. Raises Settled or Raced."""
    _table.transact(
        _settle(refund, FAILED, failure),
        _save(order, account, account.give_back(refund.shares)),
        announce(announced, by=MANIFEST),
    )


def of_order(order_id: str, *, limit: int, cursor: str | None) -> tuple[list[Refund], str | None]:
    """The refunds of an order, the newest first."""
    page = _table.query(f"RFD#{order_id}", begins="rfd_", newest_first=True, limit=limit, cursor=cursor)
    return [_refund(item) for item in page.items], page.next


def open_between(since: datetime, until: datetime) -> list[Refund]:
    """Refunds requested in a period that are not settled, at most a page of each shard."""
    keys = [
        Key(entry["pk"], entry["sk"])
        for shard in range(_SHARDS)
        for entry in _table.query(f"{_OPEN}{shard}", index="by1", limit=100).items
        if clock.iso(since) <= entry["by1sk"].partition("#")[0] < clock.iso(until)
    ]
    return [_refund(item) for item in _table.batch_get(keys, consistent=True).values()] if keys else []


def _save(order: OrderSnapshot, before: Account, after: Account) -> Write:
    """The account as it is now, if nobody changed it meanwhile."""
    values = {
        ":lines": _compact(after.lines),
        ":parts": _compact(after.parts),
        ":customer": order.customer_id,
        ":number": order.number,
        ":currency": order.currency,
        ":captured": order.total.amount,
        ":next": after.version,
    }
    return update(
        account_key(order.id),
        "SET lines = :lines, parts = :parts, customer_id = :customer, order_no = :number, currency = :currency,"
        " captured = :captured, version = :next",
        values | ({":version": before.version} if before.version else {}),
        when="version = :version" if before.version else "attribute_not_exists(version)",
        otherwise=Raced(),
    )


def _compact(tallies: Mapping[str, tuple[int, ...]]) -> str:
    return orjson.dumps({name: list(tally) for name, tally in tallies.items()}).decode()


def _settle(refund: Refund, status: str, failure: str = "") -> Write:
    def settled(found: Item | None) -> Conflict:
        return Settled(status=found["status"] if found else "")

    values = {":status": status, ":now": clock.timestamp(), ":failure": failure, ":requested": REQUESTED}
    return update(
        _refund_key(refund.order_id, refund.id),
        "SET status = :status, settled_at = :now, failure = :failure REMOVE by1pk, by1sk",
        values,
        when="status = :requested",
        otherwise=settled,
    )


def _open(refund: Refund) -> Item:
    """Its place among the refunds that are under way, in a sparse index by age."""
    shard = crc32(refund.id.encode()) % _SHARDS
    return {"by1pk": f"{_OPEN}{shard}", "by1sk": f"{refund.created_at}#{refund.id}"}


def _refund_key(order_id: str, refund_id: str) -> Key:
    return Key(f"RFD#{order_id}", refund_id)


def _asked_key(key: str) -> Key:
    return Key(f"RFD#key#{key}")


def _asked(item: Item | None) -> Asked | None:
    return Asked(item["fingerprint"], item["order_id"], item["refund_id"]) if item else None


def _account(order_id: str, item: Mapping[str, Any] | None) -> Account:
    if item is None:
        return Account(order_id=order_id)
    return Account(
        order_id=order_id,
        version=item["version"],
        lines={sku: LineTally(*tally) for sku, tally in orjson.loads(item["lines"]).items()},
        parts={vendor: PartTally(*tally) for vendor, tally in orjson.loads(item["parts"]).items()},
    )


def _item(refund: Refund) -> Item:
    shares = refund.shares
    lines = [[s.sku, s.vendor_id, s.title, *s.tally, s.discount] for s in shares.lines]
    shipping = [[s.vendor_id, s.amount, s.tax, s.subsidy] for s in shares.shipping]
    return {
        "order_no": refund.order_no,
        "customer_id": refund.customer_id,
        "status": refund.status,
        "currency": refund.currency,
        "lines": orjson.dumps(lines).decode(),
        "shipping": orjson.dumps(shipping).decode(),
        "commissions": dict(shares.commissions),
        **({"self_taxed": list(shares.self_taxed)} if shares.self_taxed else {}),
        "reason": refund.reason,
        "note": refund.note,
        "requested_by": refund.by,
        "requested_by_id": refund.by_id,
        "created_at": refund.created_at,
    }


def _refund(item: Mapping[str, Any]) -> Refund:
    lines, shipping = orjson.loads(item["lines"]), orjson.loads(item["shipping"])
    return Refund(
        id=item["sk"],
        order_id=item["pk"].removeprefix("RFD#"),
        order_no=item["order_no"],
        customer_id=item["customer_id"],
        status=item["status"],
        currency=item["currency"],
        shares=Shares(
            lines=tuple(
                LineShare(sku=sku, vendor_id=vendor, title=title, tally=LineTally(*tally), discount=discount)
                for sku, vendor, title, *tally, discount in lines
            ),
            shipping=tuple(ShippingShare(*row) for row in shipping),
            commissions=item["commissions"],
            self_taxed=tuple(item.get("self_taxed", ())),
        ),
        reason=item["reason"],
        note=item["note"],
        by=item["requested_by"],
        by_id=item["requested_by_id"],
        created_at=item["created_at"],
        settled_at=item.get("settled_at", ""),
        failure=item.get("failure", ""),
    )
