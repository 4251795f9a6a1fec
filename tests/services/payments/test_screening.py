"""Payments ask the fraud screen: what they tell it, what they make of its answer, what stays in their history."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest

from market import config
from market.money import Money
from orders.contract import LineSnapshot, OrderSnapshot, Part
from payments import history, screening
from payments.model import AUTHORIZED, CancelledByCustomer, Card, Payment
from payments.screening import Blocked, ReviewNeeded

pytestmark = [pytest.mark.contract("12.8"), pytest.mark.usefixtures("database")]

EURO, NOTHING = Money(2_000, "EUR"), Money(0, "EUR")
ORDER = OrderSnapshot(
    id="ord_0000000000000001",
    number="MK-00000000-00000001",
    customer_id="ada",
    status="pending_payment",
    lines=(
        LineSnapshot(sku="LAMP", product_id="prd_1", vendor_id="ven_1", title="Lamp", quantity=1, unit_price=EURO),
    ),
    parts=(
        Part(
            vendor_id="ven_1", subtotal=EURO, shipping=NOTHING, commission=NOTHING, discount=NOTHING, tax=NOTHING,
            shipping_tax=NOTHING,
        ),
    ),
    shipping_method="standard",
    address={"country": "GB"},
    created_at="2026-01-01T00:00:00.000Z",
    origin={"ip": "81.2.69.142", "country": "GB", "email": "ada@lovelace.example", "agent": "a browser"},
)  # fmt: skip
PLAIN = Card(fingerprint="fp_1", bin="45717360", last4="0001", brand="visa", country="GB")
PAYMENT = Payment(
    order_id=ORDER.id, customer_id="ada", status=AUTHORIZED, amount=EURO, provider="sandbox", card=PLAIN, moments={}
)


def with_card(bin: str) -> Payment:
    return replace(PAYMENT, card=replace(PLAIN, bin=bin))


@contextmanager
def calls() -> Iterator[list[str]]:
    """The AWS calls made within the block."""
    made: list[str] = []

    def note(model: Any, **_: Any) -> None:
        made.append(model.name)

    events = config.client("dynamodb").meta.events
    events.register("before-parameter-build", note)
    try:
        yield made
    finally:
        events.unregister("before-parameter-build", note)


def lines() -> list[tuple[str, dict[str, Any]]]:
    entries, _ = history.page(ORDER.id, limit=10, cursor=None)
    return [(entry.kind, dict(entry.details)) for entry in entries]


def test_an_ordinary_payment_is_admitted_with_one_read_and_a_small_write_for_each_thing_remembered() -> None:
    with calls() as made:
        screening.admit(PAYMENT, ORDER)
    assert made[0] == "BatchGetItem"
    assert set(made[1:]) == {"UpdateItem"}
    assert len(made) <= 1 + 5
    assert lines() == []


def test_asking_again_reads_and_changes_nothing() -> None:
    screening.admit(PAYMENT, ORDER)
    with calls() as made:
        screening.admit(PAYMENT, ORDER)
        screening.admit(with_card("41000001"), ORDER)
    assert made == ["BatchGetItem", "BatchGetItem"]


@pytest.mark.parametrize(
    ("bin", "refusal", "verdict", "score"),
    [("41000000", ReviewNeeded, "review", 7_300), ("41000001", Blocked, "block", 10_000)],
)
def test_a_payment_that_is_not_admitted_is_refused_by_name_and_noted_in_its_history(
    bin: str, refusal: type[Exception], verdict: str, score: int
) -> None:
    for _ in range(2):
        with pytest.raises(refusal):
            screening.admit(with_card(bin), ORDER)
    ((kind, details),) = lines()
    assert (kind, details["verdict"], details["score"]) == ("screening", verdict, score)


@pytest.mark.parametrize(
    ("status", "refusal"),
    [("approved", None), ("rejected", Blocked), ("expired", Blocked), ("withdrawn", CancelledByCustomer)],
)
def test_what_became_of_a_review_decides(status: str, refusal: type[Exception] | None) -> None:
    from fraud import store

    with pytest.raises(ReviewNeeded):
        screening.admit(with_card("41000000"), ORDER)
    screened = store.get(ORDER.id)
    assert screened
    store.end(screened, status, by="grace")
    if refusal:
        with pytest.raises(refusal):
            screening.admit(PAYMENT, ORDER)
    else:
        screening.admit(PAYMENT, ORDER)


def test_of_two_calls_at_once_the_second_takes_the_answer_of_the_first(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ReviewNeeded):
        screening.admit(with_card("41000000"), ORDER)
    monkeypatch.setattr(screening, "known", lambda *_: None)
    with pytest.raises(ReviewNeeded):
        screening.admit(PAYMENT, ORDER)


@pytest.mark.parametrize(
    ("payment", "order"),
    [
        (replace(PAYMENT, card=None), ORDER),
        (PAYMENT, replace(ORDER, origin={})),
        (
            replace(PAYMENT, card=Card()),
            replace(ORDER, origin={"ip": "💥" * 90, "email": "@" * 999, "country": "\x00"}),
        ),
        (replace(PAYMENT, card=replace(PLAIN, fingerprint="x" * 5_000, country="nowhere")), replace(ORDER, address={})),
        (PAYMENT, replace(ORDER, customer_id="gst_1")),
    ],
)
def test_whatever_is_missing_or_malformed_is_no_reason_to_fail(payment: Payment, order: OrderSnapshot) -> None:
    screening.admit(payment, order)
