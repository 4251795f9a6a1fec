"""kill -9 in the middle: nothing that was accepted is lost, and every execution goes on where it was."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from local.runtime import AlreadyRunning, Runtime
from local.templates import Templates
from tests.local.runtime_parts import JSON, MACHINE, one_machine, paid, shop, task

ROOT = Path(__file__).parents[2]
TOKEN = ".waitForTaskToken"
STEPS: JSON = {
    "StartAt": "Pay",
    "States": {
        "Pay": task("pay", token=TOKEN, following="Hold", ResultPath="$.pay", TimeoutSeconds=3600),
        "Hold": {"Type": "Wait", "Seconds": 1, "Next": "Capture"},
        "Capture": task("capture", following="Confirm", ResultPath="$.capture"),
        "Confirm": task("confirm", ResultPath="$.confirm"),
    },
}
CHILD = """
import sys
sys.path.insert(0, {root!r})
from tests.local.test_survival import child
child(sys.argv[1], sys.argv[2])
"""


def both() -> Templates:
    machines, events = one_machine(STEPS), shop(batch=2)
    return Templates(
        functions={**machines.functions, **events.functions},
        machines=machines.machines,
        queues=events.queues,
        rules=events.rules,
        sources=events.sources,
    )


class Shop:
    """Handlers that write what they did into a file, slowly enough to be killed in the middle."""

    def __init__(self, log: Path, pause: float) -> None:
        self.log = log
        self.pause = pause

    def __call__(self, name: str, event: JSON) -> JSON:
        time.sleep(self.pause)
        done = [json.loads(r["body"])["detail"]["eventId"] for r in event["Records"]] if "Records" in event else []
        if "task" in event:
            done = [f"{event['task']} {event['input']['id']} {event.get('token', '')}".strip()]
        with self.log.open("a") as out:
            out.writelines(line + "\n" for line in done)
        return {"batchItemFailures": []} if "Records" in event else {"done": event["task"]}


def child(journal: str, log: str) -> None:
    runtime = Runtime(both(), journal, Shop(Path(log), 0.03))
    runtime.start(threads=3)
    print("ready", flush=True)
    time.sleep(60)


def run_and_kill(tmp_path: Path, when: Callable[[], bool], meanwhile: Callable[[], object] = lambda: None) -> None:
    program = CHILD.format(root=str(ROOT))
    command = [sys.executable, "-c", program, str(tmp_path / "journal"), str(tmp_path / "log")]
    process = subprocess.Popen(command, stdout=subprocess.PIPE)
    assert process.stdout is not None
    assert process.stdout.readline() == b"ready\n"
    meanwhile()
    end = time.monotonic() + 60
    while not when() and time.monotonic() < end:
        time.sleep(0.002)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    process.stdout.close()


def lines(tmp_path: Path, start: str) -> set[str]:
    """What was done so far, of what starts like this; a line torn by the kill does not count."""
    log = tmp_path / "log"
    text = log.read_text() if log.exists() else ""
    return {line for line in text[: text.rfind("\n") + 1].splitlines() if line.startswith(start)}


def test_events_and_executions_survive_being_killed_again_and_again(tmp_path):
    sender = Runtime(both(), tmp_path / "journal", lambda *_: None)
    arns = [sender.workflows.start(MACHINE, f"o{n}", {"id": f"o{n}"}) for n in range(10)]
    sender.bus.put([paid(n) for n in range(400)])

    run_and_kill(tmp_path, lambda: len(lines(tmp_path, "e")) > 50)
    assert len(lines(tmp_path, "e")) < 400
    run_and_kill(tmp_path, lambda: len(lines(tmp_path, "e")) > 150 and len(lines(tmp_path, "pay")) >= 10)
    tokens = {line.split()[1]: line.split()[2] for line in lines(tmp_path, "pay")}
    answer = [lambda token=token: sender.workflows.succeed(token, {"paid": 1}) for token in tokens.values()]
    run_and_kill(tmp_path, lambda: len(lines(tmp_path, "capture")) > 3, lambda: [give() for give in answer])
    sender.close()

    runtime = Runtime(both(), tmp_path / "journal", Shop(tmp_path / "log", 0.0))
    runtime.advance(60)
    found = [runtime.workflows.describe(arn) for arn in arns]
    assert {execution.status for execution in found} == {"SUCCEEDED"}
    assert all(execution.output["pay"] == {"paid": 1} for execution in found)
    assert [runtime.workflows.history(arn) for arn in arns] == [list(STEPS["States"])] * 10
    assert lines(tmp_path, "e") == {f"e{n}" for n in range(400)}
    assert runtime.depths()["orders-events"].total == 0


def test_another_process_only_sends_and_the_running_one_picks_it_up(tmp_path):
    heard = threading.Event()
    running = Runtime(both(), tmp_path / "journal", lambda *_: heard.set())
    running.start(threads=2)
    sender = Runtime(both(), tmp_path / "journal", lambda *_: None)
    time.sleep(0.05)

    sender.bus.put([paid(1)])
    assert heard.wait(20)
    with pytest.raises(AlreadyRunning):
        sender.start()
    running.drain()
    running.stop()
    sender.start(threads=1)
    sender.close()
    running.close()


def test_many_threads_deliver_every_event_once(tmp_path):
    heard: list[str] = []

    def consume(_: str, event: JSON) -> JSON:
        heard.extend(json.loads(r["body"])["detail"]["eventId"] for r in event["Records"])
        return {"batchItemFailures": []}

    runtime = Runtime(both(), tmp_path / "journal", consume)
    runtime.start(threads=4)
    for number in range(300):
        runtime.bus.put([paid(number)])
    runtime.drain()
    assert sorted(heard) == sorted(f"e{n}" for n in range(300))
    runtime.close()
