"""How questions about shipping are sent, and answers look."""

from collections.abc import Iterable, Mapping
from typing import Annotated

from pydantic import Field

from market.http import Body, View
from market.money import Currency, Money
from shipping.forms import Code, Country, Grams, Millimetres, Region, TableBody, Word
from shipping.model import EVERYWHERE, Destination, Option, Parcel, RateTable, Zone
from shipping.offering import why_not
from shipping.rating import free_from
from shipping.service import Offering


class DestinationBody(Body):
    """Where to. Without a postcode carriers are not asked, and zones of postcodes are not found."""

    country: Country
    region: Annotated[Region | None, Field(description="The part of ISO 3166-2 after the dash.")] = None
    postal_code: Code = ""
    city: Word = ""

    def destination(self) -> Destination:
        return Destination(self.country, self.region or "", self.postal_code, self.city)


class RatesBody(DestinationBody):
    currency: Annotated[Currency | None, Field(description="Of the order, if it is not the cart's.")] = None


class OptionView(View):
    """A way to send it. earliest, latest: days on which it arrives. freeFrom: the subtotal from which on it is free.

    quoteId: of a carrier's own price; name it in the order, which takes it while it is valid.
    """

    method: str
    name: str
    price: Money
    carrier: str | None = None
    service: str | None = None
    earliest: str
    latest: str
    parcels: int
    free_because: Annotated[
        str | None, Field(description="`threshold`, `pickup` or `nothing_to_send`, where it is free for that reason.")
    ] = None
    free_from: Money | None = None
    quote_id: str | None = None

    @classmethod
    def of(cls, option: Option) -> "OptionView":
        return cls(
            method=option.method, name=option.name, price=option.price, carrier=option.carrier or None,
            service=option.service or None, earliest=option.earliest, latest=option.latest, parcels=option.parcels,
            free_because=option.free_because or None, free_from=option.free_from, quote_id=option.quote_id or None,
        )  # fmt: skip


class VendorRates(View):
    """One vendor's parcel. subtotal: of its goods after discounts, as the order compares it with thresholds.

    What a promotion of free shipping takes off is not in the prices: the checkout's summary tells.
    """

    vendor_id: str
    subtotal: Money
    options: list[OptionView]
    reason: Annotated[
        str | None,
        Field(
            description="Why there is no option: `excluded`, `no_zone`, `currency`, `too_large`, `too_heavy`, "
            "`too_dear` or `no_rate`."
        ),
    ] = None
    carriers: Annotated[str | None, Field(description="`silent` or `busy`: their prices are missing for now.")] = None

    @classmethod
    def of(cls, offering: Offering) -> "VendorRates":
        return cls(
            vendor_id=offering.vendor_id,
            subtotal=offering.parcel.subtotal,
            options=[OptionView.of(option) for option in offering.options],
            reason=offering.reason or None,
            carriers=offering.carriers or None,
        )


class RatesView(View):
    """cartVersion: the cart that it was worked out for."""

    cart_version: int
    vendors: list[VendorRates]


class ParcelBody(Body):
    """An imagined parcel. weightGrams: of all units; sizeMm: of each."""

    units: Annotated[int, Field(strict=True, ge=1, le=10_000)] = 1
    weight_grams: Grams = 0
    size_mm: Annotated[list[Millimetres], Field(min_length=3, max_length=3)] | None = None
    subtotal: Money

    def parcel(self) -> Parcel:
        sides = sorted(self.size_mm or (0, 0, 0), reverse=True)
        return Parcel(
            subtotal=self.subtotal,
            units=self.units,
            weight_grams=self.weight_grams,
            unweighed=0 if self.weight_grams else self.units,
            heaviest_grams=-(-self.weight_grams // self.units),
            volume_mm3=sides[0] * sides[1] * sides[2] * self.units,
            sides_mm=(sides[0], sides[1], sides[2]),
        )


class PreviewBody(Body):
    """table: a draft to try; without one the table that counts."""

    destination: DestinationBody
    parcel: ParcelBody
    table: TableBody | None = None


class RefusedMethod(View):
    method: str
    reason: str


class PreviewView(View):
    """What the parcel would cost, and which methods are not for it."""

    options: list[OptionView]
    refused: list[RefusedMethod]
    reason: str | None = None

    @classmethod
    def of(cls, found: Mapping[str, Option | str]) -> "PreviewView":
        options = [one for one in found.values() if isinstance(one, Option)]
        return cls(
            options=[OptionView.of(option) for option in options],
            refused=[RefusedMethod(method=name, reason=one) for name, one in found.items() if isinstance(one, str)],
            reason=None if options else why_not(found),
        )


class ZoneMethod(View):
    """minDays, maxDays: working days on the way, after it has left. freeFrom: the subtotal that makes it free."""

    method: str
    name: str
    carrier: str | None = None
    min_days: int
    max_days: int
    free_from: Money | None = None


class ZoneView(View):
    """Places with the same methods. countries: all or parts of them; `*` is the rest of the world."""

    zone: str
    name: str
    ships: bool
    countries: list[str]
    methods: list[ZoneMethod]

    @classmethod
    def of(cls, zone: Zone, table: RateTable) -> "ZoneView":
        return cls(
            zone=zone.id,
            name=zone.name,
            ships=zone.ships,
            countries=sorted({area.country for area in zone.areas}),
            methods=list(_methods(zone, table)) if zone.ships else [],
        )


class Zones(View):
    """shipsThere: only where a destination was asked for; `zones` is then the one that it is in, if any."""

    vendor_id: str
    ships_there: bool | None = None
    pickup: bool
    rest_of_world: bool
    zones: list[ZoneView]

    @classmethod
    def of(cls, vendor_id: str, table: RateTable, found: Iterable[Zone], *, there: bool | None) -> "Zones":
        everywhere = any(zone.ships and any(area.country == EVERYWHERE for area in zone.areas) for zone in table.zones)
        return cls(
            vendor_id=vendor_id,
            ships_there=there,
            pickup=any(method.pickup for method in table.methods),
            rest_of_world=everywhere,
            zones=[ZoneView.of(zone, table) for zone in found],
        )


def _methods(zone: Zone, table: RateTable) -> Iterable[ZoneMethod]:
    for method in table.methods:
        for rate in method.rates:
            if rate.zone == zone.id:
                lowest = free_from(table.free, method.id, zone.id)
                yield ZoneMethod(
                    method=method.id, name=method.name, carrier=method.carrier or None,
                    min_days=rate.transit[0], max_days=rate.transit[1],
                    free_from=None if lowest is None else Money(lowest, table.currency),
                )  # fmt: skip
