"""Two years of a grocer's real coupons, campaigns and redemptions, turned into promotions and run over real baskets.

A coupon's number, where it begins with 5, ends with the value code of the US coupon standard: how much it takes off,
and for how many units. That makes a `fixed` promotion with a minimum of units, for the products of the coupon, from
the first to the last day of its campaign. The grocer's own coupons tell no value; they become shares of a tenth.

Comparable with what the till recorded is a coupon for one unit that was redeemed once on a day, for the only line of
that day's sample with one of its products and a recorded coupon: all else shares its discount with lines that the
sample does not have. What the till recorded is then the coupon's value. Once it is twice that: two units, two coupons.
"""

import csv
import gzip
import random
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from market.money import Money
from promotions.contract import Code, CustomerFacts, Goods, Outcome, Promotion, evaluate
from promotions.model import Fixed, Percent
from tests.services.promotions.maker import promotion, some

pytestmark = pytest.mark.contract("9.1", "9.2")
DATA = Path(__file__).parents[4] / "shared" / "data" / "grocery-completejourney" / "public"
CUSTOMER = CustomerFacts(customer_id="household")

PLAIN = frozenset(
    {10, 12, 15, 20, 25, 29, 30, 35, 39, 40, 45, 49, 50, 55, 59, 60, 65, 69, 70, 75, 79, 80, 85, 89, 90, 95, 99}
)
"""Value codes that are their own value in cents, off one unit."""
OTHERS = {
    76: (1, 100), 77: (1, 125), 78: (1, 150), 81: (1, 175), 82: (1, 200), 83: (1, 225), 84: (1, 250), 86: (1, 275),
    87: (1, 300), 88: (1, 325), 91: (1, 350), 92: (1, 375), 93: (1, 400), 96: (1, 450), 21: (2, 35), 22: (2, 40),
    24: (2, 50), 28: (2, 55), 31: (2, 60), 32: (2, 75), 33: (2, 100), 34: (2, 125), 36: (2, 150), 51: (2, 200),
    41: (3, 50), 42: (3, 100), 52: (3, 55),
}  # fmt: skip
"""Of the others: for so many units, so many cents."""


@dataclass
class Day:
    """What a household redeemed on a day, and those of its lines that are in the sample."""

    at: str
    coupons: Counter[tuple[str, str]] = field(default_factory=Counter)
    lines: list[Goods] = field(default_factory=list)
    recorded: dict[str, int] = field(default_factory=dict)


def rows(name: str) -> Iterator[dict[str, str]]:
    with gzip.open(DATA / f"{name}.csv.gz", "rt") as file:
        yield from csv.DictReader(file)


def value(coupon: str) -> tuple[int, int] | None:
    """Units and cents of a manufacturer's coupon; None where the number does not tell."""
    code = int(coupon[-2:])
    if not coupon.startswith("5") or len(coupon) != 11:
        return None
    return (1, code) if code in PLAIN else OTHERS.get(code)


@pytest.fixture(scope="module")
def days() -> list[Day]:
    if not DATA.exists():
        pytest.skip("the shared grocery data are not here")
    found: dict[tuple[str, str], Day] = {}
    for row in rows("coupon_redemptions"):
        day = found.setdefault((row["household_id"], row["redemption_date"]), Day(row["redemption_date"]))
        day.coupons[row["coupon_upc"], row["campaign_id"]] += 1
    for row in rows("transactions"):
        bought = found.get((row["household_id"], row["transaction_timestamp"][:10]))
        quantity, cents = float(row["quantity"]), round(float(row["sales_value"]) * 100)
        if bought is None or not quantity.is_integer() or not 1 <= quantity <= 999:
            continue  # fuel and what is weighed
        name = f"{row['product_id']}-{len(bought.lines)}"
        line = Goods(
            sku=name, product_id=row["product_id"], vendor_id="grocer", category="", quantity=int(quantity),
            unit_price=Money(cents // int(quantity), "USD"),
        )  # fmt: skip
        bought.lines.append(line)
        if float(row["coupon_disc"]):
            bought.recorded[name] = round(float(row["coupon_disc"]) * 100)
    return [day for day in found.values() if day.lines]


@pytest.fixture(scope="module")
def coupons(days: list[Day]) -> dict[tuple[str, str], Promotion]:
    """The promotion of each coupon of each campaign."""
    products: defaultdict[tuple[str, str], set[str]] = defaultdict(set)
    for row in rows("coupons"):
        products[row["coupon_upc"], row["campaign_id"]].add(row["product_id"])
    dates = {row["campaign_id"]: row for row in rows("campaign_descriptions")}
    made = {}
    for (coupon, campaign), goods in products.items():
        told = value(coupon)
        units, cents = told or (0, 0)
        made[coupon, campaign] = promotion(
            f"prm_{coupon}_{campaign}",
            Fixed(amounts={"USD": cents}) if told else Percent(basis_points=1_000),
            include=some(products=sorted(goods)),
            needs_code=True,
            min_units=units,
            starts_at=f"{dates[campaign]['start_date']}T00:00:00.000Z",
            ends_at=f"{dates[campaign]['end_date']}T23:59:59.999Z",
        )
    return made


def run(day: Day, coupons: dict[tuple[str, str], Promotion], *, lines: list[Goods] | None = None) -> Outcome:
    """The basket with the first three coupons of the day, as our orders take them."""
    used = [coupons[one] for one in sorted(day.coupons)[:3]]
    return evaluate(
        lines or day.lines,
        used,
        codes=[Code(code=one.id, promotion_id=one.id) for one in used],
        customer=CUSTOMER,
        country="US",
        currency="USD",
        at=f"{day.at}T12:00:00.000Z",
    )


def test_every_basket_with_redeemed_coupons_keeps_its_properties(
    days: list[Day], coupons: dict[tuple[str, str], Promotion]
) -> None:
    applied = 0
    for day in days:
        found = run(day, coupons)
        by_line = found.by_line(len(day.lines))
        for off, line in zip(by_line, day.lines, strict=True):
            assert 0 <= off <= line.unit_price.amount * line.quantity
        for one in found.applied:
            benefit = coupons[tuple(one.promotion_id.split("_")[1:])].benefit  # type: ignore[index]
            assert sum(one.by_line) == one.amount.amount > 0
            assert not isinstance(benefit, Fixed) or one.amount.amount <= benefit.amounts["USD"]
        places = list(range(len(day.lines)))
        random.Random(7).shuffle(places)
        turned = run(day, coupons, lines=[day.lines[place] for place in places])
        assert turned.by_line(len(places)) == tuple(by_line[place] for place in places)
        applied += len(found.applied)
        assert len(found.applied) + len(found.refused) == min(3, len(day.coupons))

    assert len(days) > 400
    assert applied > 40


def test_every_redemption_was_within_its_campaign(days: list[Day], coupons: dict[tuple[str, str], Promotion]) -> None:
    """So that no coupon is refused for its time, which would be answered as an unknown code."""
    reasons = Counter(refused.reason_code for day in days for refused in run(day, coupons).refused)

    assert set(reasons) <= {"not_these_goods", "quantity_not_reached", "better_offer"}, reasons


def test_what_the_till_recorded_is_what_we_take_off(days: list[Day], coupons: dict[tuple[str, str], Promotion]) -> None:
    same = different = 0
    for day in days:
        for place, line in enumerate(day.lines):
            if line.sku not in day.recorded:
                continue
            fitting = [one for one in day.coupons if line.product_id in coupons[one].include.products]
            if len(fitting) != 1 or day.coupons[fitting[0]] != 1 or (value(fitting[0][0]) or (0, 0))[0] != 1:
                continue
            others = [one for one in day.lines if one.product_id in coupons[fitting[0]].include.products]
            if len(others) != 1:
                continue
            only = Day(day.at, Counter({fitting[0]: 1}), day.lines)
            ours = run(only, coupons).by_line(len(day.lines))[place]
            same += ours == day.recorded[line.sku]
            different += ours != day.recorded[line.sku]
            assert day.recorded[line.sku] % ours == 0

    assert (same, different) == (20, 1)
