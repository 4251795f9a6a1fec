"""All 21,871 real products through the public API: every one goes in, and a second time not one is written."""

from collections.abc import Iterator
from typing import Any

import pytest

from bench.catalogue import CATALOGUES, bring_in, illustrate, missing
from local.harness import PASSWORD, InProcess, marketplace
from market import config
from tools.catalogue_sellers import Staff
from tools.client import Answer

pytestmark = [
    pytest.mark.contract("5.5"),
    pytest.mark.slow,
    pytest.mark.skipif(bool(missing()), reason=f"the real catalogues are not here: {missing()}"),
]

VENDORS = 3
_PATIENCE = 300.0
"""Seconds that the background may take: as many as a busy machine needs."""


@pytest.fixture(scope="module")
def market() -> Iterator[InProcess]:
    with marketplace(sockets=False) as made:
        yield made


class _Client:
    """The tool's client, without a network between."""

    def __init__(self, market: InProcess) -> None:
        self._market = market

    def call(self, method: str, path: str, json: Any = None, token: str | None = None, raw: Any = None) -> Answer:
        answer = self._market.call(method, path, json if raw is None else raw, token=token or "")
        return Answer(answer.status, answer.json)

    def ok(self, method: str, path: str, json: Any = None, token: str | None = None, raw: Any = None) -> Any:
        answer = self.call(method, path, json, token, raw)
        assert answer.status < 400, answer
        return answer.json

    def sign_in(self, email: str, password: str) -> str:
        return self._market.token(email, password)


def _vendors(market: InProcess, staff: str) -> list[str]:
    found = []
    for number in range(VENDORS):
        email = f"vendor{number}@example.com"
        wish = {"name": f"Vendor {number}", "supportEmail": email}
        vendor = market.call("POST", "/v1/vendors/apply", wish, token=market.person(email)).json
        path = f"/v1/admin/vendors/{vendor['id']}/status"
        assert market.call("PATCH", path, {"status": "active"}, token=staff).status == 200
        found.append(vendor["id"])
    market.drain(_PATIENCE)
    return found


def _writes() -> list[str]:
    """The keys that are written from now on, but for who signed in, and the records of who asked for what."""
    seen: list[str] = []

    def note(params: Any, model: Any, **_: Any) -> None:
        for action in params.get("TransactItems", ()):
            ((_, write),) = action.items()
            key = (write.get("Key") or write.get("Item"))["pk"]["S"]
            seen.extend([key] if not key.startswith(("OUTBOX#", "USR#")) else [])
        if model.name == "BatchWriteItem":
            seen.append(model.name)
        elif key := (params.get("Key") or params.get("Item") or {}).get("pk", {}).get("S", ""):
            seen.extend([key] if model.name != "GetItem" and not key.startswith("USR#") else [])

    config.client("dynamodb").meta.events.register("before-parameter-build.dynamodb.*", note)
    return seen


def test_both_catalogues_go_in_whole_and_a_second_time_change_nothing(market: InProcess) -> None:
    token = market.person("grace@example.com", roles=("customer", "staff"))
    staff = Staff("grace@example.com", PASSWORD)
    client: Any = _Client(market)
    vendor_ids = _vendors(market, token)

    for catalogue in CATALOGUES:
        assert bring_in(client, staff, vendor_ids, catalogue) == {"created": catalogue.products}, catalogue.mapping
    assert illustrate(client, staff.token(client), vendor_ids) >= 60

    seen = _writes()
    for catalogue in CATALOGUES:
        assert bring_in(client, staff, vendor_ids, catalogue) == {"unchanged": catalogue.products}, catalogue.mapping
    assert seen == []
    fresh = staff.token(client)  # what was signed in with at first may have expired by now
    cards = client.ok("GET", f"/v1/vendors/{vendor_ids[0]}/products?limit=20", None, fresh)["items"]
    assert all(card["image"]["url"].startswith("/media/") for card in cards), "pictures stay"
