"""PayPal: Orders v2 with the intent to authorize, Payments v2 for what follows.

Where PayPal differs from our port:

- The reference is PayPal's order. Its authorization, its capture and its refunds are found through it, so that every
  verb begins by asking how things stand, and a call whose answer was lost finds its effect there even after PayPal has
  forgotten the PayPal-Request-Id (6 hours for orders, 45 days for payments).
- A buyer who approves has not paid: it takes one more call from us, an authorization. `parse` makes it when the webhook
  tells of the approval; if that never comes, `retrieve` reports the approved order as authorized, and `capture` makes
  it. PayPal allows one authorization per order, so the two cannot both hold the money.
- An order that was not approved, or approved and not authorized, cannot be closed: it lapses by itself within hours.
  `void` calls it voided, and an approval that comes later is authorized and, since the payment is given up, voided.
- Funds are promised for three days. A later capture first renews the authorization; after 29 days PayPal voids it.

Credentials: `client_id`, `client_secret` and the `webhook_id` of our webhook there, which subscribes to the events in
`paypal_webhooks.py`.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from market import clock
from market.money import Money
from payments.gateway import Intent, Notice, Payable, Refund
from payments.model import (
    CAPTURED,
    REFUNDED,
    VOIDED,
    CaptureRefused,
    Contradicted,
    NotPayable,
    RefundRefused,
)
from payments.providers import paypal_records as records
from payments.providers import paypal_webhooks as webhooks
from payments.providers.paypal_api import Refused, Unwritable, call, read, write
from payments.providers.paypal_records import Record

_ORDERS, _PAYMENTS = "/v2/checkout/orders", "/v2/payments"

# Not the buyer's doing: our account is restricted or empty. A person sets it right, and the same call goes through.
_OURS = frozenset(
    {
        "PAYEE_ACCOUNT_LOCKED_OR_CLOSED",
        "PAYEE_ACCOUNT_RESTRICTED",
        "REFUND_FAILED_INSUFFICIENT_FUNDS",
        "PENDING_CAPTURE",
    }
)
_AUTHORIZED_BEFORE = frozenset(
    {"ORDER_ALREADY_AUTHORIZED", "ORDER_COMPLETED_OR_VOIDED", "MAX_AUTHORIZATION_COUNT_EXCEEDED"}
)
_NOT_TO_PAY = frozenset(
    {"DUPLICATE_INVOICE_ID", "TRANSACTION_LIMIT_EXCEEDED", "MAX_VALUE_EXCEEDED", "CURRENCY_NOT_SUPPORTED"}
)
_REPORT_DAYS, _PAGE = 31, 500


class PayPal:
    name = "paypal"

    def create(self, payable: Payable) -> Intent:
        """An order at PayPal for the buyer to approve at `redirect`.

        Raises NotPayable for amounts that PayPal does not take, or when it took money for this order number before.
        """
        try:
            unit = {
                "reference_id": payable.order_id,
                "custom_id": payable.order_id,
                "invoice_id": payable.number,
                "amount": write(payable.amount),
            }
            order = call("POST", _ORDERS, _asked(unit, payable.return_url), key=f"create-{payable.key}")
        except Unwritable as unwritable:
            raise NotPayable(str(unwritable)) from None
        except Refused as refused:
            if refused.issue in _NOT_TO_PAY:
                raise NotPayable("This order cannot be paid with PayPal.", issue=refused.issue) from None
            raise
        return records.intent_of(order)

    def retrieve(self, reference: str) -> Intent:
        """Raises Contradicted for an order that PayPal has forgotten, as it does with those never approved."""
        return records.intent_of(_order(reference))

    def capture(self, order_id: str, reference: str, amount: Money) -> Intent:
        """All of it, finally. Raises Contradicted while PayPal reviews it."""
        order = _order(reference)
        if records.captured(order):
            return _same(records.intent_of(order), amount)
        if records.undecided(order):
            raise Contradicted("PayPal is reviewing the capture.")
        try:
            if records.awaits_authorization(order):
                order = _authorize(reference, f"authorize-{order_id}")
            if not records.held(order):
                raise CaptureRefused(records.intent_of(order).status)
            authorization = _renewed(records.held(order)[0], amount)
            body = {"amount": write(amount), "final_capture": True}
            path, key = f"{_PAYMENTS}/authorizations/{authorization['id']}/capture", f"capture-{authorization['id']}"
            capture = call("POST", path, body, key=f"{order_id}-{key}")
        except Refused as refused:
            return _captured_before(refused, reference, amount)
        if capture["status"] == "PENDING":
            raise Contradicted("PayPal is reviewing the capture.")
        if capture["status"] in ("DECLINED", "FAILED"):
            raise CaptureRefused(capture["status"])
        taken = replace(records.intent_of(order), status=CAPTURED, fee=records.fee_of(capture))
        return _same(replace(taken, amount=read(capture["amount"])), amount)

    def void(self, order_id: str, reference: str) -> Intent:
        """Raises Contradicted once captured."""
        order = _order(reference)
        intent = records.intent_of(order)
        if intent.status in (CAPTURED, REFUNDED):
            raise Contradicted("PayPal has captured the payment.")
        for authorization in records.held(order):
            path = f"{_PAYMENTS}/authorizations/{authorization['id']}/void"
            try:
                call("POST", path, key=f"{order_id}-void-{authorization['id']}")
            except Refused as refused:
                if refused.issue != "PREVIOUSLY_VOIDED":
                    raise Contradicted(refused.issue) from None
        return replace(intent, status=VOIDED, redirect="")

    def refund(self, refund_id: str, reference: str, amount: Money) -> Refund:
        order = _order(reference)
        if earlier := records.refund_of(order, refund_id):
            return earlier
        capture = records.captured(order)
        if capture is None:
            raise RefundRefused("not captured")
        try:
            body = {"amount": write(amount), "custom_id": refund_id}
            return records.read_refund(
                call("POST", f"{_PAYMENTS}/captures/{capture['id']}/refund", body, key=f"refund-{refund_id}")
            )
        except Unwritable as unwritable:
            raise RefundRefused(str(unwritable)) from None
        except Refused as refused:
            if refused.issue in _OURS:
                raise Contradicted(refused.issue) from None
            raise RefundRefused(refused.issue) from None

    def recent(self, since: datetime, until: datetime) -> Iterable[Intent]:
        """Payments that were authorized or captured in the period, at two calls each.

        PayPal's report is up to three hours late, so a period should have ended by then.
        """
        told: set[str] = set()
        for transaction in _report(since, until):
            order_id, code = transaction.get("custom_field", ""), transaction["transaction_event_code"]
            kind = "authorizations" if code == "T1300" else "captures" if code == "T0006" else ""
            if not kind or order_id in told:
                continue
            told.add(order_id)
            payment = call("GET", f"{_PAYMENTS}/{kind}/{transaction['transaction_id']}")
            if reference := records.order_of(payment):
                yield self.retrieve(reference)

    def receive(self, headers: Mapping[str, str], body: bytes) -> Notice:
        """Verified by PayPal, and not acted upon: an approval is `other` here and authorized by `parse`."""
        return webhooks.claimed(webhooks.verify(headers, body))

    def parse(self, body: bytes) -> Notice:
        """What PayPal says of the payment now, whatever the webhook says of it; an approval is authorized first.

        Raises Invalid, or ProviderUnavailable: try again.
        """
        event = webhooks.read_event(body)
        reference = _reference(event)
        if not reference:
            return replace(webhooks.claimed(event), type="other")
        if event["event_type"] == webhooks.APPROVED:
            return _approved(event["id"], reference)
        intent = self.retrieve(reference)
        type_ = webhooks.TYPES[event["event_type"]]
        if type_ in ("authorized", "captured", "voided"):  # reordered and late, it would tell of the past
            type_ = _told(intent)
        failure = event["event_type"] if type_ == "declined" else ""
        return Notice(id=event["id"], type=type_, intent=intent, failure=failure)


def _asked(unit: Record, return_url: str) -> Record:
    context = {
        "user_action": "PAY_NOW",
        "shipping_preference": "NO_SHIPPING",
        "payment_method_preference": "IMMEDIATE_PAYMENT_REQUIRED",
    }
    if return_url:
        context |= {"return_url": return_url, "cancel_url": return_url}
    return {
        "intent": "AUTHORIZE",
        "purchase_units": [unit],
        "payment_source": {"paypal": {"experience_context": context}},
    }


def _order(reference: str) -> Record:
    return call("GET", f"{_ORDERS}/{reference}")


def _authorize(reference: str, key: str) -> Record:
    """The order with its authorization. Raises Refused if the buyer's means of payment is declined."""
    try:
        return call("POST", f"{_ORDERS}/{reference}/authorize", {}, key=key)
    except Refused as refused:
        if refused.issue in _AUTHORIZED_BEFORE:
            return _order(reference)
        raise


def _renewed(authorization: Record, amount: Money) -> Record:
    """The authorization to capture: a new one once the funds are no longer promised, if PayPal grants it."""
    if not records.past_honor(authorization, clock.now()):
        return authorization
    path, body = f"{_PAYMENTS}/authorizations/{authorization['id']}/reauthorize", {"amount": write(amount)}
    try:
        return call("POST", path, body, key=f"renew-{authorization['id']}")
    except Refused:
        return authorization  # the old one may still be captured; if not, that call says why


def _captured_before(refused: Refused, reference: str, amount: Money) -> Intent:
    """A refusal is looked into: perhaps an earlier call was carried out unheard."""
    if refused.issue in _OURS:
        raise Contradicted(refused.issue) from None
    if refused.issue == "AUTHORIZATION_ALREADY_CAPTURED":
        order = _order(reference)
        if records.captured(order):
            return _same(records.intent_of(order), amount)
        raise Contradicted(refused.issue) from None
    raise CaptureRefused(refused.issue) from None


def _same(intent: Intent, amount: Money) -> Intent:
    if intent.amount != amount:
        raise CaptureRefused("another amount was captured")
    return intent


def _approved(event_id: str, reference: str) -> Notice:
    """Ask for the money that the buyer agreed to pay; each approval is an attempt of its own."""
    try:
        intent = records.intent_of(_authorize(reference, f"authorize-{event_id}"))
    except Refused as refused:
        intent = records.intent_of(_order(reference))
        if refused.issue == "ORDER_NOT_APPROVED":  # taken back meanwhile, or the webhook is not about this order
            return Notice(id=event_id, type="other", intent=intent)
        return Notice(id=event_id, type="declined", intent=intent, failure=refused.issue)
    told = _told(intent)
    return Notice(id=event_id, type="attempted" if told == "other" else told, intent=intent)


def _told(intent: Intent) -> str:
    return {"pending": "other", "failed": "declined"}.get(intent.status, intent.status)


def _reference(event: dict[str, Any]) -> str:
    """PayPal's id of the order, if the event is one that we act upon. One call more where only a capture is named."""
    if event["event_type"] not in webhooks.TYPES and event["event_type"] != webhooks.APPROVED:
        return ""
    reference = webhooks.order_id_of(event)
    if not reference and (capture_id := webhooks.capture_id_of(event)):
        reference = records.order_of(call("GET", f"{_PAYMENTS}/captures/{capture_id}"))
    return reference


def _report(since: datetime, until: datetime) -> Iterable[Record]:
    """Lines of PayPal's transaction report, which gives at most 31 days at a time."""
    while since < until:
        end, page, pages = min(until, since + timedelta(days=_REPORT_DAYS)), 1, 1
        while page <= pages:
            query = {
                "start_date": clock.iso(since),
                "end_date": clock.iso(end),
                "fields": "transaction_info",
                "balance_affecting_records_only": "N",
                "page_size": _PAGE,
                "page": page,
            }
            answer = call("GET", f"/v1/reporting/transactions?{urlencode(query)}")
            yield from (line["transaction_info"] for line in answer.get("transaction_details", ()))
            page, pages = page + 1, int(answer.get("total_pages", 1))
        since = end
