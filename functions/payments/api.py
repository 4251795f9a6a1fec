"""Routes of payments: the customer opens and follows one, the provider reports on it, staff settles it."""

from typing import Annotated

import orjson
from botocore.exceptions import BotoCoreError, ClientError
from pydantic import Field

from market import clock, config, log
from market.errors import IdempotencyKeyReused, Invalid, MissingIdempotencyKey, NotFound
from market.guard.limits import RateLimited
from market.http import ANYONE, CUSTOMER, GUEST, STAFF, Body, Cursor, Limit, OneLine, Response, ServiceApi, View, reply
from market.money import Money
from orders.contract import id_of
from payments import discrepancies, history, incidents, methods, service, settlement, store
from payments.gateway import HEADERS, WEBHOOKS, BadSignature, NotOffered, provider
from payments.manifest import MANIFEST
from payments.model import AlreadySettled, MethodGone, NotPayable, Payment, ProviderUnavailable, WrongAmount
from payments.views import (
    DiscrepancyPage,
    DiscrepancyView,
    IncidentPage,
    IncidentView,
    IntentView,
    MethodsView,
    MethodView,
    PaymentRecordView,
    PaymentView,
    SavedList,
    SavedView,
    SetupView,
)

api = ServiceApi(MANIFEST)
handler = api.handler
_LINES = 100

Method = Annotated[str, Field(min_length=1, max_length=32)]


class IntentRequest(Body):
    """method: one of those on offer; saved_method: pay at once with one that the customer saved."""

    order_no: Annotated[str, Field(min_length=5, max_length=64)]
    method: Method | None = None
    saved_method: Annotated[str | None, Field(min_length=3, max_length=150)] = None


class SettlementRequest(Body):
    """Money that came by hand. reference: what finds it again, such as the bank's or the courier's."""

    amount: Money
    reference: Annotated[OneLine, Field(min_length=1, max_length=120)]


class SetupRequest(Body):
    method: Method | None = None


class Received(View):
    received: bool = True


@api.post(
    "/v1/payments/intent",
    callers=[CUSTOMER, GUEST],
    status=201,
    problems=[NotPayable, MethodGone, NotOffered, ProviderUnavailable, RateLimited],
)
def open_intent(request: IntentRequest) -> IntentView:
    """Open the payment of an order of the caller's; asking again gives the same one, it can be paid only once.

    As long as it is not paid, asking for another `method` puts that one in its place.
    """
    order_id = id_of(request.order_no)
    return IntentView.of(service.open_for(api.caller.id, order_id, request.method or "", request.saved_method or ""))


@api.get("/v1/payments/methods", callers=[CUSTOMER, GUEST])
def offered() -> MethodsView:
    """How one may pay here."""
    return MethodsView(items=[MethodView.of(name) for name in methods.offered()])


@api.get("/v1/payments/<order_no>", callers=[CUSTOMER, GUEST])
def show(order_no: str) -> Response[PaymentView]:
    """The payment of one of the caller's orders, with its receipts."""
    payment = _payment(order_no)
    certain = payment.customer_id == api.caller.id and GUEST not in api.caller.roles  # a guest's may have been claimed
    if not certain and not store.has_order(api.caller.id, payment.order_id):
        raise NotFound("There is no payment for this order.")
    entries, _ = history.page(payment.order_id, limit=_LINES, cursor=None, begins="refund#")
    return reply(PaymentView.of(payment, entries))


@api.post("/v1/payments/webhook/<name>", callers=[ANYONE], raw=True, max_body=64 * 1024, problems=[BadSignature])
def webhook(name: str) -> Received:
    """For payment providers: a signed report. It is verified here and acted on from a queue."""
    if name not in WEBHOOKS or (name == "sandbox" and name not in methods.offered()):
        raise NotFound("There is no such provider.")
    try:
        notice = provider(name).receive({header: api.header(header) for header in HEADERS}, api.body)
    except Invalid as refused:
        _count(name, str(refused.extra.get("reason", refused.code)))
        raise
    message = {
        "provider": name,
        "body": api.body.decode(),
        "receivedAt": clock.timestamp(),
        "correlationId": log.scope().correlation_id,
    }
    config.client("sqs").send_message(
        QueueUrl=config.setting("WEBHOOK_QUEUE_URL"), MessageBody=orjson.dumps(message).decode()
    )
    log.info("webhook received", notice=notice.id, type=notice.type, order_id=notice.intent.order_id)
    return Received()


@api.get("/v1/me/payment-methods", callers=[CUSTOMER], problems=[ProviderUnavailable])
def saved() -> SavedList:
    """What the caller saved to pay with again."""
    return SavedList(items=[SavedView.of(method) for method in methods.saved(api.caller.id)])


@api.post("/v1/me/payment-methods", callers=[CUSTOMER], status=201, problems=[NotOffered, ProviderUnavailable])
def save(request: SetupRequest) -> SetupView:
    """Begin to save a method: the browser gives the card to the provider, never to us."""
    name = request.method or methods.offered()[0]
    return SetupView.of(name, methods.begin(api.caller.id, name))


@api.delete("/v1/me/payment-methods/<saved_id>", callers=[CUSTOMER], status=204, problems=[ProviderUnavailable])
def forget(saved_id: str) -> Response[None]:
    """Save a method no longer."""
    methods.forget(api.caller.id, saved_id)
    return Response(status_code=204)


@api.get("/v1/admin/payments/webhook-incidents", callers=[STAFF], needs="payments.read")
def listed(limit: Limit = 20, cursor: Cursor = None) -> Response[IncidentPage]:
    """Webhooks that changed nothing, and money to be paid back by hand, the newest first.

    Verified ones that do not fit their payment one by one; forged, stale or unreadable ones as counts per hour.
    """
    page = incidents.page(limit=limit, cursor=cursor)
    return reply(IncidentPage(items=list(map(IncidentView.of, page.items)), next_cursor=page.next))


@api.get("/v1/admin/payments/discrepancies", callers=[STAFF], needs="payments.read")
def differing(limit: Limit = 20, cursor: Cursor = None) -> Response[DiscrepancyPage]:
    """Where a provider's book and ours differed, repaired or not, those found last first."""
    page = discrepancies.page(limit=limit, cursor=cursor)
    return reply(DiscrepancyPage(items=list(map(DiscrepancyView.of, page.items)), next_cursor=page.next))


@api.get("/v1/admin/payments/<order_no>", callers=[STAFF], needs="payments.read")
def record(order_no: str, limit: Limit = 100, cursor: Cursor = None) -> Response[PaymentRecordView]:
    """A payment with all that happened to it."""
    payment = _payment(order_no)
    return reply(PaymentRecordView.record(payment, *history.page(payment.order_id, limit=limit, cursor=cursor)))


@api.post(
    "/v1/admin/payments/<order_no>/settlement",
    callers=[STAFF],
    needs="payments.settle",
    problems=[MissingIdempotencyKey, IdempotencyKeyReused, NotPayable, AlreadySettled, WrongAmount],
)
def settle(order_no: str, request: SettlementRequest) -> Response[PaymentRecordView]:
    """Record cash that was collected, or a transfer that arrived. Needs an `Idempotency-Key`."""
    payment = settlement.settle(
        id_of(order_no), request.amount, request.reference, by=api.caller.id, request=api.idempotency()
    )
    return reply(PaymentRecordView.record(payment, *history.page(payment.order_id, limit=_LINES, cursor=None)))


def _payment(order_no: str) -> Payment:
    payment = store.get(id_of(order_no))
    if payment is None or payment.amount is None:
        raise NotFound("There is no payment for this order.")
    return payment


def _count(name: str, reason: str) -> None:
    """Note a webhook that is refused; that the note fails must not turn the refusal into a success of repeating."""
    log.warning("webhook refused", provider=name, reason=reason)
    try:
        incidents.count(name, reason)
    except (ClientError, BotoCoreError) as hiccup:
        log.warning("webhook not counted", provider=name, error=type(hiccup).__name__)
