"""A person's invoices and credit notes, as a copy for them.

Tax law makes us keep them as they are, with their buyer, for ten years.
"""

from typing import Any

import orjson

from invoices import store
from invoices.model import Document
from market import config
from orders.contract import places_of


def export(folder: str, user_id: str) -> None:
    """Write it as our part of an export. Repeated, it writes the file again."""
    found = [document for place in places_of(store.query, user_id) for document in store.of_order(place.sk)]
    config.client("s3").put_object(
        Bucket=config.setting("DOCUMENTS_BUCKET"),
        Key=f"{folder}invoices.json",
        Body=orjson.dumps({"documents": [_told(document) for document in found]}),
        ContentType="application/json",
    )


def _told(document: Document) -> dict[str, Any]:
    return {
        "kind": document.kind,
        "number": document.number,
        "orderNo": document.order_no,
        "issuedAt": document.issued_at,
        "seller": document.seller["name"],
        "buyer": dict(document.buyer),
        "total": document.total.plain(),
        "rows": [{"text": row.text, "quantity": row.quantity, "charge": row.charge.plain()} for row in document.rows],
    }
