"""How API keys and webhooks look on the wire."""

import re
from typing import Annotated, Any, Literal

import orjson
from pydantic import AwareDatetime, BeforeValidator, Field, StringConstraints

from developers import messages
from developers.keyring import Use
from developers.model import ApiKey, Attempt, Delivery, Endpoint
from market import clock
from market.http import Body, OneLine, View

Name = Annotated[OneLine, StringConstraints(min_length=1, max_length=80)]
Permission = Annotated[str, StringConstraints(pattern=r"^[a-z_]+\.[a-z_]+$", max_length=60)]
Permissions = Annotated[list[Permission], Field(min_length=1, max_length=50)]
PerMinute = Annotated[int, Field(strict=True, ge=1, le=600)]
PerDay = Annotated[int, Field(strict=True, ge=1, le=100_000)]
EventType = Literal[
    "order.paid",
    "order.part_cancelled",
    "refund.succeeded",
    "product.created",
    "product.updated",
    "product.price.updated",
    "vendor.suspended",
    "vendor.reinstated",
]
EventTypes = Annotated[list[EventType], Field(min_length=1, max_length=20)]
Url = Annotated[str, StringConstraints(min_length=1, max_length=2_000)]
Text = Annotated[OneLine, StringConstraints(max_length=200)]


def _written(value: Any) -> Any:
    """A time as ISO 8601 writes it; pydantic would also take seconds since 1970, and years that no clock can tell."""
    if value is not None and not (isinstance(value, str) and re.match(r"2[01]\d\d-\d\d-\d\dT", value, re.ASCII)):
        raise ValueError("must be a time such as 2030-01-31T12:00:00Z")
    return value


Moment = Annotated[AwareDatetime, BeforeValidator(_written)]


class Quota(Body):
    """Requests that a key may make, whichever it reaches first."""

    per_minute: PerMinute = 120
    per_day: PerDay = 20_000


class KeyForm(Body):
    """permissions: of those that the caller holds and routes for keys need. Without endsAt it is good until revoked."""

    name: Name
    permissions: Permissions
    quota: Quota = Quota()
    ends_at: Moment | None = None


class KeyChanges(Body):
    """What is left out stays as it is; `endsAt: null` lets the key live on."""

    name: Name | None = None
    permissions: Permissions | None = None
    quota: Quota | None = None
    ends_at: Moment | None = None


class Rotation(Body):
    """graceHours: how long what is replaced is good beside the new one; 0 ends it at once, as after a leak."""

    grace_hours: Annotated[int, Field(strict=True, ge=0, le=7 * 24)] = 24


class LeakReport(Body):
    """The key as it was found."""

    key: Annotated[str, StringConstraints(min_length=1, max_length=200)]


class QuotaView(View):
    per_minute: int
    per_day: int


class KeyView(View):
    """An API key. secret: only in the answer that made it. previousUntil: so long the secret before it is good, too.

    lastUsedOn: the last day of the last three on which it was used; usedToday: requests since midnight UTC.
    """

    id: str
    prefix: str
    name: str
    scope: str
    permissions: list[str]
    quota: QuotaView
    status: str
    made_by: str
    made_at: str
    ends_at: str | None = None
    previous_until: str | None = None
    revoked_at: str | None = None
    reason: str | None = None
    last_used_on: str | None = None
    used_today: int | None = None
    secret: str | None = None

    @classmethod
    def of(cls, key: ApiKey, *, use: Use | None = None, secret: str = "") -> "KeyView":
        return cls(
            id=key.id,
            prefix=key.prefix,
            name=key.name,
            scope=key.scope,
            permissions=list(key.permissions),
            quota=QuotaView(per_minute=key.per_minute, per_day=key.per_day),
            status=key.status_at(clock.epoch()),
            made_by=key.made_by,
            made_at=key.made_at,
            ends_at=moment(key.ends),
            previous_until=moment(key.previous_until),
            revoked_at=key.revoked_at or None,
            reason=key.reason or None,
            last_used_on=use.day if use else None,
            used_today=use.today if use else None,
            secret=secret or None,
        )


class KeyList(View):
    items: list[KeyView]


class PermissionList(View):
    """What keys can be given."""

    items: list[str]


class WhoView(View):
    """The key that a request came with."""

    id: str
    name: str
    scope: str
    permissions: list[str]
    quota: QuotaView
    ends_at: str | None = None

    @classmethod
    def of(cls, key: ApiKey) -> "WhoView":
        shown = KeyView.of(key).model_dump()
        return cls.model_validate({name: shown[name] for name in cls.model_fields})


class Reported(View):
    """Said to whoever reports something, whether it was a key or not."""

    received: bool = True


class WebhookForm(Body):
    """url: https, a public name, port 443 or from 1024 on, and nothing secret in it: every delivery is signed."""

    url: Url
    events: EventTypes
    description: Text = ""
    active: bool = True


class WebhookChanges(Body):
    """What is left out stays as it is. active: true also lets one go on that was switched off for failing."""

    url: Url | None = None
    events: EventTypes | None = None
    description: Text | None = None
    active: bool | None = None


class ReplayForm(Body):
    since: Moment


class WebhookView(View):
    """An endpoint. status: active, paused, or disabled with a reason. secret: only where it is new."""

    id: str
    url: str
    events: list[str]
    description: str
    status: str
    made_at: str
    reason: str | None = None
    failing_since: str | None = None
    previous_secret_until: str | None = None
    secret: str | None = None

    @classmethod
    def of(cls, endpoint: Endpoint, secret: str = "") -> "WebhookView":
        return cls(
            id=endpoint.id,
            url=endpoint.url,
            events=list(endpoint.events),
            description=endpoint.description,
            status=endpoint.status,
            made_at=endpoint.made_at,
            reason=endpoint.reason or None,
            failing_since=moment(endpoint.failing_since),
            previous_secret_until=moment(endpoint.previous_until),
            secret=secret or None,
        )


class WebhookList(View):
    items: list[WebhookView]


class EventTypeView(View):
    type: str
    description: str


class EventTypeList(View):
    items: list[EventTypeView]

    @classmethod
    def all(cls) -> "EventTypeList":
        return cls(items=[EventTypeView(type=kind, description=text) for kind, text in messages.explained()])


class AttemptView(View):
    """One try. status: of the answer, 0 without one; error: why there was none. Bodies of answers are not read."""

    at: str
    status: int
    milliseconds: int
    error: str | None = None

    @classmethod
    def of(cls, attempt: Attempt) -> "AttemptView":
        return cls(at=attempt.at, status=attempt.status, milliseconds=attempt.milliseconds, error=attempt.error or None)


class DeliveryView(View):
    """An event on its way to an endpoint. messageId: the `webhook-id` header of every attempt; body: what is sent."""

    id: str
    message_id: str
    type: str
    status: str
    made_at: str
    next_at: str | None = None
    attempts: list[AttemptView]
    body: dict[str, Any]

    @classmethod
    def of(cls, delivery: Delivery) -> "DeliveryView":
        return cls(
            id=delivery.id,
            message_id=delivery.message_id,
            type=delivery.type,
            status=delivery.status,
            made_at=delivery.made_at,
            next_at=moment(delivery.due),
            attempts=list(map(AttemptView.of, delivery.attempts)),
            body=orjson.loads(delivery.body),
        )


class DeliveryPage(View):
    items: list[DeliveryView]
    next_cursor: str | None = None


class ReplayedView(View):
    """How many deliveries are sent again, and whether there are more: ask again for those."""

    replayed: int
    more: bool


def moment(epoch: int) -> str | None:
    return clock.iso_of(epoch) if epoch else None
