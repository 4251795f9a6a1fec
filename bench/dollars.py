"""What 1,000 orders cost on AWS, by service: for 1, 3 and 10 lines of two vendors.

The real handlers, events and state machine run once per size; what they ask of AWS is counted and multiplied by the
list prices of us-east-1 without free tier. Mail and the payment provider's fee are left out, and so is the sandbox
provider: another company's server. The buyer has been here within half a minute: what functions remember of people is
warm; rate limits are counted (RATE_LIMIT=100). The queue of the event archive is gathered for a minute: at 1,000 orders
an hour its 50 events share an invocation, a file and the requests that delete them, ten each. Durations
are computed: the handler's own CPU time on the share of a core that its memory buys (1,769 MB are one), plus 4 ms for
every call that it makes to DynamoDB. Lambda's own log lines are off.
"""

import io
import math
import os
import threading
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass, field
from typing import Any
from unittest.mock import patch

from bench.meter import Meter, Reading
from local.functions import Functions
from local.harness import InProcess, marketplace
from market import ids
from tests import shop

SIZES = (1, 3, 10)
MOST_FOR_THREE_LINES = 0.15
CALL_SECONDS = 0.004
CORE_MB = 1_769
GATHERING, GATHERED = "audit-archive", 50

PRICES = {
    "HTTP API requests": 1.00e-6,
    "Lambda invocations": 0.20e-6,
    "Lambda GB-seconds": 13.3334e-6,
    "DynamoDB write units": 0.625e-6,
    "DynamoDB read units": 0.125e-6,
    "Step Functions transitions": 25.0e-6,
    "EventBridge events": 1.0e-6,
    "SQS requests": 0.40e-6,
    "S3 writes": 5.0e-6,
    "log bytes": 0.50e-9,
}


_AS_ON_AWS = {"LOG_LEVEL": "INFO", "RATE_LIMIT": "100", "ACCESS_CACHE_SECONDS": "30"}


@dataclass
class Tally:
    """How much of everything in `PRICES` was used. Each thread knows whether it is in the other company's server."""

    used: defaultdict[str, float] = field(default_factory=lambda: defaultdict(float))
    here: threading.local = field(default_factory=threading.local)

    @contextmanager
    def running(self, name: str, event: Any) -> Iterator[None]:
        """Count one invocation, its CPU time without that of the functions it calls in turn."""
        outer = getattr(self.here, "frames", [])
        foreign = "sandbox" in name
        frame = {"started": time.thread_time(), "inner": 0.0, "foreign": foreign}
        self.here.frames = [*outer, frame]
        try:
            yield
        finally:
            self.here.frames = outer
            spent = time.thread_time() - frame["started"]
            if outer:
                outer[-1]["inner"] += spent
            if not foreign:
                self._invoked(name, event, spent - frame["inner"])

    def elsewhere(self) -> bool:
        """Outside our functions: in the other company's, or in the local relay, which on AWS reads the stream."""
        frames = getattr(self.here, "frames", [])
        return not frames or bool(frames[-1]["foreign"])

    def _invoked(self, name: str, event: Any, seconds: float) -> None:
        records = event.get("Records", []) if isinstance(event, dict) else []
        gathered = name.endswith(GATHERING)
        share = len(records) / GATHERED if gathered else 1.0
        self.used["Lambda invocations"] += share
        self.used["Lambda GB-seconds"] += share * seconds * CORE_MB / 1_024  # a smaller share takes as much longer
        self.used["S3 writes"] += share * gathered
        # Sent by the bus or an API, received and deleted: one request each, in batches of one.
        queued = sum(record.get("eventSource") == "aws:sqs" for record in records)
        self.used["SQS requests"] += (2.1 if gathered else 3) * queued
        if isinstance(event, dict) and "rawPath" in event:
            self.used["HTTP API requests"] += 1


def main() -> None:
    """Print the table."""
    columns = {lines: per_thousand(lines) for lines in SIZES}
    print(f"  {'dollars per 1,000 orders':<28}" + "".join(f"{lines:>6} lines" for lines in SIZES))
    for name in PRICES:
        print(f"  {name:<28}" + "".join(f"{column[name]:>12.4f}" for column in columns.values()))
    totals = {lines: sum(column.values()) for lines, column in columns.items()}
    print(f"  {'all':<28}" + "".join(f"{total:>12.4f}" for total in totals.values()))
    if totals[3] > MOST_FOR_THREE_LINES:
        raise SystemExit(f"1,000 orders of three lines must cost at most {MOST_FOR_THREE_LINES} dollars")


def per_thousand(lines: int) -> dict[str, float]:
    """Dollars for 1,000 orders of so many lines, by service."""
    used = _counted(lines)
    return {name: used[name] * price * 1_000 for name, price in PRICES.items()}


def _counted(lines: int) -> defaultdict[str, float]:
    tally, invoke = Tally(), Functions.invoke

    def counted(functions: Functions, name: str, event: Any) -> Any:
        with tally.running(name, event):
            return invoke(functions, name, event)

    with patch.object(Functions, "invoke", counted), marketplace() as market, patch.dict(os.environ, _AS_ON_AWS):
        logged = io.StringIO()
        with redirect_stdout(logged):
            token = market.person("ada@example.com")
            for count in range(lines + 1):
                shop.stock(f"SKU-{count}", 100, price=shop.euros(2_000 + count), vendor=f"ven_{count % 2}")
            _buy(market, token, [f"SKU-{lines}"])  # warms up imports, connections and keys
            before = {execution.arn for execution in market.runtime.workflows.executions()}
            tally.used.clear()
            logged.truncate(logged.seek(0))
            with Meter(tally.elsewhere).reading() as reading:
                number = _buy(market, token, [f"SKU-{count}" for count in range(lines)])
            used, lines_logged = tally.used.copy(), logged.getvalue().splitlines()
            paid = market.call("GET", f"/v1/orders/{number}", token=token).json
            assert paid["status"] == "paid", paid
        ours = [line for line in lines_logged if "/sandbox/" not in line]
        used["log bytes"] += sum(len(line.encode()) + 1 for line in ours)
        _count_calls(used, reading)
        for execution in market.runtime.workflows.executions():
            if execution.arn not in before:
                used["Step Functions transitions"] += len(market.runtime.workflows.history(execution.arn))
        return used


def _count_calls(used: defaultdict[str, float], reading: Reading) -> None:
    used["DynamoDB write units"] += math.ceil(reading.writes)
    used["DynamoDB read units"] += math.ceil(reading.reads)
    used["EventBridge events"] += reading.events
    # Each call is waited for with the memory of a typical function.
    used["Lambda GB-seconds"] += sum(reading.calls.values()) * CALL_SECONDS * 0.5


def _buy(market: InProcess, token: str, skus: list[str]) -> str:
    """One whole order, from the first line in the cart to the last mail."""
    for sku in skus:
        _ask(market, "POST", "/v1/cart/items", {"sku": sku, "quantity": 1}, token)
    summary = _ask(market, "POST", "/v1/checkout/summary", {}, token)
    order = _ask(market, "POST", "/v1/orders", shop.order_body(summary), token)
    market.drain()
    intent = _ask(market, "POST", "/v1/payments/intent", {"orderNo": order["orderNo"]}, token)
    card = {"clientSecret": intent["clientSecret"], "card": {"number": "4242424242424242"}}
    _ask(market, "POST", f"/sandbox/v1/payment_intents/{intent['intentId']}/confirm", card)
    market.drain()
    return str(order["orderNo"])


def _ask(market: InProcess, method: str, path: str, body: Any = None, token: str = "") -> Any:
    headers = {"idempotency-key": ids.ulid()} if path == "/v1/orders" else {}
    answer = market.call(method, path, body, token=token, headers=headers)
    assert answer.status < 300, answer
    return answer.json


if __name__ == "__main__":
    main()
