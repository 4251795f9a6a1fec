"""Cards that customers keep at Stripe, to pay with again."""

from dataclasses import replace

import pytest

from payments.model import (
    NotPayable,
    ProviderUnavailable,
)
from tests.services.payments import stripe as cards
from tests.services.payments.stripe import DUE, ORDER, World, euros, world

__all__ = ["world"]


@pytest.mark.contract("12.3")
def test_a_saved_card_pays_without_its_owner(world: World) -> None:
    setup = world.port.setup(ORDER.customer_id, "")
    world.stripe.save(setup.client_secret, cards.SECURE)
    (saved,) = world.port.saved(setup.customer_ref)
    assert (saved.card.last4, saved.card.brand) == ("3155", "visa")

    intent = world.open(saved_method=saved.id, customer_ref=setup.customer_ref)
    assert intent.status == "authorized"
    assert world.port.capture(ORDER.order_id, intent.reference, DUE).status == "captured"
    assert world.book() == [("succeeded", 4999, 0)]


@pytest.mark.contract("12.3")
@pytest.mark.parametrize("card", [cards.SAVED_ONLY, cards.SECURE_ALWAYS])
def test_a_saved_card_that_does_not_pay_leaves_the_payment_open(world: World, card: str) -> None:
    setup = world.port.setup(ORDER.customer_id, "")
    world.stripe.save(setup.client_secret, card)
    (saved,) = world.port.saved(setup.customer_ref)
    for _ in range(3):
        intent = world.open(saved_method=saved.id, customer_ref=setup.customer_ref)
        assert intent.status == "pending"
    world.stripe.pay(intent.client_secret, cards.GOOD)
    assert world.port.retrieve(intent.reference).status == "authorized"
    assert len(world.book()) == 1


@pytest.mark.contract("12.3")
def test_a_customer_stays_the_same_at_stripe_at_once_and_after_days(world: World) -> None:
    known = world.port.setup("cus_ours_1", "").customer_ref
    assert world.port.setup("cus_ours_1", "").customer_ref == known
    world.pass_(hours=30)
    assert world.port.setup("cus_ours_1", "").customer_ref == known
    assert world.port.setup("cus_ours_1", known).customer_ref == known
    assert world.port.setup("cus_ours_2", "").customer_ref != known


@pytest.mark.contract("12.3")
def test_nobody_pays_with_anothers_card_or_removes_it(world: World) -> None:
    ada, eve = world.port.setup("ada", ""), world.port.setup("eve", "")
    world.stripe.save(ada.client_secret, cards.GOOD)
    (saved,) = world.port.saved(ada.customer_ref)
    with pytest.raises(NotPayable):
        world.open(saved_method=saved.id, customer_ref=eve.customer_ref)
    world.port.detach(eve.customer_ref, saved.id)
    assert world.port.saved(ada.customer_ref) == [saved]
    assert world.port.saved(eve.customer_ref) == []
    world.port.detach(ada.customer_ref, saved.id)
    assert world.port.saved(ada.customer_ref) == []


@pytest.mark.contract("12.3")
def test_a_card_is_forgotten_once_and_for_all(world: World) -> None:
    setup = world.port.setup("ada", "")
    world.stripe.save(setup.client_secret, cards.GOOD)
    (saved,) = world.port.saved(setup.customer_ref)
    world.stripe.break_("POST detach", "lost", "after")
    with pytest.raises(ProviderUnavailable):
        world.port.detach(setup.customer_ref, saved.id)
    world.port.detach(setup.customer_ref, saved.id)
    assert world.port.saved(setup.customer_ref) == []
    with pytest.raises(NotPayable):
        world.open(saved_method=saved.id, customer_ref="cus_nowhere")


def test_an_order_begun_in_another_way_is_found_and_not_opened_twice(world: World) -> None:
    setup = world.port.setup(ORDER.customer_id, "")
    world.stripe.save(setup.client_secret, cards.GOOD)
    (saved,) = world.port.saved(setup.customer_ref)
    first = world.open()
    with pytest.raises(ProviderUnavailable):
        world.open(saved_method=saved.id, customer_ref=setup.customer_ref)
    world.pass_(minutes=2)
    assert world.open(saved_method=saved.id, customer_ref=setup.customer_ref).reference == first.reference
    with pytest.raises(ProviderUnavailable):
        world.port.create(replace(ORDER, amount=euros(5000)))
    assert len(world.book()) == 1
