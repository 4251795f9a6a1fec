"""Mistakes that are easily made with PayPal, planted one by one: the tests beside this one must find each."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from market.money import Money
from payments.providers import paypal, paypal_api, paypal_records, paypal_webhooks
from tests.services.payments import test_paypal as tests
from tests.services.payments import test_paypal_failures as failures
from tests.services.payments import test_paypal_webhooks as webhook_tests
from tests.services.payments.paypal import World, world_of

Test = Callable[[World], None]
Plant = Callable[[pytest.MonkeyPatch], None]


def _keys_are_not_sent(patch: pytest.MonkeyPatch) -> None:
    call = paypal_api.call
    patch.setattr(paypal, "call", lambda method, path, body=None, *, key="": call(method, path, body))


def _refunds_are_not_looked_up(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(paypal_records, "refund_of", lambda order, refund_id: None)


def _captures_are_not_looked_up(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(paypal_records, "captured", lambda order: None)


def _an_unknown_outcome_is_a_refusal(patch: pytest.MonkeyPatch) -> None:
    call = paypal_api.call

    def impatient(*given: Any, **more: Any) -> Any:
        try:
            return call(*given, **more)
        except paypal_api.ProviderUnavailable:
            raise paypal_api.Refused("TRANSACTION_REFUSED") from None

    patch.setattr(paypal, "call", impatient)


def _forints_have_decimals(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(
        paypal, "write", lambda amount: {"currency_code": amount.currency, "value": f"{amount.amount / 100:.2f}"}
    )


def _authorizations_are_never_renewed(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(paypal_records, "past_honor", lambda authorization, now: False)


def _time_stamps_are_not_checked(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(paypal_webhooks, "TOLERANCE_SECONDS", 10**9)


def _bodies_are_believed(patch: pytest.MonkeyPatch) -> None:
    approved = paypal._approved

    def believing(event_id: str, reference: str) -> Any:
        notice = approved(event_id, reference)
        return replace(notice, intent=replace(notice.intent, amount=Money(1, "EUR")))

    patch.setattr(paypal, "_approved", believing)


def _certificates_are_not_looked_at(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(paypal_webhooks, "_from_paypal", lambda url: True)


def _late_events_are_taken_at_their_word(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(paypal, "_told", lambda intent: "authorized")


PLANTED: dict[str, tuple[Plant, Test]] = {
    "request ids are not sent": (
        _keys_are_not_sent,
        lambda world: tests.test_opening_twice_gives_the_same_order(world),
    ),
    "earlier refunds are not looked up": (
        _refunds_are_not_looked_up,
        lambda world: failures.test_lost_answers_do_no_harm_even_after_paypal_has_forgotten_our_request_ids(world),
    ),
    "earlier captures are not looked up": (
        _captures_are_not_looked_up,
        lambda world: failures.test_lost_answers_do_no_harm_even_after_paypal_has_forgotten_our_request_ids(world),
    ),
    "an unknown outcome counts as a refusal": (
        _an_unknown_outcome_is_a_refusal,
        lambda world: failures.test_a_call_whose_answer_did_not_come_is_repeated_without_a_second_effect(
            world, "capture", "lost"
        ),
    ),
    "forints are written with decimals": (
        _forints_have_decimals,
        lambda world: tests.test_currencies_without_decimals_are_written_as_paypal_wants_them(
            world, Money(119900, "HUF"), "1199"
        ),
    ),
    "authorizations are never renewed": (
        _authorizations_are_never_renewed,
        lambda world: tests.test_an_authorization_is_renewed_once_its_funds_are_no_longer_promised(world, 4),
    ),
    "time stamps are not checked": (
        _time_stamps_are_not_checked,
        lambda world: webhook_tests.test_a_webhook_that_is_not_paypals_is_turned_away_and_nothing_is_authorized(
            world, "sent six minutes ago"
        ),
    ),
    "the body's amount is believed": (
        _bodies_are_believed,
        lambda world: webhook_tests.test_a_body_forged_to_the_same_checksum_changes_no_amount(world),
    ),
    "certificates are not looked at": (
        _certificates_are_not_looked_at,
        lambda world: webhook_tests.test_a_webhook_that_is_not_paypals_is_turned_away_and_nothing_is_authorized(
            world, "a certificate of theirs"
        ),
    ),
    "late events are taken at their word": (
        _late_events_are_taken_at_their_word,
        lambda world: tests.test_an_authorization_told_after_it_was_voided_is_not_told_as_one(world),
    ),
}


@pytest.mark.contract("12.3", "26.1")
@pytest.mark.parametrize("mistake", list(PLANTED))
def test_a_planted_mistake_is_found(environment: pytest.MonkeyPatch, mistake: str) -> None:
    plant, test = PLANTED[mistake]
    plant(environment)

    with world_of(environment) as world, pytest.raises((Exception, pytest.fail.Exception)) as found:
        test(world)
    assert not isinstance(found.value, AttributeError | NameError | TypeError)
