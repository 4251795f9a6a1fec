"""Routes of prices: everybody reads what things cost, vendors and staff decide on it."""

from typing import Annotated

from aws_lambda_powertools.event_handler.openapi.params import Query
from pydantic import AfterValidator

from inventory.contract import MAX_PER_LINE
from market import clock
from market.errors import NotFound, PreconditionFailed, Unprocessable
from market.http import ANYONE, KEY, STAFF, VENDOR, Cursor, Limit, Response, ServiceApi, reply
from market.money import CURRENCIES, Money
from market.table import BadCursor
from prices import competitors, exchange, history, lists, moving, ratebook, rulestore, service, store, views
from prices.forms import EntriesBody, GroupsBody, RatesBody, RulesBody
from prices.manifest import MANIFEST
from prices.rates import PIVOT, NoRate, Quote, Rates, TooMuch, fee_in
from prices.rulestore import RulesChanged
from prices.store import Sheet

api = ServiceApi(MANIFEST)
handler = api.handler

PUBLIC_SECONDS = 30


def _known(currency: str) -> str:
    if currency and currency not in CURRENCIES:
        raise ValueError("not an active ISO 4217 currency code")
    return currency


Country = Annotated[str, Query(pattern=r"^([A-Z]{2})?$", description="Where the goods go, ISO 3166-1 alpha-2.")]
Currency = Annotated[
    str, Query(pattern=r"^([A-Z]{3})?$", description="In which currency to show it."), AfterValidator(_known)
]
Quantity = Annotated[int, Query(ge=1, le=MAX_PER_LINE, description="How many units.")]
Month = Annotated[str, Query(pattern=r"^(\d{4}-(0[1-9]|1[0-2]))?$", description="Whose history to show, `2026-11`.")]


@api.get("/v1/prices/<sku>", callers=[ANYONE], problems=[NoRate, TooMuch])
def show_price(
    sku: str, country: Country = "", currency: Currency = "", quantity: Quantity = 1
) -> Response[views.PublicPrice]:
    """What a SKU costs everybody: today, against the 30 days before, by quantity, and in another currency.

    Groups of customers may pay less: the checkout's summary tells.
    """
    found = store.shown(sku)
    if found is None or not found[0].offer.active:
        raise NotFound("There is no such SKU on sale.")
    sheet, rates = found
    return reply(_public(sheet, rates, country, currency, quantity), cache_seconds=PUBLIC_SECONDS)


def _public(sheet: Sheet, rates: Rates, country: str, currency: str, quantity: int) -> views.PublicPrice:
    at, base = clock.timestamp(), sheet.offer.price
    quote = rates.quote(base.currency, currency, at=at) if currency not in ("", base.currency) else None

    def listed(units: int, quote: Quote | None) -> lists.Listed:
        return lists.listed(
            base, sheet.book.entries, quantity=units, country=country, groups=frozenset(), at=at, quote=quote
        )

    asked, own = listed(quantity, quote), listed(quantity, None)
    found = history.prior(sheet.past.history, sheet.book.entries, country=country, base=own.base, at=at)
    compared, lowest, since = views.told(found)
    steps = sorted({entry.min_quantity for entry in sheet.book.entries if not entry.groups and not entry.replaces})
    tiers = [views.Tier(min_quantity=units, price=listed(units, quote).price) for units in steps if units > 1]
    return views.PublicPrice(
        sku=sheet.offer.sku,
        price=asked.price,
        base=asked.base,
        list_id=asked.list_id or None,
        compare_price=compared,
        lowest30_days=lowest,
        since=since,
        tiers=[tier for tier in tiers if tier.price.amount < listed(1, quote).price.amount],
        conversion=views.QuoteView.of(quote, fee_in(own.price, quote)) if quote else None,
    )


@api.get("/v1/rates", callers=[ANYONE])
def show_rates() -> Response[views.PublicRates]:
    """The exchange rates at which prices are converted."""
    rates = ratebook.get().rates
    return reply(views.PublicRates(**views.rates_fields(rates, PIVOT)), cache_seconds=PUBLIC_SECONDS)


@api.get("/v1/vendors/<vendor_id>/prices", callers=[VENDOR, STAFF, KEY], needs="prices.read")
def list_books(vendor_id: str, limit: Limit = 50, cursor: Cursor = None) -> Response[views.BookList]:
    """The vendor's SKUs that have list prices or plans, in the order of SKUs."""
    page = store.books_of(vendor_id, limit=limit, cursor=cursor)
    items = [views.BookCard(**item["card"]) for item in page.items]
    return reply(views.BookList(items=items, next_cursor=page.next))


@api.put("/v1/vendors/<vendor_id>/prices", callers=[VENDOR, STAFF, KEY], needs="prices.write")
def change_entries(vendor_id: str, body: EntriesBody) -> Response[views.WrittenList]:
    """Set or take away up to 100 list prices and plans, accept what rules suggested, and tell what competitors ask.

    Each SKU is changed whole or not at all, and says so. Sending the same again changes nothing. Rules on competitors
    are asked at once.
    """
    store.require_vendor(vendor_id, api.caller)
    outcomes = service.change(vendor_id, [entry.wish() for entry in body.entries])
    accepted = [
        views.Accepted.of(
            one.sku, one.decision_id, moving.accept(vendor_id, one.sku, one.decision_id, by=api.caller.id)
        )
        for one in body.accepted
    ]
    now = clock.timestamp()
    noted = competitors.note(vendor_id, [report.report(now) for report in body.competitors])
    view = views.WrittenList(
        items=[views.Written.of(sku, outcome) for sku, outcome in outcomes.items()],
        accepted=accepted,
        competitors=[views.Reported.of(sku, outcome) for sku, outcome in noted.items()],
    )
    return reply(view)


@api.get("/v1/vendors/<vendor_id>/prices/<sku>", callers=[VENDOR, STAFF, KEY], needs="prices.read")
def show_book(vendor_id: str, sku: str, limit: Limit = 20, cursor: Cursor = None) -> Response[views.BookView]:
    """All prices of a SKU, what it may be compared with, and what plans and rules decided, the youngest first."""
    sheet = store.sheets([sku]).get(sku)
    if sheet is None or sheet.offer.vendor_id != vendor_id:
        raise NotFound("There is no such SKU.")
    at = clock.timestamp()
    effective = _effective(sheet, at)
    found = history.prior(sheet.past.history, sheet.book.entries, country="", base=effective, at=at)
    compared, lowest, _ = views.told(found)
    decisions, following = rulestore.decisions(sku, limit=limit, cursor=cursor)
    view = views.BookView(
        sku=sku,
        base=sheet.offer.price,
        effective=effective,
        entries=[views.EntryView.of(entry) for entry in sheet.book.entries],
        may_compare_with=compared,
        lowest30_days=lowest,
        competitors=[views.SignalView.of(signal) for signal in rulestore.signals(sku)[0]],
        decisions=[views.DecisionView.of(decision) for decision in decisions],
        next_cursor=following,
        **views.moved_by(rulestore.state(sku)),
    )
    return reply(view)


def _effective(sheet: Sheet, at: str) -> Money:
    return lists.planned(sheet.offer.price, sheet.book.entries, at)[0]


@api.get("/v1/vendors/<vendor_id>/price-rules", callers=[VENDOR, STAFF, KEY], needs="prices.read")
def show_rules(vendor_id: str) -> Response[views.RuleList]:
    """The vendor's rules. Send the `ETag` as `If-Match` when changing them."""
    return _rules(rulestore.rulebook(vendor_id))


@api.put(
    "/v1/vendors/<vendor_id>/price-rules",
    callers=[VENDOR, STAFF, KEY],
    needs="prices.write",
    problems=[PreconditionFailed, RulesChanged],
)
def change_rules(vendor_id: str, body: RulesBody) -> Response[views.RuleList]:
    """Replace all rules. The first that applies to a SKU decides; they are first asked within five minutes."""
    store.require_vendor(vendor_id, api.caller)
    book = rulestore.rulebook(vendor_id)
    api.require_match(book.version)
    return _rules(moving.set_rules(book, [rule.rule() for rule in body.rules], by=api.caller.id))


def _rules(book: rulestore.Rulebook) -> Response[views.RuleList]:
    view = views.RuleList(
        rules=[views.RuleView.of(rule) for rule in book.rules],
        changed_at=book.changed_at or None,
        changed_by=book.changed_by or None,
    )
    return reply(view, version=book.version)


@api.put(
    "/v1/vendors/<vendor_id>/price-groups/<customer_id>",
    callers=[VENDOR, STAFF, KEY],
    needs="prices.write",
    problems=[PreconditionFailed],
)
def change_own_groups(vendor_id: str, customer_id: str, body: GroupsBody) -> Response[views.Groups]:
    """Put a customer into groups of the vendor's own, in place of others; lists name them `<vendor>:<name>`."""
    store.require_vendor(vendor_id, api.caller)
    store.require_customer(customer_id)
    own = frozenset(f"{vendor_id}:{name}" for name in body.groups)
    after = store.change_groups(customer_id, own, scope=vendor_id)
    return reply(views.Groups(groups=sorted(name for name in after if store.scope_of(name) == vendor_id)))


@api.get("/v1/admin/price-groups/<customer_id>", callers=[STAFF], needs="price_groups.manage")
def show_groups(customer_id: str) -> Response[views.Groups]:
    """All groups of a customer, vendors' too."""
    store.require_customer(customer_id)
    return reply(views.Groups(groups=sorted(store.groups_of(customer_id))))


@api.put(
    "/v1/admin/price-groups/<customer_id>", callers=[STAFF], needs="price_groups.manage", problems=[PreconditionFailed]
)
def change_groups(customer_id: str, body: GroupsBody) -> Response[views.Groups]:
    """Put a customer into groups of the platform, in place of those they were in."""
    store.require_customer(customer_id)
    return reply(views.Groups(groups=sorted(store.change_groups(customer_id, frozenset(body.groups), scope=""))))


@api.get("/v1/admin/rates", callers=[STAFF], needs="rates.read")
def show_all_rates(month: Month = "", limit: Limit = 50, cursor: Cursor = None) -> Response[views.AllRates]:
    """Exchange rates and rules of conversion; with a month, also what was published or set in it, youngest first."""
    if cursor and not month:
        raise BadCursor
    book = ratebook.get()
    if not month:
        return reply(views.all_rates(book, PIVOT), version=book.rates.version)
    page = ratebook.of_month(month, limit=limit, cursor=cursor)
    days = [
        views.RatesOfDay(at=at, source=source, rates=item["values"])
        for item in page.items
        for at, _, source in [item["sk"].partition("#")]
    ]
    return reply(views.all_rates(book, PIVOT, history=days, next_cursor=page.next), version=book.rates.version)


@api.put(
    "/v1/admin/rates",
    callers=[STAFF],
    needs="rates.manage",
    problems=[PreconditionFailed, Unprocessable, ratebook.RatesChanged, exchange.PivotRate],
)
def change_rates(body: RatesBody) -> Response[views.AllRates]:
    """Set rates by hand, accept those that were held back, and say how prices are converted."""
    book = ratebook.get()
    api.require_match(book.rates.version)
    changed = exchange.change(
        book,
        set_to=body.rates,
        unpinned=body.unpin,
        accepted=body.accept,
        fee_basis_points=body.fee_basis_points,
        roundings=body.rules_of_rounding(),
        refuse_after_days=body.refuse_after_days,
        by=api.caller.id,
    )
    return reply(views.all_rates(changed, PIVOT), version=changed.rates.version)
