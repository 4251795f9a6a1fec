"""The reconciler repairs what a lost webhook, a lost answer or an unfinished undo left different in the two books."""

from datetime import timedelta
from typing import Any

import pytest

from market import config
from payments import discrepancies, reconciling, service
from tests import shop
from tests.sagas.checkout import GOOD, HOLD_SECONDS, order_id
from tests.services.payments.reconciler import (
    FOR_GOOD,
    NOTHING,
    REPAIRED,
    Dead,
    Silent,
    alone,
    at_provider,
    found,
    reconcile,
    rung,
    stray,
    sweep,
    timed_out,
    unheard,
)
from tests.services.payments.till import TOTAL, Till

pytestmark = pytest.mark.contract("11.2", "12.1")


def test_a_payment_whose_webhook_was_lost_is_heard_of_without_it(till: Till) -> None:
    number = unheard(till)
    assert reconcile() == REPAIRED
    till.run()
    assert shop.order_of("ada", number)["status"] == "paid"
    assert till.provider_book(number) == ("captured", TOTAL)
    till.wait(130)
    assert reconcile() == NOTHING
    assert found(till) == [("not_heard", True)]


def test_a_payment_that_the_list_does_not_name_yet_is_asked_for(till: Till, environment: pytest.MonkeyPatch) -> None:
    environment.setattr("payments.providers.sandbox.Sandbox.recent", lambda *_: iter(()))
    number = unheard(till)
    assert reconcile() == REPAIRED
    till.run()
    assert shop.order_of("ada", number)["status"] == "paid"


@pytest.mark.parametrize("status", ["pending", "authorized"])
def test_what_the_provider_still_has_of_an_order_that_came_to_nothing_is_voided(till: Till, status: str) -> None:
    alone(till)
    number = timed_out(till)
    at_provider(till, number, status=status)
    assert reconcile() == REPAIRED
    assert till.intents(number) == [("voided", 0)]
    assert till.accounts(number) == {}
    assert reconcile() == NOTHING
    assert found(till) == [("given_up", True)]


def test_money_that_was_taken_for_an_order_that_came_to_nothing_is_given_back_and_booked(till: Till) -> None:
    alone(till)
    number = captured_in_vain(till)
    assert reconcile() == REPAIRED
    assert_given_back(till, number)
    assert reconcile() == NOTHING
    assert_given_back(till, number)


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize(
    "what", [(discrepancies, "note"), (service, "undo"), (service, "_release"), (discrepancies, "repaired")]
)
def test_a_run_that_is_killed_is_finished_by_the_next(
    till: Till, environment: pytest.MonkeyPatch, what: tuple[Any, str], when: str
) -> None:
    alone(till)
    number = captured_in_vain(till)
    place, name = what
    real = getattr(place, name)

    def fatal(*given: Any, **more: Any) -> None:
        if when == "after":
            real(*given, **more)
        raise Dead

    environment.setattr(place, name, fatal)
    with pytest.raises(Dead):
        reconcile()
    environment.setattr(place, name, real)
    for _ in range(2):
        reconcile()
    assert_given_back(till, number)


def test_an_intent_of_an_order_that_waits_is_left_alone_and_voided_when_it_waits_no_more(till: Till) -> None:
    alone(till)
    number = till.order()
    stray(till, number)
    till.wait(300)
    assert reconcile() == NOTHING
    assert till.intents(number) == [("pending", 0)]

    till.wait(HOLD_SECONDS)
    assert shop.order_of("ada", number)["status"] == "cancelled"
    assert reconcile() == REPAIRED
    assert till.intents(number) == [("voided", 0)]
    assert reconcile() == NOTHING
    assert found(till) == [("orphan", True)]


def test_a_second_authorization_for_a_paid_order_is_given_back_and_the_first_is_kept(till: Till) -> None:
    alone(till)
    number = till.sold()
    stray(till, number, card=GOOD)
    till.run()
    till.wait(130)
    assert reconcile() == REPAIRED
    assert till.intents(number) == [("captured", TOTAL), ("voided", 0)]
    assert reconcile() == NOTHING
    assert till.payment(number)["status"] == "captured"


def test_a_second_charge_for_a_paid_order_is_refunded_once_and_its_fee_is_booked(till: Till) -> None:
    alone(till)
    number = till.sold()
    reference = stray(till, number, card=GOOD)
    till.provider("POST", f"/payment_intents/{reference}/capture", {"amount": TOTAL}, key="capture")
    till.run()
    till.wait(130)
    before = till.accounts(number)
    assert reconcile() == REPAIRED
    assert reconcile() == NOTHING
    assert till.intents(number) == [("captured", TOTAL), ("refunded", 0)]
    after = till.accounts(number)
    assert after["provider_fees"] - before["provider_fees"] == 60
    assert after["provider:sandbox"] - before["provider:sandbox"] == -60


def test_an_intent_of_a_method_that_was_left_is_voided_and_the_new_one_stays(till: Till) -> None:
    alone(till)
    number = till.order()
    left = till.wish(number).json["intentId"]
    at_provider_before = till._item(f"SBX#{left}")
    assert at_provider_before
    assert till.wish(number, method="manual").status == 201
    config.client("dynamodb").put_item(TableName=config.setting("TABLE_NAME"), Item=at_provider_before)
    till.wait(130)
    assert reconcile() == REPAIRED
    assert till.intents(number) == [("voided", 0)]
    payment = till.payment(number)
    assert (payment["method"]["provider"], payment["status"]) == ("manual", "pending")
    assert reconcile() == NOTHING
    assert found(till) == [("left_behind", True)]


@pytest.mark.parametrize("step", ["capture", "confirm", "await_payment", "orders-consumer"])
def test_a_payment_on_its_way_is_never_given_up(till: Till, environment: pytest.MonkeyPatch, step: str) -> None:
    environment.setattr(reconciling, "GRACE", timedelta(minutes=-1))
    alone(till)
    shop.stock("LAMP", 10, price=shop.euros(2000))
    seen: list[dict[str, int]] = []
    number = till.place()
    till.pay("ada", number)
    till.before(step, lambda: seen.append(reconcile()))
    till.run()
    assert seen
    assert shop.order_of("ada", number)["status"] == "paid"
    assert till.intents(number) == [("captured", TOTAL)]
    assert reconcile() == NOTHING
    assert ("given_up", True) not in found(till)


def test_beside_an_undo_that_is_running_nothing_is_given_back_twice(
    till: Till, environment: pytest.MonkeyPatch
) -> None:
    environment.setattr(reconciling, "GRACE", timedelta(minutes=-1))
    alone(till)
    number = till.order()
    till.pay("ada", number)
    till.before("confirm", lambda: till_cancel(number))
    till.before("undo", reconcile)
    till.run()
    assert shop.order_of("ada", number)["status"] == "cancelled"
    assert_given_back(till, number)


def test_a_provider_that_is_silent_is_compared_later(till: Till) -> None:
    number = unheard(till)
    config.use_http(Silent())
    assert reconcile() == NOTHING
    assert found(till) == []
    config.use_http(till)
    assert reconcile() == REPAIRED
    till.run()
    assert shop.order_of("ada", number)["status"] == "paid"


def test_a_repair_that_the_provider_does_not_answer_is_put_off_and_after_an_hour_told(
    till: Till, capsys: pytest.CaptureFixture[str]
) -> None:
    alone(till)
    number = captured_in_vain(till)
    till.break_("POST refund", "before", FOR_GOOD)
    assert reconcile() == {"repaired": 0, "putOff": 1, "differing": 0}
    assert found(till) == [("given_up", False)]
    assert '"PaymentsDiffer"' not in capsys.readouterr().out
    till.wait(5 * 3600)
    assert sweep() == {"repaired": 0, "putOff": 1, "differing": 1}
    assert sum(rung(capsys.readouterr().out)) == 1
    till.break_("POST refund", "before", 0)
    assert sweep() == REPAIRED
    assert_given_back(till, number)


def captured_in_vain(till: Till) -> str:
    """An order that was cancelled after its money was taken, and whose undo failed until it was parked."""
    number = till.order()
    till.pay("ada", number)
    till.before("confirm", lambda: till_cancel(number))
    till.break_("undo", "before", FOR_GOOD)
    till.run()
    till.break_("undo", "before", 0)
    assert till.executions()[order_id(number)] == "FAILED"
    assert till.intents(number) == [("captured", TOTAL)]
    till.wait(130)
    return number


def assert_given_back(till: Till, number: str) -> None:
    """Refunded once, and the provider's fee booked once."""
    assert till.intents(number) == [("refunded", 0)]
    assert till.payment(number)["status"] == "refunded"
    assert till.accounts(number) == {"provider:sandbox": -60, "provider_fees": 60}


def till_cancel(number: str) -> None:
    from orders.api import handler
    from tests.http import call

    assert call(handler, "POST", f"/v1/orders/{number}/cancellation", caller="ada").status == 202
