"""Stripe: PaymentIntents that are authorized by the browser and captured by us, refunds, and saved cards.

Each write carries a key made from our id, so that a call repeated after a lost answer is the same call. Stripe forgets
keys after a day; what must not happen twice even then is looked up first (refunds) or fenced by the intent's own state.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from functools import partial
from typing import Any

from market.errors import NotFound
from market.money import Money
from payments import credentials
from payments.gateway import Intent, Notice, Payable, Refund, SavedMethod, Setup
from payments.model import (
    AUTHORIZED,
    CAPTURED,
    PENDING,
    REFUNDED,
    VOIDED,
    CaptureRefused,
    Card,
    Contradicted,
    Mismatch,
    NotPayable,
    ProviderUnavailable,
    RefundRefused,
)
from payments.providers import stripe_objects, stripe_webhooks

_CHARGE = "latest_charge.balance_transaction"
_PAGE = 100


class Stripe:
    """Stripe over its SDK. Without state: credentials and the client live in their modules."""

    name = "stripe"

    def create(self, payable: Payable) -> Intent:
        """Open a PaymentIntent, to be confirmed by the browser with its client secret. Raises NotPayable.

        With a saved card it is authorized at once; if that one is declined, or its bank wants to see the customer, the
        intent is pending like any other. Nothing of the person goes along, only what is the same each time.
        """
        from payments.providers.stripe_http import Declined, KeyReused, Refused, keyed, v1

        wish = _opening(payable)
        try:
            made = keyed(
                f"create-{payable.key}",
                lambda key: v1().payment_intents.create(wish, {"idempotency_key": key}),
            ).to_dict()
        except KeyReused:
            return self._opened(payable)
        except Declined as declined:
            made = declined.intent
        except Refused as refused:
            raise NotPayable("Stripe does not accept this payment.", reason=refused.code) from None
        return stripe_objects.intent(made)

    def retrieve(self, reference: str) -> Intent:
        """Raises NotFound."""
        from payments.providers.stripe_http import Refused, call, v1

        try:
            found = call(lambda: v1().payment_intents.retrieve(reference, {"expand": [_CHARGE]}))
        except Refused:
            raise NotFound("Stripe knows of no such payment.") from None
        return stripe_objects.intent(found.to_dict())

    def capture(self, order_id: str, reference: str, amount: Money) -> Intent:
        """Take the authorized money. Raises CaptureRefused, or Mismatch if another amount was captured before."""
        from payments.providers.stripe_http import Refused, keyed, v1

        wish = {"amount_to_capture": _units(amount), "expand": [_CHARGE]}
        try:
            done = keyed(
                f"capture-{order_id}-{reference}",
                lambda key: v1().payment_intents.capture(reference, wish, {"idempotency_key": key}),
            )
            intent = stripe_objects.intent(done.to_dict())
        except Refused as refused:
            intent = self.retrieve(reference)
            if intent.status in (AUTHORIZED, PENDING) and refused.code == "payment_intent_unexpected_state":
                raise Contradicted(intent.status) from None
            if intent.status not in (CAPTURED, REFUNDED):
                raise CaptureRefused(refused.code) from None
        if intent.amount != amount:
            raise Mismatch("amount")
        return intent

    def void(self, order_id: str, reference: str) -> Intent:
        """Cancel the intent. Raises Contradicted if it was captured meanwhile."""
        from payments.providers.stripe_http import Refused, keyed, v1

        try:
            done = keyed(
                f"void-{order_id}-{reference}",
                lambda key: v1().payment_intents.cancel(reference, {}, {"idempotency_key": key}),
            )
            intent = stripe_objects.intent(done.to_dict())
        except Refused:
            intent = self.retrieve(reference)
        if intent.status != VOIDED:
            raise Contradicted(intent.status)
        return intent

    def refund(self, refund_id: str, reference: str, amount: Money) -> Refund:
        """Give money back, once per refund id: Stripe is asked first whether it did, as it forgets keys after a day."""
        from payments.providers.stripe_http import Refused, call, v1

        wish = {
            "payment_intent": reference,
            "amount": _units(amount, RefundRefused),
            "metadata": {"refund_id": refund_id},
            "expand": ["balance_transaction"],
        }
        known = self._refunded(refund_id, reference)
        if known is not None:
            return known
        try:
            made = call(lambda: v1().refunds.create(wish, {"idempotency_key": f"refund-{refund_id}"}))
        except Refused as refused:
            known = self._refunded(refund_id, reference)
            if known is None:
                raise RefundRefused(refused.code) from None
            return known
        return stripe_objects.refund(made.to_dict())

    def recent(self, since: datetime, until: datetime) -> Iterable[Intent]:
        """Payments opened from `since` until just before `until`; intents that are no order's are passed over."""
        from payments.providers.stripe_http import call, v1

        wish = {
            "created": {"gte": int(since.timestamp()), "lt": int(until.timestamp())},
            "limit": _PAGE,
            "expand": [f"data.{_CHARGE}"],
        }
        while True:
            page = call(partial(v1().payment_intents.list, wish))
            intents = [stripe_objects.intent(body.to_dict()) for body in page.data]
            yield from (intent for intent in intents if intent.order_id)
            if not page.has_more:
                return
            wish = wish | {"starting_after": intents[-1].reference}

    def receive(self, headers: Mapping[str, str], body: bytes) -> Notice:
        """A webhook, checked; its intent is as the event has it, and disputes do not name the order: see `parse`."""
        ours = credentials.of("stripe")
        stripe_webhooks.verify(headers.get("stripe-signature", ""), body, ours.get("webhook_secret", ""))
        event = stripe_webhooks.event(body)
        stripe_webhooks.check_account(event, ours.get("account", ""), ours["api_key"])
        return stripe_webhooks.said(event)

    def parse(self, body: bytes) -> Notice:
        """A checked webhook with the intent as it is now. Raises ProviderUnavailable if Stripe cannot be asked."""
        notice = stripe_webhooks.said(stripe_webhooks.event(body))
        if notice.type in ("attempted", "other") or not notice.intent.reference:
            return stripe_webhooks.refreshed(notice, notice.intent)
        return stripe_webhooks.refreshed(notice, self.retrieve(notice.intent.reference))

    # -- saved cards

    def setup(self, customer_id: str, customer_ref: str) -> Setup:
        """Begin to save a card, to be paid with later without the customer being there.

        Each call is a new SetupIntent, which moves no money; the customer at Stripe is the same one each time.
        """
        from payments.providers.stripe_http import call, v1

        known = customer_ref or self._customer(customer_id)
        wish = {"customer": known, "usage": "off_session", "allowed_payment_method_types": ["card"]}
        made = call(lambda: v1().setup_intents.create(wish))
        return Setup(reference=made.id, client_secret=made.client_secret, customer_ref=known)

    def saved(self, customer_ref: str) -> list[SavedMethod]:
        """The customer's saved cards, the newest first."""
        from payments.providers.stripe_http import Refused, call, v1

        try:
            found = call(lambda: v1().customers.payment_methods.list(customer_ref, {"type": "card", "limit": _PAGE}))
        except Refused:  # the customer was deleted at Stripe
            return []
        return [SavedMethod(id=body.id, card=stripe_objects.card(body.to_dict()) or Card()) for body in found.data]

    def detach(self, customer_ref: str, method_id: str) -> None:
        """Forget a saved card; one that is gone already, or another's, is left as it is."""
        from payments.providers.stripe_http import Refused, call, v1

        if method_id not in {method.id for method in self.saved(customer_ref)}:
            return
        try:
            call(lambda: v1().payment_methods.detach(method_id, {}, {"idempotency_key": f"detach-{method_id}"}))
        except Refused:
            if method_id in {method.id for method in self.saved(customer_ref)}:
                raise ProviderUnavailable("Stripe does not let go of the card.") from None

    def forget(self, customer_ref: str) -> None:
        """Delete the customer: their cards go with them, and a card that is just being saved finds nobody."""
        from payments.providers.stripe_http import Refused, call, v1

        try:
            call(lambda: v1().customers.delete(customer_ref))
        except Refused as refused:
            if refused.code != "resource_missing":
                raise ProviderUnavailable("Stripe does not let go of the customer.") from None

    def _customer(self, customer_id: str) -> str:
        """Stripe's id of our customer, made on the first call.

        Stripe's search lags behind by a minute and its idempotency keys last for a day: together they always find it.
        """
        from payments.providers.stripe_http import call, v1

        query = {"query": f'metadata["customer_id"]:"{customer_id}"', "limit": _PAGE}
        found = call(lambda: v1().customers.search(query)).data
        if found:
            return str(min(found, key=lambda body: (body.created, body.id)).id)
        wish = {"metadata": {"customer_id": customer_id}}
        made = call(lambda: v1().customers.create(wish, {"idempotency_key": f"customer-{customer_id}"}))
        return str(made.id)

    # -- what Stripe knows

    def _opened(self, payable: Payable) -> Intent:
        """The intent that was opened for the order in another way, such as with another saved card."""
        from payments.providers.stripe_http import call, v1

        query = {"query": f'metadata["order_id"]:"{payable.order_id}"', "limit": _PAGE}
        for body in call(lambda: v1().payment_intents.search(query)).data:
            intent = stripe_objects.intent(body.to_dict())
            if intent.amount == payable.amount and intent.status != VOIDED:
                return intent
        raise ProviderUnavailable("Stripe does not find the payment yet.")

    def _refunded(self, refund_id: str, reference: str) -> Refund | None:
        from payments.providers.stripe_http import Refused, call, v1

        wish = {"payment_intent": reference, "limit": _PAGE, "expand": ["data.balance_transaction"]}
        try:
            refunds = call(lambda: [body.to_dict() for body in v1().refunds.list(wish).auto_paging_iter()])
        except Refused as refused:
            raise RefundRefused(refused.code) from None
        for body in refunds:
            if (body["metadata"] or {}).get("refund_id") == refund_id:
                return stripe_objects.refund(body)
        return None


def _opening(payable: Payable) -> dict[str, Any]:
    wish: dict[str, Any] = {
        "amount": _units(payable.amount),
        "currency": payable.amount.currency.lower(),
        "capture_method": "manual",
        "automatic_payment_methods": {"enabled": True},
        "description": f"Order {payable.number}",
        "metadata": {"order_id": payable.order_id},
    }
    if payable.saved_method:
        wish |= {"customer": payable.customer_ref, "payment_method": payable.saved_method}
        wish |= {"confirm": True, "off_session": True}
        wish["automatic_payment_methods"] = {"enabled": True, "allow_redirects": "never"}
    return wish


def _units(amount: Money, refusal: type[NotPayable] | type[RefundRefused] = NotPayable) -> int:
    try:
        return stripe_objects.units(amount)
    except stripe_objects.Unchargeable as impossible:
        raise refusal(impossible.detail) from None
