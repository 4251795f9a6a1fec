"""Webhooks in the table: endpoints of a vendor, and what is on its way to each.

WHK#<vendor id>      -        how many endpoints there are
WHK#<vendor id>      whk_…    one endpoint
WHD#<endpoint id>    <id>     one delivery, by the id of its event, so that an event is delivered once; in index by1
                              under WHD#due#<shard> while it is pending, by the time at which somebody should look
                              after it, and under WHD#lost#<endpoint id> if it came to nothing
"""

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Any
from zlib import crc32

from developers.events import WebhookDisabled
from developers.manifest import MANIFEST
from developers.model import (
    ACTIVE,
    DISABLED,
    KEPT,
    LEASE,
    LOST,
    MAX_ENDPOINTS,
    PENDING,
    Attempt,
    Delivery,
    Endpoint,
    NoSuchDelivery,
    NoSuchWebhook,
    StillUnderWay,
    TooManyWebhooks,
)
from market import clock
from market.errors import Conflict, PreconditionFailed, Problem
from market.events import announce
from market.guard.callers import Caller
from market.table import EXISTS, NEW, Item, Key, Table, Write, delete, put, update
from vendors.contract import MANIFEST as VENDORS
from vendors.contract import require_known

_table = Table(MANIFEST, VENDORS)
_SHARDS = 4
_ENDPOINT = "whk_"
_REMEMBERED_ATTEMPTS = 20


@dataclass(frozen=True, slots=True)
class Appointment:
    """That an attempt of a delivery is due. `at` names this very attempt: afterwards the delivery has another."""

    vendor_id: str
    endpoint_id: str
    delivery_id: str
    at: str

    @property
    def since(self) -> datetime:
        """When it is, or was, due."""
        return datetime.fromisoformat(self.at.partition("#")[0])


class Taken(Conflict):
    """Somebody else has taken on this attempt, or the delivery is over."""


def require_vendor(vendor_id: str, caller: Caller) -> None:
    """Raises NotFound."""
    require_known(vendor_id, caller, _table.get)


def endpoints(vendor_id: str) -> list[Endpoint]:
    """A vendor's endpoints, those made first first."""
    page = _table.query(f"WHK#{vendor_id}", begins=_ENDPOINT, limit=MAX_ENDPOINTS)
    return [_endpoint(item) for item in page.items]


def endpoint(vendor_id: str, endpoint_id: str) -> Endpoint:
    """Raises NoSuchWebhook, for another vendor's too."""
    known = endpoint_id.startswith(_ENDPOINT)
    item = _table.get(_endpoint_key(vendor_id, endpoint_id), consistent=True) if known else None
    if item is None:
        raise _no_endpoint()
    return _endpoint(item)


def add(made: Endpoint) -> None:
    """Raises TooManyWebhooks."""
    _table.transact(
        update(
            Key(f"WHK#{made.vendor_id}"),
            "ADD held :one",
            {":one": 1, ":most": MAX_ENDPOINTS},
            when="attribute_not_exists(held) OR held < :most",
            otherwise=TooManyWebhooks(f"There may be {MAX_ENDPOINTS} webhooks; delete one first."),
        ),
        put(_endpoint_key(made.vendor_id, made.id), _endpoint_item(made), when=NEW, otherwise=Conflict("Try again.")),
    )


def save(read: Endpoint, changed: Endpoint) -> Endpoint:
    """Replace an endpoint that was read. Raises PreconditionFailed or NoSuchWebhook."""
    saved = replace(changed, version=read.version + 1)
    _table.write(
        put(
            _endpoint_key(read.vendor_id, read.id),
            _endpoint_item(saved),
            when="version = :seen",
            values={":seen": read.version},
            otherwise=lambda found: (
                PreconditionFailed("The webhook has changed since you read it.") if found else _no_endpoint()
            ),
        )
    )
    return saved


def remove(made: Endpoint) -> None:
    """Raises NoSuchWebhook."""
    _table.transact(
        delete(_endpoint_key(made.vendor_id, made.id), when=EXISTS, otherwise=_no_endpoint()),
        update(Key(f"WHK#{made.vendor_id}"), "ADD held :less", {":less": -1}),
    )


def failing(made: Endpoint) -> None:
    """Note when it began to fail, unless that is known or it is off; no change that others would have to notice."""
    since = update(
        _endpoint_key(made.vendor_id, made.id),
        "SET failing_since = :now",
        {":now": clock.epoch(), ":active": ACTIVE},
        when="status = :active AND attribute_not_exists(failing_since)",
        otherwise=Taken(),
    )
    _note(since)


def recovered(made: Endpoint) -> None:
    place = _endpoint_key(made.vendor_id, made.id)
    _note(update(place, "REMOVE failing_since", when="attribute_exists(failing_since)", otherwise=Taken()))


def _note(write: Write) -> None:
    try:
        _table.write(write)
    except Taken:
        return


def disable(made: Endpoint, reason: str) -> None:
    """Switch an active endpoint off and announce it, once."""
    gone = WebhookDisabled(webhook_id=made.id, vendor_id=made.vendor_id, reason=reason)
    place = _endpoint_key(made.vendor_id, made.id)
    values = {":off": DISABLED, ":active": ACTIVE, ":reason": reason, ":one": 1}
    expression = "SET status = :off, reason = :reason, version = version + :one"
    try:
        _table.transact(
            update(place, expression, values, when="status = :active", otherwise=Taken()), announce(gone, by=MANIFEST)
        )
    except Taken:
        return


def enqueue(made: Delivery) -> bool:
    """Keep a new delivery; False if its event was delivered to the endpoint before."""
    try:
        _table.write(put(_delivery_key(made.endpoint_id, made.id), _delivery_item(made), when=NEW, otherwise=Taken()))
    except Taken:
        return False
    return True


def delivery(endpoint_id: str, delivery_id: str) -> Delivery:
    """Raises NoSuchDelivery."""
    item = _table.get(_delivery_key(endpoint_id, delivery_id), consistent=True)
    if item is None:
        raise _no_delivery()
    return _delivery(item)


def both(vendor_id: str, endpoint_id: str, delivery_id: str) -> tuple[Endpoint | None, Delivery | None]:
    """An endpoint and one of its deliveries, in one read."""
    places = _endpoint_key(vendor_id, endpoint_id), _delivery_key(endpoint_id, delivery_id)
    found = _table.batch_get(places, consistent=True)
    to, what = (found.get(place) for place in places)
    return _endpoint(to) if to else None, _delivery(what) if what else None


def deliveries(endpoint_id: str, *, limit: int, cursor: str | None) -> tuple[list[Delivery], str | None]:
    """An endpoint's deliveries, those of the newest events first."""
    page = _table.query(f"WHD#{endpoint_id}", newest_first=True, limit=limit, cursor=cursor)
    return [_delivery(item) for item in page.items], page.next


def lost(endpoint_id: str, *, limit: int, cursor: str | None) -> tuple[list[Delivery], str | None]:
    """Those that failed or were skipped, made last first; one that was replayed this moment may be among them."""
    page = _table.query(f"WHD#lost#{endpoint_id}", index="by1", newest_first=True, limit=limit, cursor=cursor)
    found = _table.batch_get([Key(item["pk"], item["sk"]) for item in page.items])
    return sorted(map(_delivery, found.values()), key=lambda one: (one.made_at, one.id), reverse=True), page.next


def claim(seen: Delivery) -> Delivery:
    """Take on the next attempt of a pending delivery. Raises Taken if somebody else did, or there is none."""
    claimed = replace(seen, tries=seen.tries + 1, due=clock.epoch(LEASE))
    values = {":tries": claimed.tries, ":seen": seen.tries, ":due": claimed.due, ":pending": PENDING}
    _table.write(
        update(
            _delivery_key(seen.endpoint_id, seen.id),
            "SET tries = :tries, due = :due, by1sk = :at",
            values | {":at": appointment(claimed)},
            when="status = :pending AND tries = :seen",
            otherwise=Taken(),
        )
    )
    return claimed


def settle(claimed: Delivery, attempt: Attempt | None, status: str, *, due: int = 0) -> Delivery:
    """Record an attempt that was claimed and what becomes of the delivery; due: when it is tried again (epoch seconds).

    An attempt that somebody else has taken on since, because it took too long, is not recorded.
    """
    attempts = (*claimed.attempts, *([attempt] if attempt else []))[-_REMEMBERED_ATTEMPTS:]
    settled = replace(claimed, status=status, attempts=attempts, due=due)
    values = {
        ":status": status,
        ":attempts": [asdict(one) for one in attempts],
        ":due": due,
        ":pending": PENDING,
        ":seen": claimed.tries,
    }
    expression = "SET status = :status, attempts = :attempts, due = :due"
    if listed := _listed(settled):
        values |= {":in": listed["by1pk"], ":at": listed["by1sk"]}
        expression += ", by1pk = :in, by1sk = :at"
    else:
        expression += " REMOVE by1pk, by1sk"
    place = _delivery_key(claimed.endpoint_id, claimed.id)
    try:
        _table.write(update(place, expression, values, when="status = :pending AND tries = :seen", otherwise=Taken()))
    except Taken:
        return claimed
    return settled


def replay(seen: Delivery) -> Delivery:
    """Let a delivery that is over begin anew. Raises StillUnderWay."""
    again = replace(seen, status=PENDING, tries=0, due=clock.epoch(LEASE))
    _table.write(
        put(
            _delivery_key(seen.endpoint_id, seen.id),
            _delivery_item(again),
            when="status = :seen AND status <> :pending",
            values={":seen": seen.status, ":pending": PENDING},
            otherwise=lambda found: StillUnderWay("The delivery is under way.") if found else _no_delivery(),
        )
    )
    return again


def due(limit: int) -> Iterator[Appointment]:
    """Pending deliveries that somebody should look after by now, some of each shard, those that wait longest first."""
    until = clock.iso_of(clock.epoch())
    for shard in range(_SHARDS):
        page = _table.query(f"WHD#due#{shard}", index="by1", limit=limit)
        for item in page.items:
            if item["by1sk"].partition("#")[0] > until:
                break
            place = item["pk"].removeprefix("WHD#"), item["sk"]
            yield Appointment(item["card"]["vendor_id"], *place, at=item["by1sk"])


def appointment(made: Delivery) -> str:
    """A pending delivery's place in the index, where those of a shard stand by time; another one for each attempt."""
    return f"{clock.iso_of(made.due)}#{made.tries}#{made.endpoint_id}#{made.id}"


def _delivery_item(made: Delivery) -> Item:
    kept = asdict(made) | {"attempts": [asdict(one) for one in made.attempts]}
    item = {name: value for name, value in kept.items() if name not in ("id", "endpoint_id")}
    return item | _listed(made) | {"card": {"vendor_id": made.vendor_id}, "expires_at": clock.epoch(KEPT)}


def _listed(made: Delivery) -> Item:
    """Where the delivery stands in the index, if it does."""
    if made.status == PENDING:
        return {"by1pk": f"WHD#due#{crc32(made.endpoint_id.encode()) % _SHARDS}", "by1sk": appointment(made)}
    if made.status in LOST:
        return {"by1pk": f"WHD#lost#{made.endpoint_id}", "by1sk": f"{made.made_at}#{made.id}"}
    return {}


def _delivery(item: Mapping[str, Any]) -> Delivery:
    known = {name: item[name] for name in Delivery.__dataclass_fields__ if name in item}
    attempts = tuple(Attempt(**one) for one in item.get("attempts", ()))
    place = {"id": item["sk"], "endpoint_id": item["pk"].removeprefix("WHD#")}
    return Delivery(**known | place | {"attempts": attempts})


def _endpoint_item(made: Endpoint) -> Item:
    kept = asdict(made) | {"events": list(made.events)}
    return {name: value for name, value in kept.items() if name not in ("id", "vendor_id") and value not in (0, "")}


def _endpoint(item: Mapping[str, Any]) -> Endpoint:
    known = {name: item[name] for name in Endpoint.__dataclass_fields__ if name in item}
    place = {"id": item["sk"], "vendor_id": item["pk"].removeprefix("WHK#"), "events": tuple(item["events"])}
    return Endpoint(**{"description": ""} | known | place)


def _endpoint_key(vendor_id: str, endpoint_id: str) -> Key:
    return Key(f"WHK#{vendor_id}", endpoint_id)


def _delivery_key(endpoint_id: str, delivery_id: str) -> Key:
    return Key(f"WHD#{endpoint_id}", delivery_id)


def _no_endpoint() -> Problem:
    return NoSuchWebhook("There is no such webhook.")


def _no_delivery() -> Problem:
    return NoSuchDelivery("There is no such delivery.")
