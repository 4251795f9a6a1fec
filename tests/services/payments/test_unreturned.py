"""Money that a provider refuses to give back for an order that came to nothing is in the book: it is the customer's."""

from typing import Any

import pytest

from market.tasks import Transient
from payments import service, store, unreturned
from payments.gateway import provider
from payments.model import RefundRefused
from tests.sagas.checkout import GOOD, order_id
from tests.services.payments.reconciler import (
    FOR_GOOD,
    REPAIRED,
    alone,
    at_provider,
    change,
    reconcile,
    stray,
    timed_out,
)
from tests.services.payments.till import REFUND_REFUSED, TOTAL, Till

pytestmark = pytest.mark.contract("11.2", "12.1")
FEE = 60
OWED = {"provider:sandbox": TOTAL - FEE, "provider_fees": FEE, "customer_credit:ada": -TOTAL}
GIVEN_BACK = {"provider:sandbox": -FEE, "provider_fees": FEE}


def captured_in_vain(till: Till) -> str:
    """An order that was charged and then given up; nothing is undone yet."""
    for step in ("confirm", "undo"):
        till.break_(step, "before", FOR_GOOD)
    number = till.order()
    till.pay("ada", number, REFUND_REFUSED)
    till.run()
    assert till.intents(number) == [("captured", TOTAL)]
    assert till.accounts(number) == {}
    return number


def relent(till: Till, number: str) -> None:
    """The card's issuer takes refunds after all."""
    at_provider(till, number, instrument=GOOD)


def test_what_an_undo_cannot_give_back_is_booked_as_the_customers_once(till: Till) -> None:
    number = captured_in_vain(till)
    for _ in range(3):
        with pytest.raises(RefundRefused):
            till.undo(number)
        assert till.accounts(number) == OWED
    assert till.payment(number)["status"] == "captured"


def test_what_the_reconciler_cannot_give_back_is_booked_as_well(till: Till) -> None:
    alone(till)
    number = captured_in_vain(till)
    till.wait(130)
    assert reconcile()["differing"] == 1
    assert till.accounts(number) == OWED


def test_once_it_can_go_back_only_the_fee_is_left(till: Till) -> None:
    number = captured_in_vain(till)
    with pytest.raises(RefundRefused):
        till.undo(number)
    relent(till, number)
    for _ in range(2):
        till.undo(number)
        assert till.accounts(number) == GIVEN_BACK
    assert till.payment(number)["status"] == "refunded"


def test_what_went_back_between_the_refusal_and_its_booking_is_not_owed(
    till: Till, environment: pytest.MonkeyPatch
) -> None:
    number, honest = captured_in_vain(till), unreturned.owe

    def late(*given: Any) -> None:
        environment.setattr(unreturned, "owe", honest)
        relent(till, number)
        till.undo(number)
        honest(*given)

    environment.setattr(unreturned, "owe", late)
    with pytest.raises(RefundRefused):
        till.undo(number)
    assert till.accounts(number) == GIVEN_BACK


def test_what_is_booked_as_owed_at_the_last_moment_is_not_forgotten(
    till: Till, environment: pytest.MonkeyPatch
) -> None:
    number, honest = captured_in_vain(till), store.undone
    payment = service.known(order_id(number))
    charged = provider("sandbox").retrieve(payment.reference)

    def late(*given: Any) -> None:
        environment.setattr(store, "undone", honest)
        unreturned.owe(payment, charged)
        honest(*given)

    relent(till, number)
    environment.setattr(store, "undone", late)
    with pytest.raises(Transient):
        till.undo(number)
    assert till.accounts(number) == OWED
    till.undo(number)
    assert till.accounts(number) == GIVEN_BACK


@pytest.mark.parametrize("begun", [True, False])
def test_a_charge_that_we_never_recorded_and_cannot_give_back_is_booked_under_its_reference(
    till: Till, begun: bool
) -> None:
    alone(till)
    number = timed_out(till) if begun else till.order()
    till.wait(960)
    reference = stray(till, number, card=REFUND_REFUSED)
    whole = {"amount": TOTAL}
    assert till.provider("POST", f"/payment_intents/{reference}/capture", whole, key="by-hand").status == 200
    till.wait(130)
    whose = "customer_credit:ada" if begun else f"customer_credit:{order_id(number)}"
    for _ in range(2):
        assert reconcile()["differing"] == 1
        assert till.accounts(number) == {
            "provider:sandbox": TOTAL - FEE,
            "provider_fees": FEE,
            whose: -TOTAL,
        }
    change(f"SBX#{reference}", "-", instrument=GOOD)
    assert reconcile() == REPAIRED
    assert till.accounts(number) == GIVEN_BACK
