"""A shipping table, a parcel and what may be chosen for it: frozen and pure.

Weights are grams, lengths millimetres, volumes cubic millimetres, days working days, amounts minor units of the table's
currency. Countries are ISO 3166-1 alpha-2, regions the part of ISO 3166-2 after the dash.
"""

from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from market.errors import Conflict
from market.money import Money
from market.values import value

EVERYWHERE = "*"
"""The country of an area that is the rest of the world."""

WEEK = (0, 1, 2, 3, 4)
"""Monday to Friday, as `date.weekday` counts."""

Basis = Literal["flat", "weight", "volume", "price", "units"]


class NotShippable(Conflict):
    """A vendor does not send this there; `vendorId`, and `reason`, one of a few words such as `excluded`."""

    code, title = "not_shippable", "Not shipped there"


class ShippingMethodNotOffered(Conflict):
    """The parcel cannot go this way; `vendorId`, and `methods`, those that it can go."""

    code, title = "shipping_method_not_offered", "Shipping method not offered"


class CarrierQuoteGone(Conflict):
    """The carrier's price is no longer valid, or was for another parcel or place; `vendorId`. Ask for new ones."""

    code, title = "shipping_quote_gone", "The shipping price is no longer valid"


@dataclass(frozen=True, slots=True)
class Area:
    """A country or a part of it: a region, or postcodes by prefix (`10`) or by a range of them (`10-14`)."""

    country: str
    region: str = ""
    postal: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Zone:
    """Places with the same rates; `ships` false for those that nothing is sent to.

    calendar: of a country or a part of it, `FR`; holidays: its ISO dates, on which nothing is delivered.
    """

    id: str
    name: str
    areas: tuple[Area, ...]
    ships: bool = True
    calendar: str = ""
    holidays: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Band:
    """Up to and with so much (None: without end) it costs `price`, and `each` per `step` begun since the last band."""

    up_to: int | None
    price: int
    each: int = 0
    step: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Rate:
    """What a method costs in a zone, by bands of what `basis` measures, within limits; and how many days it takes.

    Flat and by weight it is for each parcel; by volume, price and units for all of them.
    """

    zone: str
    basis: Basis
    bands: tuple[Band, ...]
    minimum: int = 0
    maximum: int | None = None
    transit: tuple[int, int] = (1, 5)


@dataclass(frozen=True, slots=True, kw_only=True)
class Surcharge:
    """Costs `price` more, where all that is said holds: the place is in `areas`, a parcel is heavier, a unit larger.

    By place and weight it is for each parcel, by size once.
    """

    name: str
    price: int
    areas: tuple[Area, ...] = ()
    grams_over: int = 0
    side_over: int = 0
    girth_over: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Method:
    """A way to send. dim_divisor: cm³ of a kilogram of dimensional weight, 0 for none; max_…: 0 for no limit.

    max_grams: of one parcel; what weighs more goes in several. max_side, max_girth: of one unit. pickup: customers come
    and get it, for nothing. delivers: days of the week, Monday is 0.
    """

    id: str
    name: str
    carrier: str = ""
    service: str = ""
    pickup: bool = False
    rates: tuple[Rate, ...] = ()
    surcharges: tuple[Surcharge, ...] = ()
    dim_divisor: int = 0
    max_grams: int = 0
    max_side: int = 0
    max_girth: int = 0
    delivers: tuple[int, ...] = WEEK


@dataclass(frozen=True, slots=True, kw_only=True)
class Free:
    """Shipping costs nothing from so much on (after discounts), with these methods, to these zones; () is all."""

    threshold: int
    methods: tuple[str, ...] = ()
    zones: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """Where parcels come from. cut_off: minutes after midnight there until which an order counts as of that day.

    handling: fewest and most working days until the parcel is handed over. calendar: of a country or a part of it, `DE`
    or `DE-BY`; holidays: its ISO dates; closed: the vendor's own.
    """

    country: str = ""
    region: str = ""
    postal_code: str = ""
    city: str = ""
    time_zone: str = "UTC"
    cut_off: int = 12 * 60
    handling: tuple[int, int] = (0, 1)
    workdays: tuple[int, ...] = WEEK
    calendar: str = ""
    holidays: frozenset[str] = frozenset()
    closed: frozenset[str] = frozenset()

    @property
    def pauses(self) -> frozenset[str]:
        """All days on which nobody works."""
        return self.holidays | self.closed if self.closed else self.holidays


@dataclass(frozen=True, slots=True, kw_only=True)
class Live:
    """Carriers (all, or those named) are asked for prices; on top come `markup` basis points and a `fee` for each."""

    carriers: tuple[str, ...] = ()
    markup: int = 0
    fee: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class RateTable:
    """All of a vendor's, or the platform's, shipping; version 0 was never saved.

    currency: of every amount; empty, as only `DEFAULT` has it, for hundredths of the main unit of whatever is paid in.
    default_grams: the weight of a unit that nobody weighed. holidays_until: the last day that calendars were read for.
    """

    scope: str
    currency: str
    zones: tuple[Zone, ...]
    methods: tuple[Method, ...]
    origin: Origin = field(default_factory=Origin)
    free: tuple[Free, ...] = ()
    default_grams: int = 500
    live: Live | None = None
    holidays_until: str = ""
    version: int = 0
    updated_by: str = ""
    updated_at: str = ""


class Piece(NamedTuple):
    """So many units of one thing. total: minor units that they cost after discounts; ships: false for downloads.

    weight_grams, size_mm: of one unit packed for sending, 0 and () where nobody told them.
    """

    quantity: int
    total: int
    weight_grams: int = 0
    size_mm: tuple[int, ...] = ()
    ships: bool = True


@value(frozen=True, slots=True, kw_only=True)
class Parcel:
    """What one vendor sends for one order. subtotal: what it costs after discounts, which thresholds look at.

    units: those that are sent; unweighed: those of them without a weight, which is not in `weight_grams`.
    sides_mm: the longest, the second and the third side that any unit has.
    """

    subtotal: Money
    units: int
    weight_grams: int = 0
    unweighed: int = 0
    heaviest_grams: int = 0
    volume_mm3: int = 0
    sides_mm: tuple[int, int, int] = (0, 0, 0)


@dataclass(frozen=True, slots=True)
class Destination:
    """Where it goes. region: `CA` or `US-CA`; it and the postcode may be unknown, as long as prices are only shown."""

    country: str
    region: str = ""
    postal_code: str = ""
    city: str = ""


@value(frozen=True, slots=True, kw_only=True)
class Option:
    """A way to send the parcel, its price, and between which days (ISO dates at the origin) it arrives.

    parcels: into how many it is split; free_because: `threshold` or `pickup` where it costs nothing for that reason;
    free_from: from which subtotal on it would cost nothing. quote_id: of a carrier's own price.
    """

    method: str
    name: str
    price: Money
    carrier: str
    earliest: str
    latest: str
    free_because: str = ""
    service: str = ""
    zone: str = ""
    parcels: int = 1
    free_from: Money | None = None
    quote_id: str = ""
