"""The sandbox payment provider as a server: what would be another company's API, for every stage but production.

It keeps its memory in the table, under prefixes of its own, and sends webhooks through a queue that tries again until
the marketplace answers 2xx. The marketplace calls it with an API key, the customer's browser with the client secret.
"""

import hashlib
import hmac
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Annotated, Any

import orjson
from aws_lambda_powertools.event_handler.openapi.params import Query
from pydantic import Field

from fraud.contract import MANIFEST as FRAUD
from ledger.contract import MANIFEST as LEDGER
from market import clock, config, ids
from market.errors import Conflict, Forbidden, NotFound, Unauthenticated, Unprocessable
from market.http import ANYONE, Body, Cursor, Response, ServiceApi, View
from market.money import MAX_AMOUNT, Currency
from market.table import NEW, Key, Table, delete, put
from orders.contract import MANIFEST as ORDERS
from payments import simulator
from payments.manifest import MANIFEST
from payments.providers.sandbox import api_key
from payments.simulator import Account, Said

api = ServiceApi(MANIFEST)
handler = api.handler
_table = Table(MANIFEST, FRAUD, LEDGER, ORDERS)

Minor = Annotated[int, Field(strict=True, ge=1, le=MAX_AMOUNT)]
Id = Annotated[str, Field(min_length=1, max_length=64)]
Secret = Annotated[str, Field(min_length=10, max_length=100)]
_PATH = "/sandbox/v1/payment_intents"
_SETUPS, _CUSTOMERS = "/sandbox/v1/setup_intents", "/sandbox/v1/customers"
_CHANGING = (Unauthenticated, simulator.WrongState)
_PAYING = (Forbidden, simulator.UnknownCard, simulator.WrongState)
"""Refusals of the shop's requests that change something, and of the customer's."""


class NewIntent(Body):
    """customer, saved_method: pay at once with a method that was saved for the customer."""

    order_id: Id
    amount: Minor
    currency: Currency
    customer: Id | None = None
    saved_method: Id | None = None


class Card(Body):
    number: Annotated[str, Field(pattern=r"^[0-9 ]{12,25}$")]

    @property
    def digits(self) -> str:
        return self.number.replace(" ", "")


class Confirmation(Body):
    client_secret: Secret
    card: Card


class Some(Body):
    amount: Minor


class NewSetup(Body):
    customer: Id


class CardView(View):
    """A card without its number; the fingerprint is the same for the same card."""

    fingerprint: str
    bin: str
    last4: str
    brand: str = "visa"
    country: str

    @classmethod
    def of(cls, card: str) -> "CardView":
        fingerprint = hmac.new(config.key("sandbox-secret"), card.encode(), hashlib.sha256).hexdigest()[:16]
        return cls(fingerprint=fingerprint, bin=card[:8], last4=card[-4:], country=simulator.country(card))


class IntentView(View):
    id: str
    order_id: str
    status: str
    amount: int
    currency: str
    refunded: int
    created: int
    fee: int | None = None
    client_secret: str | None = None
    last_decline: str | None = None
    card: CardView | None = None

    @classmethod
    def of(cls, account: Account, *, secret: bool = False) -> "IntentView":
        return cls(
            id=account.id,
            order_id=account.order_id,
            status=account.status,
            amount=account.amount,
            currency=account.currency,
            refunded=account.refunded,
            created=account.created,
            fee=account.fee if account.status in ("captured", "refunded") else None,
            client_secret=account.client_secret if secret else None,
            card=CardView.of(account.instrument) if account.instrument else None,
        )


class IntentPage(View):
    items: list[IntentView]
    next_cursor: str | None = None


class RefundView(View):
    """A refund; `fee_returned` is what of the fee went back with it: nothing."""

    id: str
    status: str
    amount: int
    currency: str
    fee_returned: int = 0


class SetupView(View):
    id: str
    status: str
    customer: str
    client_secret: str | None = None


class MethodView(View):
    id: str
    card: CardView


class MethodList(View):
    items: list[MethodView]


@api.post(_PATH, callers=[ANYONE], status=201, problems=[*_CHANGING, simulator.UnknownCard])
def create(wish: NewIntent) -> IntentView:
    """Open an intent; the same `Idempotency-Key` gives the same one."""
    _merchant()
    key = api.header("idempotency-key") or ids.ulid()
    made = Account(
        id="pi_" + hashlib.sha256(key.encode()).hexdigest()[:24],
        order_id=wish.order_id,
        amount=wish.amount,
        currency=wish.currency,
        client_secret=_secret(key),
        created=clock.epoch(),
    )
    try:
        _table.write(put(_key(made.id), _stored(made), when=NEW, otherwise=Conflict()))
    except Conflict:
        known = _get(made.id)
        if (known.order_id, known.amount, known.currency) != (wish.order_id, wish.amount, wish.currency):
            raise Unprocessable("This Idempotency-Key came with another request.") from None
        made = known
    if wish.saved_method and made.status == "pending":
        made = _pay(made, _saved(wish.customer or "", wish.saved_method))
    return IntentView.of(made, secret=True)


@api.get(_PATH, callers=[ANYONE], problems=[Unauthenticated])
def opened(
    day: Annotated[str, Query(pattern=r"^\d{4}-\d\d-\d\d$")] = "1970-01-01", cursor: Cursor = None
) -> IntentPage:
    """The provider's book: intents opened on a day (UTC), the oldest first."""
    _merchant()
    page = _table.query(f"SBX#{day}", index="by1", limit=100, cursor=cursor)
    items = _table.batch_get([Key(item["pk"], item["sk"]) for item in page.items])
    accounts = sorted((_account(item) for item in items.values()), key=lambda account: (account.created, account.id))
    return IntentPage(items=[IntentView.of(account) for account in accounts], next_cursor=page.next)


@api.get(_PATH + "/<intent_id>", callers=[ANYONE], problems=[Unauthenticated])
def show_intent(intent_id: str) -> IntentView:
    """What the provider knows of an intent."""
    _merchant()
    return IntentView.of(_get(intent_id))


@api.post(_PATH + "/<intent_id>/confirm", callers=[ANYONE], problems=_PAYING)
def confirm(intent_id: str, confirmation: Confirmation) -> IntentView:
    """The customer pays with a test card. The answer shows the intent; the marketplace hears of it by webhook."""
    account = _get(intent_id)
    _browser(account.client_secret, confirmation.client_secret)
    after = _pay(account, confirmation.card.digits)
    declined = simulator.DECLINES.get(confirmation.card.digits) if after.declines > account.declines else None
    return IntentView.of(after).model_copy(update={"last_decline": declined})


@api.post(_PATH + "/<intent_id>/capture", callers=[ANYONE], problems=[*_CHANGING, simulator.CaptureFailed])
def capture(intent_id: str, some: Some) -> IntentView:
    """Take the authorized money."""
    _merchant()
    account = _get(intent_id)
    return IntentView.of(_save(simulator.capture(account, some.amount), account))


@api.post(_PATH + "/<intent_id>/void", callers=[ANYONE], problems=_CHANGING)
def void(intent_id: str) -> IntentView:
    """Close the intent and give back what was authorized."""
    _merchant()
    account = _get(intent_id)
    return IntentView.of(_save(simulator.void(account), account))


@api.post(_PATH + "/<intent_id>/refund", callers=[ANYONE], problems=[*_CHANGING, simulator.RefundFailed])
def refund(intent_id: str, some: Some) -> RefundView:
    """Give captured money back, all or part; the same `Idempotency-Key` is the same refund, as it stands by now."""
    _merchant()
    account, now = _get(intent_id), clock.epoch()
    key = api.header("idempotency-key") or ids.ulid()
    after = _save(simulator.refund(account, key, some.amount, now), account)
    return RefundView(
        id="re_" + hashlib.sha256(f"{intent_id}|{key}".encode()).hexdigest()[:24],
        status=simulator.refund_status(after, key, now),
        amount=some.amount,
        currency=after.currency,
    )


@api.post(_SETUPS, callers=[ANYONE], status=201, problems=[Unauthenticated])
def begin_setup(wish: NewSetup) -> SetupView:
    """Begin to save a method for a customer."""
    _merchant()
    setup = SetupView(id=ids.new("seti"), status="pending", customer=wish.customer)
    _table.write(put(_customer(setup.customer), {"seen": clock.epoch()}))
    _table.write(put(Key(f"SBV#{setup.id}"), {"customer": setup.customer, "created": clock.epoch()}))
    return setup.model_copy(update={"client_secret": _secret(setup.id)})


@api.post(_SETUPS + "/<setup_id>/confirm", callers=[ANYONE], problems=_PAYING)
def confirm_setup(setup_id: str, confirmation: Confirmation) -> SetupView:
    """The customer gives the provider a card to keep; doing it again keeps it once."""
    found = _table.get(Key(f"SBV#{setup_id}"), consistent=True)
    if found is None:
        raise NotFound("There is no such setup.")
    _browser(_secret(setup_id), confirmation.client_secret)
    card = simulator.known(confirmation.card.digits)
    _table.write(put(Key(f"SBV#{found['customer']}", f"pm_{setup_id}"), {"instrument": card}))
    return SetupView(id=setup_id, status="succeeded", customer=found["customer"])


@api.get(_CUSTOMERS + "/<customer>/methods", callers=[ANYONE], problems=[Unauthenticated])
def methods(customer: str) -> MethodList:
    """What is saved for a customer who ever began to save something."""
    _merchant()
    if _table.get(_customer(customer), consistent=True) is None:
        raise NotFound("There is no such customer.")
    page = _table.query(f"SBV#{customer}", begins="pm_", newest_first=True, limit=50)
    return MethodList(items=[MethodView(id=item["sk"], card=CardView.of(item["instrument"])) for item in page.items])


@api.delete(_CUSTOMERS + "/<customer>/methods/<method_id>", callers=[ANYONE], status=204, problems=[Unauthenticated])
def forget_instrument(customer: str, method_id: str) -> Response[None]:
    """Keep a method no longer."""
    _merchant()
    gone = NotFound("There is no such method.")
    _table.write(delete(Key(f"SBV#{customer}", method_id), when="attribute_exists(instrument)", otherwise=gone))
    return Response(status_code=204)


def _customer(name: str) -> Key:
    return Key(f"SBV#{name}", "customer")


def _merchant() -> None:
    if not hmac.compare_digest(api.header("authorization").encode(), f"Bearer {api_key()}".encode()):
        raise Unauthenticated("Send the sandbox's API key.")


def _browser(secret: str, sent: str) -> None:
    if not hmac.compare_digest(secret.encode(), sent.encode()):
        raise Forbidden("The client secret is not this intent's.")


def _secret(key: str) -> str:
    return hmac.new(config.key("sandbox-secret"), key.encode(), hashlib.sha256).hexdigest()[:40]


def _saved(customer: str, method_id: str) -> str:
    item = _table.get(Key(f"SBV#{customer}", method_id), consistent=True)
    if item is None:
        raise NotFound("There is no such method.")
    return str(item["instrument"])


def _key(intent_id: str) -> Key:
    return Key(f"SBX#{intent_id}")


def _get(intent_id: str) -> Account:
    item = _table.get(_key(intent_id), consistent=True)
    if item is None:
        raise NotFound("There is no such intent.")
    return _account(item)


def _account(item: dict[str, Any]) -> Account:
    return Account(**{name: item[name] for name in Account.__slots__ if name in item})


def _pay(account: Account, card: str) -> Account:
    after, said = simulator.confirm(account, card)
    _save(after, account)
    if said:
        _say(after, said)
    return after


def _save(after: Account, before: Account) -> Account:
    """Write the new state over the one that it was made from. Raises WrongState if another request came between."""
    if after != before:
        gone = simulator.WrongState("The intent was changed meanwhile.", status=before.status)
        values = {":version": before.version}
        _table.write(put(_key(after.id), _stored(after), when="version = :version", values=values, otherwise=gone))
    return after


def _stored(account: Account) -> dict[str, Any]:
    """The item, listed by the day on which the intent was opened."""
    day = clock.iso(datetime.fromtimestamp(account.created, UTC))[:10]
    return asdict(account) | {"by1pk": f"SBX#{day}", "by1sk": f"{account.created}#{account.id}"}


def _say(account: Account, said: Said) -> None:
    event = {
        "id": f"evt_{ids.ulid()}",
        "type": said.type,
        "intent": IntentView.of(account).model_dump(by_alias=True, exclude_none=True),
        "failure": said.failure,
    }
    for _ in range(said.times):
        config.client("sqs").send_message(
            QueueUrl=config.setting("SANDBOX_QUEUE_URL"),
            MessageBody=orjson.dumps(event).decode(),
            DelaySeconds=said.delay,
        )
