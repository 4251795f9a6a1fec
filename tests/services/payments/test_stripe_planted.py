"""Mistakes that are easily made with Stripe, planted one by one: the tests beside this one must find each."""

from collections.abc import Callable
from typing import Any

import pytest

from market.errors import Problem
from market.money import Money, exponent
from payments.gateway import BadSignature
from payments.providers import stripe, stripe_http, stripe_objects, stripe_webhooks
from tests.services.payments import test_stripe as tests
from tests.services.payments import test_stripe_lost as lost_tests
from tests.services.payments import test_stripe_money as money_tests
from tests.services.payments import test_stripe_webhooks as webhook_tests
from tests.services.payments.stripe import World, world_of

Test = Callable[[World], None]
Plant = Callable[[pytest.MonkeyPatch], None]


def _keys_are_not_sent(patch: pytest.MonkeyPatch) -> None:
    request = stripe_http._Seam.request

    def careless(self: Any, method: str, url: str, headers: dict[str, str], post_data: Any = None) -> Any:
        return request(self, method, url, {n: v for n, v in headers.items() if n != "Idempotency-Key"}, post_data)

    patch.setattr(stripe_http._Seam, "request", careless)


def _an_unknown_outcome_is_a_decline(patch: pytest.MonkeyPatch) -> None:
    call = stripe_http.call

    def impatient(ask: Callable[[], Any]) -> Any:
        try:
            return call(ask)
        except stripe_http.ProviderUnavailable:
            raise stripe_http.Refused("timeout") from None

    patch.setattr(stripe_http, "call", impatient)


def _stamps_from_the_future_are_fine(patch: pytest.MonkeyPatch) -> None:
    verify = stripe_webhooks.verify

    def trusting(header: str, body: bytes, secret: str) -> None:
        try:
            verify(header, body, secret)
        except BadSignature as bad:
            if bad.extra.get("reason") != "future":
                raise

    patch.setattr(stripe_webhooks, "verify", trusting)


def _every_currency_has_cents(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(stripe_objects, "units", lambda money: money.amount * 10 ** (2 - exponent(money.currency)))


def _currencies_are_swapped(patch: pytest.MonkeyPatch) -> None:
    money = stripe_objects.money
    patch.setattr(stripe_objects, "money", lambda amount, currency: Money(money(amount, currency).amount, "USD"))


def _earlier_refunds_are_not_looked_up(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(stripe.Stripe, "_refunded", lambda self, refund_id, reference: None)


def _repeated_failures_are_not_told_apart(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(stripe_http, "_replayed", lambda error: False)


def _events_are_taken_at_their_word(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(stripe_webhooks, "refreshed", lambda notice, intent: notice)


def _the_account_is_not_compared(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(stripe_webhooks, "check_account", lambda event, account, api_key: None)


def _only_the_first_page_is_read(patch: pytest.MonkeyPatch) -> None:
    recent = stripe.Stripe.recent
    patch.setattr(stripe.Stripe, "recent", lambda self, since, until: list(recent(self, since, until))[:100])


def _captures_are_made_on_opening(patch: pytest.MonkeyPatch) -> None:
    opening = stripe._opening
    patch.setattr(stripe, "_opening", lambda payable: opening(payable) | {"capture_method": "automatic"})


PLANTED: dict[str, tuple[Plant, Test]] = {
    "no idempotency key is sent": (
        _keys_are_not_sent,
        lambda world: tests.test_opening_twice_gives_the_same_intent_and_another_attempt_a_new_one(world),
    ),
    "an unknown outcome is a decline": (
        _an_unknown_outcome_is_a_decline,
        lambda world: lost_tests.test_a_capture_whose_answer_was_lost_takes_the_money_once(world, "lost", "before"),
    ),
    "stamps from the future are fine": (
        _stamps_from_the_future_are_fine,
        lambda world: webhook_tests.test_what_stripe_did_not_sign_just_now_is_refused(world, "from the future"),
    ),
    "every currency has cents": (
        _every_currency_has_cents,
        lambda world: money_tests.test_every_currency_is_charged_in_stripes_units_and_told_in_ours(
            world, Money(500, "JPY"), 500
        ),
    ),
    "currencies are swapped": (
        _currencies_are_swapped,
        lambda world: tests.test_a_customer_pays_and_the_money_is_taken_once(world),
    ),
    "earlier refunds are not looked up": (
        _earlier_refunds_are_not_looked_up,
        lambda world: lost_tests.test_a_refund_asked_for_again_after_a_day_is_not_made_again(world),
    ),
    "failures that Stripe repeats are not told apart": (
        _repeated_failures_are_not_told_apart,
        lambda world: lost_tests.test_a_capture_whose_answer_was_lost_takes_the_money_once(world, "crash", "before"),
    ),
    "events are taken at their word": (
        _events_are_taken_at_their_word,
        lambda world: webhook_tests.test_an_event_that_comes_a_day_late_says_that_the_payment_was_given_up(world),
    ),
    "the account is not compared": (
        _the_account_is_not_compared,
        lambda world: webhook_tests.test_an_event_of_another_account_or_mode_is_refused(
            world, {"account": "acct_another"}
        ),
    ),
    "only the first page is read": (
        _only_the_first_page_is_read,
        lambda world: money_tests.test_the_book_of_a_period_has_every_page_and_only_our_orders(world),
    ),
    "money is taken on opening": (
        _captures_are_made_on_opening,
        lambda world: tests.test_a_customer_pays_and_the_money_is_taken_once(world),
    ),
}


@pytest.mark.contract("12.3", "26.1")
@pytest.mark.parametrize("mistake", PLANTED)
def test_a_planted_mistake_is_found(environment: pytest.MonkeyPatch, mistake: str) -> None:
    plant, finds = PLANTED[mistake]
    plant(environment)
    with world_of(environment) as world, pytest.raises((AssertionError, pytest.fail.Exception, Problem)):
        finds(world)
