"""What the catalog costs to read, however large it is."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from market import clock, config
from tests.services.catalog.conftest import Market, variant

pytestmark = pytest.mark.contract("5.1")


@pytest.mark.parametrize("query", ["/v1/products/brass-lamp", "/v1/products?category=home>lamps&limit=5"])
def test_what_a_page_or_a_list_reads_does_not_grow_with_the_catalog(market: Market, query: str) -> None:
    read: list[tuple[str, int]] = []

    def note(parsed: Any, model: Any, **_: Any) -> None:
        found = parsed.get("Items") or [i for items in parsed.get("Responses", {}).values() for i in items] or [1]
        read.append((model.name, len(found)))

    def measured() -> list[tuple[str, int]]:
        read.clear()
        with clock.running_on(lambda: datetime.now(UTC) + timedelta(minutes=len(sizes) + 1)):
            assert market.anyone("GET", query).status == 200
        return [entry for entry in read if entry[0] != "GetItem"]

    sizes: list[list[tuple[str, int]]] = []
    market.create(variants=[variant("FIRST")])
    for number in range(6):
        market.create(title=f"Lamp {number}", variants=[variant(f"A-{number}")])
    config.client("dynamodb").meta.events.register("after-call.dynamodb.*", note)
    sizes.append(measured())
    for number in range(40):
        market.create(title=f"More {number}", variants=[variant(f"B-{number}")])
    sizes.append(measured())

    assert sizes[0]
    assert sizes[0] == sizes[1]
