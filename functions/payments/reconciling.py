"""Compares our book of payments with the providers', and repairs what can be repaired without a person.

A run looks at the youngest payments, so that a webhook that got lost costs minutes, and at orders that wait; some hours
of the last days follow, until a daily sweep has seen them all. What looks different is looked at again, between two
equal readings of our own book: a payment that moves meanwhile is left to the next run. Every repair is what a webhook
or the checkout's undo does, so that doing it twice, or beside them, is doing it once.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial

from market import clock, log
from market.errors import NotFound, Problem
from market.table import BadCursor, Busy
from orders.contract import PENDING as ORDER_PENDING
from orders.contract import WAITING
from payments import books, differences, discrepancies, history, methods, service, store
from payments.books import Facts
from payments.differences import HEAR, TELL, UNDO, Difference
from payments.discrepancies import Found, Progress
from payments.gateway import BY_HAND, Intent, provider
from payments.model import CAPTURED, PENDING, Contradicted, Payment, ProviderUnavailable

GRACE = timedelta(minutes=2)
"""How long a payment is too young to be looked at: its webhook is on its way."""

YOUNG = timedelta(minutes=75)
"""How old a payment is when every run has looked at it long enough: its order, however long held, has ended by then."""

WINDOW, SWEEP_EVERY, HOUR = timedelta(days=4), timedelta(days=1), timedelta(hours=1)
"""What a sweep looks back at, longer than a review may take; how often there is one; the piece in which it is done."""

LISTED_WITHIN = timedelta(hours=3)
"""How late the slowest of the providers lists a payment."""

HOURS_A_RUN = 8
PATIENCE = timedelta(hours=1)
"""How long a repair may be put off, because a provider does not answer, before a person is told."""


@dataclass(slots=True)
class Run:
    """What a run has seen and done. compared: `<provider> <reference>` of what the providers listed."""

    compared: set[str] = field(default_factory=set)
    repaired: int = 0
    put_off: int = 0
    differing: int = 0


def run() -> dict[str, int]:
    """One run. Answers how many differences were `repaired`, `putOff` to another run, and left to a person."""
    done, now = Run(), clock.now()
    for name in _asked():
        _each(done, name, partial(_listed, done, name, now - YOUNG, now - GRACE))
    reached = discrepancies.progress(len(WAITING))
    after = replace(reached, waiting=tuple(_wait(done, *each) for each in enumerate(reached.waiting)))
    if after != reached:
        discrepancies.proceed(after)
    _sweep(done, after, now)
    if done.differing:
        log.ring("payments differ", "PaymentsDiffer", done.differing)
    return {"repaired": done.repaired, "putOff": done.put_off, "differing": done.differing}


def _asked() -> list[str]:
    """The methods on offer behind which another company keeps a book."""
    return [name for name in methods.offered() if name not in BY_HAND]


def _each(done: Run, name: str, compare: Callable[[], None]) -> bool:
    """Whether a provider, or one of its payments, could be looked at: what is wrong with one must not stop the rest."""
    try:
        compare()
    except ProviderUnavailable:
        log.warning("provider not compared", provider=name)
        return False
    except Exception as mistake:
        log.error("comparison failed", mistake, provider=name)
        done.differing += 1
    return True


def _listed(done: Run, name: str, since: datetime, until: datetime) -> None:
    """Compare what a provider lists. Raises ProviderUnavailable."""
    for intent in provider(name).recent(since, until):
        done.compared.add(f"{name} {intent.reference}")
        if not _each(done, name, partial(_compare, done, name, intent.reference, intent.order_id, intent)):
            raise ProviderUnavailable("The provider fell silent.")


def _ours(done: Run, payment: Payment) -> bool:
    """Compare a payment of ours that its provider has not listed; whether its provider could be asked."""
    name, reference = payment.provider, payment.reference
    if not reference or name not in _asked() or f"{name} {reference}" in done.compared:
        return True
    return _each(done, name, lambda: _compare(done, name, reference, payment.order_id, _ask(name, reference)))


def _wait(done: Run, shard: int, cursor: str) -> str:
    """Look at a page of the orders that wait, those at the front next time after the last; where to go on."""
    try:
        waiting, following = books.waiting(shard, cursor or None)
    except BadCursor:
        return ""  # the secret that signs cursors was changed
    young, stuck = clock.iso(clock.now() - GRACE), clock.iso(clock.now() - differences.UNDONE_WITHIN)
    for order in waiting:
        payment = order.payment
        if payment and payment.status == PENDING and payment.moments.get("opened", "") < young:
            _ours(done, payment)
        if order.hold_until < stuck:
            _stuck(done, order.order_id, stuck)
    return following or ""


def _stuck(done: Run, order_id: str, stuck: str) -> None:
    facts = books.facts(order_id)
    order = facts.order
    if order and order.status == ORDER_PENDING and order.hold_until < stuck and not facts.in_review:
        _differs(done, "", "", Difference("order_stuck"), None, facts)


def _sweep(done: Run, reached: Progress, now: datetime) -> None:
    """Some hours of the window, each followed by a note of how far we came."""
    if not reached.sweep:
        if reached.began > clock.iso(now - SWEEP_EVERY):
            return
        start = (now - WINDOW).replace(minute=0, second=0, microsecond=0)
        reached = replace(reached, sweep=clock.iso(start), began=clock.iso(now))
    elif reached.began < clock.iso(now - SWEEP_EVERY):
        log.error("sweep is behind", hour=reached.sweep)
        done.differing += 1
    for _ in range(HOURS_A_RUN):
        hour = datetime.fromisoformat(reached.sweep)
        if hour + HOUR > now - LISTED_WITHIN:
            reached = replace(reached, sweep="")
            break
        if not _hour(done, hour):
            break
        reached = replace(reached, sweep=clock.iso(hour + HOUR))
    discrepancies.proceed(reached)


def _hour(done: Run, hour: datetime) -> bool:
    """Both ways: what the providers opened within the hour, what ended with us; whether all of them answered."""
    answered = [_each(done, name, partial(_listed, done, name, hour, hour + HOUR)) for name in _asked()]
    return all(answered) and all([_ours(done, payment) for payment in books.ended(hour)])


def _ask(name: str, reference: str) -> Intent | None:
    """None for what the provider does not know, or has forgotten because nobody paid it."""
    try:
        return provider(name).retrieve(reference)
    except (NotFound, Contradicted):
        return None


def _compare(done: Run, name: str, reference: str, order_id: str, intent: Intent | None) -> None:
    """Raises ProviderUnavailable."""
    before = books.facts(order_id)
    if _judged(name, intent, before) is None:
        return
    intent, facts = _ask(name, reference), books.facts(order_id)
    difference = _judged(name, intent, facts)
    if difference and facts == before:
        _differs(done, name, reference, difference, intent, facts)


def _judged(name: str, intent: Intent | None, facts: Facts) -> Difference | None:
    difference = differences.of_intent(name, intent, facts) if intent else differences.of_missing(facts)
    return difference or _slow_refund(facts.payment)


def _slow_refund(payment: Payment | None) -> Difference | None:
    if payment is None or payment.status != CAPTURED or payment.refunded in (None, payment.returned):
        return None
    entries, _ = history.page(payment.order_id, limit=100, cursor=None, begins="refund#")
    since = clock.iso(clock.now() - differences.REFUNDED_WITHIN)
    slow = [entry for entry in entries if entry.details["status"] == PENDING and entry.at < since]
    return Difference("refund_pending") if slow else None


def _differs(done: Run, name: str, reference: str, difference: Difference, intent: Intent | None, facts: Facts) -> None:
    """Keep a difference, and repair it if we may."""
    ours, theirs = differences.sides(intent, facts)
    kind, order_id = difference.kind, facts.order_id
    found = Found(kind=kind, order_id=order_id, provider=name, reference=reference, ours=ours, theirs=theirs)
    since = discrepancies.note(found)
    try:
        if difference.action == TELL or intent is None:
            raise Unrepaired
        _repair(name, difference, intent, facts)
    except (ProviderUnavailable, Busy):
        done.put_off += 1
        log.warning("repair put off", kind=kind, order_id=order_id, provider=name)
        done.differing += since < clock.iso(clock.now() - PATIENCE)
    except Problem as problem:
        done.differing += 1
        log.error("payment differs", kind=kind, order_id=order_id, provider=name, reason=type(problem).__name__)
    else:
        done.repaired += 1
        discrepancies.repaired(found)
        log.info("payment repaired", kind=kind, order_id=order_id, provider=name)


class Unrepaired(Problem):
    """What differs is for a person to decide."""


def _repair(name: str, difference: Difference, intent: Intent, facts: Facts) -> None:
    if difference.action == HEAR:
        service.hear_paid(name, intent)
    elif difference.action == UNDO:
        service.undo(facts.order_id)
    else:
        service.give_up_stray(name, intent, facts.payment or _tombstone(facts.order_id))


def _tombstone(order_id: str) -> Payment:
    """What keeps a payment from beginning after all, for an order that is over."""
    found = store.get(order_id)
    if found is None or not found.status:
        service.undo(order_id)
    return service.known(order_id)
