"""Tables and parcels for tests of shipping: a pottery in Hamburg that sends to some places and not to others."""

from typing import Any

from hypothesis import settings

from market.manifest import Manifest
from market.money import Money
from market.table import Table as Items
from market.table import put
from prices import rates as exchange_rates
from prices.contract import Rate as ExchangeRate
from prices.contract import Rates, rates_key
from shipping.model import Area, Band, Destination, Free, Method, Origin, Parcel, Rate, RateTable, Surcharge, Zone

DRAWN = settings(max_examples=200, deadline=None, derandomize=True, database=None)

AT = "2026-11-18T09:00:00.000Z"
"""A Wednesday, ten o'clock in Hamburg."""

BERLIN = Destination("DE", "BE", "10115", "Berlin")
HELGOLAND = Destination("DE", "SH", "27498")
PARIS = Destination("FR", "IDF", "75001")
TOKYO = Destination("JP", "13", "100-0001")
KABUL = Destination("AF")

DHL = (Band(2_000, 499), Band(5_000, 599), Band(10_000, 749), Band(31_500, 1_399))
"""What DHL asked online within Germany, http://www.dhl.de/en/paket/pakete-versenden/deutschlandweit-versenden/paket.html"""


def euros(cents: int) -> Money:
    return Money(cents, "EUR")


def parcel(grams: int = 1_000, *, subtotal: Money | None = None, **more: Any) -> Parcel:
    return Parcel(
        **({"units": 1, "heaviest_grams": grams, "weight_grams": grams, "subtotal": subtotal or euros(2_000)} | more)
    )


def flat(zone: str, price: int, **more: Any) -> Rate:
    return Rate(zone=zone, basis="flat", bands=(Band(None, price),), **more)


def by_weight(zone: str, bands: tuple[Band, ...] = DHL, **more: Any) -> Rate:
    return Rate(zone=zone, basis="weight", bands=bands, **more)


def method(*rates: Rate, id: str = "standard", **more: Any) -> Method:
    return Method(id=id, name=id.title(), rates=rates, **more)


def table(*methods: Method, **more: Any) -> RateTable:
    """Zones: `de`, `islands`, `fr`, `world`; nothing is sent to Afghanistan."""
    zones = (
        Zone(id="de", name="Germany", areas=(Area("DE"),)),
        Zone(id="islands", name="Islands", areas=(Area("DE", postal="27498"), Area("DE", postal="25845-25849"))),
        Zone(id="fr", name="France", areas=(Area("FR"),)),
        Zone(id="world", name="Elsewhere", areas=(Area("*"),)),
        Zone(id="never", name="Not there", areas=(Area("AF"),), ships=False),
    )
    chosen = {"zones": zones, "currency": "EUR", "scope": "ven_pots", "origin": HAMBURG} | more
    return RateTable(methods=methods or (method(by_weight("de")),), **chosen)


HAMBURG = Origin(
    country="DE", region="HH", postal_code="20095", city="Hamburg", time_zone="Europe/Berlin", cut_off=14 * 60,
    handling=(0, 0),
)  # fmt: skip
FULL = table(
    method(by_weight("de"), by_weight("fr"), flat("world", 2_500), max_grams=31_500, dim_divisor=5_000),
    method(
        flat("de", 990),
        id="express",
        surcharges=(
            Surcharge(name="Island", price=1_200, areas=(Area("DE", postal="27498"),)),
            Surcharge(name="Bulky", price=2_250, side_over=1_200),
        ),
        delivers=(0, 1, 2, 3, 4, 5),
    ),
    method(id="pickup", pickup=True),
    free=(Free(threshold=5_000, methods=("standard",), zones=("de",)), Free(threshold=9_000)),
)


def body() -> dict[str, Any]:
    """The like of it as a vendor sends it."""
    return {
        "currency": "EUR",
        "zones": [
            {"id": "de", "name": "Germany", "areas": [{"country": "DE"}], "calendar": "DE-HH"},
            {"id": "islands", "name": "Islands", "areas": [{"country": "DE", "postal": ["27498", "25845-25849"]}]},
            {"id": "us", "name": "California", "areas": [{"country": "US", "regions": ["CA"]}]},
            {"id": "world", "name": "Elsewhere", "areas": [{"country": "*"}]},
            {"id": "never", "name": "Not there", "areas": [{"country": "AF"}], "ships": False},
        ],
        "methods": [
            {
                "id": "standard",
                "name": "Standard",
                "carrier": "DHL",
                "maxGrams": 31_500,
                "rates": [
                    {
                        "zone": "de",
                        "basis": "weight",
                        "bands": [{"upTo": 2_000, "price": 499}, {"upTo": 31_500, "price": 1_399}],
                        "minDays": 1,
                        "maxDays": 2,
                    },
                    {"zone": "world", "basis": "flat", "bands": [{"price": 2_500}], "minDays": 4, "maxDays": 12},
                ],
            },
            {"id": "pickup", "name": "Come and get it", "pickup": True},
        ],
        "origin": {
            "country": "DE", "region": "HH", "postalCode": "20095", "city": "Hamburg", "timeZone": "Europe/Berlin",
            "cutOff": "14:00", "calendar": "DE-HH", "closed": ["2026-12-28"],
        },
        "free": [{"threshold": 5_000, "methods": ["standard"], "zones": ["de"]}],
    }  # fmt: skip


def exchange(**per_euro: str) -> None:
    """What a euro is worth from now on."""
    rated = {name: ExchangeRate(value, "2026-11-18", "test", False) for name, value in per_euro.items()}
    bank = Items(Manifest(service="bank", prefixes=("FXR#",), functions=()))
    bank.write(put(rates_key(), exchange_rates.packed(Rates(rates=rated)) | {"version": 1}))
