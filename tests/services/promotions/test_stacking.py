"""The table of the README, row by row, in every order of lines and promotions that is tried."""

import random
import re
from dataclasses import replace
from pathlib import Path

import pytest

from market.money import parse
from promotions.contract import Code, Goods, Promotion
from promotions.model import Benefit, Bundle, BuyGet, Fixed, FreeGift, FreeShipping, Percent, Tier, Tiered
from tests.services.promotions.maker import goods, outcome, promotion, some

pytestmark = pytest.mark.contract("9.1", "9.2")
README = Path(__file__).parents[3] / "functions" / "promotions" / "README.md"
_OPTIONS = re.compile(r"\[(?P<flags>[^\]]*)\]")


def rows() -> list[list[str]]:
    table = README.read_text().partition("<!-- stacking:start -->")[2].partition("<!-- stacking:end -->")[0]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in table.strip().splitlines()[2:]]


def cents(text: str) -> int:
    return parse(text, "EUR").amount


def benefit(text: str) -> Benefit:
    if text.endswith("%"):
        points = int(text.removeprefix("tier ").removesuffix("%")) * 100
        return Tiered(tiers=(Tier(units=1, basis_points=points),)) if "tier" in text else Percent(basis_points=points)
    if found := re.fullmatch(r"buy (\d) get (\d)", text):
        return BuyGet(buy=int(found[1]), get=int(found[2]))
    if text.startswith("bundle"):
        return Bundle(units={"LINE-0": 2}, prices={"EUR": cents(text.removeprefix("bundle "))})
    if text in ("ship", "gift"):
        return FreeShipping() if text == "ship" else FreeGift(sku="LINE-0")
    return Fixed(amounts={"EUR": cents(text.removesuffix(" each"))}, per_unit=text.endswith(" each"))


def read_promotion(text: str) -> tuple[Promotion, Code | None]:
    found = _OPTIONS.search(text)
    flags = found["flags"] if found else ""
    name, _, what = _OPTIONS.sub("", text).strip().partition(" ")
    group = re.search(r"g: (\w+)", flags)
    words = flags.split()
    priority = next((int(word[1:]) for word in words if re.fullmatch(r"p-?\d+", word)), 0)
    made = promotion(
        name, benefit(what), exclusive="x" in words, priority=priority, group=group[1] if group else "",
        uses=10 if "n" in words else 0, needs_code="c" in words,
    )  # fmt: skip
    return made, Code(code=f"CODE{name}", promotion_id=name) if "c" in words else None


def read_lines(text: str) -> list[Goods]:
    parts = [line.strip().partition(" x") for line in text.split(";")]
    return [goods(f"LINE-{n}", cents(price), int(units or 1)) for n, (price, _, units) in enumerate(parts)]


@pytest.mark.parametrize("row", rows(), ids=lambda row: row[0])
def test_the_table_holds(row: list[str]) -> None:
    _, promotions, lines, expected = row
    made = [read_promotion(text) for text in promotions.split(";")]
    codes = [code for _, code in made if code]
    cart, chosen = read_lines(lines), [one for one, _ in made]
    wanted = [(name, cents(amount)) for name, amount in (part.split() for part in expected.split(";"))]

    for attempt in range(6):
        if attempt:
            random.Random(attempt).shuffle(cart)
            random.Random(attempt).shuffle(chosen)
        found = outcome(cart, *chosen, codes=codes, postage={"ven_1": 490}).applied
        assert [(one.promotion_id, one.amount.amount) for one in found] == wanted


def test_the_table_is_not_empty() -> None:
    assert len(rows()) >= 20


def test_of_many_groups_each_ones_best_is_found_by_itself() -> None:
    """Seven groups of two are 128 choices: the first of each would be better together, and is not tried."""
    made = [promotion(f"{g}{n}", Fixed(amounts={"EUR": 100 + n}), group=f"g{g}") for g in range(7) for n in range(2)]
    found = outcome([goods("A", 100_000)], *made).applied

    assert [one.promotion_id for one in found] == [f"{g}1" for g in range(7)]


@pytest.mark.parametrize(("more", "best"), [(5, "fixed"), (6, "share")])
def test_sixty_four_choices_are_compared_and_of_more_each_group_by_itself(more: int, best: str) -> None:
    """The share is the better one by itself, the amount after another one that comes first."""
    chair, lamp = some(skus=["CHAIR"]), some(skus=["LAMP"])
    made = [
        promotion("first", Fixed(amounts={"EUR": 4_500}), include=chair, priority=1),
        promotion("fixed", Fixed(amounts={"EUR": 1_000}), include=chair, group="g"),
        promotion("share", Percent(basis_points=6_000), include=chair, group="g"),
        *(
            promotion(f"{g}{n}", Fixed(amounts={"EUR": 100 + n}), include=lamp, group=f"g{g}")
            for g in range(more)
            for n in range(2)
        ),
    ]
    found = outcome([goods("CHAIR", 6_000), goods("LAMP", 90_000)], *made).applied

    assert [one.promotion_id for one in found if one.promotion_id in ("fixed", "share")] == [best]


def test_a_refused_code_says_that_others_give_more() -> None:
    worse = promotion("worse", Percent(basis_points=100), exclusive=True, needs_code=True)
    better = promotion("better", Percent(basis_points=5_000))
    found = outcome([goods("A", 1_000)], worse, better, codes=[Code(code="W", promotion_id="worse")])

    assert [(one.code, one.reason_code) for one in found.refused] == [("W", "better_offer")]
    assert outcome([goods("A", 1_000)], worse, codes=[Code(code="W", promotion_id="worse")]).refused == ()


def test_gifts_that_are_still_to_be_had_break_ties() -> None:
    one = promotion("a", FreeGift(sku="MUG", units=1), exclusive=True)
    two = promotion("b", FreeGift(sku="MUG", units=2), exclusive=True)

    assert [gift.promotion_id for gift in outcome([goods("A", 1_000)], one, two).gifts] == ["b"]
    assert [
        gift.promotion_id for gift in outcome([goods("A", 1_000)], one, replace(two, benefit=one.benefit)).gifts
    ] == ["a"]


def test_more_free_parcels_break_ties_where_no_postage_is_known() -> None:
    lines = [goods("A", 1_000), goods("B", 1_000, vendor="ven_2")]
    both = promotion("b", FreeShipping(), exclusive=True)
    single = promotion("a", FreeShipping(), exclusive=True, scope="ven_1")

    assert [one.promotion_id for one in outcome(lines, both, single).applied] == ["b"]
