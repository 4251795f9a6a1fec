"""How tax looks on the wire."""

from collections.abc import Iterable, Mapping

from pydantic import Field

from market.http import View
from market.money import Money
from tax.categories import DIGITAL, REDUCED, STANDARD, Place
from tax.contract import Certificate, Overrides, Rate, Taxed, rate_of
from tax.filing import Entry, Sums
from tax.tables import Law, zones_of

THOUSANDTHS = "Thousandths of a percent: 19 % is 19000."


class RateView(View):
    """`exemption`: why nothing is charged: `not_registered`, `exempt_goods`, `certificate` or `reverse_charge`."""

    rate: int = Field(description=THOUSANDTHS)
    name: str
    jurisdiction: str
    price_includes_tax: bool
    collected_by: str
    exemption: str | None = None

    @classmethod
    def of(cls, rate: Rate) -> "RateView":
        return cls(
            rate=rate.rate,
            name=rate.name,
            jurisdiction=rate.jurisdiction,
            price_includes_tax=rate.inclusive,
            collected_by=rate.collected_by,
            exemption=rate.exemption or None,
        )


class LawRates(View):
    """What the law says on a day, whether we are registered there or not; `alsoReduced`: further reduced rates."""

    standard: int = Field(description=THOUSANDTHS)
    reduced: int = Field(description=THOUSANDTHS)
    also_reduced: list[int]

    @classmethod
    def of(cls, law: Law, day: str) -> "LawRates":
        return cls(
            standard=law.rate(STANDARD, day),
            reduced=law.rate(REDUCED, day),
            also_reduced=list(law.reduced_rates(day)[1:]),
        )


class Announced(View):
    """From this day on another rate counts."""

    since: str
    standard: int = Field(description=THOUSANDTHS)
    reduced: int = Field(description=THOUSANDTHS)
    digital: int = Field(description=THOUSANDTHS)


class RatesView(View):
    """The tax at a place: what is charged today by category, what the law says, and what is announced."""

    jurisdiction: str
    name: str
    place: str | None = None
    price_includes_tax: bool
    day: str
    standard: RateView
    reduced: RateView
    digital: RateView
    law: LawRates
    announced: list[Announced]

    @classmethod
    def of(cls, law: Law, place: Place, day: str, set_by_staff: Overrides) -> "RatesView":
        def charged(category: str, on: str) -> Rate:
            return rate_of(category, place, at=on, overrides=set_by_staff)

        changes = {*law.days(), *set_by_staff.days()}
        return cls(
            jurisdiction=law.jurisdiction,
            name=law.name,
            place=law.place or None,
            price_includes_tax=law.inclusive,
            day=day,
            standard=RateView.of(charged(STANDARD, day)),
            reduced=RateView.of(charged(REDUCED, day)),
            digital=RateView.of(charged(DIGITAL, day)),
            law=LawRates.of(law, day),
            announced=[
                Announced(
                    since=on,
                    standard=charged(STANDARD, on).rate,
                    reduced=charged(REDUCED, on).rate,
                    digital=charged(DIGITAL, on).rate,
                )
                for on in sorted(changes)
                if on > day
            ],
        )


class OverrideView(View):
    category: str
    rate: int = Field(description=THOUSANDTHS)
    since: str
    until: str | None = None
    region: str | None = None
    postal_prefix: str | None = None


class RegistrationView(View):
    since: str
    until: str | None = None
    region: str | None = None
    collected_by: str


class ZoneView(View):
    jurisdiction: str
    name: str


class CountryView(View):
    """What staff set for a country, and its places with a law of their own."""

    country: str
    version: int
    rates: list[OverrideView]
    registrations: list[RegistrationView]
    zones: list[ZoneView]

    @classmethod
    def of(cls, country: str, held: Overrides) -> "CountryView":
        return cls(
            country=country,
            version=held.version,
            rates=[
                OverrideView(
                    category=one.category,
                    rate=one.rate,
                    since=one.since,
                    until=one.until or None,
                    region=one.region or None,
                    postal_prefix=one.postal_prefix or None,
                )
                for one in held.rates
            ],
            registrations=[
                RegistrationView(
                    since=one.since,
                    until=one.until or None,
                    region=one.region or None,
                    collected_by=one.collected_by,
                )
                for one in held.registrations
            ],
            zones=[ZoneView(jurisdiction=jurisdiction, name=name) for jurisdiction, name in zones_of(country)],
        )


class CertificateView(View):
    """`status`: waiting, approved, rejected or expired; `note`: what staff said of it."""

    certificate_id: str
    kind: str
    number: str
    jurisdiction: str
    valid_from: str
    valid_until: str
    reason: str | None = None
    document: str | None = None
    status: str
    submitted_at: str
    decided_at: str | None = None
    note: str | None = None

    @classmethod
    def of(cls, one: Certificate) -> "CertificateView":
        return cls(
            certificate_id=one.id,
            kind=one.kind,
            number=one.number,
            jurisdiction=one.jurisdiction,
            valid_from=one.valid_from,
            valid_until=one.valid_until,
            reason=one.reason or None,
            document=one.document or None,
            status=one.status,
            submitted_at=one.submitted_at,
            decided_at=one.decided_at or None,
            note=one.note or None,
        )


class CertificateList(View):
    items: list[CertificateView]


class CustomerCertificates(View):
    customer_id: str
    items: list[CertificateView]


class Inbox(View):
    """Customers with their certificates."""

    items: list[CustomerCertificates]
    next_cursor: str | None = None

    @classmethod
    def of(cls, found: Mapping[str, Iterable[Certificate]], following: str | None = None) -> "Inbox":
        return cls(
            items=[
                CustomerCertificates(customer_id=customer, items=[CertificateView.of(one) for one in held])
                for customer, held in found.items()
            ],
            next_cursor=following,
        )


class PreviewedLine(View):
    rate: RateView
    net: Money
    tax: Money
    gross: Money

    @classmethod
    def of(cls, rate: Rate, line: Taxed) -> "PreviewedLine":
        return cls(rate=RateView.of(rate), net=line.net, tax=line.tax, gross=line.gross)


class Preview(View):
    """Each line with its tax; `source`: what worked it out."""

    at: str
    lines: list[PreviewedLine]
    source: str


SUMMARY = (
    "month", "jurisdiction", "currency", "collected_by", "rate", "note", "taxable", "exempt", "tax", "refunded",
    "refunded_exempt", "refunded_tax", "due",
)  # fmt: skip
ITEMS = (
    "month", "document", "kind", "jurisdiction", "currency", "collected_by", "rate", "note", "vendor_id", "what", "net",
    "tax",
)  # fmt: skip
"""Columns of the two exports; amounts are minor units, rates thousandths of a percent."""


def summary_row(month: str, group: str, sums: Sums) -> dict[str, str | int]:
    jurisdiction, currency, collected_by, rate, note = group.split("#")
    figures = {name: getattr(sums, name) for name in Sums.names()}
    head: dict[str, str | int] = {"month": month, "jurisdiction": jurisdiction, "currency": currency}
    return head | {"collected_by": collected_by, "rate": int(rate), "note": note} | figures | {"due": sums.due}


def item_row(month: str, document: str, entry: Entry) -> dict[str, str | int]:
    row: dict[str, str | int] = {"month": month, "document": document}
    return row | {name: getattr(entry, name) for name in ITEMS[2:]}
