"""The sandbox's rules hold whatever is asked of it, in whatever order."""

from random import Random

import pytest

from market.errors import Problem, Unprocessable
from payments import simulator
from payments.simulator import Account

pytestmark = pytest.mark.contract("12.1")
GOOD, SLOW, REFUSED = "4242424242424242", simulator.REFUND_SLOW, simulator.REFUND_REFUSED


def captured(card: str = GOOD, amount: int = 1000) -> Account:
    fresh = Account(id="pi_1", order_id="ord_1", amount=amount, currency="EUR", client_secret="s", created=0)
    return simulator.capture(simulator.confirm(fresh, card)[0], amount)


def test_parts_are_refunded_until_nothing_is_left() -> None:
    account = simulator.refund(captured(), "a", 400, now=1)
    assert (account.status, account.refunded) == ("captured", 400)
    account = simulator.refund(account, "b", 600, now=2)
    assert (account.status, account.refunded) == ("refunded", 1000)
    assert simulator.refund(account, "a", 400, now=3) == account
    with pytest.raises(simulator.WrongState):
        simulator.refund(account, "c", 1, now=4)


def test_more_than_is_left_is_refused() -> None:
    with pytest.raises(simulator.RefundFailed):
        simulator.refund(simulator.refund(captured(), "a", 400, now=1), "b", 601, now=2)


def test_an_id_with_another_amount_is_a_mistake() -> None:
    with pytest.raises(Unprocessable):
        simulator.refund(simulator.refund(captured(), "a", 400, now=1), "a", 401, now=2)


def test_a_card_that_takes_no_refunds_and_one_that_takes_its_time() -> None:
    with pytest.raises(simulator.RefundFailed):
        simulator.refund(captured(REFUSED), "a", 1, now=1)
    slow = simulator.refund(captured(SLOW), "a", 1, now=100)
    told = [simulator.refund_status(slow, "a", now) for now in (100, 219, 220, 10_000)]
    assert told == ["pending", "pending", "succeeded", "succeeded"]


@pytest.mark.parametrize("seed", range(200))
def test_nothing_is_captured_or_refunded_beyond_what_was_authorized(seed: int) -> None:
    dice = Random(seed)
    cards = [*simulator.PAYS, *simulator.DECLINES, "4111111111111111"]
    account = Account(id="pi_1", order_id="ord_1", amount=1000, currency="EUR", client_secret="s", created=0)
    for now in range(30):
        deeds = [
            lambda was, _: simulator.confirm(was, dice.choice(cards))[0],
            lambda was, _: simulator.capture(was, dice.choice((1000, 999, 1))),
            lambda was, _: simulator.void(was) if dice.random() < 0.2 else was,
            lambda was, at: simulator.refund(was, f"r{dice.randrange(6)}", dice.choice((1, 300, 1000)), at),
        ]
        before = account
        try:
            account = dice.choice(deeds)(account, now)
        except Problem:
            continue
        assert account.version == before.version + (account != before)
        assert 0 <= account.refunded <= account.amount
        assert account.refunded == sum(amount for amount, _ in account.refunds.values())
        assert (account.status == "refunded") == (account.refunded == account.amount)
        assert account.refunded == 0 or account.status in ("captured", "refunded")
        if before.status in ("voided", "refunded", "captured"):
            assert account.status in (before.status, "refunded")
