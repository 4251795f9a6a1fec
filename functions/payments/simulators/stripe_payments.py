"""The simulated Stripe's PaymentIntents: opened, confirmed with a card, captured, cancelled."""

from collections.abc import Mapping
from typing import Any

from market import clock
from payments.simulators import stripe_objects as objects
from payments.simulators import stripe_rules as rules
from payments.simulators.stripe_memory import Memory
from payments.simulators.stripe_wire import Form, Refusal, integer, invalid, missing, only

JSON = dict[str, Any]

_CREATE = frozenset(
    (
        *("amount", "automatic_payment_methods", "capture_method", "confirm", "currency", "customer", "description"),
        *("metadata", "off_session", "payment_method", "return_url", "setup_future_usage"),
    )
)
_CONFIRM = frozenset(("client_secret", "off_session", "payment_method", "payment_method_data", "return_url"))
_OPEN = ("requires_payment_method", "requires_confirmation", "requires_action")


def create(memory: Memory, params: Form) -> JSON:
    only(params, _CREATE, ("amount", "currency"))
    amount, currency = integer(params, "amount"), params["currency"].lower()
    if currency not in rules.CURRENCIES:
        raise invalid(f"Invalid currency: {currency}.", param="currency")
    wrong = rules.unchargeable(amount, currency)
    if wrong:
        raise invalid(f"Invalid amount: {amount} {currency}.", code=wrong, param="amount")
    method = params.get("capture_method", "automatic")
    made = objects.payment_intent(
        memory.new("pi"), clock.epoch(), amount=amount, currency=currency, capture_method=method
    )
    if params.get("customer"):
        made["customer"] = memory.get("customer", params["customer"], param="customer", status=400)["id"]
    made["description"] = params.get("description")
    made["metadata"] = dict(params.get("metadata") or {})
    if _true(params.get("automatic_payment_methods", {}), "enabled"):
        made["automatic_payment_methods"] = {"allow_redirects": "always", "enabled": True}
        made["automatic_payment_methods"] |= params["automatic_payment_methods"] | {"enabled": True}
    if params.get("payment_method"):
        _use(memory, made, params["payment_method"])
    memory.keep(made)
    memory.say("payment_intent.created", made)
    if _true(params, "confirm"):
        _confirm(memory, made, off_session=_true(params, "off_session"))
    return made


def retrieve(memory: Memory, params: Form, name: str) -> JSON:
    only(params, ("client_secret",))
    found = memory.get("payment_intent", name)
    _same_secret(found, params)
    return found


def confirm(memory: Memory, params: Form, name: str) -> JSON:
    only(params, _CONFIRM)
    intent = memory.get("payment_intent", name)
    _same_secret(intent, params)
    if intent["status"] not in _OPEN:
        raise _unexpected(intent, "confirm")
    if params.get("payment_method_data"):
        intent["payment_method"] = new_method(memory, params["payment_method_data"])["id"]
    elif params.get("payment_method"):
        _use(memory, intent, params["payment_method"])
    if not intent["payment_method"]:
        raise invalid("You cannot confirm this PaymentIntent because it's missing a payment method.")
    _confirm(memory, intent, off_session=_true(params, "off_session"))
    return intent


def authenticate(memory: Memory, name: str, *, passed: bool) -> None:
    """The customer at the bank's 3-D Secure page."""
    intent = memory.get("payment_intent", name)
    if intent["status"] != "requires_action":
        raise _unexpected(intent, "authenticate")
    card = memory.card(intent["payment_method"])
    intent["next_action"] = None
    if not passed:
        _decline(memory, intent, card, "payment_intent_authentication_failure", "")
    elif card.decline:
        _decline(memory, intent, card, *card.decline)
    else:
        _authorize(memory, intent, card)


def capture(memory: Memory, params: Form, name: str) -> JSON:
    only(params, ("amount_to_capture", "metadata"))
    intent = memory.get("payment_intent", name)
    amount = integer(params, "amount_to_capture", intent["amount"])
    if intent["status"] != "requires_capture":
        raise _unexpected(intent, "capture")
    if not 0 < amount <= intent["amount_capturable"]:
        raise invalid("The amount to capture is too large.", code="amount_too_large", param="amount_to_capture")
    if name in memory.blocked:
        raise Refusal(402, "card_error", "The issuer refused the capture.", code="capture_charge_declined", kept=True)
    _capture(memory, intent, amount)
    return intent


def cancel(memory: Memory, params: Form, name: str) -> JSON:
    only(params, ("cancellation_reason",))
    intent = memory.get("payment_intent", name)
    if intent["status"] not in (*_OPEN, "requires_capture", "processing"):
        raise _unexpected(intent, "cancel")
    _cancel(memory, intent, params.get("cancellation_reason"))
    return intent


def listed(memory: Memory, params: Form) -> JSON:
    only(params, ("created", "customer", "limit", "starting_after"))
    created = params.get("created") or {}
    found = [
        body
        for body in memory.all("payment_intent")
        if integer(created, "gte") <= body["created"] < integer(created, "lt", 10**11)
        and params.get("customer", body["customer"]) == body["customer"]
    ]
    return page("/v1/payment_intents", found, params)


def page(url: str, found: list[JSON], params: Form) -> JSON:
    """A page of a list, after `starting_after`."""
    limit = integer(params, "limit", 10)
    if not 1 <= limit <= 100:
        raise invalid("Invalid limit: it must be between 1 and 100.", param="limit")
    names = [body["id"] for body in found]
    start = names.index(params["starting_after"]) + 1 if params.get("starting_after") in names else 0
    return objects.listed(url, found[start : start + limit], has_more=len(found) > start + limit)


def new_method(memory: Memory, data: Form) -> JSON:
    """A PaymentMethod of a test card, typed in by the customer."""
    number = (data.get("card") or {}).get("number", "").replace(" ", "")
    if number not in rules.CARDS:
        raise Refusal(402, "card_error", "Your card number is incorrect.", code="incorrect_number", param="number")
    made = objects.payment_method(memory.new("pm"), clock.epoch(), rules.CARDS[number])
    memory.numbers[made["id"]] = number
    return memory.keep(made)


def decline_error(intent: JSON, code: str, decline_code: str) -> JSON:
    error = {"type": "card_error", "code": code, "message": "Your card was declined."}
    return error | ({"decline_code": decline_code} if decline_code else {}) | {"charge": intent["latest_charge"]}


def _use(memory: Memory, intent: JSON, name: str) -> None:
    method = memory.get("payment_method", name, param="payment_method", status=400)
    if method["customer"] != intent["customer"] and method["customer"]:
        raise missing("payment_method", name, "payment_method", 400)
    intent["payment_method"] = name
    if intent["status"] == "requires_payment_method":
        intent["status"] = "requires_confirmation"


def _confirm(memory: Memory, intent: JSON, *, off_session: bool) -> None:
    card = memory.card(intent["payment_method"])
    asks = card.secure == "always" or (card.secure == "unless_set_up" and intent["payment_method"] not in memory.set_up)
    if asks and off_session:
        _decline(memory, intent, card, "authentication_required", "authentication_required")
    elif asks:
        intent["status"] = "requires_action"
        intent["next_action"] = {
            "type": "redirect_to_url",
            "redirect_to_url": {"return_url": None, "url": f"https://hooks.stripe.test/3ds/{intent['id']}"},
        }
        memory.say("payment_intent.requires_action", intent, card)
        return
    elif card.decline:
        _decline(memory, intent, card, *card.decline)
    else:
        _authorize(memory, intent, card)
        return
    shown = intent["last_payment_error"] | {"payment_intent": dict(intent)}
    raise Refusal(
        402,
        shown.pop("type"),
        shown.pop("message"),
        kept=True,
        **shown,
    )


def _decline(memory: Memory, intent: JSON, card: rules.Card, code: str, decline_code: str) -> None:
    charge = _charge(memory, intent, card)
    charge |= {"status": "failed", "paid": False, "failure_code": code, "failure_message": "Your card was declined."}
    intent |= {"status": "requires_payment_method", "next_action": None, "payment_method": None}
    intent["last_payment_error"] = decline_error(intent, code, decline_code)
    memory.say("charge.failed", charge, card)
    memory.say("payment_intent.payment_failed", intent, card)


def _authorize(memory: Memory, intent: JSON, card: rules.Card) -> None:
    _charge(memory, intent, card)
    intent |= {"status": "requires_capture", "amount_capturable": intent["amount"], "last_payment_error": None}
    if intent["capture_method"] != "manual":
        _capture(memory, intent, intent["amount"])
        return
    memory.later(rules.AUTHORIZED_SECONDS, lambda: _lapse(memory, intent))
    memory.say("payment_intent.amount_capturable_updated", intent, card)


def _charge(memory: Memory, intent: JSON, card: rules.Card) -> JSON:
    charge = objects.charge(memory.new("ch"), clock.epoch(), intent, card)
    intent["latest_charge"] = charge["id"]
    return memory.keep(charge)


def _capture(memory: Memory, intent: JSON, amount: int) -> None:
    charge, card = memory.objects[intent["latest_charge"]], memory.card(intent["payment_method"])
    charge |= {"captured": True, "amount_captured": amount}
    fee = rules.fee(amount, card, memory.country)
    charge["balance_transaction"] = settle(memory, charge, "charge", amount, fee)
    intent |= {"status": "succeeded", "amount_received": amount, "amount_capturable": 0}
    memory.say("charge.captured", charge, card)
    memory.say("payment_intent.succeeded", intent, card)
    if card.disputed:
        charge["disputed"] = True
        memory.say(
            "charge.dispute.created", memory.keep(objects.dispute(memory.new("dp"), clock.epoch(), charge)), card
        )


def settle(memory: Memory, source: Mapping[str, Any], kind: str, amount: int, fee: int) -> str:
    """Books money in the currency that the account is paid in; the balance transaction's id."""
    currency, rate = memory.rates.get(source["currency"], (source["currency"], 10_000))
    converted = [(value * rate + 5_000) // 10_000 for value in (amount, fee)]
    made = objects.balance_transaction(
        memory.new("txn"),
        clock.epoch(),
        source=source["id"],
        kind=kind,
        amount=converted[0],
        currency=currency,
        fee=converted[1],
        rate=rate / 10_000 if currency != source["currency"] else None,
    )
    return str(memory.keep(made)["id"])


def _cancel(memory: Memory, intent: JSON, reason: str | None) -> None:
    held = intent["status"] == "requires_capture"
    intent |= {"status": "canceled", "canceled_at": clock.epoch(), "cancellation_reason": reason}
    intent |= {"amount_capturable": 0, "next_action": None}
    memory.say("payment_intent.canceled", intent)
    if held:
        charge = memory.objects[intent["latest_charge"]]
        charge |= {"amount_refunded": charge["amount"], "refunded": True}
        memory.say("charge.refunded", charge)


def _lapse(memory: Memory, intent: JSON) -> None:
    if intent["status"] == "requires_capture":
        _cancel(memory, intent, "automatic")


def _unexpected(intent: JSON, verb: str) -> Refusal:
    refusal = invalid(
        f"You cannot {verb} this PaymentIntent because it has a status of {intent['status']}.",
        code="payment_intent_unexpected_state",
        kept=True,
    )
    refusal.error["payment_intent"] = dict(intent)
    return refusal


def _same_secret(intent: JSON, params: Form) -> None:
    if params.get("client_secret", intent["client_secret"]) != intent["client_secret"]:
        raise invalid("The client_secret provided does not match.", code="resource_missing", param="client_secret")


def _true(params: Mapping[str, Any], name: str) -> bool:
    return str(params.get(name, "false")).lower() == "true"
