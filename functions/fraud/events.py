"""What the fraud screen announces."""

from typing import ClassVar

from market.events import Event


class FraudReviewNeeded(Event):
    """A payment was held back: a person decides. score is in basis points, 10 000 is certain fraud."""

    type: ClassVar[str] = "fraud.review_needed"
    order_id: str
    order_no: str
    customer_id: str
    score: int


class FraudDecided(Event):
    """A review has ended. decision: approved, rejected, expired or withdrawn; the checkout goes on."""

    type: ClassVar[str] = "fraud.decided"
    order_id: str
    order_no: str
    decision: str
