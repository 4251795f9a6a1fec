"""What is asked of shipping: prices for a cart, prices for a parcel that a vendor imagines, and tables."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from cart.contract import Cart, Line
from market import clock
from market.money import MAX_AMOUNT, Money
from prices.contract import NoRate, Rates, TooMuch, converted
from shipping import calendars, live, store, subtotals
from shipping.checking import require_sound
from shipping.contract import PLATFORM, options
from shipping.live import Question
from shipping.model import Destination, Option, Parcel, Piece, RateTable
from shipping.offering import carrier_option, offered, why_not
from shipping.quotes import CarrierQuote
from shipping.rating import parcel_of
from shipping.store import Surroundings

DIGITAL = "digital"
"""The tax category of goods that are downloaded, not sent."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Offering:
    """What one vendor's part of a cart may be sent by. reason: why it cannot be, where `options` is empty.

    carriers: empty where they answered or were not asked, `silent`, or `busy`: ask again later.
    """

    vendor_id: str
    parcel: Parcel
    options: tuple[Option, ...]
    reason: str = ""
    carriers: str = ""


def for_cart(customer_id: str, destination: Destination, currency: str) -> tuple[Cart, list[Offering]]:
    """The ways to send each vendor's part of the cart, in `currency`, or in the cart's if that is empty.

    Weights and sizes are those that the cart's lines keep, as the order takes them, so that its parcel is the same; its
    subtotal is after list prices and promotions, as the order compares it with thresholds. Raises NoRate for a currency
    that the cart's prices cannot be shown in, or TooMuch.
    """
    cart = store.cart(customer_id)
    if not cart.lines:
        return cart, []
    around = store.surroundings(cart)
    parcels = _parcels(cart, around, destination, currency or cart.lines[0].unit_price.currency)
    questions = [Question(vendor, parcel, destination, around.tables[vendor]) for vendor, parcel in parcels.items()]
    answers = live.answers(filter(live.askable, questions), around.rates)
    return cart, [_offering(question, answers.get(question.vendor_id, ""), around.rates) for question in questions]


def _offering(question: Question, answer: CarrierQuote | str, rates: Rates) -> Offering:
    at, to = clock.timestamp(), question.parcel.subtotal.currency
    table = question.table
    convert = _convert(rates, table.currency, to)
    found = offered(question.parcel, question.destination, table, at=at, convert=convert)
    options = [one for one in found.values() if isinstance(one, Option)]
    if isinstance(answer, CarrierQuote):
        options += _carriers(question, answer, rates, at)
    return Offering(
        vendor_id=question.vendor_id,
        parcel=question.parcel,
        options=tuple(options),
        reason="" if options else why_not(found),
        carriers=answer if isinstance(answer, str) else "",
    )


def _carriers(question: Question, quote: CarrierQuote, rates: Rates, at: str) -> list[Option]:
    to = question.parcel.subtotal.currency
    made = (
        carrier_option(
            quote, rate, question.parcel, question.destination, question.table,
            at=at, convert=_convert(rates, rate.price.currency, to),
        )
        for rate in quote.rates
    )  # fmt: skip
    return [option for option in made if option]


def _parcels(cart: Cart, around: Surroundings, destination: Destination, currency: str) -> dict[str, Parcel]:
    """Each vendor's, with what its goods cost after discounts. Raises NoRate or TooMuch."""
    at, country, terms = clock.timestamp(), destination.country, around.terms
    units = subtotals.before_promotions(cart.lines, terms, around.rates, currency=currency, country=country, at=at)
    full = _packed(cart.lines, [unit * line.quantity for unit, line in zip(units, cart.lines, strict=True)])
    if any(parcel.subtotal.amount > MAX_AMOUNT for parcel in full.values()):
        raise TooMuch(f"This would be too much in {currency}.")
    if not terms.promotions and not terms.codes:
        return full
    postage = _postage(full, around, destination, at) if terms.frees_parcels else {}
    return _packed(
        cart.lines,
        subtotals.after_promotions(cart.lines, units, terms, country=country, at=at, postage=postage),
    )


def _packed(lines: Sequence[Line], totals: Sequence[Money]) -> dict[str, Parcel]:
    """A parcel for each vendor, in the order of the first lines."""
    pieces: dict[str, list[Piece]] = {}
    for line, cost in zip(lines, totals, strict=True):
        piece = Piece(
            quantity=line.quantity, total=cost.amount, weight_grams=line.weight_grams, size_mm=line.size_mm,
            ships=line.tax_category != DIGITAL,
        )  # fmt: skip
        pieces.setdefault(line.vendor_id, []).append(piece)
    return {vendor: parcel_of(own, totals[0].currency) for vendor, own in pieces.items()}


def _postage(parcels: Mapping[str, Parcel], around: Surroundings, destination: Destination, at: str) -> dict[str, int]:
    """What free shipping would take off each parcel: as much as the cheapest way to send it costs, pickup aside."""
    worth = {}
    for vendor, parcel in parcels.items():
        table = around.tables[vendor]
        convert = _convert(around.rates, table.currency, parcel.subtotal.currency)
        ways = options(parcel, destination, table, at=at, convert=convert)
        usual = next((way for way in ways if way.method == subtotals.METHOD or not parcel.units), None)
        if usual:
            sent = (way.price.amount for way in ways if way.free_because != "pickup")
            worth[vendor] = min(usual.price.amount, min(sent, default=usual.price.amount))
    return worth


def _convert(rates: Rates, frm: str, to: str) -> Callable[[Money], Money] | None:
    """What brings prices of a table into the order's currency, as checkout does it; None without a rate."""
    if not frm or frm == to:
        return None
    try:
        quote = rates.quote(frm, to, at=clock.timestamp())
    except NoRate:
        return None
    return lambda money: converted(money, quote)


def preview(scope: str, parcel: Parcel, destination: Destination, draft: RateTable | None) -> dict[str, Option | str]:
    """By method what a parcel would cost, by the table that counts or by a draft of one; or why it cannot go.

    Raises Unprocessable for a draft that could not be saved.
    """
    if draft is not None:
        require_sound(draft, platform=scope == PLATFORM, calendar=_calendar)
    table = _with_holidays(draft) if draft else store.effective(scope)[0]
    return offered(parcel, destination, table, at=clock.timestamp())


def set_table(table: RateTable, *, check: Callable[[int], None], by: str) -> RateTable:
    """Put a table in the place of the scope's. `check` may refuse the version that is found.

    Raises Unprocessable, or PreconditionFailed if it has changed meanwhile.
    """
    require_sound(table, platform=table.scope == PLATFORM, calendar=_calendar)
    _, version = store.own(table.scope)
    check(version)
    return store.save(_with_holidays(table), seen=version, by=by)


def drop_table(scope: str, *, check: Callable[[int], None], by: str) -> None:
    """Do without a table of one's own. Doing it again changes nothing."""
    table, version = store.own(scope)
    check(version)
    if table is not None:
        store.drop(scope, seen=version, by=by)


def _with_holidays(table: RateTable) -> RateTable:
    """With the dates of all calendars that it names, so that an order needs none of them."""
    today = clock.now().date()
    origin = replace(table.origin, holidays=_calendar(table.origin.calendar))
    zones = tuple(replace(zone, holidays=_calendar(zone.calendar)) for zone in table.zones)
    named = any((origin.calendar, *(zone.calendar for zone in zones)))
    return replace(table, origin=origin, zones=zones, holidays_until=calendars.until(today) if named else "")


def _calendar(name: str) -> frozenset[str]:
    return calendars.holidays_of(name, clock.now().year) if name else frozenset()
