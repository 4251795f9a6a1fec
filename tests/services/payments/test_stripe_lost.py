"""Stripe falls silent before or after it acted: what was asked is asked again, and happens once."""

import pytest

from payments.model import (
    ProviderUnavailable,
)
from tests.services.payments import stripe as cards
from tests.services.payments.stripe import DUE, ORDER, World, euros, world

__all__ = ["world"]

LOSSES = [("lost", "before"), ("lost", "after"), ("timeout", "before"), ("timeout", "after"), ("unavailable", "before")]
LOSSES += [("rate", "before"), ("busy", "before"), ("crash", "before"), ("crash", "after")]


@pytest.mark.contract("12.3", "11.2")
@pytest.mark.parametrize(("kind", "when"), LOSSES)
def test_an_order_whose_opening_was_lost_is_opened_once_more_and_charged_once(
    world: World, kind: str, when: str
) -> None:
    world.stripe.break_("POST payment_intents", kind, when)
    with pytest.raises(ProviderUnavailable):
        world.open()
    reference = world.pay().reference
    world.port.capture(ORDER.order_id, reference, DUE)
    assert sum(captured for _, captured, _ in world.book()) == 4999


@pytest.mark.contract("12.3", "11.2")
@pytest.mark.parametrize(("kind", "when"), LOSSES)
def test_a_capture_whose_answer_was_lost_takes_the_money_once(world: World, kind: str, when: str) -> None:
    reference = world.pay().reference
    world.stripe.break_("POST capture", kind, when)
    with pytest.raises(ProviderUnavailable):
        world.port.capture(ORDER.order_id, reference, DUE)
    assert world.port.capture(ORDER.order_id, reference, DUE).status == "captured"
    assert world.book() == [("succeeded", 4999, 0)]


@pytest.mark.contract("12.3", "11.2")
@pytest.mark.parametrize(("kind", "when"), LOSSES)
def test_a_void_whose_answer_was_lost_gives_back_the_authorization(world: World, kind: str, when: str) -> None:
    reference = world.pay().reference
    world.stripe.break_("POST cancel", kind, when)
    with pytest.raises(ProviderUnavailable):
        world.port.void(ORDER.order_id, reference)
    assert world.port.void(ORDER.order_id, reference).status == "voided"
    assert world.book() == [("canceled", 0, 0)]


@pytest.mark.contract("12.3", "11.2")
@pytest.mark.parametrize(("kind", "when"), [loss for loss in LOSSES if loss != ("crash", "before")])
def test_a_refund_whose_answer_was_lost_is_made_once(world: World, kind: str, when: str) -> None:
    reference = world.captured()
    world.stripe.break_("POST refunds", kind, when)
    with pytest.raises(ProviderUnavailable):
        world.port.refund("ref_1", reference, euros(1000))
    assert world.port.refund("ref_1", reference, euros(1000)).status == "succeeded"
    assert world.book() == [("succeeded", 4999, 1000)]


@pytest.mark.contract("12.3")
def test_a_refund_that_broke_in_the_middle_is_not_tried_under_another_key(world: World) -> None:
    reference = world.captured()
    world.stripe.break_("POST refunds", "crash", "before")
    for _ in range(3):
        with pytest.raises(ProviderUnavailable):
            world.port.refund("ref_1", reference, euros(1000))
    assert {key for path, key in world.writes() if path == "/v1/refunds"} == {"refund-ref_1"}
    world.pass_(hours=25)
    assert world.port.refund("ref_1", reference, euros(1000)).status == "succeeded"
    assert world.book() == [("succeeded", 4999, 1000)]


@pytest.mark.contract("12.3")
def test_a_refund_asked_for_again_after_a_day_is_not_made_again(world: World) -> None:
    reference = world.captured()
    made = world.port.refund("ref_1", reference, euros(1000))
    world.pass_(hours=25)
    assert world.port.refund("ref_1", reference, euros(1000)) == made
    assert world.book() == [("succeeded", 4999, 1000)]


def test_a_key_that_stripe_refuses_is_not_a_decline(world: World) -> None:
    reference = world.pay().reference
    world.stripe.api_key = "sk_test_rolled"
    with pytest.raises(ProviderUnavailable):
        world.port.capture(ORDER.order_id, reference, DUE)
    world.stripe.api_key = cards.CREDENTIALS["api_key"]
    assert world.port.capture(ORDER.order_id, reference, DUE).status == "captured"


def test_an_answer_that_is_no_json_is_an_unknown_outcome(world: World) -> None:
    reference = world.pay().reference
    world.handler = lambda *request: (200, {}, b"<html>a proxy's page</html>")
    with pytest.raises(ProviderUnavailable):
        world.port.capture(ORDER.order_id, reference, DUE)


@pytest.mark.contract("11.2")
def test_a_capture_that_runs_twice_at_once_takes_the_money_once(world: World) -> None:
    reference = world.pay().reference
    heard: list[str] = []

    def meanwhile() -> None:
        try:
            heard.append(world.port.capture(ORDER.order_id, reference, DUE).status)
        except ProviderUnavailable:
            heard.append("unknown")

    world.stripe.before("POST capture", meanwhile)
    assert world.port.capture(ORDER.order_id, reference, DUE).status == "captured"
    assert heard == ["captured"]
    assert world.book() == [("succeeded", 4999, 0)]
