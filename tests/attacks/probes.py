"""Requests in somebody's name, and what may not be in their answers."""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from local.harness import Reply
from market import config
from tests.attacks.world import OTHER, Actor, World
from tests.journeys.hostile import Operation

JSON = dict[str, Any]
CONSTANT = {
    "sku": "LAMP",
    "month": "2026-11",
    "country": "DE",
    "factor": "totp",
    "flag_name": "bulk-upload",
    "list_name": "blocked",
    "name": "sandbox",
}
_LOGS = ("LIM#", "TRY#", "PAY#incidents")
"""Counters of tries: they are there to count what is refused, too."""


def fill(path: str, values: Mapping[str, str]) -> str:
    """The path with its parts; those of no owner as they are in every market."""
    return re.sub(r"\{(\w+)\}", lambda part: values.get(part[1]) or CONSTANT.get(part[1], "absent"), path)


def send(
    world: World,
    actor: Actor,
    operation: Operation,
    values: Mapping[str, str],
    body: Any = None,
    *,
    query: str = "",
    headers: Mapping[str, str] | None = None,
) -> Reply:
    """One request; with an idempotency key of its own unless `headers` has one."""
    world.sent += 1
    path = fill(operation.path, world.places | dict(values)) + (f"?{query}" if query else "")
    sent = {"idempotency-key": f"probe-number-{world.sent}"} | actor.proof | dict(headers or {})
    return world.scene.inside.call(operation.method, path, body, headers=sent)


def leaks(world: World, actor: Actor, asked: str, answer: Reply) -> list[str]:
    """What the answer says of others that its request did not know. Nobody is told of others in a refusal."""
    text = answer.text if "json" in answer.headers.get("content-type", "") else ""
    others = [camp for camp in OTHER if camp != actor.camp or answer.status >= 400]
    if actor.is_staff and answer.status < 400:
        return []
    found = [f"canary-{camp}" for camp in others if f"canary-{camp}" in _unasked(text, asked)]
    return found + [known for camp in others for known in _private(world, camp) if known in text and known not in asked]


def _private(world: World, camp: str) -> Iterator[str]:
    """Ids that only those of the camp know."""
    for kind, held in world.holdings.items():
        if kind != "vendor":
            yield from (value for label, value in held.items() if label.startswith(camp))


def _unasked(text: str, asked: str) -> str:
    for word in set(re.findall(r"[\w.-]*canary-[\w.@-]+", asked)):
        text = text.replace(word, "")
    return text


def state(world: World) -> dict[str, str]:
    """Everything that is stored, by key; but for counters of tries."""
    found: dict[str, str] = {}
    asked: JSON = {"TableName": config.setting("TABLE_NAME")}
    while True:
        page = config.client("dynamodb").scan(**asked)
        for item in page["Items"]:
            key = f"{item['pk']['S']} {item['sk']['S']}"
            if not key.startswith(_LOGS):
                found[key] = json.dumps(item, sort_keys=True, default=repr)
        if "LastEvaluatedKey" not in page:
            return found | {"mails": str(len(world.scene.inside.mails()))}
        asked["ExclusiveStartKey"] = page["LastEvaluatedKey"]


def changes(before: Mapping[str, str], after: Mapping[str, str]) -> list[str]:
    """Keys of what is new, gone or different."""
    return sorted(key for key in before.keys() | after.keys() if before.get(key) != after.get(key))


def harmed(before: Mapping[str, str], after: Mapping[str, str]) -> list[str]:
    """Keys of what is gone or different; what is new harms nobody."""
    return sorted(key for key in before if before[key] != after.get(key))
