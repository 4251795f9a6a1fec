"""What an invoice says, and what it is called.

A document is frozen when it gets its number: the order as it was sold, and the seller as it was named that day. Each
vendor is a legal entity with two series of its own, invoices and credit notes, both without gaps: a number is given in
the same transaction that stores its document.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from market.errors import NotFound
from market.money import Money, total
from orders.contract import EXEMPT, REVERSE_CHARGE, LineSnapshot, OrderSnapshot, Part

INVOICE, CREDIT_NOTE = "invoice", "credit_note"
NOTES = {
    EXEMPT: "Exempt from tax.",
    REVERSE_CHARGE: "Reverse charge: the customer is liable for the tax (Article 196 of Directive 2006/112/EC).",
}
_NUMBER = re.compile(r"[A-Z0-9-]{1,40}-(?P<series>C?)(?P<count>[0-9]{6,9})\Z")


class NoSuchInvoice(NotFound):
    code, title = "invoice_not_found", "No such invoice"


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One line of a document. unit_price: None for shipping.

    tax is contained in `charge`, at `tax_rate` thousandths of a percent; tax_added: it was added to the price. note:
    `exempt` or `reverse_charge`, where that is why there is no tax.
    """

    text: str
    charge: Money
    tax: Money
    tax_rate: int
    sku: str = ""
    quantity: int = 1
    unit_price: Money | None = None
    discount: Money | None = None
    tax_added: bool = False
    note: str = ""

    @property
    def shown(self) -> Money:
        """The row's amount as prices are quoted: with the tax that they include, without one that is added."""
        return self.charge - self.tax if self.tax_added else self.charge


@dataclass(frozen=True, slots=True, kw_only=True)
class TaxLine:
    """How much of the total is taxed at one rate: `net` without and `tax` the tax itself."""

    rate: int
    net: Money
    tax: Money


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """An invoice or a credit note. number: empty until it is given. refund_id, refers_to: of credit notes only."""

    kind: str
    vendor_id: str
    order_id: str
    order_no: str
    customer_id: str
    currency: str
    ordered_at: str
    seller: Mapping[str, str]
    buyer: Mapping[str, str]
    rows: tuple[Row, ...]
    number: str = ""
    issued_at: str = ""
    refund_id: str = ""
    refers_to: str = ""

    @property
    def total(self) -> Money:
        return total((row.charge for row in self.rows), self.currency)

    @property
    def tax_lines(self) -> list[TaxLine]:
        """By rate, the highest first; without rows that no tax is contained in."""
        rates = sorted({row.tax_rate for row in self.rows if row.tax_rate}, reverse=True)
        return [_tax_line([row for row in self.rows if row.tax_rate == rate], rate) for rate in rates]

    @property
    def tax_added(self) -> bool:
        """Whether any tax came on top of the prices."""
        return any(row.tax_added and row.tax.amount for row in self.rows)

    @property
    def notes(self) -> list[str]:
        """What the law wants said where tax is missing, each once."""
        return [NOTES[note] for note in dict.fromkeys(row.note for row in self.rows) if note in NOTES]


def invoice_of(order: OrderSnapshot, part: Part, seller: Mapping[str, str]) -> Document:
    """The invoice of a vendor's part of a paid order, without a number."""
    lines = order.lines_of(part.vendor_id)
    rows = [_line_row(line) for line in lines]
    if part.shipping_charge.amount:
        rows.append(_shipping_row(part))
    return Document(
        kind=INVOICE,
        vendor_id=part.vendor_id,
        order_id=order.id,
        order_no=order.number,
        customer_id=order.customer_id,
        currency=order.currency,
        ordered_at=order.created_at,
        seller=seller,
        buyer=order.address,
        rows=tuple(rows),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class GivenBack:
    """What a refund gives back of one line (`sku`) or of the shipping (no `sku`). quantity 0: goodwill."""

    amount: Money
    tax: Money
    sku: str = ""
    quantity: int = 0


def credit_note_of(invoice: Document, refund_id: str, pieces: Iterable[GivenBack]) -> Document:
    """The credit note of a refund of `invoice`, or of a piece of it, without a number. Its amounts are positive."""
    rows = tuple(_credit_row(invoice, piece) for piece in pieces)
    return replace(
        invoice, kind=CREDIT_NOTE, rows=rows, refers_to=invoice.number, refund_id=refund_id, number="", issued_at=""
    )


def number_of(kind: str, seller: Mapping[str, str], count: int) -> str:
    """`LUMEN-LIGHTS-000012`; of a credit note `LUMEN-LIGHTS-C000003`."""
    return f"{seller['slug'].upper()[:30].strip('-')}-{'C' if kind == CREDIT_NOTE else ''}{count:06d}"


def place_of(number: str) -> tuple[str, int]:
    """Kind and count of a number. Raises NoSuchInvoice where it cannot be one."""
    match = _NUMBER.match(number)
    if not match:
        raise NoSuchInvoice("There is no such invoice.")
    return CREDIT_NOTE if match["series"] else INVOICE, int(match["count"])


def _line_row(line: LineSnapshot) -> Row:
    return Row(
        text=line.title,
        sku=line.sku,
        quantity=line.quantity,
        unit_price=line.unit_price,
        discount=line.discount,
        charge=line.charge,
        tax=line.tax or Money(0, line.charge.currency),
        tax_rate=line.tax_rate,
        tax_added=line.tax_added,
        note=line.tax_note,
    )


def _shipping_row(part: Part) -> Row:
    return Row(
        text="Shipping",
        charge=part.shipping_charge,
        discount=part.shipping_discount,
        tax=part.shipping_tax,
        tax_rate=part.shipping_tax_rate if part.shipping_tax.amount else 0,
        tax_added=part.shipping_tax_added,
    )


def _credit_row(invoice: Document, piece: GivenBack) -> Row:
    billed = next(row for row in invoice.rows if row.sku == piece.sku)
    return Row(
        text=billed.text,
        sku=billed.sku,
        quantity=piece.quantity,
        charge=piece.amount,
        tax=piece.tax,
        tax_rate=billed.tax_rate,
        tax_added=billed.tax_added,
        note=billed.note,
    )


def _tax_line(rows: list[Row], rate: int) -> TaxLine:
    currency = rows[0].charge.currency
    tax = total((row.tax for row in rows), currency)
    return TaxLine(rate=rate, net=total((row.charge for row in rows), currency) - tax, tax=tax)
