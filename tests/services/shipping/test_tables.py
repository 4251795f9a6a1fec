"""Tables: kept as they were sent, refused where they make no sense."""

from copy import deepcopy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from market.errors import Unprocessable
from shipping import stored
from shipping.calendars import holidays_of
from shipping.checking import MAX_AREAS, MAX_BYTES, require_sound
from shipping.contract import PLATFORM, read_table, table_of
from shipping.forms import TableBody, TableView
from shipping.model import Live
from tests.services.shipping.shelves import DRAWN, FULL, body

pytestmark = pytest.mark.contract("13.2")


def faults(sent: dict[str, Any], *, platform: bool = False) -> list[tuple[str, str]]:
    table = TableBody.model_validate(sent).table("ven_pots")
    try:
        require_sound(table, platform=platform, calendar=lambda name: holidays_of(name, 2026))
    except Unprocessable as refused:
        return [(error["field"], error["code"]) for error in refused.errors]
    return []


def with_(**changes: Any) -> dict[str, Any]:
    return body() | changes


def rated(*bands: dict[str, int], **more: Any) -> dict[str, Any]:
    """The usual table with one method of these bands."""
    rate = {"zone": "de", "basis": "weight", "bands": [*bands]} | more
    limits = {name: rate.pop(name) for name in ("maxGrams",) if name in rate}
    return with_(methods=[{"id": "standard", "name": "Standard", "rates": [rate]} | limits])


def zoned(*areas: dict[str, Any]) -> dict[str, Any]:
    """The usual table with a zone for each of these areas beside the others."""
    sent = body()
    sent["zones"] += [{"id": f"z{n}", "name": "Z", "areas": [area]} for n, area in enumerate(areas)]
    return sent


def test_the_example_is_sound() -> None:
    assert faults(body()) == []


def test_a_table_is_read_as_it_was_written() -> None:
    item = {"pk": "SHT#ven_pots", "version": 3, "updated_by": "usr_1", "updated_at": "2026-11-18T09:00:00.000Z"}
    for table in (FULL, stored.DEFAULT, TableBody.model_validate(with_(live={"fee": 50})).table("ven_pots")):
        found = read_table(item | {"table": stored.written(table)})
        assert stored.written(found) == stored.written(table)
        assert (found.zones, found.methods, found.origin) == (table.zones, table.methods, table.origin)
        assert (found.free, found.live, found.version) == (table.free, table.live, 3)


def test_what_is_shown_can_be_sent_again() -> None:
    table = TableBody.model_validate(with_(live={"carriers": ["Heron"], "markup": 500})).table("ven_pots")
    shown = TableView.of(table).model_dump(mode="json", by_alias=True, exclude_none=True)
    again = {name: value for name, value in shown.items() if name not in ("scope", "version")}
    assert TableBody.model_validate(again).table("ven_pots") == table
    assert table.live == Live(carriers=("Heron",), markup=500)


def test_a_vendors_table_counts_then_the_platforms_then_the_flat_prices() -> None:
    def item(scope: str) -> dict[str, Any]:
        text = stored.written(FULL)
        return {"pk": f"SHT#{scope}", "table": text, "version": 1, "updated_by": "x", "updated_at": "y"}

    own, platform = item("ven_pots"), item(PLATFORM)
    dropped = {name: value for name, value in own.items() if name != "table"}
    scopes = [table_of(*pair).scope for pair in ((own, platform), (None, platform), (dropped, platform), (None, None))]
    assert scopes == ["ven_pots", PLATFORM, PLATFORM, "default"]


@pytest.mark.parametrize(
    ("sent", "expected"),
    [
        (zoned({"country": "ZZ"}), ("body.zones.5.areas", "country_unknown")),
        (zoned({"country": "DE"}), ("body.zones.5.areas", "areas_overlap")),
        (zoned({"country": "*"}), ("body.zones.5.areas", "areas_overlap")),
        (zoned({"country": "*", "postal": ["1"]}), ("body.zones.5.areas", "rest_has_parts")),
        (zoned({"country": "US", "regions": ["CA"]}), ("body.zones.5.areas", "areas_overlap")),
        (zoned({"country": "DE", "postal": ["99-10"]}), ("body.zones.5.areas", "postal_invalid")),
        (zoned({"country": "DE", "postal": ["25849-25860"]}), ("body.zones.5.areas", "areas_overlap")),
        (zoned({"country": "FR", "postal": ["20", "20"]}), ("body.zones.5.areas", "areas_overlap")),
        (zoned({"country": "DE", "postal": ["274"]}), None),
        (zoned({"country": "DE", "postal": ["25846"]}), None),
    ],
)
def test_areas_that_claim_the_same_places_are_refused(sent: dict[str, Any], expected: tuple[str, str] | None) -> None:
    assert faults(sent) == ([expected] if expected else [])


@pytest.mark.parametrize(
    ("sent", "code"),
    [
        (rated({"upTo": 5, "price": 1}, {"upTo": 5, "price": 1}), "bands_order"),
        (rated({"price": 1}, {"upTo": 5, "price": 1}), "bands_order"),
        (rated({"upTo": 5, "price": 2}, {"price": 1}), "bands_falling"),
        (rated({"upTo": 2_500, "price": 2, "each": 5, "step": 1_000}, {"price": 16}), "bands_falling"),
        (rated({"upTo": 2_500, "price": 2, "each": 5, "step": 1_000}, {"price": 17}), ""),
        (rated({"upTo": 5, "price": 2}, {"price": 1}, basis="price"), ""),
        (rated({"price": 1, "each": 5}), "steps_incomplete"),
        (rated({"price": 1, "each": 5, "step": 5}, basis="price"), "steps_incomplete"),
        (rated({"upTo": 5, "price": 1}, basis="flat"), "bands_flat"),
        (rated({"upTo": 5_000, "price": 1}, maxGrams=6_000), "end_unreached"),
        (rated({"upTo": 5_000, "price": 1}, maxGrams=5_000), ""),
        (rated({"price": 1}, minimum=5, maximum=4), "limits_crossed"),
        (rated({"price": 1}, minDays=5, maxDays=4), "limits_crossed"),
        (rated({"price": 1}, zone="mars"), "zone_unknown"),
        (rated({"price": 1}, zone="never"), "zone_excluded"),
    ],
)
def test_bands_that_make_no_sense_are_refused(sent: dict[str, Any], code: str) -> None:
    free = sent | {"free": []}
    assert [fault for _, fault in faults(free)] == ([code] if code else [])


def _changed(path: str, value: Any) -> dict[str, Any]:
    sent = deepcopy(body())
    *steps, last = path.split(".")
    place: Any = sent
    for step in steps:
        place = place[int(step)] if step.isdigit() else place[step]
    place[last] = value
    return sent


@pytest.mark.parametrize(
    ("path", "value", "code"),
    [
        ("methods", [], "live_without_reach"),
        ("origin.timeZone", "Europe/Atlantis", "time_zone_unknown"),
        ("origin.calendar", "DE-XX", "calendar_unknown"),
        ("origin.country", "ZZ", "country_unknown"),
        ("origin.minHandlingDays", 9, "limits_crossed"),
        ("methods.1.id", "standard", "duplicate"),
        ("methods.1.id", "none", "reserved"),
        ("methods.1.pickup", False, "rates_missing"),
        ("methods.0.pickup", True, "pickup_has_rates"),
        ("zones.1.id", "de", "duplicate"),
        ("free", [{"threshold": 1, "methods": ["carrier-pigeon"]}], "method_unknown"),
        ("free", [{"threshold": 1, "zones": ["mars"]}], "zone_unknown"),
        ("zones.0.calendar", "XX", "calendar_unknown"),
    ],
)
def test_what_does_not_fit_together_is_refused(path: str, value: Any, code: str) -> None:
    assert code in [fault for _, fault in faults(_changed(path, value))]


def test_only_vendors_can_be_visited_and_only_with_an_origin_can_carriers_be_asked() -> None:
    assert ("body.methods.1.pickup", "vendors_only") in faults(body(), platform=True)
    assert ("body.live", "vendors_only") in faults(with_(live={}), platform=True)
    assert faults(with_(live={}, methods=[], free=[])) == []
    assert ("body.live", "live_without_origin") in faults(with_(live={}, origin={"country": "DE"}))


def test_a_table_has_a_size_that_orders_can_bear() -> None:
    codes = [f"{n:05}" for n in range(2_500)]
    many = [{"country": "FR", "postal": codes[at : at + 500]} for at in range(0, 2_500, 500)]
    assert [code for _, code in faults(zoned(*many))] == ["too_many_areas"]
    wide = {"zone": "de", "basis": "weight", "bands": [{"upTo": n * 10**9, "price": 10**8 + n} for n in range(1, 51)]}
    zones = [{"id": f"z{n}", "name": "Z" * 60, "areas": [{"country": "DE", "postal": [str(n)]}]} for n in range(10, 60)]
    methods = [
        {"id": f"m{n}", "name": "M" * 60, "rates": [wide | {"zone": zone["id"]} for zone in zones]} for n in range(20)
    ]
    assert faults(with_(zones=zones, methods=methods, free=[])) == [("body", "table_too_large")]
    assert len(stored.written(FULL)) < MAX_BYTES and MAX_AREAS == 2_000  # noqa: PT018 - one sentence


@DRAWN
@given(st.text(max_size=40))
def test_whatever_is_sent_as_a_postcode_is_taken_or_refused(text: str) -> None:
    try:
        found = faults(zoned({"country": "FR", "postal": [text]}))
    except ValidationError:
        return
    assert {code for _, code in found} <= {"postal_invalid"}
