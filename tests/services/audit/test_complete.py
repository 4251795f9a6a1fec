"""Nothing is done by staff, vendors or programs without its record: what changed in the table is what was recorded."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any

import orjson
import pytest

from audit.manifest import MANIFEST
from developers.gateway import resolving_with
from local.harness import marketplace
from market import config
from market.http import Route
from market.manifest import STAFF, VENDOR
from market.table import decoded
from tests.journeys import scenery
from tests.journeys.hostile import Operation
from tests.journeys.scenery import Scene
from tests.services.audit.desk import stored
from tests.services.audit.doings import UNTRIED, Doing, doings
from tools.audit_table import verify_table

JSON = dict[str, Any]
pytestmark = [pytest.mark.contract("21.4", "2.3"), pytest.mark.slow]
NOT_DONE_BY_ANYBODY = ("OUTBOX#", *MANIFEST.prefixes, "LIM#")
"""What a request leaves in the table besides its effect: announcements, and the counters of those who come."""


@pytest.fixture(scope="module")
def scene() -> Iterator[Scene]:
    with marketplace() as inside, resolving_with(lambda *_: ["93.184.215.14"]):
        made = scenery.on(inside)
        inside.drain()
        yield made


def routes(scene: Scene) -> dict[str, tuple[str, Route, Operation]]:
    """Every route by which staff or vendors change something with a permission: its service, itself, how to call it."""
    operations = {str(operation): operation for operation in scene.operations}
    found = {}
    for handler in sorted(
        {scene.inside.inside.templates.functions[r.function].handler for r in scene.inside.inside.templates.routes}
    ):
        module = handler.rpartition(".")[0]
        for route in import_module(module).api.routes:
            if route.method != "GET" and route.needs and route.callers & {STAFF, VENDOR}:
                name = f"{route.method} {route.path.replace('<', '{').replace('>', '}')}"
                found[name] = module.partition(".")[0], route, operations[name]
    return dict(sorted(found.items(), key=lambda item: (item[0].startswith("DELETE"), item[0])))


def table() -> dict[str, JSON]:
    """Every item by its key, as entries name it."""
    items: list[JSON] = []
    asked: JSON = {"TableName": config.setting("TABLE_NAME"), "ConsistentRead": True}
    while True:
        page = config.client("dynamodb").scan(**asked)
        items += map(decoded, page["Items"])
        if "LastEvaluatedKey" not in page:
            return {item["pk"] if item["sk"] == "-" else f"{item['pk']}|{item['sk']}": item for item in items}
        asked["ExclusiveStartKey"] = page["LastEvaluatedKey"]


def recorded(items: dict[str, JSON]) -> dict[str, JSON]:
    """Entries in the outbox, by its keys."""
    return {
        key: orjson.loads(item["envelope"])["data"]
        for key, item in items.items()
        if key.startswith("OUTBOX#") and item["type"] == "audit.recorded"
    }


def effects(before: dict[str, JSON], after: dict[str, JSON]) -> set[str]:
    """Keys of what changed."""
    changed = {key for key in {*before, *after} if before.get(key) != after.get(key)}
    return {key for key in changed if not key.startswith(NOT_DONE_BY_ANYBODY)}


def judge(
    name: str, service: str, route: Route, entries: list[JSON], changed: set[str], vendor_id: str
) -> Iterator[str]:
    """What is wrong with the record of a request that succeeded: nothing, or sentences.

    A service that records a transaction by hand says what it did in words of its own, and names no items.
    """
    named = {change["item"] for entry in entries for change in entry["changes"] if change["item"]}
    by_hand = any(not entry["changes"] or not entry["changes"][0]["item"] for entry in entries)
    if named - changed or (changed - named and not by_hand):
        yield f"{name} changed {sorted(changed)} and recorded {sorted(named)}"
    for entry in entries:
        said = entry["permission"], entry["scope"], entry["actor"]["type"]
        if (
            said != (route.needs, vendor_id or "platform", "user")
            or not entry["actor"]["id"]
            or not entry["request_id"]
        ):
            yield f"{name} is recorded as {said}"
    if entries and f"{service}.{route.name}" not in {entry["action"] for entry in entries}:
        yield f"{name} is not recorded by its name"


@dataclass
class Watched:
    """What came of all doings."""

    scene: Scene
    wrong: list[str] = field(default_factory=list)
    told: list[str] = field(default_factory=list)
    learned: dict[str, str] = field(default_factory=dict)

    def do(self, doing: Doing, service: str, route: Route, operation: Operation) -> None:
        before, places = table(), self.learned | doing.places
        sent = {"headers": {"idempotency-key": "once-and-only"}, **places}
        answer = self.scene.send(
            operation, doing.body, **{k: v for k, v in sent.items() if k == "headers" or k in operation.names}
        )
        after = table()
        if answer.status >= 300:
            self.wrong.append(f"{doing.route} answers {answer.status} {answer.text[:300]}")
            return
        entries = [entry for key, entry in recorded(after).items() if key not in before]
        vendor_id = self.scene.places["vendor_id"] if "vendor_id" in operation.names else ""
        self.wrong += judge(doing.route, service, route, entries, effects(before, after), vendor_id)
        self.told += [entry["entry_id"] for entry in entries]
        self.learned |= {place: _found(answer.json, name) for place, name in doing.learns.items()}


def test_whatever_staff_and_vendors_change_is_recorded_as_it_changed(scene: Scene) -> None:
    known, watched = routes(scene), Watched(scene)
    fair, ada = scene.fair, scene.fair.tokens["ada"]
    paid = [fair.buy(ada, ("LAMP", 1)) for _ in range(3)]
    for order in paid:
        fair.pay(ada, order["orderNo"])
    open_order = fair.buy(ada, ("LAMP", 1))
    clerk = scene.inside.person("clerk@example.com", roles=("customer", "vendor"), vendor_id=fair.vendors["lights"])
    scene.inside.drain()
    todo = doings(scene, paid, open_order, fair.ask("GET", "/v1/me", token=clerk)["id"])
    for doing in todo:
        if doing.route in known:
            watched.do(doing, *known[doing.route])
    assert not watched.wrong, "\n".join(watched.wrong)
    covered = {doing.route for doing in todo} | set(UNTRIED)
    assert not sorted(set(known) ^ covered), "do it, or say why not"
    scene.inside.drain()
    assert set(watched.told) <= set(stored()), "each is in its chain"
    assert len(stored()) == len(set(stored()))
    assert verify_table(config.setting("TABLE_NAME"), None, None) == []


def _found(answer: Any, path: str) -> Any:
    """What a path such as `items.0.id` leads to."""
    for step in path.split("."):
        answer = answer[int(step) if step.isdigit() else step]
    return answer
