"""Promotions through the doors: from the vendor's office to real orders, and back into its analytics."""

import pytest

from orders.tasks import handler as tasks
from tests import shop
from tests.services.promotions.desk import ADA, TEN_PERCENT, Office

pytestmark = pytest.mark.contract("9.1", "9.2", "9.3")


def test_two_uses_are_for_two_orders_and_one_comes_back_with_an_order_that_fails(office: Office) -> None:
    shop.stock("LAMP", 10, price=shop.euros(2_000), vendor=ADA)
    made = office.launched(TEN_PERCENT | {"limits": {"uses": 2, "budget": 10_000, "budgetCurrency": "EUR"}})
    for customer in ("usr_1", "usr_2", "usr_3"):
        shop.fill(customer, ("LAMP", 1))
    bodies = {customer: shop.order_body(shop.summary(customer)) for customer in ("usr_1", "usr_2", "usr_3")}
    first, second = shop.place("usr_1", bodies["usr_1"]), shop.place("usr_2", bodies["usr_2"])
    third = shop.place("usr_3", bodies["usr_3"])

    assert (first.status, second.status) == (201, 201)
    assert first.json["total"]["amount"] == 1_800 + 490
    assert third.status == 409, "what was promised is gone: the customer sees the new total first"
    office.hear()
    assert shop.summary("usr_3")["total"]["amount"] == 2_000 + 490
    counts = office.send("GET", f"/{made['id']}").json["analytics"]
    assert counts["uses"] == {"left": 0, "held": 2, "used": 0}
    assert counts["budget"] == {"left": 9_600, "held": 400, "used": 0}

    order = {"orderId": first.json["id"], "customerId": "usr_1"}
    tasks({"task": "give_up", "input": order | {"failure": {"Error": "States.Timeout"}}})
    counts = office.send("GET", f"/{made['id']}").json["analytics"]
    assert counts["uses"] == {"left": 1, "held": 1, "used": 0}
