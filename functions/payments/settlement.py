"""Money that comes by hand: cash that the courier collected, a transfer on our bank account. Staff records it."""

from ledger.contract import BANK, book, credit, debit
from ledger.contract import provider as account_of
from market import clock
from market.errors import Conflict, Idempotency, IdempotencyKeyReused, NotFound
from market.events import announce
from market.money import Money
from payments import store, waiting
from payments.events import PaymentSettled
from payments.gateway import BY_HAND
from payments.manifest import MANIFEST
from payments.model import CAPTURED, PENDING, AlreadySettled, NotPayable, Payment, Settlement, WrongAmount
from payments.store import Moved

_AWAITED = {"manual": PENDING, "cod": CAPTURED}
"""In which status a payment is when its money comes: a transfer is waited for, cash comes with the goods."""


def settle(order_id: str, amount: Money, reference: str, *, by: str, request: Idempotency) -> Payment:
    """Record and book the money, once. A transfer that was awaited lets the checkout go on.

    Raises NotFound, NotPayable, AlreadySettled, WrongAmount, IdempotencyKeyReused.
    """
    payment = store.get(order_id)
    if payment is None or payment.provider not in BY_HAND:
        raise NotFound("There is no payment by hand for this order.")
    if payment.settlement is None:
        _check(payment, amount)
        settlement = Settlement(
            reference=reference, at=clock.timestamp(), by=by, key=request.key, fingerprint=request.fingerprint
        )
        postings = [debit(BANK, amount), credit(account_of(payment.provider), amount)]
        told = PaymentSettled(order_id=order_id, amount=amount, provider=payment.provider, reference=reference)
        try:
            store.settle(
                payment,
                settlement,
                book(order_id, "settlement", amount.currency, postings),
                announce(told, by=MANIFEST),
            )
        except Moved as moved:
            if moved.payment is None or moved.payment.settlement is None:
                raise Conflict("The payment was changed at the same time. Please look again.") from None
        payment = store.get(order_id)
        assert payment
    return _settled(payment, request)


def _check(payment: Payment, amount: Money) -> None:
    if payment.status != _AWAITED[payment.provider] or payment.closing or payment.wish:
        raise NotPayable(f"No money is awaited: the payment is {payment.status or 'not begun'}.")
    if amount != payment.due:
        raise WrongAmount("Another amount is due.", due=payment.due.plain() if payment.due else None)


def _settled(payment: Payment, request: Idempotency) -> Payment:
    """The payment as settled by this request. Its checkout is woken by each repetition too."""
    assert payment.settlement
    if payment.settlement.key != request.key:
        raise AlreadySettled("This money is recorded already.", reference=payment.settlement.reference)
    if payment.settlement.fingerprint != request.fingerprint:
        raise IdempotencyKeyReused("This Idempotency-Key came with another request.")
    waiting.authorized(payment)
    return payment
