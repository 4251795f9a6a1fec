"""Staff put right by hand what a stuck checkout could not, and never what is still going well."""

from datetime import timedelta
from functools import partial
from typing import Any

import pytest

from market import clock
from orders.staff_api import handler
from tests import shop
from tests.http import Response, call
from tests.services.orders import floor

pytestmark = [pytest.mark.usefixtures("database", "machine"), pytest.mark.contract("11.2")]


def compensate(number: str, action: str = "retry", reason: str = "the provider was down") -> Response:
    body = {"action": action, "reason": reason}
    return call(handler, "POST", f"/v1/admin/orders/{number}/compensation", body, **floor.STAFF)


def asked() -> list[dict[str, Any]]:
    return [envelope["data"] for envelope in floor.news("order.compensation_requested")]


def later(minutes: int) -> Any:
    moment = clock.now() + timedelta(minutes=minutes)
    return clock.running_on(lambda: moment)


def stuck() -> dict[str, Any]:
    floor.two_vendors()
    order = floor.placed()
    floor.hear_all()
    return order


def test_an_order_that_could_not_be_given_up_is_ended_and_its_payment_undone() -> None:
    order = stuck()
    with later(30):
        answer = compensate(order["orderNo"])
    assert (answer.status, answer.json["order"]["status"]) == (202, "cancelled")
    assert answer.json["order"]["cancelReason"] == "checkout_failed"
    assert shop.shelf("LAMP") == (10, 0)
    assert asked() == [{"order_id": order["id"], "customer_id": "ada", "action": "retry"}]
    assert len(floor.news("order.cancelled")) == 1


def test_an_order_whose_money_did_not_come_back_is_tried_again() -> None:
    order = stuck()
    floor.give_up("ada", order)
    assert [compensate(order["orderNo"]).status for _ in range(2)] == [202, 202]
    assert len(asked()) == 2
    assert shop.shelf("LAMP") == (10, 0)
    assert len(floor.news("order.cancelled")) == 1


def test_who_asked_and_why_is_in_the_history_for_staff() -> None:
    order = stuck()
    floor.give_up("ada", order)
    compensate(order["orderNo"], reason="card processor lost our refund")
    last = floor.show_staff(order["orderNo"])["history"][-1]
    assert (last["happening"]["event"], last["author"], last["visible"]) == ("compensation_requested", "sam", "staff")
    assert last["happening"]["text"] == "retry: card processor lost our refund"
    assert "processor" not in floor.show(order["orderNo"]).body
    assert "processor" not in str(asked())


def test_a_checkout_that_still_has_its_time_is_left_alone_unless_staff_want_it_ended() -> None:
    order = stuck()
    refused = compensate(order["orderNo"])
    assert (refused.status, refused.json["code"], refused.json["orderStatus"]) == (
        409, "nothing_to_compensate", "pending_payment",
    )  # fmt: skip
    assert shop.shelf("LAMP") == (9, 1)
    ended = compensate(order["orderNo"], "cancel_and_refund")
    assert (ended.status, ended.json["order"]["cancelReason"]) == (202, "cancelled_by_staff")
    assert shop.shelf("LAMP") == (10, 0)


@pytest.mark.parametrize("action", ["retry", "cancel_and_refund"])
def test_a_paid_order_is_never_undone(action: str) -> None:
    floor.two_vendors()
    order = floor.paid()
    refused = compensate(order["orderNo"], action)
    assert (refused.status, refused.json["code"], refused.json["orderStatus"]) == (409, "nothing_to_compensate", "paid")
    assert asked() == []
    assert shop.shelf("LAMP") == (9, 0)


def test_beside_a_checkout_that_is_running_after_all_one_of_them_wins() -> None:
    floor.two_vendors()
    for _ in range(4):
        order = floor.placed("ada", ("LAMP", 1))
        floor.hear_all()
        requested = len(asked())

        def confirm(order: dict[str, Any] = order) -> Response:
            try:
                floor.confirm("ada", order)
            except floor.NotPending:
                return Response(409, {}, "")
            return Response(200, {}, "")

        confirmed, ended = floor.at_once(confirm, partial(compensate, order["orderNo"], "cancel_and_refund"))
        status = floor.show(order["orderNo"]).json["status"]
        assert (confirmed.status, ended.status, status) in ((200, 409, "paid"), (409, 202, "cancelled"))
        assert len(asked()) - requested == (status == "cancelled")
        assert shop.shelf("LAMP")[1] == 0


def test_only_staff_compensate_and_only_with_a_reason() -> None:
    order = stuck()
    path = f"/v1/admin/orders/{order['orderNo']}/compensation"
    wish = {"action": "retry", "reason": "x"}
    assert call(handler, "POST", path, wish, caller="ada").status == 403
    assert call(handler, "POST", path, wish, **floor.seller("ven_lights")).status == 403
    for wrong in ({"action": "retry"}, wish | {"reason": ""}, wish | {"action": "pay"}):
        assert call(handler, "POST", path, wrong, **floor.STAFF).status == 422
    assert compensate("MK-00000000-00000000").status == 404
