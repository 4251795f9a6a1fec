"""What keys can be given is what the routes that are open to keys need, and it is held by whom the services say."""

import importlib

import pytest

from developers.permissions import OPEN_TO_KEYS
from market.http import KEY
from tests.architecture.code import ROOT, Project

pytestmark = pytest.mark.contract("23.3")


def test_keys_can_be_given_exactly_what_routes_for_keys_need() -> None:
    needed: set[str] = set()
    held: dict[str, tuple[str, ...]] = {}
    for service in Project(ROOT).services:
        held |= service.manifest.permissions
        for function in service.manifest.functions:
            if function.kind == "api":
                routes = importlib.import_module(function.handler.rpartition(".")[0]).api.routes
                needed |= {route.needs for route in routes if KEY in route.callers}

    assert set(OPEN_TO_KEYS) == needed - {""}
    assert {name: sorted(roles) for name, roles in OPEN_TO_KEYS.items()} == {
        name: sorted(held[name]) for name in OPEN_TO_KEYS
    }


def test_no_key_can_be_given_what_makes_keys_or_moves_people() -> None:
    assert not {name for name in OPEN_TO_KEYS if name.endswith((".manage", ".rebuild", ".compensate"))}
