"""Variants from an option matrix: every combination of the options' values, less those that are left out."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from math import prod
from typing import Any

from catalog.model import MAX_VARIANTS, TooManyVariants
from catalog.tree import slug_of
from market.errors import Unprocessable

_PLACE = re.compile(r"\{([^{}]*)\}")
_LONGEST = 64


class MatrixClash(Unprocessable):
    """The SKU pattern names an option that is not there, gives two combinations one SKU, or fits no combination."""

    code, title = "matrix_clash", "The option matrix does not work out"


@dataclass(frozen=True, slots=True)
class Deviation:
    """What is different for combinations with these option values: `skip` leaves them out."""

    options: Mapping[str, str]
    changes: Mapping[str, Any]
    skip: bool = False

    def fits(self, combination: Mapping[str, str]) -> bool:
        return self.options.items() <= combination.items()


def combinations(options: Mapping[str, Sequence[str]]) -> list[dict[str, str]]:
    """All of them, the last option changing fastest. Raises TooManyVariants before anything is made."""
    if prod(len(values) for values in options.values()) > MAX_VARIANTS:
        raise TooManyVariants(f"A product has at most {MAX_VARIANTS} variants.")
    return [dict(zip(options, values, strict=True)) for values in product(*options.values())]


def expanded(
    options: Mapping[str, Sequence[str]], pattern: str, common: Mapping[str, Any], deviations: Sequence[Deviation]
) -> list[dict[str, Any]]:
    """The variants as they would have been sent one by one.

    pattern: such as `LAMP-{colour}-{size}`; values are put in as capital letters, digits and hyphens.
    common: fields that all variants have; later deviations win over earlier ones. Raises TooManyVariants, MatrixClash.
    """
    made: list[dict[str, Any]] = []
    for combination in combinations(options):
        fitting = [deviation for deviation in deviations if deviation.fits(combination)]
        if any(deviation.skip for deviation in fitting):
            continue
        variant: dict[str, Any] = {"sku": sku(pattern, combination), "options": combination, **common}
        for deviation in fitting:
            variant |= deviation.changes
        made.append(variant)
    skus = [variant["sku"] for variant in made]
    if not made or len(set(skus)) < len(skus):
        raise MatrixClash("Two combinations would have the same SKU." if made else "All combinations are left out.")
    return made


def sku(pattern: str, combination: Mapping[str, str]) -> str:
    """Raises MatrixClash for a pattern that names another option, or a SKU that is empty or too long."""

    def put_in(found: re.Match[str]) -> str:
        if found[1] not in combination:
            raise MatrixClash(f"The SKU pattern names {found[1][:60]!r}, which is no option.")
        return slug_of(combination[found[1]]).upper()

    text = _PLACE.sub(put_in, pattern)
    if not 0 < len(text) <= _LONGEST:
        raise MatrixClash(f"A SKU has 1 to {_LONGEST} characters; {pattern!r} gives {len(text)}.")
    return text
