"""What prices tell: a base price should or might change, is compared with one that never was; rates are new."""

from typing import ClassVar

from pydantic import BaseModel

from market.events import Event
from market.money import Money


class PriceDecided(Event):
    """A plan or a rule wants the base price of a SKU to be `price`, if it still is `expected`.

    reason: `plan`, `rule`, or `accepted` for a suggestion. The same decision may be told more than once; carried out,
    `expected` fits no more.
    """

    type: ClassVar[str] = "price.decided"
    decision_id: str
    vendor_id: str
    product_id: str
    sku: str
    price: Money
    expected: Money
    reason: str


class SuggestionReason(BaseModel):
    """Such as `stock_below`, with the number that was seen and the bound that it was compared with."""

    code: str
    seen: int
    bound: int


class PriceSuggested(Event):
    """A rule that only suggests would set this price. confidence: 0 to 100."""

    type: ClassVar[str] = "price.suggested"
    decision_id: str
    vendor_id: str
    product_id: str
    sku: str
    price: Money
    present: Money
    rule_id: str
    confidence: int
    reasons: list[SuggestionReason]


class PriceClaimDoubted(Event):
    """A vendor compares the price of a SKU with one that is higher than what it cost in the 30 days before.

    lowest: the highest price that may be named; absent where the price was not reduced at all.
    """

    type: ClassVar[str] = "price.claim_doubted"
    vendor_id: str
    product_id: str
    sku: str
    claimed: Money
    lowest: Money | None


class RatesUpdated(Event):
    """Exchange rates changed. `currencies` names those that did; `source` is `ecb` or `staff`."""

    type: ClassVar[str] = "rates.updated"
    revision: int
    source: str
    currencies: list[str]
