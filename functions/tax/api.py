"""Routes of tax: rates for everybody, certificates for customers, and for staff what is set, decided and filed."""

import re
from typing import Annotated, Any, Literal

from aws_lambda_powertools.event_handler.openapi.params import Query

from market import clock
from market.errors import NotFound, PreconditionFailed
from market.http import ANYONE, CUSTOMER, STAFF, Cursor, Limit, Response, ServiceApi, reply
from market.table import BadCursor, read_cursor, sign_cursor
from tax import filing, model, service, store, views
from tax.categories import Destination, civil_day
from tax.contract import TABLE, Override, Overrides, Registration, rate_of, taxed
from tax.forms import CertificateForm, CountryForm, DecisionForm, PreviewForm
from tax.manifest import MANIFEST
from tax.model import CertificatesChanged, NoSuchCertificate, NoSuchCountry, NotNow, TooManyCertificates
from tax.tables import law_at
from tax.views import (
    CertificateList,
    CertificateView,
    CountryView,
    Inbox,
    Preview,
    PreviewedLine,
    RatesView,
)

api = ServiceApi(MANIFEST)
handler = api.handler

_MONTH = re.compile(r"20[0-9]{2}-(0[1-9]|1[0-2])")
_RATES_SECONDS = 300
CountryParam = Annotated[str, Query(pattern="^[A-Z]{2}$", description="ISO 3166-1 alpha-2.", examples=["DE"])]
RegionParam = Annotated[str, Query(max_length=40, description="State or province, as `CA` or `US-CA`.")]
PostalCodeParam = Annotated[str, Query(alias="postalCode", max_length=20, description="As people write it.")]
CustomerParam = Annotated[
    str, Query(alias="customerId", pattern=r"^[\w-]{0,64}$", description="Left out: everybody who waits.")
]
DetailParam = Annotated[Literal["summary", "items"], Query(description="Sums by rate, or every line.")]


@api.get("/v1/tax/rates", callers=[ANYONE], problems=[NoSuchCountry])
def rates(country: CountryParam, region: RegionParam = "", postalCode: PostalCodeParam = "") -> Response[RatesView]:
    """The tax at a place: what is charged today, what the law says, and what is announced for later."""
    place = Destination(country, region, postalCode)
    model.require_country(country)
    law = law_at(place)
    day = civil_day(clock.timestamp(), law.country)
    view = RatesView.of(law, place, day, store.overrides(law.country))
    return reply(view, cache_seconds=_RATES_SECONDS)


@api.get("/v1/me/tax-certificates", callers=[CUSTOMER])
def own_certificates() -> CertificateList:
    """The caller's certificates, whatever their status."""
    held, _ = store.certificates(api.caller.id)
    return CertificateList(items=[CertificateView.of(one) for one in held])


@api.post(
    "/v1/me/tax-certificates",
    callers=[CUSTOMER],
    status=201,
    problems=[TooManyCertificates, CertificatesChanged],
)
def submit(body: CertificateForm) -> CertificateView:
    """Hand in a certificate or a VAT number; it counts when staff have approved it. Twice the same is one."""
    return CertificateView.of(service.submit(api.caller.id, body.certificate()))


@api.delete(
    "/v1/me/tax-certificates/<certificate_id>",
    callers=[CUSTOMER],
    status=204,
    problems=[NoSuchCertificate, CertificatesChanged],
)
def withdraw(certificate_id: str) -> Response[None]:
    """Take a certificate back. What was bought under it stays as it is."""
    service.withdraw(api.caller.id, certificate_id)
    return Response(status_code=204)


@api.get("/v1/admin/tax/certificates", callers=[STAFF], needs="tax.read", problems=[BadCursor])
def certificates(customerId: CustomerParam = "", limit: Limit = 20, cursor: Cursor = None) -> Inbox:
    """A customer's certificates, or those of everybody who waits for a decision, the longest first."""
    if customerId:
        return Inbox.of({customerId: store.certificates(customerId)[0]})
    waiting, following = store.waiting_customers(limit=limit, cursor=cursor)
    held = store.certificates_of(waiting)
    return Inbox.of({customer: held.get(customer, ()) for customer in waiting}, following)


@api.post(
    "/v1/admin/tax/certificates/<certificate_id>/decision",
    callers=[STAFF],
    needs="tax.manage",
    problems=[NoSuchCertificate, NotNow, CertificatesChanged],
)
def decide(certificate_id: str, body: DecisionForm) -> CertificateView:
    """Approve, reject or end a customer's certificate. The same decision again changes nothing."""
    decided = service.decide(body.customer_id, certificate_id, body.decision, by=api.caller.id, note=body.note)
    return CertificateView.of(decided)


@api.get("/v1/admin/tax/countries/<country>", callers=[STAFF], needs="tax.read", problems=[NoSuchCountry])
def show_country(country: str) -> Response[CountryView]:
    """What is set for a country. Send its `ETag` as `If-Match` when changing it."""
    known = model.require_country(country)
    held = store.overrides(known, consistent=True)
    return reply(CountryView.of(known, held), version=held.version)


@api.put(
    "/v1/admin/tax/countries/<country>",
    callers=[STAFF],
    needs="tax.manage",
    problems=[NoSuchCountry, PreconditionFailed],
)
def change_country(country: str, body: CountryForm) -> Response[CountryView]:
    """Set a country's rates and registrations, now or from a later day on; with `If-Match`, only if it is as read."""
    known = model.require_country(country)
    present = store.overrides(known, consistent=True)
    api.require_match(present.version)
    changed = service.change(known, present, *_set(body), by=api.caller.id)
    return reply(CountryView.of(known, changed), version=changed.version)


@api.post("/v1/admin/tax/preview", callers=[STAFF], needs="tax.read", problems=[NoSuchCountry])
def preview(body: PreviewForm) -> Preview:
    """What some goods would be taxed at some place and moment, by what is set or by a draft of it. Nothing is kept."""
    place = body.destination.destination()
    country = model.require_country(place.country)
    if body.draft:
        draft = Overrides(*_set(body.draft))
        model.require_sound(country, draft.rates, draft.registrations)
    overrides = draft if body.draft else store.overrides(country, consistent=True)
    held = store.certificates(body.customer_id)[0] if body.customer_id else ()
    lines = []
    for line in body.lines:
        rate = rate_of(line.category, place, at=body.moment, overrides=overrides, certificates=held, origin=body.origin)
        lines.append(PreviewedLine.of(rate, taxed(line.charge, rate)))
    return Preview(at=body.moment, lines=lines, source=TABLE)


@api.get("/v1/admin/tax/filings/<month>", callers=[STAFF], needs="tax.read", problems=[BadCursor])
def filings(month: str, detail: DetailParam = "summary", limit: Limit = 50, cursor: Cursor = None) -> Response[Any]:
    """A month such as `2026-11` as CSV: sums by jurisdiction and rate, or every line; a `link` header leads on."""
    if not _MONTH.fullmatch(month):
        raise NotFound("There is no such month; write it as 2026-11.")
    if detail == "summary":
        if cursor:
            raise BadCursor
        rows = [views.summary_row(month, group, sums) for group, sums in sorted(store.sums_of(month).items())]
        return _csv(filing.csv_of(rows, views.SUMMARY, head=True))
    scope = f"tax|filings|{month}"
    at: dict[str, Any] = read_cursor(cursor, scope) if cursor else {"shard": 0, "cursor": None}
    found, following = store.filed(month, at["shard"], limit=limit, cursor=at["cursor"])
    items = [views.item_row(month, document, entry) for document, entries in found for entry in entries]
    onward = {"shard": at["shard"] if following else at["shard"] + 1, "cursor": following}
    address = f"/v1/admin/tax/filings/{month}?detail=items&limit={limit}&cursor={sign_cursor(onward, scope)}"
    return _csv(
        filing.csv_of(items, views.ITEMS, head=cursor is None),
        next_page=address if onward["shard"] < store.SHARDS else "",
    )


def _set(body: CountryForm) -> tuple[tuple[Override, ...], tuple[Registration, ...]]:
    return tuple(one.override() for one in body.rates), tuple(one.registration() for one in body.registrations)


def _csv(text: str, *, next_page: str = "") -> Response[Any]:
    headers: dict[str, str | list[str]] = {"link": f'<{next_page}>; rel="next"'} if next_page else {}
    return Response(status_code=200, content_type="text/csv; charset=utf-8", body=text, headers=headers)
