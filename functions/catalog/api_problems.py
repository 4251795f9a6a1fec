"""What may keep a product, or a change of one, from being published: for the routes that say so."""

from catalog.attributes import AttributesUnfit
from catalog.matrix import MatrixClash
from catalog.model import (
    CopyOutdated,
    MixedCurrencies,
    NoReduction,
    ProductTooLarge,
    SlugTaken,
    TooManyVariants,
    UnderReview,
    VariantsClash,
)
from catalog.tree import UnknownCategory
from inventory.contract import SkuTaken
from market.errors import PreconditionFailed, Problem
from media.contract import MediaNotReady
from vendors.contract import VendorNotActive

UNSOUND: list[type[Problem]] = [
    UnknownCategory, VendorNotActive, SkuTaken, SlugTaken, TooManyVariants, MixedCurrencies, VariantsClash, NoReduction,
    AttributesUnfit, MatrixClash, MediaNotReady, ProductTooLarge,
]  # fmt: skip
PUBLICATION: list[type[Problem]] = [*UNSOUND, PreconditionFailed, UnderReview, CopyOutdated]
