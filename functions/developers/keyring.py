"""API keys in the table: digests, never secrets.

KEY#<id>            -    one key; read by the kernel before each request that comes with it
KEY#in#<scope>      -    the ids of a scope's good keys, which is also how they are counted
KEY#request#<key>   -    which key came of a request with an idempotency key, for a day
LIM#api-key#key_…   -    how often a key was used lately, as the kernel counts it
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from developers.events import ApiKeyRevoked
from developers.manifest import MANIFEST
from developers.model import ACTIVE, MAX_KEYS, REVOKED, ApiKey, KeyEnded, NoSuchKey, TooManyKeys
from market import clock
from market.errors import Conflict, Idempotency, IdempotencyKeyReused, PreconditionFailed, Problem
from market.events import announce
from market.table import NEW, Item, Key, Table, Write, put, update
from vendors.contract import MANIFEST as VENDORS

_table = Table(MANIFEST, VENDORS)
_REMEMBERED = timedelta(days=1)
_SHOWN = timedelta(days=90)
"""How long a revoked key can still be looked at."""

_DAY = 86_400
_PER_DAY = re.compile(rf"n{_DAY}_([0-9]+)", re.ASCII)
"""A counter of one day in the kernel's item."""

_CHANGING = ("name", "permissions", "per_minute", "per_day", "ends")


@dataclass(frozen=True, slots=True)
class Use:
    """The last day on which a key was used, and how often it was used today (UTC)."""

    day: str
    today: int


class Repeated(Conflict):
    """The idempotency key was used before; `key_id` is what came of it."""

    key_id: str


def get(key_id: str) -> ApiKey | None:
    item = _table.get(_key(key_id), consistent=True)
    return _read(item) if item else None


def of_scope(scope: str) -> list[ApiKey]:
    """The good keys of a scope, those made first first."""
    held = _table.get(_scope_key(scope), consistent=True) or {}
    found = _table.batch_get([_key(key_id) for key_id in sorted(held.get("ids", ()))])
    return sorted(map(_read, found.values()), key=lambda key: key.id)


def uses(keys: Iterable[ApiKey]) -> dict[str, Use]:
    """How keys were used lately, by id; the kernel's counters are kept for three days after the last use."""
    places = {_counter_key(key.id): key.id for key in keys}
    found = _table.batch_get(places) if places else {}
    counted = {key_id: _days(found.get(place, {})) for place, key_id in places.items()}
    today = clock.epoch() // _DAY
    return {key_id: Use(_date(max(days)), days.get(today, 0)) for key_id, days in counted.items() if days}


def _days(item: Mapping[str, Any]) -> dict[int, int]:
    """Requests by day, counted from 1970."""
    days = ((_PER_DAY.fullmatch(name), count) for name, count in item.items())
    return {int(found[1]): count for found, count in days if found}


def _date(day: int) -> str:
    return datetime.fromtimestamp(day * _DAY, UTC).date().isoformat()


def add(key: ApiKey, digest: str, request: Idempotency) -> None:
    """Keep a new key. Raises Repeated, IdempotencyKeyReused or TooManyKeys."""
    asked = {"fingerprint": request.fingerprint, "key_id": key.id, "expires_at": clock.epoch(_REMEMBERED)}
    _table.transact(
        put(_request_key(request), asked, when=NEW, otherwise=lambda found: _repeated(found, request)),
        update(
            _scope_key(key.scope),
            "ADD ids :ids",
            {":ids": {key.id}, ":most": MAX_KEYS},
            when="attribute_not_exists(ids) OR size(ids) < :most",
            otherwise=TooManyKeys(f"There may be {MAX_KEYS} API keys at a time; revoke one first."),
        ),
        put(_key(key.id), _item(key) | {"digest": digest}, when=NEW, otherwise=Conflict("Please try again.")),
    )


def change(key: ApiKey, changed: ApiKey) -> ApiKey:
    """Replace a key that was read. Raises PreconditionFailed, KeyEnded or NoSuchKey."""
    names = [name for name in _CHANGING if name != "ends" or changed.ends]
    values = {f":{name}": _plain(getattr(changed, name)) for name in names}
    sets = ", ".join(f"{name} = :{name}" for name in names)
    _table.transact(_updated(key, sets, values, removes="" if changed.ends else " REMOVE ends"))
    return replace(changed, version=key.version + 1)


def rotate(key: ApiKey, digest: str, previous_until: int) -> ApiKey:
    """Put another secret in the place of the key's; the one before is good until then (epoch seconds) too.

    Raises PreconditionFailed, KeyEnded or NoSuchKey.
    """
    values = {":digest": digest, ":until": previous_until}
    _table.transact(_updated(key, "previous_digest = digest, digest = :digest, previous_until = :until", values))
    return replace(key, version=key.version + 1, previous_until=previous_until)


def revoke(key: ApiKey, reason: str, *records: Write) -> ApiKey:
    """End a key at once and announce it, with `records` in the same transaction. Raises KeyEnded if it has."""
    at = clock.timestamp()
    ended = ApiKeyRevoked(key_id=key.id, scope=key.scope, label=key.name, made_by=key.made_by, reason=reason)
    _table.transact(
        update(
            _key(key.id),
            "SET status = :revoked, revoked_at = :at, reason = :reason, expires_at = :until, version = version + :one",
            {
                ":revoked": REVOKED, ":active": ACTIVE, ":at": at, ":reason": reason,
                ":until": clock.epoch(_SHOWN), ":one": 1,
            },
            when="status = :active",
            otherwise=lambda found: KeyEnded("The key was revoked already.") if found else _unknown(),
        ),
        update(_scope_key(key.scope), "DELETE ids :ids", {":ids": {key.id}}),
        announce(ended, by=MANIFEST),
        *records,
    )  # fmt: skip
    return replace(key, status=REVOKED, revoked_at=at, reason=reason, version=key.version + 1)


def digests(key_id: str) -> list[str]:
    """The digests that the key is, or lately was, known by."""
    item = _table.get(_key(key_id), consistent=True) or {}
    return [item[name] for name in ("digest", "previous_digest") if item.get(name)]


def _updated(key: ApiKey, sets: str, values: Mapping[str, Any], *, removes: str = "") -> Write:
    return update(
        _key(key.id),
        f"SET {sets}, version = version + :one{removes}",
        dict(values) | {":one": 1, ":seen": key.version, ":active": ACTIVE},
        when="version = :seen AND status = :active",
        otherwise=_moved,
    )


def _moved(found: Item | None) -> Problem:
    if found is None:
        return _unknown()
    if found["status"] != ACTIVE:
        return KeyEnded("The key was revoked.")
    return PreconditionFailed("The key has changed since you read it.")


def _repeated(found: Item | None, request: Idempotency) -> Problem:
    if not found or found["fingerprint"] != request.fingerprint:
        return IdempotencyKeyReused("This Idempotency-Key was used for something else.")
    repeated = Repeated()
    repeated.key_id = found["key_id"]
    return repeated


def _unknown() -> NoSuchKey:
    return NoSuchKey("There is no such API key.")


def _key(key_id: str) -> Key:
    return Key(f"KEY#{key_id}")


def _scope_key(scope: str) -> Key:
    return Key(f"KEY#in#{scope}")


def _counter_key(key_id: str) -> Key:
    return Key(f"LIM#api-key#key_{key_id}")


def _request_key(request: Idempotency) -> Key:
    return Key(f"KEY#request#{request.key}")


def _item(key: ApiKey) -> Item:
    return {name: _plain(value) for name, value in asdict(key).items() if name != "id" and value not in (0, "")}


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value


def _read(item: Mapping[str, Any]) -> ApiKey:
    known = {name: item[name] for name in ApiKey.__dataclass_fields__ if name in item}
    return ApiKey(**known | {"id": item["pk"].removeprefix("KEY#"), "permissions": tuple(item["permissions"])})
