"""What mails say: pure composition from an order, its people and its vendors.

Every text goes into a mail twice, as it is and, under `<name>Html`, escaped: SES escapes nothing.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from html import escape
from typing import Any

from access.contract import Invitation
from identity.contract import Contact
from market.money import Money
from orders.contract import LineSnapshot, OrderSnapshot, Part
from vendors.contract import Vendor

BUYER, OWNER, INVITEE = "buyer", "owner", "invitee"
_REASONS = {
    "payment_timeout": "We did not receive your payment in time.",
    "payment_declined": "Your payment was declined.",
    "cancelled_by_customer": "You asked us to cancel it.",
}
_OTHER_REASON = "We could not complete it."
_IMPORTS = {
    "finished": "It is done. Its report says of each row what became of it.",
    "refused": "The file could not be read: {code}. The import says what to change. Nothing of it went in.",
    "failed": "It was interrupted. What went in stays in; start it again, and it goes on.",
}


@dataclass(frozen=True, slots=True)
class Mail:
    """One mail. `kind` tells the recipients of an event apart; `to` is empty where there is no address to write to."""

    kind: str
    to: str
    template: str
    data: Mapping[str, Any]


def order_paid(order: OrderSnapshot, buyer: Contact | None, vendors: Mapping[str, Vendor]) -> list[Mail]:
    """The buyer's confirmation, and to each vendor its own part."""
    return [_confirmation(order, buyer, vendors)] + [
        _sale(order, part, vendors.get(part.vendor_id)) for part in order.parts
    ]


def order_cancelled(number: str, reason: str, buyer: Contact | None) -> list[Mail]:
    data = shown(number=number, buyer=_name(buyer), reason=_REASONS.get(reason, _OTHER_REASON))
    return [Mail(BUYER, _email(buyer), "order-cancelled", data)]


def order_refunded(refund: Mapping[str, Any], buyer: Contact | None) -> list[Mail]:
    """refund: the data of `refund.succeeded`. What comes back, and what for."""
    data: dict[str, Any] = shown(number=refund["order_no"], buyer=_name(buyer), amount=str(Money(**refund["amount"])))
    parcels = [part for part in refund["shipping"] if part["amount"]["amount"]]
    data["rows"] = [_given_back(_named(line), line["amount"]) for line in refund["lines"]]
    data["rows"] += [_given_back("Shipping", part["amount"]) for part in parcels]
    return [Mail(BUYER, _email(buyer), "order-refunded", data)]


def vendor_approved(vendor: Vendor, owner: Contact | None) -> list[Mail]:
    return [Mail(OWNER, _email(owner), "vendor-approved", shown(owner=_name(owner), vendor=vendor.name))]


def stock_low(stock: Mapping[str, Any], vendors: Iterable[Vendor]) -> list[Mail]:
    """To the vendor. stock: the data of `inventory.low_stock`."""
    told = {"sku": stock["sku"], "available": str(stock["available"]), "reorderPoint": str(stock["reorder_point"])}
    return [
        Mail(f"vendor:{vendor.id}", vendor.support_email, "stock-low", shown(vendor=vendor.name, **told))
        for vendor in vendors
    ]


def import_over(ended: Mapping[str, Any], starter: Contact | None, vendor: Vendor | None) -> list[Mail]:
    """To whoever started it, or to the vendor where that was a program. ended: the data of `import.finished`."""
    if vendor is None:
        return []
    kind, to, name = OWNER, _email(starter), _name(starter)
    if not to:
        kind, to, name = f"vendor:{vendor.id}", vendor.support_email, vendor.name
    told = {result: str(ended[result]) for result in ("created", "updated", "unchanged", "rejected")}
    said = _IMPORTS[ended["status"]].format(code=ended["code"].replace("_", " "))
    return [Mail(kind, to, "import-finished", shown(reader=name, vendor=vendor.name, said=said, **told))]


def invited(invitation: Invitation, vendor: Vendor | None, link: str) -> list[Mail]:
    """link: where the token is accepted; behind its `#`, so that no server between sees it."""
    until = datetime.fromtimestamp(invitation.ends, UTC).strftime("%d %B %Y, %H:%M UTC")
    roles = ", ".join(role.replace("_", " ") for role in invitation.roles)
    data = shown(team=vendor.name if vendor else "the marketplace", roles=roles, link=link, until=until)
    return [Mail(INVITEE, invitation.email, "team-invitation", data)]


def shown(**texts: str) -> dict[str, str]:
    """Texts for both parts of a mail, each on one line."""
    lines = {name: " ".join(text.split()) for name, text in texts.items()}
    return lines | {f"{name}Html": escape(text) for name, text in lines.items()}


def _confirmation(order: OrderSnapshot, buyer: Contact | None, vendors: Mapping[str, Vendor]) -> Mail:
    data: dict[str, Any] = shown(
        number=order.number,
        buyer=_name(buyer),
        subtotal=str(order.subtotal),
        shipping=str(order.shipping),
        total=str(order.total),
    )
    data["parts"] = [_part(order, part, vendors.get(part.vendor_id)) for part in order.parts]
    data["address"] = _address(order.address)
    return Mail(BUYER, _email(buyer), "order-confirmed", data)


def _part(order: OrderSnapshot, part: Part, vendor: Vendor | None) -> dict[str, Any]:
    named = shown(vendor=vendor.name if vendor else "A vendor", partShipping=str(part.shipping))
    return named | {"lines": _lines(order.lines_of(part.vendor_id))}


def _sale(order: OrderSnapshot, part: Part, vendor: Vendor | None) -> Mail:
    """Tells a vendor of its own lines and where to send them, and nothing else of the buyer or of other vendors."""
    data: dict[str, Any] = shown(
        number=order.number,
        vendor=vendor.name if vendor else "",
        subtotal=str(part.subtotal),
        shipping=str(part.shipping),
        total=str(part.subtotal + part.shipping),
        earnings=str(part.earnings),
        method=order.shipping_method,
    )
    data["lines"] = _lines(order.lines_of(part.vendor_id))
    data["address"] = _address(order.address)
    return Mail(f"vendor:{part.vendor_id}", vendor.support_email if vendor else "", "vendor-sale", data)


def _lines(lines: Iterable[LineSnapshot]) -> list[dict[str, str]]:
    return [
        shown(title=line.title, sku=line.sku, quantity=str(line.quantity), lineTotal=str(line.total)) for line in lines
    ]


def _named(line: Mapping[str, Any]) -> str:
    """A line as a refund names it: so many units, or a part of the price."""
    return f"{line['quantity']} x {line['title']}" if line["quantity"] else f"{line['title']}, part of the price"


def _given_back(what: str, amount: Mapping[str, Any]) -> dict[str, str]:
    return shown(what=what, rowAmount=str(Money(**amount)))


def _address(address: Mapping[str, str]) -> list[dict[str, str]]:
    """The lines of an address label."""
    town = " ".join(address[part] for part in ("postalCode", "city", "state") if address.get(part))
    rows = (
        address.get("name", ""),
        address.get("line1", ""),
        address.get("line2", ""),
        town,
        address.get("country", ""),
    )
    return [shown(row=row) for row in rows if row.strip()]


def _name(contact: Contact | None) -> str:
    return contact.name if contact else ""


def _email(contact: Contact | None) -> str:
    return contact.email if contact else ""
