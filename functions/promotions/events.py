"""What promotions tell others: enough for badges and search to keep a copy of whom and what they are for."""

from typing import ClassVar

from pydantic import BaseModel

from market.events import Event


class Goods(BaseModel):
    """Goods that are named in any of these ways, a category with all below it."""

    products: list[str] = []
    skus: list[str] = []
    categories: list[str] = []
    brands: list[str] = []
    vendors: list[str] = []


class _Told(BaseModel):
    """scope: `platform` or a vendor's id; such a promotion is for goods of that vendor only.

    kind: of the benefit; badge: a few words for product cards, such as `20% off`. revision: later ones count.
    """

    promotion_id: str
    revision: int
    scope: str
    status: str
    kind: str
    badge: str
    needs_code: bool
    starts_at: str
    ends_at: str
    include: Goods
    exclude: Goods


class PromotionLaunched(_Told, Event):
    """The promotion counts from now on, or again after a pause."""

    type: ClassVar[str] = "promotion.launched"


class PromotionChanged(_Told, Event):
    """Something is said differently of a launched promotion."""

    type: ClassVar[str] = "promotion.changed"


class PromotionEnded(_Told, Event):
    """The promotion does not count any more: `paused`, or `ended` for good."""

    type: ClassVar[str] = "promotion.ended"


class PromotionExhausted(Event):
    """An order asked for more than was left of a limit; some of it may come back when other orders fail."""

    type: ClassVar[str] = "promotion.exhausted"
    promotion_id: str


class PromotionCodesRequested(Event):
    """More codes of a batch are to be made."""

    type: ClassVar[str] = "promotion.codes_requested"
    promotion_id: str
    batch_id: str
    made: int
