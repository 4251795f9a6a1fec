"""Mistakes that are easily made with SSLCommerz, planted one by one: the tests beside this one must find each."""

from collections.abc import Callable, Mapping
from itertools import count
from typing import Any

import pytest

from market.money import Money
from payments.gateway import Refund
from payments.model import RefundRefused
from payments.providers import sslcommerz, sslcommerz_api
from tests.services.payments import test_sslcommerz as tests
from tests.services.payments import test_sslcommerz_webhooks as webhook_tests
from tests.services.payments.sslcommerz import World, world_of

Test = Callable[[World], None]
Plant = Callable[[pytest.MonkeyPatch], None]


def _notifications_are_believed(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(sslcommerz, "_agree", lambda fields, record: None)


def _signatures_may_cover_anything(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(sslcommerz, "SIGNED", frozenset())


def _missing_signatures_pass(patch: pytest.MonkeyPatch) -> None:
    verify = sslcommerz.verify

    def lenient(fields: Mapping[str, str]) -> None:
        if fields.get("verify_sign"):
            verify(fields)

    patch.setattr(sslcommerz, "verify", lenient)


def _refund_ids_are_made_up(patch: pytest.MonkeyPatch) -> None:
    numbers = count()
    patch.setattr(sslcommerz, "_short", lambda refund_id: f"{refund_id}-{next(numbers)}")


def _an_accepted_refund_counts_as_done(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(sslcommerz, "_REFUND", {"refunded": "succeeded", "processing": "succeeded"})


def _duplicates_are_refused(patch: pytest.MonkeyPatch) -> None:
    refund = sslcommerz.SslCommerz.refund

    def strict(self: Any, refund_id: str, reference: str, amount: Money) -> Refund:
        found = refund(self, refund_id, reference, amount)
        if not found.reference:
            raise RefundRefused("duplicate")
        return found

    patch.setattr(sslcommerz.SslCommerz, "refund", strict)


def _taka_are_compared_with_dollars(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(sslcommerz_api, "amount_of", sslcommerz_api.base_amount)


def _refunds_are_rounded_up(patch: pytest.MonkeyPatch) -> None:
    in_base = sslcommerz_api.in_base
    patch.setattr(sslcommerz_api, "in_base", lambda amount, record: in_base(amount, record) + Money(1, "BDT"))


PLANTED: dict[str, tuple[Plant, Test]] = {
    "notifications are believed": (
        _notifications_are_believed,
        lambda world: webhook_tests.test_the_validation_of_another_order_does_not_pay_for_this_one(world),
    ),
    "signatures may cover anything": (
        _signatures_may_cover_anything,
        lambda world: (
            webhook_tests.test_a_notification_that_is_not_from_sslcommerz_is_turned_away_before_anyone_is_asked(
                world, "the amount left unsigned"
            )
        ),
    ),
    "missing signatures pass": (
        _missing_signatures_pass,
        lambda world: (
            webhook_tests.test_a_notification_that_is_not_from_sslcommerz_is_turned_away_before_anyone_is_asked(
                world, "no signature"
            )
        ),
    ),
    "refund ids are made up": (
        _refund_ids_are_made_up,
        lambda world: tests.test_a_call_whose_answer_did_not_come_is_repeated_without_a_second_effect(
            world, "refund", "lost"
        ),
    ),
    "an accepted refund counts as done": (
        _an_accepted_refund_counts_as_done,
        lambda world: tests.test_a_refund_is_pending_until_sslcommerz_has_decided(world),
    ),
    "a duplicate counts as refused": (
        _duplicates_are_refused,
        lambda world: tests.test_a_repeated_refund_that_is_turned_away_waits_for_a_person_and_is_not_refused(world),
    ),
    "taka are compared with dollars": (
        _taka_are_compared_with_dollars,
        lambda world: tests.test_other_currencies_are_compared_as_asked_and_refunded_at_their_own_rate(
            world, Money(4_999, "USD"), "49.99", Money(552_389, "BDT"), Money(125, "USD")
        ),
    ),
    "refunds are rounded up": (
        _refunds_are_rounded_up,
        lambda world: tests.test_a_full_refund_of_a_converted_payment_is_all_of_it(world),
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
