"""What must be true when everything is over, worked out from outside books: what customers, vendors and staff are
told over HTTP, what the provider charged, what went over the bus and by post. The marketplace's own items are not
asked, but for by-hand money, whose only book is the record that staff see.
"""

from collections import Counter
from collections.abc import Iterator
from typing import Any

import orjson

from fraud.api import handler as fraud
from inventory.api import handler as inventory
from orders.api import handler as orders
from orders.contract import id_of
from orders.staff_api import handler as staff
from payments.api import handler as payments
from refunds.api import handler as refunds
from tests import books_of_money
from tests.faults import bargains, discretion
from tests.faults.crowd import LIMIT, LIMITED, SHELVES, UNITS, Crowd
from tests.faults.network import StormyCheckout
from tests.faults.people import CUSTOMERS, STAFF
from tests.faults.told import BY_HAND, Order, all_of, all_orders, captured, charges_of_all, units_of
from tests.http import call

JSON = dict[str, Any]
VENDORS = sorted({vendor for vendor, _ in SHELVES.values()})
SAMPLE = 3
"""How many people are asked to buy again."""


def violations(crowd: Crowd) -> list[str]:
    """Every broken promise, in words; none if all is well."""
    checkout = crowd.checkout
    charges = charges_of_all()
    found, told = list(crowd.broken), all_orders(charges)
    found += [
        f"I10: {len(intents)} payments of {order_id}, which nobody finds" for order_id, intents in charges.items()
    ]
    found += _known_to_all(crowd, told)
    found += _unfinished(checkout, told)
    found += _stock(told)
    pay_back = _to_be_paid_back()
    for order in told.values():
        found += _money(order, set(crowd.offered))
        found += _by_hand(order, pay_back)
        found += _refunds(order)
        found += _news(order, checkout)
        found += _post(order, crowd)
    found += _ledger(told)
    found += _vendors(told)
    found += _limits(told)
    found += bargains.violations(crowd.bargains, told)
    found += _promises(crowd, told)
    found += discretion.violations(crowd)
    return found + list(_room(crowd, told))


def of_seed(crowd: Crowd, found: list[str]) -> str:
    """What to look at: the seed, the weather, and the story of the orders that the violations speak of."""
    numbers = [number for number in crowd.acknowledged if any(number in line for line in found)]
    words = [word for number in numbers for word in (number, id_of(number))]
    tale = crowd.checkout.tale_of(*words) if words else crowd.checkout.story[-40:]
    return "\n".join([f"seed {crowd.checkout.seed} in {crowd.checkout.weather}", *found, *tale[-120:]])


def _known_to_all(crowd: Crowd, told: dict[str, Order]) -> Iterator[str]:
    """I12: who was told of an order still has it, as staff have, and nobody has one that staff do not find."""
    mine: dict[str, str] = {}
    for customer in CUSTOMERS:
        for order in all_of(orders, "/v1/me/orders", caller=customer.id):
            mine[order["orderNo"]] = customer.id
            if order["orderNo"] not in told:
                yield f"I9: {order['orderNo']} of {customer.id} is not found by staff"
            elif order["status"] != told[order["orderNo"]].status:
                yield f"I9: {order['orderNo']} is {order['status']} for {customer.id}"
    for number, bought in crowd.acknowledged.items():
        if number not in told:
            yield f"I12: {number} was acknowledged and is gone"
        elif (bought.owner or not bought.person.token) and mine.get(number) != bought.by.id:
            yield f"I12: {number} was acknowledged to {bought.by.id}, who does not see it"
        elif told[number].shown["total"] != bought.total:
            yield f"I4: {number} was told for {bought.total}, and is {told[number].shown['total']}"
    for number, order in told.items():
        if wrong := order.shown.get("found"):
            yield f"I9: {number} is {order.status}, and staff find it under {wrong}"


def _unfinished(checkout: StormyCheckout, told: dict[str, Order]) -> Iterator[str]:
    """I2: a hold always ends, and no checkout runs for ever."""
    stubborn = [order.id for order in told.values() if order.stubborn]
    for number, order in told.items():
        if order.status not in ("paid", "cancelled"):
            yield f"I2: {number} is still {order.status}"
    for name, status in checkout.executions().items():
        if status != "SUCCEEDED" and name not in stubborn:
            yield f"I2: {name} is {status}"
    yield from (f"I2: {failed}" for failed in checkout.failed)
    for queue, bodies in checkout.runtime.dead_letters().items():
        given_up = [body for body in bodies if not any(order_id in body for order_id in stubborn)]
        if given_up and "sandbox" not in queue:  # there the provider gives up telling us, which is its right
            yield f"I9: {len(given_up)} given up in {queue}: {given_up[0][:300]}"


def _stock(told: dict[str, Order]) -> Iterator[str]:
    """I1: nothing appears or vanishes; what is sold is what paid orders say."""
    sold: Counter[str] = Counter()
    for order in told.values():
        sold.update(units_of(order))
    for sku, (vendor, _) in SHELVES.items():
        shelf = call(inventory, "GET", f"/v1/vendors/{vendor}/inventory/{sku}", **STAFF).json
        if shelf["held"] != 0:
            yield f"I2: {shelf['held']} of {sku} are still held"
        if shelf["available"] < 0 or shelf["available"] + shelf["held"] + sold[sku] != UNITS:
            yield f"I1: {sku}: {shelf['available']} available, {shelf['held']} held, {sold[sku]} sold of {UNITS}"


def _money(order: Order, offered: set[str]) -> Iterator[str]:
    """I3, I10: charged once if paid, less what is given back, and not at all if not; nothing left authorized."""
    whole = order.shown["total"]["amount"] if order.status == "paid" else 0
    owed = whole - sum(refund["amount"]["amount"] for refund in order.returned)
    if order.charge.net != owed and not (order.stubborn and order.status == "cancelled"):
        yield f"I3: {order.number} is {order.status}, {owed} is to be paid, and {order.charge.net} is charged"
    if sum(captured(intent) for intent in order.intents) > 1:
        yield f"I3: {order.number} is charged more than once"
    for intent in order.intents:
        if intent["status"] == "authorized" or (intent["status"] == "pending" and intent["id"] in offered):
            yield f"I3: {order.number} is {order.status}, its payment is left {intent['status']}"
    if order.status == "paid" and (order.record is None or order.record["status"] not in ("captured", "refunded")):
        yield f"I10: {order.number} is paid, its payment is not"


def _by_hand(order: Order, pay_back: dict[tuple[str, str], int]) -> Iterator[str]:
    """I10: money that came by hand and went back is told to staff, to the cent and once; a transfer sold came first."""
    if order.record is None or order.provider not in BY_HAND:
        return
    if order.provider == "manual" and order.status == "paid" and not order.settled:
        yield f"I10: {order.number} is paid by a transfer that never came"
    told = sum(amount for (number, _), amount in pay_back.items() if number == order.number)
    # Of cash, what was refunded before it was collected, was not collected.
    journals = books_of_money.journals_of([order.id]).get(order.id, [])
    banked = books_of_money.sums_of(journals)["bank", "EUR"]
    back = sum(refund["amount"]["amount"] for refund in order.returned)
    owed = order.shown["total"]["amount"] - back if order.status == "paid" else 0
    if order.settled and banked - told != owed:
        yield f"I10: {order.number}: {banked} came by hand, staff is to pay back {told}, and {owed} is owed"
    if bool(order.settled) != bool(banked):
        yield f"I6: {order.number}: {banked} is in the bank, recorded is {order.settled}"


def _refunds(order: Order) -> Iterator[str]:
    """I5: never more than was captured: of the order, of each line and of each part's shipping; and none forgotten."""
    lines = {line["sku"]: line for line in order.shown["lines"]}
    parts = {part["vendorId"]: part for part in order.shown["parts"]}
    sums: Counter[tuple[str, str]] = Counter()
    for refund in order.refunds:
        if refund["status"] == "requested":
            yield f"I2: refund {refund['id']} of {order.number} is still requested"
        if refund["status"] == "failed":
            continue
        for line in refund["lines"]:
            sums["units", line["sku"]] += line["quantity"]
            sums["line", line["sku"]] += line["amount"]["amount"]
        for parcel in refund["shipping"]:
            sums["shipping", parcel["vendorId"]] += parcel["amount"]["amount"]
    most = {("units", sku): line["quantity"] for sku, line in lines.items()}
    most |= {("line", sku): line["charge"]["amount"] for sku, line in lines.items()}
    most |= {("shipping", vendor): part["shippingCharge"]["amount"] for vendor, part in parts.items()}
    for what, amount in sums.items():
        if amount > most[what]:
            yield f"I5: {order.number}: {amount} of {what} are given back, of {most[what]}"
    for vendor, part in parts.items():
        skus = [line["sku"] for line in lines.values() if line["vendorId"] == vendor]
        back = sums["shipping", vendor] + sum(sums["line", sku] for sku in skus)
        if part.get("status") == "cancelled" and back != part["total"]["amount"] and not order.stubborn:
            yield f"I10: {order.number}: {vendor} sends nothing, {back} of {part['total']['amount']} is given back"
    if order.status != "paid" and order.refunds:
        yield f"I5: {order.number} is {order.status}, and refunded"


def _news(order: Order, checkout: StormyCheckout) -> Iterator[str]:
    """I9: what became of an order went over the bus, once or more, and nothing else did."""
    said = [_read(entry) for entry in checkout.published if _read(entry)["data"].get("order_id") == order.id]
    kinds = {one["type"] for one in said}
    if kinds & {"order.paid", "order.cancelled"} != {f"order.{order.status}"}:
        yield f"I9: {order.number} is {order.status}, and {sorted(kinds)} was announced"
    if ("payment.succeeded" in kinds) < (order.status == "paid"):
        yield f"I9: the payment of {order.number} was never announced"
    parts = {part["vendorId"] for part in order.shown["parts"] if part.get("status") == "cancelled"}
    if parts != {one["data"]["vendor_id"] for one in said if one["type"] == "order.part_cancelled"}:
        yield f"I9: of {order.number} the parts {sorted(parts)} are cancelled, others were announced"
    for ended, kind in (("succeeded", "refund.succeeded"), ("failed", "refund.failed")):
        ours = {refund["id"] for refund in order.refunds if refund["status"] == ended}
        events = {one["eventId"]: one["data"]["refund_id"] for one in said if one["type"] == kind}
        if Counter(events.values()) != Counter(ours):
            yield f"I9: {order.number}: {sorted(ours)} {ended}, and {sorted(events.values())} was announced"
    if ("payment.settled" in kinds) != bool(order.settled):
        yield f"I9: the settlement of {order.number} and what was announced of it differ"


def _post(order: Order, crowd: Crowd) -> Iterator[str]:
    """I9: the buyer was written to about the payment and each refund, and nobody else was."""
    (person,) = [person for person in crowd.people if person.id == order.customer]
    about = [(to, template) for to, template, data in crowd.checkout.mails if data.get("number") == order.number]
    if strangers := {to for to, _ in about} - {person.email}:
        yield f"I11: {sorted(strangers)} were written to about {order.number} of {person.id}"
    sent = Counter(template.removeprefix("market-dev-") for _, template in about)
    wanted = Counter({"order-refunded": len(order.returned), f"order-{_mailed(order)}": 1})
    for kind, least in wanted.items():
        if sent[kind] < least:
            yield f"I9: {sent[kind]} mails {kind} about {order.number}, {least} were due"


def _mailed(order: Order) -> str:
    return "confirmed" if order.status == "paid" else "cancelled"


def _ledger(told: dict[str, Order]) -> Iterator[str]:
    """I6, I7: every journal sums to zero; what the provider holds belongs to vendors, us and the state."""
    journals = books_of_money.journals_of(order.id for order in told.values())
    charges = {order.id: order.charge for order in told.values() if order.charge.captured}
    yield from books_of_money.violations(charges, journals)
    yield from books_of_money.vendor_violations(journals, VENDORS)
    for order in told.values():
        owed = {part["vendorId"]: 0 for part in order.shown["parts"]}
        sums = books_of_money.sums_of(journals.get(order.id, []))
        shares = call(staff, "GET", f"/v1/admin/orders/{order.number}", **STAFF).json["shares"]
        for share in shares if order.status == "paid" else ():
            owed[share["vendorId"]] += share["earnings"]["amount"]
        for refund in order.returned:
            for vendor in owed:
                owed[vendor] -= _clawback(order, refund, vendor)
        ours = sum(share["subsidy"]["amount"] for share in shares if order.status == "paid")
        ours -= sum(refund["subsidy"]["amount"] for refund in order.returned)
        if sums["promotions", "EUR"] != ours:
            yield f"I7: {order.number}: we pay {ours} of its discounts, {sums['promotions', 'EUR']} is booked"
        for vendor, amount in owed.items():
            if vendor in order.emptied and amount:
                yield f"I7: {order.number}: all of it is given back, and {vendor} still has {amount} of it"
            if -sums[f"vendor:{vendor}", "EUR"] != amount:
                yield f"I7: {order.number}: {vendor} earns {amount}, {-sums[f'vendor:{vendor}', 'EUR']} is booked"


def _clawback(order: Order, refund: JSON, vendor: str) -> int:
    """What the vendor itself is told that it loses by a refund."""
    seen = all_of(refunds, f"/v1/vendors/{vendor}/orders/{order.number}/refunds", **STAFF)
    return sum(own["clawback"]["amount"] for own in seen if own["id"] == refund["id"])


def _vendors(told: dict[str, Order]) -> Iterator[str]:
    """I10: every vendor has exactly its parts of the paid orders, as they stand."""
    wanted = {
        (part["vendorId"], number, part["status"])
        for number, order in told.items()
        if order.status == "paid"
        for part in order.shown["parts"]
    }
    given = {
        (vendor, order["orderNo"], order["status"])
        for vendor in VENDORS
        for order in all_of(staff, f"/v1/vendors/{vendor}/orders", **STAFF)
    }
    if wanted != given:
        yield f"I10: vendors lack {sorted(wanted - given)} and have {sorted(given - wanted)}"


def _limits(told: dict[str, Order]) -> Iterator[str]:
    """Nobody has more of a limited SKU than one may buy."""
    bought: Counter[str] = Counter()
    for order in told.values():
        bought[order.customer] += units_of(order)[LIMITED]
    for customer, units in bought.items():
        if units > LIMIT:
            yield f"I8: {customer} has {units} of {LIMITED}, of which one may buy {LIMIT}"


def _room(crowd: Crowd, told: dict[str, Order]) -> Iterator[str]:
    """Who gave limited units back may buy as many again, who kept them may not. Asked last: it changes things."""
    vendor, given_back = SHELVES[LIMITED][0], set()
    bought: Counter[str] = Counter()
    for order in told.values():
        ordered = sum(line["quantity"] for line in order.shown["lines"] if line["sku"] == LIMITED)
        bought[order.customer] += units_of(order)[LIMITED]
        given_back |= {order.customer} if ordered > units_of(order)[LIMITED] else set()
    call(inventory, "PATCH", f"/v1/vendors/{vendor}/inventory/{LIMITED}", {"adjust": UNITS}, **STAFF)
    for person in [person for person in crowd.people if person.id in given_back][:SAMPLE]:
        answer = crowd.ask_for(person, LIMITED, LIMIT - bought[person.id])
        if "purchase_limit" in answer:
            yield f"I8: {person.id} has {bought[person.id]} of {LIMITED} and may not buy more: {answer}"
    for person in [one for one in crowd.people if bought[one.id] and one.id not in given_back][:SAMPLE]:
        if "purchase_limit" not in (answer := crowd.ask_for(person, LIMITED, LIMIT)):
            yield f"I8: {person.id} has {bought[person.id]} of {LIMITED} and may buy {LIMIT} more: {answer[:200]}"


def _promises(crowd: Crowd, told: dict[str, Order]) -> Iterator[str]:
    """I12: what a 2xx said has come true."""
    for what, number, which in sorted(crowd.promised):
        if number not in told:
            yield f"I12: {what} of {number}, which is gone"
        elif not _has_come_true(what, told[number], which):
            yield f"I12: {number} was told {what} {which}, and it is {told[number].status}"


def _has_come_true(what: str, order: Order, which: str) -> bool:
    status = {part["vendorId"]: part.get("status") for part in order.shown["parts"]}
    match what:
        case "refund":
            return which in {refund["id"] for refund in order.refunds}
        case "settled":
            return bool(order.settled) and order.settled["reference"] == which
        case "part_cancelled":
            return status[which] == "cancelled"
        case "ended":
            return order.status == "cancelled" or set(status.values()) == {"cancelled"}
        case "decided":
            return _decision(order.number) == {"approve": "approved", "reject": "rejected"}[which]
        case _:
            return what == order.status


def _decision(number: str) -> str:
    return str(call(fraud, "GET", f"/v1/admin/fraud/screenings/{number}", **STAFF).json.get("status"))


def _to_be_paid_back() -> dict[tuple[str, str], int]:
    """What staff are told to pay back by hand, by order and cause."""
    found: Counter[tuple[str, str]] = Counter()
    for incident in all_of(payments, "/v1/admin/payments/webhook-incidents", **STAFF):
        if incident["reason"] == "pay_back_by_hand":
            found[incident["orderNo"], incident["reference"]] += incident["amount"]["amount"]
    return dict(found)


def _read(entry: JSON) -> JSON:
    return dict(orjson.loads(entry["Detail"]))
