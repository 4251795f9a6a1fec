"""DynamoDB as a partition lives through a rush: in virtual time, metered by the second, one call after the other.

Buyers are threads, of which exactly one runs at a time: who calls the database waits until its turn has come, some
milliseconds of virtual time later. So a run is the same each time, whatever the machine does. Every write costs its
units (1 for a KB, twice in a transaction, also if its condition fails) of its partition's second; a thousand are all it
has, what is beyond is refused and sent again, as by the SDK. Transactions that meet on an item within 8 ms refuse the
later one.
"""

import heapq
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from math import ceil
from random import Random
from types import SimpleNamespace
from typing import Any

import orjson
from botocore.client import BaseClient
from botocore.exceptions import ClientError

from market import clock, table

LIMIT = 1_000
"""Write units a second of one partition."""
WINDOW = 0.008
"""Seconds for which a transaction has its items."""
_LATENCY = (0.003, 0.009)
_START = datetime(2026, 11, 27, 18, tzinfo=UTC)
_WRITES = ("PutItem", "UpdateItem", "DeleteItem", "TransactWriteItems")


class Killed(BaseException):
    """The function of a buyer is killed between two calls."""


class Rush:
    """The virtual store. units: by partition key and second; throttled, met: how often that happened."""

    def __init__(self, seed: int) -> None:
        self.units: Counter[tuple[str, int]] = Counter()
        self.throttled = self.met = self.calls = 0
        self.now = 0.0
        self._dice = Random(seed)
        self._turns: list[tuple[float, int, Callable[[], None]]] = []
        self._count = 0
        self._idle = threading.Event()
        self._mine = threading.local()
        self._taken: dict[str, float] = {}

    def arrive(self, at: float, act: Callable[[], None], *, dies_at: int = 0) -> None:
        """Let somebody come at this time. dies_at: at which of their calls they are killed; 0 for never."""

        def live() -> None:
            self._mine.turn, self._mine.left = threading.Event(), dies_at
            try:
                act()
            except Killed:
                pass
            finally:
                self._mine.turn = None
                self._idle.set()

        self._push(at, lambda: threading.Thread(target=live, daemon=True).start())

    def run(self) -> None:
        """Until everybody is gone."""
        while self._turns:
            self.now, _, go = heapq.heappop(self._turns)
            self._idle.clear()
            go()
            self._idle.wait()

    @contextmanager
    def open(self) -> Iterator["Rush"]:
        """Let every call to DynamoDB, every pause and the clock be the store's."""
        original, names = BaseClient._make_api_call, vars(table)
        waiting = names["time"]

        def call(client: Any, operation: str, asked: dict[str, Any]) -> Any:
            if getattr(self._mine, "turn", None) is None:
                return original(client, operation, asked)
            return self._call(operation, asked, lambda: original(client, operation, asked))

        BaseClient._make_api_call, names["time"] = call, SimpleNamespace(sleep=self.pause)
        try:
            with clock.running_on(lambda: _START + timedelta(seconds=self.now)):
                yield self
        finally:
            BaseClient._make_api_call, names["time"] = original, waiting

    def pause(self, seconds: float) -> None:
        """Let others go first."""
        if getattr(self._mine, "turn", None) is None:
            return
        turn = self._mine.turn
        self._push(self.now + seconds, turn.set)
        self._idle.set()
        turn.wait()
        turn.clear()

    @contextmanager
    def outside(self) -> Iterator[None]:
        """Look at the store while everybody stands still, without being one of them."""
        turn, self._mine.turn = self._mine.turn, None
        try:
            yield
        finally:
            self._mine.turn = turn

    def hottest(self, prefix: str = "") -> int:
        """The most units that any partition of these was written in a second."""
        return max((units for (pk, _), units in self.units.items() if pk.startswith(prefix)), default=0)

    def _push(self, at: float, go: Callable[[], None]) -> None:
        self._count += 1
        heapq.heappush(self._turns, (at, self._count, go))

    def _call(self, operation: str, asked: dict[str, Any], do: Callable[[], Any]) -> Any:
        self.pause(self._dice.uniform(*_LATENCY))
        self._mine.left -= 1
        if self._mine.left == 0:
            raise Killed
        self.calls += 1
        if operation in _WRITES:
            costs = _costs(operation, asked)
            while any(self.units[pk, int(self.now)] + units > LIMIT for pk, units in costs.items()):
                self.throttled += 1
                self.pause(self._dice.uniform(0.025, 0.1))
            for pk, units in costs.items():
                self.units[pk, int(self.now)] += units
        if operation == "TransactWriteItems":
            self._take(asked["TransactItems"])
        return do()

    def _take(self, actions: list[dict[str, Any]]) -> None:
        keys = ["|".join(_key(request)) for action in actions for request in action.values()]
        if any(self._taken.get(key, -1.0) > self.now - WINDOW for key in keys):
            self.met += 1
            reasons = [
                {"Code": "TransactionConflict" if self._taken.get(key, -1.0) > self.now - WINDOW else "None"}
                for key in keys
            ]
            error: Any = {"Error": {"Code": "TransactionCanceledException"}, "CancellationReasons": reasons}
            raise ClientError(error, "TransactWriteItems")
        self._taken |= dict.fromkeys(keys, self.now)


def _costs(operation: str, asked: dict[str, Any]) -> Counter[str]:
    costs: Counter[str] = Counter()
    requests = [request for action in asked.get("TransactItems", ()) for request in action.values()] or [asked]
    for request in requests:
        size = ceil(len(orjson.dumps(request["Item"])) / 1024) if "Item" in request else 1
        costs[_key(request)[0]] += size * (2 if operation == "TransactWriteItems" else 1)
    return costs


def _key(request: dict[str, Any]) -> tuple[str, str]:
    key = request.get("Key") or request["Item"]
    return key["pk"]["S"], key["sk"]["S"]
