"""A guest's checkout: the same as a customer's, and taken along into an account in the middle of it."""

from typing import Any

import pytest

from orders.api import handler as orders_api
from payments.api import handler as payments_api
from tests import shop
from tests.http import call
from tests.sagas.checkout import GOOD, Checkout
from tests.services.orders.floor import Guest, guest_order

pytestmark = pytest.mark.contract("11.1", "11.2", "11.3")


def opened(body: dict[str, Any], path: str, **who: Any) -> dict[str, Any]:
    answer = call(payments_api, "POST", path, body, **who)
    assert answer.status == 201, answer
    return dict(answer.json)


def test_a_guest_pays_and_the_order_is_sold(checkout: Checkout) -> None:
    shop.stock("LAMP", 10)
    guest = Guest()
    number = guest_order(guest)["orderNo"]
    checkout.run()
    intent = opened({"orderNo": number}, "/v1/guest/payments/intent", headers={"guest-token": guest.token})
    checkout.confirm(intent, GOOD)
    checkout.run()
    assert guest.call("GET", f"/v1/guest/orders/{number}").json["status"] == "paid"
    assert shop.shelf("LAMP") == (9, 0)


def test_an_order_claimed_before_it_is_paid_is_paid_by_the_customer(checkout: Checkout) -> None:
    shop.stock("LAMP", 10)
    guest = Guest()
    number = guest_order(guest)["orderNo"]
    checkout.run()
    claim = {"orderNo": number, "guestToken": guest.token}
    assert call(orders_api, "POST", "/v1/me/orders/claim", claim, caller="ada").status == 200
    checkout.confirm(opened({"orderNo": number}, "/v1/payments/intent", caller="ada"), GOOD)
    checkout.run()
    assert shop.order_of("ada", number)["status"] == "paid"
    assert call(payments_api, "GET", f"/v1/payments/{number}", caller="ada").json["status"] == "captured"
    assert call(payments_api, "GET", f"/v1/payments/{number}", caller="bob").status == 404
    assert call(orders_api, "POST", f"/v1/orders/{number}/cancellation", caller="ada").status == 202
    checkout.run()
    assert shop.order_of("ada", number)["paymentStatus"] == "refunded"
    assert checkout.provider_book(number)[1] == 0
    assert shop.shelf("LAMP") == (10, 0)
