"""Codes in carts and what orders take of promotions: reserved, used or given back with the order, never twice."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import uuid4

import pytest

from cart.api import handler as cart
from market import ids
from market.errors import Idempotency
from market.money import Money
from orders.api import handler as orders
from promotions.contract import Promotion
from promotions.model import FreeShipping, Percent
from refunds import service as refunds
from refunds.model import Wish
from tests import shop
from tests.books_of_money import journals_of, sums_of
from tests.http import Response, call
from tests.services.orders import floor, setup
from tests.services.promotions import maker

pytestmark = [pytest.mark.usefixtures("database"), pytest.mark.contract("9.1", "9.2", "11.1")]


def half(**options: Any) -> Promotion:
    """Half off, for those with a code, paid by the marketplace unless somebody else is named."""
    return maker.promotion("prm_half", Percent(basis_points=5_000), needs_code=True, **options)


def apply(code: str, customer: str = "ada") -> Response:
    return call(cart, "POST", "/v1/cart/apply-coupon", {"code": code}, caller=customer)


def lamp(customer: str = "ada", code: str = "SPRING") -> dict[str, Any]:
    """A lamp of 20 euros in the cart, with the code; the body of its order."""
    shop.fill(customer, ("LAMP", 1))
    assert apply(code, customer).status == 200
    return shop.order_body(shop.summary(customer), shippingAddress=floor.GERMAN)


def test_a_code_is_put_into_the_cart_however_it_is_spelt_and_taken_out() -> None:
    floor.two_vendors()
    setup.coupon("SPRING", half())
    shop.fill("ada", ("LAMP", 1))
    assert apply("  spr-ing ").json["coupons"] == ["SPRING"]
    before = apply("SPRING").json["version"]
    assert apply("spring").json["version"] == before, "once more changes nothing"
    seen = shop.summary("ada")
    assert (seen["discount"]["amount"], seen["total"]["amount"]) == (1_000, 1_490)
    assert seen["promotions"][0]["promotionCode"] == "SPRING"
    assert "coupons" not in call(cart, "DELETE", "/v1/cart/coupon", caller="ada").json
    assert shop.summary("ada")["total"]["amount"] == 2_490


def test_one_problem_for_every_code_that_is_not_valid() -> None:
    floor.two_vendors()
    setup.coupon("OVER", half(), until="2020-01-01T00:00:00.000Z")
    shop.fill("ada", ("LAMP", 1))
    told = [apply(code).json for code in ("NOSUCH", "OVER", "?!")]
    assert {one["code"] for one in told} == {"coupon_not_valid"}
    assert len({one["detail"] for one in told}) == 1


def test_a_cart_takes_as_many_codes_as_an_order() -> None:
    floor.two_vendors()
    for number in range(4):
        setup.coupon(f"CODE{number}", maker.promotion(f"prm_{number}", Percent(basis_points=100), needs_code=True))
    shop.fill("ada", ("LAMP", 1))
    answers = [apply(f"CODE{number}") for number in range(4)]
    assert [answer.status for answer in answers] == [200, 200, 200, 409]
    assert (answers[-1].json["code"], answers[-1].json["limit"]) == ("too_many_coupons", 3)
    assert shop.summary("ada")["discount"]["amount"] == 20 + 20 + 20


def test_codes_move_along_when_a_guest_signs_in_and_go_with_the_order() -> None:
    floor.two_vendors()
    setup.coupon("SPRING", half(uses=5))
    placed = shop.place("ada", lamp())
    assert placed.json["promotions"] == [
        {
            "promotionId": "prm_half",
            "title": "prm_half",
            "promotionCode": "SPRING",
            "amount": {"amount": 1_000, "currency": "EUR"},
        }
    ]
    assert "coupons" not in call(cart, "GET", "/v1/cart", caller="ada").json


@pytest.mark.contract("9.2", "9.4", "12.5")
def test_what_we_pay_of_a_discount_is_our_expense_and_comes_back_with_the_refund() -> None:
    floor.two_vendors()
    setup.coupon("SPRING", half(uses=5))
    order = dict(shop.place("ada", lamp()).json)
    floor.confirm("ada", order, fee=50)
    sums = sums_of(journals_of([order["id"]])[order["id"]])
    assert dict(sums) == {
        ("provider:sandbox", "EUR"): 1_490 - 50,
        ("provider_fees", "EUR"): 50,
        ("promotions", "EUR"): 1_000,
        ("vendor:ven_lights", "EUR"): -(1_490 + 1_000 - 238 - 200),
        ("commission", "EUR"): -200,
        ("tax:DE", "EUR"): -238,
    }
    back = refunds.Request(wish=Wish(all_left=True), reason="other", by="staff", by_id="sam")
    made = refunds.request("ada", order["id"], back, Idempotency(uuid4().hex, ""))
    refunds.settle(order["id"], made.id, "sandbox", Money(0, "EUR"))
    left = sums_of(journals_of([order["id"]])[order["id"]])
    assert {account: amount for account, amount in left.items() if amount} == {
        ("provider:sandbox", "EUR"): -50,
        ("provider_fees", "EUR"): 50,
    }


def test_uses_are_held_with_the_order_and_used_when_it_is_paid_however_often_that_is_heard() -> None:
    floor.two_vendors()
    spring = half(uses=2)
    setup.coupon("SPRING", spring)
    body, key = lamp(), uuid4().hex
    order = shop.place("ada", body, key).json
    assert shop.place("ada", body, key).json["id"] == order["id"]
    assert setup.uses(spring) == (1, 1, 0)
    floor.confirm("ada", order)
    floor.confirm("ada", order)
    assert setup.uses(spring) == (1, 0, 1)
    assert floor.give_up("ada", order) == "paid"
    assert setup.uses(spring) == (1, 0, 1)


def test_an_order_that_comes_to_nothing_gives_its_use_back_once() -> None:
    floor.two_vendors()
    spring = half(uses=1, per_customer=1)
    setup.coupon("SPRING", spring, limit=1)
    order = shop.place("ada", lamp()).json
    assert setup.uses(spring) == (0, 1, 0)
    assert [floor.give_up("ada", order) for _ in range(2)] == ["cancelled"] * 2
    assert setup.uses(spring) == (1, 0, 0)
    assert shop.place("ada", lamp()).status == 201, "code and customer have it back too"


def test_of_two_orders_for_the_last_use_one_gets_it_and_the_other_holds_nothing() -> None:
    floor.two_vendors()
    spring = half(uses=1)
    setup.coupon("SPRING", spring)
    bodies = {customer: lamp(customer) for customer in ("ada", "bob", "cyd", "dan")}
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda one: shop.place(*one), bodies.items()))
    assert sorted(answer.status for answer in answers) == [201, 409, 409, 409]
    assert {answer.json["code"] for answer in answers if answer.status == 409} <= {"promotion_over", "promotion_busy"}
    assert setup.uses(spring) == (0, 1, 0)
    assert shop.shelf("LAMP") == (9, 1)


def test_a_customer_uses_it_as_often_as_one_may() -> None:
    floor.two_vendors()
    setup.coupon("SPRING", half(per_customer=1))
    assert shop.place("ada", lamp()).status == 201
    seen = lamp()
    assert seen["expectedTotal"]["amount"] == 2_490, "the summary knows"
    assert shop.summary("ada")["refusedCodes"][0]["promotionCode"] == "SPRING"
    assert shop.place("bob", lamp("bob")).json["total"]["amount"] == 1_490


def test_a_budget_that_does_not_cover_the_discount_refuses_the_order() -> None:
    floor.two_vendors()
    spring = half(budget=1_500, budget_currency="EUR", currencies=frozenset({"EUR"}))
    setup.coupon("SPRING", spring)
    assert shop.place("ada", lamp()).status == 201
    refused = shop.place("bob", lamp("bob"))
    assert (refused.status, refused.json["code"], refused.json["promotionCode"]) == (409, "budget_spent", "SPRING")
    assert shop.shelf("LAMP") == (9, 1)


def test_a_part_that_cost_the_customer_nothing_is_taken_back_from_the_vendor_without_a_provider() -> None:
    floor.two_vendors()
    setup.running(
        maker.promotion("prm_gone", Percent(basis_points=10_000), include=maker.some(skus=("LAMP",))),
        maker.promotion("prm_free", FreeShipping(), include=maker.some(skus=("LAMP",))),
    )
    order = floor.placed("ada", ("LAMP", 1), ("CHAIR", 1))
    assert order["total"]["amount"] == 8_490
    floor.confirm("ada", order)
    back = refunds.Request(wish=Wish(all_left=True), reason="other", by="staff", by_id="sam", vendor_id="ven_lights")
    made = refunds.request("ada", order["id"], back, Idempotency(ids.ulid(), ""))
    assert made.amount.amount == 0
    assert refunds.start(made) is True
    sums = sums_of(journals_of([order["id"]])[order["id"]])
    assert (sums["vendor:ven_lights", "EUR"], sums["promotions", "EUR"]) == (0, 0)
    assert refunds.start(refunds.store.get(order["id"], made.id)) is False


@pytest.mark.usefixtures("machine")
def test_an_order_that_costs_nothing_is_confirmed_without_a_payment() -> None:
    floor.two_vendors()
    whole = maker.promotion("prm_whole", Percent(basis_points=10_000), uses=5)
    setup.running(whole, maker.promotion("prm_free", FreeShipping()))
    order = floor.placed("ada", ("LAMP", 1))
    assert order["total"]["amount"] == 0
    floor.hear_all()
    floor.hear(floor.news())
    assert shop.order_of("ada", order["orderNo"])["status"] == "paid"
    assert (setup.uses(whole), shop.shelf("LAMP")) == ((4, 0, 1), (9, 0))
    sums = sums_of(journals_of([order["id"]])[order["id"]])
    assert (sums["promotions", "EUR"], sums["vendor:ven_lights", "EUR"]) == (2_490, -(2_490 - 200))


@pytest.mark.usefixtures("machine")
def test_an_order_that_costs_nothing_and_is_no_longer_wanted_ends() -> None:
    floor.two_vendors()
    setup.running(maker.promotion("prm_whole", Percent(basis_points=10_000)), maker.promotion("prm_f", FreeShipping()))
    order = floor.placed("ada", ("LAMP", 1))
    assert call(orders, "POST", f"/v1/orders/{order['orderNo']}/cancellation", caller="ada").status == 202
    floor.hear_all()
    assert shop.order_of("ada", order["orderNo"])["status"] == "cancelled"
    assert shop.shelf("LAMP") == (10, 0)
