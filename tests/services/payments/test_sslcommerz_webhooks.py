"""Who may tell us of money at SSLCommerz: whoever knows our store's password, and even then SSLCommerz is asked."""

import hashlib
from collections.abc import Callable
from urllib.parse import parse_qsl, urlencode

import pytest

from market.errors import Invalid
from market.money import Money
from payments.gateway import BadSignature
from payments.model import Mismatch, ProviderUnavailable
from payments.providers.sslcommerz import signature_of
from tests.services.payments.sslcommerz import ORDER, REFERENCE, STORE, World, world

__all__ = ["world"]

Attack = Callable[[World, dict[str, str]], bytes]


def genuine(world: World) -> dict[str, str]:
    """A notification as SSLCommerz sends it, taken on its way."""
    world.paid()
    return dict(parse_qsl(world.gateway._untold[-1].decode(), keep_blank_values=True))


def form(fields: dict[str, str]) -> bytes:
    return urlencode(fields).encode()


def _with(**changed: str) -> Attack:
    return lambda world, fields: form(fields | changed)


def _without(*names: str) -> Attack:
    return lambda world, fields: form({name: value for name, value in fields.items() if name not in names})


def _signed(password: str, drop: str = "", **changed: str) -> Attack:
    """Signed anew, by someone who has guessed at the password, or leaves a field unsigned."""

    def sign(world: World, fields: dict[str, str]) -> bytes:
        fields = fields | changed
        names = [name for name in fields["verify_key"].split(",") if name != drop]
        signature = signature_of({name: fields[name] for name in names}, password)
        return form(fields | {"verify_key": ",".join(names), "verify_sign": signature})

    return sign


def _md5(text: str) -> str:
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()


ATTACKS: dict[str, Attack] = {
    "no signature": _without("verify_sign"),
    "an empty signature": _with(verify_sign=""),
    "no list of what is signed": _without("verify_key"),
    "nothing signed": _with(verify_key="", verify_sign=_md5("")),
    "a made-up signature": _with(verify_sign="0" * 32),
    "another amount": _with(amount="10.00", currency_amount="10.00"),
    "another order": _with(tran_id="ord_other-1"),
    "another status": _with(status="VALIDATED"),
    "another validation id": _with(val_id="VAL99999999"),
    "another password": _signed("guess"),
    "no password": _signed(""),
    "the password's place taken by a field": lambda world, fields: form(
        fields
        | {
            "store_passwd": "x",
            "verify_key": fields["verify_key"] + ",store_passwd",
            "verify_sign": _md5("&".join(f"{n}={fields[n]}" for n in sorted(fields["verify_key"].split(",")))),
        }
    ),
    "another store": _signed(STORE["store_passwd"], store_id="someone0else"),
    "the amount left unsigned": _signed(STORE["store_passwd"], drop="currency_amount"),
    "the status left unsigned": _signed(STORE["store_passwd"], drop="status"),
    "signed fields that are not there": _with(verify_key="status,tran_id,amount,currency_type,currency_amount,gone"),
    "a field twice": lambda world, fields: form(fields) + b"&status=VALID",
    "a transaction that is none of ours": _with(tran_id="x"),
    "no transaction": _without("tran_id"),
    "JSON": lambda world, fields: b'{"status":"VALID"}',
    "no body": lambda world, fields: b"",
    "bytes": lambda world, fields: b"\xff\xfe=1",
    "a thousand fields": lambda world, fields: form(fields) + b"&a=1" * 1000,
}


@pytest.mark.contract("12.2")
@pytest.mark.parametrize("attack", list(ATTACKS))
def test_a_notification_that_is_not_from_sslcommerz_is_turned_away_before_anyone_is_asked(
    world: World, attack: str
) -> None:
    body = ATTACKS[attack](world, genuine(world))
    asked = len(world.gateway.requests)

    with pytest.raises((BadSignature, Invalid)):
        world.hear(body)
    assert len(world.gateway.requests) == asked
    assert world.heard == []


@pytest.mark.contract("12.2")
@pytest.mark.parametrize(
    "changed",
    [
        {"currency_amount": "10.00", "amount": "10.00"},
        {"currency_type": "USD"},
        {"val_id": "VAL99999999"},
        {"val_id": ""},
        {"tran_id": "ord_other-1"},
    ],
)
def test_even_a_rightly_signed_notification_is_not_believed_against_sslcommerz(
    world: World, changed: dict[str, str]
) -> None:
    """As if the store's password were known to somebody else."""
    body = _signed(STORE["store_passwd"], **changed)(world, genuine(world))

    with pytest.raises(Mismatch):
        world.hear(body)
    assert world.heard == []


@pytest.mark.contract("12.2")
def test_the_validation_of_another_order_does_not_pay_for_this_one(world: World) -> None:
    fields = genuine(world)
    dear = world.open(Money(40_000_000, "BDT"), order_id="ord_dear", number="MK-DEAR").reference
    body = _signed(STORE["store_passwd"], tran_id=dear, value_a="ord_dear")(world, fields)

    with pytest.raises(Mismatch):
        world.hear(body)


@pytest.mark.contract("12.2")
def test_a_rightly_signed_failure_does_not_decline_what_is_paid(world: World) -> None:
    body = _signed(STORE["store_passwd"], status="FAILED")(world, genuine(world))

    world.hear(body)
    assert world.heard[0].type == "authorized"


@pytest.mark.contract("12.2")
def test_receiving_asks_nobody_and_tells_nothing(world: World) -> None:
    fields = genuine(world)
    asked = len(world.gateway.requests)

    notice = world.port.receive({}, form(fields))
    assert (notice.type, notice.intent.order_id, notice.intent.status) == ("other", ORDER.order_id, "pending")
    assert len(world.gateway.requests) == asked


@pytest.mark.contract("12.2")
def test_a_replayed_notification_tells_the_same(world: World) -> None:
    body = form(genuine(world))

    for _ in range(3):
        world.hear(body)
    assert {notice.id for notice in world.heard} == {world.heard[0].id}
    assert world.gateway.charged(REFERENCE) == ORDER.amount


@pytest.mark.contract("12.2")
@pytest.mark.parametrize("fault", ["timeout", "500", "429", "lost"])
def test_when_sslcommerz_cannot_be_asked_nothing_is_believed_yet(world: World, fault: str) -> None:
    body = form(genuine(world))
    world.gateway.fail(fault, "validate")

    with pytest.raises(ProviderUnavailable):
        world.hear(body)
    world.hear(body)
    assert world.heard[0].type == "authorized"
