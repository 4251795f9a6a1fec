"""Customers, guests, vendors and staff who buy, pay, hesitate, cancel, refund and click twice, as a seed decides."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from random import Random
from typing import Any

from cart.api import handler as cart
from fraud.api import handler as fraud
from identity.contract import MANIFEST as IDENTITY
from identity.contract import user_key
from inventory.api import handler as inventory
from market.http import new_guest
from market.table import Table, put
from orders.api import handler as orders
from orders.contract import id_of
from orders.staff_api import handler as desk
from payments.api import handler as payments
from payments.sandbox import handler as sandbox
from payments.simulator import DOUBTFUL, ON_BLOCK_LIST, REFUND_REFUSED
from refunds.api import handler as refunds
from tests import shop
from tests.faults.bargains import CODE, Bargains, launched
from tests.faults.network import StormyCheckout
from tests.faults.people import CUSTOMERS, GUESTS, STAFF, Person, of_other_vendors, others, seller
from tests.http import Response
from tests.sagas import checkout as cards

JSON = dict[str, Any]
UNITS = 12
LIMITED, LIMIT = "MUG", 3
SHELVES = {
    "LAMP": ("ven_lights", 2_000),
    "BULB": ("ven_lights", 333),
    "CHAIR": ("ven_wood", 8_050),
    LIMITED: ("ven_clay", 1),
}
ACTIONS = {
    "order": 16,
    "pay": 32,
    "cancel": 6,
    "look": 4,
    "work": 60,
    "wait": 8,
    "hear_again": 6,
    "claim": 2,
    "settle": 6,
    "refund": 12,
    "cancel_for_them": 4,
    "decide": 4,
    "compensate": 2,
    "snoop": 4,
}
CARDS = {
    cards.GOOD: 60, cards.DECLINED: 12, cards.CAPTURE_FAILS: 8, cards.TWICE: 10, cards.LATE: 10,
    DOUBTFUL: 8, ON_BLOCK_LIST: 2, REFUND_REFUSED: 4,
}  # fmt: skip
METHODS = {None: 6, "sandbox": 2, "cod": 2, "manual": 2}
_TRIES = 4


@dataclass
class Bought:
    """An order that somebody was told of."""

    person: Person
    total: JSON
    lines: list[JSON]
    owner: Person | None = None

    @property
    def by(self) -> Person:
        """Whose it is by now."""
        return self.owner or self.person

    @property
    def vendors(self) -> list[str]:
        return sorted({line["vendorId"] for line in self.lines})


@dataclass
class Crowd:
    """acknowledged: the orders that somebody was told of, by number. offered: the secrets of payments, by the payment,
    that somebody was told, so could pay. promised: what a 2xx said that will be, (what, order number, which). broken:
    what no answer may be, in words. readers: who may know whom, by id.
    """

    checkout: StormyCheckout
    dice: Random
    bargains: Bargains
    people: list[Person] = field(default_factory=list)
    acknowledged: dict[str, Bought] = field(default_factory=dict)
    offered: dict[str, str] = field(default_factory=dict)
    promised: set[tuple[str, str, str]] = field(default_factory=set)
    broken: list[str] = field(default_factory=list)
    readers: dict[str, set[str]] = field(default_factory=dict)

    def act(self, times: int) -> None:
        names, weights = list(ACTIONS), list(ACTIONS.values())
        for _ in range(times):
            getattr(self, self.dice.choices(names, weights)[0])()

    # -- customers and guests

    def order(self) -> None:
        """Fill the cart, see the summary, order; ask again with the same key while no answer comes."""
        person = self.dice.choice(self.people)
        for sku in self.dice.sample(list(SHELVES), self.dice.choice((1, 1, 2, 3))):
            line = {"sku": sku, "quantity": self.dice.choice((1, 1, 2))}
            self._ask(person, cart, "POST", "/v1/cart/items", line)
        if self.dice.random() < 0.3:
            self._ask(person, cart, "POST", "/v1/cart/apply-coupon", {"code": CODE})
        seen = self._ask(person, orders, "POST", "/v1/checkout/summary", {"country": person.address()["country"]})
        if seen is None or seen.status != 200:
            return
        body = shop.order_body(seen.json, shippingAddress=person.address())
        if person.token:
            body |= {"email": person.email}
        for answer in self._insisting(person, orders, "/v1/orders", body):
            if answer.status == 201:
                self._told(person, answer.json)

    def pay(self) -> None:
        """Open the payment of an order, old or new, by some method; try a card where it takes one."""
        if not (number := self._some_order()):
            return
        person, (method,) = self.acknowledged[number].by, self.dice.choices(list(METHODS), list(METHODS.values()))
        wish = {"orderNo": number} | ({"method": method} if method else {})
        intent = self._ask(person, payments, "POST", "/v1/payments/intent", wish)
        if intent is None or intent.status != 201 or intent.json["provider"] != "sandbox":
            return
        self.offered[intent.json["intentId"]] = intent.json["clientSecret"]
        (card,) = self.dice.choices(list(CARDS), list(CARDS.values()))
        confirm = {"clientSecret": intent.json["clientSecret"], "card": {"number": card}}
        path = f"/sandbox/v1/payment_intents/{intent.json['intentId']}/confirm"
        for _ in range(self.dice.choice((1, 1, 2, 3))):
            self.checkout.ask(person.id, sandbox, "POST", path, confirm)

    def cancel(self) -> None:
        """End the whole order, or, once it is paid, a part of it."""
        if not (number := self._some_order(sold=True)):
            return
        bought, path = self.acknowledged[number], f"/v1/orders/{number}/cancellation"
        vendor = self.dice.choice((None, self.dice.choice(bought.vendors)))
        if vendor:
            path = f"/v1/orders/{number}/parts/{vendor}/cancellation"
        answer = self._ask(bought.by, orders, "POST", path)
        if answer is not None and answer.status == 202:
            self._ends(number, vendor)

    def look(self) -> None:
        """See one's order, its refunds and its payment."""
        if number := self._some_order(sold=True):
            person = self.acknowledged[number].by
            self._ask(person, orders, "GET", f"/v1/orders/{number}")
            self._ask(person, refunds, "GET", f"/v1/orders/{number}/refunds")
            self._ask(person, payments, "GET", f"/v1/payments/{number}")

    def claim(self) -> None:
        """A guest has registered and takes an order along."""
        guests = [number for number, bought in self.acknowledged.items() if bought.person.token]
        if not guests:
            return
        number, person = self.dice.choice(guests), self.dice.choice(self.people)
        if person.token:
            return
        bought = self.acknowledged[number]
        if bought.owner in (None, person):
            self.readers.setdefault(person.id, set()).add(bought.person.id)
        wish = {"orderNo": number, "guestToken": bought.person.token}
        for answer in self._insisting(person, orders, "/v1/me/orders/claim", wish):
            if answer.status == 200:
                if bought.owner not in (None, person):
                    self.broken.append(f"I11: {number} was claimed by {bought.owner.id} and by {person.id}")
                bought.owner = person

    def ask_for(self, person: Person, sku: str, units: int) -> str:
        """Try to order so many; what was answered."""
        if not units:
            return ""
        self._ask(person, cart, "DELETE", f"/v1/cart/items/{sku}")
        self._ask(person, cart, "POST", "/v1/cart/items", {"sku": sku, "quantity": units})
        seen = self._ask(person, orders, "POST", "/v1/checkout/summary", {})
        body = shop.order_body(seen.json, shippingAddress=person.address()) | {"email": person.email}
        return "".join(answer.body for answer in self._insisting(person, orders, "/v1/orders", body))

    # -- those behind the counter

    def settle(self) -> None:
        """Staff records cash or a transfer: the right amount as a rule, with a key that may come again."""
        if not (number := self._some_order(sold=True)):
            return
        record = self._staff(payments, "GET", f"/v1/admin/payments/{number}")
        if record is None or record.status != 200 or record.json["method"]["provider"] == "sandbox":
            return
        told = record.json
        due = told["amount"]
        if told["captured"]["amount"]:
            due = due | {"amount": told["captured"]["amount"] - told["refunded"]["amount"]}
        due |= {"amount": max(1, due["amount"] + self.dice.choice((0, 0, 0, 0, 1)))}
        reference = f"slip-{self.dice.getrandbits(32):08x}"
        body = {"amount": due, "reference": reference}
        for answer in self._insisting(None, payments, f"/v1/admin/payments/{number}/settlement", body):
            if answer.status == 200:
                self.promised.add(("settled", number, reference))

    def refund(self) -> None:
        """Staff, or a vendor of its own part, give back all, some units, some goodwill, or the shipping."""
        if not (number := self._some_order(sold=True)):
            return
        line = self.dice.choice(self.acknowledged[number].lines)
        vendor, path = "", f"/v1/admin/orders/{number}/refunds"
        if self.dice.random() < 0.4:
            vendor = line["vendorId"]
            path = f"/v1/vendors/{vendor}/orders/{number}/refunds"
        amount = {"amount": self.dice.randrange(1, 900), "currency": "EUR"}
        wish: JSON = self.dice.choice(
            (
                {"all": True},
                {"lines": [{"sku": line["sku"], "quantity": 1}]},
                {"lines": [{"sku": line["sku"], "amount": amount}]},
                {"shipping": True},
                {"shipping": [{"vendorId": line["vendorId"], "amount": amount}], "lines": []},
            )
        )
        answers = self._insisting(vendor or None, refunds, path, wish | {"reason": "returned"})
        made = {answer.json["id"] for answer in answers if answer.status == 201}
        self.promised.update(("refund", number, refund) for refund in made)
        if len(made) > 1:
            self.broken.append(f"I5: {number} was refunded {len(made)} times with one key")

    def cancel_for_them(self) -> None:
        """A vendor cannot send its part; or staff end an order, or a part."""
        if not (number := self._some_order(sold=True)):
            return
        vendor = self.dice.choice(self.acknowledged[number].vendors)
        if self.dice.random() < 0.5:
            path = f"/v1/vendors/{vendor}/orders/{number}/cancellation"
            answer = self.checkout.ask(vendor, desk, "POST", path, {"reason": "broken"}, **seller(vendor))
            part = vendor
        else:
            part = self.dice.choice(("", vendor))
            wish = {"reason": "asked by phone"} | ({"vendorId": part} if part else {})
            answer = self._staff(desk, "POST", f"/v1/admin/orders/{number}/cancellation", wish)
        if answer is not None and answer.status == 202:
            self._ends(number, part or None)

    def decide(self) -> None:
        """Staff decide on a payment in review; somebody else may have done so already."""
        queue = self._staff(fraud, "GET", "/v1/admin/fraud/reviews")
        if queue is None or queue.status != 200 or not queue.json["items"]:
            return
        number = self.dice.choice(queue.json["items"])["orderNo"]
        for decision in self.dice.choice((("approve",), ("reject",), ("approve", "reject"), ("reject", "approve"))):
            path = f"/v1/admin/fraud/reviews/{number}/decision"
            answer = self._staff(fraud, "POST", path, {"decision": decision})
            if answer is not None and answer.status == 200:
                self.promised.add(("decided", number, decision))

    def compensate(self) -> None:
        if number := self._some_order():
            wish = {"action": self.dice.choice(("retry", "cancel_and_refund")), "reason": "stuck"}
            answer = self._staff(desk, "POST", f"/v1/admin/orders/{number}/compensation", wish)
            if answer is not None and answer.status == 202:
                self.promised.add(("cancelled", number, ""))

    # -- nobody's business

    def snoop(self) -> None:
        """Somebody asks for what is others': there is no such thing."""
        if not (number := self._some_order()):
            return
        bought, person = self.acknowledged[number], self.dice.choice(self.people)
        known = self.readers.get(person.id, set())
        if person in (bought.person, bought.owner) or bought.person.id in known:
            return
        handler, method, path = self.dice.choice(others(number, bought.vendors[0]))
        body = {"orderNo": number} if path.endswith("intent") else None
        answer = self._ask(person, handler, method, path, body)
        strange = [vendor for vendor, _ in SHELVES.values() if vendor not in bought.vendors]
        if answer is not None and answer.status < 400:
            self.broken.append(f"I11: {person.id} may {method} {path}")
        if strange:
            self._snoop_as_vendor(number, self.dice.choice(strange), bought.vendors[0])

    def _snoop_as_vendor(self, number: str, vendor: str, theirs: str) -> None:
        handler, method, path = self.dice.choice(of_other_vendors(number, vendor, theirs))
        body = {"reason": "broken"} if path.endswith("cancellation") else {"all": True, "reason": "other"}
        who = seller(vendor) | {"headers": {"idempotency-key": f"key-{self.dice.getrandbits(64):016x}"}}
        answer = self.checkout.ask(vendor, handler, method, path, body if method == "POST" else None, **who)
        if answer is not None and answer.status < 400:
            self.broken.append(f"I11: {vendor} may {method} {path}")

    # -- the world

    def work(self) -> None:
        for _ in range(self.dice.randrange(1, 12)):
            self.checkout.step()

    def wait(self) -> None:
        self.checkout.wait(self.dice.choice((1, 20, 120, 600)))

    def hear_again(self) -> None:
        self.checkout.replay()

    # -- how

    def _some_order(self, *, sold: bool = False) -> str:
        """The number of an order, or nothing; sold: rather of one that was announced as paid."""
        wanted = list(self.acknowledged)
        if sold and self.dice.random() < 0.7:
            known = {line.rpartition(" ")[2] for line in self.checkout.story if ": order.paid of " in line}
            wanted = [number for number in wanted if id_of(number) in known] or wanted
        return self.dice.choice(wanted) if wanted else ""

    def _ask(self, person: Person, handler: Callable[..., Any], method: str, path: str, body: Any = None) -> Any:
        return self.checkout.ask(person.id, handler, method, person.path(path), body, **person.who())

    def _staff(self, handler: Callable[..., Any], method: str, path: str, body: Any = None) -> Response | None:
        return self.checkout.ask("staff", handler, method, path, body, **STAFF)

    def _insisting(
        self, who: Person | str | None, handler: Callable[..., Any], path: str, body: JSON
    ) -> list[Response]:
        """Answers to a POST that is repeated with its key until one comes, and sometimes beyond.

        who: a person, a vendor's id, or None for staff.
        """
        key, heard = f"key-{self.dice.getrandbits(64):016x}", []
        for _ in range(_TRIES):
            if isinstance(who, Person):
                name, how, place = who.id, who.who(**{"idempotency-key": key}), who.path(path)
            else:
                name, place = who or "staff", path
                how = (seller(who) if who else STAFF) | {"headers": {"idempotency-key": key}}
            answer = self.checkout.ask(name, handler, "POST", place, body, **how)
            if answer is not None:
                heard.append(answer)
                if self.dice.random() < 0.8:
                    break
        return heard

    def _told(self, person: Person, order: JSON) -> None:
        known = self.acknowledged.setdefault(order["orderNo"], Bought(person, order["total"], order["lines"]))
        if (known.person, known.total, known.lines) != (person, order["total"], order["lines"]):
            self.broken.append(f"I12: {order['orderNo']} was told twice, differently")

    def _ends(self, number: str, vendor: str | None) -> None:
        self.promised.add(("part_cancelled" if vendor else "ended", number, vendor or ""))


def run(checkout: StormyCheckout, *, actions: int = 150) -> Crowd:
    """A whole story, from full shelves to the days after, when nothing is on its way any more."""
    people = Table(replace(IDENTITY, uses=()))
    for person in CUSTOMERS:
        people.transact(put(user_key(person.id), {"email": person.email, "name": person.name}))
    for sku, (vendor, price) in SHELVES.items():
        shop.stock(sku, UNITS, price=shop.euros(price), vendor=vendor)
    path = f"/v1/vendors/{SHELVES[LIMITED][0]}/inventory/{LIMITED}"
    checkout.calm = True
    checkout.ask("staff", inventory, "PATCH", path, {"maxPerCustomer": LIMIT}, **STAFF)
    bargains = launched(checkout)
    checkout.run()
    checkout.calm = False
    guests = [Person(len(CUSTOMERS) + number, new_guest()) for number in range(GUESTS)]
    crowd = Crowd(checkout, Random(f"crowd {checkout.seed}"), bargains, [*CUSTOMERS, *guests])
    crowd.act(actions)
    checkout.calm = True
    checkout.run()
    checkout.wait(30 * 3600)
    checkout.wait(30 * 3600)
    return crowd
