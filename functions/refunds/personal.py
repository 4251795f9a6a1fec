"""A person's refunds, as a copy for them. None is erased: they are of an order, in the books, for ten years."""

from collections.abc import Iterator
from typing import Any

import orjson

from market import config
from orders.contract import places_of
from refunds import store
from refunds.model import Refund


def export(folder: str, user_id: str) -> None:
    """Write it as our part of an export. Repeated, it writes the file again."""
    found = [refund for place in places_of(store.query, user_id) for refund in _of_order(place.sk)]
    config.client("s3").put_object(
        Bucket=config.setting("DOCUMENTS_BUCKET"),
        Key=f"{folder}refunds.json",
        Body=orjson.dumps({"refunds": [_told(refund) for refund in found]}),
        ContentType="application/json",
    )


def _of_order(order_id: str) -> Iterator[Refund]:
    cursor: str | None = None
    while True:
        page, cursor = store.of_order(order_id, limit=100, cursor=cursor)
        yield from page
        if cursor is None:
            return


def _told(refund: Refund) -> dict[str, Any]:
    """What the customer may read of it: notes of staff are theirs."""
    return {
        "orderNo": refund.order_no,
        "status": refund.status,
        "amount": refund.amount.plain(),
        "reason": refund.reason,
        "createdAt": refund.created_at,
        "settledAt": refund.settled_at,
    }
