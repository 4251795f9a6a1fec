"""How long the oldest review has waited, and a person called before it ends by itself."""

from datetime import datetime, timedelta

from fraud import store
from fraud.model import OPEN
from market import clock, config, log

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
        _ring(oldest["card"]["order_no"], hours)
    return {"hours": hours}


def _ring(order_no: str, hours: int) -> None:
    """A log line that CloudWatch also reads as a number, on which the alarm is."""
    metric = {"Namespace": "Market", "Dimensions": [["stage"]], "Metrics": [{"Name": "ReviewsWait"}]}
    log.error(
        "reviews wait",
        order_no=order_no,
        stage=config.setting("STAGE"),
        ReviewsWait=hours,
        _aws={"Timestamp": clock.epoch() * 1000, "CloudWatchMetrics": [metric]},
    )
