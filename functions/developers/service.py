"""API keys: made, changed, rotated, revoked; and reported by whoever finds one where it should not be."""

import hmac
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import timedelta

from developers import credentials, keyring, model
from developers.manifest import MANIFEST
from developers.model import ACTIVE, ApiKey, KeyEnded, NoSuchKey, PermissionNotYours
from developers.permissions import OPEN_TO_KEYS
from market import clock, log
from market.errors import Idempotency
from market.guard import audit
from market.guard.standing import PLATFORM, key_digest
from market.http import Caller

LEAKED, REVOKED = "leaked", "revoked"


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What a key is to be. ends: epoch seconds, 0 for never."""

    name: str
    permissions: tuple[str, ...]
    per_minute: int
    per_day: int
    ends: int


def make(scope: str, wish: Wish, *, by: Caller, request: Idempotency) -> tuple[ApiKey, str]:
    """A new key and its secret. The same request again gives the same key, and no secret: that is shown once.

    Raises UnknownPermission, PermissionNotYours, TooManyKeys, IdempotencyKeyReused.
    """
    _require_given(wish.permissions, scope, by)
    key = ApiKey(
        id=credentials.new_id(),
        scope=scope,
        name=wish.name,
        permissions=tuple(sorted(set(wish.permissions))),
        per_minute=wish.per_minute,
        per_day=wish.per_day,
        ends=wish.ends,
        status=ACTIVE,
        version=1,
        made_by=by.id,
        made_at=clock.timestamp(),
    )
    secret = credentials.new_secret(key.id)
    try:
        keyring.add(key, key_digest(secret), request)
    except keyring.Repeated as repeated:
        return find(scope, repeated.key_id), ""
    return key, secret


def find(scope: str, key_id: str) -> ApiKey:
    """Raises NoSuchKey, for another scope's too."""
    key = keyring.get(key_id) if key_id.isalnum() else None
    if key is None or key.scope != scope:
        raise NoSuchKey("There is no such API key.")
    return key


def change(key: ApiKey, wish: Wish, *, by: Caller) -> ApiKey:
    """What is added to its permissions must be the caller's to give; what it has already, it may keep.

    Raises UnknownPermission, PermissionNotYours, KeyEnded, PreconditionFailed.
    """
    _require_given(set(wish.permissions) - set(key.permissions), key.scope, by)
    changed = replace(
        key,
        name=wish.name,
        permissions=tuple(sorted(set(wish.permissions))),
        per_minute=wish.per_minute,
        per_day=wish.per_day,
        ends=wish.ends,
    )
    return keyring.change(key, changed)


def rotate(key: ApiKey, grace: timedelta, *, by: Caller) -> tuple[ApiKey, str]:
    """A new secret; the old one is good for `grace` longer. Who gets it must hold what the key can do."""
    _require_given(key.permissions, key.scope, by)
    secret = credentials.new_secret(key.id)
    return keyring.rotate(key, key_digest(secret), clock.epoch(grace) if grace else 0), secret


def revoke(key: ApiKey) -> None:
    """Raises KeyEnded."""
    keyring.revoke(key, REVOKED)


def report_leak(text: str) -> None:
    """End the key that somebody found, if it is one of ours, also by its last secret. The finder learns nothing."""
    if not credentials.is_ours(text):
        return
    key_id, digest = credentials.id_of(text), key_digest(text)
    key = keyring.get(key_id)
    if key is None or not any(hmac.compare_digest(digest, known) for known in keyring.digests(key_id)):
        return
    record = audit.entry(
        MANIFEST,
        action="developers.report_leak",
        subject={"key_id": key_id},
        before={"status": key.status},
        after={"status": model.REVOKED},
    )
    try:
        keyring.revoke(key, LEAKED, record)
    except KeyEnded:
        return
    log.warning("api key leaked", key_id=key_id, scope=key.scope)


def _require_given(permissions: Iterable[str], scope: str, by: Caller) -> None:
    """Raises UnknownPermission or PermissionNotYours. What roles hold in other services, our manifest does not say."""
    wanted = sorted(permissions)
    model.require_known(wanted, OPEN_TO_KEYS)
    vendor = "" if scope == PLATFORM else scope
    whole = replace(by, holders=OPEN_TO_KEYS)
    if beyond := [permission for permission in wanted if not whole.can(permission, vendor)]:
        raise PermissionNotYours("You do not hold this permission yourself.", permissions=beyond)
