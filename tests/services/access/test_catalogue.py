"""The catalogue of permissions: complete, current, and refused where a service declares what makes no sense."""

from dataclasses import replace

import pytest

from access import catalogue
from access.contract import BUILT_IN, PLATFORM
from infra.packages import Target, stage_function
from infra.services import ROOT, Source, discover
from market.http import Route
from market.manifest import Manifest
from tools.permissions import built, permissions

ASKING = {
    "POST /v1/admin/tax/preview",
    "POST /v1/admin/users/search",
    "POST /v1/vendors/<vendor_id>/shipping/preview",
}
"""Routes that answer a question whose words do not fit, or do not belong, into an address."""


def source(name: str, declared: dict[str, tuple[str, ...]], **needed: tuple[str, ...]) -> Source:
    """A service with one route for each permission, of these callers; dots are underscores in the names."""
    routes = tuple(
        Route("GET", f"/v1/{key}", frozenset(callers), key, False, 0, key.replace("_", "."))
        for key, callers in needed.items()
    )
    return Source(Manifest(service=name, prefixes=(), functions=(), permissions=declared), {"api": routes})


@pytest.mark.contract("2.2")
def test_the_catalogue_is_what_the_services_declare() -> None:
    stale = [path.name for path, text in built().items() if not path.exists() or path.read_text() != text]
    assert not stale, "run `python -m tools.permissions`"


@pytest.mark.contract("2.2")
def test_every_permission_is_known_with_its_roles_and_places() -> None:
    declared = {key for found in discover().values() for key in found.manifest.permissions}
    assert set(catalogue.PERMISSIONS) == declared == catalogue.PLATFORM | catalogue.VENDOR
    roles = {role for held in catalogue.PERMISSIONS.values() for role in held}
    assert roles == BUILT_IN[PLATFORM] - {"super_admin"} | BUILT_IN["vendor"] - {"vendor_admin"}


@pytest.mark.contract("2.1")
@pytest.mark.parametrize("role", ["auditor", "vendor_viewer"])
def test_who_only_looks_on_holds_nothing_that_changes_anything(role: str) -> None:
    held = {key for key, roles in catalogue.PERMISSIONS.items() if role in roles}
    changing = {
        f"{route.method} {route.path}"
        for found in discover().values()
        for routes in found.routes.values()
        for route in routes
        if route.needs in held and route.method != "GET"
    }
    assert changing <= ASKING, "what is asked about is in the body, not in a URL; nothing is written"


@pytest.mark.contract("2.2")
@pytest.mark.parametrize(
    ("declared", "needed", "words"),
    [
        ({"lamps.dust": ("janitor",)}, {"lamps_dust": ("staff",)}, "janitor"),
        ({"lamps.dust": ("vendor_orders",)}, {"lamps_dust": ("staff",)}, "vendor_orders"),
        ({"lamps.dust": ("super_admin",)}, {"lamps_dust": ("staff",)}, "super_admin"),
        ({"lamps.dust": ("support",)}, {"lamps_dust": ("vendor", "key")}, "support"),
        ({"lamps.dust": ("support",)}, {}, "nothing asks"),
    ],
)
def test_a_declaration_that_makes_no_sense_is_refused(
    declared: dict[str, tuple[str, ...]], needed: dict[str, tuple[str, ...]], words: str
) -> None:
    with pytest.raises(ValueError, match=words):
        permissions({"lamps": source("lamps", declared, **needed)})


@pytest.mark.contract("2.2")
def test_a_permission_belongs_to_one_service() -> None:
    lamps = source("lamps", {"lamps.dust": ("support",)}, lamps_dust=("staff",))
    assert permissions({"lamps": lamps})["lamps.dust"].on_platform
    again = replace(lamps, manifest=replace(lamps.manifest, service="shades"))
    with pytest.raises(ValueError, match="two services"):
        permissions({"lamps": lamps, "shades": again})


@pytest.mark.contract("2.2")
def test_functions_that_judge_by_the_catalogue_carry_it() -> None:
    for service in ("identity", "access"):
        folder = stage_function(ROOT, service, target=Target.here(), bootstrap=False)
        assert (folder / "access" / "catalogue.py").exists()
