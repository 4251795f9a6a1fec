"""What must be true of one order when everything is over, from outside books: what people are told over HTTP, the
provider's own memory, what went over the bus. One line for each broken promise."""

from collections import Counter
from collections.abc import Iterator
from typing import Any

from inventory import sweep
from inventory.api import handler as inventory
from inventory.journal import journal_key, read_entry, rebuild
from invoices.api import handler as invoices
from orders.api import handler as orders
from orders.staff_api import handler as staff_orders
from tests import books_of_money, shop
from tests.faults.cells.floor import BASKET, PARTS, STAFF, UNITS, Floor, intents_of
from tests.faults.cells.flows import SHARDS, TENTH, End
from tests.http import call
from tests.services.inventory import hot
from tests.services.orders import setup

JSON = dict[str, Any]
VENDORS = {"LAMP": "ven_lights", "CHAIR": "ven_wood"}
PERSONAL = (
    "Ada Lovelace",
    "James's Sq",
    "SW1Y",
    "4242424242424242",
    "4100000000000019",
    "a-root-secret",
    "sk_sandbox_",
)


def violations(floor: Floor, end: End) -> list[str]:
    """Every broken promise, in words; none if all is well."""
    with floor.unobserved():
        order = shop.order_of("ada", floor.number)
        found = [f"I2: {what}" for what in floor.unfinished()]
        found += _order(order, floor, end)
        found += _stock(floor, end)
        found += _promotions(floor, end)
        found += _money(floor, end)
        found += _refunds(floor, end)
        found += _news(floor, order)
        found += _records(floor, end)
        found += _vendors(floor, order, end)
        found += _invoices(floor)
        found += [f"I13: {word!r} was logged" for word in PERSONAL if word in floor.printed.getvalue()]
    return found


def _order(order: JSON, floor: Floor, end: End) -> Iterator[str]:
    """The order is final, as it must be; it costs what the shelf said; all who were told of it were told of this."""
    told = (order["status"], order.get("cancelReason", ""))
    if told != (end.status, end.reason):
        yield f"I2: the order is {told} and not {(end.status, end.reason)}"
    if order["total"]["amount"] != end.total:
        yield f"I4: the order costs {order['total']}"
    mine = call(orders, "GET", "/v1/me/orders", caller="ada").json["items"]
    if [one["orderNo"] for one in mine] != [floor.number]:
        yield f"I12: there are {len(mine)} orders where one was acknowledged"
    if call(orders, "GET", f"/v1/orders/{floor.number}", caller="bob").status != 404:
        yield "I11: another customer sees the order"


def _stock(floor: Floor, end: End) -> Iterator[str]:
    """I1, I2: nothing appears or vanishes, no hold is left; those on shards end by themselves or by the sweep."""
    floor.leap(180)
    sweep.sweep()
    for sku, _ in BASKET:
        if hot.tickets(sku, SHARDS) or hot.held(sku):
            yield f"I2: {sku}: {hot.tickets(sku, SHARDS)} and {hot.held(sku)} held"
        if hot.offer(sku).shards:
            sweep.gather(sku)
        offer, page = hot.offer(sku), hot.table.query(journal_key(sku).pk, limit=100)
        told = rebuild(offer.started_with or 0, offer.unlisted, map(read_entry, page.items))
        if sum(told.values()) != hot.on_hand(sku):
            yield f"I1: {sku}: {hot.on_hand(sku)} are there, and {told} by the journal"
        if sum(shelf.on_hand for shelf in offer.places.values()) > offer.on_hand:
            yield f"I1: {sku}: {offer.places} of {offer.on_hand}"
        shelf = call(inventory, "GET", f"/v1/vendors/{VENDORS[sku]}/inventory/{sku}", **STAFF).json
        if (shelf["available"], shelf["held"]) != (UNITS - end.sold.get(sku, 0), 0):
            yield f"I1: {sku}: {shelf['available']} available, {shelf['held']} held, {end.sold.get(sku, 0)} sold"


def _promotions(floor: Floor, end: End) -> Iterator[str]:
    """I8: a paid order used the promotion once and counts once as its customer's; a cancelled one never did either."""
    if end.uses is None:
        return
    if (uses := setup.uses(TENTH)) != end.uses:
        yield f"I8: {uses} uses are left, held and used, and not {end.uses}"
    customer = floor._item("PMC#ada") or {}
    for what in (f"u_{TENTH.id}", "orders"):
        if (times := int(customer.get(what, {"N": "0"})["N"])) != end.uses[2]:
            yield f"I8: ada's {what} are counted as {times}, and not {end.uses[2]}"


def _money(floor: Floor, end: End) -> Iterator[str]:
    """At most one charge, of what is kept; nothing is left standing at the provider; our books say the same."""
    intents = intents_of(floor)
    charged = [one for one in intents if one["status"] in ("captured", "refunded")]
    by_provider = sum(one["amount"] - one["refunded"] for one in charged)
    journals = books_of_money.journals_of([floor.id])
    if len(charged) > 1 or any(one["status"] == "authorized" for one in intents):
        yield f"I3: the provider holds {[one['status'] for one in intents]}"
    for name, one in ((one["id"], one) for one in charged):
        if not 0 <= one["refunded"] <= one["amount"] <= end.total:
            yield f"I5: of {name} {one['refunded']} is refunded of {one['amount']}"
    by_hand = _by_hand(journals.get(floor.id, []))
    if by_provider + by_hand != end.net:
        yield f"I3: {by_provider} is charged, {by_hand} owed by hand, where {end.net} is kept"
    charges = books_of_money.sandbox_charges()
    if by_hand:
        charges = {floor.id: books_of_money.Charge("EUR", by_hand)}
    yield from books_of_money.violations(charges, journals)
    yield from books_of_money.vendor_violations(journals, PARTS)


def _by_hand(journals: list[JSON]) -> int:
    """What the courier or our bank has of it."""
    sums = books_of_money.sums_of(journals)
    return sum(
        amount for (account, _), amount in sums.items() if account in ("provider:cod", "provider:manual", "bank")
    )


def _refunds(floor: Floor, end: End) -> Iterator[str]:
    """I5: what staff see given back is what was given back."""
    if end.status != "paid":
        return
    items = floor.refunds()
    if tuple(sorted(item["status"] for item in items)) != end.refunds:
        yield f"I5: the refunds are {sorted(item['status'] for item in items)} and not {end.refunds}"
    given = sum(item["amount"]["amount"] for item in items if item["status"] == "succeeded")
    if given != end.total - end.net:
        yield f"I5: {given} counts as given back where {end.total - end.net} is"


def _news(floor: Floor, order: JSON) -> Iterator[str]:
    """I9: every change is announced, nothing that did not happen is, and nothing is announced as two facts."""
    facts: dict[str, set[str]] = {}
    for envelope in floor.published:
        facts.setdefault(envelope["type"], set()).add(envelope["eventId"])
    count = Counter({kind: len(ids) for kind, ids in facts.items()})
    ends = {kind for kind in ("order.paid", "order.cancelled") if count[kind]}
    if ends != {f"order.{order['status']}"}:
        yield f"I9: the order is {order['status']}, and {sorted(ends)} was announced"
    for kind in ("order.created", "order.paid", "order.cancelled", "payment.succeeded", "payment.refunded"):
        if count[kind] > 1:
            yield f"I9: {count[kind]} different {kind}"
    if not count["order.created"] or (order["status"] == "paid") > bool(count["payment.succeeded"]):
        yield f"I9: {dict(count)} is all that was announced"
    refunds_told = Counter(one["data"]["refund_id"] for one in _once(floor.published, "refund.succeeded"))
    if any(times > 1 for times in refunds_told.values()):
        yield f"I9: refunds succeeded twice: {refunds_told}"


def _records(floor: Floor, end: End) -> Iterator[str]:
    """I9: what staff or a vendor did is recorded, each change once and by name, and nothing that was not done."""
    if end.recorded is None:
        return
    records = [one["data"] for one in _once(floor.published, "audit.recorded")]
    if (actions := {record["action"] for record in records}) != end.recorded:
        yield f"I9: recorded is {sorted(actions)} and not {sorted(end.recorded)}"
    changes = Counter((one["item"], str(one["after"])) for record in records for one in record["changes"])
    for (item, _), times in changes.items():
        if times > 1:
            yield f"I9: {times} records of one change of {item}"
    if strangers := {record["actor"]["id"] for record in records} - {"sam", "lu"}:
        yield f"I9: {strangers} are recorded"


def _invoices(floor: Floor) -> Iterator[str]:
    """One invoice for each vendor and one credit note for each refund of its part, numbered without a gap."""
    if "invoices" in floor.bystanders:
        return
    for vendor in PARTS:
        items = call(invoices, "GET", f"/v1/vendors/{vendor}/invoices", **STAFF).json["items"]
        numbers = sorted(item["number"] for item in items)
        wanted = ["credit_note", "invoice"] if vendor == "ven_lights" else ["invoice"]
        first = all(number.endswith("000001") for number in numbers)
        if sorted(item["kind"] for item in items) != wanted or not first:
            yield f"I9: {vendor} has issued {[(item['kind'], item['number']) for item in items]}"
        for number in numbers:
            document = call(invoices, "GET", f"/v1/orders/{floor.number}/invoices/{number}", caller="ada")
            if document.status != 200:
                yield f"I9: {number} of {vendor} cannot be read: {document.status}"


def _once(published: list[JSON], kind: str) -> list[JSON]:
    return list({one["eventId"]: one for one in published if one["type"] == kind}.values())


def _vendors(floor: Floor, order: JSON, end: End) -> Iterator[str]:
    """I10: a vendor has its part of a paid order, to send or cancelled, and no other."""
    for sku, vendor in VENDORS.items():
        items = call(staff_orders, "GET", f"/v1/vendors/{vendor}/orders", **STAFF).json["items"]
        told = [(item["orderNo"], item["status"]) for item in items]
        wanted = "unfulfilled" if sku in end.sold else "cancelled"
        if told != ([(floor.number, wanted)] if order["status"] == "paid" else []):
            yield f"I10: {vendor} is told {told}"
