"""Random lives of a book: sales, refunds, promises, reversals; told late, twice, out of order or never."""

from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from random import Random

from ledger import service, store
from ledger.contract import PENDING, POSTED, Journal, post, reverse, void
from ledger.service import Period
from market import clock
from tests.services.ledger import desk
from tests.services.ledger.desk import part

START = datetime(2026, 1, 30, 20, tzinfo=UTC)
DAYS = 1
"""How many days a story takes at most; each seed has days of its own, so that stories do not read each other's."""


@dataclass
class History:
    """One seed's story, with vendors of its own. `expected` is worked out beside the book, from what was done."""

    seed: int
    chance: Random = field(init=False)
    now: datetime = field(init=False)
    life: Period = field(init=False)
    expected: dict[str, Counter[tuple[str, str]]] = field(default_factory=dict)
    snapshots: list[list[Journal]] = field(default_factory=list)
    open: list[tuple[str, str]] = field(default_factory=list)
    closed: list[tuple[str, str]] = field(default_factory=list)
    amounts: dict[tuple[str, str], tuple[str, list[tuple[str, int]]]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.chance = Random(self.seed)
        self.now = START + timedelta(days=self.seed % 4_000 * (DAYS + 1))
        self.life = Period(self.now.date(), self.now.date() + timedelta(days=DAYS))
        self.vendors = [f"ven_{self.seed}_{letter}" for letter in "abc"[: self.chance.randint(1, 3)]]
        self.expected = {vendor: Counter() for vendor in self.vendors}

    def live(self) -> None:
        """The whole story, to its last event."""
        with clock.running_on(lambda: self.now):
            for step in range(self.chance.randint(2, 7)):
                self.now += timedelta(minutes=self.chance.randint(0, 230))
                self._step(step)
            self._tell()

    def _step(self, step: int) -> None:
        match self.chance.choice(("sell", "sell", "promise", "end", "refund", "reverse", "tell")):
            case "end" if self.open:
                self._end()
            case "reverse" if self.closed:
                self._reverse()
            case "tell":
                self._tell()
            case what:
                self._book(step, PENDING if what == "promise" else POSTED, -1 if what == "refund" else 1)
        for order_id in {key[0] for key in self.amounts}:
            if self.chance.random() < 0.5:
                self.snapshots.append(store.of_order(order_id))

    def _book(self, step: int, state: str, sign: int) -> None:
        order_id, name = f"ord_{self.seed}_{self.chance.randint(0, 2)}", f"journal-{step}"
        currency = self.chance.choice(("EUR", "EUR", "JPY", "KWD"))
        chosen = self.chance.sample(self.vendors, self.chance.randint(1, len(self.vendors)))
        parts = [
            part(vendor, sign * self.chance.randint(100, 9_999), sign * self.chance.randint(0, 99)) for vendor in chosen
        ]
        desk.sell(order_id, *parts, currency=currency, state=state, name=name, told=self.chance.random() < 0.7)
        key = order_id, name
        self.amounts[key] = currency, [(p.vendor_id, p.net) for p in parts]
        (self.closed if state == POSTED else self.open).append(key)
        self._count(key, state, 1)

    def _end(self) -> None:
        key = self.open.pop(self.chance.randrange(len(self.open)))
        self._count(key, PENDING, -1)
        if self.chance.random() < 0.6:
            desk.move(post(*key))
            self.closed.append(key)
            self._count(key, POSTED, 1)
        else:
            desk.move(void(*key))

    def _reverse(self) -> None:
        key = self.closed.pop(self.chance.randrange(len(self.closed)))
        (journal,) = store.journals([key], consistent=True)
        desk.move(reverse(journal))
        self._count(key, POSTED, -1)

    def _tell(self) -> None:
        """What is known now and what was known once, in any order, some of it twice."""
        news = [*self.snapshots, *(store.of_order(order_id) for order_id in {key[0] for key in self.amounts})]
        for snapshot in self.chance.sample(news, self.chance.randint(0, len(news))):
            for _ in range(self.chance.choice((1, 1, 2))):
                service.project(snapshot)

    def _count(self, key: tuple[str, str], state: str, sign: int) -> None:
        currency, amounts = self.amounts[key]
        for vendor, net in amounts:
            self.expected[vendor][currency, state] += sign * net

    def catch_up(self) -> None:
        for number in range(DAYS + 1):
            service.catch_up(self.life.first + timedelta(days=number))

    def wrong(self) -> list[str]:
        """What is not as it should be once everything is told, in words."""
        found = []
        for vendor in self.vendors:
            told = desk.standing(vendor)
            kept = {
                (c, s): amount for c, pair in told.items() for s, amount in zip((POSTED, PENDING), pair, strict=True)
            }
            right = {key: amount for key, amount in self.expected[vendor].items() if amount}
            if {key: amount for key, amount in kept.items() if amount} != right:
                found.append(f"{self.seed}: {vendor} is told {kept}, and is owed {right}")
            if self.amounts and (kept or right):
                found += [
                    f"{self.seed}: {vendor} {difference}" for difference in service.differences(vendor, self.life)
                ]
        return found
