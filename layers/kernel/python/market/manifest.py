"""What a service is made of, as data: the one source for its infrastructure, its grants and its walls.

A manifest is read by the CDK app (functions, queues, grants), by the local marketplace, by the table module
(which refuses keys that the service does not own) and by the architecture tests. It holds no logic and imports nothing.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

Kind = Literal["api", "consumer", "tasks", "queue", "relay", "trigger", "schedule"]

ANYONE, GUEST, CUSTOMER, VENDOR, STAFF, KEY = "anyone", "guest", "customer", "vendor", "staff", "key"
"""Who may call a route: everybody, holders of a guest token, of a role, or of an API key."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Function:
    """One Lambda function: an entry point with its own role, memory and timeout.

    kind says what invokes it:
      api       HTTP routes, read from the module's `api` object
      consumer  the service's event queue (`<service>-events`), fed by a bus rule for `Manifest.consumes`
      tasks     state machines, as `{"task": name, "input": {...}}`
      queue     the named queue in `queue` (commands, such as provider webhooks)
      relay     the table's stream, filtered to outbox items
      trigger   a Cognito user pool trigger, named in `trigger`
      schedule  EventBridge Scheduler, with the expression in `every`
    layers: packages of `layers/<name>` that it needs beside those of every function.
    """

    name: str
    handler: str
    kind: Kind
    memory: int = 512
    timeout: int = 10
    concurrency: int | None = None
    capabilities: tuple[str, ...] = ()
    layers: tuple[str, ...] = ()
    queue: str | None = None
    trigger: str | None = None
    every: str | None = None
    stages: tuple[str, ...] = ("dev", "staging", "prod")


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """One service.

    prefixes: partition-key prefixes that only this service defines, such as `STK#`. Disjoint between services.
    uses, reads: services whose `contract.py` this one imports. Of the used, it writes items too; of the others, never.
    publishes, consumes: event types such as `order.paid`.
    queues: command queues owned by the service, by name; each gets a dead-letter queue and an alarm.
    permissions: what its routes may need, such as `orders.cancel`, each with the built-in roles that hold it;
      super_admin and vendor_admin hold all.
    append_only: those of its prefixes under which nothing may be updated or deleted.
    everything: the one of its queues that gets every event, of every type.
    """

    service: str
    prefixes: tuple[str, ...]
    functions: tuple[Function, ...]
    uses: tuple[str, ...] = ()
    reads: tuple[str, ...] = ()
    publishes: tuple[str, ...] = ()
    consumes: tuple[str, ...] = ()
    queues: tuple[str, ...] = ()
    permissions: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    append_only: tuple[str, ...] = ()
    everything: str = ""
