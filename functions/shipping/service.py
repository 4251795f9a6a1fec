"""What is asked of shipping: prices for a cart, prices for a parcel that a vendor imagines, and tables."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from cart.contract import Cart
from market import clock
from market.money import Money
from prices.contract import NoRate, Rates, converted
from shipping import calendars, live, store
from shipping.checking import require_sound
from shipping.contract import PLATFORM
from shipping.live import Question
from shipping.model import Destination, Option, Parcel, Piece, RateTable
from shipping.offering import carrier_option, offered, why_not
from shipping.quotes import CarrierQuote
from shipping.rating import parcel_of

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

    Weights and sizes are those that the cart's lines keep, as the order takes them, so that its parcel is the same.
    Raises NoRate for a currency that the cart's prices cannot be shown in.
    """
    cart = store.cart(customer_id)
    vendors = tuple(dict.fromkeys(line.vendor_id for line in cart.lines))
    around = store.surroundings(vendors)
    questions = [
        Question(vendor, _parcel(cart, vendor, around.rates, currency), destination, around.tables[vendor])
        for vendor in vendors
    ]
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


def _parcel(cart: Cart, vendor_id: str, rates: Rates, currency: str) -> Parcel:
    lines = [line for line in cart.lines if line.vendor_id == vendor_id]
    paid = lines[0].unit_price.currency
    pieces = [
        Piece(
            quantity=line.quantity, total=line.total, weight_grams=line.weight_grams, size_mm=line.size_mm,
            ships=line.tax_category != DIGITAL,
        )
        for line in lines
    ]  # fmt: skip
    parcel = parcel_of(pieces, paid)
    if currency in ("", paid):
        return parcel
    return replace(parcel, subtotal=converted(parcel.subtotal, rates.quote(paid, currency, at=clock.timestamp())))


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
