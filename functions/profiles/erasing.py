"""The end of an account: planned by its owner, taken back within a week, or carried out.

    waiting ──(7 days, nothing open)──▶ erasing ──▶ erased
       └──▶ cancelled                      every service is told to forget the person

Each step is one conditional write and may be repeated: after a crash the schedule finds what is left and goes on.
"""

from datetime import timedelta

from market import clock, log
from profiles import book, exporting, gateway, requests, store
from profiles.model import CANCELLED, ERASING, WAITING, Erasure, NoErasure, StillResponsible

POSTPONED = timedelta(days=1)
PATIENCE = timedelta(hours=2)
"""How long a begun erasure may take until all are told again; it takes seconds."""

cancel = requests.cancel_erasure


def plan(user_id: str) -> Erasure:
    """Have the account erased in a week. Asking again changes nothing. Raises StillResponsible or ErasureUnderWay."""
    if reason := _kept_by(user_id):
        raise StillResponsible("The account is needed at present.", reason=reason)
    planned = requests.plan_erasure(user_id)
    log.info("erasure planned", user_id=user_id, request_id=planned.request_id)
    return planned


def planned_for(user_id: str) -> Erasure:
    """The erasure that is to come. Raises NoErasure."""
    found = requests.erasure_of(user_id)
    if found.status == CANCELLED:
        raise NoErasure("No erasure is planned.")
    return found


def carry_out_due() -> dict[str, int]:
    """Begin every erasure that is due; postpone those of people who are needed; tell again of those that got stuck."""
    counts = {"begun": 0, "postponed": 0, "repeated": 0}
    for user_id in requests.due_erasures():
        erasure = requests.erasure_of(user_id)
        if erasure.status == WAITING and (reason := _kept_by(user_id)):
            requests.postpone(erasure, clock.iso(clock.now() + POSTPONED))
            log.info("erasure postponed", user_id=user_id, reason=reason)
            counts["postponed"] += 1
        elif erasure.status in (WAITING, ERASING):
            stuck = erasure.status == ERASING
            if stuck:
                log.ring("erasure not finished", "ErasuresStuck", user_id=user_id, request_id=erasure.request_id)
            if requests.begin_erasure(erasure, look_again=clock.iso(clock.now() + PATIENCE)):
                counts["repeated" if stuck else "begun"] += 1
    return counts


def erase(user_id: str, request_id: str) -> None:
    """Delete what this service holds. Repeated, or going on after a crash, it ends in the same state.

    Nothing happens unless that very request is being carried out.
    """
    try:
        erasure = requests.erasure_of(user_id)
    except NoErasure:
        return
    if erasure.request_id != request_id or erasure.status != ERASING:
        return
    at = clock.timestamp()
    write, pictures = store.erased(user_id, at)
    gateway.discard(pictures)
    store.TABLE.write(write)
    book.erase(user_id, at)
    exporting.forget(user_id)
    requests.finish_erasure(erasure)
    log.info("profile erased", user_id=user_id, request_id=request_id)


def _kept_by(user_id: str) -> str:
    """Why the account cannot go now: `team` of staff or of a vendor, or `open_orders`; empty if it can."""
    if requests.is_needed(user_id):
        return "team"
    return "open_orders" if requests.has_open_orders(user_id) else ""
