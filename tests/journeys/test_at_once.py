"""Two things at the same moment, over HTTP: one of them comes first, and the other notices."""

import threading
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from demo.client import until
from local.harness import Running
from tests.journeys.books import Books
from tests.journeys.conftest import Operator
from tests.journeys.fair import Fair

JSON = dict[str, Any]


def at_once(*doings: Callable[[], Any]) -> list[Any]:
    """Do all of it at the same moment; what came of each."""
    start = threading.Barrier(len(doings))

    def one(doing: Callable[[], Any]) -> Any:
        start.wait()
        return doing()

    with ThreadPoolExecutor(len(doings)) as pool:
        return list(pool.map(one, doings))


def final(fair: Fair, token: str, numbers: Sequence[str]) -> Counter[str]:
    """How the orders ended, as soon as all have."""

    def ended() -> Counter[str] | None:
        states = Counter(fair.ask("GET", f"/v1/orders/{number}", token=token)["status"] for number in numbers)
        return None if states["pending_payment"] else states

    found: Counter[str] = until(ended, "the end of all orders", patience=30)
    return found


@pytest.mark.contract("10.2", "11.6")
def test_twenty_clicks_on_the_same_button_make_one_order(fair: Fair, operator: Operator) -> None:
    fair.sell("lights", "CLICK", 100, 50)
    token = operator.person("lea@example.com")
    summary = fair.fill(token, ("CLICK", 1))
    answers = at_once(*[lambda: fair.place(token, summary, key="lea-clicks-and-clicks")] * 20)
    assert {answer.status for answer in answers} == {201}
    assert len({answer.body for answer in answers}) == 1
    assert fair.shelf("lights", "CLICK") == (49, 1)
    assert len(fair.ask("GET", "/v1/me/orders", token=token)["items"]) == 1


@pytest.mark.contract("10.2", "11.6")
def test_a_cart_that_is_ordered_from_ten_devices_is_ordered_once(fair: Fair, operator: Operator) -> None:
    fair.sell("lights", "TABLET", 100, 50)
    token = operator.person("mia@example.com")
    summary = fair.fill(token, ("TABLET", 1))
    answers = at_once(*[lambda: fair.place(token, summary)] * 10)
    assert Counter(answer.status for answer in answers) == {201: 1, 409: 9}
    assert {answer.json["code"] for answer in answers if answer.status == 409} == {"cart_changed"}
    assert fair.shelf("lights", "TABLET") == (49, 1)


@pytest.mark.contract("10.1")
def test_what_many_devices_put_into_one_cart_is_all_in_it(fair: Fair, operator: Operator) -> None:
    for number in range(4):
        fair.sell("lights", f"PART{number}", 100, 50)
    token = operator.person("nat@example.com")
    adding = [{"sku": f"PART{number}", "quantity": 1} for number in range(4)]
    answers = at_once(
        *[lambda line=line: fair.market.call("POST", "/v1/cart/items", line, token=token) for line in adding]
    )
    assert {answer.status for answer in answers} <= {201, 409, 503}
    taken = sorted(line["sku"] for line, answer in zip(adding, answers, strict=True) if answer.status == 201)
    assert taken
    assert sorted(line["sku"] for line in fair.ask("GET", "/v1/cart", token=token)["lines"]) == taken


@pytest.mark.contract("11.2", "12.1", "12.3")
def test_paying_and_cancelling_in_the_same_moment_ends_one_way_or_the_other(
    server: Running, fair: Fair, operator: Operator
) -> None:
    fair.sell("wood", "DOUBT", 1_000, 30)
    token = operator.person("oda@example.com")
    numbers = [fair.buy(token, ("DOUBT", 1))["orderNo"] for _ in range(12)]

    def pay(number: str) -> Callable[[], Any]:
        opened = fair.ask("POST", "/v1/payments/intent", {"orderNo": number}, token=token, status=201)
        wish = {"clientSecret": opened["clientSecret"], "card": {"number": "4242424242424242"}}
        path = f"/sandbox/v1/payment_intents/{opened['intentId']}/confirm"
        return lambda: fair.market.call("POST", path, wish)

    def cancel(number: str) -> Callable[[], Any]:
        return lambda: fair.market.call("POST", f"/v1/orders/{number}/cancellation", token=token)

    answers = at_once(*[doing for number in numbers for doing in (pay(number), cancel(number))])
    assert {answer.status for answer in answers} <= {200, 202, 409}
    final(fair, token, numbers)
    orders = [fair.ask("GET", f"/v1/orders/{number}", token=token) for number in numbers]
    about, kept = {order["id"] for order in orders}, {o["id"] for o in orders if o.get("fulfilment") == "unfulfilled"}
    assert fair.shelf("wood", "DOUBT") == (30 - len(kept), 0)

    def settled() -> bool:
        """Nothing is blocked, and what was paid and then cancelled is given back."""
        books = Books.of(server.data)
        return not _authorized(books) and about & books.charged().keys() == about & books.booked().keys() == kept

    until(settled, "the end of all payments", patience=30)


def _authorized(books: Books) -> list[JSON]:
    """What the provider keeps blocked on somebody's card."""
    return [item for item in books.payments if item["pk"].startswith("SBX#") and item["status"] == "authorized"]


@pytest.mark.contract("7.1")
def test_a_vendor_who_restocks_while_buyers_buy_loses_no_unit(server: Running, fair: Fair, operator: Operator) -> None:
    fair.sell("wood", "FLOW", 1_000, 5)
    tokens = operator.people([f"pat{number}@example.com" for number in range(10)])
    seen = {email: fair.fill(token, ("FLOW", 1)) for email, token in tokens.items()}
    path = f"/v1/vendors/{fair.vendors['wood']}/inventory/FLOW"
    restock = [lambda: fair.market.call("PATCH", path, {"adjust": 1}, token=fair.tokens["wood"])] * 10
    orders = [lambda email=email: fair.place(tokens[email], seen[email]) for email in tokens]
    answers = at_once(*restock, *orders)
    placed = sum(answer.status == 201 for answer in answers[10:])
    added = sum(answer.status == 200 for answer in answers[:10])
    assert {answer.status for answer in answers} <= {200, 201, 409, 503}
    assert placed >= 5
    assert fair.shelf("wood", "FLOW") == (5 + added - placed, placed)
