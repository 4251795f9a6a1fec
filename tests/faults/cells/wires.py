"""The wires between a function and the world: each AWS call and each provider call passes here, named by its step.

A tap on the wires may look, break the call, or let the thread wait for its turn. Only calls of our own functions pass:
what the provider's simulator does for itself is its own affair.
"""

import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import pytest
from botocore.client import BaseClient
from botocore.exceptions import ClientError, ReadTimeoutError
from urllib3.exceptions import ProtocolError

Do = Callable[[], Any]
_READS = ("Get", "BatchGet", "Query", "Describe", "List", "GET ")


class Death(BaseException):
    """The function is killed; no `except Exception` of its own sees that."""


@dataclass(frozen=True, slots=True, order=True)
class Cell:
    """One call of one run of a step in a flow. step: what runs, such as `capture` or `POST /v1/orders`.

    run: the how manieth run of the step in the flow; number: the how manieth call of that run; both from 0.
    call: such as `dynamodb.TransactWriteItems` or `POST capture`.
    """

    flow: str
    step: str
    run: int
    number: int
    call: str

    @property
    def reads(self) -> bool:
        """Whether the call changes nothing, so that it is all one whether it was carried out before it was lost."""
        return self.call.rpartition(".")[2].startswith(_READS)

    @property
    def provider(self) -> bool:
        return "." not in self.call

    def __str__(self) -> str:
        return f"{self.flow}: {self.step}[{self.run}] {self.number} {self.call}"


Tap = Callable[[Cell, Do], Any]
"""What is done about a call: carried out, or what happens to it instead."""


class Wires:
    """`tap` sees every call that is made inside of a step, in the thread that makes it."""

    def __init__(self, environment: pytest.MonkeyPatch) -> None:
        self._inside = threading.local()
        self._runs: Counter[str] = Counter()
        self.flow = ""
        self.tap: Tap | None = None
        original = BaseClient._make_api_call

        def call(client: Any, operation: str, asked: dict[str, Any]) -> Any:
            if operation == "TransactWriteItems":
                asked = {"ClientRequestToken": str(uuid4()), **asked}
            name = f"{client.meta.service_model.service_name}.{operation}"
            return self.through(name, lambda: original(client, operation, asked))

        environment.setattr(BaseClient, "_make_api_call", call)

    def begin(self, flow: str, tap: Tap | None) -> None:
        """A flow begins anew: its steps are counted from the first."""
        self.flow, self.tap = flow, tap
        self._runs.clear()

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Let the calls of the block be those of a step; an empty name takes them off the wires."""
        before = getattr(self._inside, "at", None)
        run = self._runs[name]
        self._runs[name] += 1
        self._inside.at = [name, run, 0]
        try:
            yield
        finally:
            self._inside.at = before

    def through(self, call: str, do: Do) -> Any:
        """Make a call, or what the tap makes of it."""
        at = getattr(self._inside, "at", None)
        if not at or not at[0] or self.tap is None or call.startswith("secretsmanager."):
            return do()
        name, run, number = at
        at[2] += 1
        return self.tap(Cell(self.flow, name, run, number, call), do)


# -- faults


def _dies_before(_: Cell, do: Do) -> Any:
    raise Death


def _dies_after(_: Cell, do: Do) -> Any:
    do()
    raise Death


def _refused(cell: Cell, do: Do) -> Any:
    """AWS throttles it after all retries of its client; a provider answers 503."""
    if cell.provider:
        return 503, {}
    raise ClientError({"Error": {"Code": "ThrottlingException", "Message": "slow down"}}, cell.call)


def _unheard(cell: Cell, do: Do) -> Any:
    """It is done, but the answer takes too long."""
    do()
    if cell.provider:
        raise ProtocolError("lost on the way back")
    raise ReadTimeoutError(endpoint_url="https://aws.test")


def _twice(cell: Cell, do: Do) -> Any:
    """The first answer is lost, the client repeats the very same request by itself, and hears the second."""
    try:
        do()
    except ClientError:
        return do()
    return do()


FAULTS: dict[str, Tap] = {
    "dies before": _dies_before,
    "dies after": _dies_after,
    "refused": _refused,
    "unheard": _unheard,
    "sent twice": _twice,
}


def impossible(cell: Cell, fault: str) -> str:
    """Why a fault cannot strike a call, or would be another one's twin; empty if it can."""
    if cell.reads and fault in ("dies after", "unheard", "sent twice"):
        twin = {"dies after": "dies before", "unheard": "refused", "sent twice": "nothing at all"}[fault]
        return f"a read leaves nothing behind: the same as {twin}"
    if cell.step.endswith("schedule") and cell.run:
        return "the schedule again: its first run stands for all"
    if cell.provider and fault == "sent twice":
        return "the gateway sends without retries"
    return ""


class Recorder:
    """Lists the calls."""

    def __init__(self) -> None:
        self.cells: list[Cell] = []

    def __call__(self, cell: Cell, do: Do) -> Any:
        self.cells.append(cell)
        return do()


class Saboteur:
    """Breaks each of some calls once; `struck` are those that came."""

    def __init__(self, *faults: tuple[Cell, str]) -> None:
        self._left = dict(faults)
        self.struck: list[tuple[Cell, str]] = []

    def __call__(self, cell: Cell, do: Do) -> Any:
        fault = self._left.pop(cell, None)
        if fault is None:
            return do()
        self.struck.append((cell, fault))
        return FAULTS[fault](cell, do)
