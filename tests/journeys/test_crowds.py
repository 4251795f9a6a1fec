"""A hundred people want ten things at once, on a server that lives, and on one that is killed in the middle of it."""

import os
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.client import HTTPException
from pathlib import Path
from typing import Any

import pytest

from demo.client import until
from local.database import Database
from local.harness import PASSWORD, InProcess, Reply, Running
from local.marketplace import Marketplace
from local.server import Server
from local.synth import synthesized
from tests.journeys.books import Books
from tests.journeys.conftest import LOGGED, Operator, stocked
from tests.journeys.fair import Fair

JSON = dict[str, Any]
BUYERS, UNITS, HOLD_MINUTES = 100, 10, 15
PICTURE = b'<svg xmlns="http://www.w3.org/2000/svg" width="8" height="8"><rect width="8" height="8"/></svg>'


@dataclass
class Rush:
    """Everybody at once, each over a connection of one's own, with a cart already full."""

    fair: Fair
    tokens: dict[str, str]
    summaries: dict[str, JSON] = field(default_factory=dict)
    answers: dict[str, Reply] = field(default_factory=dict)

    def gather(self, sku: str) -> None:
        with ThreadPoolExecutor(8) as pool:
            filled = pool.map(lambda token: self.fair.fill(token, (sku, 1)), self.tokens.values())
            self.summaries = dict(zip(self.tokens, filled, strict=True))

    def storm(self, *, then: Callable[[str, Reply], None] = lambda email, answer: None) -> None:
        """Order, all at the same moment. Who gets no answer, because the server is gone, is not in `answers`."""
        start = threading.Barrier(len(self.tokens))

        def one(email: str) -> None:
            start.wait()
            try:
                answer = self.order(email)
                self.answers[email] = answer
                then(email, answer)
            except (OSError, HTTPException):
                return

        with ThreadPoolExecutor(len(self.tokens)) as pool:
            list(pool.map(one, self.tokens))

    def order(self, email: str) -> Reply:
        answer: Reply = self.fair.place(self.tokens[email], self.summaries[email], key=f"the-one-order-of-{email}")
        return answer

    def placed(self) -> dict[str, str]:
        """Order numbers by buyer, of those who were told of one."""
        told = list(self.answers.items())  # others may still be answered
        return {email: answer.json["orderNo"] for email, answer in told if answer.status == 201}

    def pay(self, emails: Any) -> None:
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(lambda email: self.fair.pay(self.tokens[email], self.placed()[email]), emails))


def buyers(operator: Operator, name: str, many: int = BUYERS) -> dict[str, str]:
    return operator.people([f"{name}{number:03}@example.com" for number in range(many)])


@pytest.mark.contract("7.1", "7.2", "7.3", "11.1")
@pytest.mark.parametrize(("many", "units"), [(BUYERS, UNITS), pytest.param(200, 50, marks=pytest.mark.slow)])
def test_many_buyers_of_few_things_make_exactly_that_many_orders(
    server: Running, fair: Fair, operator: Operator, many: int, units: int
) -> None:
    sku = f"RARE-{units}"
    fair.sell("lights", sku, 4_200, units)
    rush = Rush(fair, buyers(operator, f"buyer-of-{units}-", many))
    rush.gather(sku)
    rush.storm()

    said = Counter((answer.status, answer.json.get("code", "")) for answer in rush.answers.values())
    assert said == {(201, ""): units, (409, "out_of_stock"): many - units}
    for answer in rush.answers.values():
        if answer.status == 409:
            assert [line["sku"] for line in answer.json["lines"]] == [sku]
    assert len(set(rush.placed().values())) == units
    assert fair.shelf("lights", sku) == (0, units)

    rush.pay(rush.placed())
    until(lambda: len(Books.of(server.data).of_sku(sku, "paid")) == units, "paid orders", patience=90)
    assert fair.shelf("lights", sku) == (0, 0)
    books = Books.of(server.data)
    assert len(books.of_sku(sku)) == books.sold(sku) == units
    books.assert_agreed()


@pytest.mark.contract("7.1", "7.2", "11.2", "11.6")
@pytest.mark.slow
@pytest.mark.parametrize("after", [1, 4, 8])
def test_a_server_that_is_killed_in_the_rush_keeps_every_promise_it_made(tmp_path: Path, after: int) -> None:
    data = tmp_path / "market"
    first = Running(data, arguments=LOGGED)
    try:
        fair, operator = stocked(first)
        fair.sell("lights", "RARE", 4_200, UNITS)
        picture = uploaded(fair)
        rush = Rush(fair, buyers(operator, "buyer"))
        rush.gather("RARE")
        told = kill_in_the_middle(first, rush, after)
    finally:
        first.stop()

    second = Running(data, arguments=LOGGED)
    try:
        fair.market = second
        assert_kept(fair, rush, told)
        assert second.call("GET", picture).body == PICTURE
        ask_again(rush)
        left = end_some(fair, rush)
    finally:
        assert second.stop() == 0

    with much_later(data) as inside:
        fair.market = inside
        shelf = fair.shelf("lights", "RARE")
        for email in left:
            order = fair.ask("GET", f"/v1/orders/{rush.placed()[email]}", token=rush.tokens[email])
            assert (order["status"], order["cancelReason"]) == ("cancelled", "payment_timeout")
    books = Books.of(data)
    assert {order["status"] for order in books.of_sku("RARE")} <= {"paid", "cancelled"}
    assert shelf == (UNITS - books.sold("RARE"), 0)
    books.assert_agreed()


def kill_in_the_middle(server: Running, rush: Rush, after: int) -> dict[str, str]:
    """Kill it once so many buyers were told of an order; all who were told of one by then."""
    family = descendants(server.process.pid)
    assert len(family) >= 2, "database and background are processes of their own"
    some = threading.Event()

    def seen(email: str, answer: Reply) -> None:
        if len(rush.placed()) >= after:
            some.set()
        if answer.status == 201 and len(rush.placed()) % 2:
            rush.fair.pay(rush.tokens[email], answer.json["orderNo"])

    crowd = threading.Thread(target=rush.storm, kwargs={"then": seen})
    crowd.start()
    assert some.wait(30)
    server.kill()
    crowd.join()
    until(lambda: not any(alive(pid) for pid in family), "the end of its children", patience=10)
    return rush.placed()


def assert_kept(fair: Fair, rush: Rush, told: dict[str, str]) -> None:
    """Whoever was told of an order has it; nothing is oversold; everybody can log in."""
    assert told
    for email, number in told.items():
        fair.ask("GET", f"/v1/orders/{number}", token=rush.tokens[email])
    available, held = fair.shelf("lights", "RARE")
    assert isinstance(fair.market, Running)
    books = Books.of(fair.market.data)
    assert len(books.of_sku("RARE")) <= UNITS
    assert (available >= 0, available + held + books.sold("RARE")) == (True, UNITS)
    for email in list(rush.tokens)[:5]:
        rush.tokens[email] = fair.ask("POST", "/v1/auth/login", {"email": email, "password": PASSWORD})["accessToken"]


def ask_again(rush: Rush) -> None:
    """Buyers who heard nothing send the same request again; those who were told of an order hear the same."""
    before = rush.placed()
    with ThreadPoolExecutor(8) as pool:
        rush.answers = dict(zip(rush.tokens, pool.map(rush.order, rush.tokens), strict=True))
    assert before.items() <= rush.placed().items()
    assert len(rush.placed()) == UNITS
    refused = [answer for answer in rush.answers.values() if answer.status != 201]
    assert {(answer.status, answer.json["code"]) for answer in refused} == {(409, "out_of_stock")}


def end_some(fair: Fair, rush: Rush) -> list[str]:
    """A third pays, a third cancels; the rest, who opened a payment and went away, is left."""
    placed = rush.placed()
    status = {
        email: fair.ask("GET", f"/v1/orders/{no}", token=rush.tokens[email])["status"] for email, no in placed.items()
    }
    unpaid = [email for email, state in status.items() if state == "pending_payment"]
    left = []
    for place, email in enumerate(unpaid):
        if place % 3 == 0:
            answer = fair.market.call(
                "POST", "/v1/payments/intent", {"orderNo": placed[email]}, token=rush.tokens[email]
            )
            if answer.status == 201:
                fair.pay(rush.tokens[email], placed[email])
        elif place % 3 == 1:
            fair.market.call("POST", f"/v1/orders/{placed[email]}/cancellation", token=rush.tokens[email])
        else:
            left.append(email)

    def settled() -> bool:
        states = {
            email: fair.ask("GET", f"/v1/orders/{placed[email]}", token=rush.tokens[email])["status"]
            for email in placed
        }
        return all(state != "pending_payment" for email, state in states.items() if email not in left)

    until(settled, "paid or cancelled", patience=30)
    return [
        email
        for email in left
        if fair.ask("GET", f"/v1/orders/{placed[email]}", token=rush.tokens[email])["status"] == "pending_payment"
    ]


@contextmanager
def much_later(data: Path) -> Iterator[InProcess]:
    """The same data, opened in this process when every hold has ended."""
    database, server = Database(data / "table.db"), Server(0)
    made = Marketplace(
        synthesized(),
        data,
        base_url=f"http://127.0.0.1:{server.port}",
        database_url=database.url,
        log_level="ERROR",
        retry_scale=0.0,
    )
    try:
        server.start(made)
        inside = InProcess(made)
        inside.drain()
        inside.advance(60 * (HOLD_MINUTES + 1))
        yield inside
    finally:
        server.stop()
        made.close()
        database.stop()


def uploaded(fair: Fair) -> str:
    path = f"/v1/vendors/{fair.vendors['lights']}/media"
    headers = {"content-type": "image/svg+xml"}
    answer = fair.market.call("POST", path, PICTURE, token=fair.tokens["lights"], headers=headers)
    assert answer.status == 201, answer
    return str(answer.json["url"])


def descendants(pid: int) -> list[int]:
    """The processes that a process started, and those that they did."""
    parents: dict[int, int] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                parents[int(entry.name)] = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
            except OSError:
                continue
    found = [pid]
    for known in found:
        found += [child for child, parent in parents.items() if parent == known]
    return found[1:]


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False
