"""What the local event runtime itself costs, without handler time: python bench/event_runtime.py

CPU time of this process per event delivered (outbox, relay, bus, queue, consumer) and per execution of four states.
"""

import json
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

from local.runtime import Runtime
from tests.local.runtime_parts import MACHINE, one_machine, paid, shop, task

COUNT = 2000
STATES = {
    "Pay": task("pay", token=".waitForTaskToken", following="Capture", ResultPath="$.pay", TimeoutSeconds=900),
    "Capture": task("capture", following="Confirm", ResultPath="$.capture"),
    "Confirm": task("confirm", following="Done", ResultPath="$.confirm"),
    "Done": {"Type": "Succeed"},
}


def measured(name: str, count: int, work: Callable[[], Any]) -> None:
    before = time.process_time()
    work()
    print(f"{name:<64} {1000 * (time.process_time() - before) / count:8.3f} ms CPU")


def item(number: int) -> dict[str, Any]:
    text = {"type": "order.paid", "source": "market.orders", "envelope": json.dumps({"eventId": f"e{number}"})}
    values = {"pk": "OUTBOX#0", "sk": f"01JD00000000000000{number:08d}", **text}
    return {name: {"S": value} for name, value in values.items()}


def deliveries(directory: Path) -> None:
    def invoke(name: str, event: dict[str, Any]) -> dict[str, Any]:
        if name == "relay":
            runtime.bus.put([paid(number) for number, _ in enumerate(event["Records"])])
        return {"batchItemFailures": []}

    runtime = Runtime(shop(), directory / "events", invoke)
    measured(
        "event handed over to the stream", COUNT, lambda: [runtime.outbox.hand_over([item(n)]) for n in range(COUNT)]
    )
    measured("event relayed, matched, queued, consumed (a backlog, in batches)", COUNT, lambda: runtime.drain(60))

    def one_by_one() -> None:
        for number in range(COUNT, 2 * COUNT):
            runtime.outbox.hand_over([item(number)])
            runtime.drain()

    measured("event from outbox to consumer, one at a time", COUNT, one_by_one)
    runtime.start(threads=4)

    def threaded() -> None:
        for number in range(2 * COUNT, 3 * COUNT):
            runtime.outbox.hand_over([item(number)])
        runtime.drain(60)

    measured("event from outbox to consumer, four threads", COUNT, threaded)
    runtime.close()


def executions(directory: Path) -> None:
    tokens: list[str] = []

    def invoke(_: str, event: dict[str, Any]) -> dict[str, Any]:
        tokens.extend([event["token"]] if "token" in event else [])
        return {"done": event["task"]}

    runtime = Runtime(one_machine({"StartAt": "Pay", "States": STATES}), directory / "states", invoke)

    def work() -> None:
        for number in range(COUNT):
            runtime.workflows.start(MACHINE, f"o{number}", {"id": f"o{number}", "total": 120})
        runtime.drain(60)
        for token in tokens:
            runtime.workflows.succeed(token, {"paid": 120})
        runtime.drain(60)

    measured("execution of four states, one waiting for a token", COUNT, work)
    assert len(runtime.workflows.executions(status="SUCCEEDED")) == COUNT


def main() -> None:
    with tempfile.TemporaryDirectory() as directory:
        deliveries(Path(directory))
        executions(Path(directory))


if __name__ == "__main__":
    main()
