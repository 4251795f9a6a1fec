"""For whom, what and when a promotion is, and what a customer is told of a code that gives nothing."""

from dataclasses import replace
from typing import Any

import pytest

from promotions.contract import Code, CustomerFacts
from promotions.model import Percent, Promotion
from tests.services.promotions.maker import ADA, NOON, applied, goods, off, outcome, promotion, some

pytestmark = pytest.mark.contract("9.2")
TEN = Percent(basis_points=1_000)
LINE = goods("A", 1_000, 2, category="home>lamps>desk", brand="Volt")
CODE = Code(code="TEN", promotion_id="p", scope="platform")


def reason(made: Promotion, *, code: Code = CODE, **options: Any) -> str:
    """Why the code gives nothing; empty if it gives something."""
    found = outcome([LINE], replace(made, needs_code=True), codes=[code], **options)
    assert bool(found.applied) != bool(found.refused)
    return found.refused[0].reason_code if found.refused else ""


@pytest.mark.parametrize(
    ("condition", "otherwise", "why"),
    [
        ({"starts_at": NOON}, {"at": "2026-11-20T11:59:59.999Z"}, "code_not_valid"),
        ({"ends_at": "2026-11-20T12:00:00.001Z"}, {"at": "2026-11-20T12:00:00.001Z"}, "code_not_valid"),
        ({"weekdays": frozenset({5})}, {"at": "2026-11-21T12:00:00.000Z"}, "time"),
        ({"hours": (12, 13)}, {"at": "2026-11-20T13:00:00.000Z"}, "time"),
        ({"hours": (22, 13)}, {"at": "2026-11-20T13:00:00.000Z"}, "time"),
        ({"hours": (14, 15), "offset_minutes": 120}, {"at": "2026-11-20T13:00:00.000Z"}, "time"),
        ({"countries": frozenset({"DE"})}, {"country": "AT"}, "country"),
        ({"currencies": frozenset({"EUR"})}, {"currency": "USD"}, "currency"),
        ({"groups": frozenset({"club"})}, {"customer": replace(ADA, groups=frozenset({"other"}))}, "customer"),
        ({"customers": frozenset({"ada"})}, {"customer": replace(ADA, customer_id="bob")}, "code_not_valid"),
        ({"first_order": True}, {"customer": replace(ADA, orders=1)}, "first_order"),
        ({"new_days": 7}, {"customer": replace(ADA, since="2026-11-13T12:00:00.000Z")}, "new_customers"),
        ({"per_customer": 2}, {"customer": replace(ADA, uses={"p": 2})}, "usage_limit"),
        ({"budget": 1_000, "budget_currency": "EUR"}, {"currency": "USD"}, "currency"),
    ],
)
def test_a_condition_lets_some_through_and_not_others(
    condition: dict[str, Any], otherwise: dict[str, Any], why: str
) -> None:
    fitting = replace(
        ADA, orders=0, since="2026-11-13T12:00:00.001Z", groups=frozenset({"club", "more"}), uses={"p": 1}
    )

    assert reason(promotion("p", TEN, **condition), customer=fitting) == ""
    assert reason(promotion("p", TEN, **condition), **({"customer": fitting} | otherwise)) == why


@pytest.mark.parametrize(
    ("hours", "hour", "inside"),
    [((9, 17), 9, True), ((9, 17), 8, False), ((9, 17), 17, False), ((22, 6), 23, True), ((22, 6), 5, True),
     ((22, 6), 6, False), ((0, 24), 0, True), ((0, 24), 23, True)],
)  # fmt: skip
def test_hours_may_go_over_midnight(hours: tuple[int, int], hour: int, inside: bool) -> None:
    made = promotion("p", TEN, hours=hours)

    assert bool(applied([LINE], made, at=f"2026-11-20T{hour:02}:30:00.000Z")) is inside


def test_a_clock_ahead_of_utc_has_another_day() -> None:
    saturday = promotion("p", TEN, weekdays=frozenset({6}), offset_minutes=60)

    assert applied([LINE], saturday, at="2026-11-20T23:30:00.000Z") == {"p": 200}
    assert applied([LINE], saturday, at="2026-11-20T22:30:00.000Z") == {}


@pytest.mark.parametrize(
    "condition", [{"first_order": True}, {"new_days": 9}, {"per_customer": 1}, {"groups": frozenset({"g"})}]
)
def test_guests_cannot_have_what_is_counted_by_person(condition: dict[str, Any]) -> None:
    guest = CustomerFacts(customer_id="gst_1", groups=frozenset({"g"}), since=NOON)

    assert reason(promotion("p", TEN, **condition), customer=guest) == "sign_in_needed"
    assert reason(promotion("p", TEN, **condition), customer=CustomerFacts(customer_id="")) == "sign_in_needed"
    assert reason(promotion("p", TEN), customer=guest) == ""


def test_an_account_whose_age_is_not_known_is_not_new() -> None:
    assert reason(promotion("p", TEN, new_days=9), customer=replace(ADA, since="")) == "new_customers"


@pytest.mark.parametrize(
    ("selector", "named"),
    [
        ({"products": ["prd_A"]}, True), ({"products": ["prd_B"]}, False), ({"skus": ["A"]}, True),
        ({"skus": ["B"]}, False),
        ({"categories": ["home"]}, True), ({"categories": ["home>lamps"]}, True),
        ({"categories": ["home>lamps>desk"]}, True),
        ({"categories": ["home>lam"]}, False), ({"categories": ["lamps"]}, False), ({"brands": ["Volt"]}, True),
        ({"brands": ["Watt"]}, False), ({"vendors": ["ven_1"]}, True), ({"vendors": ["ven_2"]}, False),
        ({"skus": ["B"], "brands": ["Volt"]}, True), ({"categories": ["prd_A"]}, False),
    ],
)  # fmt: skip
def test_goods_are_named_by_what_they_are(selector: dict[str, list[str]], named: bool) -> None:
    assert bool(applied([LINE], promotion("p", TEN, include=some(**selector)))) is named
    assert bool(applied([LINE], promotion("p", TEN, exclude=some(**selector)))) is not named


def test_goods_without_a_brand_or_category_are_not_named_by_nothing() -> None:
    assert applied([goods("A", 1_000)], promotion("p", TEN, include=some(brands=["Volt"], categories=["home"]))) == {}


def test_a_vendors_promotion_is_for_its_own_goods() -> None:
    lines = [goods("A", 1_000, vendor="ven_1"), goods("B", 2_000, vendor="ven_2")]

    assert off(lines, promotion("p", TEN, scope="ven_2")) == (0, 200)
    assert off(lines, promotion("p", TEN, scope="ven_2", include=some(skus=["A", "B"]))) == (0, 200)
    assert off(lines, promotion("p", TEN)) == (100, 200)


def test_a_shared_promotion_is_for_the_products_that_vendors_joined_with() -> None:
    joined = {"ven_1": frozenset({"prd_A"}), "ven_2": frozenset[str]()}
    lines = [goods("A", 1_000), goods("B", 1_000), goods("C", 1_000, vendor="ven_2"), goods("D", 1_000, vendor="ven_3")]

    assert off(lines, promotion("p", TEN, platform_basis_points=5_000, participants=joined)) == (100, 0, 100, 0)
    assert off(lines, promotion("p", TEN, platform_basis_points=0, participants={})) == (0, 0, 0, 0)
    assert off(lines, promotion("p", TEN, participants=joined)) == (100, 100, 100, 100), "we pay for everything"


def test_minimums_are_of_the_goods_that_it_is_for() -> None:
    lines = [goods("A", 1_000, 2, category="home"), goods("B", 9_000, 3)]
    home = some(categories=["home"])

    assert applied(lines, promotion("p", TEN, include=home, minimum={"EUR": 2_000}, min_units=2)) == {"p": 200}
    assert applied(lines, promotion("p", TEN, include=home, minimum={"EUR": 2_001})) == {}
    assert applied(lines, promotion("p", TEN, include=home, min_units=3)) == {}
    assert applied(lines, promotion("p", TEN, minimum={"USD": 1})) == {}, "it is not for euros at all"
    assert reason(promotion("p", TEN, minimum={"EUR": 2_001})) == "minimum_not_reached"
    assert reason(promotion("p", TEN, min_units=3)) == "quantity_not_reached"
    assert reason(promotion("p", TEN, include=some(skus=["B"]))) == "not_these_goods"


@pytest.mark.parametrize("status", ["draft", "paused", "ended"])
def test_only_launched_promotions_count(status: str) -> None:
    assert applied([LINE], promotion("p", TEN, status=status)) == {}
    assert reason(promotion("p", TEN, status=status)) == "code_not_valid"


def test_a_scheduled_promotion_counts_from_its_first_moment_on() -> None:
    soon = promotion("p", TEN, status="scheduled", starts_at=NOON)

    assert applied([LINE], soon) == {"p": 200}
    assert applied([LINE], soon, at="2026-11-20T11:59:59.999Z") == {}


@pytest.mark.parametrize(
    "code",
    [
        Code(code="TEN"),
        replace(CODE, limit=1, used=1),
        replace(CODE, until=NOON),
        replace(CODE, customer_id="bob"),
    ],
    ids=["unknown", "used", "over", "somebody else's"],
)
def test_codes_that_cannot_be_used_are_refused_alike(code: Code) -> None:
    found = outcome([LINE], promotion("p", TEN, needs_code=True), codes=[code])

    assert found.applied == ()
    assert [(one.code, one.reason_code, one.detail) for one in found.refused] == [
        ("TEN", "code_not_valid", "This code cannot be used.")
    ]


def test_a_code_that_can_be_used_is_named_with_what_it_gives() -> None:
    code = replace(CODE, limit=2, used=1, until="2026-11-20T12:00:00.001Z", customer_id="ada")
    (found,) = outcome([LINE], promotion("p", TEN, needs_code=True), codes=[code]).applied

    assert (found.code, found.code_limit, found.amount.amount) == ("TEN", 2, 200)
    assert applied([LINE], promotion("p", TEN, needs_code=True)) == {}


def test_an_order_takes_three_codes_and_one_of_each_promotion() -> None:
    made = [promotion(f"p{n}", TEN, needs_code=True) for n in range(4)]
    codes = [Code(code=f"C{n}", promotion_id=f"p{n}") for n in range(4)]
    found = outcome([LINE], *made, codes=[codes[0], Code(code="TWIN", promotion_id="p0"), *codes[1:]])

    assert [one.code for one in found.applied] == ["C0", "C1", "C2"]
    assert [(one.code, one.reason_code) for one in found.refused] == [
        ("TWIN", "same_promotion"),
        ("C3", "too_many_codes"),
    ]


def test_what_is_used_up_does_not_count_and_says_so() -> None:
    assert reason(promotion("p", TEN), without=frozenset({"p"})) == "used_up"
    assert reason(promotion("p", TEN, uses=9, uses_left=0)) == "used_up"
    assert reason(promotion("p", TEN, budget=900, budget_currency="EUR", budget_left=0)) == "used_up"
    assert reason(promotion("p", TEN, uses=9, uses_left=1)) == ""


def test_what_is_left_of_a_budget_must_cover_all_of_the_discount() -> None:
    assert applied([LINE], promotion("p", TEN, budget=900, budget_currency="EUR", budget_left=200)) == {"p": 200}
    assert applied([LINE], promotion("p", TEN, budget=900, budget_currency="EUR", budget_left=199)) == {}


def test_the_youngest_version_of_a_promotion_counts() -> None:
    old, young = promotion("p", TEN, version=1), promotion("p", Percent(basis_points=2_000), version=2)

    assert applied([LINE], old, young) == applied([LINE], young, old) == {"p": 400}
