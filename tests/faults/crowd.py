"""Twenty customers who buy, pay, hesitate, cancel and click twice, as a seed decides."""

from dataclasses import dataclass, field
from random import Random
from typing import Any

from cart.api import handler as cart
from orders.api import handler as orders
from payments.api import handler as payments
from payments.sandbox import handler as sandbox
from tests import shop
from tests.faults.network import StormyCheckout
from tests.http import Response
from tests.sagas import checkout as cards

JSON = dict[str, Any]
CUSTOMERS = [f"customer{number:02}" for number in range(20)]
SHELVES = {
    "LAMP": ("ven_lights", 2_000),
    "BULB": ("ven_lights", 333),
    "CHAIR": ("ven_wood", 8_050),
    "MUG": ("ven_clay", 1),
}
UNITS = 12
ACTIONS = {"order": 30, "pay": 34, "cancel": 6, "work": 60, "wait": 8, "hear_again": 6}
CARDS = {cards.GOOD: 60, cards.DECLINED: 12, cards.CAPTURE_FAILS: 8, cards.TWICE: 10, cards.LATE: 10}
_TRIES = 4


@dataclass
class Crowd:
    """`acknowledged` are the orders that somebody was told of, by number: of whom, and what they cost.

    `offered` are the payments that somebody got the secret of, so could pay.
    """

    checkout: StormyCheckout
    dice: Random
    acknowledged: dict[str, tuple[str, int]] = field(default_factory=dict)
    offered: set[str] = field(default_factory=set)

    def act(self, times: int) -> None:
        names, weights = list(ACTIONS), list(ACTIONS.values())
        for _ in range(times):
            getattr(self, self.dice.choices(names, weights)[0])()

    def order(self) -> None:
        """Fill the cart, see the summary, order; ask again with the same key while no answer comes."""
        customer = self.dice.choice(CUSTOMERS)
        for sku in self.dice.sample(list(SHELVES), self.dice.choice((1, 1, 2, 3))):
            self.checkout.ask(
                cart, "POST", "/v1/cart/items", {"sku": sku, "quantity": self.dice.choice((1, 1, 2))}, caller=customer
            )
        seen = self.checkout.ask(orders, "POST", "/v1/checkout/summary", {}, caller=customer)
        if seen is None or seen.status != 200:
            return
        key, body = f"key-{self.dice.getrandbits(64):016x}", shop.order_body(seen.json)
        for _ in range(_TRIES):
            answer = self.checkout.ask(
                orders, "POST", "/v1/orders", body, caller=customer, headers={"idempotency-key": key}
            )
            if answer is not None:
                self._told(customer, answer)
                if self.dice.random() < 0.8:
                    return

    def pay(self) -> None:
        """Open the payment of an order, old or new, and try a card."""
        number, customer = self._some_order()
        if not number:
            return
        intent = self.checkout.ask(payments, "POST", "/v1/payments/intent", {"orderNo": number}, caller=customer)
        if intent is None or intent.status != 201:
            return
        self.offered.add(intent.json["intentId"])
        (card,) = self.dice.choices(list(CARDS), list(CARDS.values()))
        wish = {"clientSecret": intent.json["clientSecret"], "card": {"number": card}}
        for _ in range(self.dice.choice((1, 1, 2, 3))):
            self.checkout.ask(sandbox, "POST", f"/sandbox/v1/payment_intents/{intent.json['intentId']}/confirm", wish)

    def cancel(self) -> None:
        number, customer = self._some_order()
        if number:
            self.checkout.ask(orders, "POST", f"/v1/orders/{number}/cancellation", caller=customer)

    def work(self) -> None:
        for _ in range(self.dice.randrange(1, 12)):
            self.checkout.step()

    def wait(self) -> None:
        self.checkout.wait(self.dice.choice((1, 20, 120, 600)))

    def hear_again(self) -> None:
        self.checkout.replay()

    def _some_order(self) -> tuple[str, str]:
        if not self.acknowledged:
            return "", ""
        number = self.dice.choice(list(self.acknowledged))
        return number, self.acknowledged[number][0]

    def _told(self, customer: str, answer: Response) -> None:
        if answer.status == 201:
            told = (customer, answer.json["total"]["amount"])
            assert self.acknowledged.setdefault(answer.json["orderNo"], told) == told


def run(checkout: StormyCheckout, *, actions: int = 150) -> Crowd:
    """A whole story, from full shelves to the day after, when nothing is on its way any more."""
    for sku, (vendor, price) in SHELVES.items():
        shop.stock(sku, UNITS, price=shop.euros(price), vendor=vendor)
    checkout.run()
    crowd = Crowd(checkout, Random(f"crowd {checkout.seed}"))
    crowd.act(actions)
    checkout.calm = True
    checkout.run()
    checkout.wait(30 * 3600)
    checkout.wait(30 * 3600)
    return crowd
