"""What is owed at a sale, for those who sell: keys, readers and pure functions, no I/O.

    items = table.batch_get([table_key(country), certificates_key(customer_id)])     # both may be missing
    rate = rate_of(
        offer.tax_category, Destination("DE", postal_code="10115"), at=now,
        overrides=read_overrides(items.get(table_key(country))),
        certificates=read_certificates(items.get(certificates_key(customer_id))),
    )
    line = taxed(charge, rate)                                                       # net + tax = gross, to the unit

Where we are registered we charge what the law says (`tables`) or what staff set instead; elsewhere nothing. Without
any set-up we are registered in the European Union (one-stop shop) and nowhere else: staff register more, a state or a
country with its first day. Prices contain the tax, but for the United States and Canada, where it comes on top. A price
stays the same whatever the tax in it: who is exempt pays what others pay, where prices contain the tax.

Rates are thousandths of a percent: 19 % is 19000, 6.875 % is 6875. The day that counts is that of the destination.

Another company may know better (setting TAX_PROVIDER): what to send it and how to read its answer is in `inquiry`, how
long an answer counts in `answers`.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from functools import lru_cache
from typing import Any

import orjson

from market.money import Money
from market.table import Key
from tax.answers import FREE as FREE
from tax.answers import Unknown as Unknown
from tax.answers import answer_key as answer_key
from tax.answers import is_kept as is_kept
from tax.answers import kept as kept
from tax.answers import read_kept as read_kept
from tax.answers import silence as silence
from tax.answers import silence_key as silence_key
from tax.categories import CATEGORIES as CATEGORIES
from tax.categories import DIGITAL as DIGITAL
from tax.categories import EXEMPT as EXEMPT
from tax.categories import PLATFORM as PLATFORM
from tax.categories import REDUCED as REDUCED
from tax.categories import STANDARD as STANDARD
from tax.categories import VENDOR as VENDOR
from tax.categories import WHOLE, Place, civil_day, normalised
from tax.categories import Destination as Destination
from tax.inquiry import AVALARA as AVALARA
from tax.inquiry import SHIPPING as SHIPPING
from tax.inquiry import TABLE as TABLE
from tax.inquiry import TAXJAR as TAXJAR
from tax.inquiry import AddressRefused as AddressRefused
from tax.inquiry import Answer as Answer
from tax.inquiry import Asked as Asked
from tax.inquiry import LineAnswer as LineAnswer
from tax.inquiry import ProviderFailed as ProviderFailed
from tax.inquiry import Question as Question
from tax.inquiry import answers as answers
from tax.inquiry import provider_request as provider_request
from tax.inquiry import read_answer as read_answer
from tax.manifest import MANIFEST as MANIFEST
from tax.tables import Law, european_union, law_at

EXEMPTION, VAT_ID = "exemption", "vat_id"
"""Kinds of certificates: an authority's paper, and an EU VAT number, under which the buyer owes the tax."""

WAITING, APPROVED, REJECTED, EXPIRED = "waiting", "approved", "rejected", "expired"
"""Status of a certificate; only an approved one counts, from its first day to its last."""

NOT_REGISTERED, EXEMPT_GOODS, CERTIFIED, REVERSE_CHARGE = (
    "not_registered", "exempt_goods", "certificate", "reverse_charge",
)  # fmt: skip
"""Why nothing is charged where otherwise something would be; an invoice has to say so of the last two."""

NORTHERN_IRELAND = "XI"
"""How VAT numbers of Northern Ireland begin: for goods, not for services, it is in the EU."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rate:
    """The tax on one line. rate: thousandths of a percent; jurisdiction: such as `DE`, `US-CA`, `PT-20`.

    inclusive: the price contains it; else it comes on top. collected_by: who owes it to the tax office, `platform`, or
    `vendor`, whose earnings it is then part of. exemption: one of the reasons above, or empty; certificate: its id.
    """

    rate: int
    name: str
    jurisdiction: str
    inclusive: bool = True
    collected_by: str = PLATFORM
    exemption: str = ""
    certificate: str = ""

    @property
    def country(self) -> str:
        """Whose tax office it goes to: Monaco's is that of France."""
        return self.jurisdiction[:2]

    @property
    def note(self) -> str:
        """What documents say of a line without tax: `exempt`, `reverse_charge`, or nothing."""
        return {CERTIFIED: "exempt", EXEMPT_GOODS: "exempt", REVERSE_CHARGE: "reverse_charge"}.get(self.exemption, "")


@dataclass(frozen=True, slots=True)
class Taxed:
    """What a line comes to: net + tax = gross, and gross is what the customer pays."""

    net: Money
    tax: Money
    gross: Money


@dataclass(frozen=True, slots=True, kw_only=True)
class Override:
    """A rate that staff set for a category, from its first day to its last (empty: until further notice).

    region: empty for the whole country, but for those of its places that have a law of their own; postal_prefix: only
    where the postal code begins so.
    """

    category: str
    rate: int
    since: str
    until: str = ""
    region: str = ""
    postal_prefix: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Registration:
    """Where we may charge tax from a day on. region: empty for the whole country; collected_by: who does."""

    since: str
    until: str = ""
    region: str = ""
    collected_by: str = PLATFORM


_ONE_STOP_SHOP = Registration(since="")


@dataclass(frozen=True, slots=True)
class Overrides:
    """What staff set for a country. version: 0 before the first change."""

    rates: tuple[Override, ...] = ()
    registrations: tuple[Registration, ...] = ()
    version: int = 0

    def days(self) -> frozenset[str]:
        """The days from which on something else counts."""
        since = {one.since for one in self.rates} | {one.since for one in self.registrations}
        until = {one.until for one in self.rates} | {one.until for one in self.registrations}
        return frozenset(since | {_day_after(last) for last in until if last})


NONE = Overrides()


@dataclass(frozen=True, slots=True, kw_only=True)
class Certificate:
    """Why a customer owes no tax. jurisdiction: a country or `US-CA`; of a VAT number the country, or `XI`.

    number, reason: personal data. document: key of the paper, if one was handed in. Days are inclusive.
    """

    id: str
    kind: str
    number: str
    jurisdiction: str
    valid_from: str
    valid_until: str
    reason: str = ""
    document: str = ""
    status: str = WAITING
    submitted_at: str = ""
    decided_at: str = ""
    decided_by: str = ""
    note: str = ""


def table_key(country: str) -> Key:
    """Where staff's rates and registrations of a destination are, whichever code it is known by."""
    return Key(f"TAX#{normalised(Destination(country)).country}")


def certificates_key(customer_id: str) -> Key:
    return Key(f"TXC#{customer_id}")


def read_overrides(item: Mapping[str, Any] | None) -> Overrides:
    """What `table_key` leads to; without an item nothing is set."""
    if item is None:
        return NONE
    rates = tuple(
        Override(category=category, rate=rate, since=since, until=until, region=region, postal_prefix=prefix)
        for category, rate, since, until, region, prefix in orjson.loads(item["rates"])
    )
    registrations = tuple(
        Registration(since=since, until=until, region=region, collected_by=collector)
        for since, until, region, collector in orjson.loads(item["registrations"])
    )
    return Overrides(rates, registrations, item["version"])


def read_certificates(item: Mapping[str, Any] | None) -> tuple[Certificate, ...]:
    """What `certificates_key` leads to: every certificate of the customer, whatever its status."""
    return tuple(Certificate(**row) for row in orjson.loads(item["certificates"])) if item else ()


def rate_of(
    category: str,
    destination: Place,
    *,
    at: str,
    overrides: Overrides = NONE,
    certificates: Sequence[Certificate] = (),
    origin: str = "",
) -> Rate:
    """The tax on goods of a category at a destination, at a moment (ISO 8601).

    destination: anything with `country`, `region` and `postal_code`. origin: the country that the goods come from, if
    it is known: within one country a VAT number changes nothing.
    """
    law = law_at(destination)
    day = civil_day(at, law.country)
    registration = _registration(law, day, overrides)
    if registration is None:
        return _nothing(law, NOT_REGISTERED)
    if category == EXEMPT:
        return _nothing(law, EXEMPT_GOODS, registration.collected_by)
    for certificate in certificates:
        exemption = _exemption(certificate, law, category, day, origin)
        if exemption:
            return _nothing(law, exemption, registration.collected_by, certificate.id)
    override = _override(category, law, destination, day, overrides) if overrides.rates else None
    rate = law.rate(category, day) if override is None else override.rate
    return _rate(rate, law.name, law.jurisdiction, law.inclusive, registration.collected_by)


def tax_in(charge: Money, rate: int) -> Money:
    """The tax in a price that contains it, rounded half up to the currency's minor unit."""
    whole = WHOLE + rate
    return Money((2 * charge.amount * rate + whole) // (2 * whole), charge.currency)


def tax_on(net: Money, rate: int) -> Money:
    """The tax that comes on top of a price, rounded half up to the currency's minor unit."""
    return Money((2 * net.amount * rate + WHOLE) // (2 * WHOLE), net.currency)


def taxed(charge: Money, rate: Rate) -> Taxed:
    """What a line comes to whose price, after discounts, is `charge`."""
    if rate.inclusive:
        tax = tax_in(charge, rate.rate)
        return Taxed(charge - tax, tax, charge)
    tax = tax_on(charge, rate.rate)
    return Taxed(charge, tax, charge + tax)


def _nothing(law: Law, exemption: str, collector: str = PLATFORM, certificate: str = "") -> Rate:
    rate = _rate(0, law.name, law.jurisdiction, law.inclusive, collector, exemption)
    return replace(rate, certificate=certificate) if certificate else rate


@lru_cache(maxsize=1024)
def _rate(
    rate: int,
    name: str,
    jurisdiction: str,
    inclusive: bool,
    collector: str,
    exemption: str = "",
) -> Rate:
    """The same ones for most lines of most orders."""
    return Rate(
        rate=rate,
        name=name,
        jurisdiction=jurisdiction,
        inclusive=inclusive,
        collected_by=collector,
        exemption=exemption,
    )


def _registration(law: Law, day: str, overrides: Overrides) -> Registration | None:
    """The youngest that counts, a region's own before the country's. In the EU there is one without any set-up."""
    named = [one for one in overrides.registrations if _counts(one.since, one.until, day) and _is_in(one.region, law)]
    if named:
        return max(named, key=lambda one: (one.region, one.since))
    return _ONE_STOP_SHOP if law.country in european_union() else None


def _override(category: str, law: Law, destination: Place, day: str, overrides: Overrides) -> Override | None:
    """What staff set for the smallest place that fits; of several for the same place the youngest.

    Digital goods without a rate of their own have the standard rate, set or lawful.
    """
    postal_code = normalised(destination).postal_code
    fitting = [
        one
        for one in overrides.rates
        if _counts(one.since, one.until, day)
        and _is_in(one.region, law, whole=bool(one.postal_prefix) or not law.own)
        and postal_code.startswith(one.postal_prefix)
    ]
    wanted = (category, STANDARD) if category == DIGITAL else (category,)
    for name in wanted:
        named = [one for one in fitting if one.category == name]
        if named:
            return max(named, key=lambda one: (len(one.postal_prefix), one.region, one.since))
    return None


def _exemption(certificate: Certificate, law: Law, category: str, day: str, origin: str) -> str:
    """Why the certificate frees goods here from tax, or nothing."""
    if certificate.status != APPROVED or not _counts(certificate.valid_from, certificate.valid_until, day):
        return ""
    if certificate.kind == EXEMPTION:
        return CERTIFIED if certificate.jurisdiction in (law.jurisdiction, law.country) else ""
    if certificate.jurisdiction == NORTHERN_IRELAND:
        crossing = law.jurisdiction == "GB-NIR" and category != DIGITAL and origin != "GB"
        return REVERSE_CHARGE if crossing else ""
    crossing = law.country in european_union() and certificate.jurisdiction == law.country != origin
    return REVERSE_CHARGE if crossing else ""


def _day_after(day: str) -> str:
    return (date.fromisoformat(day) + timedelta(days=1)).isoformat()


def _counts(since: str, until: str, day: str) -> bool:
    return since <= day and (not until or day <= until)


def _is_in(region: str, law: Law, *, whole: bool = True) -> bool:
    """Whether what is said of a region concerns the place; `whole`: what is said of its country does as well."""
    return law.region == region if region else whole


def compact_rates(rates: Iterable[Override]) -> str:
    """As `read_overrides` reads them."""
    rows = [[r.category, r.rate, r.since, r.until, r.region, r.postal_prefix] for r in rates]
    return orjson.dumps(rows).decode()


def compact_registrations(registrations: Iterable[Registration]) -> str:
    """As `read_overrides` reads them."""
    return orjson.dumps([[r.since, r.until, r.region, r.collected_by] for r in registrations]).decode()
