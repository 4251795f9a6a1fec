"""Routes of API keys: a vendor's own, the platform's, what a key says of itself, and keys that somebody found."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from developers import keyring, service, store
from developers.manifest import MANIFEST
from developers.model import (
    ApiKey,
    KeyEnded,
    NoSuchKey,
    PermissionNotYours,
    TooManyKeys,
    UnknownPermission,
)
from developers.permissions import OPEN_TO_KEYS
from developers.views import (
    KeyChanges,
    KeyForm,
    KeyList,
    KeyView,
    LeakReport,
    PermissionList,
    Reported,
    Rotation,
    WhoView,
)
from market import clock
from market.errors import IdempotencyKeyReused, MissingIdempotencyKey, PreconditionFailed, Unprocessable
from market.guard.standing import PLATFORM
from market.http import ANYONE, KEY, STAFF, VENDOR, Response, ServiceApi, reply
from market.table import Busy

api = ServiceApi(MANIFEST)
handler = api.handler

READ, MANAGE = "api_keys.read", "api_keys.manage"
OWN, ALL = "/v1/vendors/<vendor_id>/api-keys", "/v1/admin/api-keys"
MAKING = [
    MissingIdempotencyKey, IdempotencyKeyReused, UnknownPermission, PermissionNotYours, TooManyKeys, Busy,
]  # fmt: skip
CHANGING = [NoSuchKey, UnknownPermission, PermissionNotYours, KeyEnded, PreconditionFailed]


@api.get("/v1/vendors/<vendor_id>/api-key-permissions", callers=[VENDOR, STAFF], needs=READ)
def list_key_permissions(vendor_id: str) -> PermissionList:
    """What a key of the vendor's can be given by the caller."""
    mine = replace(api.caller, holders=OPEN_TO_KEYS)
    return PermissionList(items=[name for name in sorted(OPEN_TO_KEYS) if mine.can(name, vendor_id)])


@api.post(OWN, callers=[VENDOR, STAFF], needs=MANAGE, status=201, problems=MAKING)
def make_key(vendor_id: str, form: KeyForm) -> Response[KeyView]:
    """Make a key for a program. Needs an `Idempotency-Key`.

    The `secret` is in this answer and in no other. The same request again gives the same key without it: rotate the key
    if the answer was lost.
    """
    store.require_vendor(vendor_id, api.caller)
    return _made(vendor_id, form)


@api.get(OWN, callers=[VENDOR, STAFF], needs=READ)
def list_keys(vendor_id: str) -> Response[KeyList]:
    """The vendor's keys that are not revoked, with the last day on which each was used."""
    return _list(vendor_id)


@api.get(f"{OWN}/<key_id>", callers=[VENDOR, STAFF], needs=READ, problems=[NoSuchKey])
def show_key(vendor_id: str, key_id: str) -> Response[KeyView]:
    """One key, for ninety days also after it was revoked."""
    return _shown(service.find(vendor_id, key_id))


@api.patch(f"{OWN}/<key_id>", callers=[VENDOR, STAFF], needs=MANAGE, problems=CHANGING)
def change_key(vendor_id: str, key_id: str, form: KeyChanges) -> Response[KeyView]:
    """Change what a key may do; it counts within half a minute. With `If-Match`, only if it is still as it was read."""
    return _changed(service.find(vendor_id, key_id), form)


@api.post(f"{OWN}/<key_id>/rotation", callers=[VENDOR, STAFF], needs=MANAGE, problems=CHANGING)
def rotate_key(vendor_id: str, key_id: str, form: Rotation) -> Response[KeyView]:
    """Put a new secret in the place of the old one, which is good for `graceHours` longer."""
    return _rotated(service.find(vendor_id, key_id), form)


@api.delete(f"{OWN}/<key_id>", callers=[VENDOR, STAFF], needs=MANAGE, status=204, problems=[NoSuchKey, KeyEnded])
def revoke_key(vendor_id: str, key_id: str) -> Response[None]:
    """End a key; within half a minute no request passes with it."""
    service.revoke(service.find(vendor_id, key_id))
    return Response(status_code=204)


@api.post(ALL, callers=[STAFF], needs=MANAGE, status=201, problems=MAKING)
def make_platform_key(form: KeyForm) -> Response[KeyView]:
    """Make a key for an integration of the marketplace's own, good for every vendor. Needs an `Idempotency-Key`."""
    return _made(PLATFORM, form)


@api.get(ALL, callers=[STAFF], needs=READ)
def list_platform_keys() -> Response[KeyList]:
    """The platform's keys that are not revoked."""
    return _list(PLATFORM)


@api.get(f"{ALL}/<key_id>", callers=[STAFF], needs=READ, problems=[NoSuchKey])
def show_platform_key(key_id: str) -> Response[KeyView]:
    """One key of the platform's."""
    return _shown(service.find(PLATFORM, key_id))


@api.patch(f"{ALL}/<key_id>", callers=[STAFF], needs=MANAGE, problems=CHANGING)
def change_platform_key(key_id: str, form: KeyChanges) -> Response[KeyView]:
    """Change what a key of the platform's may do."""
    return _changed(service.find(PLATFORM, key_id), form)


@api.post(f"{ALL}/<key_id>/rotation", callers=[STAFF], needs=MANAGE, problems=CHANGING)
def rotate_platform_key(key_id: str, form: Rotation) -> Response[KeyView]:
    """Put a new secret in the place of the old one."""
    return _rotated(service.find(PLATFORM, key_id), form)


@api.delete(f"{ALL}/<key_id>", callers=[STAFF], needs=MANAGE, status=204, problems=[NoSuchKey, KeyEnded])
def revoke_platform_key(key_id: str) -> Response[None]:
    """End a key of the platform's."""
    service.revoke(service.find(PLATFORM, key_id))
    return Response(status_code=204)


@api.get("/v1/whoami", callers=[KEY])
def whoami() -> Response[WhoView]:
    """What the key of this request is and may do."""
    key = keyring.get(api.caller.id.removeprefix("key_"))
    if key is None:
        raise NoSuchKey("There is no such API key.")
    return reply(WhoView.of(key))


@api.post("/v1/api-keys/report-leak", callers=[ANYONE], limit="login", status=202)
def report_leak(report: LeakReport) -> Reported:
    """For whoever finds a key where it should not be: if it is good, it is revoked at once and its owner is told.

    Keys look like `mk_[0-9a-hjkmnp-tv-z]{16}_[0-9a-hjkmnp-tv-z]{39}`; the last seven characters are a checksum.
    """
    service.report_leak(report.key)
    return Reported()


def _made(scope: str, form: KeyForm) -> Response[KeyView]:
    wish = service.Wish(
        name=form.name,
        permissions=tuple(form.permissions),
        per_minute=form.quota.per_minute,
        per_day=form.quota.per_day,
        ends=_end(form.ends_at),
    )
    key, secret = service.make(scope, wish, by=api.caller, request=api.idempotency())
    return reply(KeyView.of(key, secret=secret), status=201, version=key.version)


def _end(given: datetime | None) -> int:
    """Epoch seconds, 0 for never. Raises Unprocessable for what is over already: to end a key, revoke it."""
    if given is None:
        return 0
    if given <= clock.now():
        errors = [{"field": "body.endsAt", "code": "past", "message": "The time is over already."}]
        raise Unprocessable("Some fields are missing or wrong.", errors=errors)
    return int(given.timestamp())


def _list(scope: str) -> Response[Any]:
    keys = keyring.of_scope(scope)
    used = keyring.uses(keys)
    return reply(KeyList(items=[KeyView.of(key, use=used.get(key.id)) for key in keys]))


def _shown(key: ApiKey) -> Response[Any]:
    return reply(KeyView.of(key, use=keyring.uses([key]).get(key.id)), version=key.version)


def _changed(key: ApiKey, form: KeyChanges) -> Response[Any]:
    api.require_match(key.version)
    wish = service.Wish(
        name=form.name or key.name,
        permissions=tuple(form.permissions or key.permissions),
        per_minute=form.quota.per_minute if form.quota else key.per_minute,
        per_day=form.quota.per_day if form.quota else key.per_day,
        ends=_end(form.ends_at) if "ends_at" in form.model_fields_set else key.ends,
    )
    changed = service.change(key, wish, by=api.caller)
    return reply(KeyView.of(changed), version=changed.version)


def _rotated(key: ApiKey, form: Rotation) -> Response[Any]:
    rotated, secret = service.rotate(key, timedelta(hours=form.grace_hours), by=api.caller)
    return reply(KeyView.of(rotated, secret=secret), version=rotated.version)
