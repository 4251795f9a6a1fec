"""The goods of a cart, and which of them a promotion is for. Pure."""

from collections.abc import Sequence
from functools import cached_property, lru_cache

from market.money import Money
from market.values import value
from promotions.benefits import Reach, Work
from promotions.model import PLATFORM, SEPARATOR, BuyGet, FreeGift, Promotion, tagged


@value(frozen=True, slots=True, kw_only=True)
class Goods:
    """One line of a cart, at its price before promotions."""

    sku: str
    product_id: str
    vendor_id: str
    category: str
    quantity: int
    unit_price: Money
    brand: str = ""


class Basket:
    """The goods in the order of their SKUs, so that nothing depends on the order of the lines.

    places: where each of them is among the lines; tags: by what selectors may name each of them, asked for by few.
    """

    def __init__(self, goods: Sequence[Goods], currency: str) -> None:
        def sku_first(i: int) -> tuple[str, int, int]:
            return goods[i].sku, goods[i].unit_price.amount, goods[i].quantity

        self.places = sorted(range(len(goods)), key=sku_first)
        self.goods = [goods[i] for i in self.places]
        self.currency = currency
        self.skus = [one.sku for one in self.goods]
        self.units = [one.quantity for one in self.goods]
        self.value = [one.unit_price.amount * one.quantity for one in self.goods]
        self.every = tuple(range(len(goods)))

    @cached_property
    def tags(self) -> list[frozenset[str]]:
        return [_tags(one.product_id, one.sku, one.vendor_id, one.category, one.brand) for one in self.goods]

    @cached_property
    def any_tag(self) -> frozenset[str]:
        return frozenset[str]().union(*self.tags)

    def work(self) -> Work:
        return Work(self.currency, self.skus, self.units, self.value, list(self.value))


@lru_cache(maxsize=4096)
def _tags(product: str, sku: str, vendor: str, category: str, brand: str) -> frozenset[str]:
    """A category's path stands for those above it too."""
    parts = category.split(SEPARATOR) if category else []
    above = frozenset(SEPARATOR.join(parts[: n + 1]) for n in range(len(parts)))
    brands = frozenset([brand] if brand else [])
    return tagged(frozenset([product]), frozenset([sku]), above, brands, frozenset([vendor]))


def lines_of(promotion: Promotion, basket: Basket) -> tuple[int, ...]:
    """The lines that the promotion is for: named and not excluded, and of those who pay for it."""
    named, excluded = promotion.include.tags, promotion.exclude.tags
    if named and named.isdisjoint(basket.any_tag):
        return ()
    lines = basket.every
    if named:
        lines = tuple([i for i in lines if not named.isdisjoint(basket.tags[i])])
    if excluded:
        lines = tuple([i for i in lines if excluded.isdisjoint(basket.tags[i])])
    if promotion.scope != PLATFORM or promotion.joined:
        lines = tuple([i for i in lines if _may_take(promotion, basket.goods[i])])
    return lines


def reach_of(promotion: Promotion, lines: tuple[int, ...], basket: Basket) -> tuple[Reach, int, int]:
    """Which lines count, with their units and value: without the gift, and without rewards that are other goods."""
    benefit, rewards, gift = promotion.benefit, tuple[int, ...](), None
    if isinstance(benefit, BuyGet) and benefit.rewards:
        named = benefit.rewards.tags
        own = (i for i in basket.every if _may_take(promotion, basket.goods[i]))
        rewards = tuple(i for i in own if not named.isdisjoint(basket.tags[i]))
        lines = tuple(i for i in lines if i not in rewards)
    units, value = sum([basket.units[i] for i in lines]), sum([basket.value[i] for i in lines])
    if isinstance(benefit, FreeGift):
        mine = (i for i in basket.every if basket.skus[i] == benefit.sku and _may_take(promotion, basket.goods[i]))
        gift = next(mine, None)
        if gift is not None and gift in lines:
            given = min(benefit.units, basket.units[gift])
            units, value = units - given, value - given * basket.goods[gift].unit_price.amount
    return Reach(lines, rewards, gift), units, value


def _may_take(promotion: Promotion, goods: Goods) -> bool:
    """Whether those who pay for the promotion sell the goods."""
    if promotion.scope != PLATFORM:
        return goods.vendor_id == promotion.scope
    if not promotion.joined:
        return True
    products = promotion.participants.get(goods.vendor_id)
    return products is not None and (not products or goods.product_id in products)
