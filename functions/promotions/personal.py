"""What promotions keep of a person: a copy of it for them, and its end.

Which order reserved what is kept for 90 days, as the books of the promotions' budgets; it names nobody but by id.
"""

import orjson

from market import clock, config, log
from market.table import delete, update
from promotions import coupons, store
from promotions.contract import code_key, customer_key


def export(folder: str, user_id: str) -> None:
    """Write coupons and uses as our part of an export. Repeated, it writes the file again."""
    facts = coupons.facts_of(user_id)
    kept = [
        {
            "code": coupon.code.code,
            "state": coupon.state,
            "title": coupon.promotion.title if coupon.promotion else "",
        }
        for coupon in coupons.coupons_of(user_id)
    ]
    held = {"since": facts.since, "orders": facts.orders, "uses": dict(facts.uses), "coupons": kept}
    config.client("s3").put_object(
        Bucket=config.setting("DOCUMENTS_BUCKET"),
        Key=f"{folder}promotions.json",
        Body=orjson.dumps(held),
        ContentType="application/json",
    )


def erase(user_id: str) -> None:
    """Delete what is known of the person, and end coupons that were only theirs. Repeated, it changes nothing."""
    mine = [coupon.code for coupon in coupons.coupons_of(user_id) if coupon.code.customer_id == user_id]
    for code in mine:
        end = {":nobody": "erased", ":now": clock.timestamp()}
        store.TABLE.write(update(code_key(code.code), "SET customer_id = :nobody, until = :now", end))
    store.TABLE.write(delete(customer_key(user_id)))
    log.info("coupons erased", user_id=user_id)
