"""Routes of payments: the customer opens one, the provider reports on it."""

from typing import Annotated

import orjson
from pydantic import Field

from market import config, log
from market.errors import NotFound
from market.http import ANYONE, CUSTOMER, Body, ServiceApi, View
from market.money import Money
from orders.contract import id_of, number_of
from payments import service
from payments.gateway import BadSignature, provider
from payments.manifest import MANIFEST
from payments.model import NotPayable, Payment, ProviderUnavailable

api = ServiceApi(MANIFEST)
handler = api.handler


class IntentRequest(Body):
    order_no: Annotated[str, Field(min_length=5, max_length=64)]


class IntentView(View):
    """What the browser needs to pay with the provider: its reference and a secret for this payment only."""

    order_no: str
    provider: str
    intent_id: str
    client_secret: str
    amount: Money
    status: str

    @classmethod
    def of(cls, payment: Payment) -> "IntentView":
        assert payment.amount is not None
        return cls(
            order_no=number_of(payment.order_id, config.setting("ORDER_NO_PREFIX")),
            provider=payment.provider,
            intent_id=payment.reference,
            client_secret=payment.client_secret,
            amount=payment.amount,
            status=payment.status,
        )


class Received(View):
    received: bool = True


@api.post("/v1/payments/intent", callers=[CUSTOMER], status=201, problems=[NotPayable, ProviderUnavailable])
def open_intent(request: IntentRequest) -> IntentView:
    """Open the payment of an order of the caller's; asking again gives the same one, it can be paid only once."""
    return IntentView.of(service.open_for(api.caller.id, id_of(request.order_no)))


@api.post("/v1/payments/webhook/<name>", callers=[ANYONE], raw=True, max_body=64 * 1024, problems=[BadSignature])
def webhook(name: str) -> Received:
    """For payment providers: a signed report. It is verified here and acted on from a queue."""
    if name != service.PROVIDER:
        raise NotFound("There is no such provider.")
    notice = provider(name).verify(api.body, api.header("sandbox-signature"))
    message = {"provider": name, "body": api.body.decode(), "correlationId": log.scope().correlation_id}
    config.client("sqs").send_message(
        QueueUrl=config.setting("WEBHOOK_QUEUE_URL"), MessageBody=orjson.dumps(message).decode()
    )
    log.info("webhook received", notice=notice.id, type=notice.type, order_id=notice.intent.order_id)
    return Received()
