"""A server that is killed again and again while people buy: nothing is lost, nothing doubled, all comes to its end."""

import threading
import time
from collections import Counter
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from http.client import HTTPException
from pathlib import Path
from typing import Any

import pytest

from demo.client import until
from local.harness import Running
from tests.journeys.books import Books
from tests.journeys.conftest import LOGGED, stocked
from tests.journeys.fair import GOOD
from tests.shop import order_body

JSON = dict[str, Any]
KILLS, CUSTOMERS, ORDERS_EACH, PATIENCE = 20, 8, 25, 90
FINAL_WITHIN = 120
ORDERS = CUSTOMERS * ORDERS_EACH


@dataclass
class Victim:
    """A marketplace at one address, whichever process serves it. Who asks while none does asks again."""

    data: Path
    running: Running
    kills: int = 0

    @property
    def port(self) -> int:
        return int(self.running.base_url.rpartition(":")[2])

    def die_and_rise(self) -> None:
        port = self.port
        self.running.kill()
        self.kills += 1
        self.running = Running(self.data, port=port, arguments=LOGGED)

    def ask(self, method: str, path: str, body: Any = None, *, token: str = "", **headers: str) -> JSON:
        """The JSON of a good answer, however often it takes. A refusal by name is the test's end."""
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            try:
                answer = self.running.call(method, path, body, token=token, headers=headers)
            except (OSError, HTTPException):
                time.sleep(0.05)
                continue
            if answer.status < 300 or answer.status == 412:
                return dict(answer.json)
            assert answer.status in (500, 502, 503), answer
            time.sleep(0.05)
        raise AssertionError(f"no answer to {method} {path}")


@dataclass
class Customer:
    """Somebody who buys one thing after the other and does not give up."""

    victim: Victim
    name: str
    token: str
    orders: dict[int, str] = field(default_factory=dict)

    def shop(self, done: threading.Semaphore) -> None:
        for count in range(ORDERS_EACH):
            self.orders[count] = self.buy(count)
            done.release()

    def buy(self, count: int) -> str:
        """One lamp, ordered and paid; every request may be sent again at any time."""
        self.put_one_lamp_in_the_cart()
        summary = self.ask("POST", "/v1/checkout/summary", {"shippingMethod": "standard"})
        key = {"idempotency-key": f"order-{count}-of-{self.name}"}
        order = self.ask("POST", "/v1/orders", order_body(summary), **key)
        intent = self.ask("POST", "/v1/payments/intent", {"orderNo": order["orderNo"]})
        pay = {"clientSecret": intent["clientSecret"], "card": {"number": GOOD}}
        self.ask("POST", f"/sandbox/v1/payment_intents/{intent['intentId']}/confirm", pay)
        return str(order["orderNo"])

    def put_one_lamp_in_the_cart(self) -> None:
        """Adding twice would make two: it is done to the version that was seen, or not at all."""
        while not (cart := self.ask("GET", "/v1/cart"))["lines"]:
            lamp = {"sku": "LAMP", "quantity": 1}
            self.ask("POST", "/v1/cart/items", lamp, **{"if-match": f'"{cart["version"]}"'})

    def ask(self, method: str, path: str, body: Any = None, **headers: str) -> JSON:
        token = "" if path.startswith("/sandbox") else self.token
        return self.victim.ask(method, path, body, token=token, **headers)

    def statuses(self) -> Counter[str]:
        found: Counter[str] = Counter()
        cursor = ""
        while True:
            page = self.ask("GET", f"/v1/me/orders?limit=100{cursor}")
            found.update(order["status"] for order in page["items"])
            if not page.get("nextCursor"):
                return found
            cursor = f"&cursor={page['nextCursor']}"


@pytest.mark.slow
@pytest.mark.contract("7.1", "7.2", "11.2", "11.6", "12.3")
def test_twenty_kills_in_two_hundred_orders_lose_nothing_and_double_nothing(tmp_path: Path) -> None:
    victim = Victim(tmp_path / "market", Running(tmp_path / "market", arguments=LOGGED))
    try:
        fair, operator = stocked(victim.running)
        fair.sell("lights", "LAMP", 4_200, ORDERS + 7)
        tokens = operator.people([f"customer{number}@example.com" for number in range(CUSTOMERS)])
        customers = [Customer(victim, name, token) for name, token in tokens.items()]
        kill_while_they_shop(victim, customers)
        fair.market = victim.running
        until(lambda: all_final(customers), "every order final", patience=FINAL_WITHIN)
        assert_nothing_lost_or_doubled(victim, customers)
        assert fair.shelf("lights", "LAMP") == (7, 0)
    finally:
        assert victim.running.stop() == 0


def kill_while_they_shop(victim: Victim, customers: list[Customer]) -> None:
    """The kills are spread over the orders: one after so many have been bought, until all have."""
    done = threading.Semaphore(0)
    with ThreadPoolExecutor(len(customers)) as pool:
        shopping = [pool.submit(customer.shop, done) for customer in customers]
        for _ in range(KILLS):
            for _ in range(ORDERS // (KILLS + 1)):
                wait_for_an_order(done, shopping)
            victim.die_and_rise()
        for future in shopping:
            future.result()
    assert victim.kills == KILLS


def wait_for_an_order(done: threading.Semaphore, shopping: list[Future[None]]) -> None:
    """Until somebody has bought one more thing. Whoever had to give up tells why at once."""
    deadline = time.monotonic() + PATIENCE
    while not done.acquire(timeout=0.5):
        for future in shopping:
            if future.done():
                future.result()
        assert time.monotonic() < deadline, "nobody buys anything"


def all_final(customers: list[Customer]) -> bool:
    return all(set(customer.statuses()) <= {"paid", "cancelled"} for customer in customers)


def assert_nothing_lost_or_doubled(victim: Victim, customers: list[Customer]) -> None:
    """Everybody has exactly the orders that they were told of, each paid once."""
    for customer in customers:
        assert len(set(customer.orders.values())) == ORDERS_EACH
        assert customer.statuses() == {"paid": ORDERS_EACH}
    books = Books.of(victim.data)
    told = {number for customer in customers for number in customer.orders.values()}
    assert sorted(order["number"] for order in books.of_sku("LAMP", "paid")) == sorted(told)
    assert len(books.of_sku("LAMP")) == books.sold("LAMP") == ORDERS
    books.assert_agreed()
