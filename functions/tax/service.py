"""What staff and customers do about tax, and what becomes of sales: filed by month, and told to a provider if any."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from market import clock, ids, log
from market.money import Money
from orders.contract import OrderSnapshot
from tax import filing, gateway, model, store
from tax.categories import PLATFORM, Destination
from tax.contract import SHIPPING, Asked, Certificate, Override, Overrides, Question, Registration, answers
from tax.filing import Entry
from tax.model import CertificatesChanged, NoSuchCertificate
from tax.store import AlreadyFiled

_TRIES = 4


def change(
    country: str, present: Overrides, rates: Sequence[Override], registrations: Sequence[Registration], *, by: str
) -> Overrides:
    """Set a country's rates and registrations in place of those that were read.

    Raises Unprocessable, or PreconditionFailed if they have changed since.
    """
    model.require_sound(country, rates, registrations)
    changed = Overrides(tuple(rates), tuple(registrations), present.version + 1)
    store.save_overrides(country, changed, by=by)
    log.info("tax of a country changed", country=country, version=changed.version)
    return changed


def submit(customer_id: str, certificate: Certificate) -> Certificate:
    """Hand in a certificate. The same one again, by kind, number, place and days, is the one that is there.

    Raises Unprocessable, TooManyCertificates, or CertificatesChanged if others keep changing them.
    """
    sound = model.require_certificate(certificate)
    for attempt in range(_TRIES):
        held, seen = store.certificates(customer_id)
        same = next((one for one in held if _is_same(one, sound)), None)
        if same:
            return same
        new = replace(sound, id=ids.new("txc"), submitted_at=clock.timestamp())
        try:
            store.save_certificates(customer_id, model.with_another(held, new), seen=seen)
        except CertificatesChanged:
            if attempt == _TRIES - 1:
                raise
        else:
            return new
    raise AssertionError


def withdraw(customer_id: str, certificate_id: str) -> None:
    """The customer takes a certificate back. Raises NoSuchCertificate or CertificatesChanged."""
    held, seen = store.certificates(customer_id)
    _named(held, certificate_id)
    store.save_certificates(customer_id, [one for one in held if one.id != certificate_id], seen=seen)


def decide(customer_id: str, certificate_id: str, status: str, *, by: str, note: str) -> Certificate:
    """Staff's word on a certificate. Raises NoSuchCertificate, NotNow or CertificatesChanged."""
    held, seen = store.certificates(customer_id)
    present = _named(held, certificate_id)
    new = model.decided(present, status, by=by, at=clock.timestamp(), note=note)
    if new != present:
        store.save_certificates(customer_id, [new if one is present else one for one in held], seen=seen)
        log.info("certificate decided", customer_id=customer_id, certificate_id=certificate_id, status=status)
    return new


def sold(customer_id: str, order_id: str) -> None:
    """File a paid order, and tell the provider. Repeated, it changes nothing."""
    order = store.order_of(customer_id, order_id)
    _file(order.id, filing.month_of(order.paid_at, order.tax_place), filing.entries_of(order))
    _record_sale(order)


def given_back(refund: Mapping[str, Any], at: str) -> None:
    """File a refund that succeeded at a moment, and tell the provider. Repeated, it changes nothing."""
    order = store.order_of(refund["customer_id"], refund["order_id"])
    entries = filing.refund_entries(order, refund)
    _file(refund["refund_id"], filing.month_of(at, order.tax_place), entries)
    provider, ours = _record_sale(order), _ours(entries)
    if provider and ours and not store.recorded_by(refund["refund_id"]):
        gateway.record(provider, _question(order, refund["refund_id"], at, ours, refund_of=order.id))
        store.recorded(refund["refund_id"], provider)


def _file(document: str, month: str, entries: Sequence[Entry]) -> None:
    if not entries:
        return
    try:
        store.file(document, month, entries)
    except AlreadyFiled:
        log.info("filed already", document=document)


def _record_sale(order: OrderSnapshot) -> str:
    """The provider that has the sale now; empty if none is to have it.

    The mark is set after the provider's yes: what a crash leaves unmarked is sent again and refused as a duplicate.
    """
    known = store.recorded_by(order.id)
    if known:
        return known
    provider, ours = gateway.provider(), _ours(filing.entries_of(order))
    if not provider or not ours:
        return ""
    question = _question(order, order.id, order.paid_at, ours)
    if not answers(provider, question):
        return ""
    gateway.record(provider, question)
    store.recorded(order.id, provider)
    return provider


def _ours(entries: Sequence[Entry]) -> list[Entry]:
    return [entry for entry in entries if entry.collected_by == PLATFORM]


def _question(order: OrderSnapshot, code: str, at: str, entries: Sequence[Entry], *, refund_of: str = "") -> Question:
    sign = -1 if refund_of else 1
    added = any(line.tax_added for line in order.lines) or any(part.shipping_tax_added for part in order.parts)
    return Question(
        code=code,
        at=at,
        customer=order.customer_id,
        destination=Destination(order.country, order.address.get("state", ""), order.address.get("postalCode", "")),
        city=order.address.get("city", ""),
        street=order.address.get("line1", ""),
        inclusive=not added,
        refund_of=refund_of,
        lines=[_asked(number, entry, order.currency, sign, added=added) for number, entry in enumerate(entries, 1)],
    )


def _asked(number: int, entry: Entry, currency: str, sign: int, *, added: bool) -> Asked:
    amount = entry.net if added else entry.net + entry.tax
    return Asked(
        number=str(number),
        category=SHIPPING if entry.what == filing.SHIPPING else "",
        sku="" if entry.what == filing.SHIPPING else entry.what,
        amount=Money(sign * amount, currency),
        tax=Money(sign * entry.tax, currency),
    )


def _named(held: Sequence[Certificate], certificate_id: str) -> Certificate:
    for one in held:
        if one.id == certificate_id:
            return one
    raise NoSuchCertificate("There is no such certificate.")


def _is_same(one: Certificate, other: Certificate) -> bool:
    names = ("kind", "number", "jurisdiction", "valid_from", "valid_until")
    return all(getattr(one, name) == getattr(other, name) for name in names)
