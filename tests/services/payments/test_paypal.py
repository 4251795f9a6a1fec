"""PayPal pays, declines and renews; its own book says what really happened to the money."""

from datetime import timedelta

import pytest

from market.money import Money
from payments.gateway import Card
from payments.model import CaptureRefused, Contradicted, NotPayable
from payments.simulators.paypal import NEVER, TOKEN_SECONDS, TWICE
from payments.simulators.paypal_book import BALANCE, CARD, DECLINED, EMPTY, REVIEWED, SHAKY
from tests.services.payments.paypal import ORDER, World, world

__all__ = ["world"]

DUE = ORDER.amount


@pytest.mark.contract("12.1", "12.3")
def test_a_buyer_approves_at_paypal_and_the_money_is_taken_once(world: World) -> None:
    opened = world.open()
    assert opened.status == "pending"
    assert opened.redirect.startswith("https://www.paypal.com/checkoutnow?token=")

    world.paypal.approve(opened.reference)
    world.paypal.send()
    authorized = world.heard[0]
    assert (authorized.type, authorized.intent.order_id, authorized.intent.amount) == (
        "authorized",
        ORDER.order_id,
        DUE,
    )
    assert world.book.taken(opened.reference) == []

    taken = world.port.capture(ORDER.order_id, opened.reference, DUE)
    assert (taken.status, taken.amount, taken.fee) == ("captured", DUE, Money(198, "EUR"))
    assert world.book.taken(opened.reference) == [DUE]


@pytest.mark.contract("12.1")
def test_an_order_carries_our_id_and_number_and_asks_for_an_authorization_only(world: World) -> None:
    order = world.book.orders[world.open().reference]
    unit = order["purchase_units"][0]

    assert order["intent"] == "AUTHORIZE"
    assert (unit["reference_id"], unit["custom_id"], unit["invoice_id"]) == (
        ORDER.order_id,
        ORDER.order_id,
        ORDER.number,
    )
    assert unit["amount"] == {"currency_code": "EUR", "value": "49.99"}


@pytest.mark.contract("12.3")
def test_opening_twice_gives_the_same_order(world: World) -> None:
    assert world.open().reference == world.open().reference
    assert len(world.book.orders) == 1
    assert world.open(attempt=2).reference != world.open().reference


@pytest.mark.contract("12.1")
def test_a_declined_buyer_may_approve_again_with_something_else(world: World) -> None:
    reference = world.authorized(DECLINED)
    assert (world.heard[-1].type, world.heard[-1].failure) == ("declined", "INSTRUMENT_DECLINED")
    assert world.port.retrieve(reference).status == "pending"

    world.paypal.approve(reference, BALANCE)
    world.paypal.send()
    assert world.heard[-1].type == "authorized"
    assert world.heard[-1].id != world.heard[0].id


@pytest.mark.contract("12.2")
def test_a_decline_told_twice_is_the_same_notice(world: World) -> None:
    world.paypal.manner = TWICE
    world.authorized(DECLINED)

    assert {notice.id for notice in world.heard} == {world.heard[0].id}


@pytest.mark.contract("12.1")
def test_a_capture_that_the_buyer_cannot_pay_is_refused_for_good(world: World) -> None:
    reference = world.authorized(EMPTY)

    with pytest.raises(CaptureRefused, match="PAYER_CANNOT_PAY"):
        world.port.capture(ORDER.order_id, reference, DUE)
    assert world.book.taken(reference) == []


@pytest.mark.contract("12.1")
def test_a_reviewed_capture_is_unknown_until_paypal_has_decided(world: World) -> None:
    reference = world.authorized(REVIEWED)
    for _ in range(2):
        with pytest.raises(Contradicted):
            world.port.capture(ORDER.order_id, reference, DUE)

    world.paypal.book.settle_review(reference)
    assert world.port.capture(ORDER.order_id, reference, DUE).status == "captured"
    assert world.book.taken(reference) == [DUE]


@pytest.mark.contract("12.1")
def test_an_abandoned_order_is_voided_without_a_call_that_writes(world: World) -> None:
    reference = world.open().reference

    assert world.port.void(ORDER.order_id, reference).status == "voided"
    assert [method for method, path, _ in world.paypal.requests if "/v2/" in path] == ["POST", "GET"]


@pytest.mark.contract("12.1")
def test_an_order_that_paypal_has_forgotten_is_no_answer(world: World) -> None:
    reference = world.open().reference
    world.pass_(hours=4)

    with pytest.raises(Contradicted):
        world.port.retrieve(reference)


@pytest.mark.contract("12.1")
def test_an_approval_that_comes_after_giving_up_is_held_and_let_go(world: World) -> None:
    reference = world.approved()
    world.port.void(ORDER.order_id, reference)

    world.paypal.send()
    assert world.heard[0].type == "authorized"
    assert world.port.void(ORDER.order_id, reference).status == "voided"
    assert world.port.void(ORDER.order_id, reference).status == "voided"
    assert world.port.retrieve(reference).status == "voided"
    with pytest.raises(CaptureRefused):
        world.port.capture(ORDER.order_id, reference, DUE)


@pytest.mark.contract("12.2")
def test_an_approval_whose_webhook_never_comes_can_still_be_captured(world: World) -> None:
    reference = world.approved()
    world.paypal.manner = NEVER
    world.paypal.send()

    assert world.port.retrieve(reference).status == "authorized"
    assert world.port.capture(ORDER.order_id, reference, DUE).status == "captured"
    assert world.book.taken(reference) == [DUE]


@pytest.mark.contract("12.1")
def test_an_unheard_approval_with_an_empty_purse_is_refused_at_the_capture(world: World) -> None:
    reference = world.approved(DECLINED)

    with pytest.raises(CaptureRefused, match="INSTRUMENT_DECLINED"):
        world.port.capture(ORDER.order_id, reference, DUE)


@pytest.mark.contract("12.1")
def test_what_nobody_approved_cannot_be_captured(world: World) -> None:
    reference = world.open().reference

    with pytest.raises(CaptureRefused):
        world.port.capture(ORDER.order_id, reference, DUE)


@pytest.mark.contract("12.1")
def test_what_is_captured_cannot_be_voided(world: World) -> None:
    reference = world.captured()

    with pytest.raises(Contradicted):
        world.port.void(ORDER.order_id, reference)
    assert world.book.given_back(reference) == Money(0, "EUR")


@pytest.mark.contract("12.1")
def test_a_capture_of_another_amount_is_refused(world: World) -> None:
    reference = world.authorized()

    with pytest.raises(CaptureRefused, match="MAX_CAPTURE_AMOUNT_EXCEEDED"):
        world.port.capture(ORDER.order_id, reference, Money(5000, "EUR"))


@pytest.mark.contract("12.1")
@pytest.mark.parametrize("days", [0, 2, 4, 20, 28])
def test_an_authorization_is_renewed_once_its_funds_are_no_longer_promised(world: World, days: int) -> None:
    reference = world.authorized(SHAKY)
    world.pass_(days=days)

    assert world.port.capture(ORDER.order_id, reference, DUE).status == "captured"
    assert world.calls("/reauthorize") == (1 if days > 3 else 0)
    assert world.book.taken(reference) == [DUE]


@pytest.mark.contract("12.1")
def test_after_29_days_there_is_nothing_left_to_capture(world: World) -> None:
    reference = world.authorized()
    world.pass_(days=29)

    with pytest.raises(CaptureRefused, match="voided"):
        world.port.capture(ORDER.order_id, reference, DUE)


@pytest.mark.contract("12.1")
@pytest.mark.parametrize(
    ("amount", "value"),
    [(Money(1200, "JPY"), "1200"), (Money(119900, "HUF"), "1199"), (Money(50000, "TWD"), "500")],
)
def test_currencies_without_decimals_are_written_as_paypal_wants_them(world: World, amount: Money, value: str) -> None:
    reference = world.authorized(amount=amount)
    taken = world.port.capture(ORDER.order_id, reference, amount)

    assert world.book.orders[reference]["purchase_units"][0]["amount"]["value"] == value
    assert taken.amount == amount
    assert taken.fee is not None
    assert "." not in next(iter(world.book.captures.values()))["seller_receivable_breakdown"]["paypal_fee"]["value"]
    half = Money(amount.amount // 200 * 100, amount.currency)
    assert world.port.refund("rfd_1", reference, half).amount == half


@pytest.mark.contract("12.1")
@pytest.mark.parametrize("amount", [Money(119950, "HUF"), Money(101, "TWD"), Money(1500, "KWD"), Money(9900, "BDT")])
def test_amounts_that_paypal_cannot_take_are_not_opened(world: World, amount: Money) -> None:
    with pytest.raises(NotPayable):
        world.open(amount)
    assert world.book.orders == {}


@pytest.mark.contract("12.3")
def test_an_invoice_number_is_paid_once_whatever_we_call_the_attempt(world: World) -> None:
    first = world.captured()

    with pytest.raises(NotPayable):
        world.open(attempt=2)
    assert world.book.taken(first) == [DUE]


@pytest.mark.contract("12.1")
def test_one_token_serves_until_it_runs_out_and_a_revoked_one_is_replaced(world: World) -> None:
    world.captured()
    assert world.calls("/oauth2/token") == 1

    world.now += timedelta(seconds=TOKEN_SECONDS - 30)
    reference = world.open(attempt=2, number="MK-2").reference
    assert world.calls("/oauth2/token") == 2

    world.paypal.revoke_tokens()
    assert world.port.retrieve(reference).status == "pending"
    assert world.calls("/oauth2/token") == 3


@pytest.mark.contract("12.2")
def test_an_authorization_told_after_it_was_voided_is_not_told_as_one(world: World) -> None:
    reference = world.authorized()
    world.port.void(ORDER.order_id, reference)
    world.heard.clear()

    world.paypal.send()  # AUTHORIZATION.CREATED, then AUTHORIZATION.VOIDED
    assert [notice.type for notice in world.heard] == ["voided", "voided"]


@pytest.mark.contract("12.2", "12.3")
def test_refunds_and_disputes_are_told_with_their_order(world: World) -> None:
    reference = world.captured()
    world.port.refund("rfd_1", reference, Money(1000, "EUR"))
    world.paypal.dispute(reference)
    world.paypal.send()

    told = {notice.type: notice.intent for notice in world.heard}
    assert told["refunded"].refunded == Money(1000, "EUR")
    assert {told[kind].order_id for kind in ("refunded", "disputed", "captured")} == {ORDER.order_id}


@pytest.mark.contract("12.1")
def test_the_reconciler_reads_each_payment_once_from_paypals_report(world: World) -> None:
    start = world.now
    references = set()
    for number in range(3):
        order_id = f"ord_{number}"
        opened = world.open(order_id=order_id, number=f"MK-{number}")
        world.paypal.approve(opened.reference)
        world.paypal.send()
        if number:
            world.port.capture(order_id, opened.reference, DUE)
        references.add(opened.reference)
        world.pass_(days=20)

    found = list(world.port.recent(start, world.now))
    assert {intent.reference for intent in found} == references
    assert sorted(intent.status for intent in found) == ["captured", "captured", "voided"]
    assert list(world.port.recent(world.now, world.now + timedelta(days=1))) == []


@pytest.mark.contract("12.8")
@pytest.mark.parametrize(
    ("by", "told"),
    [
        (BALANCE, Card(fingerprint="paypal:BUYERACCT2345", brand="paypal", country="DE")),
        (CARD, Card(bin="455445", last4="4326", brand="visa", country="DE")),
    ],
)
def test_the_means_of_payment_is_told_without_a_name_or_an_address(world: World, by: str, told: Card) -> None:
    world.authorized(by)

    assert world.heard[0].intent.card == told
