"""How a table is stored: one item with one text, so that reading it costs an order next to nothing. Pure.

Empty and usual values are left out. `read` takes whatever `write` has ever written.
"""

from collections.abc import Mapping
from typing import Any

import orjson

from shipping.model import (
    EVERYWHERE,
    WEEK,
    Area,
    Band,
    Free,
    Live,
    Method,
    Origin,
    Rate,
    RateTable,
    Surcharge,
    Zone,
)

_REST_OF_WORLD = Zone(id="world", name="Worldwide", areas=(Area(EVERYWHERE),))


def _flat(method: str, name: str, price: int, transit: tuple[int, int]) -> Method:
    rate = Rate(zone="world", basis="flat", bands=(Band(None, price),), transit=transit)
    return Method(id=method, name=name, service=method, rates=(rate,))


DEFAULT = RateTable(
    scope="default",
    currency="",
    zones=(_REST_OF_WORLD,),
    methods=(_flat("standard", "Standard", 490, (2, 5)), _flat("express", "Express", 1_290, (1, 2))),
)
"""What counts where nobody set a table: flat prices for each vendor's parcel, everywhere."""


def written(table: RateTable) -> str:
    """The table's own contents: without scope and version, which the item has beside it."""
    whole = {
        "currency": table.currency,
        "zones": [_zone(zone) for zone in table.zones],
        "methods": [_method(method) for method in table.methods],
        "origin": _lean(table.origin, holidays=sorted(table.origin.holidays), closed=sorted(table.origin.closed)),
        "free": [[rule.threshold, rule.methods, rule.zones] for rule in table.free],
        "default_grams": table.default_grams,
        "live": _lean(table.live) if table.live else None,
        "holidays_until": table.holidays_until,
    }
    return orjson.dumps(whole).decode()


def read(text: str, *, scope: str, version: int, updated_by: str = "", updated_at: str = "") -> RateTable:
    whole = orjson.loads(text)
    live = whole.get("live")
    return RateTable(
        scope=scope,
        currency=whole["currency"],
        zones=tuple(_read_zone(zone) for zone in whole["zones"]),
        methods=tuple(_read_method(method) for method in whole["methods"]),
        origin=Origin(**_pairs(whole["origin"], holidays=frozenset, closed=frozenset)),
        free=tuple(Free(threshold=at, methods=tuple(m), zones=tuple(z)) for at, m, z in whole["free"]),
        default_grams=whole["default_grams"],
        live=None if live is None else Live(**_pairs(live)),
        holidays_until=whole["holidays_until"],
        version=version,
        updated_by=updated_by,
        updated_at=updated_at,
    )


def _zone(zone: Zone) -> dict[str, Any]:
    return _lean(zone, areas=[_area(area) for area in zone.areas], holidays=sorted(zone.holidays))


def _area(area: Area) -> list[str]:
    return [area.country, area.region, area.postal]


def _method(method: Method) -> dict[str, Any]:
    rates = [_lean(rate, bands=[[b.up_to, b.price, b.each, b.step] for b in rate.bands]) for rate in method.rates]
    surcharges = [_lean(one, areas=[_area(area) for area in one.areas]) for one in method.surcharges]
    return _lean(method, rates=rates, surcharges=surcharges)


def _lean(thing: Any, **instead: Any) -> dict[str, Any]:
    """The fields that say something: neither empty nor zero, but for a false that is not the usual."""
    values = {name: getattr(thing, name) for name in thing.__slots__} | instead
    kept = {name: value for name, value in values.items() if value or (name == "ships" and value is False)}
    return kept | {name: values[name] for name in _ALWAYS & set(values)}


_ALWAYS = frozenset({"cut_off", "transit", "handling", "maximum"})
"""Whose zero is not the usual."""

_TUPLES = frozenset({"transit", "handling", "workdays", "delivers", "carriers"})


def _pairs(stored: Mapping[str, Any], **readers: Any) -> dict[str, Any]:
    """Arguments of a dataclass, with tuples where JSON has lists."""
    return {
        name: readers[name](value) if name in readers else tuple(value) if name in _TUPLES else value
        for name, value in stored.items()
    }


def _areas(stored: list[list[str]]) -> tuple[Area, ...]:
    return tuple(Area(*area) for area in stored)


def _read_zone(stored: dict[str, Any]) -> Zone:
    return Zone(**_pairs({"areas": []} | stored, areas=_areas, holidays=frozenset))


def _read_method(stored: dict[str, Any]) -> Method:
    rates, surcharges = stored.pop("rates", []), stored.pop("surcharges", [])
    return Method(
        **_pairs({"delivers": WEEK} | stored),
        rates=tuple(Rate(**_pairs(rate, bands=_bands)) for rate in rates),
        surcharges=tuple(Surcharge(**_pairs(one, areas=_areas)) for one in surcharges),
    )


def _bands(stored: list[list[int]]) -> tuple[Band, ...]:
    return tuple(Band(*band) for band in stored)
