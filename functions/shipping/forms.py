"""How a table is sent and shown. Amounts are minor units of its currency, weights grams, lengths millimetres."""

from collections.abc import Iterable
from datetime import date
from typing import Annotated

from pydantic import ConfigDict, Field, StringConstraints

from market.http import OneLine, View
from market.money import Currency
from shipping.model import (
    WEEK,
    Area,
    Band,
    Basis,
    Free,
    Live,
    Method,
    Origin,
    Rate,
    RateTable,
    Surcharge,
    Zone,
)

Name = Annotated[OneLine, StringConstraints(min_length=1, max_length=60)]
Word = Annotated[OneLine, StringConstraints(max_length=60)]
Id = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9-]{0,29}$")]
Country = Annotated[str, StringConstraints(pattern=r"^[A-Z]{2}$")]
Anywhere = Annotated[str, StringConstraints(pattern=r"^([A-Z]{2}|\*)$")]
Region = Annotated[str, StringConstraints(pattern=r"^[A-Z0-9]{1,3}$")]
Postal = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9 ]{1,12}(-[A-Za-z0-9 ]{1,12})?$")]
Code = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9 -]{0,12}$")]
Calendar = Annotated[str, StringConstraints(pattern=r"^([A-Z]{2}(-[A-Za-z0-9]{1,12})?)?$")]
TimeZone = Annotated[str, StringConstraints(pattern=r"^[A-Za-z][A-Za-z0-9_+-]*(/[A-Za-z0-9_+-]+){0,2}$", max_length=40)]
Amount = Annotated[int, Field(strict=True, ge=0, le=10**9)]
Grams = Annotated[int, Field(strict=True, ge=0, le=10**7)]
Millimetres = Annotated[int, Field(strict=True, ge=0, le=10**5)]
Measure = Annotated[int, Field(strict=True, ge=1, le=10**12)]
Days = Annotated[int, Field(strict=True, ge=0, le=60)]
Week = Annotated[
    list[Annotated[int, Field(strict=True, ge=0, le=6)]],
    Field(min_length=1, max_length=7, description="Days of the week; Monday is 0."),
]
WORKING = list(WEEK)


class Part(View):
    """A part of a table, the same when it is sent and when it is shown."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)


class AreaPart(Part):
    """A country, or of it some regions (`CA`, as in ISO 3166-2) or postcodes: prefixes and ranges, `10` and `10-14`."""

    country: Annotated[Anywhere, Field(description="ISO 3166-1 alpha-2, or `*` for the rest of the world.")]
    regions: Annotated[list[Region], Field(max_length=100)] = []
    postal: Annotated[list[Postal], Field(max_length=500)] = []

    def areas(self) -> Iterable[Area]:
        if not self.regions and not self.postal:
            yield Area(self.country)
        yield from (Area(self.country, region=region) for region in self.regions)
        yield from (Area(self.country, postal=postal.upper()) for postal in self.postal)


Areas = Annotated[list[AreaPart], Field(max_length=250)]


def areas_in(parts: Iterable[AreaPart]) -> tuple[Area, ...]:
    return tuple(area for part in parts for area in part.areas())


def parts_of(areas: Iterable[Area]) -> list[AreaPart]:
    """By country, as they would have been sent."""
    whole: list[AreaPart] = []
    some: dict[str, tuple[list[str], list[str]]] = {}
    for area in areas:
        if not area.region and not area.postal:
            whole.append(AreaPart(country=area.country))
            continue
        regions, postal = some.setdefault(area.country, ([], []))
        regions.extend([area.region] * bool(area.region))
        postal.extend([area.postal] * bool(area.postal))
    return whole + [AreaPart(country=country, regions=r, postal=p) for country, (r, p) in some.items()]


class ZonePart(Part):
    """ships: false for places that nothing is sent to. calendar: holidays on which nothing is delivered, `FR`."""

    id: Id
    name: Name
    areas: Annotated[Areas, Field(min_length=1)]
    ships: bool = True
    calendar: Calendar = ""

    def zone(self) -> Zone:
        return Zone(id=self.id, name=self.name, areas=areas_in(self.areas), ships=self.ships, calendar=self.calendar)

    @classmethod
    def of(cls, zone: Zone) -> "ZonePart":
        return cls(id=zone.id, name=zone.name, areas=parts_of(zone.areas), ships=zone.ships, calendar=zone.calendar)


class BandPart(Part):
    """Up to and with `upTo` (absent: without end) it costs `price`, and `each` per `step` begun since the last band."""

    up_to: Measure | None = None
    price: Amount
    each: Amount = 0
    step: Annotated[int, Field(strict=True, ge=0, le=10**12)] = 0


class RatePart(Part):
    """What a method costs in a zone, by bands of grams, mm³, price or units; `flat` has one band, without end.

    Flat and by weight it is for each parcel; by volume, price and units for all of them.
    """

    zone: Id
    basis: Basis
    bands: Annotated[list[BandPart], Field(min_length=1, max_length=50)]
    minimum: Amount = 0
    maximum: Amount | None = None
    min_days: Days = 1
    max_days: Days = 5

    def rate(self) -> Rate:
        return Rate(
            zone=self.zone,
            basis=self.basis,
            bands=tuple(Band(band.up_to, band.price, band.each, band.step) for band in self.bands),
            minimum=self.minimum,
            maximum=self.maximum,
            transit=(self.min_days, self.max_days),
        )

    @classmethod
    def of(cls, rate: Rate) -> "RatePart":
        return cls(
            zone=rate.zone,
            basis=rate.basis,
            bands=[BandPart(up_to=b.up_to, price=b.price, each=b.each, step=b.step) for b in rate.bands],
            minimum=rate.minimum,
            maximum=rate.maximum,
            min_days=rate.transit[0],
            max_days=rate.transit[1],
        )


class SurchargePart(Part):
    """Costs `price` more where all that is said holds. By place and weight it is for each parcel, by size once."""

    name: Name
    price: Amount
    areas: Areas = []
    grams_over: Grams = 0
    side_over: Millimetres = 0
    girth_over: Annotated[int, Field(strict=True, ge=0, le=10**5, description="Length plus girth.")] = 0

    def surcharge(self) -> Surcharge:
        return Surcharge(**self.model_dump(exclude={"areas"}), areas=areas_in(self.areas))

    @classmethod
    def of(cls, one: Surcharge) -> "SurchargePart":
        return cls(
            name=one.name, price=one.price, areas=parts_of(one.areas), grams_over=one.grams_over,
            side_over=one.side_over, girth_over=one.girth_over,
        )  # fmt: skip


class MethodPart(Part):
    """A way to send, or with `pickup` to come and get it. dimDivisor: cm³ of a kilogram, 5000 or 6000; 0 for none."""

    id: Id
    name: Name
    carrier: Word = ""
    service: Word = ""
    pickup: bool = False
    rates: Annotated[list[RatePart], Field(max_length=50)] = []
    surcharges: Annotated[list[SurchargePart], Field(max_length=20)] = []
    dim_divisor: Annotated[int, Field(strict=True, ge=0, le=100_000)] = 0
    max_grams: Annotated[Grams, Field(description="Of one parcel: what weighs more goes in several.")] = 0
    max_side: Annotated[Millimetres, Field(description="Of one unit.")] = 0
    max_girth: Annotated[Millimetres, Field(description="Length plus girth of one unit.")] = 0
    delivers: Week = WORKING

    def method(self) -> Method:
        plain = self.model_dump(exclude={"rates", "surcharges", "delivers"})
        return Method(
            **plain,
            rates=tuple(rate.rate() for rate in self.rates),
            surcharges=tuple(one.surcharge() for one in self.surcharges),
            delivers=tuple(sorted(set(self.delivers))),
        )

    @classmethod
    def of(cls, method: Method) -> "MethodPart":
        same = ("id", "name", "carrier", "service", "pickup", "dim_divisor", "max_grams", "max_side", "max_girth")
        return cls(
            **{name: getattr(method, name) for name in same},
            rates=[RatePart.of(rate) for rate in method.rates],
            surcharges=[SurchargePart.of(one) for one in method.surcharges],
            delivers=list(method.delivers),
        )


class FreePart(Part):
    """Nothing is charged from so much on, after discounts, with these methods and to these zones; without any, all."""

    threshold: Amount
    methods: Annotated[list[Id], Field(max_length=20)] = []
    zones: Annotated[list[Id], Field(max_length=50)] = []


class OriginPart(Part):
    """Where parcels come from, and when. An order that comes before `cutOff` there counts as of that day."""

    country: Country | None = None
    region: Region | None = None
    postal_code: Code = ""
    city: Word = ""
    time_zone: Annotated[TimeZone, Field(examples=["Europe/Berlin"])] = "UTC"
    cut_off: Annotated[str, StringConstraints(pattern=r"^([01]\d|2[0-3]):[0-5]\d$")] = "12:00"
    min_handling_days: Days = 0
    max_handling_days: Days = 1
    workdays: Week = WORKING
    calendar: Calendar = ""
    closed: Annotated[list[date], Field(max_length=366, description="Days of the vendor's own without work.")] = []

    def origin(self) -> Origin:
        hours, minutes = self.cut_off.split(":")
        return Origin(
            country=self.country or "",
            region=self.region or "",
            postal_code=self.postal_code,
            city=self.city,
            time_zone=self.time_zone,
            cut_off=int(hours) * 60 + int(minutes),
            handling=(self.min_handling_days, self.max_handling_days),
            workdays=tuple(sorted(set(self.workdays))),
            calendar=self.calendar,
            closed=frozenset(day.isoformat() for day in self.closed),
        )

    @classmethod
    def of(cls, origin: Origin) -> "OriginPart":
        return cls(
            country=origin.country or None,
            region=origin.region or None,
            postal_code=origin.postal_code,
            city=origin.city,
            time_zone=origin.time_zone,
            cut_off=f"{origin.cut_off // 60:02}:{origin.cut_off % 60:02}",
            min_handling_days=origin.handling[0],
            max_handling_days=origin.handling[1],
            workdays=list(origin.workdays),
            calendar=origin.calendar,
            closed=[date.fromisoformat(day) for day in sorted(origin.closed)],
        )


class LivePart(Part):
    """Carriers are asked for their prices; on top of each come `markup` basis points and `fee`."""

    carriers: Annotated[list[Word], Field(max_length=20, description="Those to be asked; without any, all.")] = []
    markup: Annotated[int, Field(strict=True, ge=0, le=10_000)] = 0
    fee: Amount = 0


class TableBody(Part):
    """All of the shipping, in place of what was there."""

    currency: Currency
    zones: Annotated[list[ZonePart], Field(min_length=1, max_length=50)]
    methods: Annotated[list[MethodPart], Field(max_length=20)] = []
    origin: OriginPart = OriginPart()
    free: Annotated[list[FreePart], Field(max_length=50)] = []
    default_grams: Annotated[int, Field(strict=True, ge=1, le=10**6, description="Of a unit nobody weighed.")] = 500
    live: LivePart | None = None

    def table(self, scope: str) -> RateTable:
        live = self.live
        return RateTable(
            scope=scope,
            currency=self.currency,
            zones=tuple(zone.zone() for zone in self.zones),
            methods=tuple(method.method() for method in self.methods),
            origin=self.origin.origin(),
            free=tuple(
                Free(threshold=rule.threshold, methods=tuple(rule.methods), zones=tuple(rule.zones))
                for rule in self.free
            ),
            default_grams=self.default_grams,
            live=Live(carriers=tuple(live.carriers), markup=live.markup, fee=live.fee) if live else None,
        )


class TableView(View):
    """A table. scope: the vendor's id, or that of the table that counts without one: `platform` or `default`.

    version counts changes, 0 if it was never saved; without a currency amounts are hundredths of any main unit.
    holidaysUntil: save the table again before, so that later holidays are known.
    """

    scope: str
    currency: str | None = None
    zones: list[ZonePart]
    methods: list[MethodPart]
    origin: OriginPart
    free: list[FreePart]
    default_grams: int
    live: LivePart | None = None
    holidays_until: str | None = None
    version: int
    updated_by: str | None = None
    updated_at: str | None = None

    @classmethod
    def of(cls, table: RateTable) -> "TableView":
        live = table.live
        return cls(
            scope=table.scope,
            currency=table.currency or None,
            zones=[ZonePart.of(zone) for zone in table.zones],
            methods=[MethodPart.of(method) for method in table.methods],
            origin=OriginPart.of(table.origin),
            free=[FreePart(threshold=f.threshold, methods=list(f.methods), zones=list(f.zones)) for f in table.free],
            default_grams=table.default_grams,
            live=LivePart(carriers=list(live.carriers), markup=live.markup, fee=live.fee) if live else None,
            holidays_until=table.holidays_until or None,
            version=table.version,
            updated_by=table.updated_by or None,
            updated_at=table.updated_at or None,
        )
