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
from orders.contract import LineSnapshot, OrderSnapshot, Part

INVOICE, CREDIT_NOTE = "invoice", "credit_note"
_NUMBER = re.compile(r"[A-Z0-9-]{1,40}-(?P<series>C?)(?P<count>[0-9]{6,9})\Z")


class NoSuchInvoice(NotFound):
    code, title = "invoice_not_found", "No such invoice"


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One line of a document. unit_price: None for shipping; tax is contained in `charge`, at `tax_basis_points`."""

    text: str
    charge: Money
    tax: Money
    tax_basis_points: int
    sku: str = ""
    quantity: int = 1
    unit_price: Money | None = None
    discount: Money | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TaxLine:
    """How much of the total is taxed at one rate: `net` without and `tax` the tax itself."""

    basis_points: int
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
        rates = sorted({row.tax_basis_points for row in self.rows if row.tax_basis_points}, reverse=True)
        return [_tax_line([row for row in self.rows if row.tax_basis_points == rate], rate) for rate in rates]


def invoice_of(order: OrderSnapshot, part: Part, seller: Mapping[str, str]) -> Document:
    """The invoice of a vendor's part of a paid order, without a number."""
    lines = order.lines_of(part.vendor_id)
    rows = [_line_row(line) for line in lines]
    if part.shipping.amount:
        rows.append(_shipping_row(part.shipping, part.shipping_tax, {line.tax_basis_points for line in lines}))
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
        tax_basis_points=line.tax_basis_points,
    )


def _shipping_row(charge: Money, tax: Money, rates: set[int]) -> Row:
    """Shipping is taxed at a rate of the goods: the highest that gives this tax, or else the one that it comes to."""
    fitting = [rate for rate in rates if abs(_contained(charge.amount, rate) - tax.amount) <= 1]
    rate = max(fitting) if fitting else round(10_000 * tax.amount / max(1, charge.amount - tax.amount))
    return Row(text="Shipping", charge=charge, tax=tax, tax_basis_points=rate if tax.amount else 0)


def _credit_row(invoice: Document, piece: GivenBack) -> Row:
    billed = next(row for row in invoice.rows if row.sku == piece.sku)
    return Row(
        text=billed.text,
        sku=billed.sku,
        quantity=piece.quantity,
        charge=piece.amount,
        tax=piece.tax,
        tax_basis_points=billed.tax_basis_points,
    )


def _contained(charge: int, basis_points: int) -> int:
    return round(charge * basis_points / (10_000 + basis_points))


def _tax_line(rows: list[Row], rate: int) -> TaxLine:
    currency = rows[0].charge.currency
    tax = total((row.tax for row in rows), currency)
    return TaxLine(basis_points=rate, net=total((row.charge for row in rows), currency) - tax, tax=tax)
