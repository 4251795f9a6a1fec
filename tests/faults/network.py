"""A checkout whose world is unreliable: calls are lost, functions die at work, messages come twice, late, out of order.

Every decision comes from one seed, and time from a clock of its own, so that a run can be told again from its seed.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cache
from random import Random
from types import SimpleNamespace
from typing import Any

import orjson
import pytest
from urllib3.exceptions import ProtocolError

from local.runtime import Runtime
from local.templates import Templates
from market import config, ids
from tests.http import Response, call
from tests.sagas.checkout import Checkout, lost
from tests.sagas.review import hurried

JSON = dict[str, Any]
START = 1_800_000_000.0
PATIENCE = 2
"""How often the same call may be lost and still count as a hiccup. Of a webhook, its message and the provider's answer
may both be lost so often: together less than the five times that a queue brings a message."""

MINUTES = 60
"""How long a drain may take: no story takes so long, on any machine."""

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

BYSTANDERS = ("identity", "invoices")
"""Services that hear of orders and do nothing to them; they are left out."""

_ORDER = re.compile(r"ord_[0-9a-z]+")
_MOST_CALLS = 7
_OFTEN = re.compile(r"rate\(\d+ minutes?\)")


@cache
def unhurried() -> Templates:
    """The templates, but for schedules: days are told, in which it is enough if they come a few times."""
    found = hurried()
    rare = [replace(each, expression=_OFTEN.sub("rate(4 hours)", each.expression)) for each in found.schedules]
    return replace(found, schedules=rare)


class Killed(BaseException):
    """A function dies between two of its AWS calls: no handler of exceptions hears of it."""


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


@dataclass(frozen=True, slots=True)
class Answer:
    """What somebody was told over HTTP, whether it arrived or not."""

    who: str
    asked: str
    given: Response


class StormyCheckout(Checkout):
    """`calm` ends hiccups and delays; what never works for an order does not work then either.

    The outside books: `published` went over the bus, `answers` over HTTP, `mails` (address, template, data) by post,
    `log` (filled by whoever runs the story) into the logs. `failed` are schedules that raised. `story` tells what
    happened, in order.
    """

    def __init__(self, environment: pytest.MonkeyPatch, seed: int) -> None:
        self.seed, self.calm = seed, False
        self._dice = Random(f"network {seed}")
        self.weather = Weather.of(self._dice)
        self._time = START
        self._lost: Counter[tuple[str, str]] = Counter()
        self._never: dict[tuple[str, str, str], bool] = {}
        self._about: tuple[str, ...] = ()
        self._batch: tuple[str, ...] = ()
        self._working_on = ""
        self._doom: list[int] = []
        self.published: list[JSON] = []
        self.answers: list[Answer] = []
        self.mails: list[tuple[str, str, JSON]] = []
        self.log: list[str] = []
        self.story: list[str] = []
        self._posted: list[tuple[str, str]] = []
        self._faults, self._before, self._handlers, self.webhooks = {}, {}, {}, []
        self.calls, self.death = Counter(), "Lambda.Unknown"
        self._spacing, self._ran = 0.0, {}
        self.failed: list[str] = []
        environment.setattr("tests.sagas.checkout.templates", unhurried)
        self.runtime = Runtime(unhurried(), ":memory:", self._invoke, retry_scale=0.0, clock=self._tick)
        self._set_up(environment)
        environment.setattr(ids, "randbits", Random(f"ids {seed}").getrandbits)
        self._post, self.runtime.queues.send = self.runtime.queues.send, self._mislay  # type: ignore[method-assign]
        self._put, self.runtime.bus.put = self.runtime.bus.put, self._publish  # type: ignore[method-assign]
        self._listen()

    def ask(
        self, who: str, handler: Callable[..., Any], method: str, path: str, body: Any = None, **how: Any
    ) -> Response | None:
        """A request over an unreliable line: None if it, or its answer, is lost, or if the function dies of it."""
        asked = f"{who}: {method} {path}"
        if self._hiccup():
            return self._tell(f"{asked} never arrived")
        doomed = self._dice.randrange(_MOST_CALLS) if self._hiccup() else -1
        try:
            with self._at_work(doomed):
                answer = call(handler, method, path, body, **how)
        except Killed:
            return self._tell(f"{asked} died")
        self.answers.append(Answer(who, f"{method} {path}", answer))
        self._tell(f"{asked} {_shown(body)} -> {answer.status} {_code(answer)}")
        return self._tell(f"{asked}: answer lost") if self._hiccup() else answer

    def step(self) -> None:
        """Do one piece of background work that is due, if there is one."""
        self.runtime._dispatcher.run_one()

    def run(self) -> None:
        self.runtime.drain(MINUTES * 60)

    def wait(self, seconds: float) -> None:
        self.runtime.advance(seconds, MINUTES * 60)

    def replay(self) -> None:
        """Something that was sent once comes again."""
        if self._posted:
            self._post(*self._dice.choice(self._posted))

    def tale_of(self, *words: str) -> list[str]:
        """The part of the story that speaks of something: an order's number or id."""
        return [line for line in self.story if any(word in line for word in words)]

    # -- what goes wrong

    def _tell(self, line: str) -> None:
        self.story.append(f"{self.runtime.now() - START:.0f} s: {line}")

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

    @contextmanager
    def _at_work(self, doomed: int) -> Iterator[None]:
        """A function runs that dies at the AWS call of this number, before or after it takes effect; -1 for never."""
        self._doom.append(doomed)
        try:
            yield
        finally:
            self._doom.pop()

    def _invoke(self, function: str, event: Any) -> Any:
        if any(service in function for service in BYSTANDERS):
            return {}
        before = self._batch, self._working_on
        try:
            self._batch = tuple(str(record.get("messageId", "")) for record in event.get("Records", ()))
            self._working_on = f"{event.get('task') or function} of {' '.join(sorted(set(_ORDER.findall(str(event)))))}"
            with self._speaking_of(*_subjects(event)), self._at_work(self._doomed(event.get("task") or function)):
                return super()._invoke(function, event)
        except Killed:
            raise lost(self.death) from None
        except Exception as mistake:
            if function.endswith("schedule") and type(mistake).__name__ != self.death:
                self.failed.append(f"{function}: {mistake!r}")
            raise
        finally:
            self._batch, self._working_on = before

    def _send(self, method: str, url: str, headers: Mapping[str, str], content: bytes | None) -> tuple[int, Any]:
        """A provider that does not answer may as well answer that it is broken, or too busy."""
        theirs = "/sandbox/" in url
        with self._speaking_of(url if theirs else str(content)):
            try:
                with self._at_work(self._doomed(url.rsplit("/", 1)[-1])):
                    return super()._send(method, url, dict(headers), content)
            except (Killed, ProtocolError):
                if self._dice.random() < 0.5:
                    return self._dice.choice((500, 502, 503, 504)), {}
                raise ProtocolError("lost") from None

    def _doomed(self, what: str) -> int:
        return self._dice.randrange(_MOST_CALLS) if self._strikes(what, "at work") else -1

    def _listen(self) -> None:
        events = config.session().events
        events.register("before-parameter-build", self._die)
        events.register("after-call", self._die)
        events.register("before-call.ses.SendTemplatedEmail", self._mail)

    def _die(self, model: Any, **_: Any) -> None:
        if not self._doom or self._doom[-1] < 0:
            return
        self._doom[-1] -= 1
        if self._doom[-1] < 0:
            self._tell(f"{self._working_on}: killed at {model.name}")
            raise Killed

    def _mail(self, params: JSON, **_: Any) -> tuple[Any, JSON]:
        sent = params["body"]
        self.mails.append(
            (sent["Destination.ToAddresses.member.1"], sent["Template"], orjson.loads(sent["TemplateData"]))
        )
        metadata = {"HTTPStatusCode": 200, "HTTPHeaders": {}, "RetryAttempts": 0, "RequestId": "post"}
        return SimpleNamespace(status_code=200, headers={}, content=b""), {
            "MessageId": "1",
            "ResponseMetadata": metadata,
        }

    def _strikes(self, what: str, when: str) -> bool:
        if any(self._never_works(what, when, subject) for subject in self._about):
            return True
        calls = [(what, subject) for subject in self._about] + [("batch", message) for message in self._batch]
        if any(self._lost[one] >= PATIENCE for one in calls) or not self._hiccup():
            return False
        self._lost.update(calls)
        self._tell(f"{self._working_on}: {what} lost {when}")
        return True

    def _never_works(self, what: str, when: str, subject: str) -> bool:
        if (what, when) not in MAY_NEVER_WORK:
            return False
        key = (what, when, subject)
        if key not in self._never:
            self._never[key] = self._dice.random() < self.weather.never / 2
            if self._never[key]:
                self._tell(f"{self._working_on}: {what} will never work {when}")
        return self._never[key]

    def _mislay(self, queue: str, body: str, *, attributes: JSON | None = None, delay: float | None = None) -> str:
        """Post a message as a standard queue may: late, after younger ones, more than once."""
        known = self.runtime.queues.named(queue)
        if self.calm or known.name not in unhurried().queues or known.dead_letters is None:
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
        for entry in entries:
            self._tell(f"{entry['DetailType']} of {orjson.loads(entry['Detail'])['data'].get('order_id', '')}")
        return self._put(entries)


def _subjects(event: Any) -> tuple[str, ...]:
    """What a call is about: an order, or the messages of a batch."""
    if "task" in event:
        return (str(event["input"]["orderId"]),)
    return tuple(str(record.get("messageId") or record.get("eventID")) for record in event.get("Records", ()))


def _shown(body: Any) -> str:
    """What was asked for, without what everybody's requests have."""
    kept = ("method", "card", "lines", "shipping", "all", "sku", "quantity", "decision", "action", "vendorId", "amount")
    return str({name: body[name] for name in kept if name in body}) if isinstance(body, dict) else ""


def _code(answer: Response) -> str:
    try:
        told = answer.json
    except ValueError:
        return ""
    return str(told.get("code") or told.get("orderNo") or "") if isinstance(told, dict) else ""
