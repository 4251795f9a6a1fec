"""The simulated Stripe's customers and their saved cards, and its search, which lags behind."""

import re
from typing import Any

from market import clock
from payments.simulators import stripe_objects as objects
from payments.simulators.stripe_memory import Memory
from payments.simulators.stripe_payments import decline_error, new_method, page
from payments.simulators.stripe_rules import SEARCH_SECONDS
from payments.simulators.stripe_wire import Form, Refusal, invalid, only

JSON = dict[str, Any]

_QUERY = re.compile(r"""metadata\[["'](?P<name>[^"']+)["']\]:["'](?P<value>[^"']*)["']""")


def create(memory: Memory, params: Form) -> JSON:
    only(params, ("description", "email", "metadata", "name"))
    made = objects.customer(memory.new("cus"), clock.epoch())
    made |= {name: params[name] for name in ("description", "email", "name") if name in params}
    made["metadata"] = dict(params.get("metadata") or {})
    return memory.keep(made)


def retrieve(memory: Memory, params: Form, name: str) -> JSON:
    only(params, ())
    return memory.get("customer", name)


def delete(memory: Memory, params: Form, name: str) -> JSON:
    """Saved cards go with their customer; a SetupIntent that is open cannot be confirmed any more."""
    only(params, ())
    memory.get("customer", name)
    for method in memory.all("payment_method"):
        if method["customer"] == name:
            method["customer"] = None
    gone = memory.objects.pop(name)
    memory.say("customer.deleted", gone)
    return {"id": name, "object": "customer", "deleted": True}


def search_customers(memory: Memory, params: Form) -> JSON:
    return _search(memory, params, "customer", "/v1/customers/search")


def search_payment_intents(memory: Memory, params: Form) -> JSON:
    return _search(memory, params, "payment_intent", "/v1/payment_intents/search")


def methods(memory: Memory, params: Form, name: str) -> JSON:
    only(params, ("limit", "starting_after", "type"))
    memory.get("customer", name, param="customer")
    found = [body for body in memory.all("payment_method") if body["customer"] == name]
    return page(f"/v1/customers/{name}/payment_methods", found, params)


def create_method(memory: Memory, params: Form) -> JSON:
    only(params, ("card", "type"), ("type",))
    return new_method(memory, params)


def detach(memory: Memory, params: Form, name: str) -> JSON:
    only(params, ())
    method = memory.get("payment_method", name)
    if method["customer"] is None:
        raise invalid("The payment method you provided is not attached to a customer.", kept=True)
    method["customer"] = None
    memory.say("payment_method.detached", method)
    return method


def create_setup(memory: Memory, params: Form) -> JSON:
    only(params, ("allowed_payment_method_types", "automatic_payment_methods", "customer", "metadata", "usage"))
    customer = params.get("customer")
    if customer:
        memory.get("customer", customer, param="customer", status=400)
    made = objects.setup_intent(
        memory.new("seti"), clock.epoch(), customer=customer, usage=params.get("usage", "off_session")
    )
    made["metadata"] = dict(params.get("metadata") or {})
    return memory.keep(made)


def retrieve_setup(memory: Memory, params: Form, name: str) -> JSON:
    only(params, ("client_secret",))
    return memory.get("setup_intent", name)


def confirm_setup(memory: Memory, params: Form, name: str) -> JSON:
    """The customer gives a card to be kept; the bank's 3-D Secure, where it asks for it, is passed at once."""
    only(params, ("client_secret", "payment_method_data"), ("client_secret",))
    setup = memory.get("setup_intent", name)
    if params["client_secret"] != setup["client_secret"]:
        raise invalid("The client_secret provided does not match.", code="resource_missing", param="client_secret")
    if setup["status"] == "succeeded":
        raise invalid("This SetupIntent has already succeeded.", code="setup_intent_unexpected_state", kept=True)
    if setup["customer"]:
        memory.get("customer", setup["customer"], param="customer", status=400)
    method = new_method(memory, params.get("payment_method_data") or {})
    card = memory.card(method["id"])
    if card.decline and not card.saved_only:
        error = decline_error({"latest_charge": None}, *card.decline)
        setup["last_setup_error"] = error
        raise Refusal(402, error["type"], error["message"], code=error["code"], kept=True, setup_intent=dict(setup))
    method["customer"] = setup["customer"]
    memory.set_up.add(method["id"])
    setup |= {"status": "succeeded", "payment_method": method["id"]}
    memory.say("setup_intent.succeeded", setup)
    return setup


def _search(memory: Memory, params: Form, kind: str, url: str) -> JSON:
    only(params, ("limit", "page", "query"), ("query",))
    asked = _QUERY.fullmatch(params["query"])
    if not asked:
        raise invalid("We were unable to parse your search query.", param="query")
    seen = [body for body in memory.all(kind) if body["created"] <= clock.epoch() - SEARCH_SECONDS]
    return objects.found(url, [body for body in seen if body["metadata"].get(asked["name"]) == asked["value"]])
