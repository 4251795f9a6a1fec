"""Ways to pay, offered, chosen, changed: however often a customer changes their mind, one intent can be charged."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from orders.api import handler as orders
from tests import shop
from tests.http import call
from tests.sagas import checkout as cards
from tests.services.payments.till import TOTAL, Till

pytestmark = pytest.mark.contract("12.1", "12.3")


def test_the_methods_on_offer_are_listed_with_the_default_first(till: Till, environment: pytest.MonkeyPatch) -> None:
    listed = till.ask("GET", "/v1/payments/methods").json["items"]
    assert [entry["method"] for entry in listed] == ["sandbox", "cod", "manual"]
    assert [entry["byHand"] for entry in listed] == [False, True, True]
    environment.setenv("PAYMENT_METHODS", " cod ,sandbox,")
    assert [entry["method"] for entry in till.ask("GET", "/v1/payments/methods").json["items"]] == ["cod", "sandbox"]
    assert till.wish(till.order()).json["provider"] == "cod"


def test_what_is_not_offered_is_refused_by_name(till: Till, environment: pytest.MonkeyPatch) -> None:
    number = till.order()
    for name in ("stripe", "paypal", "nonsense", "../sandbox"):
        refusal = till.wish(number, method=name)
        assert (refusal.status, refusal.json["code"]) == (409, "method_not_offered")
    environment.setenv("PAYMENT_METHODS", "cod")
    assert till.wish(number, method="sandbox").status == 409
    assert till.wish(number).json["provider"] == "cod"


def test_cash_on_delivery_is_sold_at_once_without_a_fee(till: Till) -> None:
    number = till.order()
    opened = till.wish(number, method="cod").json
    assert (opened["status"], opened["clientSecret"], opened["redirect"]) == ("authorized", "", "")
    assert till.wish(number, method="cod").json == opened
    till.run()
    assert shop.order_of("ada", number)["status"] == "paid"
    assert till.history(number) == ["AwaitPayment", "Capture", "Confirm"]
    assert till.accounts(number)["provider:cod"] == TOTAL
    assert "provider_fees" not in till.accounts(number)
    assert till.intents(number) == []


def test_cash_on_delivery_chosen_before_the_checkout_listens_is_heard(till: Till) -> None:
    shop.stock("LAMP", 10, price=shop.euros(2000))
    number = till.place()
    till.wish(number, method="cod")
    till.run()
    assert shop.order_of("ada", number)["status"] == "paid"


def test_a_changed_method_closes_the_old_intent_at_its_provider(till: Till) -> None:
    number = till.order()
    old = till.open("ada", number)
    assert till.wish(number, method="cod").json["status"] == "authorized"
    assert till.intents(number) == [("voided", 0)]
    assert till.confirm(old, cards.GOOD).status == 409
    till.run()
    assert till.accounts(number)["provider:cod"] == TOTAL
    assert "left" in till.kinds(number)


def test_a_method_may_be_come_back_to_with_a_new_intent(till: Till) -> None:
    number = till.order()
    first = till.open("ada", number)
    assert till.wish(number, method="manual").json["status"] == "pending"
    second = till.wish(number, method="sandbox").json
    assert second["intentId"] != first["intentId"]
    assert till.wish(number).json == second
    assert till.confirm(first, cards.GOOD).status == 409
    assert till.confirm(second, cards.GOOD).json["status"] == "authorized"
    till.run()
    assert till.intents(number) == [("captured", TOTAL), ("voided", 0)]
    assert shop.order_of("ada", number)["status"] == "paid"


def test_the_method_is_changed_a_few_times_at_most(till: Till) -> None:
    number = till.order()
    answers = [till.wish(number, method=name).status for name in ("sandbox", "manual") * 3]
    assert answers == [201] * 5 + [409]
    assert till.wish(number).json["provider"] == "sandbox"


def test_a_paid_payment_keeps_its_method(till: Till) -> None:
    number = till.order()
    till.pay("ada", number)
    till.run()
    refusal = till.wish(number, method="cod")
    assert (refusal.status, refusal.json["code"]) == (409, "not_payable")
    assert till.intents(number) == [("captured", TOTAL)]


def test_an_intent_that_was_paid_while_the_customer_changed_the_method_is_voided(till: Till) -> None:
    number = till.order()
    old = till.open("ada", number)
    till.confirm(old, cards.GOOD)  # the webhook is on its way, nobody has heard of it
    assert till.wish(number, method="cod").json["provider"] == "cod"
    till.run()
    assert till.intents(number) == [("voided", 0)]
    assert shop.order_of("ada", number)["status"] == "paid"
    assert till.accounts(number)["provider:cod"] == TOTAL
    assert till.incidents() == []


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_void_that_is_lost_while_the_method_changes_is_made_up_for(till: Till, when: str) -> None:
    number = till.order()
    old = till.open("ada", number)
    till.break_("POST void", when)
    refused = till.wish(number, method="cod")
    assert (refused.status, refused.json["code"]) == (503, "provider_unavailable")
    paid = till.confirm(old, cards.GOOD)
    assert paid.status == (200 if when == "before" else 409)
    till.run()
    assert till.record(number)["status"] == "pending"
    assert till.wish(number, method="cod").json["status"] == "authorized"
    till.run()
    assert till.intents(number) == [("voided", 0)]
    assert till.accounts(number)["provider:cod"] == TOTAL


def test_a_change_that_is_given_up_half_way_leaves_nothing_charged(till: Till) -> None:
    number = till.order()
    old = till.open("ada", number)
    till.break_("POST void", "before")
    till.wish(number, method="cod")
    till.confirm(old, cards.GOOD)
    till.run()
    till.wait(cards.HOLD_SECONDS + 5)
    assert till.intents(number) == [("voided", 0)]
    assert shop.order_of("ada", number)["status"] == "cancelled"
    assert shop.shelf("LAMP") == (10, 0)


def test_a_capture_at_the_provider_of_an_intent_that_was_left_is_refunded_and_its_fee_booked(till: Till) -> None:
    number = till.order()
    old = till.open("ada", number)
    till.confirm(old, cards.GOOD)
    assert till.provider("POST", f"/payment_intents/{old['intentId']}/capture", {"amount": TOTAL}).status == 200
    assert till.wish(number, method="cod").json["provider"] == "cod"
    till.run()
    assert till.intents(number) == [("refunded", 0)]
    accounts = till.accounts(number)
    assert (accounts["provider:cod"], accounts["provider:sandbox"], accounts["provider_fees"]) == (TOTAL, -60, 60)


@pytest.mark.parametrize("when", ["before", "after"])
def test_an_opening_whose_answer_is_lost_is_found_again(till: Till, when: str) -> None:
    number = till.order()
    till.break_("POST payment_intents", when)
    refused = till.wish(number)
    assert (refused.status, refused.json["code"]) == (503, "provider_unavailable")
    till.pay("ada", number)
    till.run()
    assert till.intents(number) == [("captured", TOTAL)]
    assert shop.order_of("ada", number)["status"] == "paid"


def test_two_tabs_that_open_at_once_pay_one_intent(till: Till) -> None:
    number = till.order()
    with ThreadPoolExecutor(4) as tabs:
        answers = list(tabs.map(lambda name: till.wish(number, method=name), ["sandbox", "cod", "manual", "sandbox"]))
    opened = [answer.json for answer in answers if answer.status == 201]
    assert {answer.status for answer in answers} <= {201, 409, 503}, "opened, refused, or too busy just now"
    for intent in opened:
        if intent["provider"] == "sandbox":
            till.confirm(intent, cards.GOOD)
    till.run()
    till.wait(cards.HOLD_SECONDS + 5)
    order, record = shop.order_of("ada", number), till.record(number)
    charged = sum(net for _, net in till.intents(number))
    assert not [status for status, _ in till.intents(number) if status == "authorized"]
    if order["status"] == "paid":
        assert charged == (TOTAL if record["method"]["provider"] == "sandbox" else 0)
    else:
        assert charged == 0


def test_a_cancelled_order_cannot_be_given_another_method(till: Till) -> None:
    number = till.order()
    till.open("ada", number)
    call(orders, "POST", f"/v1/orders/{number}/cancellation", caller="ada")
    till.run()
    assert till.wish(number, method="cod").json["code"] == "not_payable"
    assert till.intents(number) == [("voided", 0)]


def test_nobody_opens_or_sees_another_customers_payment(till: Till) -> None:
    number = till.order()
    till.open("ada", number)
    path = "/v1/payments/intent"
    assert till.ask("POST", path, {"orderNo": number, "method": "cod"}, caller="bob").status == 404
    assert till.ask("GET", f"/v1/payments/{number}", caller="bob").status == 404
    assert till.ask("GET", f"/v1/admin/payments/{number}").status == 403
