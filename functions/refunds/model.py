"""What may be given back, worked out from what was frozen at the sale: pure.

Shares are cumulative. Of a line of q units, the first k are worth share(charge, k, q), rounded half up; a refund of n
more gives back share(k + n) - share(k), so that every way to split the units gives the line's charge in sum, to the
last cent. A goodwill amount counts towards the charge as well; what is left then for the last units is less. Tax
follows the money (share(tax, amount, charge)), as the tax of the shipping does. The commission of a part follows the
money of its goods, ours for their discounts too, or that of its shipping where its goods were free. What we paid of a
discount follows the money, or the units of a line that cost the customer nothing: the vendor gives it back. Each refund
gives the difference between where the account should stand after it and where it stands; a reservation that is given
back leaves no cent astray.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from market.errors import Conflict, Unprocessable
from market.money import Money
from orders.contract import LineSnapshot, OrderSnapshot, Part

REQUESTED, SUCCEEDED, FAILED = "requested", "succeeded", "failed"


class NotRefundable(Conflict):
    """Only money of a paid order can be given back."""

    code, title = "not_refundable", "Not refundable"


class RefundTooLarge(Conflict):
    """More than is left of a line or of a part's shipping; `left` says how much is."""

    code, title = "refund_too_large", "More than is left"


class NothingToRefund(Conflict):
    """What is asked for was given back before, is on its way, or was free."""

    code, title = "nothing_to_refund", "Nothing to refund"


class TooManyRefunds(Conflict):
    """The order's money was given back in so many pieces that vendors may not go on by themselves; staff may."""

    code, title = "too_many_refunds", "Too many refunds"


class UnknownLine(Unprocessable):
    """The order has no such line or parcel, or it is another vendor's."""

    code, title = "unknown_line", "No such line"


class LineTally(NamedTuple):
    """What of a line is given back: units, and minor units of money, `goodwill` being in `amount` too.

    subsidy: what the vendor gives back to us of what we paid of the discount.
    """

    quantity: int = 0
    amount: int = 0
    goodwill: int = 0
    tax: int = 0
    subsidy: int = 0


class PartTally(NamedTuple):
    """What of a vendor's part is given back besides its lines, in minor units; the commission is that of the lines.

    shipping_subsidy: what the vendor gives back to us of what we paid of its shipping.
    """

    shipping: int = 0
    shipping_tax: int = 0
    commission: int = 0
    shipping_subsidy: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """What of an order is given back or reserved for it, by SKU and by vendor. version: counts its changes."""

    order_id: str
    version: int = 0
    lines: Mapping[str, LineTally] = field(default_factory=dict)
    parts: Mapping[str, PartTally] = field(default_factory=dict)

    def line(self, sku: str) -> LineTally:
        return self.lines.get(sku, LineTally())

    def part(self, vendor_id: str) -> PartTally:
        return self.parts.get(vendor_id, PartTally())

    @property
    def total(self) -> int:
        return sum(line.amount for line in self.lines.values()) + sum(part.shipping for part in self.parts.values())

    def _booked(self, shares: "Shares", sign: int) -> "Account":
        lines, parts = dict(self.lines), dict(self.parts)
        for share in shares.lines:
            lines[share.sku] = LineTally(*_moved(self.line(share.sku), share.tally, sign))
        for vendor_id, moved in shares.part_tallies().items():
            parts[vendor_id] = PartTally(*_moved(self.part(vendor_id), moved, sign))
        return replace(self, version=self.version + 1, lines=lines, parts=parts)

    def reserve(self, shares: "Shares") -> "Account":
        return self._booked(shares, 1)

    def give_back(self, shares: "Shares") -> "Account":
        """A refund came to nothing: what it had reserved may be refunded again."""
        return self._booked(shares, -1)


@dataclass(frozen=True, slots=True, kw_only=True)
class LineWish:
    """Give back so many units, or, as goodwill, an amount."""

    sku: str
    quantity: int = 0
    amount: Money | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ShippingWish:
    """Give back so much of a part's shipping; all that is left where no amount is named."""

    vendor_id: str
    amount: Money | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What is to be given back, each line and each part named at most once.

    all_left, all_shipping: all that is left, or the shipping that is; of one vendor where the wish is a vendor's.
    """

    lines: tuple[LineWish, ...] = ()
    shipping: tuple[ShippingWish, ...] = ()
    all_left: bool = False
    all_shipping: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class LineShare:
    """What one refund gives back of a line, in minor units. discount: what had been taken off these units."""

    sku: str
    vendor_id: str
    title: str
    tally: LineTally
    discount: int


@dataclass(frozen=True, slots=True)
class ShippingShare:
    vendor_id: str
    amount: int
    tax: int
    subsidy: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Shares:
    """One refund, taken apart.

    commissions: what we give back of ours, by vendor; self_taxed: the vendors who hand on their tax themselves.
    """

    lines: tuple[LineShare, ...]
    shipping: tuple[ShippingShare, ...]
    commissions: Mapping[str, int]
    self_taxed: tuple[str, ...] = ()

    @property
    def amount(self) -> int:
        return sum(share.tally.amount for share in self.lines) + sum(share.amount for share in self.shipping)

    @property
    def tax(self) -> int:
        return sum(share.tally.tax for share in self.lines) + sum(share.tax for share in self.shipping)

    @property
    def our_tax(self) -> int:
        """The tax that we would have handed on; the rest the vendors get back from the state themselves."""
        goods = sum(share.tally.tax for share in self.lines if share.vendor_id not in self.self_taxed)
        return goods + sum(share.tax for share in self.shipping if share.vendor_id not in self.self_taxed)

    @property
    def subsidy(self) -> int:
        """What the vendors give back to us of the discounts that we paid."""
        return sum(share.tally.subsidy for share in self.lines) + sum(share.subsidy for share in self.shipping)

    @property
    def vendors(self) -> tuple[str, ...]:
        """Those whose parts it touches."""
        return tuple(dict.fromkeys([s.vendor_id for s in self.lines] + [s.vendor_id for s in self.shipping]))

    def of_vendor(self, vendor_id: str) -> "Shares":
        """The vendor's own part of it."""
        return Shares(
            lines=tuple(share for share in self.lines if share.vendor_id == vendor_id),
            shipping=tuple(share for share in self.shipping if share.vendor_id == vendor_id),
            commissions={vendor: amount for vendor, amount in self.commissions.items() if vendor == vendor_id},
            self_taxed=tuple(vendor for vendor in self.self_taxed if vendor == vendor_id),
        )

    @property
    def clawback(self) -> int:
        """What the vendors lose of their earnings: the charge and our subsidy without our tax and commission."""
        return self.amount + self.subsidy - self.our_tax - sum(self.commissions.values())

    def part_tallies(self) -> dict[str, PartTally]:
        shipping = {share.vendor_id: share for share in self.shipping}
        return {
            vendor_id: PartTally(
                shipping[vendor_id].amount if vendor_id in shipping else 0,
                shipping[vendor_id].tax if vendor_id in shipping else 0,
                self.commissions.get(vendor_id, 0),
                shipping[vendor_id].subsidy if vendor_id in shipping else 0,
            )
            for vendor_id in self.vendors
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Refund:
    """One refund of an order. by: `staff`, `vendor` or `system`; failure: why the provider refused it."""

    id: str
    order_id: str
    order_no: str
    customer_id: str
    status: str
    currency: str
    shares: Shares
    reason: str
    note: str
    by: str
    by_id: str
    created_at: str
    settled_at: str = ""
    failure: str = ""

    @property
    def amount(self) -> Money:
        return Money(self.shares.amount, self.currency)


def share(whole: int, portion: int, of: int) -> int:
    """whole * portion / of, rounded half up; nothing of nothing."""
    return (2 * whole * portion + of) // (2 * of) if of else 0


def price(order: OrderSnapshot, account: Account, wish: Wish, *, vendor_id: str = "") -> Shares:
    """What the wish comes to, as the account stands. vendor_id: the one vendor who may give back, if it is not staff.

    Raises UnknownLine, RefundTooLarge, NothingToRefund, or CurrencyMismatch.
    """
    parts = {part.vendor_id: part for part in order.parts if vendor_id in ("", part.vendor_id)}
    lines = {line.sku: line for line in order.lines if line.vendor_id in parts}
    if wish.all_left:
        wish = _everything(lines.values(), parts, account)
    elif wish.all_shipping:
        wish = replace(wish, shipping=tuple(ShippingWish(vendor_id=vendor) for vendor in parts))
    _known(wish, lines, parts)
    goods = tuple(_line(lines[line.sku], account.line(line.sku), line) for line in wish.lines)
    shipping = tuple(_shipping(parts[s.vendor_id], account.part(s.vendor_id), s) for s in wish.shipping)
    self_taxed = tuple(vendor for vendor, part in parts.items() if part.tax_by_vendor)
    shares = Shares(lines=goods, shipping=shipping, commissions={}, self_taxed=self_taxed)
    shares = replace(shares, commissions=_commissions(order, account, shares))
    if shares.amount <= 0 and not shares.subsidy:
        raise NothingToRefund("There is nothing left to give back of this.")
    left = order.total.amount - account.total
    if shares.amount > left:
        raise _too_large("the order", left, order.currency)
    return shares


def _everything(lines: Iterable[LineSnapshot], parts: Mapping[str, Part], account: Account) -> Wish:
    rests = (_rest(line, account.line(line.sku)) for line in lines)
    return Wish(
        lines=tuple(rest for rest in rests if rest),
        shipping=tuple(
            ShippingWish(vendor_id=vendor)
            for vendor, part in parts.items()
            if part.shipping_charge.amount > account.part(vendor).shipping
            or _amount(part.shipping_subsidy) > account.part(vendor).shipping_subsidy
        ),
    )


def _rest(line: LineSnapshot, sofar: LineTally) -> LineWish | None:
    """The units that are left; where there are none, the money that a goodwill amount left behind when it failed."""
    if sofar.quantity < line.quantity:
        return LineWish(sku=line.sku, quantity=line.quantity - sofar.quantity)
    left = line.charge - Money(sofar.amount, line.charge.currency)
    return LineWish(sku=line.sku, amount=left) if left.amount else None


def _known(wish: Wish, lines: Mapping[str, LineSnapshot], parts: Mapping[str, Part]) -> None:
    for sku in (line.sku for line in wish.lines):
        if sku not in lines:
            raise UnknownLine(f"There is no {sku} to give money back for.")
    for vendor in (shipping.vendor_id for shipping in wish.shipping):
        if vendor not in parts:
            raise UnknownLine(f"There is no parcel of {vendor} to give money back for.")


def _line(line: LineSnapshot, sofar: LineTally, wish: LineWish) -> LineShare:
    charge, units = line.charge.amount, sofar.quantity + wish.quantity
    extra = _minor_units(wish.amount, line.charge.currency)
    if units > line.quantity:
        left = line.quantity - sofar.quantity
        raise RefundTooLarge(f"{left} of {line.sku} are left.", sku=line.sku, left=left)
    if sofar.amount + extra > charge:
        raise _too_large(line.sku, charge - sofar.amount, line.charge.currency)
    worth = share(charge, units, line.quantity)
    amount = extra or max(0, min(charge, worth + sofar.goodwill) - sofar.amount)
    taxed = share(_amount(line.tax), sofar.amount + amount, charge)
    paid, of = (sofar.amount + amount, charge) if charge else (units, line.quantity)
    subsidy = max(0, share(_amount(line.subsidy), paid, of) - sofar.subsidy)
    goods = line.goods.amount
    left = share(goods, units, line.quantity) - share(goods, sofar.quantity, line.quantity)
    return LineShare(
        sku=line.sku,
        vendor_id=line.vendor_id,
        title=line.title,
        tally=LineTally(wish.quantity, amount, extra, max(0, taxed - sofar.tax), subsidy),
        discount=line.unit_price.amount * wish.quantity - left,
    )


def _shipping(part: Part, sofar: PartTally, wish: ShippingWish) -> ShippingShare:
    whole = part.shipping_charge.amount
    left = whole - sofar.shipping
    amount = _minor_units(wish.amount, part.shipping.currency) if wish.amount else left
    if amount > left:
        raise _too_large(f"the shipping of {part.vendor_id}", left, part.shipping.currency)
    taxed = share(part.shipping_tax.amount, sofar.shipping + amount, whole)
    paid, of = (sofar.shipping + amount, whole) if whole else (1, 1)
    return ShippingShare(
        vendor_id=part.vendor_id,
        amount=amount,
        tax=max(0, taxed - sofar.shipping_tax),
        subsidy=max(0, share(_amount(part.shipping_subsidy), paid, of) - sofar.shipping_subsidy),
    )


def _minor_units(money: Money | None, currency: str) -> int:
    """Raises CurrencyMismatch."""
    return (Money(0, currency) + money).amount if money else 0


def _commissions(order: OrderSnapshot, account: Account, shares: Shares) -> dict[str, int]:
    """Of each touched part, what its commission should be given back to, less what is given back of it."""
    after = account.reserve(shares)
    commissions = {}
    for part in order.parts:
        if part.vendor_id not in shares.vendors:
            continue
        goods, parcel = order.lines_of(part.vendor_id), after.part(part.vendor_id)
        base = sum(line.charge.amount + _amount(line.subsidy) for line in goods)
        back = sum(tally.amount + tally.subsidy for tally in (after.line(line.sku) for line in goods))
        if not base:
            base = part.shipping_charge.amount + _amount(part.shipping_subsidy)
            back = parcel.shipping + parcel.shipping_subsidy
        due = share(part.commission.amount, back, base)
        commissions[part.vendor_id] = max(0, due - account.part(part.vendor_id).commission)
    return commissions


def _amount(money: Money | None) -> int:
    return money.amount if money else 0


def _moved(tally: tuple[int, ...], by: tuple[int, ...], sign: int) -> Iterable[int]:
    return (have + sign * change for have, change in zip(tally, by, strict=True))


def _too_large(what: str, left: int, currency: str) -> RefundTooLarge:
    money = Money(left, currency)
    return RefundTooLarge(f"{money} are left of {what}.", left=money.plain())
