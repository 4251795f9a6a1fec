"""Groups of a customer: a copy of them for the customer, and their end."""

import orjson

from market import config, log
from prices import store


def export(folder: str, user_id: str) -> None:
    """Write the groups as our part of an export. Repeated, it writes the file again."""
    config.client("s3").put_object(
        Bucket=config.setting("DOCUMENTS_BUCKET"),
        Key=f"{folder}prices.json",
        Body=orjson.dumps({"priceGroups": sorted(store.groups_of(user_id))}),
        ContentType="application/json",
    )


def erase(user_id: str) -> None:
    """Repeated, it changes nothing."""
    store.forget_groups(user_id)
    log.info("price groups erased", user_id=user_id)
