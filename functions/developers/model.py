"""API keys, webhook endpoints and deliveries, and the rules that they follow."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import timedelta

from market.errors import Conflict, Forbidden, NotFound, Unprocessable

ACTIVE, REVOKED, ENDED = "active", "revoked", "ended"
PAUSED, DISABLED = "paused", "disabled"
PENDING, SUCCEEDED, FAILED, SKIPPED = "pending", "succeeded", "failed", "skipped"
LOST = (FAILED, SKIPPED)
"""A delivery that came to nothing: tried too often, or its endpoint was switched off when its turn came."""

MAX_KEYS, MAX_ENDPOINTS = 25, 10
"""Of one vendor, and of the platform."""

BACKOFF = tuple(timedelta(minutes=minutes) for minutes in (5, 15, 60, 3 * 60, 6 * 60, 12 * 60, 24 * 60, 24 * 60))
"""Pauses between the attempts of a delivery: nine attempts in just under three days, up to a fifth longer by chance."""

GIVEN_UP = timedelta(days=5)
"""An endpoint that accepted nothing for so long is switched off."""

LEASE = timedelta(minutes=10)
"""How long whoever took on an attempt has for it, before the schedule takes it that nobody does."""

KEPT = timedelta(days=30)
"""How long deliveries can be looked at and replayed."""

_JITTER = 1024


class NoSuchKey(NotFound):
    code, title = "no_such_api_key", "No such API key"


class TooManyKeys(Conflict):
    code, title = "too_many_api_keys", "Too many API keys"


class KeyEnded(Conflict):
    """The key was revoked: it stays so."""

    code, title = "api_key_revoked", "API key revoked"


class PermissionNotYours(Forbidden):
    """A key can be given what its maker holds, and nothing else; `permissions` names what is beyond."""

    code, title = "permission_not_yours", "Permission not yours to give"


class UnknownPermission(Unprocessable):
    """No route for API keys needs it; `permissions` names them."""

    code, title = "unknown_permission", "Unknown permission"


class NoSuchWebhook(NotFound):
    code, title = "no_such_webhook", "No such webhook"


class TooManyWebhooks(Conflict):
    code, title = "too_many_webhooks", "Too many webhooks"


class WebhookOff(Conflict):
    """The endpoint is paused or disabled: switch it on first."""

    code, title = "webhook_off", "Webhook switched off"


class NoSuchDelivery(NotFound):
    code, title = "no_such_delivery", "No such delivery"


class StillUnderWay(Conflict):
    """The delivery is being attempted already."""

    code, title = "delivery_under_way", "Delivery under way"


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiKey:
    """An API key without its secret. scope: a vendor's id, or `platform`. ends, previous_until: epoch seconds, or 0."""

    id: str
    scope: str
    name: str
    permissions: tuple[str, ...]
    per_minute: int
    per_day: int
    status: str
    version: int
    made_by: str
    made_at: str
    ends: int = 0
    previous_until: int = 0
    revoked_at: str = ""
    reason: str = ""

    def status_at(self, now: int) -> str:
        return ENDED if self.status == ACTIVE and 0 < self.ends <= now else self.status

    @property
    def prefix(self) -> str:
        """What one recognises the key by."""
        return f"mk_{self.id}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """Where a vendor wants to hear of what. failing_since: epoch seconds of the first failure after the last success.

    rotation counts secrets; the one before is good as well until previous_until.
    """

    id: str
    vendor_id: str
    url: str
    events: tuple[str, ...]
    description: str
    status: str
    version: int
    made_at: str
    rotation: int = 1
    previous_until: int = 0
    failing_since: int = 0
    reason: str = ""

    def rotations(self, now: int) -> list[int]:
        """The numbers of the secrets to sign with, the newest first."""
        return [self.rotation, self.rotation - 1] if self.previous_until > now else [self.rotation]

    def given_up(self, now: int) -> bool:
        return bool(self.failing_since) and now - self.failing_since >= GIVEN_UP.total_seconds()


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One try. status: of the answer, 0 without one; error: why there was none."""

    at: str
    status: int
    milliseconds: int
    error: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """One event on its way to one endpoint. tries: attempts begun since it was made or replayed; due: epoch seconds."""

    id: str
    endpoint_id: str
    vendor_id: str
    type: str
    body: str
    status: str
    made_at: str
    tries: int = 0
    due: int = 0
    attempts: tuple[Attempt, ...] = field(default=())

    @property
    def message_id(self) -> str:
        """What the receiver knows it by, in every attempt and replay."""
        return f"msg_{self.id}"


def pause(tries: int, chance: int) -> timedelta | None:
    """How long to wait after so many failed attempts; None: it was the last. chance: any number, evenly spread."""
    if tries > len(BACKOFF):
        return None
    whole = BACKOFF[tries - 1]
    return whole + whole / 5 * (chance % _JITTER) / _JITTER


def require_known(permissions: Iterable[str], known: Iterable[str]) -> None:
    """Raises UnknownPermission."""
    if unknown := sorted(set(permissions) - set(known)):
        raise UnknownPermission("No route for API keys needs this permission.", permissions=unknown)
