"""Refunds at the desk: who may ask for what, what is reserved, and that asking twice or at once gives nothing away."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest

from market.errors import Idempotency
from market.money import Money
from orders.contract import CANCELLED
from refunds import model, service, store
from refunds.api import handler
from refunds.events import RefundRequested
from refunds.model import Account, Wish
from tests.http import Response, call
from tests.services import outbox
from tests.services.refunds import desk, orders
from tests.services.refunds.desk import ORDER, all_, ask, ask_as_vendor, euros, last_refund, some, units

pytestmark = pytest.mark.contract("12.3")


@pytest.fixture(autouse=True)
def _two_vendors(database: str) -> None:
    desk.two_vendors()


def at_once(*jobs: Callable[[], Response]) -> list[Response]:
    with ThreadPoolExecutor(len(jobs)) as pool:
        return [running.result() for running in [pool.submit(job) for job in jobs]]


# -- who may ask for what


def test_staff_give_back_everything() -> None:
    answer = ask(all_(note="as agreed by phone"))
    assert answer.status == 201, answer
    made = answer.json
    assert (made["status"], made["amount"], made["requestedBy"]) == ("requested", euros(4_980), "staff")
    assert [(line["sku"], line["quantity"], line["amount"]["amount"]) for line in made["lines"]] == [
        ("LAMP", 2, 2_000),
        ("CHAIR", 1, 2_000),
    ]
    assert [(part["vendorId"], part["amount"]["amount"]) for part in made["shipping"]] == [
        ("ven_lights", 490),
        ("ven_wood", 490),
    ]
    (told,) = outbox.announced()
    assert told["type"] == "refund.requested"
    assert told["data"] == {
        "order_id": ORDER,
        "customer_id": "ada",
        "refund_id": made["id"],
        "amount": euros(4_980),
    }
    assert ask(all_()).json["code"] == "nothing_to_refund"


def test_lines_shipping_and_goodwill() -> None:
    assert ask(some(units("LAMP", 1), shipping=[{"vendorId": "ven_wood"}])).json["amount"] == euros(1_490)
    assert ask(some({"sku": "CHAIR", "amount": euros(250)})).json["amount"] == euros(250)
    parcel = {"shipping": [{"vendorId": "ven_lights", "amount": euros(90)}], "reason": "late"}
    assert ask(parcel).json["amount"] == euros(90)
    assert ask({"shipping": True, "reason": "late"}).json["amount"] == euros(400)
    assert ask(all_()).json["amount"] == euros(4_980 - 1_490 - 250 - 90 - 400)


@pytest.mark.parametrize(
    "body",
    [
        {"reason": "returned"},
        {"all": True},
        {"all": False, "reason": "returned"},
        all_(reason="because"),
        all_(shipping=True),
        all_(lines=[units("LAMP", 1)]),
        all_(note="two\nlines"),
        all_(note="x" * 501),
        all_(surprise=1),
        some(),
        some(units("LAMP", 1), units("LAMP", 1)),
        some(units("LAMP", 0)),
        some(units("LAMP", -1)),
        some({"sku": "LAMP"}),
        some({"sku": "LAMP", "quantity": 1, "amount": euros(100)}),
        some({"sku": "LAMP", "amount": euros(0)}),
        some({"sku": "LAMP", "amount": euros(-5)}),
        some({"sku": "LAMP", "amount": {"amount": 1.5, "currency": "EUR"}}),
        {"shipping": [{"vendorId": "ven_wood", "amount": euros(-1)}], "reason": "late"},
        {"shipping": [{"vendorId": "ven_wood"}, {"vendorId": "ven_wood"}], "reason": "late"},
        {"shipping": False, "reason": "late"},
        [],
        "all",
    ],
)
def test_a_request_that_makes_no_sense_is_refused_and_changes_nothing(body: Any) -> None:
    answer = ask(body)
    assert answer.status in (400, 422), answer
    assert desk.listed() == []


def test_more_than_is_left_is_refused() -> None:
    assert ask(some(units("LAMP", 3))).json["left"] == 2
    too_much = ask(some({"sku": "LAMP", "amount": euros(2_001)}))
    assert (too_much.status, too_much.json["code"]) == (409, "refund_too_large")
    assert too_much.json["left"] == euros(2_000)
    assert ask(some({"sku": "LAMP", "amount": {"amount": 5, "currency": "USD"}})).json["code"] == "currency_mismatch"
    assert ask(some(units("SOFA", 1))).json["code"] == "unknown_line"


def test_an_order_that_is_not_paid_or_not_there() -> None:
    lamp = orders.line("LAMP", "ven_lights", 1, Money(1_000, "EUR"))
    orders.keep(orders.order(lamp), status="pending_payment")
    refusal = ask(all_())
    assert (refusal.status, refusal.json["code"], refusal.json["status"]) == (409, "not_refundable", 409)
    assert ask(all_(), number="MK-AAAAAAAA-AAAAAAAA").status == 404
    assert ask(all_(), number="nonsense").status == 404


def test_a_vendor_gives_back_its_own_part_only() -> None:
    for body in (
        some(units("CHAIR", 1)),
        some(units("LAMP", 1), units("CHAIR", 1)),
        {"shipping": [{"vendorId": "ven_wood"}], "reason": "late"},
    ):
        assert ask_as_vendor(body, "ven_lights").json.get("code") == "unknown_line"
    assert ask_as_vendor(all_(), "ven_lights", path_vendor="ven_wood").status == 404
    assert ask_as_vendor(all_(), "ven_stranger").status == 404
    assert desk.listed() == []
    own = ask_as_vendor(all_(), "ven_lights")
    assert (own.status, own.json["amount"], own.json["requestedBy"]) == (201, euros(2_490), "vendor")
    tax = sum(part["tax"]["amount"] for part in own.json["lines"] + own.json["shipping"])
    assert own.json["clawback"] == euros(2_490 - tax - 200)
    assert ask(all_()).json["amount"] == euros(2_490), "the other vendor's part is left"


def test_customers_and_strangers_may_not_ask() -> None:
    assert ask(all_(), caller="ada", roles="customer").status == 403
    assert ask(all_(), caller="of_ven_lights", roles="vendor").status == 403
    path = f"/v1/admin/orders/{desk.NUMBER}/refunds"
    assert call(handler, "POST", path, all_(), headers={"idempotency-key": "12345678"}).status == 401


# -- asking again


def test_the_same_request_again_answers_the_same_refund() -> None:
    first, second = (ask(some(units("LAMP", 1)), key="lamp-came-broken") for _ in range(2))
    assert (first.status, second.status) == (201, 201)
    assert first.json == second.json
    assert len(desk.listed()) == 1
    assert len(outbox.announced()) == 1


def test_a_key_stands_for_one_request() -> None:
    ask(some(units("LAMP", 1)), key="lamp-came-broken")
    other = ask(some(units("LAMP", 2)), key="lamp-came-broken")
    assert (other.status, other.json["code"]) == (422, "idempotency_key_reused")
    elsewhere = ask_as_vendor(some(units("LAMP", 1)), "ven_lights", key="lamp-came-broken")
    assert elsewhere.status == 201, "another caller's key is another key"
    no_key = call(handler, "POST", f"/v1/admin/orders/{desk.NUMBER}/refunds", all_(), caller="sam", roles="staff")
    assert (no_key.status, no_key.json["code"]) == (400, "idempotency_key_required")


def test_a_key_used_for_another_order_is_refused() -> None:
    lamp = orders.line("LAMP", "ven_lights", 1, Money(1_000, "EUR"))
    orders.keep(replace(orders.order(lamp), id="ord_0000000000000001", number="MK-00000000-00000001"))
    assert ask(all_(), key="one-key-for-all").status == 201
    other = ask(all_(), key="one-key-for-all", number="MK-00000000-00000001")
    assert (other.status, other.json["code"]) == (422, "idempotency_key_reused")
    assert desk.listed("MK-00000000-00000001") == []


# -- at once


@pytest.mark.parametrize("seekers", [2, 3])
def test_refunds_at_once_never_exceed_what_was_captured(seekers: int) -> None:
    answers = at_once(*(lambda: ask(all_()) for _ in range(seekers)))
    assert sorted(answer.status for answer in answers) == [201] + [409] * (seekers - 1)
    assert sum(refund["amount"]["amount"] for refund in desk.listed()) == 4_980


def test_refunds_of_several_kinds_at_once_add_up_exactly() -> None:
    asks: list[Callable[[], Response]] = [
        lambda: ask(some(units("LAMP", 1))),
        lambda: ask_as_vendor(some(units("LAMP", 1)), "ven_lights"),
        lambda: ask(some({"sku": "LAMP", "amount": euros(700)})),
    ]
    answers = at_once(*asks)
    given = sum(refund["amount"]["amount"] for refund in desk.listed())
    assert given == sum(answer.json["amount"]["amount"] for answer in answers if answer.status == 201) <= 2_000
    rest = ask(all_())
    assert rest.status == 201
    assert given + rest.json["amount"]["amount"] == 4_980


def test_one_key_at_once_makes_one_refund() -> None:
    answers = at_once(*(lambda: ask(some(units("LAMP", 1)), key="double-click") for _ in range(3)))
    assert {answer.status for answer in answers} == {201}
    assert len({answer.json["id"] for answer in answers}) == 1
    assert len(desk.listed()) == 1


def test_a_decision_taken_on_an_old_account_is_not_written() -> None:
    found = store.facts("ada", ORDER, Idempotency("key", "same"))
    shares = model.price(found.order, found.account, Wish(all_left=True))
    assert ask(some(units("LAMP", 1))).status == 201
    with pytest.raises(store.Raced):
        _reserve(found.order, found.account, shares)
    assert len(desk.listed()) == 1


def test_an_order_that_stops_being_paid_meanwhile_gives_nothing_back() -> None:
    found = store.facts("ada", ORDER, Idempotency("key", "same"))
    shares = model.price(found.order, found.account, Wish(all_left=True))
    orders.keep(found.order, status=CANCELLED)
    with pytest.raises(model.NotRefundable):
        _reserve(found.order, found.account, shares)
    assert outbox.announced() == []


def _reserve(bought: Any, account: Account, shares: model.Shares) -> None:
    wanted = service.Request(wish=Wish(), reason="returned", by="staff", by_id="sam")
    refund = service._draft(bought, shares, wanted)
    told = RefundRequested(order_id=bought.id, customer_id="ada", refund_id=refund.id, amount=refund.amount)
    store.reserve(bought, account, refund, Idempotency("key", "same"), told)


# -- lists


def test_lists_show_each_their_own() -> None:
    ask(some(units("LAMP", 1), units("CHAIR", 1), note="broken on arrival"))
    ask_as_vendor({"shipping": True, "reason": "late"}, "ven_wood")
    staff = desk.listed()
    assert [refund["amount"]["amount"] for refund in staff] == [490, 3_000]

    path = f"/v1/vendors/ven_lights/orders/{desk.NUMBER}/refunds"
    lights = call(handler, "GET", path, caller="lu", roles="vendor", vendor_id="ven_lights").json["items"]
    assert [(refund["amount"]["amount"], [line["sku"] for line in refund["lines"]]) for refund in lights] == [
        (1_000, ["LAMP"])
    ]
    assert lights[0]["note"] == "broken on arrival"
    assert call(handler, "GET", path, caller="wo", roles="vendor", vendor_id="ven_wood").status == 404
    other = f"/v1/vendors/ven_other/orders/{desk.NUMBER}/refunds"
    assert call(handler, "GET", other, caller="o", roles="vendor", vendor_id="ven_other").status == 404

    mine = call(handler, "GET", f"/v1/orders/{desk.NUMBER}/refunds", caller="ada").json["items"]
    assert [refund["amount"]["amount"] for refund in mine] == [490, 3_000]
    assert not {"note", "requestedBy", "clawback", "failure"} & set(mine[0])
    assert call(handler, "GET", f"/v1/orders/{desk.NUMBER}/refunds", caller="bob").status == 404


def test_the_customer_who_claimed_the_order_sees_its_refunds_and_none_that_failed() -> None:
    orders.claim(store.order_of("ada", ORDER), "usr_ada")
    ask(some(units("LAMP", 1)))
    ask(some(units("LAMP", 1)))
    service.refuse(ORDER, last_refund(), "account closed")
    answer = call(handler, "GET", f"/v1/orders/{desk.NUMBER}/refunds", caller="usr_ada")
    assert [refund["status"] for refund in answer.json["items"]] == ["requested"]


def test_lists_come_in_pages() -> None:
    for _ in range(3):
        ask(some({"sku": "LAMP", "amount": euros(100)}))
    path = f"/v1/admin/orders/{desk.NUMBER}/refunds"
    first = call(handler, "GET", path, caller="sam", roles="staff", query={"limit": 2}).json
    rest = call(
        handler, "GET", path, caller="sam", roles="staff", query={"limit": 2, "cursor": first["nextCursor"]}
    ).json
    assert [len(page["items"]) for page in (first, rest)] == [2, 1]
    assert len({refund["id"] for page in (first, rest) for refund in page["items"]}) == 3
    forged = call(handler, "GET", path, caller="sam", roles="staff", query={"cursor": first["nextCursor"][::-1]})
    assert forged.json["code"] == "invalid_cursor"


def test_an_order_without_refunds_has_an_empty_list() -> None:
    assert desk.listed() == []
    assert call(handler, "GET", f"/v1/orders/{desk.NUMBER}/refunds", caller="ada").json == {"items": []}
