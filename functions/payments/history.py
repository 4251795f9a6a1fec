"""What happens to a payment more than once, each on a line of its own beside the payment.

A line's key makes a repetition the same line: `notice#…` of a provider's webhook, `refund#…`, `left#…` of a method that
the customer left. A refund's line keeps it from being made twice: its money is set aside with it, in one transaction.
"""

from contextlib import suppress

from fraud.contract import MANIFEST as FRAUD
from ledger.contract import MANIFEST as LEDGER
from market import clock
from market.errors import Conflict
from market.money import Money
from market.table import NEW, Item, Key, Table, Write, put, update
from orders.contract import MANIFEST as ORDERS
from payments.gateway import Notice, Refund
from payments.manifest import MANIFEST
from payments.model import CAPTURED, PENDING, REFUNDED, Contradicted, Entry, Payment, RefundRefused
from payments.store import Moved, change, get, payment_key
from payments.words import kept

_table = Table(MANIFEST, FRAUD, LEDGER, ORDERS)
PAYLOAD = 4_000
"""Characters kept of a provider's own words, which are rid of the buyer first."""


class Known(Conflict):
    """The line was written before."""


class Ended(Conflict):
    """The refund came to its end before."""


def page(order_id: str, *, limit: int, cursor: str | None, begins: str = "") -> tuple[list[Entry], str | None]:
    """One page of a payment's lines; begins: of one kind only, such as `refund#`."""
    found = _table.query(payment_key(order_id).pk, begins=begins, limit=limit, cursor=cursor)
    return [_entry(item) for item in found.items if item["sk"] != "-"], found.next


def note(provider: str, notice: Notice, payload: str, *signs: Write) -> None:
    """Keep what a provider said of a payment, once per notice, and nothing of the buyer.

    signs: changes of a pending payment that the first delivery makes, and only while it is pending.
    """
    intent = notice.intent
    line = {
        "at": clock.timestamp(),
        "provider": provider,
        "type": notice.type,
        "reference": intent.reference,
        "amount": intent.amount.amount,
        "currency": intent.amount.currency,
        "payload": kept(payload)[:PAYLOAD],
    } | ({"failure": notice.failure} if notice.failure else {})
    key = Key(payment_key(intent.order_id).pk, f"notice#{provider}#{notice.id}")
    try:
        _once(key, line, *signs)
    except Moved:
        _once(key, line)


def note_left(payment: Payment) -> None:
    """Keep that the customer left this payment's intent for another method."""
    line = {"at": clock.timestamp(), "provider": payment.provider, "reference": payment.reference}
    _once(Key(payment_key(payment.order_id).pk, f"left#{payment.attempt:02}"), line)


def begin_refund(payment: Payment, refund_id: str, amount: Money) -> Entry:
    """Set the money of a refund aside, once for each id; the refund as it stands.

    It remembers whether its money had been `collected` by hand: only that is to be paid back, since what is set aside
    before is no longer due. Raises RefundRefused for more than is left, or if its id came with another amount;
    Contradicted if the money came meanwhile.
    """
    known = _refund_of(payment.order_id, refund_id)
    if known is None:
        assert payment.captured
        room = payment.captured.amount - amount.amount
        collected = payment.settlement is not None
        entry: Item = {"at": clock.timestamp(), "amount": amount.amount, "currency": amount.currency, "status": PENDING}
        entry |= {"collected": True} if collected else {}
        set_aside = change(
            payment.order_id,
            "ADD refunded :amount",
            {":amount": amount.amount, ":room": room, ":captured": CAPTURED, ":currency": amount.currency},
            "status = :captured AND currency = :currency AND (attribute_not_exists(refunded) OR refunded <= :room)"
            f" AND attribute_{'' if collected else 'not_'}exists(settlement)",
        )
        try:
            _table.transact(
                put(_refund_key(payment.order_id, refund_id), entry, when=NEW, otherwise=Conflict()), set_aside
            )
        except Moved as moved:
            if moved.payment and (moved.payment.settlement is not None) != collected:
                raise Contradicted("The money came meanwhile.") from None
            raise RefundRefused("not_refundable") from None
        except Conflict:
            known = _refund_of(payment.order_id, refund_id)
        if known is None:
            return Entry(kind="refund", at=entry["at"], details=entry)
    if (known.details["amount"], known.details["currency"]) != (amount.amount, amount.currency):
        raise RefundRefused("another_amount")
    return known


def end_refund(order_id: str, refund_id: str, refund: Refund) -> None:
    """The money of a refund is back, once: with the last of it the payment is refunded."""
    key, fee = _refund_key(order_id, refund_id), refund.fee or Money(0, refund.amount.currency)
    done = update(
        key,
        "SET status = :done, reference = :reference, fee_returned = :fee, done_at = :now",
        {
            ":done": "succeeded",
            ":pending": PENDING,
            ":reference": refund.reference,
            ":fee": fee.amount,
            ":now": clock.timestamp(),
        },
        when="status = :pending",
        otherwise=Ended(),
    )
    while True:
        payment = get(order_id)
        assert payment
        assert payment.captured
        before = payment.returned.amount if payment.returned else 0
        after = before + refund.amount.amount
        values: Item = {":after": after, ":before": before}
        text = "SET returned = :after"
        if after == payment.captured.amount:
            text += ", status = :refunded, refunded_at = :now"
            values |= {":refunded": REFUNDED, ":now": clock.timestamp()}
        when = "returned = :before" if before else "(attribute_not_exists(returned) OR returned = :before)"
        try:
            _table.transact(done, change(order_id, text, values, when))
        except Ended:
            return
        except Moved:
            continue  # another refund of this payment came to its end meanwhile
        return


def refuse_refund(payment: Payment, refund_id: str, amount: Money, reason: str) -> None:
    """The provider refused for good: the money that was set aside stays where it is."""
    refused = update(
        _refund_key(payment.order_id, refund_id),
        "SET status = :refused, reason = :why, done_at = :now",
        {":refused": "refused", ":pending": PENDING, ":why": reason, ":now": clock.timestamp()},
        when="status = :pending",
        otherwise=Ended(),
    )
    back = update(payment_key(payment.order_id), "ADD refunded :less", {":less": -amount.amount})
    try:
        _table.transact(refused, back)
    except Ended:
        return


def _once(key: Key, line: Item, *also: Write) -> None:
    """Write the line and the rest, unless the line is there. Raises Moved if only the payment keeps it from that."""
    new = put(key, line, when=NEW, otherwise=Known())
    with suppress(Known):
        if also:
            _table.transact(new, *also)
        else:
            _table.write(new)


def _refund_key(order_id: str, refund_id: str) -> Key:
    return Key(payment_key(order_id).pk, f"refund#{refund_id}")


def _refund_of(order_id: str, refund_id: str) -> Entry | None:
    item = _table.get(_refund_key(order_id, refund_id), consistent=True)
    return _entry(item) if item else None


def _entry(item: Item) -> Entry:
    kind, _, name = item["sk"].partition("#")
    hidden = ("pk", "sk", "at", "payload")
    details = {"id": name} | {key: value for key, value in item.items() if key not in hidden}
    return Entry(kind=kind, at=item["at"], details=details, payload=item.get("payload", ""))
