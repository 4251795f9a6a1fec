"""The event bus: an event goes to every target of every rule whose pattern it matches, in one commit."""

import time
import uuid
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import orjson

from local.cloudformation import ACCOUNT, REGION
from local.journal import Journal
from local.patterns import Matches, compile_pattern
from local.templates import Rule, Target

JSON = dict[str, Any]
Deliver = Callable[[Target, str], None]


class MalformedDetail(ValueError):
    """The detail of an event is not a JSON object."""


@dataclass(frozen=True, slots=True)
class _Listener:
    matches: Matches
    targets: Sequence[Target]


class Bus:
    """Every bus of the marketplace, with its rules."""

    def __init__(
        self, journal: Journal, rules: Iterable[Rule], deliver: Deliver, clock: Callable[[], float] = time.time
    ) -> None:
        self._journal = journal
        self._deliver = deliver
        self._clock = clock
        self._listeners: dict[str, list[_Listener]] = {}
        for rule in rules:
            listener = _Listener(compile_pattern(rule.pattern), rule.targets)
            self._listeners.setdefault(rule.bus, []).append(listener)

    def put(self, entries: Iterable[JSON]) -> list[str]:
        """Publish PutEvents entries, all in one commit, and return their event ids. Raises MalformedDetail."""
        events = [(_bus_name(entry), self._event(entry)) for entry in entries]
        with self._journal.transaction():
            for bus, event in events:
                body = None
                for listener in self._listeners.get(bus, ()):
                    if listener.matches(event):
                        body = body or orjson.dumps(event).decode()
                        for target in listener.targets:
                            self._deliver(target, body if target.input is None else target.input)
        return [event["id"] for _, event in events]

    def _event(self, entry: JSON) -> JSON:
        try:
            detail = orjson.loads(entry["Detail"])
        except ValueError as error:
            raise MalformedDetail("Detail is malformed.") from error
        if not isinstance(detail, dict):
            raise MalformedDetail("Detail is malformed.")
        at = entry.get("Time")
        moment = at if isinstance(at, datetime) else datetime.fromtimestamp(self._clock(), UTC)
        return {
            "version": "0",
            "id": str(uuid.uuid4()),
            "detail-type": entry["DetailType"],
            "source": entry["Source"],
            "account": ACCOUNT,
            "time": moment.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "region": REGION,
            "resources": list(entry.get("Resources", ())),
            "detail": detail,
        }


def _bus_name(entry: JSON) -> str:
    return str(entry.get("EventBusName") or "default").replace("/", ":").rsplit(":", 1)[-1]
