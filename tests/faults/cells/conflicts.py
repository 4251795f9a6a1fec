"""Requests that want the same thing at the same time, and what may come of it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from cart.api import handler as cart
from inventory.api import handler as inventory
from market.errors import Problem
from orders.api import handler as orders
from payments.providers.sandbox import Sandbox
from payments.service import hear_paid
from refunds.api import handler as refunds
from tests import shop
from tests.faults.cells import books
from tests.faults.cells.floor import PARTS, STAFF, TOTAL, Floor
from tests.faults.cells.flows import ALL, FOR_EVER, NOTHING, End, cancelled
from tests.faults.cells.schedules import Actor
from tests.http import Response, call
from tests.sagas import checkout as cards
from tests.sagas.review import DOUBTFUL

Answers = Mapping[str, Any]
Check = Callable[[Floor, Answers], list[str]]
GONE = End(net=0, sold=NOTHING, refunds=("succeeded", "succeeded"))
"""A paid order of which every part was cancelled."""


@dataclass(frozen=True)
class Conflict:
    """prepare: sets the scene and names the actors. check: every broken promise, in words, when all is over."""

    name: str
    prepare: Callable[[Floor], dict[str, Actor]]
    check: Check


CONFLICTS: dict[str, Conflict] = {}


def conflict(name: str, check: Check) -> Callable[[Callable[[Floor], dict[str, Actor]]], None]:
    def register(prepare: Callable[[Floor], dict[str, Actor]]) -> None:
        CONFLICTS[name] = Conflict(name, prepare, check)

    return register


def ends(*allowed: End, statuses: tuple[int, ...] = ()) -> Check:
    """The order comes to one of these ends; the requests were answered with these statuses, in any order."""

    def check(floor: Floor, answers: Answers) -> list[str]:
        floor.settle()
        found = min((books.violations(floor, end) for end in allowed), key=len)
        told = sorted(answer.status for answer in answers.values() if isinstance(answer, Response))
        if statuses and tuple(told) != statuses:
            found.append(f"answered {told} and not {list(statuses)}")
        return found + unexpected(answers)

    return check


def unexpected(answers: Answers) -> list[str]:
    """What no request may come to."""
    errors = [f"{who}: {answer!r}" for who, answer in answers.items() if isinstance(answer, BaseException)]
    failed = (
        f"{who}: {answer}"
        for who, answer in answers.items()
        if isinstance(answer, Response) and answer.status not in range(200, 300) and answer.status not in (404, 409)
    )
    return [*errors, *failed]


# -- placing


def one_sold(floor: Floor, answers: Answers) -> list[str]:
    found = unexpected(answers)
    told = sorted(answer.status for answer in answers.values() if isinstance(answer, Response))
    if told != [201] + [409] * (len(answers) - 1):
        found.append(f"I1: one unit, and answers {told}")
    if shop.shelf("ONE") != (0, 1):
        found.append(f"I1: (available, held) is {shop.shelf('ONE')}")
    return found


def _last_unit(floor: Floor, *customers: str) -> dict[str, Actor]:
    shop.stock("ONE", 1, price=shop.euros(1_000))
    actors: dict[str, Actor] = {}
    for name in customers:
        shop.fill(name, ("ONE", 1))
        body = shop.order_body(shop.summary(name))
        actors[name] = lambda name=name, body=body: floor.ask(orders, "POST", "/v1/orders", body, caller=name)  # type: ignore[misc]
    return actors


@conflict("the last unit", one_sold)
def last_unit(floor: Floor) -> dict[str, Actor]:
    return _last_unit(floor, "ada", "bob")


@conflict("the last unit, for three", one_sold)
def last_unit_for_three(floor: Floor) -> dict[str, Actor]:
    return _last_unit(floor, "ada", "bob", "cyd")


def one_order(floor: Floor, answers: Answers) -> list[str]:
    """Both clicks are told of the same order, and there is one."""
    found = unexpected(answers)
    if any(isinstance(answer, BaseException) for answer in answers.values()):
        return found
    numbers = {answer.json["orderNo"] for answer in answers.values() if answer.status == 201}
    if len(numbers) != 1 or any(answer.status != 201 for answer in answers.values()):
        return [*found, f"I12: the clicks were answered {list(answers.values())}"]
    (floor.number,) = numbers
    floor.settle()
    return found + books.violations(floor, cancelled("payment_timeout"))


@conflict("a double click on order", one_order)
def double_click(floor: Floor) -> dict[str, Actor]:
    body = floor.fill()

    def click() -> Response:
        return floor.ask(orders, "POST", "/v1/orders", body, key="the-same-key-twice", caller="ada")

    return {"click": click, "click again": click}


def as_seen(floor: Floor, answers: Answers) -> list[str]:
    """The order is what the customer saw, or there is none and the cart says why."""
    found = unexpected(answers)
    placed = answers["order"]
    if placed.status == 409:
        held = [shop.shelf(sku)[1] for sku in ("LAMP", "CHAIR")]
        return found + ([f"I2: {held} are held for no order"] if any(held) else [])
    floor.number = placed.json["orderNo"]
    floor.settle()
    return found + books.violations(floor, cancelled("payment_timeout"))


@conflict("an order and a change of its cart", as_seen)
def cart_changed(floor: Floor) -> dict[str, Actor]:
    body = floor.fill()
    return {
        "order": lambda: floor.ask(orders, "POST", "/v1/orders", body, caller="ada"),
        "change": lambda: floor.ask(cart, "PATCH", "/v1/cart/items/LAMP", {"quantity": 5}, caller="ada"),
    }


@conflict("an order and a change of a price", as_seen)
def price_changed(floor: Floor) -> dict[str, Actor]:
    body = floor.fill()

    def reprice() -> None:
        with floor.wires.step("reprice"):
            try:
                shop.reprice("LAMP", shop.euros(9_999))
            except Problem:
                return  # a unit was sold between its reading and writing: the vendor would try again

    return {"order": lambda: floor.ask(orders, "POST", "/v1/orders", body, caller="ada"), "reprice": reprice}


def within_limit(floor: Floor, answers: Answers) -> list[str]:
    """Of two units a customer may have, an order that is being given up counts until it is, and not after."""
    found = unexpected(answers)
    second = answers["order again"]
    floor.settle()
    held = 2 if second.status == 201 else 0
    if second.status == 201:
        orders_ = call(orders, "GET", "/v1/me/orders", caller="ada").json["items"]
        held = sum(2 for one in orders_ if one["status"] == "pending_payment")
    if shop.shelf("RARE") != (10 - held, held):
        found.append(f"I1: {shop.shelf('RARE')} with {held} on hold")
    if second.status == 201:
        shop.fill("ada", ("RARE", 2))
    third = shop.place("ada", shop.order_body(shop.summary("ada")))
    if third.status != (409 if held else 201):
        found.append(f"I8: {held} are counted, and another order is answered {third.status}")
    return found


@conflict("a purchase limit and an order that is given up", within_limit)
def purchase_limit(floor: Floor) -> dict[str, Actor]:
    shop.stock("RARE", 10, price=shop.euros(1_000))
    limit = {"maxPerCustomer": 2}
    answer = call(inventory, "PATCH", "/v1/vendors/ven_lights/inventory/RARE", limit, **STAFF)
    assert answer.status == 200, answer
    shop.fill("ada", ("RARE", 2))
    floor.order(shop.order_body(shop.summary("ada")))
    floor.run()
    floor.cancel()
    shop.fill("ada", ("RARE", 2))
    body = shop.order_body(shop.summary("ada"))
    return {
        "order again": lambda: floor.ask(orders, "POST", "/v1/orders", body, caller="ada"),
        "checkout": floor.run,
    }


# -- paying and cancelling


def _authorized(floor: Floor, card: str = cards.GOOD) -> None:
    floor.placed()
    floor.confirm(floor.intent(), card)


@conflict("cancelling and capturing", ends(cancelled("cancelled_by_customer"), GONE, statuses=(202,)))
def cancel_and_capture(floor: Floor) -> dict[str, Actor]:
    _authorized(floor)
    return {"customer": floor.cancel, "checkout": floor.run}


@conflict("cancelling, and the same once more", ends(cancelled("cancelled_by_customer"), GONE))
def cancel_twice(floor: Floor) -> dict[str, Actor]:
    _authorized(floor)
    return {"customer": floor.cancel, "once more": floor.cancel, "checkout": floor.run}


@conflict("compensating and capturing", ends(cancelled("cancelled_by_staff"), End()))
def compensate_and_capture(floor: Floor) -> dict[str, Actor]:
    _authorized(floor)
    return {"staff": lambda: floor.compensate("cancel_and_refund"), "checkout": floor.run}


def _word(floor: Floor) -> Actor:
    """A provider's word that the first intent is paid, as a webhook or the reconciler brings it: until it is heard."""
    intent = Sandbox().retrieve(floor.intents[0])

    def bring() -> None:
        for _ in range(3):
            with floor.wires.step("the word of a payment"):
                try:
                    return hear_paid("sandbox", intent)
                except Problem:
                    continue  # a queue brings it again

    return bring


def _unheard(floor: Floor) -> None:
    """Authorized, and no webhook tells of it."""
    floor.break_("webhook", "before", FOR_EVER)
    _authorized(floor)


@conflict("the word of a payment, twice", ends(End()))
def word_twice(floor: Floor) -> dict[str, Actor]:
    _authorized(floor)
    return {"webhook": _word(floor), "webhook again": _word(floor), "checkout": floor.run}


@conflict("the word of a payment and a cancellation", ends(cancelled("cancelled_by_customer"), GONE))
def word_and_cancel(floor: Floor) -> dict[str, Actor]:
    _unheard(floor)
    return {"webhook": _word(floor), "customer": lambda: (floor.cancel(), floor.wait(cards.HOLD_SECONDS + 5))}


@conflict("the word of a payment and a compensation", ends(cancelled("cancelled_by_staff", "orders.compensate")))
def word_and_compensate(floor: Floor) -> dict[str, Actor]:
    _unheard(floor)
    return {"webhook": _word(floor), "staff": lambda: (floor.compensate("cancel_and_refund"), floor.run())}


@conflict("the word of a payment and the end of its hold", ends(End()))
def word_and_hold(floor: Floor) -> dict[str, Actor]:
    _unheard(floor)
    return {"webhook": _word(floor), "checkout": lambda: floor.wait(cards.HOLD_SECONDS + 5)}


@conflict("another method and the word that the first is paid", ends(End()))
def webhook_and_browser(floor: Floor) -> dict[str, Actor]:
    _authorized(floor)
    return {"browser": lambda: _try_method(floor, "cod"), "webhook": floor.run}


@conflict("another method and paying by the first", ends(End()))
def two_tabs(floor: Floor) -> dict[str, Actor]:
    floor.placed()
    intent = floor.intent()
    return {
        "browser": lambda: _try_method(floor, "cod"),
        "other tab": lambda: (floor.confirm(intent, cards.GOOD), floor.run()),
    }


@conflict("another method, twice", ends(End()))
def methods_twice(floor: Floor) -> dict[str, Actor]:
    floor.placed()
    floor.intent(method="manual")
    return {"click": lambda: _try_method(floor, "cod"), "click again": lambda: _try_method(floor, "cod")}


def _try_method(floor: Floor, method: str) -> Response:
    from payments.api import handler

    return floor.ask(handler, "POST", "/v1/payments/intent", {"orderNo": floor.number, "method": method}, caller="ada")


@conflict("money by hand and cancelling", ends(cancelled("cancelled_by_customer"), End(), GONE))
def settle_and_cancel(floor: Floor) -> dict[str, Actor]:
    floor.placed()
    floor.intent(method="manual")
    return {"staff": floor.settle_by_hand, "customer": floor.cancel, "checkout": floor.run}


@conflict("approving and rejecting", ends(End(), cancelled("payment_declined"), statuses=(200, 409)))
def decide_twice(floor: Floor) -> dict[str, Actor]:
    _authorized(floor, DOUBTFUL)
    floor.run()
    return {"grace": lambda: floor.decide("approve"), "sam": lambda: floor.decide("reject")}


@conflict("approving and cancelling", ends(cancelled("cancelled_by_customer"), GONE))
def approve_and_cancel(floor: Floor) -> dict[str, Actor]:
    _authorized(floor, DOUBTFUL)
    floor.run()
    return {"staff": lambda: floor.decide("approve"), "customer": floor.cancel}


# -- giving back


def _refund(floor: Floor, body: Any, key: str) -> Actor:
    path = f"/v1/admin/orders/{floor.number}/refunds"
    return lambda: floor.ask(refunds, "POST", path, body, key=key, **STAFF)


LAMPS = {"lines": [{"sku": "LAMP", "quantity": 2}], "reason": "returned"}
LAMPS_BACK = End(net=TOTAL - 4_000, refunds=("succeeded",))


@conflict("two refunds of one line", ends(LAMPS_BACK, statuses=(201, 409)))
def two_refunds(floor: Floor) -> dict[str, Actor]:
    floor.paid()
    return {name: _refund(floor, LAMPS, f"key-of-{name}") for name in ("sam", "grace")}


@conflict("a double click on refund", ends(LAMPS_BACK, statuses=(201, 201)))
def refund_twice(floor: Floor) -> dict[str, Actor]:
    floor.paid()
    return {name: _refund(floor, LAMPS, "the-same-key-twice") for name in ("click", "click again")}


@conflict("three refunds of all", ends(End(net=0, refunds=("succeeded",)), statuses=(201, 409, 409)))
def three_refunds(floor: Floor) -> dict[str, Actor]:
    floor.paid()
    return {name: _refund(floor, ALL, f"key-of-{name}") for name in ("sam", "grace", "tim")}


LIGHTS_OFF = End(net=PARTS["ven_wood"], sold={"CHAIR": 1}, refunds=("succeeded",))


def _customer_cancels(floor: Floor) -> Response:
    path = f"/v1/orders/{floor.number}/parts/ven_lights/cancellation"
    return floor.ask(orders, "POST", path, None, caller="ada")


@conflict("vendor and customer cancelling one part", ends(LIGHTS_OFF))
def part_cancelled_twice(floor: Floor) -> dict[str, Actor]:
    floor.paid()
    return {"vendor": lambda: floor.cancel_part("ven_lights"), "customer": lambda: _customer_cancels(floor)}


@conflict(
    "a part cancelled and its line refunded",
    ends(LIGHTS_OFF, End(net=PARTS["ven_wood"], sold={"CHAIR": 1}, refunds=("succeeded", "succeeded"))),
)
def part_cancelled_and_refunded(floor: Floor) -> dict[str, Actor]:
    floor.paid()
    return {
        "vendor": lambda: (floor.cancel_part("ven_lights"), floor.run()),
        "staff": _refund(floor, LAMPS, "key-of-staff"),
    }
