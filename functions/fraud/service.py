"""What happens after the verdict: a review waits, ends once, and wakes the checkout; lists and rules change.

Each verb may be called again at any time: it does nothing where its effect is there already.
"""

from dataclasses import replace

import orjson

from fraud import facts, rules, signals, store
from fraud.contract import Screening
from fraud.model import (
    APPROVED,
    EXPIRED,
    OPEN,
    REJECTED,
    WITHDRAWN,
    CancelledByCustomer,
    ListName,
    MarkKind,
    NoSuchScreening,
    NotInReview,
    ReviewRejected,
    Rulebook,
)
from fraud.store import Mark
from market import clock, config, log
from market.errors import Unprocessable
from orders.contract import id_of

NOBODY = "system"
_CLEANERS = {"ip": facts.network, "email": facts.mail, "domain": facts.domain, "bin": facts.issuer}


def screening_of(order_no: str) -> Screening:
    """Raises NoSuchScreening."""
    return _known(id_of(order_no))


def decide(order_no: str, *, approve: bool, by: str, note: str) -> Screening:
    """A person ends a review, once; the checkout goes on by the event. Raises NoSuchScreening or NotInReview."""
    screening = screening_of(order_no)
    store.end(screening, APPROVED if approve else REJECTED, by=by, note=note)
    if approve and screening.amount:
        store.count_approved(screening)
    return _known(screening.order_id)


def await_review(order_id: str, token: str) -> None:
    """Let the checkout wait with `token`; wakes it at once if the review is over already."""
    try:
        store.await_with(order_id, token)
    except NotInReview:
        _wake(_known(order_id), token)


def resolve(order_id: str) -> None:
    """The wait is over without an answer: end the review, unless a decision was made whose word was lost.

    Raises ReviewRejected or CancelledByCustomer unless the payment was approved.
    """
    screening = _known(order_id)
    if screening.status == OPEN:
        try:
            store.end(screening, EXPIRED, by=NOBODY)
        except NotInReview:
            log.info("review decided at the last moment", order_id=order_id)
        screening = _known(order_id)
    if screening.status == WITHDRAWN:
        raise CancelledByCustomer(order_id)
    if screening.status != APPROVED:
        raise ReviewRejected(order_id)


def tell(order_id: str) -> None:
    """A review is over: wake the checkout that waits for it, if it does already."""
    screening = _known(order_id)
    if screening.token:
        _wake(screening, screening.token)


def withdraw(order_id: str) -> None:
    """The order is wanted no more: end its review, or see to it that its payment is never admitted.

    Raises Conflict where a screening comes between; then it is to be heard again.
    """
    screening = store.get(order_id)
    if screening is None or not screening.status:
        store.forbid(order_id)
    elif screening.status == OPEN:
        _withdrawn(screening)


def order_cancelled(account: str, order_id: str, reason: str) -> None:
    """An order came to nothing: no review of it goes on, it is not paid after all, a declined payment is remembered."""
    screening = store.get(order_id)
    if screening and screening.status == OPEN:
        _withdrawn(screening)
    admitted = screening.amount if screening and screening.admitted else None
    store.count_cancelled(account, order_id, refused=reason == "payment_declined", admitted=admitted)


def refunded(account: str, order_id: str, refund_id: str) -> None:
    """Add a refund to the history of its account."""
    store.count_refund(account, order_id, refund_id)


def change_rules(rulebook: Rulebook, *, by: str) -> Rulebook:
    """Put rules in the place of those at `rulebook.version`. Raises Unprocessable, or PreconditionFailed."""
    rules.check(rulebook)
    saved = replace(rulebook, version=rulebook.version + 1, updated_by=by, updated_at=clock.timestamp())
    store.save_rules(saved, rulebook.version)
    return saved


def add_mark(name: ListName, kind: MarkKind, value: str, *, note: str, by: str) -> Mark:
    """Put a value on a list; only its keyed hash and a hint are kept. Raises Unprocessable for no value of its kind."""
    wanted = _CLEANERS.get(kind, str.strip)(value)
    if not wanted:
        errors = [{"field": "body.value", "code": "invalid_value", "message": f"is no {kind}"}]
        raise Unprocessable("The value is not of its kind.", errors=errors)
    return _listed(name, kind, signals.hashed(config.key("fraud"), kind, wanted), _hint(kind, wanted), note, by)


def add_subject(name: ListName, kind: MarkKind, order_no: str, *, note: str, by: str) -> Mark:
    """Put what paid for an order on a list, unseen: a card's fingerprint is nowhere shown.

    Raises NoSuchScreening, or Unprocessable where the screening has none of this kind to give.
    """
    screening = screening_of(order_no)
    if kind not in screening.subjects:
        errors = [{"field": "body.kind", "code": "invalid_value", "message": f"the screening keeps no {kind}"}]
        raise Unprocessable("The screening has nothing of this kind.", errors=errors)
    return _listed(name, kind, screening.subjects[kind], f"of {screening.order_no}", note, by)


def _listed(name: ListName, kind: MarkKind, mark_id: str, hint: str, note: str, by: str) -> Mark:
    mark = Mark(id=mark_id, list=name, kind=kind, hint=hint, note=note, added_by=by, added_at=clock.timestamp())
    store.put_mark(mark)
    return mark


def _hint(kind: str, value: str) -> str:
    """Enough to recognize an entry by: domains and BINs name nobody and are shown, of others a little."""
    if kind in ("domain", "bin"):
        return value
    return f"{value[:2]}…{value[-4:]}" if len(value) > 8 else f"{value[:1]}…"


def _withdrawn(screening: Screening) -> None:
    try:
        store.end(screening, WITHDRAWN, by=NOBODY)
    except NotInReview:
        log.info("review was over before its order was", order_id=screening.order_id)


def _known(order_id: str) -> Screening:
    screening = store.get(order_id)
    if screening is None or not screening.status:
        raise NoSuchScreening("Nothing was screened for this order.")
    return screening


def _wake(screening: Screening, token: str) -> None:
    """Answer the checkout's wait; a token that is gone is fine: the checkout asks again by itself."""
    states = config.client("stepfunctions")
    try:
        if screening.status == APPROVED:
            output = orjson.dumps({"decision": APPROVED}).decode()
            states.send_task_success(taskToken=token, output=output)
        else:
            error = CancelledByCustomer if screening.status == WITHDRAWN else ReviewRejected
            states.send_task_failure(taskToken=token, error=error.__name__, cause="")
    except (states.exceptions.TaskTimedOut, states.exceptions.TaskDoesNotExist):
        log.info("checkout no longer waits", order_id=screening.order_id)
