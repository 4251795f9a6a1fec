"""Who may tell us of money at PayPal: PayPal, just now, to our webhook. Nobody else, and no body is believed."""

import re
from collections.abc import Callable
from datetime import timedelta
from zlib import crc32

import orjson
import pytest

from market import clock
from market.errors import Invalid
from market.money import Money
from payments.gateway import HEADERS, BadSignature
from payments.model import ProviderUnavailable
from tests.services.payments.paypal import ORDER, World, world

__all__ = ["world"]

Attack = Callable[[World, dict[str, str], bytes], tuple[dict[str, str], bytes]]
_REFERENCE = re.compile(rb'"id":"O[0-9]+"')


def genuine(world: World) -> tuple[dict[str, str], bytes]:
    """A webhook as PayPal sends it, taken on its way."""
    world.approved()
    body = world.paypal._untold[-1]
    return world.paypal.signed(body), body


def _without(name: str) -> Attack:
    return lambda world, headers, body: ({k: v for k, v in headers.items() if k != name}, body)


def _with(name: str, value: str) -> Attack:
    return lambda world, headers, body: (headers | {name: value}, body)


def _signed_at(offset: timedelta) -> Attack:
    return lambda world, headers, body: (world.paypal.signed(body, at=clock.iso(world.now + offset)), body)


def _break_out(world: World, headers: dict[str, str], body: bytes) -> tuple[dict[str, str], bytes]:
    """A body that would close its place in our question to PayPal and name another webhook and event."""
    return headers, body + b',"webhook_id":"THEIRS","webhook_event":' + body


ATTACKS: dict[str, Attack] = {
    "no signature": _without("paypal-transmission-sig"),
    "no time": _without("paypal-transmission-time"),
    "no transmission id": _without("paypal-transmission-id"),
    "no certificate": _without("paypal-cert-url"),
    "made-up signature": _with("paypal-transmission-sig", "sigAAAA"),
    "signature of another webhook of PayPal's": lambda world, headers, body: (
        world.paypal.signed(body, webhook_id="SOMEONEELSES1"),
        body,
    ),
    "another body": lambda world, headers, body: (headers, body.replace(b"49.99", b"00.01")),
    "a space more": lambda world, headers, body: (headers, body.replace(b'":', b'": ', 1)),
    "another transmission": _with("paypal-transmission-id", "tr-99999999"),
    "the time moved to now": lambda world, headers, body: (
        world.paypal.signed(body, at=clock.iso(world.now - timedelta(days=1)))
        | {"paypal-transmission-time": clock.iso(world.now)},
        body,
    ),
    "sent six minutes ago": _signed_at(timedelta(minutes=-6)),
    "from six minutes ahead": _signed_at(timedelta(minutes=6)),
    "a time that is none": _with("paypal-transmission-time", "yesterday"),
    "a certificate of theirs": _with("paypal-cert-url", "https://paypal.com.evil.example/cert"),
    "a certificate with our name in its user": _with("paypal-cert-url", "https://api.paypal.com@evil.example/cert"),
    "a certificate in the clear": _with("paypal-cert-url", "http://api.paypal.com/cert"),
    "a body that breaks out": _break_out,
    "no body": lambda world, headers, body: (headers, b""),
    "a list": lambda world, headers, body: (headers, b"[" + body + b"]"),
    "an event without a resource": lambda world, headers, body: (headers, b'{"id":"WH-1","event_type":"X"}'),
}


@pytest.mark.contract("12.2")
@pytest.mark.parametrize("attack", list(ATTACKS))
def test_a_webhook_that_is_not_paypals_is_turned_away_and_nothing_is_authorized(world: World, attack: str) -> None:
    headers, body = ATTACKS[attack](world, *genuine(world))

    with pytest.raises((BadSignature, Invalid)):
        world.hear(headers, body)
    assert world.book.authorizations == {}


@pytest.mark.contract("12.2")
@pytest.mark.parametrize("minutes", [-4, 0, 4])
def test_a_webhook_within_five_minutes_is_heard(world: World, minutes: int) -> None:
    _, body = genuine(world)
    headers = world.paypal.signed(body, at=clock.iso(world.now + timedelta(minutes=minutes)))

    world.hear(headers, body)
    assert world.heard[0].type == "authorized"
    assert set(headers) <= set(HEADERS)


@pytest.mark.contract("12.2")
def test_receiving_verifies_and_writes_nothing(world: World) -> None:
    headers, body = genuine(world)

    notice = world.port.receive(headers, body)
    assert (notice.type, notice.intent.order_id) == ("other", ORDER.order_id)
    assert world.book.authorizations == {}


@pytest.mark.contract("12.2")
def test_a_body_forged_to_the_same_checksum_changes_no_amount(world: World) -> None:
    """CRC-32 is all that PayPal signs of a body; what the body claims must not matter."""
    headers, body = genuine(world)
    forged = _same_sum(body.replace(b'"49.99"', b'"0.010"'), crc32(body))
    assert crc32(forged) == crc32(body)

    world.hear(headers, forged)
    assert world.heard[0].intent.amount == Money(4999, "EUR")


@pytest.mark.contract("12.2")
def test_a_forged_approval_of_an_order_that_nobody_approved_authorizes_nothing(world: World) -> None:
    other = world.open(order_id="ord_other", number="MK-OTHER").reference
    headers, body = genuine(world)
    forged = _same_sum(_REFERENCE.sub(f'"id":"{other}"'.encode(), body, count=1), crc32(body))

    world.hear(headers, forged)
    assert world.heard[0].type == "other"
    assert world.book.authorizations == {}


@pytest.mark.contract("12.2")
@pytest.mark.parametrize("reference", ["../../v1/oauth2/token", "O1/capture", "", "o1?x=1", None, 7])
def test_a_reference_that_is_no_id_leads_nowhere(world: World, reference: object) -> None:
    event = {"id": "WH-1", "event_type": "CHECKOUT.ORDER.APPROVED", "resource": {"id": reference}}
    body = orjson.dumps(event)

    world.hear(world.paypal.signed(body), body)
    assert world.heard[0].type == "other"
    assert all(path.startswith(("/v1/oauth2", "/v1/notifications")) for _, path, _ in world.paypal.requests)


@pytest.mark.contract("12.2")
def test_a_replayed_webhook_holds_the_money_once(world: World) -> None:
    headers, body = genuine(world)

    for _ in range(3):
        world.hear(headers, body)
    assert len(world.book.authorizations) == 1
    assert [notice.type for notice in world.heard] == ["authorized"] * 3


@pytest.mark.contract("12.2")
@pytest.mark.parametrize("fault", ["timeout", "500", "429"])
def test_when_paypal_cannot_be_asked_the_webhook_comes_again(world: World, fault: str) -> None:
    headers, body = genuine(world)
    world.paypal.fail(fault, "verify")

    with pytest.raises(ProviderUnavailable):
        world.hear(headers, body)
    world.hear(headers, body)
    assert world.heard[0].type == "authorized"


@pytest.mark.contract("12.2")
def test_events_that_we_have_no_word_for_are_noted_without_a_call(world: World) -> None:
    body = orjson.dumps({"id": "WH-1", "event_type": "BILLING.PLAN.CREATED", "resource": {"id": "P-1"}})

    assert world.port.parse(body).type == "other"
    assert world.paypal.requests == []


def _same_sum(body: bytes, wanted: int) -> bytes:
    """The body and a member that brings its CRC-32 to `wanted`: the sum is linear, so forty letters, A or @, do."""
    prefix, suffix = body[:-1] + b',"x":"', b'"}'
    base = b"@" * 40
    zero = crc32(prefix + base + suffix)
    rows: list[tuple[int, int]] = []
    for bit in range(40):
        flipped = bytearray(base)
        flipped[bit] ^= 1
        rows.append((crc32(prefix + bytes(flipped) + suffix) ^ zero, 1 << bit))
    basis: dict[int, tuple[int, int]] = {}
    target, chosen = wanted ^ zero, 0
    for value, mask in rows:
        while value:
            top = value.bit_length()
            if top not in basis:
                basis[top] = value, mask
                break
            value, mask = value ^ basis[top][0], mask ^ basis[top][1]
    while target:
        found, mask = basis[target.bit_length()]
        target, chosen = target ^ found, chosen ^ mask
    solved = bytes(byte ^ (chosen >> place & 1) for place, byte in enumerate(base))
    return prefix + solved + suffix
