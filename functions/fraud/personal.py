"""What the screen remembers of an account: a copy for its owner, and its end.

Screenings stay for 400 days, masked, since a payment may be disputed for that long; so do uses of cards and addresses,
which are hashes without a name. Scores and reasons are not handed out: who knows them pays around them.
"""

from typing import Any

import orjson

from fraud import store
from fraud.contract import Screening
from market import config, log
from orders.contract import places_of


def export(folder: str, user_id: str) -> None:
    """Write the account's history and its screenings as our part of an export. Repeated, it writes the file again."""
    history, found = store.history_of(user_id), map(store.get, (place.sk for place in places_of(store.query, user_id)))
    held = {
        "firstSeen": history.first_seen,
        "paid": {currency: {"orders": n, "sum": money} for currency, (n, money) in history.paid.items()},
        "refused": history.refused,
        "refunded": history.refunded,
        "screenings": [_told(screening) for screening in found if screening and screening.verdict],
    }
    config.client("s3").put_object(
        Bucket=config.setting("DOCUMENTS_BUCKET"),
        Key=f"{folder}fraud.json",
        Body=orjson.dumps(held),
        ContentType="application/json",
    )


def erase(user_id: str) -> None:
    """Delete the account's history, and take the account off the lists. Repeated, it changes nothing.

    What is heard of it later is counted under the hash of an id that is nobody's any more.
    """
    store.forget_account(user_id)
    log.info("fraud history erased", user_id=user_id)


def _told(screening: Screening) -> dict[str, Any]:
    return {
        "orderNo": screening.order_no,
        "status": screening.status,
        "screenedAt": screening.screened_at,
        "facts": screening.signals,
    }
