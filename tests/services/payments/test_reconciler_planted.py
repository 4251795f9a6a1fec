"""Mistakes that a reconciler easily makes, planted one by one: the tests beside this one must find each."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from market import clock
from payments import books, differences, discrepancies, reconciling, service
from payments.differences import TELL, UNDO, Difference
from tests.services.payments import test_reconciler as tests
from tests.services.payments import test_reconciler_told as told_tests
from tests.services.payments.till import Till

Plant = Callable[[pytest.MonkeyPatch], None]
Test = Callable[[Till, pytest.MonkeyPatch, pytest.CaptureFixture[str]], None]


def _young_intents_are_voided(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(differences, "ORDER_PENDING", "no status at all")


def _reviews_are_ignored(patch: pytest.MonkeyPatch) -> None:
    facts = books.facts
    patch.setattr(books, "facts", lambda order_id: replace(facts(order_id), in_review=False))


def _everything_is_repaired(patch: pytest.MonkeyPatch) -> None:
    judge = differences.of_intent

    def keen(*given: Any) -> Difference | None:
        found = judge(*given)
        return replace(found, action=UNDO) if found and found.action == TELL else found

    patch.setattr(differences, "of_intent", keen)


def _the_first_look_is_believed(patch: pytest.MonkeyPatch) -> None:
    def hasty(done: Any, name: str, reference: str, order_id: str, intent: Any) -> None:
        facts = books.facts(order_id)
        if (found := reconciling._judged(name, intent, facts)) and intent:
            reconciling._differs(done, name, reference, found, intent, facts)

    patch.setattr(reconciling, "_compare", hasty)


def _what_went_back_goes_back_again(patch: pytest.MonkeyPatch) -> None:
    judge = differences.of_intent

    def forgetful(name: str, intent: Any, facts: Any) -> Difference | None:
        back = facts.payment and facts.payment.status == "refunded"
        return Difference("given_up", UNDO) if back else judge(name, intent, facts)

    patch.setattr(differences, "of_intent", forgetful)


def _differences_are_kept_after_the_repair_only(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(discrepancies, "note", lambda found: clock.timestamp())


def _a_repair_ends_the_paid_payment_too(patch: pytest.MonkeyPatch) -> None:
    def careless(name: str, intent: Any, payment: Any) -> None:
        service._give_up(replace(payment, status="captured", closing=False))

    patch.setattr(service, "give_up_stray", careless)


def _nothing_is_asked_for_that_is_not_listed(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(reconciling, "_ours", lambda done, payment: True)


PLANTED: dict[str, tuple[Plant, Test]] = {
    "young intents are voided": (
        _young_intents_are_voided,
        lambda till, patch, printed: (
            tests.test_an_intent_of_an_order_that_waits_is_left_alone_and_voided_when_it_waits_no_more(till)
        ),
    ),
    "reviews are ignored": (
        _reviews_are_ignored,
        lambda till, patch, printed: (
            told_tests.test_an_order_that_nobody_could_end_is_told_unless_a_person_looks_at_its_payment(till)
        ),
    ),
    "refunded payments are undone again": (
        _what_went_back_goes_back_again,
        lambda till, patch, printed: (
            tests.test_money_that_was_taken_for_an_order_that_came_to_nothing_is_given_back_and_booked(till)
        ),
    ),
    "everything that differs is repaired": (
        _everything_is_repaired,
        lambda till, patch, printed: told_tests.test_money_that_differs_is_told_and_nothing_is_moved(
            till, printed, "refund_missing"
        ),
    ),
    "the first look is believed": (
        _the_first_look_is_believed,
        lambda till, patch, printed: told_tests.test_a_list_that_is_older_than_our_book_is_no_difference(till, patch),
    ),
    "differences are not kept before the repair": (
        _differences_are_kept_after_the_repair_only,
        lambda till, patch, printed: tests.test_a_payment_whose_webhook_was_lost_is_heard_of_without_it(till),
    ),
    "a stray intent's repair ends the payment": (
        _a_repair_ends_the_paid_payment_too,
        lambda till, patch, printed: (
            tests.test_a_second_authorization_for_a_paid_order_is_given_back_and_the_first_is_kept(till)
        ),
    ),
    "what is not listed is not asked for": (
        _nothing_is_asked_for_that_is_not_listed,
        lambda till, patch, printed: tests.test_a_payment_that_the_list_does_not_name_yet_is_asked_for(till, patch),
    ),
}


@pytest.mark.contract("11.2", "26.1")
@pytest.mark.parametrize("mistake", PLANTED)
def test_a_planted_mistake_is_found(
    till: Till, environment: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], mistake: str
) -> None:
    plant, finds = PLANTED[mistake]
    plant(environment)
    with pytest.raises((AssertionError, pytest.fail.Exception)):
        finds(till, environment, capsys)
