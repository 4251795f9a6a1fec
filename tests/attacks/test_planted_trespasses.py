"""Checks that are taken out of the code: the trespasses notice each."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.attacks import bodies
from tests.attacks.trespasses import led_on, reached, trespass
from tests.attacks.world import World
from tests.journeys.hostile import Operation

pytestmark = pytest.mark.contract("2.4", "2.3")
Patch = pytest.MonkeyPatch


def an_order_of_anybodys(patch: Patch) -> str:
    from orders import service

    patch.setattr(service, "find", lambda caller_id, order_id: service.find_any(order_id))
    return "GET /v1/orders/{order_no}"


def a_product_of_any_vendor(patch: Patch) -> str:
    from catalog import store

    patch.setattr(store, "get", lambda vendor_id, product_id: store.get_many([product_id])[product_id])
    return "PATCH /v1/vendors/{vendor_id}/products/{product_id}"


def a_key_of_any_scope(patch: Patch) -> str:
    from developers import keyring, service

    patch.setattr(service, "find", lambda scope, key_id: keyring.get(key_id))
    return "GET /v1/admin/api-keys/{key_id}"


def a_team_that_nobody_asks_for(patch: Patch) -> str:
    from market.guard.callers import Caller

    patch.setattr(Caller, "require", lambda self, permission, vendor_id="": None)
    return "GET /v1/vendors/{vendor_id}/team"


def invoices_of_any_order(patch: Patch) -> str:
    from invoices import store

    patch.setattr(store, "belongs_to", lambda customer_id, order_id: True)
    return "GET /v1/guest/orders/{order_no}/invoices"


def operation_of(world: World, route: str) -> Operation:
    (found,) = [operation for operation in world.scene.operations if str(operation) == route]
    return found


@pytest.mark.parametrize(
    "plant",
    [
        an_order_of_anybodys,
        a_product_of_any_vendor,
        a_key_of_any_scope,
        a_team_that_nobody_asks_for,
        invoices_of_any_order,
    ],
)
def test_a_check_that_is_gone_from_a_path_is_noticed(world: World, monkeypatch: Patch, plant: Any) -> None:
    operation = operation_of(world, _route(plant))
    assert list(trespass(world, operation)) == []
    plant(monkeypatch)
    assert list(trespass(world, operation))


def test_shares_of_any_vendor_are_noticed(world: World, monkeypatch: Patch) -> None:
    from refunds import model

    price = model.price
    attacks = [attack for attack in bodies.attacks(world) if attack.route.endswith("/refunds")]
    assert [wrong for attack in attacks for wrong in reached(world, attack)] == []
    monkeypatch.setattr(model, "price", lambda order, account, wish, *, vendor_id="": price(order, account, wish))
    assert [wrong for attack in attacks for wrong in reached(world, attack)]


def test_a_cursor_without_its_list_is_noticed(world: World, monkeypatch: Patch) -> None:
    from market import table

    tag = table._tag
    operation = operation_of(world, "GET /v1/vendors/{vendor_id}/orders")
    assert _wrong(led_on(world, operation)) == []
    monkeypatch.setattr(table, "_tag", lambda body, scope: tag(body, ""))
    assert _wrong(led_on(world, operation))


def _wrong(found: Iterator[tuple[bool, list[str]]]) -> list[str]:
    return [sentence for _, sentences in found for sentence in sentences]


def _route(plant: Any) -> str:
    with Patch.context() as patch:
        return str(plant(patch))
