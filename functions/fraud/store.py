"""Screenings, reviews, lists, rules and histories in the table."""

from dataclasses import dataclass

from fraud import rules, signals
from fraud.contract import KEPT, RULES, Screening, ended_place, read_screening, record_key
from fraud.events import FraudDecided
from fraud.manifest import MANIFEST
from fraud.model import OPEN, WITHDRAWN, History, NoSuchScreening, NotInReview, NotOnList, Rulebook
from market import clock, config
from market.errors import Conflict, PreconditionFailed, Problem
from market.events import announce
from market.money import Money
from market.table import NEW, Item, Key, Page, Table, Write, delete, put, update
from orders.contract import MANIFEST as ORDERS

_table = Table(MANIFEST, ORDERS)
query = _table.query


class Counted(Conflict):
    """The history has this already."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """An entry of a list, without its value, which is not kept. hint: enough of it to be recognized."""

    id: str
    list: str
    kind: str
    hint: str
    note: str
    added_by: str
    added_at: str


def get(order_id: str) -> Screening | None:
    item = _table.get(record_key(order_id), consistent=True)
    return read_screening(item) if item else None


def reviews(*, limit: int, cursor: str | None) -> Page:
    """Those that wait, the oldest first, then those that are over: `card` and place of each."""
    return _table.query("FRD#reviews", index="by1", limit=limit, cursor=cursor)


def await_with(order_id: str, token: str) -> Screening:
    """Leave the checkout's task token where the decision will find it. Raises NotInReview if all is decided."""
    write = update(
        record_key(order_id),
        "SET task_token = :token",
        {":token": token, ":open": OPEN},
        when="status = :open",
        otherwise=_not_in_review,
    )
    return read_screening(_table.write(write))


def end(screening: Screening, status: str, *, by: str, note: str = "") -> None:
    """open → approved, rejected, expired or withdrawn, once, and announced. Raises NotInReview."""
    now = clock.timestamp()
    place = ended_place(now, screening.order_id)
    decided = FraudDecided(order_id=screening.order_id, order_no=screening.order_no, decision=status)
    values = {
        ":status": status, ":by": by, ":now": now, ":note": note, ":open": OPEN,
        ":pk": place["by1pk"], ":sk": place["by1sk"],
    }  # fmt: skip
    _table.transact(
        update(
            record_key(screening.order_id),
            "SET status = :status, decided_by = :by, decided_at = :now, note = :note,"
            " by1pk = :pk, by1sk = :sk, card.status = :status",
            values,
            when="status = :open",
            otherwise=_not_in_review,
        ),
        announce(decided, by=MANIFEST),
    )


def forbid(order_id: str) -> None:
    """A tombstone for an order given up before it was screened: it will not be admitted. Raises Conflict."""
    tombstone = update(
        record_key(order_id),
        "SET status = :withdrawn, decided_at = :now, expires_at = :until",
        {":withdrawn": WITHDRAWN, ":now": clock.timestamp(), ":until": clock.epoch(KEPT)},
        when="attribute_not_exists(status)",
        otherwise=Conflict("The payment was screened meanwhile."),
    )
    _table.write(tombstone)


def count_refund(account: str, order_id: str, refund_id: str) -> None:
    """Add a refund to an account's history, at most once.

    Here and below two writes cost half of a transaction; after a crash in between, one order of many is miscounted.
    """
    _count(_refund_fence(order_id, refund_id), account, "refunded")


def count_cancelled(account: str, order_id: str, *, refused: bool, admitted: Money | None) -> None:
    """An order came to nothing, at most once: take back what was counted as paid; a refused payment is remembered."""
    if refused or admitted:
        _count(_outcome_fence(order_id, "refused"), account, "refused" if refused else "", admitted, -1)


def count_approved(screening: Screening) -> None:
    """A person let a payment pass: it counts as paid. Whoever ended the review does this, once."""
    _table.write(signals.history(screening.customer_id, config.key("fraud"), "", screening.amount))


def _count(fence: Write, account: str, change: str, paid: Money | None = None, sign: int = 1) -> None:
    try:
        _table.write(fence)
    except Counted:
        return
    _table.write(signals.history(account, config.key("fraud"), change, paid, sign))


def history_of(account: str) -> History:
    return signals.read_history(_table.get(signals.account_key(account, config.key("fraud"))))


def forget_account(account: str) -> None:
    """Delete the history of an account, and its entry on a list."""
    key = config.key("fraud")
    _table.batch_put([delete(signals.account_key(account, key)), delete(signals.mark_key("account", account, key))])


def rulebook() -> Rulebook:
    return rules.read(_table.get(RULES, consistent=True))


def save_rules(rulebook: Rulebook, seen: int) -> None:
    """Store rules that were made from version `seen`. Raises PreconditionFailed if others were stored since."""
    item = {
        "rules": rules.stored(rulebook),
        "review_from": rulebook.review_from,
        "block_from": rulebook.block_from,
        "enforced": rulebook.enforced,
        "version": rulebook.version,
        "updated_by": rulebook.updated_by,
        "updated_at": rulebook.updated_at,
    }
    stale = PreconditionFailed("The rules have changed since you read them.")
    when = "version = :seen" if seen else NEW
    _table.write(put(RULES, item, when=when, values={":seen": seen} if seen else None, otherwise=stale))


def put_mark(mark: Mark) -> None:
    """Put a value on a list, whichever it was on before."""
    card = {name: getattr(mark, name) for name in ("kind", "hint", "note", "added_by", "added_at")}
    item = {"list": mark.list, "card": card, "by1pk": f"FRD#list#{mark.list}", "by1sk": f"{mark.added_at}#{mark.id}"}
    _table.write(put(Key(f"FRD#mark#{mark.id}"), item))


def marks(name: str, *, limit: int, cursor: str | None) -> tuple[list[Mark], str | None]:
    """A list, the newest entries first."""
    page = _table.query(f"FRD#list#{name}", index="by1", newest_first=True, limit=limit, cursor=cursor)
    return [_mark(name, item) for item in page.items], page.next


def remove_mark(name: str, mark_id: str) -> None:
    """Take a value off a list. Raises NotOnList if it is not there."""
    gone = NotOnList("There is no such entry.")
    _table.write(delete(Key(f"FRD#mark#{mark_id}"), when="list = :name", values={":name": name}, otherwise=gone))


def _mark(name: str, item: Item) -> Mark:
    return Mark(id=item["pk"].removeprefix("FRD#mark#"), list=name, **item["card"])


def _outcome_fence(order_id: str, outcome: str) -> Write:
    return update(
        record_key(order_id),
        "SET outcome = :outcome, expires_at = if_not_exists(expires_at, :until)",
        {":outcome": outcome, ":until": clock.epoch(KEPT)},
        when="attribute_not_exists(outcome)",
        otherwise=Counted(),
    )


def _refund_fence(order_id: str, refund_id: str) -> Write:
    return update(
        record_key(order_id),
        "ADD refunds :ids SET expires_at = if_not_exists(expires_at, :until)",
        {":ids": {refund_id}, ":id": refund_id, ":until": clock.epoch(KEPT)},
        when="attribute_not_exists(refunds) OR NOT contains(refunds, :id)",
        otherwise=Counted(),
    )


def _not_in_review(found: Item | None) -> Problem:
    if found is None or "status" not in found:
        return NoSuchScreening("Nothing was screened for this order.")
    return NotInReview(f"The screening is {found['status']}.", present=found["status"])
