"""A person's cart: a copy of it for them, and its end. One that nobody touches ends by itself."""

import orjson

from cart import store
from market import config, log


def export(folder: str, user_id: str) -> None:
    """Write the cart as our part of an export. Repeated, it writes the file again."""
    held = [
        {"sku": line.sku, "title": line.title, "quantity": line.quantity, "unitPrice": line.unit_price.plain()}
        for line in store.get(user_id).lines
    ]
    config.client("s3").put_object(
        Bucket=config.setting("DOCUMENTS_BUCKET"),
        Key=f"{folder}cart.json",
        Body=orjson.dumps({"lines": held}),
        ContentType="application/json",
    )


def erase(user_id: str) -> None:
    """Repeated, it changes nothing."""
    store.remove(user_id)
    log.info("cart erased", user_id=user_id)
