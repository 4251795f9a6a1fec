"""What is told to tax offices: the figures of sold and refunded lines, and their sums. Pure.

A month is that of the place's own calendar. What a line brings is the amount without tax, `taxable` where there was a
rate and `exempt` where there was none, and the tax; refunds count in the month in which they happen, apart from sales.
The tax of all months, refunds taken off, is what the ledger's accounts `tax:<place>` say: where the vendor collects it,
it is in the figures, but in no account of ours.
"""

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import astuple, dataclass, fields
from typing import Any

import orjson

from market.money import Money
from orders.contract import LineSnapshot, OrderSnapshot, Part
from tax.categories import PLATFORM, VENDOR, civil_day

SALE, REFUND = "sale", "refund"
GOODS, SHIPPING = "goods", "shipping"


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One line as it counts for tax, in minor units. kind: `sale` or `refund`, both with positive amounts.

    net: without the tax. note: why there is no tax, if there is a reason. what: a SKU, or `shipping`.
    """

    kind: str
    jurisdiction: str
    currency: str
    collected_by: str
    rate: int
    note: str
    net: int
    tax: int
    vendor_id: str
    what: str

    @property
    def group(self) -> str:
        """What it is summed up with."""
        return "#".join((self.jurisdiction, self.currency, self.collected_by, f"{self.rate:06}", self.note))


@dataclass(frozen=True, slots=True)
class Sums:
    """Figures of a group, in minor units."""

    taxable: int = 0
    exempt: int = 0
    tax: int = 0
    refunded: int = 0
    refunded_exempt: int = 0
    refunded_tax: int = 0

    def __add__(self, other: "Sums") -> "Sums":
        return Sums(*(one + more for one, more in zip(astuple(self), astuple(other), strict=True)))

    @classmethod
    def names(cls) -> list[str]:
        return [field.name for field in fields(cls)]

    @property
    def due(self) -> int:
        """What is owed to the tax office."""
        return self.tax - self.refunded_tax


def month_of(at: str, place: str) -> str:
    """The month, `2026-11`, that a moment belongs to at a place such as `DE` or `US-CA`."""
    return civil_day(at, place[:2])[:7]


def entries_of(order: OrderSnapshot) -> list[Entry]:
    """What a paid order brings, line by line and parcel by parcel; nothing for what costs nothing."""
    parts = {part.vendor_id: part for part in order.parts}
    entries = [_goods(order, line, parts[line.vendor_id]) for line in order.lines]
    entries += [_parcel(order, part) for part in order.parts]
    return [entry for entry in entries if entry.net or entry.tax]


def refund_entries(order: OrderSnapshot, refund: Mapping[str, Any]) -> list[Entry]:
    """What a `refund.succeeded` takes back, at the rates at which it was sold."""
    sold = {(entry.vendor_id, entry.what): entry for entry in entries_of(order)}
    told = [(line["vendor_id"], line["sku"], line) for line in refund["lines"]]
    told += [(parcel["vendor_id"], SHIPPING, parcel) for parcel in refund["shipping"]]
    back = []
    for vendor_id, what, piece in told:
        amount, tax = piece["amount"]["amount"], piece["tax"]["amount"]
        if amount:
            back.append(_back(sold[vendor_id, what], amount - tax, tax))
    return back


def summed(entries: Iterable[Entry]) -> dict[str, Sums]:
    """Figures by group, `<jurisdiction>#<currency>#<who collects>#<rate>#<note>`."""
    found: dict[str, Sums] = {}
    for entry in entries:
        found[entry.group] = found.get(entry.group, Sums()) + _sums(entry)
    return dict(sorted(found.items()))


def compact_entries(entries: Sequence[Entry]) -> str:
    return orjson.dumps([astuple(entry) for entry in entries]).decode()


def read_entries(text: str) -> list[Entry]:
    names = [field.name for field in fields(Entry)]
    return [Entry(**dict(zip(names, row, strict=True))) for row in orjson.loads(text)]


def csv_of(rows: Iterable[Mapping[str, str | int]], columns: Sequence[str], *, head: bool) -> str:
    """Comma-separated values (RFC 4180). Texts that a spreadsheet would run as a formula get a `'` in front."""
    page = io.StringIO()
    writer = csv.DictWriter(page, columns, lineterminator="\r\n")
    if head:
        writer.writeheader()
    writer.writerows({name: _harmless(value) for name, value in row.items()} for row in rows)
    return page.getvalue()


def _harmless(value: str | int) -> str | int:
    risky = isinstance(value, str) and value.startswith(("=", "+", "-", "@", "\t", "\r"))
    return f"'{value}" if risky else value


def _goods(order: OrderSnapshot, line: LineSnapshot, part: Part) -> Entry:
    tax = line.tax or Money(0, order.currency)
    return _entry(order, part, line.charge, tax, line.tax_rate, line.tax_note, line.sku)


def _parcel(order: OrderSnapshot, part: Part) -> Entry:
    return _entry(order, part, part.shipping_charge, part.shipping_tax, part.shipping_tax_rate, "", SHIPPING)


def _entry(order: OrderSnapshot, part: Part, charge: Money, tax: Money, rate: int, note: str, what: str) -> Entry:
    return Entry(
        kind=SALE,
        jurisdiction=order.tax_place,
        currency=order.currency,
        collected_by=VENDOR if part.tax_by_vendor else PLATFORM,
        rate=rate,
        note=note,
        net=charge.amount - tax.amount,
        tax=tax.amount,
        vendor_id=part.vendor_id,
        what=what,
    )


def _back(sold: Entry, net: int, tax: int) -> Entry:
    return Entry(
        kind=REFUND,
        jurisdiction=sold.jurisdiction,
        currency=sold.currency,
        collected_by=sold.collected_by,
        rate=sold.rate,
        note=sold.note,
        net=net,
        tax=tax,
        vendor_id=sold.vendor_id,
        what=sold.what,
    )


def _sums(entry: Entry) -> Sums:
    taxable, exempt = (entry.net, 0) if entry.rate or entry.tax else (0, entry.net)
    if entry.kind == SALE:
        return Sums(taxable=taxable, exempt=exempt, tax=entry.tax)
    return Sums(refunded=taxable, refunded_exempt=exempt, refunded_tax=entry.tax)
