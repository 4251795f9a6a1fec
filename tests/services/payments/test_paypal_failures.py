"""PayPal falls silent, is asked twice and raced against: its book shows one charge, and never more given back."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from random import Random

import pytest

from market.money import Money
from payments.model import CaptureRefused, Contradicted, ProviderUnavailable, RefundRefused
from payments.simulators.paypal import REVERSED, TWICE
from payments.simulators.paypal_book import BALANCE, DECLINED, EMPTY, REVIEWED, SHAKY
from tests.services.payments.paypal import ORDER, World, world

__all__ = ["world"]

DUE = ORDER.amount


@pytest.mark.contract("12.3")
@pytest.mark.parametrize("fault", ["lost", "timeout", "500", "503", "429", "in_progress"])
@pytest.mark.parametrize("verb", ["create", "authorize", "capture", "refund", "void"])
def test_a_call_whose_answer_did_not_come_is_repeated_without_a_second_effect(
    world: World, verb: str, fault: str
) -> None:
    steps = {
        "create": lambda: world.open(),
        "authorize": lambda: world.paypal.send(),
        "capture": lambda: world.port.capture(ORDER.order_id, reference, DUE),
        "refund": lambda: world.port.refund("rfd_1", reference, Money(1000, "EUR")),
        "void": lambda: world.port.void(ORDER.order_id, reference),
    }
    prepared = {"authorize": world.approved, "capture": world.authorized, "refund": world.captured}
    reference = prepared.get(verb, world.authorized)() if verb != "create" else ""
    waiting = list(world.paypal._untold)

    world.paypal.fail(fault, verb)
    with pytest.raises(ProviderUnavailable):
        steps[verb]()
    world.paypal._untold = waiting or world.paypal._untold
    steps[verb]()
    steps[verb]()

    assert len(world.book.orders) == 1
    assert len(world.book.authorizations) <= 1
    assert len(world.book.captures) == (1 if verb in ("capture", "refund") else 0)
    assert len(world.book.refunds) == (1 if verb == "refund" else 0)
    if verb == "void":
        assert world.port.retrieve(reference).status == "voided"


@pytest.mark.contract("12.3")
def test_lost_answers_do_no_harm_even_after_paypal_has_forgotten_our_request_ids(world: World) -> None:
    reference = world.authorized()
    world.paypal.fail("lost", "capture")
    with pytest.raises(ProviderUnavailable):
        world.port.capture(ORDER.order_id, reference, DUE)
    world.paypal.forget_keys()
    assert world.port.capture(ORDER.order_id, reference, DUE).fee == Money(198, "EUR")

    world.paypal.fail("lost", "refund")
    with pytest.raises(ProviderUnavailable):
        world.port.refund("rfd_1", reference, Money(1000, "EUR"))
    world.paypal.forget_keys()
    world.port.refund("rfd_1", reference, Money(1000, "EUR"))

    assert world.book.taken(reference) == [DUE]
    assert world.book.given_back(reference) == Money(1000, "EUR")


@pytest.mark.contract("12.3")
def test_a_capture_that_someone_else_made_in_between_is_found(world: World) -> None:
    reference = world.authorized()
    other = next(iter(world.book.authorizations))
    act = world.paypal.book.capture

    def too_late(authorization_id: str, asked: dict[str, object]) -> object:
        act(other, {"final_capture": True})
        return act(authorization_id, asked)

    world.paypal.book.capture = too_late  # type: ignore[method-assign]
    assert world.port.capture(ORDER.order_id, reference, DUE).status == "captured"
    assert world.book.taken(reference) == [DUE]


@pytest.mark.contract("12.3")
def test_parts_are_given_back_until_nothing_is_left(world: World) -> None:
    reference = world.captured()

    first = world.port.refund("rfd_1", reference, Money(1999, "EUR"))
    assert (first.status, first.amount, first.fee) == ("succeeded", Money(1999, "EUR"), Money(0, "EUR"))
    assert world.port.retrieve(reference).refunded == Money(1999, "EUR")
    assert world.port.retrieve(reference).status == "captured"
    world.port.refund("rfd_2", reference, Money(3000, "EUR"))
    assert world.port.retrieve(reference).status == "refunded"
    with pytest.raises(RefundRefused, match="CAPTURE_FULLY_REFUNDED"):
        world.port.refund("rfd_3", reference, Money(1, "EUR"))


@pytest.mark.contract("12.3")
def test_refunds_that_race_never_give_back_more_than_was_taken(world: World) -> None:
    reference = world.captured()

    def refund(number: int) -> str:
        try:
            return world.port.refund(f"rfd_{number % 6}", reference, Money(1500, "EUR")).status
        except (RefundRefused, ProviderUnavailable) as refused:
            return type(refused).__name__

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(refund, range(24)))

    assert len(world.book.refunds) == 3
    assert world.book.given_back(reference) == Money(4500, "EUR")
    assert set(answers) == {"succeeded", "RefundRefused"}


@pytest.mark.contract("12.3")
def test_nothing_is_given_back_of_what_was_not_taken(world: World) -> None:
    reference = world.authorized()

    with pytest.raises(RefundRefused):
        world.port.refund("rfd_1", reference, Money(1, "EUR"))


@pytest.mark.contract("12.1")
@pytest.mark.parametrize("verb", ["reauthorize", "capture"])
def test_a_renewal_whose_answer_is_lost_ends_in_one_charge(world: World, verb: str) -> None:
    reference = world.authorized(SHAKY)
    world.pass_(days=5)
    world.paypal.fail("lost", verb)
    with pytest.raises(ProviderUnavailable):
        world.port.capture(ORDER.order_id, reference, DUE)

    assert world.port.capture(ORDER.order_id, reference, DUE).status == "captured"
    assert world.book.taken(reference) == [DUE]


@pytest.mark.contract("12.3")
def test_a_refund_of_half_a_forint_is_refused(world: World) -> None:
    reference = world.captured(Money(119900, "HUF"))

    with pytest.raises(RefundRefused):
        world.port.refund("rfd_1", reference, Money(150, "HUF"))


@pytest.mark.contract("12.1")
def test_no_token_no_call(world: World) -> None:
    world.paypal.fail("500", "token")

    with pytest.raises(ProviderUnavailable):
        world.open()
    assert world.book.orders == {}


@pytest.mark.contract("12.2")
@pytest.mark.parametrize("manner", [TWICE, REVERSED])
def test_webhooks_in_any_number_and_order_tell_of_the_present(world: World, manner: str) -> None:
    reference = world.approved()
    world.paypal.manner = manner
    world.paypal.send()
    world.port.capture(ORDER.order_id, reference, DUE)
    world.port.refund("rfd_1", reference, DUE)
    world.paypal.send()
    world.heard.clear()
    world.paypal.send()

    assert world.book.taken(reference) == [DUE]
    assert world.port.retrieve(reference).status == "refunded"


@pytest.mark.contract("12.3")
def test_captures_that_race_take_the_money_once(world: World) -> None:
    reference = world.authorized()

    with ThreadPoolExecutor(8) as pool:
        taken = list(pool.map(lambda _: world.port.capture(ORDER.order_id, reference, DUE).status, range(16)))

    assert taken == ["captured"] * 16
    assert world.book.taken(reference) == [DUE]


@pytest.mark.contract("12.3")
def test_a_void_that_slips_in_before_a_capture_wins_and_the_other_way_round(world: World) -> None:
    voided = world.authorized()
    (held,) = world.book.authorizations
    capture, void = world.book.capture, world.book.void
    world.book.capture = lambda one, asked: (void(held), capture(one, asked))[1]
    with pytest.raises(CaptureRefused, match="AUTHORIZATION_VOIDED"):
        world.port.capture(ORDER.order_id, voided, DUE)
    world.book.capture = capture

    taken = world.port.create(replace(ORDER, attempt=2)).reference
    world.paypal.approve(taken)
    world.paypal.send()
    held = list(world.book.authorizations)[-1]
    world.book.void = lambda one: (capture(held, {"final_capture": True}), void(one))[1]
    with pytest.raises(Contradicted, match="PREVIOUSLY_CAPTURED"):
        world.port.void(ORDER.order_id, taken)
    assert (world.book.taken(voided), world.book.taken(taken)) == ([], [DUE])


@pytest.mark.contract("12.3", "26.1")
@pytest.mark.parametrize("seed", range(40))
def test_whatever_goes_wrong_in_whatever_order_the_book_is_right_in_the_end(world: World, seed: int) -> None:
    """Seeded: verbs are called again and again, in any order, while PayPal fails, forgets and repeats itself."""
    chance = Random(seed)
    reference = world.approved(chance.choice([BALANCE, BALANCE, SHAKY, DECLINED, EMPTY]))
    asked = {f"rfd_{number}": Money(chance.randint(1, 2500), "EUR") for number in range(4)}
    steps = [
        lambda: world.paypal.send(),
        lambda: world.port.capture(ORDER.order_id, reference, DUE),
        lambda: world.port.capture(ORDER.order_id, reference, DUE),
        lambda: world.port.refund(name := chance.choice(sorted(asked)), reference, asked[name]),
        lambda: world.port.refund(name := chance.choice(sorted(asked)), reference, asked[name]),
        lambda: world.paypal.forget_keys(),
        lambda: world.paypal.revoke_tokens(),
        lambda: world.pass_(hours=30 if world.book.authorizations else 0),
        lambda: setattr(world.paypal, "manner", chance.choice([TWICE, REVERSED])),
    ] + [lambda: world.port.void(ORDER.order_id, reference)] * (seed % 3 == 0)
    for _ in range(40):
        if chance.random() < 0.4:
            verb = chance.choice(["authorize", "capture", "reauthorize", "refund", "void", "order", "verify", "token"])
            world.paypal.fail(chance.choice(["lost", "timeout", "500", "429", "in_progress"]), verb)
        with suppress(ProviderUnavailable, CaptureRefused, RefundRefused):
            chance.choice(steps)()
        taken, back = world.book.taken(reference), world.book.given_back(reference)
        assert taken in ([], [DUE])
        assert back.amount <= sum(charge.amount for charge in taken)

    world.paypal._faults.clear()
    told = world.port.retrieve(reference)
    made = {refund["custom_id"]: refund["amount"]["value"] for refund in world.book.refunds.values()}
    assert len(made) == len(world.book.refunds)
    assert all(asked[name].decimal() == value for name, value in made.items())
    assert (told.status in ("captured", "refunded")) == bool(world.book.taken(reference))
    assert (told.refunded or Money(0, "EUR")) == world.book.given_back(reference)


@pytest.mark.contract("12.1", "12.3")
def test_while_our_own_account_is_restricted_nothing_is_refused_for_good(world: World) -> None:
    reference = world.authorized()
    world.book.restricted = True
    with pytest.raises(Contradicted, match="PAYEE_ACCOUNT_RESTRICTED"):
        world.port.capture(ORDER.order_id, reference, DUE)
    world.book.restricted = False
    world.port.capture(ORDER.order_id, reference, DUE)

    world.book.restricted = True
    with pytest.raises(Contradicted, match="PAYEE_ACCOUNT_RESTRICTED"):
        world.port.refund("rfd_1", reference, DUE)
    world.book.restricted = False
    assert world.port.refund("rfd_1", reference, DUE).status == "succeeded"


@pytest.mark.contract("12.1")
def test_a_review_that_ends_badly_takes_nothing(world: World) -> None:
    reference = world.authorized(REVIEWED)
    with pytest.raises(Contradicted):
        world.port.capture(ORDER.order_id, reference, DUE)

    world.book.settle_review(reference, "DECLINED")
    with pytest.raises(CaptureRefused):
        world.port.capture(ORDER.order_id, reference, DUE)
    assert world.book.taken(reference) == []
