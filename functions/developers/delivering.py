"""Webhooks: a vendor's endpoints, what is on its way to them, and every attempt.

A delivery is a row first and a message second: the row says what is due, a message on the queue only that somebody
should look. So a lost message costs minutes (the schedule finds the row), and a second one nothing: an attempt is
taken on once.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from itertools import islice
from typing import Any

import orjson

from developers import gateway, messages, model, signing, store
from developers.model import (
    ACTIVE,
    DISABLED,
    FAILED,
    LEASE,
    LOST,
    PAUSED,
    PENDING,
    SKIPPED,
    SUCCEEDED,
    Attempt,
    Delivery,
    Endpoint,
    StillUnderWay,
    WebhookOff,
)
from developers.store import Appointment
from market import clock, config, ids, log
from market.events import Envelope

GONE = 410
MOST_REPLAYED = 100
"""Deliveries that one request replays; ask again for more."""

_BATCH = 10
_DUE = 250
_PATIENCE = 30
"""Minutes that an attempt may be due before a person is called; the schedule comes every five."""

_FAILING, _ASKED = "failing", "gone"


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What an endpoint is to be."""

    url: str
    events: tuple[str, ...]
    description: str
    active: bool


def make(vendor_id: str, wish: Wish) -> Endpoint:
    """A new endpoint. Raises UrlRefused, TooManyWebhooks."""
    target, _ = gateway.checked(wish.url)
    made = Endpoint(
        id=ids.new("whk"),
        vendor_id=vendor_id,
        url=str(target),
        events=tuple(sorted(set(wish.events))),
        description=wish.description,
        status=ACTIVE if wish.active else PAUSED,
        version=1,
        made_at=clock.timestamp(),
    )
    store.add(made)
    return made


def secret_of(endpoint: Endpoint) -> str:
    """The endpoint's present secret, to be shown when it is new and never again."""
    return signing.secret(endpoint.id, endpoint.rotation)


def change(endpoint: Endpoint, wish: Wish) -> Endpoint:
    """Switching it on forgets why it was off. Raises UrlRefused, PreconditionFailed."""
    url = endpoint.url if wish.url == endpoint.url else str(gateway.checked(wish.url)[0])
    changed = replace(endpoint, url=url, events=tuple(sorted(set(wish.events))), description=wish.description)
    if wish.active and endpoint.status != ACTIVE:
        changed = replace(changed, status=ACTIVE, failing_since=0, reason="")
    if not wish.active and endpoint.status != DISABLED:
        changed = replace(changed, status=PAUSED)
    return store.save(endpoint, changed)


def rotate(endpoint: Endpoint, overlap: timedelta) -> Endpoint:
    """A new secret; until the overlap is over, deliveries carry both signatures. Raises PreconditionFailed."""
    until = clock.epoch(overlap) if overlap else 0
    return store.save(endpoint, replace(endpoint, rotation=endpoint.rotation + 1, previous_until=until))


def spread(event: Envelope) -> None:
    """Put an event on its way to every active endpoint that wants it; heard twice, it goes out once."""
    for vendor_id, body in messages.told(event).items():
        for endpoint in store.endpoints(vendor_id):
            if endpoint.status == ACTIVE and event.type in endpoint.events:
                _set_out(_new(endpoint, event.eventId, event.type, body))


def test(endpoint: Endpoint) -> Delivery:
    """Send something harmless, even where nothing is subscribed. Raises WebhookOff."""
    _require_active(endpoint)
    payload = messages.Tested(webhook_id=endpoint.id)
    body = messages.body(messages.TEST, clock.timestamp(), payload)
    return _set_out(_new(endpoint, ids.ulid(), messages.TEST, body))


def replay(endpoint: Endpoint, delivery_id: str) -> Delivery:
    """Send again what is over, under the same message id. Raises WebhookOff, NoSuchDelivery, StillUnderWay."""
    _require_active(endpoint)
    again = store.replay(store.delivery(endpoint.id, delivery_id))
    _tell([_appointment(again)])
    return again


def replay_since(endpoint: Endpoint, since: datetime) -> tuple[int, bool]:
    """Send again what came to nothing and was made since then, the newest first: how many; whether there is more."""
    _require_active(endpoint)
    lost = _lost_since(endpoint.id, clock.iso(since))
    again = [replayed for seen in islice(lost, MOST_REPLAYED) if (replayed := _replayed(seen))]
    _tell(map(_appointment, again))
    return len(again), next(lost, None) is not None


def _lost_since(endpoint_id: str, oldest: str) -> Iterator[Delivery]:
    cursor: str | None = None
    while True:
        page, cursor = store.lost(endpoint_id, limit=_BATCH * 10, cursor=cursor)
        for seen in page:
            if seen.made_at < oldest:
                return
            if seen.status in LOST:
                yield seen
        if cursor is None:
            return


def _replayed(seen: Delivery) -> Delivery | None:
    try:
        return store.replay(seen)
    except StillUnderWay:
        return None


def attempt(due: Appointment) -> None:
    """Carry out an attempt that is due, unless it was carried out, taken on or is no longer wanted."""
    endpoint, seen = store.both(due.vendor_id, due.endpoint_id, due.delivery_id)
    if seen is None or seen.status != PENDING or store.appointment(seen) != due.at:
        return
    try:
        claimed = store.claim(seen)
    except store.Taken:
        return
    if endpoint is None or endpoint.status != ACTIVE:
        store.settle(claimed, None, SKIPPED)
        return
    at = clock.timestamp()
    outcome = gateway.send(endpoint.url, _headers(endpoint, claimed), claimed.body.encode())
    _settle(endpoint, claimed, Attempt(at=at, **asdict(outcome)))


def look_after() -> dict[str, int]:
    """Put everything on the queue that is due. Answers how much that is."""
    waiting = list(store.due(_DUE))
    _tell(waiting)
    oldest = min((one.since for one in waiting), default=clock.now())
    late = (clock.now() - oldest) // timedelta(minutes=1)
    if late > _PATIENCE:
        log.ring("webhooks late", "WebhooksLate", late)
    return {"due": len(waiting)}


def _headers(endpoint: Endpoint, claimed: Delivery) -> dict[str, str]:
    now = clock.epoch()
    signed = signing.headers(endpoint.id, endpoint.rotations(now), claimed.message_id, now, claimed.body.encode())
    return signed | {"content-type": "application/json"}


def _settle(endpoint: Endpoint, claimed: Delivery, done: Attempt) -> None:
    log.info(
        "webhook attempted", webhook=endpoint.id, delivery=claimed.id, status=done.status, error=done.error or None
    )
    if 200 <= done.status < 300:
        store.settle(claimed, done, SUCCEEDED)
        if endpoint.failing_since:
            store.recovered(endpoint)
        return
    wait = model.pause(claimed.tries, ids.randbits(20))
    if wait is None or done.status == GONE:
        store.settle(claimed, done, FAILED)
    else:
        store.settle(claimed, done, PENDING, due=clock.epoch(wait))
    _note_failure(endpoint, asked_to_stop=done.status == GONE)


def _note_failure(endpoint: Endpoint, *, asked_to_stop: bool) -> None:
    if asked_to_stop or endpoint.given_up(clock.epoch()):
        store.disable(endpoint, _ASKED if asked_to_stop else _FAILING)
        log.warning("webhook disabled", webhook=endpoint.id, vendor_id=endpoint.vendor_id)
    elif not endpoint.failing_since:
        store.failing(endpoint)


def _new(endpoint: Endpoint, delivery_id: str, kind: str, body: str) -> Delivery:
    return Delivery(
        id=delivery_id,
        endpoint_id=endpoint.id,
        vendor_id=endpoint.vendor_id,
        type=kind,
        body=body,
        status=PENDING,
        made_at=clock.timestamp(),
        due=clock.epoch(LEASE),
    )


def _set_out(made: Delivery) -> Delivery:
    """A message goes out for a row that was there already, too: perhaps the first one was lost in a crash."""
    if not store.enqueue(made):
        made = store.delivery(made.endpoint_id, made.id)
    _tell([_appointment(made)])
    return made


def _appointment(made: Delivery) -> Appointment:
    return Appointment(made.vendor_id, made.endpoint_id, made.id, store.appointment(made))


def _tell(due: Iterable[Appointment]) -> None:
    """Put appointments on the queue. What it does not take, the schedule finds in the table."""
    entries = [
        {"Id": str(number % _BATCH), "MessageBody": orjson.dumps(_message(one)).decode()}
        for number, one in enumerate(due)
    ]
    for first in range(0, len(entries), _BATCH):
        config.client("sqs").send_message_batch(
            QueueUrl=config.setting("DELIVERY_QUEUE_URL"), Entries=entries[first : first + _BATCH]
        )


def _message(due: Appointment) -> Mapping[str, Any]:
    return asdict(due) | {"correlation_id": log.scope().correlation_id}


def _require_active(endpoint: Endpoint) -> None:
    if endpoint.status != ACTIVE:
        raise WebhookOff("Switch the webhook on first.", present=endpoint.status)
