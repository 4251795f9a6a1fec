"""What is too heavy for one parcel of a carrier's, sent in several. Pure.

Full parcels and one with the rest, as though goods could be divided anywhere, as tables do it; a unit that is too heavy
alone is not divided. Carriers that take it all in one keep their price for one.
"""

from collections.abc import Sequence
from dataclasses import replace

from market.money import Money
from shipping.easypost import Answer, Rated
from shipping.model import Parcel
from shipping.rating import weight_of

MOST_GRAMS = 31_750
"""70 pounds: what most services take in one parcel."""

MOST_PARCELS = 20


def split(parcel: Parcel, default_grams: int) -> tuple[tuple[Parcel, int], ...]:
    """Each kind of parcel, and how many there are of it; none where one is enough, or many would not do."""
    grams = weight_of(parcel, default_grams)
    unit = max(parcel.heaviest_grams, default_grams if parcel.unweighed else 0)
    full, rest = divmod(grams, MOST_GRAMS)
    if grams <= MOST_GRAMS or unit > MOST_GRAMS or full + bool(rest) > MOST_PARCELS:
        return ()
    kinds = [(MOST_GRAMS, full), (rest, 1)] if rest else [(MOST_GRAMS, full)]
    return tuple((_share(parcel, share, grams), count) for share, count in kinds)


def together(whole: Answer, parts: Sequence[tuple[Answer, int]]) -> Answer:
    """The answer for one parcel, and what all parcels cost with services that do not take it in one."""
    taken = {(rated.carrier, rated.service) for rated in whole.rates}
    first, *others = parts
    more = [_sum(rated, first[1], others) for rated in first[0].rates if (rated.carrier, rated.service) not in taken]
    rates = (*whole.rates, *(rated for rated in more if rated))
    return replace(whole, rates=rates, silent=whole.silent if not rates else 0)


def _share(parcel: Parcel, grams: int, whole: int) -> Parcel:
    """So much of it by weight, and as much by volume; a carrier asks for no more."""
    volume = -(-parcel.volume_mm3 * grams // whole)
    units = max(1, parcel.units * grams // whole)
    return replace(parcel, units=units, weight_grams=grams, unweighed=0, volume_mm3=volume)


def _sum(rated: Rated, count: int, others: Sequence[tuple[Answer, int]]) -> Rated | None:
    """What the service asks for all parcels; None where it does not take each of them, or not in one currency."""
    amount, days = rated.price.amount * count, rated.days
    for answer, more in others:
        named = (one for one in answer.rates if (one.carrier, one.service) == (rated.carrier, rated.service))
        found = next(named, None)
        if found is None or found.price.currency != rated.price.currency:
            return None
        amount, days, count = amount + found.price.amount * more, max(days, found.days), count + more
    return replace(rated, price=Money(amount, rated.price.currency), days=days, parcels=count)
