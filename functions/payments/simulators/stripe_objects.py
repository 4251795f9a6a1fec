"""Stripe's objects as its API shows them (version 2026-10-28.endive), fresh from their making."""

from typing import Any

from payments.simulators.stripe_rules import Card

JSON = dict[str, Any]

_ADDRESS = dict.fromkeys(("city", "country", "line1", "line2", "postal_code", "state"))


def _billing() -> JSON:
    return {"address": dict(_ADDRESS), "email": None, "name": None, "phone": None, "tax_id": None}


def payment_intent(name: str, created: int, *, amount: int, currency: str, capture_method: str) -> JSON:
    return {
        "id": name,
        "object": "payment_intent",
        "amount": amount,
        "amount_capturable": 0,
        "amount_received": 0,
        "automatic_payment_methods": None,
        "canceled_at": None,
        "cancellation_reason": None,
        "capture_method": capture_method,
        "client_secret": f"{name}_secret_{created:x}",
        "confirmation_method": "automatic",
        "created": created,
        "currency": currency,
        "customer": None,
        "description": None,
        "last_payment_error": None,
        "latest_charge": None,
        "livemode": False,
        "metadata": {},
        "next_action": None,
        "payment_method": None,
        "payment_method_options": {},
        "payment_method_types": ["card"],
        "processing": None,
        "setup_future_usage": None,
        "status": "requires_payment_method",
    }


def card(of: Card) -> JSON:
    return {
        "brand": of.brand,
        "checks": {"address_line1_check": None, "address_postal_code_check": None, "cvc_check": "pass"},
        "country": of.country,
        "exp_month": 12,
        "exp_year": 2034,
        "fingerprint": of.fingerprint,
        "funding": "credit",
        "last4": of.number[-4:],
        "wallet": None,
    }


def charge(name: str, created: int, intent: JSON, of: Card) -> JSON:
    details = card(of)
    return {
        "id": name,
        "object": "charge",
        "amount": intent["amount"],
        "amount_captured": 0,
        "amount_refunded": 0,
        "balance_transaction": None,
        "billing_details": _billing(),
        "captured": False,
        "created": created,
        "currency": intent["currency"],
        "customer": intent["customer"],
        "description": intent["description"],
        "disputed": False,
        "failure_code": None,
        "failure_message": None,
        "livemode": False,
        "metadata": dict(intent["metadata"]),
        "paid": True,
        "payment_intent": intent["id"],
        "payment_method": intent["payment_method"],
        "payment_method_details": {"type": "card", "card": details | {"network": of.brand, "three_d_secure": None}},
        "refunded": False,
        "status": "succeeded",
    }


def balance_transaction(
    name: str, created: int, *, source: str, kind: str, amount: int, currency: str, fee: int, rate: float | None
) -> JSON:
    details = {"amount": fee, "application": None, "currency": currency, "description": "Stripe processing fees"}
    return {
        "id": name,
        "object": "balance_transaction",
        "amount": amount,
        "available_on": created + 2 * 86_400,
        "created": created,
        "currency": currency,
        "description": None,
        "exchange_rate": rate,
        "fee": fee,
        "fee_details": [details | {"type": "stripe_fee"}] if fee else [],
        "net": amount - fee,
        "reporting_category": kind,
        "source": source,
        "status": "pending",
        "type": kind,
    }


def refund(name: str, created: int, *, charge: JSON, amount: int, status: str) -> JSON:
    return {
        "id": name,
        "object": "refund",
        "amount": amount,
        "balance_transaction": None,
        "charge": charge["id"],
        "created": created,
        "currency": charge["currency"],
        "metadata": {},
        "payment_intent": charge["payment_intent"],
        "reason": None,
        "receipt_number": None,
        "status": status,
    }


def dispute(name: str, created: int, charge: JSON) -> JSON:
    due = created + 9 * 86_400
    return {
        "id": name,
        "object": "dispute",
        "amount": charge["amount_captured"],
        "balance_transactions": [],
        "charge": charge["id"],
        "created": created,
        "currency": charge["currency"],
        "evidence": {},
        "evidence_details": {"due_by": due, "has_evidence": False, "past_due": False, "submission_count": 0},
        "is_charge_refundable": False,
        "livemode": False,
        "metadata": {},
        "payment_intent": charge["payment_intent"],
        "reason": "fraudulent",
        "status": "needs_response",
    }


def customer(name: str, created: int) -> JSON:
    return {
        "id": name,
        "object": "customer",
        "address": None,
        "balance": 0,
        "created": created,
        "currency": None,
        "default_source": None,
        "delinquent": False,
        "description": None,
        "email": None,
        "livemode": False,
        "metadata": {},
        "name": None,
        "phone": None,
        "shipping": None,
    }


def payment_method(name: str, created: int, of: Card) -> JSON:
    return {
        "id": name,
        "object": "payment_method",
        "billing_details": _billing(),
        "card": card(of) | {"three_d_secure_usage": {"supported": True}},
        "created": created,
        "customer": None,
        "livemode": False,
        "metadata": {},
        "type": "card",
    }


def setup_intent(name: str, created: int, *, customer: str | None, usage: str) -> JSON:
    return {
        "id": name,
        "object": "setup_intent",
        "automatic_payment_methods": None,
        "cancellation_reason": None,
        "client_secret": f"{name}_secret_{created:x}",
        "created": created,
        "customer": customer,
        "description": None,
        "last_setup_error": None,
        "livemode": False,
        "metadata": {},
        "next_action": None,
        "payment_method": None,
        "payment_method_options": {},
        "payment_method_types": ["card"],
        "status": "requires_payment_method",
        "usage": usage,
    }


def listed(url: str, data: list[JSON], *, has_more: bool) -> JSON:
    return {"object": "list", "url": url, "has_more": has_more, "data": data}


def found(url: str, data: list[JSON]) -> JSON:
    return {"object": "search_result", "url": url, "has_more": False, "next_page": None, "data": data}


def event(name: str, created: int, *, kind: str, body: JSON, version: str, key: str | None) -> JSON:
    return {
        "id": name,
        "object": "event",
        "api_version": version,
        "created": created,
        "data": {"object": body},
        "livemode": False,
        "pending_webhooks": 1,
        "request": {"id": None, "idempotency_key": key},
        "type": kind,
    }
