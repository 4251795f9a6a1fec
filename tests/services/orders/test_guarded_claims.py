"""A claimed order is the account's alone: the token that it was placed with may lie in a browser that others use."""

import pytest

from invoices.api import handler as invoices
from market.http import ServiceApi
from orders.api import handler as orders
from payments.api import handler as payments
from refunds.api import handler as refunds
from tests import shop
from tests.http import Response, call
from tests.services.orders import floor
from tests.services.orders.floor import Guest

pytestmark = [pytest.mark.usefixtures("database", "machine"), pytest.mark.contract("11.1", "11.3", "12.3")]


def opened(guest: Guest, number: str, method: str = "manual") -> Response:
    wish = {"orderNo": number, "method": method}
    return call(payments, "POST", "/v1/guest/payments/intent", wish, headers={"guest-token": guest.token})


def claimed() -> tuple[Guest, str]:
    """A guest's order whose payment is opened, and which ada then claimed."""
    shop.stock("LAMP", 5)
    guest = Guest()
    number = str(floor.guest_order(guest)["orderNo"])
    assert opened(guest, number).status == 201
    floor.hear_all()
    wish = {"orderNo": number, "guestToken": guest.token}
    assert call(orders, "POST", "/v1/me/orders/claim", wish, caller="ada").status == 200
    return guest, number


@pytest.mark.parametrize(
    ("handler", "path"),
    [
        (payments, "payments/{}"),
        (refunds, "orders/{}/refunds"),
        (invoices, "orders/{}/invoices"),
    ],
)
def test_after_the_claim_the_guests_token_shows_nothing_of_the_order(handler: ServiceApi, path: str) -> None:
    guest, number = claimed()
    told = path.format(number)
    assert call(handler, "GET", f"/v1/guest/{told}", headers={"guest-token": guest.token}).status == 404
    assert call(handler, "GET", f"/v1/{told}", caller="ada").status == 200
    assert call(handler, "GET", f"/v1/{told}", caller="bob").status == 404


@pytest.mark.parametrize("method", ["manual", "cod"])
def test_after_the_claim_the_guests_token_opens_and_changes_no_payment(method: str) -> None:
    guest, number = claimed()
    assert opened(guest, number, method).status == 404
    shown = call(payments, "GET", f"/v1/payments/{number}", caller="ada").json
    assert (shown["status"], shown["method"]["provider"]) == ("pending", "manual")


def test_before_the_claim_the_guest_sees_all_of_it() -> None:
    shop.stock("LAMP", 5)
    guest = Guest()
    number = str(floor.guest_order(guest)["orderNo"])
    assert opened(guest, number).status == 201
    for handler, path in ((payments, f"payments/{number}"), (refunds, f"orders/{number}/refunds")):
        assert call(handler, "GET", f"/v1/guest/{path}", headers={"guest-token": guest.token}).status == 200
