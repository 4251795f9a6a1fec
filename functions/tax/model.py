"""Rules of what staff and customers may say of tax: pure."""

import re
from collections.abc import Sequence
from dataclasses import replace

from market.errors import Conflict, NotFound, Unprocessable
from tax.categories import CATEGORIES, EXEMPT, VENDOR, Destination
from tax.contract import (
    APPROVED,
    EXPIRED,
    NORTHERN_IRELAND,
    REJECTED,
    VAT_ID,
    WAITING,
    Certificate,
    Override,
    Registration,
)
from tax.tables import countries, european_union, law_at

MAX_RATES, MAX_REGISTRATIONS, MAX_CERTIFICATES = 200, 60, 20
"""So that a country's item, and a customer's, stays within a few kilobytes."""

_COUNTRY = re.compile(r"[A-Z]{2}")
_REGION = re.compile(r"[A-Z0-9]{1,3}")

_MOVES = {WAITING: {APPROVED, REJECTED}, APPROVED: {EXPIRED}, REJECTED: {APPROVED}, EXPIRED: set[str]()}

FACILITATOR_ONLY = frozenset({"US"})
"""Where the law makes the marketplace collect: no state with a sales tax leaves it to the vendors."""


class NoSuchCountry(NotFound):
    """Not a country that we know a tax of."""


class NoSuchCertificate(NotFound):
    """The customer has no certificate of this id."""


class NotNow(Conflict):
    """A certificate cannot go from its status to this one; `certificateStatus` says how it is."""

    code, title = "certificate_decided", "Decided already"


class CertificatesChanged(Conflict):
    """Somebody changed the customer's certificates at the same time; nothing was kept."""

    code, title = "certificates_changed", "Changed by someone else"


class TooManyCertificates(Conflict):
    """The customer has as many certificates as one may have."""

    code, title = "too_many_certificates", "Too many certificates"


def require_country(code: str) -> str:
    """The country as the table of rates knows it. Raises NoSuchCountry."""
    country = law_at(Destination(code)).country if _COUNTRY.fullmatch(code) else ""
    if country not in countries():
        raise NoSuchCountry("We know no tax of this country.")
    return country


def require_sound(country: str, rates: Sequence[Override], registrations: Sequence[Registration]) -> None:
    """Raises Unprocessable for what contradicts itself, or what the law does not leave to us."""
    wrong = [*_wrong_rates(rates), *_wrong_registrations(country, registrations)]
    if wrong:
        raise Unprocessable("The country cannot be set like this.", errors=wrong)


def decided(certificate: Certificate, status: str, *, by: str, at: str, note: str) -> Certificate:
    """Staff's word on a certificate. The same word again changes nothing. Raises NotNow."""
    if certificate.status == status:
        return certificate
    if status not in _MOVES[certificate.status]:
        raise NotNow(f"The certificate is {certificate.status}.", certificateStatus=certificate.status)
    return replace(certificate, status=status, decided_at=at, decided_by=by, note=note)


def require_certificate(certificate: Certificate) -> Certificate:
    """The certificate in one spelling. Raises Unprocessable if it cannot be one."""
    wrong = []
    if certificate.valid_until < certificate.valid_from:
        wrong.append(_error("body.validUntil", "before_first_day", "It ends before it begins."))
    number = certificate.number
    if certificate.kind == VAT_ID:
        number = _vat_number(certificate)
        if not number:
            wrong.append(_error("body.number", "vat_number_invalid", "This is no VAT number of that country."))
    elif law_at(Destination(*certificate.jurisdiction.partition("-")[::2])).country not in countries():
        wrong.append(_error("body.jurisdiction", "unknown_jurisdiction", "We know no tax of this place."))
    if wrong:
        raise Unprocessable("This is not a certificate.", errors=wrong)
    return replace(certificate, number=number)


def with_another(held: Sequence[Certificate], certificate: Certificate) -> tuple[Certificate, ...]:
    """The customer's certificates with one more. Raises TooManyCertificates."""
    if len(held) >= MAX_CERTIFICATES:
        raise TooManyCertificates(f"A customer may have {MAX_CERTIFICATES}.")
    return (*held, certificate)


def _vat_number(certificate: Certificate) -> str:
    """The number with its country in front, its check digits being right; empty if it is none."""
    from tax import vat_numbers

    if certificate.jurisdiction not in {*european_union(), NORTHERN_IRELAND}:
        return ""
    return vat_numbers.normalised(certificate.number, certificate.jurisdiction)


def _wrong_rates(rates: Sequence[Override]) -> list[dict[str, str]]:
    wrong, seen = [], set[tuple[str, ...]]()
    if len(rates) > MAX_RATES:
        return [_error("body.rates", "too_long", f"There is room for {MAX_RATES} rates.")]
    for number, rate in enumerate(rates):
        where = f"body.rates.{number}"
        if rate.category not in CATEGORIES or rate.category == EXEMPT:
            wrong.append(_error(f"{where}.category", "category_not_taxed", "Exempt goods have no rate."))
        wrong += _wrong_period(where, rate.since, rate.until, rate.region)
        same = rate.category, rate.region, rate.postal_prefix, rate.since
        if same in seen:
            wrong.append(_error(f"{where}.since", "duplicate", "There is another rate from this day on."))
        seen.add(same)
    return wrong


def _wrong_registrations(country: str, registrations: Sequence[Registration]) -> list[dict[str, str]]:
    wrong, seen = [], set[tuple[str, str]]()
    if len(registrations) > MAX_REGISTRATIONS:
        return [_error("body.registrations", "too_long", f"There is room for {MAX_REGISTRATIONS} registrations.")]
    for number, registration in enumerate(registrations):
        where = f"body.registrations.{number}"
        wrong += _wrong_period(where, registration.since, registration.until, registration.region)
        if registration.collected_by == VENDOR and country in FACILITATOR_ONLY:
            wrong.append(
                _error(f"{where}.collectedBy", "facilitator_required", "The law makes the marketplace collect here.")
            )
        if (registration.region, registration.since) in seen:
            wrong.append(_error(f"{where}.since", "duplicate", "There is another registration from this day on."))
        seen.add((registration.region, registration.since))
    return wrong


def _wrong_period(where: str, since: str, until: str, region: str) -> list[dict[str, str]]:
    wrong = []
    if until and until < since:
        wrong.append(_error(f"{where}.until", "before_first_day", "It ends before it begins."))
    if region and not _REGION.fullmatch(region):
        wrong.append(_error(f"{where}.region", "not_a_region", "Write the region without its country, such as CA."))
    return wrong


def _error(field: str, code: str, message: str) -> dict[str, str]:
    return {"field": field, "code": code, "message": message}
