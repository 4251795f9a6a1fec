"""Stripe's objects, as JSON, read into our words; amounts in Stripe's units and ours.

Stripe counts in the smallest unit of a currency (docs.stripe.com/currencies), which is ISO 4217's but for these:
- ISK and UGX have no decimals any more, but Stripe still wants two, always 00: 5 ISK is 500.
- MGA has two decimals in ISO 4217 and none for Stripe.
- amounts of three-decimal currencies (BHD, JOD, KWD, OMR, TND) must end in 0: 5.124 KWD cannot be charged.
"""

from collections.abc import Mapping
from typing import Any

from market.errors import Unprocessable
from market.money import Money, exponent
from payments.gateway import Intent, Refund
from payments.model import AUTHORIZED, CAPTURED, FAILED, PENDING, REFUNDED, VOIDED, Card

JSON = Mapping[str, Any]

_DECIMALS = {"ISK": 2, "UGX": 2, "MGA": 0}
_STATUSES = {"requires_capture": AUTHORIZED, "succeeded": CAPTURED, "canceled": VOIDED}
_REFUND_STATUSES = {"succeeded": "succeeded", "failed": FAILED, "canceled": FAILED}


class Unchargeable(Unprocessable):
    """Stripe cannot move this amount in this currency."""

    code, title = "unchargeable", "Amount cannot be charged"


def units(money: Money) -> int:
    """The amount as Stripe counts it. Raises Unchargeable where Stripe has no number for it."""
    ours, theirs = exponent(money.currency), _decimals(money.currency)
    amount, rest = divmod(money.amount * int(10**theirs), int(10**ours))
    if rest or (ours == 3 and amount % 10):
        raise Unchargeable(f"Stripe does not move {money}.")
    return amount


def money(amount: int, currency: str) -> Money:
    """An amount of Stripe's as ours; `currency` in either case. A fraction that ours has no unit for is rounded."""
    code = currency.upper()
    ours, theirs = exponent(code), _decimals(code)
    return Money(_rounded(amount * 10**ours, 10**theirs), code)


def intent(body: JSON) -> Intent:
    """A PaymentIntent, with its charge if `latest_charge` is expanded. Raises KeyError or TypeError if it is none."""
    charge = body.get("latest_charge")
    charge = charge if isinstance(charge, Mapping) else {}
    status = _STATUSES.get(body["status"], PENDING)
    refunded = int(charge.get("amount_refunded") or 0)
    if status == CAPTURED and charge.get("refunded"):
        status = REFUNDED
    taken = status in (CAPTURED, REFUNDED)
    return Intent(
        reference=body["id"],
        order_id=(body.get("metadata") or {}).get("order_id", ""),
        status=status,
        amount=money(int(body["amount_received"] if taken else body["amount"]), body["currency"]),
        client_secret=body.get("client_secret") or "",
        fee=_fee(charge) if taken else None,
        refunded=money(refunded, body["currency"]) if taken and charge else None,
        card=card(charge.get("payment_method_details") or {}),
    )


def refund(body: JSON) -> Refund:
    """A Refund. Stripe keeps its fee, as a rule; where its balance transaction shows some given back, that."""
    fee = _fee(body)
    return Refund(
        reference=body["id"],
        status=_REFUND_STATUSES.get(body["status"], PENDING),
        amount=money(int(body["amount"]), body["currency"]),
        fee=-fee if fee and fee.amount < 0 else None,
    )


def card(details: JSON) -> Card | None:
    """The card of a PaymentMethod or a charge; `iin` is only shown to accounts that asked Stripe for it."""
    shown = details.get("card")
    if not shown:
        return None
    return Card(
        fingerprint=shown.get("fingerprint") or "",
        bin=shown.get("iin") or "",
        last4=shown.get("last4") or "",
        brand=shown.get("brand") or "",
        country=shown.get("country") or "",
    )


def _fee(body: JSON) -> Money | None:
    """What Stripe keeps, in the currency of the charge; None while it is not known.

    The fee is taken in the currency that the account is paid in: it is converted back at the rate of this very charge.
    """
    settled = body.get("balance_transaction")
    if not isinstance(settled, Mapping):
        return None
    fee = money(int(settled["fee"]), settled["currency"])
    if settled["currency"] == body["currency"]:
        return fee
    gross = money(int(settled["amount"]), settled["currency"])
    charged = money(int(body.get("amount_captured") or body["amount"]), body["currency"])
    return Money(_rounded(fee.amount * charged.amount, abs(gross.amount)), charged.currency) if gross.amount else None


def _decimals(currency: str) -> int:
    return _DECIMALS.get(currency, exponent(currency))


def _rounded(over: int, under: int) -> int:
    """Nearest whole, halves away from zero."""
    whole = (2 * abs(over) + under) // (2 * under)
    return -whole if over < 0 else whole
