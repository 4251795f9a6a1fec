"""What happens to payments: opened, authorized or declined by webhook, refunded, and undone; `taking.py` captures.

Each verb may be called again at any time: it does nothing where its effect is there already.
"""

from dataclasses import replace
from typing import Any

from ledger.contract import PROVIDER_FEES, AlreadyBooked, book, credit, debit
from ledger.contract import provider as account_of
from market import clock, config
from market.errors import NotFound
from market.events import announce
from market.guard import limits
from market.money import Money
from market.table import Write
from orders.contract import PENDING as ORDER_PENDING
from orders.contract import OrderSnapshot
from payments import history, incidents, methods, store, taking, unreturned, waiting
from payments.events import PaymentRefunded
from payments.gateway import Intent, Payable, provider
from payments.manifest import MANIFEST
from payments.model import (
    AUTHORIZED,
    CAPTURED,
    FAILED,
    METHODS,
    PENDING,
    REFUNDED,
    STILL_PAYING,
    VOIDED,
    CancelledByCustomer,
    MethodGone,
    Mismatch,
    NotPaidInTime,
    NotPayable,
    Payment,
    ProviderUnavailable,
    RefundRefused,
    StillPaying,
)
from payments.store import Moved


def open_for(customer_id: str, order_id: str, method: str = "", saved: str = "") -> Payment:
    """The payment of a placed order, made with the provider on the first call; `saved` is paid with at once.

    Another method than before takes its place as long as nothing is paid. Raises NotFound, NotPayable, NotOffered, or
    RateLimited for an order that changes its method all the time.
    """
    order, payment = store.with_order(customer_id, order_id)
    if order is None or order.owner != customer_id:
        raise NotFound("There is no such order.")
    begun = payment if payment and payment.status else None
    name, saved_method, ref = methods.owned(customer_id, saved) if saved else (method, "", "")
    name = name or (begun.provider if begun else methods.offered()[0])
    late = order.status != ORDER_PENDING or order.hold_until <= clock.timestamp()
    if begun and _stands(begun, name, saved_method):
        if not late:
            store.still_active(begun)
        return _woken(begun)
    if late or (payment and (payment.wish or payment.status not in ("", PENDING))):
        raise NotPayable("This order does not await a payment.")
    methods.require(name)
    try:
        if begun and not begun.reference:
            begun = _finish(order, begun)
            if _stands(begun, name, saved_method):
                return begun
        if begun and begun.reference:
            limits.take("checkout", order_id)  # the first is one for each order, and orders are counted themselves
            begun = _leave(begun)
        attempt = begun.attempt + 1 if begun else 1
        payable = replace(_payable(order, attempt), saved_method=saved_method, customer_ref=ref)
        if saved_method:
            begun = store.plan(payable, name, instead_of=begun)
        return _opened(payable, name, instead_of=begun)
    except Moved as moved:
        if moved.payment and _stands(moved.payment, name, saved_method):
            return _woken(moved.payment)
        raise NotPayable("This order does not await a payment by this method.") from None


def hear_paid(name: str, intent: Intent) -> None:
    """A provider says that the money is there: take it, and let the checkout go on.

    Raises Mismatch if it speaks of other money.
    """
    if payment := _heard(name, intent):
        taking.go_on(payment)


def await_payment(order_id: str, token: str) -> None:
    """Let the checkout wait with `token`; wakes it at once if the payment is decided already."""
    try:
        store.await_with(order_id, token)
    except Moved as moved:
        waiting.wake(moved.payment, token)


def resolve(order_id: str) -> None:
    """The wait is over without a word from the provider: ask it, since a timeout is not a decline.

    Raises NotPaidInTime unless the payment is authorized, or StillPaying if the customer was at it just now.
    """
    payment = store.get(order_id)
    if payment and payment.status == PENDING and not payment.reference:
        payment = _planned(payment)
    if payment and payment.status == PENDING and payment.reference:
        intent = provider(payment.provider).retrieve(payment.reference)
        if intent.status in (AUTHORIZED, CAPTURED):
            _heard(payment.provider, intent)
            payment = store.get(order_id)
    if payment is None or payment.status not in (AUTHORIZED, CAPTURED):
        paying = payment and payment.tried_since(clock.iso(clock.now() - STILL_PAYING))
        raise StillPaying(order_id) if paying else NotPaidInTime(order_id)


def undo(order_id: str) -> None:
    """Leave nothing charged: void what is not captured, refund what is. Leaves a tombstone where nothing began.

    The provider's word counts, not ours: the answer to a capture may have been lost.
    """
    try:
        payment = store.void(order_id)
    except Moved:
        payment = known(order_id)
    if payment.amount is None:
        return
    if payment.settlement:
        incidents.pay_back(payment.provider, order_id, "undo", payment.amount, at=payment.settlement.at)
    if payment.status == REFUNDED:
        return
    if not payment.reference:
        payment = _planned(payment)
    if payment.reference:
        _give_up(payment)


def cancel(order_id: str) -> None:
    """The customer wants out: end the checkout's wait, now or as soon as it begins; or stop it before the capture."""
    try:
        payment = store.wish_to_cancel(order_id)
    except Moved:
        return
    if payment.token and payment.status != AUTHORIZED:
        waiting.fail(payment.token, CancelledByCustomer.__name__)


def refund(order_id: str, refund_id: str, amount: Money) -> dict[str, Any]:
    """Give captured money back, all or part, once for each refund id; at most what was captured, whoever else asks.

    Raises RefundRefused, which is final, or ProviderUnavailable while the refund is pending, or where money came by
    hand at the same moment: ask again.
    """
    payment = store.get(order_id)
    if payment is None or payment.captured is None:
        raise RefundRefused("not_captured")
    begun = history.begin_refund(payment, refund_id, amount)
    entry = begun.details
    if entry["status"] == "refused":
        raise RefundRefused(entry["reason"])
    if entry["status"] == "succeeded":
        returned = Money(entry["fee_returned"], amount.currency)
        return {"provider": payment.provider, "reference": entry["reference"], "feeReturned": returned.plain()}
    try:
        done = provider(payment.provider).refund(refund_id, payment.reference, amount)
        if done.status == "failed":
            raise RefundRefused("refused_by_provider")
    except RefundRefused as refused:
        history.refuse_refund(payment, refund_id, amount, refused.detail)
        raise
    if done.status != "succeeded":
        raise ProviderUnavailable("The refund is on its way.")
    if entry.get("collected"):
        incidents.pay_back(payment.provider, order_id, refund_id, amount, at=begun.at)
    history.end_refund(order_id, refund_id, done)
    fee = done.fee or Money(0, amount.currency)
    return {"provider": payment.provider, "reference": done.reference, "feeReturned": fee.plain()}


def give_up_stray(name: str, intent: Intent, payment: Payment) -> None:
    """Leave nothing of an intent that is not, or no longer, the payment's own: void or refund it, the payment stays."""
    stray = replace(payment, provider=name, reference=intent.reference, amount=intent.amount)
    _give_up(replace(stray, status=PENDING, closing=True))


def compare(name: str, intent: Intent, payment: Payment) -> None:
    """Raises Mismatch if the provider speaks of other money than the payment's; its reason names the first difference.

    An intent that the customer left may say what it will.
    """
    if payment.left(name, intent.reference):
        return
    assert payment.amount
    told = (name, intent.reference, intent.amount.currency, intent.amount.amount)
    ours = (payment.provider, payment.reference, payment.amount.currency, payment.amount.amount)
    for what, one, other in zip(("provider", "reference", "currency", "amount"), told, ours, strict=True):
        if one != other:
            raise Mismatch(what)


def known(order_id: str) -> Payment:
    """Raises Moved."""
    payment = store.get(order_id)
    if payment is None:
        raise Moved("there is no payment")
    return payment


def _heard(name: str, intent: Intent) -> Payment | None:
    """The payment that is authorized, by now or already; None if nothing comes of the authorization."""
    try:
        return store.authorize(name, intent)
    except Moved as moved:
        return _paid_late(name, intent, moved.payment)


def _stands(payment: Payment, name: str, saved_method: str) -> bool:
    """Whether this is the payment asked for, ready to be paid or paid already."""
    usable = payment.reference and not payment.closing and not payment.wish
    same = payment.provider == name and saved_method in ("", payment.saved_method)
    return bool(usable and same and payment.status in (PENDING, AUTHORIZED))


def _payable(order: OrderSnapshot, attempt: int) -> Payable:
    return Payable(
        order_id=order.id,
        number=order.number,
        amount=order.total,
        customer_id=order.customer_id,
        email=order.origin.get("email", ""),
        return_url=f"{config.setting('STORE_URL')}/orders/{order.number}",
        attempt=attempt,
    )


def _opened(payable: Payable, name: str, *, instead_of: Payment | None) -> Payment:
    """Make the intent and record it; what is authorized at once lets the checkout go on."""
    intent = provider(name).create(payable)
    if intent.amount != payable.amount:
        raise Mismatch("amount")
    return _woken(store.open_payment(payable, intent, name, instead_of=instead_of))


def _woken(payment: Payment) -> Payment:
    """The payment, whose checkout goes on if it is authorized: told by each repetition too, as a word may get lost."""
    waiting.authorized(payment)
    return payment


def _finish(order: OrderSnapshot, plan: Payment) -> Payment:
    """Record the intent that was planned, as its idempotency key finds or makes it; the plan if there can be none."""
    try:
        return _opened(_as_planned(order, plan), plan.provider, instead_of=plan)
    except MethodGone:
        return plan


def _as_planned(order: OrderSnapshot, plan: Payment) -> Payable:
    _, method_id, ref = methods.owned(order.owner, f"{plan.provider}.{plan.saved_method}")
    return replace(_payable(order, plan.attempt), saved_method=method_id, customer_ref=ref)


def _planned(payment: Payment) -> Payment:
    """The planned payment with the reference that it has at the provider, if it has one.

    One that was never made may be made by asking, for an order that is over to be voided at once: there is no other way
    to be sure that none was made unheard.
    """
    order, _ = store.with_order(payment.customer_id, payment.order_id)
    assert order
    if payment.status == PENDING:
        return _finish(order, payment)
    try:
        made = provider(payment.provider).create(_as_planned(order, payment))
    except MethodGone:
        return payment
    return replace(payment, reference=made.reference)


def _leave(payment: Payment) -> Payment:
    """The customer wants another method: take the old intent out of use, here first and then at its provider."""
    if payment.attempt >= METHODS:
        raise NotPayable("The method was changed too often.")
    payment = store.close(payment)
    history.note_left(payment)
    _give_up(payment)
    return payment


def _paid_late(name: str, intent: Intent, payment: Payment | None) -> Payment | None:
    """An authorization that changes nothing: a repetition, one for a payment given up, or one that is not ours.

    Answers the payment if it goes on.
    """
    if payment is None or (not payment.reference and payment.status in ("", PENDING)):
        # The provider was faster than our own record of the intent: the queue brings it again.
        raise store.NotRecorded("unknown_payment")
    if payment.left(name, intent.reference) or not payment.reference:
        give_up_stray(name, intent, payment)
        return None
    compare(name, intent, payment)
    if payment.closing or payment.status in (VOIDED, FAILED):
        _give_up(payment)
        return None
    return payment


def _give_up(payment: Payment) -> None:
    """Leave nothing of an intent at its provider, and book what that cost; or what is owed if it refuses that.

    That ends the payment, unless it is `closing`: then it is about an intent that the customer left for another.
    """
    assert payment.amount
    # A left intent and the one after it are two charges: their refunds must not be taken for one another. Nor must the
    # one refund of an intent be taken for two, if its payment is given up while it is being left.
    key = payment.reference if payment.closing else payment.key
    try:
        kept = _release(payment.provider, key, payment.reference, payment.amount)
    except RefundRefused:
        unreturned.owe(payment, provider(payment.provider).retrieve(payment.reference))
        raise
    if kept is None:
        return
    booked = [_loss(payment, unreturned.named("undone", payment), kept)] if kept.amount else []
    booked.append(unreturned.given_back(payment))
    if payment.closing and payment.status == PENDING:
        store.book_once(*booked)
        return
    told = PaymentRefunded(
        order_id=payment.order_id,
        customer_id=payment.customer_id,
        amount=payment.amount,
        provider=payment.provider,
    )
    try:
        store.undone(payment, *booked, announce(told, by=MANIFEST))
    except (Moved, AlreadyBooked):
        return


def _loss(payment: Payment, name: str, kept: Money) -> Write:
    """The provider's fee for money that came and went."""
    postings = [debit(PROVIDER_FEES, kept), credit(account_of(payment.provider), kept)]
    return book(payment.order_id, name, kept.currency, postings)


def _release(name: str, key: str, reference: str, amount: Money) -> Money | None:
    """Void what is not captured, refund what is; answers what the provider keeps of a refunded charge.

    Raises ProviderUnavailable while a refund is pending, RefundRefused if it is refused for good.
    """
    port = provider(name)
    intent = port.retrieve(reference)
    if intent.status not in (CAPTURED, REFUNDED):
        if intent.status not in (VOIDED, FAILED):
            port.void(key, reference)
        return None
    fee = intent.fee or Money(0, amount.currency)
    try:
        done = port.refund(f"undo-{key}", reference, amount)
    except RefundRefused:
        if intent.status != REFUNDED:
            raise
        return fee  # refunded by somebody else, and the provider does not say what became of the fee
    if done.status == "failed":
        raise RefundRefused("refused_by_provider")
    if done.status != "succeeded":
        raise ProviderUnavailable("The refund is on its way.")
    return fee - done.fee if done.fee else fee
