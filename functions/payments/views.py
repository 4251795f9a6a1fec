"""How payments look on the wire."""

from collections.abc import Iterator
from typing import Any

from pydantic import Field

from market import config
from market.http import View
from market.money import Money
from market.table import Item
from orders.contract import number_of
from payments.gateway import BY_HAND, Setup
from payments.methods import Saved
from payments.model import Card, Entry, Payment


class IntentView(View):
    """What the browser needs to pay with the provider: its reference, and a secret or an address to go to."""

    order_no: str
    provider: str
    intent_id: str
    client_secret: str = Field(description="For this payment only; empty where the method needs none.")
    redirect: str = Field(description="Where the customer pays, for methods that have a page of their own.")
    amount: Money
    status: str

    @classmethod
    def of(cls, payment: Payment) -> "IntentView":
        assert payment.amount is not None
        return cls(
            order_no=_number(payment),
            provider=payment.provider,
            intent_id=payment.reference,
            client_secret=payment.client_secret,
            redirect=payment.redirect,
            amount=payment.amount,
            status=payment.status,
        )


class MethodView(View):
    """A way to pay. by_hand: without another company, nothing is to be done in the browser."""

    method: str
    by_hand: bool

    @classmethod
    def of(cls, name: str) -> "MethodView":
        return cls(method=name, by_hand=name in BY_HAND)


class MethodsView(View):
    items: list[MethodView] = Field(description="The default first.")


class InstrumentView(View):
    """What was paid with."""

    provider: str
    brand: str | None = None
    last4: str | None = None

    @classmethod
    def of(cls, provider: str, card: Card | None) -> "InstrumentView":
        return cls(provider=provider, brand=(card and card.brand) or None, last4=(card and card.last4) or None)


class ReceiptView(View):
    """Money that was taken or given back. The number is the order's, with a letter and a count."""

    number: str
    kind: str = Field(description="`payment` or `refund`.")
    at: str
    method: InstrumentView
    amount: Money


_NOT_TOLD = frozenset({"fraudulent", "lost_card", "merchant_blacklist", "pickup_card", "stolen_card"})
"""Reasons of a decline that whoever tries out somebody else's card must not learn; staff do."""


class PaymentView(View):
    """A payment as its customer sees it. refunded: given back, or on its way back."""

    order_no: str
    status: str
    method: InstrumentView
    amount: Money
    captured: Money
    refunded: Money
    last_failure: str | None = None
    receipts: list[ReceiptView]

    @classmethod
    def of(cls, payment: Payment, history: list[Entry]) -> "PaymentView":
        assert payment.amount is not None
        nothing = Money(0, payment.amount.currency)
        return cls(
            order_no=_number(payment),
            status=payment.status,
            method=InstrumentView.of(payment.provider, payment.card),
            amount=payment.amount,
            captured=payment.captured or nothing,
            refunded=payment.refunded or nothing,
            last_failure="card_declined" if payment.last_failure in _NOT_TOLD else payment.last_failure or None,
            receipts=list(_receipts(payment, history)),
        )


class EntryView(View):
    """Something that happened. details: what is known of it; payload: a provider's own words, cut where too long."""

    kind: str
    at: str
    details: dict[str, Any]
    payload: str | None = None

    @classmethod
    def of(cls, entry: Entry) -> "EntryView":
        return cls(kind=entry.kind, at=entry.at, details=dict(entry.details), payload=entry.payload or None)


class SettlementView(View):
    reference: str
    at: str
    by: str


class PaymentRecordView(PaymentView):
    """A payment as staff sees it, with all that happened to it, in the order of time."""

    order_id: str
    customer_id: str
    reference: str
    attempt: int
    closing: bool
    fee: Money | None = None
    settlement: SettlementView | None = None
    history: list[EntryView]
    next_cursor: str | None = None

    @classmethod
    def record(cls, payment: Payment, history: list[Entry], following: str | None) -> "PaymentRecordView":
        plain = PaymentView.of(payment, history)
        told = payment.settlement
        entries = [*_moments(payment), *history]
        return cls(
            **{name: getattr(plain, name) for name in PaymentView.model_fields}
            | {"last_failure": payment.last_failure or None},
            order_id=payment.order_id,
            customer_id=payment.customer_id,
            reference=payment.reference,
            attempt=payment.attempt,
            closing=payment.closing,
            fee=payment.fee,
            settlement=SettlementView(reference=told.reference, at=told.at, by=told.by) if told else None,
            history=[EntryView.of(entry) for entry in sorted(entries, key=lambda entry: entry.at)],
            next_cursor=following,
        )


class IncidentView(View):
    """A webhook that changed nothing, or money for a person to pay back. times: how many an hour, where counted."""

    provider: str
    reason: str
    at: str
    times: int
    type: str | None = None
    notice: str | None = None
    order_no: str | None = None
    reference: str | None = None
    amount: Money | None = None
    payload: str | None = None

    @classmethod
    def of(cls, item: Item) -> "IncidentView":
        order_id = item.get("order_id", "")
        return cls(
            **{name: item[name] for name in ("provider", "reason", "at", "times")},
            **{name: item.get(name) for name in ("type", "notice", "reference", "payload")},
            order_no=number_of(order_id, config.setting("ORDER_NO_PREFIX")) if order_id else None,
            amount=Money(item["amount"], item["currency"]) if "amount" in item else None,
        )


class IncidentPage(View):
    items: list[IncidentView]
    next_cursor: str | None = None


class SideView(View):
    """One book's side of a difference. order: the order's status; refunded: in minor units, as `amount`."""

    order: str | None = None
    status: str | None = None
    amount: int | None = None
    currency: str | None = None
    refunded: int | None = None


class DiscrepancyView(View):
    """Where a provider's book and ours differed. kind: see the runbook `payments-differ`."""

    order_no: str
    kind: str
    provider: str
    reference: str
    ours: SideView
    theirs: SideView
    found_at: str
    repaired: bool
    repaired_at: str | None = None

    @classmethod
    def of(cls, item: Item) -> "DiscrepancyView":
        return cls(
            **{name: item[name] for name in ("kind", "provider", "reference", "found_at", "repaired")},
            order_no=number_of(item["order_id"], config.setting("ORDER_NO_PREFIX")),
            ours=SideView(**item["ours"]),
            theirs=SideView(**item["theirs"]),
            repaired_at=item.get("repaired_at"),
        )


class DiscrepancyPage(View):
    items: list[DiscrepancyView]
    next_cursor: str | None = None


class SetupView(View):
    """What the browser needs to give the provider a card to keep."""

    provider: str
    setup_id: str
    client_secret: str

    @classmethod
    def of(cls, provider: str, setup: Setup) -> "SetupView":
        return cls(provider=provider, setup_id=setup.reference, client_secret=setup.client_secret)


class SavedView(View):
    """A saved method; its id goes into `savedMethod` of a payment."""

    id: str
    provider: str
    brand: str
    last4: str
    country: str

    @classmethod
    def of(cls, saved: Saved) -> "SavedView":
        card = saved.card
        return cls(id=saved.id, provider=saved.provider, brand=card.brand, last4=card.last4, country=card.country)


class SavedList(View):
    items: list[SavedView]


def _number(payment: Payment) -> str:
    return number_of(payment.order_id, config.setting("ORDER_NO_PREFIX"))


def _receipts(payment: Payment, history: list[Entry]) -> Iterator[ReceiptView]:
    """One for the charge, one for each refund that arrived."""
    number, method = _number(payment), InstrumentView.of(payment.provider, payment.card)
    if payment.captured and "captured" in payment.moments:
        at = payment.moments["captured"]
        yield ReceiptView(number=f"{number}-P1", kind="payment", at=at, method=method, amount=payment.captured)
    done = [entry for entry in history if entry.kind == "refund" and entry.details["status"] == "succeeded"]
    for count, entry in enumerate(sorted(done, key=lambda entry: str(entry.details["done_at"])), 1):
        money = Money(entry.details["amount"], entry.details["currency"])
        at = entry.details["done_at"]
        yield ReceiptView(number=f"{number}-R{count}", kind="refund", at=at, method=method, amount=money)
    if payment.returned and not done and (at := payment.moments.get("refunded", "")):
        yield ReceiptView(number=f"{number}-R1", kind="refund", at=at, method=method, amount=payment.returned)


def _moments(payment: Payment) -> Iterator[Entry]:
    """What is stamped on the payment itself."""
    for word, at in payment.moments.items():
        details: dict[str, Any] = {"provider": payment.provider, "reference": payment.reference}
        if word == "captured" and payment.captured and payment.fee:
            details |= {"amount": payment.captured.amount, "fee": payment.fee.amount}
        yield Entry(kind=word, at=at, details=details)
    if payment.settlement:
        told = {"reference": payment.settlement.reference, "by": payment.settlement.by}
        yield Entry(kind="settled", at=payment.settlement.at, details=told)
