"""Routes of webhooks: a vendor's endpoints, their secrets, and what was delivered."""

from datetime import timedelta
from typing import Annotated, Any

from aws_lambda_powertools.event_handler.openapi.params import Query

from developers import delivering, store
from developers.manifest import MANIFEST
from developers.model import ACTIVE, Endpoint, NoSuchDelivery, NoSuchWebhook, StillUnderWay, TooManyWebhooks, WebhookOff
from developers.urls import UrlRefused
from developers.views import (
    DeliveryPage,
    DeliveryView,
    EventTypeList,
    ReplayedView,
    ReplayForm,
    Rotation,
    WebhookChanges,
    WebhookForm,
    WebhookList,
    WebhookView,
)
from market.errors import PreconditionFailed
from market.http import KEY, STAFF, VENDOR, Cursor, Limit, Response, ServiceApi, reply
from market.table import BadCursor, Busy

api = ServiceApi(MANIFEST)
handler = api.handler

READ, MANAGE = "webhooks.read", "webhooks.manage"
ALL = "/v1/vendors/<vendor_id>/webhooks"
ONE = f"{ALL}/<webhook_id>"
Lost = Annotated[bool, Query(description="Only what failed or was skipped.")]


@api.get("/v1/vendors/<vendor_id>/webhook-events", callers=[VENDOR, STAFF, KEY], needs=READ)
def list_webhook_events(vendor_id: str) -> EventTypeList:
    """What a webhook can tell."""
    return EventTypeList.all()


@api.post(ALL, callers=[VENDOR, STAFF], needs=MANAGE, status=201, problems=[UrlRefused, TooManyWebhooks, Busy])
def make_webhook(vendor_id: str, form: WebhookForm) -> Response[WebhookView]:
    """Let us tell a server of the vendor's what happens. The `secret` is in this answer and in no other."""
    store.require_vendor(vendor_id, api.caller)
    wish = delivering.Wish(url=form.url, events=tuple(form.events), description=form.description, active=form.active)
    made = delivering.make(vendor_id, wish)
    return _shown(made, secret=delivering.secret_of(made), status=201)


@api.get(ALL, callers=[VENDOR, STAFF, KEY], needs=READ)
def list_webhooks(vendor_id: str) -> Response[WebhookList]:
    """The vendor's endpoints."""
    return reply(WebhookList(items=[WebhookView.of(endpoint) for endpoint in store.endpoints(vendor_id)]))


@api.get(ONE, callers=[VENDOR, STAFF, KEY], needs=READ, problems=[NoSuchWebhook])
def show_webhook(vendor_id: str, webhook_id: str) -> Response[WebhookView]:
    """One endpoint."""
    return _shown(store.endpoint(vendor_id, webhook_id))


@api.patch(ONE, callers=[VENDOR, STAFF], needs=MANAGE, problems=[NoSuchWebhook, UrlRefused, PreconditionFailed])
def change_webhook(vendor_id: str, webhook_id: str, form: WebhookChanges) -> Response[WebhookView]:
    """Change an endpoint; with `If-Match`, only if it is still as it was read."""
    endpoint = store.endpoint(vendor_id, webhook_id)
    api.require_match(endpoint.version)
    wish = delivering.Wish(
        url=form.url or endpoint.url,
        events=tuple(form.events or endpoint.events),
        description=endpoint.description if form.description is None else form.description,
        active=endpoint.status == ACTIVE if form.active is None else form.active,
    )
    return _shown(delivering.change(endpoint, wish))


@api.delete(ONE, callers=[VENDOR, STAFF], needs=MANAGE, status=204, problems=[NoSuchWebhook])
def remove_webhook(vendor_id: str, webhook_id: str) -> Response[None]:
    """Delete an endpoint; what is on its way to it is dropped."""
    store.remove(store.endpoint(vendor_id, webhook_id))
    return Response(status_code=204)


@api.post(f"{ONE}/secret-rotation", callers=[VENDOR, STAFF], needs=MANAGE, problems=[NoSuchWebhook, PreconditionFailed])
def rotate_webhook_secret(vendor_id: str, webhook_id: str, form: Rotation) -> Response[WebhookView]:
    """A new `secret`. For `graceHours` deliveries are signed with both."""
    endpoint = delivering.rotate(store.endpoint(vendor_id, webhook_id), timedelta(hours=form.grace_hours))
    return _shown(endpoint, secret=delivering.secret_of(endpoint))


@api.post(
    f"{ONE}/test",
    callers=[VENDOR, STAFF],
    needs=MANAGE,
    limit="webhook-test",
    status=202,
    problems=[NoSuchWebhook, WebhookOff],
)
def test_webhook(vendor_id: str, webhook_id: str) -> Response[DeliveryView]:
    """Send `webhook.test`; what comes of it is among the deliveries in a moment."""
    return reply(DeliveryView.of(delivering.test(store.endpoint(vendor_id, webhook_id))), status=202)


@api.post(
    f"{ONE}/replay",
    callers=[VENDOR, STAFF],
    needs=MANAGE,
    limit="webhook-test",
    status=202,
    problems=[NoSuchWebhook, WebhookOff],
)
def replay_deliveries(vendor_id: str, webhook_id: str, form: ReplayForm) -> Response[ReplayedView]:
    """Send again what failed or was skipped since a time, a hundred deliveries at a time."""
    replayed, more = delivering.replay_since(store.endpoint(vendor_id, webhook_id), form.since)
    return reply(ReplayedView(replayed=replayed, more=more), status=202)


@api.get(f"{ONE}/deliveries", callers=[VENDOR, STAFF, KEY], needs=READ, problems=[NoSuchWebhook, BadCursor])
def list_deliveries(
    vendor_id: str, webhook_id: str, lost: Lost = False, limit: Limit = 20, cursor: Cursor = None
) -> Response[DeliveryPage]:
    """What went to an endpoint in the last thirty days, with every attempt, the newest first."""
    endpoint = store.endpoint(vendor_id, webhook_id)
    query = store.lost if lost else store.deliveries
    found, following = query(endpoint.id, limit=limit, cursor=cursor)
    return reply(DeliveryPage(items=list(map(DeliveryView.of, found)), next_cursor=following))


@api.get(
    f"{ONE}/deliveries/<delivery_id>",
    callers=[VENDOR, STAFF, KEY],
    needs=READ,
    problems=[NoSuchWebhook, NoSuchDelivery],
)
def show_delivery(vendor_id: str, webhook_id: str, delivery_id: str) -> Response[DeliveryView]:
    """One delivery with its attempts."""
    endpoint = store.endpoint(vendor_id, webhook_id)
    return reply(DeliveryView.of(store.delivery(endpoint.id, delivery_id)))


@api.post(
    f"{ONE}/deliveries/<delivery_id>/replay",
    callers=[VENDOR, STAFF],
    needs=MANAGE,
    limit="webhook-test",
    status=202,
    problems=[NoSuchWebhook, NoSuchDelivery, WebhookOff, StillUnderWay],
)
def replay_delivery(vendor_id: str, webhook_id: str, delivery_id: str) -> Response[DeliveryView]:
    """Send a delivery again that is over, under the same `webhook-id`."""
    return reply(DeliveryView.of(delivering.replay(store.endpoint(vendor_id, webhook_id), delivery_id)), status=202)


def _shown(endpoint: Endpoint, *, secret: str = "", status: int = 200) -> Response[Any]:
    return reply(WebhookView.of(endpoint, secret), status=status, version=endpoint.version)
