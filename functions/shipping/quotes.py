"""A carrier's own prices for one question, as they are kept for a while, and whether they fit an order. Pure."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from market.money import Money
from shipping.model import Destination, Parcel
from shipping.zones import plain, region_of


@dataclass(frozen=True, slots=True, kw_only=True)
class CarrierRate:
    """One service of one carrier, with what the vendor adds. days: working days on the way, 0 where it did not say.

    parcels: into how many it is split.
    """

    method: str
    name: str
    carrier: str
    service: str
    price: Money
    days: int = 0
    parcels: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class CarrierQuote:
    """What carriers answered. fits: a hash of parcel and destination; expires_at: seconds since 1970.

    rates: none where nobody would take the parcel; failed: nobody answered, which is remembered for a short time.
    """

    id: str
    vendor_id: str
    fits: str
    expires_at: int
    rates: tuple[CarrierRate, ...] = ()
    failed: bool = False

    def rate(self, method: str) -> CarrierRate | None:
        return next((rate for rate in self.rates if rate.method == method), None)


def fingerprint(parcel: Parcel, destination: Destination) -> str:
    """A hash of what a carrier's price depends on: weights and sizes, country, region and postcode."""
    asked = (
        *(parcel.units, parcel.weight_grams, parcel.unweighed, parcel.volume_mm3, *parcel.sides_mm),
        *(destination.country, region_of(destination), plain(destination.postal_code)),
    )
    return digest(*asked)


def digest(*parts: object) -> str:
    """Sixteen bytes in hexadecimal, the same for the same parts."""
    return hashlib.sha256(orjson.dumps(parts)).hexdigest()[:32]


def stored(quote: CarrierQuote) -> dict[str, Any]:
    """The item's attributes besides its key."""
    rows = [
        [
            *(rate.method, rate.name, rate.carrier, rate.service),
            *(rate.price.amount, rate.price.currency, rate.days, rate.parcels),
        ]
        for rate in quote.rates
    ]
    return {
        "vendor_id": quote.vendor_id,
        "fits": quote.fits,
        "rates": orjson.dumps(rows).decode(),
        "failed": quote.failed,
        "expires_at": quote.expires_at,
    }


def read(item: Mapping[str, Any]) -> CarrierQuote:
    rates = (
        CarrierRate(
            method=method,
            name=name,
            carrier=by,
            service=service,
            price=Money(amount, currency),
            days=days,
            parcels=parcels,
        )
        for method, name, by, service, amount, currency, days, parcels in orjson.loads(item["rates"])
    )
    return CarrierQuote(
        id=item["pk"].removeprefix("SHQ#"),
        vendor_id=item["vendor_id"],
        fits=item["fits"],
        expires_at=item["expires_at"],
        rates=tuple(rates),
        failed=item["failed"],
    )
