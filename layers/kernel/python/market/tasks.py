"""Lambda entry point of a service's state-machine tasks: `{"task": "capture", "input": {...}, "token": "..."}`.

A task is idempotent: Step Functions runs it again after a lost reply. What it raises reaches the machine under its
class's name; whatever may pass by itself is `Transient`, so that machines retry that and nothing else.
"""

from collections.abc import Callable
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from market import ids, log
from market.errors import Unavailable
from market.manifest import Manifest

Task = Callable[..., dict[str, Any] | None]


class Transient(Exception):
    """AWS or another company did not answer as it should; whether it acted is unknown. Try again."""


class Tasks:
    """The tasks of one service, by name."""

    def __init__(self, manifest: Manifest) -> None:
        self._manifest = manifest
        self.names: dict[str, Task] = {}

    def task(self, name: str) -> Callable[[Task], Task]:
        """Register a function of the execution's input, and of the task token where the machine waits for one."""

        def register(function: Task) -> Task:
            self.names[name] = function
            return function

        return register

    def handler(self, event: dict[str, Any], _context: object = None) -> dict[str, Any]:
        name, given = event["task"], event["input"]
        arguments = (given, event["token"]) if "token" in event else (given,)
        with log.acting(log.Scope(ids.ulid(), given.get("correlationId", ""), actor_id=f"task.{name}")):
            try:
                answer = self.names[name](*arguments) or {}
            except (ClientError, BotoCoreError, Unavailable) as hiccup:
                log.warning("task hiccup", service=self._manifest.service, task=name, error=_code(hiccup))
                raise Transient(type(hiccup).__name__) from None
            log.info("task done", service=self._manifest.service, task=name, order_id=given.get("orderId"))
            return answer


def _code(hiccup: Exception) -> str:
    return str(hiccup.response["Error"]["Code"]) if isinstance(hiccup, ClientError) else type(hiccup).__name__
