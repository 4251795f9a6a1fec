"""What each service tells a person of themselves, and what of them is left there: told twice, late, or broken off."""

import json
from collections.abc import Callable, Iterator
from importlib import import_module
from typing import Any

import orjson
import pytest

from abuse import store as abuse
from abuse.contract import score_key
from access import letters
from access.contract import granted
from access.store import table as ACCESS
from cart import store as cart
from fraud import service as lists
from fraud import store as fraud
from identity import store as identity
from identity.model import User
from market import clock, config
from market.table import Key
from orders.contract import id_of
from payments import store as payments
from payments import wallet
from payments.model import ProviderUnavailable
from payments.providers.sandbox import Sandbox
from tests import shop
from tests.services.payments.test_saved_methods import PATH, save
from tests.services.payments.till import Till
from tests.services.profiles.conftest import DOCUMENTS

pytestmark = pytest.mark.contract("3.1")
FOLDER, ADA = "exports/exp_1/", "ada"
EXPORT, ERASURE = "profile.export_requested", "profile.erasure_requested"


@pytest.fixture
def till(database: str, environment: pytest.MonkeyPatch) -> Iterator[Till]:
    running = Till(environment)
    environment.setenv("DOCUMENTS_BUCKET", DOCUMENTS)
    config.client("s3").create_bucket(Bucket=DOCUMENTS)
    yield running
    running.close()


def tell(service: str, kind: str = ERASURE, event_id: str = "1", **data: str) -> bool:
    """Let a service hear of a person; whether it could do its part."""
    told = {"request_id": "exp_1", "user_id": ADA, "folder": FOLDER} | data
    envelope = {"eventId": event_id, "type": kind, "version": 1, "occurredAt": "2026-01-01T00:00:00.000Z"}
    envelope |= {"actor": {}, "data": told, "trace": {}}
    record = {"messageId": "1", "eventSourceARN": "arn:x", "body": orjson.dumps({"detail": envelope}).decode()}
    handler: Callable[[Any], Any] = import_module(f"{service}.consumer").handler
    return bool(handler({"Records": [record]})["batchItemFailures"] == [])


def copy_of(service: str) -> dict[str, Any]:
    """What the service writes for the person, twice the same."""
    bodies = []
    for _ in range(2):
        assert tell(service, EXPORT)
        answer = config.client("s3").get_object(Bucket=DOCUMENTS, Key=f"{FOLDER}{service}.json")
        bodies.append(json.loads(answer["Body"].read()))
    assert bodies[0] == bodies[1]
    return dict(bodies[0])


@pytest.mark.parametrize("service", ["abuse", "access", "cart", "fraud", "invoices", "orders", "payments", "refunds"])
def test_of_somebody_who_did_nothing_there_is_an_empty_copy(till: Till, service: str) -> None:
    assert copy_of(service)
    assert service not in ("cart", "fraud", "orders", "payments") or tell(service)


def test_a_cart_is_told_and_forgotten(till: Till) -> None:
    shop.stock("LAMP")
    shop.fill(ADA, ("LAMP", 2))
    shop.fill("bob", ("LAMP", 1))

    assert [(line["sku"], line["quantity"]) for line in copy_of("cart")["lines"]] == [("LAMP", 2)]
    assert tell("cart")
    assert tell("cart")

    assert cart.get(ADA).version == 0
    assert len(cart.get("bob").lines) == 1
    assert copy_of("cart") == {"lines": []}


def test_payments_and_saved_cards_are_told_without_what_could_be_paid_with(till: Till) -> None:
    save(till)
    number = till.sold()

    held = copy_of("payments")

    assert held["savedMethods"] == [{"provider": "sandbox", "brand": "visa", "last4": "4242", "country": "US"}]
    (paid,) = held["payments"]
    assert (paid["orderId"], paid["status"], paid["method"]["last4"]) == (id_of(number), "captured", "4242")
    assert "secret" not in json.dumps(held).lower()


def test_an_erased_buyer_has_no_means_of_payment_left_here_or_at_the_provider(till: Till) -> None:
    card = save(till)
    save(till, customer="bob")
    number = till.sold()
    refs, before = wallet.refs(ADA), payments.get(id_of(number))

    assert tell("payments")
    assert tell("payments")

    assert wallet.refs(ADA) == {}
    assert list(Sandbox().saved(refs["sandbox"])) == []
    assert len(till.ask("GET", PATH, caller="bob").json["items"]) == 1
    left = payments.get(id_of(number))
    assert before is not None
    assert left is not None
    assert (left.card, left.client_secret, left.redirect, left.saved_method) == (None, "", "", "")
    kept = ("status", "amount", "captured", "fee", "reference", "provider", "customer_id")
    assert all(getattr(left, name) == getattr(before, name) for name in kept)
    assert card
    assert till.refund(number, "rfd_1", 100), "money can still be given back"


def test_a_payment_that_is_not_over_stays_whole(till: Till) -> None:
    number = till.order()
    till.open(ADA, number)
    before = payments.get(id_of(number))

    assert tell("payments")

    assert payments.get(id_of(number)) == before


def test_a_provider_that_does_not_answer_is_asked_again(till: Till, monkeypatch: pytest.MonkeyPatch) -> None:
    save(till)
    with monkeypatch.context() as broken:
        broken.setattr(Sandbox, "detach", _unavailable)
        assert not tell("payments")
    assert wallet.refs(ADA) == {"sandbox": ADA}, "or nobody would know whom to forget"

    assert tell("payments")

    assert wallet.refs(ADA) == {}


def _unavailable(*_: object) -> None:
    raise ProviderUnavailable("The sandbox did not answer.")


def test_a_card_that_is_being_saved_meanwhile_is_not_remembered(till: Till) -> None:
    assert tell("payments")

    refused = till.ask("POST", PATH, {})

    assert (refused.status, refused.json["code"]) == (409, "account_erased")
    assert wallet.refs(ADA) == {}


def test_invoices_and_refunds_are_told_and_stay(till: Till) -> None:
    number = till.sold()

    (invoice,) = copy_of("invoices")["documents"]
    assert (invoice["orderNo"], invoice["buyer"]["name"]) == (number, shop.ADDRESS["name"])
    assert invoice["total"] == {"amount": 2490, "currency": "EUR"}
    assert copy_of("refunds") == {"refunds": []}


def test_the_screens_history_is_told_without_scores_and_forgotten(till: Till) -> None:
    number = till.sold()
    lists.add_mark("trusted", "account", ADA, note="good", by="sam")

    held = copy_of("fraud")
    assert held["paid"] == {"EUR": {"orders": 1, "sum": 2490}}
    assert [(one["orderNo"], one["status"]) for one in held["screenings"]] == [(number, "passed")]
    assert not {"score", "reasons", "weight"} & set(json.dumps(held).replace('"', " ").split())
    assert tell("fraud")
    assert tell("fraud")

    assert fraud.history_of(ADA).orders == 0
    assert fraud.marks("trusted", limit=10, cursor=None)[0] == []
    assert fraud.get(id_of(number)) is not None, "a payment may be disputed for 400 days"


def test_an_abuse_score_is_told_and_does_not_come_back_by_what_is_heard_late(till: Till) -> None:
    now = clock.now()
    with clock.running_on(lambda: now):  # a score fades by the second
        assert tell("abuse", "payment.failed", customer_id=ADA)
        assert copy_of("abuse") == {"points": 8, "level": "ok", "heard": {"payment_failed": 1}}

    assert tell("abuse", "user.erased", "2")
    assert tell("abuse", "user.erased", "2")
    assert tell("abuse", "payment.failed", "3", customer_id=ADA)

    assert copy_of("abuse") == {"points": 0, "level": "ok", "heard": {}}
    stone = abuse._table.get(score_key(ADA), consistent=True) or {}
    assert "expires_at" in stone
    assert not {"card", "by1pk"} & set(stone)


def test_memberships_are_told(till: Till) -> None:
    ACCESS.write(granted(ADA, "ven_lamps", ["vendor_orders"], deny=["orders.cancel"]))

    held = copy_of("access")

    assert held["status"] == "active"
    (member,) = held["memberships"]
    assert (member["scope"], member["roles"], member["deny"]) == ("ven_lamps", ["vendor_orders"], ["orders.cancel"])


def test_invitations_to_an_erased_persons_address_go_with_it(till: Till, monkeypatch: pytest.MonkeyPatch) -> None:
    identity.add(User(id=ADA, email="Ada@example.com", name="Ada"))
    invited = [letters.drafted(scope, "ada@example.com", ["x"], by="ann") for scope in ("platform", "ven_lamps")]
    other = letters.drafted("ven_lamps", "bob@example.com", ["x"], by="ann")
    for one in (*invited, other):
        letters.send(one)
    monkeypatch.setattr("identity.gateway.delete_account", lambda _: None)
    with monkeypatch.context() as broken:
        broken.setattr("identity.store.erase", _unavailable)
        assert not tell("identity")

    assert tell("identity")
    assert tell("identity")

    assert [letters.get(one.scope, one.id) for one in invited] == [None, None]
    assert letters.get(other.scope, other.id) == other
    assert "ada@" not in str([ACCESS.query(Key(f"IVT#{one.scope}").pk).items for one in invited]).lower()
