"""Which promotions show on which goods, as badges on product cards and pages. Pure."""

from collections.abc import Iterable, Sequence

from promotions.basket import Basket, Goods, lines_of
from promotions.conditions import is_on
from promotions.model import Promotion
from promotions.rules import LAUNCHED


def shown_on(
    promotions: Iterable[Promotion], goods: Sequence[Goods], *, at: str, country: str = ""
) -> list[list[Promotion]]:
    """Of books, those that each of the goods takes part in, the most important first, in the goods' order.

    One may ask for more units or for a first order; those for named customers or groups do not show. country: where
    the goods go, if that is known.
    """
    found: list[list[Promotion]] = [[] for _ in goods]
    basket = Basket(goods, "")
    for promotion in sorted(promotions, key=lambda one: (-one.stacking.priority, one.id)):
        if not _is_public(promotion, at, country):
            continue
        currencies = promotion.conditions.currencies
        for line in lines_of(promotion, basket):
            if not currencies or basket.goods[line].unit_price.currency in currencies:
                found[basket.places[line]].append(promotion)
    return found


def _is_public(promotion: Promotion, at: str, country: str) -> bool:
    conditions = promotion.conditions
    if promotion.hidden or promotion.status not in LAUNCHED or not is_on(conditions, at):
        return False
    if conditions.customers or conditions.groups or promotion.uses_left == 0 or promotion.budget_left == 0:
        return False
    return not country or not conditions.countries or country in conditions.countries
