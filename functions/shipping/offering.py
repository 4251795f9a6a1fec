"""What may be chosen for a parcel: the methods of a table, and carriers' own prices. Pure."""

from collections.abc import Mapping
from datetime import datetime

from market.money import Money
from shipping.estimate import arrival, ready
from shipping.model import (
    CarrierQuoteGone,
    Destination,
    Method,
    NotShippable,
    Option,
    Parcel,
    Rate,
    RateTable,
    ShippingMethodNotOffered,
    Zone,
)
from shipping.quotes import CarrierQuote, CarrierRate, fingerprint
from shipping.rating import Convert, Unfit, as_it_is, fare, of_hundredths, rate_in
from shipping.zones import zone_of

NOTHING_TO_SEND = "none"
"""The method of a parcel of nothing but what is downloaded, whatever was asked for."""

Offered = dict[str, Option | str]
"""By method: its option, or the reason why there is none."""

_REASONS = ("excluded", "no_zone", "currency", "too_large", "too_heavy", "too_dear", "no_rate", "pickup_abroad")
_SOMEWHERE = Zone(id="", name="", areas=())
_UNSAID = (1, 10)
"""Days on the way where a carrier says nothing of them."""


def options(
    parcel: Parcel, destination: Destination, table: RateTable, *, at: str, convert: Convert | None = None
) -> tuple[Option, ...]:
    """The ways to send it, as the table orders them; none where the vendor does not send there. at: ISO 8601."""
    found = offered(parcel, destination, table, at=at, convert=convert)
    return tuple([one for one in found.values() if isinstance(one, Option)])


def offered(
    parcel: Parcel, destination: Destination, table: RateTable, *, at: str, convert: Convert | None = None
) -> Offered:
    """Every method of the table, with its option or the reason why there is none."""
    if not parcel.units:
        return {NOTHING_TO_SEND: _nothing(parcel, at)}
    zone = zone_of(table.zones, destination)
    bring = _bring(table.currency, parcel.subtotal.currency, convert)
    return {method.id: _try(method, zone, parcel, destination, table, at, bring) for method in table.methods}


def choose(
    method: str,
    parcel: Parcel,
    destination: Destination,
    table: RateTable,
    *,
    vendor_id: str,
    at: str,
    convert: Convert | None = None,
) -> Option:
    """One way to send it. Raises NotShippable where there is none at all, ShippingMethodNotOffered where others are."""
    if not parcel.units:
        return _nothing(parcel, at)
    named = next((one for one in table.methods if one.id == method), None)
    if named:
        zone = zone_of(table.zones, destination)
        bring = _bring(table.currency, parcel.subtotal.currency, convert)
        chosen = _try(named, zone, parcel, destination, table, at, bring)
        if isinstance(chosen, Option):
            return chosen
    found = offered(parcel, destination, table, at=at, convert=convert)
    others = [name for name, other in found.items() if isinstance(other, Option)]
    if others:
        refusal = f"{method} is not offered for this parcel."
        raise ShippingMethodNotOffered(refusal, vendorId=vendor_id, method=method, methods=others)
    raise NotShippable("This vendor does not send it there.", vendorId=vendor_id, reason=why_not(found))


def why_not(found: Mapping[str, Option | str]) -> str:
    """The reason that helps most: what is wrong with the place, with the currency, then with the parcel."""
    reasons = {one for one in found.values() if isinstance(one, str)}
    return next((reason for reason in _REASONS if reason in reasons), "no_rate")


def carried(
    quote: CarrierQuote | None,
    method: str,
    parcel: Parcel,
    destination: Destination,
    table: RateTable,
    *,
    vendor_id: str,
    at: str,
    convert: Convert | None = None,
) -> Option:
    """A carrier's own price as an option. convert: of the carrier's currency, where that is not the order's.

    Raises CarrierQuoteGone unless it is valid, for this vendor and parcel, and in a currency that can be brought.
    """
    valid = quote and quote.vendor_id == vendor_id and matches(quote, parcel, destination, at=at)
    rate = quote.rate(method) if quote and valid else None
    option = carrier_option(quote, rate, parcel, destination, table, at=at, convert=convert) if quote and rate else None
    if option is None:
        raise CarrierQuoteGone("Ask for the shipping prices again.", vendorId=vendor_id, method=method)
    return option


def matches(quote: CarrierQuote, parcel: Parcel, destination: Destination, *, at: str) -> bool:
    """Whether the quote is valid at that moment, and for such a parcel to that place."""
    return quote.fits == fingerprint(parcel, destination) and datetime.fromisoformat(at).timestamp() < quote.expires_at


def carrier_option(
    quote: CarrierQuote,
    rate: CarrierRate,
    parcel: Parcel,
    destination: Destination,
    table: RateTable,
    *,
    at: str,
    convert: Convert | None = None,
) -> Option | None:
    """A rate as an option; None if its price cannot be brought into the order's currency.

    The carrier says how many days it is on the way, the table how long until it leaves.
    """
    bring = _bring(rate.price.currency, parcel.subtotal.currency, convert)
    if bring is None:
        return None
    zone = zone_of(table.zones, destination) or _SOMEWHERE
    transit = (rate.days, rate.days) if rate.days else _UNSAID
    way = Rate(zone=zone.id, basis="flat", bands=(), transit=transit)
    earliest, latest = arrival(table.origin, Method(id=rate.method, name=rate.name), way, zone, at=at)
    return Option(
        method=rate.method, name=rate.name, price=bring(rate.price), carrier=rate.carrier, service=rate.service,
        earliest=earliest, latest=latest, zone=zone.id, quote_id=quote.id, parcels=rate.parcels,
    )  # fmt: skip


def _try(
    method: Method,
    zone: Zone | None,
    parcel: Parcel,
    destination: Destination,
    table: RateTable,
    at: str,
    bring: Convert | None,
) -> Option | str:
    if method.pickup:
        if table.origin.country not in ("", destination.country):
            return "pickup_abroad"
    elif zone is None or not zone.ships:
        return "excluded" if zone else "no_zone"
    elif bring is None:
        return "currency"
    zone = zone or _SOMEWHERE
    rate = rate_in(method, zone.id)
    try:
        found = fare(method, rate, parcel, destination, table, bring or as_it_is)
    except Unfit as unfit:
        return unfit.reason
    earliest, latest = arrival(table.origin, method, rate, zone, at=at) if rate else ready(table.origin, at=at)
    return Option(
        method=method.id, name=method.name, price=found.price, carrier=method.carrier, service=method.service,
        earliest=earliest, latest=latest, free_because=found.free_because, zone=zone.id, parcels=found.parcels,
        free_from=found.free_from,
    )  # fmt: skip


def _nothing(parcel: Parcel, at: str) -> Option:
    return Option(
        method=NOTHING_TO_SEND, name="Nothing to send", price=Money(0, parcel.subtotal.currency), carrier="",
        earliest=at[:10], latest=at[:10], free_because="nothing_to_send", parcels=0,
    )  # fmt: skip


def _bring(frm: str, to: str, convert: Convert | None) -> Convert | None:
    """How amounts come into the order's currency; None if they do not."""
    if not frm:
        return of_hundredths(to)
    return as_it_is if frm == to else convert
