"""The simulated Stripe's refunds: of what was captured, never more, at once, later or failing afterwards."""

from typing import Any

from market import clock
from payments.simulators import stripe_objects as objects
from payments.simulators.stripe_memory import Memory
from payments.simulators.stripe_payments import page, settle
from payments.simulators.stripe_rules import REFUND_SECONDS, THREE_DECIMALS
from payments.simulators.stripe_wire import Form, integer, invalid, only

JSON = dict[str, Any]


def create(memory: Memory, params: Form) -> JSON:
    only(params, ("amount", "charge", "metadata", "payment_intent", "reason"))
    charge = _charge(memory, params)
    left = charge["amount_captured"] - charge["amount_refunded"]
    amount = integer(params, "amount", left)
    _refusable(charge, amount, left)
    card = memory.card(charge["payment_method"])
    pending = card.refunds == "pending"
    made = objects.refund(
        memory.new("re"), clock.epoch(), charge=charge, amount=amount, status="pending" if pending else "succeeded"
    )
    made["metadata"] = dict(params.get("metadata") or {})
    made["reason"] = params.get("reason")
    made["balance_transaction"] = settle(memory, made, "refund", -amount, 0)
    memory.keep(made)
    charge["amount_refunded"] += amount
    charge["refunded"] = charge["amount_refunded"] == charge["amount_captured"]
    memory.say("refund.created", made, card)
    memory.say("charge.refunded", charge, card)
    if card.refunds:
        memory.later(REFUND_SECONDS, lambda: _end(memory, made))
    return made


def retrieve(memory: Memory, params: Form, name: str) -> JSON:
    only(params, ())
    return memory.get("refund", name)


def listed(memory: Memory, params: Form) -> JSON:
    only(params, ("charge", "limit", "payment_intent", "starting_after"))
    wanted = {name: params[name] for name in ("charge", "payment_intent") if name in params}
    found = [body for body in memory.all("refund") if all(body[name] == value for name, value in wanted.items())]
    return page("/v1/refunds", found, params)


def _charge(memory: Memory, params: Form) -> JSON:
    if params.get("payment_intent"):
        intent = memory.get("payment_intent", params["payment_intent"], param="payment_intent")
        if intent["latest_charge"] is None:
            raise invalid("This PaymentIntent does not have a successful charge to refund.", kept=True)
        return memory.get("charge", intent["latest_charge"])
    return memory.get("charge", params.get("charge", ""), param="charge")


def _refusable(charge: JSON, amount: int, left: int) -> None:
    """Raises Refusal for what cannot be given back."""
    if not charge["captured"]:
        raise invalid("This charge was not captured.", code="charge_not_refundable", kept=True)
    if charge["disputed"]:
        raise invalid("This charge has been charged back.", code="charge_disputed", kept=True)
    if not left:
        raise invalid("The charge has already been refunded.", code="charge_already_refunded", kept=True)
    if amount > left:
        raise invalid(f"Refund amount ({amount}) is greater than unrefunded amount on charge ({left})", param="amount")
    if amount < 1 or (charge["currency"] in THREE_DECIMALS and amount % 10):
        raise invalid(f"Invalid amount: {amount}.", code="parameter_invalid_integer", param="amount")


def _end(memory: Memory, made: JSON) -> None:
    charge = memory.objects[made["charge"]]
    if memory.card(charge["payment_method"]).refunds == "pending":
        made["status"] = "succeeded"
        memory.say("refund.updated", made)
        return
    made |= {"status": "failed", "failure_reason": "expired_or_canceled_card"}
    made["failure_balance_transaction"] = settle(memory, made, "refund_failure", made["amount"], 0)
    charge["amount_refunded"] -= made["amount"]
    charge["refunded"] = False
    memory.say("refund.failed", made)
