"""What PayPal's records say in our words. Pure; an order carries its authorizations, captures and refunds."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from market.money import Money, total
from payments.gateway import Card, Intent, Refund
from payments.model import AUTHORIZED, CAPTURED, FAILED, PENDING, REFUNDED, VOIDED
from payments.providers.paypal_api import read

Record = Mapping[str, Any]

HONOR = timedelta(days=3)
"""How long PayPal promises the funds of an authorization, which itself lasts 29 days."""

_DONE = ("COMPLETED", "PARTIALLY_REFUNDED", "REFUNDED")
_REFUND = {"COMPLETED": "succeeded", "PENDING": "pending"}


def intent_of(order: Record) -> Intent:
    """An order whose buyer has approved it counts as authorized: PayPal then waits for us, not for the buyer."""
    unit = _unit(order)
    amount = read(unit["amount"])
    capture = captured(order)
    status = _status(order)
    return Intent(
        reference=order["id"],
        order_id=unit.get("custom_id") or unit["reference_id"],
        status=status,
        amount=amount,
        redirect=_redirect(order) if status == PENDING else "",
        fee=fee_of(capture) if capture else None,
        refunded=_refunded(order, amount.currency) if capture else None,
        card=_card(order.get("payment_source") or {}),
    )


def captured(order: Record) -> Record | None:
    """The capture that took the money, if there is one; one that PayPal still reviews is none."""
    return next((capture for capture in _payments(order, "captures") if capture["status"] in _DONE), None)


def undecided(order: Record) -> bool:
    """Whether PayPal has not made up its mind about a capture."""
    return any(capture["status"] == "PENDING" for capture in _payments(order, "captures"))


def held(order: Record) -> list[Record]:
    """Authorizations that hold the buyer's money, the newest first."""
    found = [one for one in _payments(order, "authorizations") if one["status"] in ("CREATED", "PENDING")]
    return sorted(found, key=lambda one: one["create_time"], reverse=True)


def awaits_authorization(order: Record) -> bool:
    """Whether the buyer has approved the order and we have not asked for the money yet."""
    return order["status"] == "APPROVED" and not any(_payments(order, "authorizations"))


def past_honor(authorization: Record, now: datetime) -> bool:
    return now - moment(authorization["create_time"]) > HONOR


def refund_of(order: Record, refund_id: str) -> Refund | None:
    """The refund that we made under this id, if PayPal has it."""
    mine = (refund for refund in _payments(order, "refunds") if refund.get("custom_id") == refund_id)
    return next(map(read_refund, mine), None)


def read_refund(refund: Record) -> Refund:
    fee = refund.get("seller_payable_breakdown", {}).get("paypal_fee")
    return Refund(
        reference=refund["id"],
        status=_REFUND.get(refund["status"], "failed"),
        amount=read(refund["amount"]),
        fee=read(fee) if fee else None,
    )


def order_of(payment: Record) -> str:
    """PayPal's id of the order behind an authorization or a capture, empty if it does not tell."""
    related = (payment.get("supplementary_data") or {}).get("related_ids") or {}
    return str(related.get("order_id") or "")


def fee_of(capture: Record) -> Money | None:
    fee = capture.get("seller_receivable_breakdown", {}).get("paypal_fee")
    return read(fee) if fee else None


def moment(text: str) -> datetime:
    """A time as PayPal writes it. Raises ValueError."""
    found = datetime.fromisoformat(text)
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _status(order: Record) -> str:
    if capture := captured(order):
        return REFUNDED if capture["status"] == "REFUNDED" else CAPTURED
    authorizations = list(_payments(order, "authorizations"))
    if authorizations:
        statuses = {one["status"] for one in authorizations}
        if statuses & {"CREATED", "CAPTURED", "PARTIALLY_CAPTURED"}:
            return AUTHORIZED
        return PENDING if "PENDING" in statuses else FAILED if "DENIED" in statuses else VOIDED
    return {"APPROVED": AUTHORIZED, "VOIDED": VOIDED}.get(order["status"], PENDING)


def _refunded(order: Record, currency: str) -> Money:
    alive = (one for one in _payments(order, "refunds") if one["status"] in _REFUND)
    return total((read(refund["amount"]) for refund in alive), currency)


def _redirect(order: Record) -> str:
    links = {link["rel"]: link["href"] for link in order.get("links", ())}
    return str(links.get("payer-action") or links.get("approve") or "")


def _card(source: Record) -> Card | None:
    if card := source.get("card"):
        details = card.get("bin_details") or {}
        return Card(
            bin=str(details.get("bin", ""))[:8],
            last4=str(card.get("last_digits", ""))[-4:],
            brand=str(card.get("brand", "")).lower(),
            country=str(details.get("bin_country_code", "")),
        )
    if wallet := source.get("paypal"):
        account = wallet.get("account_id", "")
        country = (wallet.get("address") or {}).get("country_code", "")
        return Card(fingerprint=f"paypal:{account}" if account else "", brand="paypal", country=country)
    return None


def _unit(order: Record) -> Record:
    unit: Record = order["purchase_units"][0]
    return unit


def _payments(order: Record, kind: str) -> Iterable[Record]:
    found: Iterable[Record] = (_unit(order).get("payments") or {}).get(kind) or ()
    return found
