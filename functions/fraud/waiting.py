"""How long the oldest review has waited, and a person called before it ends by itself."""

from datetime import datetime, timedelta

from fraud import store
from fraud.model import OPEN
from market import clock, log

PATIENCE = timedelta(days=1)
"""How long a review may wait: two more days are left to decide."""


def check() -> dict[str, int]:
    """Rings if a review has waited for more than a day. Answers the `hours` that the oldest has waited."""
    oldest = next(iter(store.reviews(limit=1, cursor=None).items), None)
    if oldest is None or oldest["card"]["status"] != OPEN:
        return {"hours": 0}
    waited = clock.now() - datetime.fromisoformat(oldest["card"]["screened_at"])
    hours = waited // timedelta(hours=1)
    if waited > PATIENCE:
        log.ring("reviews wait", "ReviewsWait", hours, order_no=oldest["card"]["order_no"])
    return {"hours": hours}
