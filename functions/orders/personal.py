"""What orders say of a person: a copy of it for them, and what is left when they are erased.

Tax law makes us keep what was sold, for how much and to which country, and the invoices with their buyers, for ten
years; those are frozen documents of their own. All else that tells who it was goes: addresses, e-mail, IP address.
"""

from collections.abc import Iterator
from typing import Any

import orjson

from market import config, log
from market.errors import NotFound
from market.table import EXISTS, Write, update
from orders import parts, store
from orders.contract import OrderSnapshot, order_key, ref_key
from orders.table import TABLE

_GONE = NotFound("There is no such order.")


def export(folder: str, user_id: str) -> None:
    """Write the person's orders as our part of an export. Repeated, it writes the same file again."""
    held = [_told(order) for order in _orders(user_id)]
    config.client("s3").put_object(
        Bucket=config.setting("DOCUMENTS_BUCKET"),
        Key=f"{folder}orders.json",
        Body=orjson.dumps({"orders": held}),
        ContentType="application/json",
    )


def erase(user_id: str) -> None:
    """Take out of the person's orders who they were, and let nobody find them by e-mail. Repeated, it changes nothing.

    Vendors' views of their parts lose the address too.
    """
    count = 0
    for order in _orders(user_id):
        for write in _erasing(order):
            _if_there(write)
        count += 1
    log.info("orders made anonymous", user_id=user_id, count=count)


def _orders(user_id: str) -> Iterator[OrderSnapshot]:
    cursor: str | None = None
    while True:
        page, cursor = store.of_customer(user_id, limit=100, cursor=cursor)
        yield from page
        if cursor is None:
            return


def _told(order: OrderSnapshot) -> dict[str, Any]:
    return {
        "orderNo": order.number,
        "status": order.status,
        "createdAt": order.created_at,
        "paidAt": order.paid_at,
        "cancelledAt": order.cancelled_at,
        "total": order.total.plain(),
        "lines": [
            {"sku": line.sku, "title": line.title, "quantity": line.quantity, "charge": line.charge.plain()}
            for line in order.lines
        ],
        "shippingMethod": order.shipping_method,
        "shippingAddress": dict(order.address),
        "billingAddress": dict(order.billing_address),
        "origin": dict(order.origin),
    }


def _erasing(order: OrderSnapshot) -> Iterator[Write]:
    left = orjson.dumps({"country": order.country}).decode()
    yield update(
        order_key(order.customer_id, order.id),
        "SET address = :left, origin = :none REMOVE billing_address",
        {":left": left, ":none": {}},
        when=EXISTS,
        otherwise=_GONE,
    )
    for part in order.parts:
        place = parts.part_key(part.vendor_id, order.id)
        yield update(place, "SET address = :left", {":left": left}, when=EXISTS, otherwise=_GONE)
    yield update(ref_key(order.id), "REMOVE by3pk, by3sk", when=EXISTS, otherwise=_GONE)


def _if_there(write: Write) -> None:
    try:
        TABLE.write(write)
    except NotFound:
        return
