"""The checkout, from placed to paid or back to nothing, with the provider's own book to compare with."""

import pytest

from ledger.api import handler as ledger_api
from market import config
from orders.api import handler as orders_api
from orders.staff_api import handler as staff_api
from tests import shop
from tests.http import call
from tests.sagas import checkout as cards
from tests.sagas.checkout import Checkout, order_id

pytestmark = pytest.mark.contract("11.2")


def assert_nothing_left(checkout: Checkout, number: str, reason: str, *, stock: int = 10) -> None:
    """The order is cancelled for the reason, its stock is back, nothing is charged, nothing booked."""
    order = shop.order_of("ada", number)
    assert (order["status"], order.get("cancelReason")) == ("cancelled", reason)
    assert shop.shelf("LAMP") == (stock, 0)
    assert checkout.provider_book(number)[1] == 0
    assert checkout.provider_book(number)[0] in ("none", "voided", "refunded")
    booked = call(ledger_api, "GET", f"/v1/admin/ledger/{order_id(number)}", caller="sam", roles="staff")
    assert [journal["name"] for journal in booked.json.get("journals", [])] == (
        ["undone"] if checkout.provider_book(number)[0] == "refunded" else []
    )
    assert set(checkout.executions().values()) == {"SUCCEEDED"}


def assert_sold(checkout: Checkout, number: str, total: int, *, stock: int = 9, units: int = 10) -> None:
    """The order is paid, charged once by the provider, its stock sold, the books balanced and as the provider's."""
    assert shop.order_of("ada", number)["status"] == "paid"
    assert shop.shelf("LAMP") == (stock, 0)
    assert checkout.provider_book(number) == ("captured", total)
    (sale,) = call(ledger_api, "GET", f"/v1/admin/ledger/{order_id(number)}", caller="sam", roles="staff").json[
        "journals"
    ]
    amounts = {posting["account"]: posting["amount"]["amount"] for posting in sale["postings"]}
    assert sum(amounts.values()) == 0
    assert amounts["provider:sandbox"] + amounts["provider_fees"] == total
    assert shop.types(shop.announced()).count("order.paid") == 1
    assert set(checkout.executions().values()) == {"SUCCEEDED"}


@pytest.mark.contract("11.2", "12.1", "12.4", "12.5", "7.3")
def test_a_paid_order_is_sold_booked_and_given_to_its_vendors(checkout: Checkout) -> None:
    shop.stock("LAMP", 10, price=shop.euros(2000), vendor="ven_lights")
    shop.stock("CHAIR", 10, price=shop.euros(8000), vendor="ven_wood")
    number = checkout.place("ada", ("LAMP", 2), ("CHAIR", 1))
    checkout.run()
    assert checkout.executions() == {order_id(number): "RUNNING"}
    assert checkout.pay("ada", number).json["status"] == "authorized"
    checkout.run()
    assert_sold(checkout, number, 12_980, stock=8)
    assert checkout.history(number) == ["AwaitPayment", "Confirm"], "the word of the payment captured it"
    journal = call(ledger_api, "GET", f"/v1/admin/ledger/{order_id(number)}", caller="sam", roles="staff").json
    amounts = {posting["account"]: posting["amount"]["amount"] for posting in journal["journals"][0]["postings"]}
    assert amounts == {
        "provider:sandbox": 12_980 - 207,
        "provider_fees": 207,
        "vendor:ven_lights": -(4000 + 490 - 400),
        "vendor:ven_wood": -(8000 + 490 - 800),
        "commission": -1200,
    }
    (lights,) = call(
        staff_api, "GET", "/v1/vendors/ven_lights/orders", caller="lu", roles="vendor", vendor_id="ven_lights"
    ).json["items"]
    assert (lights["orderNo"], lights["status"], lights["earnings"]["amount"]) == (number, "unfulfilled", 4090)
    assert [line["sku"] for line in lights["lines"]] == ["LAMP"]


@pytest.mark.contract("11.2", "12.1")
def test_a_card_declined_once_may_be_followed_by_a_good_one(checkout: Checkout) -> None:
    shop.stock("LAMP", 10, price=shop.euros(2000))
    number = checkout.place()
    checkout.run()
    assert checkout.pay("ada", number, cards.DECLINED).json["lastDecline"] == "card_declined"
    checkout.run()
    assert shop.order_of("ada", number)["status"] == "pending_payment"
    checkout.pay("ada", number)
    checkout.run()
    assert_sold(checkout, number, 2490)


def test_three_declined_cards_end_the_order(checkout: Checkout) -> None:
    shop.stock("LAMP", 10)
    number = checkout.place()
    for _ in range(3):
        checkout.pay("ada", number, cards.DECLINED)
        checkout.run()
    assert_nothing_left(checkout, number, "payment_declined")
    assert checkout.history(number) == ["AwaitPayment", "GiveUpOrder", "WasItPaid", "UndoPayment", "Cancelled"]
    assert {"payment.failed", "order.cancelled"} <= set(shop.types(shop.announced()))


def test_a_refused_capture_ends_the_order(checkout: Checkout) -> None:
    shop.stock("LAMP", 10)
    number = checkout.place()
    checkout.pay("ada", number, cards.CAPTURE_FAILS)
    checkout.run()
    assert_nothing_left(checkout, number, "payment_declined")


@pytest.mark.contract("7.2")
def test_a_hold_ends_when_nobody_pays(checkout: Checkout) -> None:
    shop.stock("LAMP", 10)
    number = checkout.place()
    checkout.run()
    checkout.wait(cards.HOLD_SECONDS - 5)
    assert shop.shelf("LAMP") == (9, 1)
    checkout.wait(10)
    assert_nothing_left(checkout, number, "payment_timeout")


def test_a_timeout_is_not_a_decline_if_the_customer_has_paid(checkout: Checkout) -> None:
    shop.stock("LAMP", 10, price=shop.euros(2000))
    number = checkout.place()
    checkout.run()
    checkout.break_("webhook", "before", times=10**6)
    checkout.break_("payments-schedule", "before", times=10**6)
    checkout.pay("ada", number)
    checkout.wait(cards.HOLD_SECONDS + 5)
    assert_sold(checkout, number, 2490)
    assert checkout.history(number) == ["AwaitPayment", "AskProvider", "Capture", "Confirm"]


def test_paying_before_the_checkout_listens_is_heard(checkout: Checkout) -> None:
    shop.stock("LAMP", 10, price=shop.euros(2000))
    number = checkout.place()
    checkout.pay("ada", number)
    checkout.run()
    assert_sold(checkout, number, 2490)


@pytest.mark.contract("12.2")
def test_a_webhook_that_comes_twice_changes_nothing_the_second_time(checkout: Checkout) -> None:
    shop.stock("LAMP", 10, price=shop.euros(2000))
    number = checkout.place()
    checkout.run()
    checkout.pay("ada", number, cards.TWICE)
    checkout.run()
    assert checkout.calls["webhook"] == 2
    assert_sold(checkout, number, 2490)


@pytest.mark.contract("12.2")
def test_an_authorization_after_the_order_was_given_up_is_voided(checkout: Checkout) -> None:
    shop.stock("LAMP", 10)
    number = checkout.place()
    checkout.run()
    intent = checkout.open("ada", number)
    call(orders_api, "POST", f"/v1/orders/{number}/cancellation", caller="ada")
    checkout.break_("UndoPayment", "before")
    checkout.run()
    assert checkout.confirm(intent, cards.GOOD).status == 409
    assert_nothing_left(checkout, number, "cancelled_by_customer")


def test_a_customer_may_cancel_before_paying(checkout: Checkout) -> None:
    shop.stock("LAMP", 10)
    number = checkout.place()
    checkout.run()
    assert call(orders_api, "POST", f"/v1/orders/{number}/cancellation", caller="ada").status == 202
    checkout.run()
    assert_nothing_left(checkout, number, "cancelled_by_customer")


def test_a_customer_may_cancel_before_the_checkout_has_begun(checkout: Checkout) -> None:
    shop.stock("LAMP", 10)
    number = checkout.place()
    assert call(orders_api, "POST", f"/v1/orders/{number}/cancellation", caller="ada").status == 202
    checkout.run()
    assert_nothing_left(checkout, number, "cancelled_by_customer")


def test_a_cancelled_order_cannot_be_paid(checkout: Checkout) -> None:
    shop.stock("LAMP", 10)
    cancelled = checkout.place()
    call(orders_api, "POST", f"/v1/orders/{cancelled}/cancellation", caller="ada")
    checkout.run()
    from payments.api import handler

    refusal = call(handler, "POST", "/v1/payments/intent", {"orderNo": cancelled}, caller="ada")
    assert (refusal.status, refusal.json["code"]) == (409, "not_payable")


@pytest.mark.contract("12.3")
def test_opening_the_payment_again_gives_the_same_one(checkout: Checkout) -> None:
    shop.stock("LAMP", 10)
    number = checkout.place()
    assert checkout.open("ada", number) == checkout.open("ada", number)
    from payments.api import handler

    assert call(handler, "POST", "/v1/payments/intent", {"orderNo": number}, caller="bob").status == 404


def test_order_created_heard_three_times_starts_one_checkout(checkout: Checkout) -> None:
    shop.stock("LAMP", 10, price=shop.euros(2000))
    number = checkout.place()
    checkout.run()
    (envelope,) = shop.announced()
    for _ in range(2):
        checkout.runtime.bus.put(
            [{"Source": "market.orders", "DetailType": "order.created", "EventBusName": config.setting("BUS_NAME"),
              "Detail": __import__("json").dumps(envelope)}]
        )  # fmt: skip
    checkout.pay("ada", number)
    checkout.run()
    assert len(checkout.executions()) == 1
    assert_sold(checkout, number, 2490)


STEPS = ["await_payment", "payments-webhooks", "capture", "confirm"]
PROVIDER_CALLS = ["POST capture"]


@pytest.mark.parametrize("times", [1, 3])
@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("what", [*STEPS, *PROVIDER_CALLS, "webhook"])
def test_a_call_that_is_lost_and_comes_again_does_no_harm(checkout: Checkout, what: str, when: str, times: int) -> None:
    shop.stock("LAMP", 10, price=shop.euros(2000))
    checkout.break_(what, when, times)
    number = checkout.place()
    checkout.run()
    checkout.pay("ada", number)
    checkout.run()
    checkout.wait(3600)
    assert_sold(checkout, number, 2490)


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("what", ["capture", "POST capture"])
def test_a_step_that_never_works_leaves_no_trace(checkout: Checkout, what: str, when: str) -> None:
    shop.stock("LAMP", 10)
    checkout.break_(what, when, 10**6)
    number = checkout.place()
    checkout.pay("ada", number)
    checkout.run()
    checkout.wait(4 * 3600)
    assert_nothing_left(checkout, number, "checkout_failed")


def test_a_confirmation_that_never_begins_gives_the_money_back(checkout: Checkout) -> None:
    shop.stock("LAMP", 10)
    checkout.break_("confirm", "before", 10**6)
    number = checkout.place()
    checkout.pay("ada", number)
    checkout.run()
    checkout.wait(4 * 3600)
    assert_nothing_left(checkout, number, "checkout_failed")
    assert checkout.provider_book(number) == ("refunded", 0)


def test_a_confirmation_whose_answers_are_all_lost_still_counts(checkout: Checkout) -> None:
    shop.stock("LAMP", 10, price=shop.euros(2000))
    checkout.break_("confirm", "after", 10**6)
    number = checkout.place()
    checkout.pay("ada", number)
    checkout.run()
    checkout.wait(4 * 3600)
    assert_sold(checkout, number, 2490)
    assert checkout.history(number)[-3:] == ["GiveUpOrder", "WasItPaid", "PaidAfterAll"]


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("what", ["give_up", "undo", "POST void", "GET intent"])
def test_an_undo_that_is_lost_comes_again(checkout: Checkout, what: str, when: str) -> None:
    shop.stock("LAMP", 10)
    checkout.break_(what, when, 3)
    number = checkout.place()
    checkout.pay("ada", number, cards.CAPTURE_FAILS)
    checkout.run()
    checkout.wait(4 * 3600)
    assert_nothing_left(checkout, number, "payment_declined")


@pytest.mark.parametrize("what", ["give_up", "undo"])
def test_an_undo_that_never_works_is_parked_for_a_person(checkout: Checkout, what: str) -> None:
    shop.stock("LAMP", 10)
    checkout.break_(what, "before", 10**6)
    number = checkout.place()
    checkout.pay("ada", number, cards.CAPTURE_FAILS)
    checkout.run()
    checkout.wait(8 * 3600)
    assert checkout.executions() == {order_id(number): "FAILED"}
    parked = next(name for name in checkout.runtime.depths() if "parked" in name)
    (message,) = checkout.runtime.queues.peek(parked)
    assert order_id(number) in message.body


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_wait_that_never_begins_still_finds_the_payment(checkout: Checkout, when: str) -> None:
    shop.stock("LAMP", 10, price=shop.euros(2000))
    checkout.break_("await_payment", when, 10**6)
    number = checkout.place()
    checkout.pay("ada", number)
    checkout.run()
    checkout.wait(4 * 3600)
    assert_sold(checkout, number, 2490)


@pytest.mark.parametrize("death", ["Sandbox.Timedout", "Runtime.ExitError", "Lambda.ClientExecutionTimeoutException"])
@pytest.mark.parametrize("what", STEPS)
def test_a_function_that_dies_is_no_refusal(checkout: Checkout, what: str, death: str) -> None:
    shop.stock("LAMP", 10, price=shop.euros(2000))
    checkout.death = death
    checkout.break_(what, "after")
    number = checkout.place()
    checkout.pay("ada", number)
    checkout.run()
    checkout.wait(3600)
    assert_sold(checkout, number, 2490)


def test_money_that_the_provider_no_longer_has_is_not_captured(checkout: Checkout) -> None:
    shop.stock("LAMP", 10)
    checkout.break_("webhook", "before", times=10**6)
    number = checkout.place()
    checkout.run()
    checkout.pay("ada", number)
    checkout.provider_does(number, "void")
    checkout.break_("webhook", "before", times=0)
    checkout.run()
    checkout.wait(4 * 3600)
    assert_nothing_left(checkout, number, "payment_declined")


def test_an_order_cancelled_between_card_and_capture_is_never_charged(checkout: Checkout) -> None:
    shop.stock("LAMP", 10)
    number = checkout.place()
    checkout.run()
    checkout.break_("capture", "before")
    checkout.pay("ada", number)
    assert call(orders_api, "POST", f"/v1/orders/{number}/cancellation", caller="ada").status == 202
    checkout.run()
    checkout.wait(3600)
    assert_nothing_left(checkout, number, "cancelled_by_customer")


def test_an_order_cancelled_between_capture_and_confirmation_gets_its_money_back(checkout: Checkout) -> None:
    shop.stock("LAMP", 10)
    number = checkout.place()
    checkout.pay("ada", number)
    checkout.before("confirm", lambda: call(orders_api, "POST", f"/v1/orders/{number}/cancellation", caller="ada"))
    checkout.run()
    checkout.wait(3600)
    assert_nothing_left(checkout, number, "cancelled_by_customer")
    assert checkout.provider_book(number) == ("refunded", 0)


def test_declines_that_are_told_again_and_out_of_order_count_once(checkout: Checkout) -> None:
    shop.stock("LAMP", 10, price=shop.euros(2000))
    number = checkout.place()
    checkout.run()
    for _ in range(2):
        checkout.pay("ada", number, cards.DECLINED)
    checkout.run()
    for body in (*checkout.webhooks, *reversed(checkout.webhooks), *checkout.webhooks):
        checkout.tell_again(body)
    checkout.run()
    assert shop.order_of("ada", number)["status"] == "pending_payment"
    checkout.pay("ada", number)
    checkout.run()
    assert_sold(checkout, number, 2490)


@pytest.mark.contract("7.2")
def test_an_order_whose_event_was_lost_for_good_is_ended_by_the_schedule(checkout: Checkout) -> None:
    shop.stock("LAMP", 10)
    checkout.break_("orders-consumer", "before", 10**6)
    number = checkout.place()
    checkout.run()
    checkout.wait(cards.HOLD_SECONDS - 60)
    assert checkout.executions() == {}
    assert shop.shelf("LAMP") == (9, 1)
    checkout.wait(1200)
    assert_nothing_left(checkout, number, "payment_timeout")


@pytest.mark.contract("7.2")
def test_the_schedule_leaves_orders_alone_that_still_have_time(checkout: Checkout) -> None:
    shop.stock("LAMP", 10, price=shop.euros(2000))
    number = checkout.place()
    checkout.run()
    checkout.wait(cards.HOLD_SECONDS - 60)
    checkout.pay("ada", number)
    checkout.run()
    assert_sold(checkout, number, 2490)


def test_nothing_can_be_paid_after_the_hold_has_ended(checkout: Checkout) -> None:
    from payments.api import handler

    shop.stock("LAMP", 10)
    checkout.break_("orders-consumer", "before", 10**6)
    number = checkout.place()
    checkout.wait(cards.HOLD_SECONDS + 1)
    refusal = call(handler, "POST", "/v1/payments/intent", {"orderNo": number}, caller="ada")
    assert (refusal.status, refusal.json["code"]) == (409, "not_payable")
