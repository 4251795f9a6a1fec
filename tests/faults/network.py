"""A checkout whose world is unreliable: calls are lost, messages come twice, late and in another order.

Every decision comes from one seed, and time from a clock of its own, so that a run can be told again from its seed.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from random import Random
from typing import Any

import pytest

from local.runtime import Runtime
from market import ids
from tests.http import Response, call
from tests.sagas.checkout import Checkout, templates

JSON = dict[str, Any]
START = 1_800_000_000.0
PATIENCE = 2
"""How often the same call may be lost and still count as a hiccup. Of a webhook, its message and the provider's answer
may both be lost so often: together less than the five times that a queue brings a message."""

MAY_NEVER_WORK = {
    ("await_payment", "before"),
    ("capture", "before"),
    ("capture", "after"),
    ("POST capture", "before"),
    ("POST capture", "after"),
    ("confirm", "before"),
    ("confirm", "after"),
    ("webhook", "before"),
}
"""Calls that an order may do without for ever: the checkout then undoes what was done, or asks by itself."""

BYSTANDERS = ("notifications", "identity", "invoices")
"""Services that hear of orders and do nothing to them; they are left out."""


@dataclass(frozen=True, slots=True)
class Weather:
    """How bad it is: probabilities, and seconds at most. What is gone is gone for good, until the schedule looks."""

    lost: float
    never: float
    twice: float
    late: float
    gone: float
    latest: float

    @classmethod
    def of(cls, dice: Random) -> "Weather":
        return cls(
            lost=dice.choice((0.0, 0.05, 0.15, 0.3)),
            never=dice.choice((0.0, 0.05, 0.2)),
            twice=dice.choice((0.0, 0.1, 0.4)),
            late=dice.choice((0.0, 0.1, 0.4)),
            gone=dice.choice((0.0, 0.0, 0.1)),
            latest=dice.choice((30.0, 1_000.0, 90_000.0)),
        )


class StormyCheckout(Checkout):
    """`calm` ends hiccups and delays; what never works for an order does not work then either."""

    def __init__(self, environment: pytest.MonkeyPatch, seed: int) -> None:
        self.seed, self.calm, self._ticks = seed, False, 0
        self._dice = Random(f"network {seed}")
        self.weather = Weather.of(self._dice)
        self._time = START
        self._lost: Counter[tuple[str, str]] = Counter()
        self._never: dict[tuple[str, str, str], bool] = {}
        self._about: tuple[str, ...] = ()
        self.published: list[JSON] = []
        self._posted: list[tuple[str, str]] = []
        self._faults, self._before, self._handlers, self.webhooks = {}, {}, {}, []
        self.calls, self.death = Counter(), "Lambda.Unknown"
        self.runtime = Runtime(templates(), ":memory:", self._invoke, retry_scale=0.0, clock=self._tick)
        self._set_up(environment)
        environment.setattr(ids, "randbits", Random(f"ids {seed}").getrandbits)
        self._post, self.runtime.queues.send = self.runtime.queues.send, self._mislay  # type: ignore[method-assign]
        self._put, self.runtime.bus.put = self.runtime.bus.put, self._publish  # type: ignore[method-assign]

    def ask(self, handler: Callable[..., Any], method: str, path: str, body: Any = None, **how: Any) -> Response | None:
        """A request over an unreliable line: None if it, or its answer, is lost."""
        if self._hiccup():
            return None
        answer = call(handler, method, path, body, **how)
        return None if self._hiccup() else answer

    def step(self) -> None:
        """Do one piece of background work that is due, if there is one."""
        self.runtime._dispatcher.run_one()

    def replay(self) -> None:
        """Something that was sent once comes again."""
        if self._posted:
            self._post(*self._dice.choice(self._posted))

    # -- what goes wrong

    def _tick(self) -> float:
        self._time += 0.001
        return self._time

    def _hiccup(self) -> bool:
        return not self.calm and self._dice.random() < self.weather.lost

    @contextmanager
    def _speaking_of(self, *whom: str) -> Iterator[None]:
        before, self._about = self._about, whom
        try:
            yield
        finally:
            self._about = before

    def _invoke(self, function: str, event: Any) -> Any:
        if any(service in function for service in BYSTANDERS):
            return {}
        if function.endswith("schedule") and self._skips():
            return {}
        with self._speaking_of(*_subjects(event)):
            return super()._invoke(function, event)

    def _skips(self) -> bool:
        """The schedule comes every few minutes for days; it is enough if it works once an hour."""
        self._ticks += 1
        return self._ticks % 12 != 0

    def _send(self, method: str, url: str, headers: Mapping[str, str], content: bytes | None) -> tuple[int, Any]:
        with self._speaking_of(url if "/sandbox/" in url else str(content)):
            return super()._send(method, url, dict(headers), content)

    def _strikes(self, what: str, when: str) -> bool:
        if any(self._never_works(what, when, subject) for subject in self._about):
            return True
        if any(self._lost[what, subject] >= PATIENCE for subject in self._about) or not self._hiccup():
            return False
        self._lost.update((what, subject) for subject in self._about)
        return True

    def _never_works(self, what: str, when: str, subject: str) -> bool:
        if (what, when) not in MAY_NEVER_WORK:
            return False
        key = (what, when, subject)
        if key not in self._never:
            self._never[key] = self._dice.random() < self.weather.never / 2
        return self._never[key]

    def _mislay(self, queue: str, body: str, *, attributes: JSON | None = None, delay: float | None = None) -> str:
        """Post a message as a standard queue may: late, after younger ones, more than once."""
        known = self.runtime.queues.named(queue)
        if self.calm or known.name not in templates().queues or known.dead_letters is None:
            return self._post(queue, body, attributes=attributes, delay=delay)
        if '"order.created"' in body and self._dice.random() < self.weather.gone:
            return "gone"
        self._posted.append((queue, body))
        while self._dice.random() < self.weather.twice:
            self._post(queue, body, attributes=attributes, delay=self._delay(delay))
        return self._post(queue, body, attributes=attributes, delay=self._delay(delay))

    def _delay(self, delay: float | None) -> float:
        late = self._dice.uniform(0, self.weather.latest) if self._dice.random() < self.weather.late else 0.0
        return (delay or 0.0) + late

    def _publish(self, entries: Any) -> list[str]:
        entries = list(entries)
        self.published += entries
        return self._put(entries)


def _subjects(event: Any) -> tuple[str, ...]:
    """What a call is about: an order, or the messages of a batch."""
    if "task" in event:
        return (str(event["input"]["orderId"]),)
    return tuple(str(record.get("messageId") or record.get("eventID")) for record in event.get("Records", ()))
