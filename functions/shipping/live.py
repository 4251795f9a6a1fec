"""Carriers' own prices for a cart: from the cache, or asked for, within what a request and a vendor may cost.

The id of an answer is a hash of all that it depends on, so the same question is asked once while its answer is valid.
Two requests at once may both ask; both keep the same answer under the same id. One request asks for five vendors at
most and begins no question after six seconds; each vendor's questions are counted. Who is not asked is `busy` today and
has the table's methods. That nobody answered, or nobody wanted the parcel, is remembered for a short time too.
"""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from time import monotonic

from market import clock, config
from market.guard import limits
from market.money import Money
from prices.contract import NoRate, Rates, exchanged
from shipping import gateway, store
from shipping.easypost import Answer, Rated
from shipping.gateway import CarriersSilent
from shipping.model import Destination, Live, Parcel, RateTable
from shipping.quotes import CarrierQuote, CarrierRate, digest, fingerprint
from shipping.splitting import split, together

MAX_ASKED, WHOLE_SECONDS = 5, 6.0
CALLS = ((60, 60), (86_400, 3_000))
"""How many questions a vendor's parcels may cost: windows of `market.guard.limits`."""

_REFUSED_SECONDS, _SILENT_SECONDS = 300, 30
_BUSY = "busy"


@dataclass(frozen=True, slots=True)
class Question:
    """A vendor's parcel, and where it goes."""

    vendor_id: str
    parcel: Parcel
    destination: Destination
    table: RateTable

    @property
    def id(self) -> str:
        """The same for the same parcel from the same origin to the same place on the same terms."""
        origin, live = self.table.origin, self.table.live
        place = (origin.country, origin.region, origin.postal_code, self.table.default_grams, self.table.currency)
        terms = (live.carriers, live.markup, live.fee) if live else ()
        return digest(self.vendor_id, *place, terms, fingerprint(self.parcel, self.destination))


def askable(question: Question) -> bool:
    """Whether carriers can be asked: the vendor wants it, something is sent, and it is known where to."""
    place = question.destination
    return bool(question.table.live and question.parcel.units and place.country and place.postal_code)


def answers(questions: Iterable[Question], rates: Rates) -> dict[str, CarrierQuote | str]:
    """By vendor: an answer, or why there is none (`silent`, `busy`)."""
    wanted = {question.id: question for question in questions} if gateway.on_offer() else {}
    known = store.carrier_quotes(wanted) if wanted else {}
    found: dict[str, CarrierQuote | str] = {}
    asked, begun = 0, monotonic()
    for quote_id, question in wanted.items():
        quote = known.get(quote_id)
        if quote is None:
            if asked == MAX_ASKED or monotonic() - begun > WHOLE_SECONDS:
                found[question.vendor_id] = _BUSY
                continue
            asked += 1
            quote = _ask(quote_id, question, rates)
        found[question.vendor_id] = _BUSY if quote is None else "silent" if quote.failed else quote
    return found


def _ask(quote_id: str, question: Question, rates: Rates) -> CarrierQuote | None:
    """The answer, which is kept; None for a vendor whose questions are used up."""
    try:
        answer = _answer(question)
        offered = tuple(_dressed(answer.rates, question.table, rates))
        failed, kept = False, config.number("SHIPPING_QUOTE_SECONDS") if offered else _REFUSED_SECONDS
        if answer.silent and not offered:
            failed, kept = True, _SILENT_SECONDS
    except limits.RateLimited:
        return None
    except CarriersSilent:
        offered, failed, kept = (), True, _SILENT_SECONDS
    quote = CarrierQuote(
        id=quote_id,
        vendor_id=question.vendor_id,
        fits=fingerprint(question.parcel, question.destination),
        expires_at=clock.epoch() + kept,
        rates=offered,
        failed=failed,
    )
    store.keep(quote)
    return quote


def _answer(question: Question) -> Answer:
    """What carriers want for all of it in one parcel, and in several where it is heavy.

    Raises CarriersSilent, or RateLimited for a vendor whose questions are used up.
    """
    whole = _asked(question, question.parcel)
    kinds = split(question.parcel, question.table.default_grams)
    parts = [(_asked(question, parcel), count) for parcel, count in kinds]
    return together(whole, parts) if parts else whole


def _asked(question: Question, parcel: Parcel) -> Answer:
    table = question.table
    limits.take("carrier-calls", question.vendor_id, windows=CALLS)
    return gateway.rates(table.origin, question.destination, parcel, table.default_grams)


def _dressed(rated: Iterable[Rated], table: RateTable, rates: Rates) -> Iterable[CarrierRate]:
    """As customers see them: the carriers that the vendor wants, with what comes on top, the cheapest of a name."""
    live = table.live or Live()
    wanted = {carrier.casefold() for carrier in live.carriers}
    named: dict[str, CarrierRate] = {}
    for one in sorted(rated, key=lambda rate: rate.price.amount):
        price = _with_extras(one, live, table.currency, rates)
        if price is None or (wanted and one.carrier.casefold() not in wanted):
            continue
        method = f"{_slug(one.carrier)}:{_slug(one.service)}"
        rate = CarrierRate(
            method=method, name=f"{one.carrier} {one.service}", carrier=one.carrier, service=one.service,
            price=price, days=one.days, parcels=one.parcels,
        )  # fmt: skip
        named.setdefault(method, rate)
    return named.values()


def _with_extras(rated: Rated, live: Live, currency: str, rates: Rates) -> Money | None:
    """Markup half up, and the fee of each parcel in the carrier's currency; None where there is no rate for it."""
    price = rated.price
    marked = (price.amount * (10_000 + live.markup) + 5_000) // 10_000
    bring = exchange(rates, currency, price.currency) if live.fee else None
    if live.fee and bring is None:
        return None
    fee = bring(Money(live.fee, currency)).amount * rated.parcels if bring else 0
    return Money(marked + fee, price.currency)


def exchange(rates: Rates, frm: str, to: str) -> Callable[[Money], Money] | None:
    """What brings amounts from a currency into another; None without a rate."""
    try:
        quote = rates.quote(frm, to, at=clock.timestamp())
    except NoRate:
        return None
    return lambda money: exchanged(money, quote)


def _slug(text: str) -> str:
    """`GroundAdvantage` is `groundadvantage`: what an order names a service by."""
    return re.sub(r"[^a-z0-9]+", "-", text.casefold()).strip("-") or "x"
