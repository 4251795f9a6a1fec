"""What a method costs for a parcel, to the last unit: pure.

Parcels are charged by what is more, their weight or their dimensional weight. What is charged as more than a method's
`max_grams` goes in several: as many full ones as there are, and one with the rest, as though goods could be divided
anywhere. So the price never falls when something is added, and everybody can work it out; a unit that is by itself
heavier than a parcel may be is not sent that way.

A price is summed up in the table's currency and converted once. What the subtotal is compared with (thresholds, bands
of price) is converted first, so that it is the amount that the customer is shown.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from market.money import Money, exponent
from shipping.model import Band, Destination, Free, Method, Parcel, Piece, Rate, RateTable, Surcharge
from shipping.zones import within

MAX_PARCELS = 99
Convert = Callable[[Money], Money]
"""Brings an amount of the table's currency into the order's."""


class Fare(NamedTuple):
    """What a method costs, in the order's currency. free_from: the lowest threshold that there is for it."""

    price: Money
    parcels: int
    free_because: str = ""
    free_from: Money | None = None


class Unfit(Exception):
    """The method is not for this parcel or place; `reason` says why."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def parcel_of(pieces: Sequence[Piece], currency: str) -> Parcel:
    """What a vendor sends for these: weights and volumes summed, sides the longest. `subtotal` is of all of them.

    currency: of their totals.
    """
    subtotal = units = grams = unweighed = heaviest = volume = longest = second = third = 0
    for piece in pieces:
        subtotal += piece.total
        if not piece.ships or not piece.quantity:
            continue
        units += piece.quantity
        grams += piece.weight_grams * piece.quantity
        unweighed += 0 if piece.weight_grams else piece.quantity
        heaviest = max(heaviest, piece.weight_grams)
        if len(piece.size_mm) == 3:
            small, middle, large = sorted(piece.size_mm)
            longest, second, third = max(longest, large), max(second, middle), max(third, small)
            volume += small * middle * large * piece.quantity
    return Parcel(
        subtotal=Money(subtotal, currency),
        units=units,
        weight_grams=grams,
        unweighed=unweighed,
        heaviest_grams=heaviest,
        volume_mm3=volume,
        sides_mm=(longest, second, third),
    )


def weight_of(parcel: Parcel, default_grams: int) -> int:
    """Grams on the scales, with the default for every unit that nobody weighed."""
    return parcel.weight_grams + parcel.unweighed * default_grams


def chargeable(parcel: Parcel, default_grams: int, dim_divisor: int) -> int:
    """Grams that are charged for: a divisor of 5000 cm³/kg makes a gram of every 5000 mm³ begun."""
    grams = weight_of(parcel, default_grams)
    return max(grams, -(-parcel.volume_mm3 // dim_divisor)) if dim_divisor else grams


def loads(grams: int, max_grams: int) -> list[int]:
    """The weights of the parcels: full ones, and the rest. Raises Unfit for more than `MAX_PARCELS`."""
    if not max_grams or grams <= max_grams:
        return [grams]
    full, rest = divmod(grams, max_grams)
    if full + bool(rest) > MAX_PARCELS:
        raise Unfit("too_heavy")
    return [max_grams] * full + [rest] * bool(rest)


def girth(parcel: Parcel) -> int:
    """Length plus girth of the largest unit, as carriers measure it: the longest side and twice both others."""
    return parcel.sides_mm[0] + 2 * (parcel.sides_mm[1] + parcel.sides_mm[2])


def in_bands(measure: int, bands: Sequence[Band]) -> int:
    """The price of the first band that reaches so far. Raises Unfit beyond the last."""
    begins = 0
    for band in bands:
        if band.up_to is None or measure <= band.up_to:
            steps = -(-(measure - begins) // band.step) if band.step else 0
            return band.price + band.each * steps
        begins = band.up_to
    raise Unfit("too_heavy")


def fare(
    method: Method, rate: Rate | None, parcel: Parcel, destination: Destination, table: RateTable, convert: Convert
) -> Fare:
    """rate: the method's in the zone, None if it has none. Raises Unfit for a parcel that the method is not for."""
    _require_fit(method, parcel, table.default_grams)
    if method.pickup:
        return Fare(Money(0, parcel.subtotal.currency), 1, "pickup")
    if rate is None:
        raise Unfit("no_rate")
    split = loads(chargeable(parcel, table.default_grams, method.dim_divisor), method.max_grams)
    base = _base(rate, parcel, split, convert, table.currency)
    base = max(base, rate.minimum)
    base = base if rate.maximum is None else min(base, rate.maximum)
    for one in method.surcharges:
        base += _surcharge(one, parcel, split, destination)
    lowest = free_from(table.free, method.id, rate.zone) if table.free else None
    threshold = None if lowest is None else convert(Money(lowest, table.currency))
    if threshold is not None and parcel.subtotal.amount >= threshold.amount:
        return Fare(Money(0, threshold.currency), len(split), "threshold", threshold)
    return Fare(convert(Money(base, table.currency)), len(split), free_from=threshold)


def rate_in(method: Method, zone: str) -> Rate | None:
    """The method's rate in the zone."""
    for rate in method.rates:
        if rate.zone == zone:
            return rate
    return None


def free_from(rules: Sequence[Free], method: str, zone: str) -> int | None:
    """The lowest threshold for the method in the zone."""
    fitting = [rule.threshold for rule in rules if _either(rule.methods, method) and _either(rule.zones, zone)]
    return min(fitting, default=None)


def as_it_is(money: Money) -> Money:
    """For a table in the order's currency."""
    return money


def of_hundredths(currency: str) -> Convert:
    """For `DEFAULT`, whose amounts are hundredths of the main unit: 490 are 4.90 euro, 5 yen, 4.900 dinars."""
    return lambda money: Money(-(-money.amount * 10 ** exponent(currency) // 100), currency)


def _either(named: Sequence[str], one: str) -> bool:
    return not named or one in named


def _require_fit(method: Method, parcel: Parcel, default_grams: int) -> None:
    if method.max_grams:
        heaviest = max(parcel.heaviest_grams, default_grams if parcel.unweighed else 0)
        if heaviest > method.max_grams:
            raise Unfit("too_heavy")
    if method.max_side and parcel.sides_mm[0] > method.max_side:
        raise Unfit("too_large")
    if method.max_girth and girth(parcel) > method.max_girth:
        raise Unfit("too_large")


def _base(rate: Rate, parcel: Parcel, split: Sequence[int], convert: Convert, currency: str) -> int:
    match rate.basis:
        case "flat":
            return in_bands(0, rate.bands) * len(split)
        case "weight":
            return sum([in_bands(load, rate.bands) for load in split])
        case "volume":
            return in_bands(parcel.volume_mm3, rate.bands)
        case "units":
            return in_bands(parcel.units, rate.bands)
        case "price":
            return _by_price(rate.bands, parcel.subtotal, convert, currency)


def _by_price(bands: Sequence[Band], subtotal: Money, convert: Convert, currency: str) -> int:
    for band in bands:
        if band.up_to is None or subtotal.amount <= convert(Money(band.up_to, currency)).amount:
            return band.price
    raise Unfit("too_dear")


def _surcharge(one: Surcharge, parcel: Parcel, split: Sequence[int], destination: Destination) -> int:
    if one.areas and not within(one.areas, destination):
        return 0
    if one.side_over or one.girth_over:
        large = (one.side_over and parcel.sides_mm[0] > one.side_over) or (
            one.girth_over and girth(parcel) > one.girth_over
        )
        heavy = not one.grams_over or any(load > one.grams_over for load in split)
        return one.price if large and heavy else 0
    return one.price * sum(load > one.grams_over or not one.grams_over for load in split)
