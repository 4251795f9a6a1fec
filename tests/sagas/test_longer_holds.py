"""A hold is made longer while the customer is paying, never beyond its longest, and ends whatever happens."""

from collections.abc import Callable
from datetime import datetime, timedelta

import orjson
import pytest

from market import clock
from orders import model, store
from orders.staff_api import handler as staff_api
from payments.api import handler as payments_api
from payments.model import STILL_PAYING
from tests import shop
from tests.http import call
from tests.sagas import checkout as cards
from tests.sagas.checkout import Checkout, order_id
from tests.sagas.test_checkout import assert_nothing_left, assert_sold

pytestmark = [pytest.mark.contract("7.2", "11.2"), pytest.mark.parametrize("database", ["dynoxide"], indirect=True)]
LATE = cards.HOLD_SECONDS - 60
"""When a customer does something just before the hold ends."""
ASKED = ["AwaitPayment", "AskProvider"]
LONGER = [*ASKED, "HoldLonger"]


def begun(checkout: Checkout) -> str:
    shop.stock("LAMP", 10, price=shop.euros(2000))
    number = checkout.place()
    checkout.run()
    return number


def end_of(number: str) -> datetime:
    return datetime.fromisoformat(store.get("ada", order_id(number), consistent=True).hold_until)


def declines(checkout: Checkout, number: str) -> None:
    checkout.pay("ada", number, cards.DECLINED)
    checkout.run()


def comes_back(checkout: Checkout, number: str) -> None:
    """Opened long ago, and looked at again."""
    checkout.open("ada", number)


def told(checkout: Checkout, kind: str, notice: str, **more: str) -> None:
    """The provider tells something of an order that had a declined attempt before."""
    before = orjson.loads(next(body for body in checkout.webhooks if "payment_intent.declined" in body))
    checkout.tell_again(orjson.dumps(before | {"id": notice, "type": f"payment_intent.{kind}"} | more).decode())
    checkout.run()


def asked_by_the_bank(checkout: Checkout, number: str) -> None:
    """Neither a payment nor a decline: 3-D Secure; and who is to hear of it dies before it does, then after."""
    heard = checkout.calls["payments-webhooks"]
    checkout.break_("payments-webhooks", "before")
    checkout.break_("payments-webhooks", "after")
    told(checkout, "requires_action", "evt_asked")
    checkout.wait(35)
    assert checkout.calls["payments-webhooks"] == heard + 3


@pytest.mark.parametrize("acts", [declines, comes_back, asked_by_the_bank])
def test_who_is_still_paying_when_the_hold_ends_has_as_long_again(
    checkout: Checkout, acts: Callable[[Checkout, str], None]
) -> None:
    number = begun(checkout)
    declines(checkout, number)
    checkout.wait(LATE)
    acts(checkout, number)
    checkout.wait(120)
    assert shop.shelf("LAMP") == (9, 1)
    assert end_of(number) - clock.now() > timedelta(seconds=cards.HOLD_SECONDS / 2), "another method may be chosen"
    checkout.wait(cards.HOLD_SECONDS / 3)
    checkout.pay("ada", number)
    checkout.run()
    assert_sold(checkout, number, 2490)
    assert checkout.history(number) == [*LONGER, "AwaitPayment", "Confirm"]


def test_who_did_nothing_lately_is_not_waited_for(checkout: Checkout) -> None:
    number = begun(checkout)
    checkout.wait(STILL_PAYING.total_seconds())
    checkout.open("ada", number)
    checkout.wait(cards.HOLD_SECONDS - STILL_PAYING.total_seconds() + 60)
    assert_nothing_left(checkout, number, "payment_timeout")
    assert checkout.history(number)[:3] == [*ASKED, "GiveUpOrder"]


def looked_after(checkout: Checkout) -> None:
    """Something of the provider's own."""
    told(checkout, "updated", "evt_late")


def asked_long_ago(checkout: Checkout) -> None:
    """What was told at first, once more."""
    told(checkout, "requires_action", "evt_first")


def left_alone(checkout: Checkout) -> None:
    """An attempt that the customer did not go on with."""
    told(checkout, "declined", "evt_lapsed", failure="expired")


def left_at_stripe(checkout: Checkout) -> None:
    """The same in Stripe's words."""
    told(checkout, "declined", "evt_lapsed", failure="payment_intent_payment_attempt_expired")


@pytest.mark.parametrize("says", [looked_after, asked_long_ago, left_alone, left_at_stripe])
def test_what_the_customer_did_not_do_just_now_is_no_sign_of_paying(
    checkout: Checkout, says: Callable[[Checkout], None]
) -> None:
    number = begun(checkout)
    declines(checkout, number)
    told(checkout, "requires_action", "evt_first")
    checkout.wait(LATE)
    says(checkout)
    checkout.wait(120)
    assert_nothing_left(checkout, number, "payment_timeout")
    assert checkout.history(number)[:3] == [*ASKED, "GiveUpOrder"]


def test_the_busiest_customer_does_not_hold_the_goods_beyond_the_longest_hold(checkout: Checkout) -> None:
    number = begun(checkout)
    longest = clock.now() + model.LONGEST_HOLD
    while clock.now() < longest and shop.order_of("ada", number)["status"] == "pending_payment":
        assert end_of(number) <= longest
        call(payments_api, "POST", "/v1/payments/intent", {"orderNo": number}, caller="ada")
        checkout.wait(STILL_PAYING.total_seconds() / 2)
    assert_nothing_left(checkout, number, "payment_timeout")
    assert checkout.history(number)[-5:-3] == ["HoldLonger", "GiveUpOrder"]
    assert checkout.history(number).count("AwaitPayment") > 2
    refused = call(payments_api, "POST", "/v1/payments/intent", {"orderNo": number, "method": "cod"}, caller="ada")
    assert (refused.status, refused.json["code"]) == (409, "not_payable")


def test_a_long_hold_is_made_longer_by_what_is_left_to_the_longest(
    checkout: Checkout, environment: pytest.MonkeyPatch
) -> None:
    """The checkout waits no longer than the goods are held, whichever of its answers is lost."""
    environment.setenv("HOLD_MINUTES", "40")
    number = begun(checkout)
    placed = store.get("ada", order_id(number), consistent=True).created_at
    longest = datetime.fromisoformat(placed) + model.LONGEST_HOLD
    checkout.wait(2_400 - 60)
    checkout.open("ada", number)
    checkout.break_("hold_longer", "after", 2)
    checkout.wait(120)
    assert end_of(number) == longest
    assert checkout.history(number) == [*LONGER, "AwaitPayment"]
    checkout.wait((longest - clock.now()).total_seconds() - 60)
    checkout.open("ada", number)
    assert shop.shelf("LAMP") == (9, 1)
    checkout.wait(90)
    assert_nothing_left(checkout, number, "payment_timeout")
    assert checkout.history(number)[-5:-3] == ["HoldLonger", "GiveUpOrder"]


def test_a_payment_between_the_question_and_the_longer_hold_is_taken_once(checkout: Checkout) -> None:
    number = begun(checkout)
    checkout.wait(LATE)
    intent = checkout.open("ada", number)

    checkout.before("hold_longer", lambda: checkout.confirm(intent, cards.GOOD))
    checkout.wait(120)
    assert_sold(checkout, number, 2490)
    assert checkout.history(number) == [*LONGER, "AwaitPayment", "Confirm"]


def test_an_answer_that_is_lost_makes_the_hold_longer_once(checkout: Checkout) -> None:
    number = begun(checkout)
    checkout.wait(LATE)
    checkout.open("ada", number)
    checkout.break_("hold_longer", "after", 2)
    checkout.wait(120)
    assert end_of(number) <= clock.now() + timedelta(seconds=cards.HOLD_SECONDS)
    assert checkout.history(number) == [*LONGER, "AwaitPayment"]
    checkout.wait(cards.HOLD_SECONDS)
    assert_nothing_left(checkout, number, "payment_timeout")


def test_staff_that_end_the_order_meanwhile_are_faster(checkout: Checkout) -> None:
    number = begun(checkout)
    checkout.wait(LATE)
    checkout.open("ada", number)
    path, body = f"/v1/admin/orders/{number}/compensation", {"action": "cancel_and_refund", "reason": "asked for"}
    checkout.before("hold_longer", lambda: call(staff_api, "POST", path, body, caller="sam", roles="customer staff"))
    checkout.wait(120)
    assert_nothing_left(checkout, number, "cancelled_by_staff")
    assert checkout.history(number)[:4] == [*LONGER, "GiveUpOrder"]


def test_an_order_that_was_found_overdue_ends_although_its_customer_is_busy(checkout: Checkout) -> None:
    shop.stock("LAMP", 10)
    checkout.break_("orders-consumer", "before", 10**6)
    number = checkout.place()
    checkout.wait(LATE)
    for _ in range(6):
        call(payments_api, "POST", "/v1/payments/intent", {"orderNo": number}, caller="ada")
        checkout.wait(200)
    assert_nothing_left(checkout, number, "payment_timeout")
