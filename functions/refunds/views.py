"""How refunds look on the wire: to staff in full, to a vendor its own part, to the customer what comes back."""

from market.http import View
from market.money import Money
from refunds.model import Refund, Shares


class RefundedLineView(View):
    """quantity 0: a goodwill amount. tax is contained in amount."""

    sku: str
    title: str
    vendor_id: str
    quantity: int
    amount: Money
    tax: Money


class RefundedShippingView(View):
    vendor_id: str
    amount: Money
    tax: Money


class CustomerRefundView(View):
    """`status` is `requested` (on its way) or `succeeded`."""

    id: str
    order_no: str
    status: str
    amount: Money
    lines: list[RefundedLineView]
    shipping: list[RefundedShippingView]
    reason: str
    created_at: str
    settled_at: str | None = None

    @classmethod
    def of_customer(cls, refund: Refund) -> "CustomerRefundView":
        return cls.model_validate(_shown(refund, refund.shares))


class VendorRefundView(CustomerRefundView):
    """A vendor's own part of a refund. clawback: what of its earnings goes back, `subsidy` of it being what we had paid
    of the customer's discount; status may also be `failed`.
    """

    note: str
    requested_by: str
    clawback: Money
    subsidy: Money

    @classmethod
    def of_vendor(cls, refund: Refund, vendor_id: str) -> "VendorRefundView":
        own = refund.shares.of_vendor(vendor_id)
        return cls.model_validate(_shown(refund, own) | _inside(refund, own))


class RefundView(VendorRefundView):
    """A refund as staff see it. failure: why the provider refused it; requested_by_id: the user who asked for it."""

    requested_by_id: str
    failure: str | None = None

    @classmethod
    def of(cls, refund: Refund) -> "RefundView":
        told = {"requested_by_id": refund.by_id, "failure": refund.failure or None}
        return cls.model_validate(_shown(refund, refund.shares) | _inside(refund, refund.shares) | told)


class CustomerRefundPage(View):
    items: list[CustomerRefundView]
    next_cursor: str | None = None


class VendorRefundPage(View):
    items: list[VendorRefundView]
    next_cursor: str | None = None


class RefundPage(View):
    items: list[RefundView]
    next_cursor: str | None = None


def _shown(refund: Refund, shares: Shares) -> dict[str, object]:
    def money(amount: int) -> Money:
        return Money(amount, refund.currency)

    return {
        "id": refund.id,
        "order_no": refund.order_no,
        "status": refund.status,
        "amount": money(shares.amount),
        "lines": [
            RefundedLineView(
                sku=line.sku,
                title=line.title,
                vendor_id=line.vendor_id,
                quantity=line.tally.quantity,
                amount=money(line.tally.amount),
                tax=money(line.tally.tax),
            )
            for line in shares.lines
        ],
        "shipping": [
            RefundedShippingView(vendor_id=part.vendor_id, amount=money(part.amount), tax=money(part.tax))
            for part in shares.shipping
        ],
        "reason": refund.reason,
        "created_at": refund.created_at,
        "settled_at": refund.settled_at or None,
    }


def _inside(refund: Refund, shares: Shares) -> dict[str, object]:
    """What the marketplace and its vendors know besides."""
    return {
        "note": refund.note,
        "requested_by": refund.by,
        "clawback": Money(shares.clawback, refund.currency),
        "subsidy": Money(shares.subsidy, refund.currency),
    }
