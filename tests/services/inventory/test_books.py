"""Whatever happens to a stock, in whatever order, twice or at once: units are never made up, lost or promised twice."""

from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from random import Random
from threading import Lock

import pytest

from inventory import moves, store, transfers, watching
from inventory.contract import BACKORDER, PREORDER, Later, change_offer
from inventory.moves import Who
from inventory.transfers import CANCELLED, LOST, Line, Transfer
from market import clock, ids
from market.errors import Conflict, Idempotency, Problem
from tests import shop
from tests.services.inventory.books import BERLIN, LYON, TABLE, VENDOR, VIENNA, Books, open_warehouses, present, refused

pytestmark = [pytest.mark.usefixtures("database"), pytest.mark.contract("7.1", "7.3", "7.5")]

WHO = Who("usr_ada", "as it goes")
PLACES = ["", BERLIN, LYON, VIENNA]
DUE = ["2020-01-01", "2999-01-01"]


class Life:
    """Random days of a SKU: each thing that can happen to it, with arguments drawn from a seed."""

    def __init__(self, sku: str, seed: int) -> None:
        self.books, self.random = Books(sku), Random(seed)
        self.sku, self.orders, self.sent = sku, 0, list[str]()
        self.happened = Counter[str]()
        self.ways: list[Callable[[], object]] = [
            self.place, self.place, self.place, self.pay, self.pay, self.cancel, self.take_back, self.count,
            self.adjust, self.adjust, self.send, self.receive, self.receive, self.close, self.keep, self.watch,
            self.sell_later, self.count_blindly, self.look,
        ]  # fmt: skip

    def step(self) -> None:
        way = self.random.choice(self.ways)
        self.happened[f"{way.__name__} {refused(way)}".strip()] += 1

    def place(self) -> None:
        self.orders += 1
        self.books.place(self.orders, self.random.randint(1, 6), self.random.choice(["DE", "FR", "US"]))

    def pay(self) -> None:
        if self.books.held:
            order = self.random.choice(sorted(self.books.held))
            self.books.pay(order)
            self.books.pay(order)

    def cancel(self) -> None:
        if self.books.held:
            order = self.random.choice(sorted(self.books.held))
            self.books.cancel(order)
            self.books.pay(order)

    def take_back(self) -> None:
        if self.books.sold:
            order = self.random.choice(sorted(self.books.sold))
            self.books.take_back(order)
            self.books.take_back(order)

    def count(self) -> None:
        place, to = self.random.choice(PLACES), self.random.randint(0, 12)
        store.change(self.sku, VENDOR, lambda offer: moves.counted(offer, to, place, None, WHO))

    def adjust(self) -> None:
        place, by = self.random.choice(PLACES), self.random.randint(-4, 8)
        reference = f"ref-{self.random.randint(1, 30)}"
        store.change(self.sku, VENDOR, lambda offer: moves.adjusted(offer, by, place, WHO), reference=reference)

    def send(self) -> None:
        source, target = self.random.sample(PLACES, 2)
        wished = Transfer(
            id=ids.new("trf"), vendor_id=VENDOR, source=source, target=target, by="usr_ada",
            lines={self.sku: Line(self.random.randint(1, 5))}, sent_at=clock.timestamp(),
        )  # fmt: skip
        request = Idempotency(ids.ulid(), "print")
        first = transfers.send(wished, request)
        assert transfers.send(wished, request).id == first.id
        self.sent.append(first.id)

    def receive(self) -> None:
        if self.sent:
            seen = transfers.get(VENDOR, self.random.choice(self.sent))
            units = {self.sku: self.random.randint(1, 3)}
            transfers.receive(seen, units, WHO)
            assert refused(lambda: transfers.receive(seen, units, WHO)) in ("transfer_changed", "not_in_transit")

    def close(self) -> None:
        if self.sent:
            seen = transfers.get(VENDOR, self.random.choice(self.sent))
            transfers.close(seen, self.random.choice([LOST, CANCELLED]), WHO)
            assert refused(lambda: transfers.close(seen, CANCELLED, WHO)) == "transfer_changed"

    def keep(self) -> None:
        target = self.random.randint(0, 6)
        store.change(self.sku, VENDOR, lambda offer: moves.keeping(offer, target, WHO))

    def watch(self) -> None:
        point = self.random.choice([None, 0, 3, 8])
        store.change(self.sku, VENDOR, lambda offer: moves.watching(offer, point))

    def sell_later(self) -> None:
        kind, day, left = self.random.choice([BACKORDER, PREORDER]), self.random.choice(DUE), self.random.randint(0, 5)
        later = self.random.choice(
            [None, Later(kind=kind, begins=day, left=left), Later(kind=kind, begins=day, left=2)]
        )
        store.change(self.sku, VENDOR, lambda offer: moves.selling_later(offer, later))

    def count_blindly(self) -> None:
        TABLE.transact(change_offer(present(self.sku), available=self.random.randint(0, 15)))

    def look(self) -> None:
        watching.look([self.sku, "NO-SUCH"])


@pytest.mark.parametrize("seed", range(6))
def test_the_books_agree_after_every_step_of_a_random_life(seed: int) -> None:
    open_warehouses()
    shop.stock("LAMP", 7)
    life = Life("LAMP", seed)
    for _ in range(70):
        life.step()
        life.books.check()

    assert sum(count for way, count in life.happened.items() if " " not in way) > 30


def test_every_way_is_gone_and_refused_too() -> None:
    """What the lives above are made of: a model that never gets anywhere proves nothing."""
    open_warehouses()
    shop.stock("LAMP", 7)
    life = Life("LAMP", 99)
    for _ in range(300):
        life.step()
    life.books.check()

    done = {way.partition(" ")[0] for way in life.happened if " " not in way}
    assert done == {way.__name__ for way in life.ways}
    assert {"out_of_stock", "not_so_many"} <= {way.partition(" ")[2] for way in life.happened}


@pytest.mark.slow
def test_buyers_the_vendor_and_the_consumer_at_once_leave_the_books_right() -> None:
    open_warehouses()
    shop.stock("LAMP", 10)
    books, lock = Books("LAMP"), Lock()
    store.change("LAMP", VENDOR, lambda offer: moves.adjusted(offer, 10, BERLIN, WHO))
    store.change("LAMP", VENDOR, lambda offer: moves.adjusted(offer, 10, LYON, WHO))
    store.change("LAMP", VENDOR, lambda offer: moves.watching(offer, 6))
    placed: list[int] = []

    def act(number: int) -> None:
        own = Books("LAMP")
        try:
            match number % 6:
                case 0:
                    own.place(number, 2)
                    own.pay(number)
                case 1:
                    own.place(number, 1, "FR")
                    own.cancel(number)
                case 2:
                    own.place(number, 3)
                case 3:
                    store.change("LAMP", VENDOR, lambda offer: moves.adjusted(offer, 1, BERLIN, WHO))
                case 4:
                    store.change("LAMP", VENDOR, lambda offer: moves.adjusted(offer, -1, LYON, WHO))
                case _:
                    watching.look(["LAMP"])
        except (Conflict, Problem):
            pass
        with lock:
            placed.append(number)
            books.held |= own.held
            books.sold |= own.sold

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(act, range(48)))

    assert len(placed) == 48
    books.check()
