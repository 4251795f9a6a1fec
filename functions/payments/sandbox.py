"""The sandbox payment provider as a server: what would be another company's API, for every stage but production.

It keeps its memory in the table, under a prefix of its own, and sends webhooks through a queue that tries again until
the marketplace answers 2xx. The marketplace calls it with an API key, the customer's browser with the client secret.
"""

import hashlib
import hmac
from dataclasses import asdict
from typing import Annotated, Any

import orjson
from pydantic import Field

from market import config, ids
from market.errors import Conflict, Forbidden, NotFound, Unauthenticated, Unprocessable
from market.http import ANYONE, Body, ServiceApi, View
from market.money import MAX_AMOUNT, Currency
from market.table import NEW, Key, Table, put
from orders.contract import MANIFEST as ORDERS
from payments import simulator
from payments.gateway import api_key
from payments.manifest import MANIFEST
from payments.simulator import Account, Said

api = ServiceApi(MANIFEST)
handler = api.handler
_table = Table(MANIFEST, ORDERS)

Minor = Annotated[int, Field(strict=True, ge=1, le=MAX_AMOUNT)]
_PATH = "/sandbox/v1/payment_intents"


class NewIntent(Body):
    order_id: Annotated[str, Field(min_length=1, max_length=64)]
    amount: Minor
    currency: Currency


class Card(Body):
    number: Annotated[str, Field(pattern=r"^[0-9 ]{12,25}$")]


class Confirmation(Body):
    client_secret: Annotated[str, Field(min_length=10, max_length=100)]
    card: Card


class Some(Body):
    amount: Minor


class IntentView(View):
    id: str
    order_id: str
    status: str
    amount: int
    currency: str
    fee: int | None = None
    client_secret: str | None = None
    last_decline: str | None = None

    @classmethod
    def of(cls, account: Account, *, secret: bool = False) -> "IntentView":
        return cls(
            id=account.id,
            order_id=account.order_id,
            status=account.status,
            amount=account.amount,
            currency=account.currency,
            fee=account.fee if account.status in ("captured", "refunded") else None,
            client_secret=account.client_secret if secret else None,
        )


@api.post(_PATH, callers=[ANYONE], status=201)
def create(wish: NewIntent) -> IntentView:
    """Open an intent; the same `Idempotency-Key` gives the same one."""
    _merchant()
    key = api.header("idempotency-key") or ids.ulid()
    made = Account(
        id="pi_" + hashlib.sha256(key.encode()).hexdigest()[:24],
        order_id=wish.order_id,
        amount=wish.amount,
        currency=wish.currency,
        client_secret=hmac.new(config.key("sandbox-secret"), key.encode(), hashlib.sha256).hexdigest()[:40],
    )
    try:
        _table.write(put(_key(made.id), _stored(made), when=NEW, otherwise=Conflict()))
    except Conflict:
        known = _get(made.id)
        if (known.order_id, known.amount, known.currency) != (wish.order_id, wish.amount, wish.currency):
            raise Unprocessable("This Idempotency-Key came with another request.") from None
        made = known
    return IntentView.of(made, secret=True)


@api.get(_PATH + "/<intent_id>", callers=[ANYONE])
def show(intent_id: str) -> IntentView:
    """What the provider knows of an intent."""
    _merchant()
    return IntentView.of(_get(intent_id))


@api.post(_PATH + "/<intent_id>/confirm", callers=[ANYONE])
def confirm(intent_id: str, confirmation: Confirmation) -> IntentView:
    """The customer pays with a test card. The answer shows the intent; the marketplace hears of it by webhook."""
    account = _get(intent_id)
    if not hmac.compare_digest(account.client_secret.encode(), confirmation.client_secret.encode()):
        raise Forbidden("The client secret is not this intent's.")
    after, said = simulator.confirm(account, confirmation.card.number.replace(" ", ""))
    if after != account:
        _save(after, account)
    if said:
        _say(after, said)
    return IntentView.of(after).model_copy(update={"last_decline": said.failure or None if said else None})


@api.post(_PATH + "/<intent_id>/capture", callers=[ANYONE], problems=[simulator.CaptureFailed])
def capture(intent_id: str, some: Some) -> IntentView:
    """Take the authorized money."""
    _merchant()
    account = _get(intent_id)
    return IntentView.of(_save(simulator.capture(account, some.amount), account))


@api.post(_PATH + "/<intent_id>/void", callers=[ANYONE], problems=[simulator.WrongState])
def void(intent_id: str) -> IntentView:
    """Close the intent and give back what was authorized."""
    _merchant()
    account = _get(intent_id)
    return IntentView.of(_save(simulator.void(account), account))


@api.post(_PATH + "/<intent_id>/refund", callers=[ANYONE], problems=[simulator.WrongState])
def refund(intent_id: str, some: Some) -> IntentView:
    """Give captured money back."""
    _merchant()
    account = _get(intent_id)
    return IntentView.of(_save(simulator.refund(account, some.amount), account))


def _merchant() -> None:
    if not hmac.compare_digest(api.header("authorization").encode(), f"Bearer {api_key()}".encode()):
        raise Unauthenticated("Send the sandbox's API key.")


def _key(intent_id: str) -> Key:
    return Key(f"SBX#{intent_id}")


def _get(intent_id: str) -> Account:
    item = _table.get(_key(intent_id), consistent=True)
    if item is None:
        raise NotFound("There is no such intent.")
    return Account(**{name: item[name] for name in Account.__slots__ if name in item})


def _save(after: Account, before: Account) -> Account:
    """Write the new state over the one that it was made from. Raises WrongState if another request came between."""
    if after != before:
        values = {":status": before.status, ":declines": before.declines}
        gone = simulator.WrongState("The intent was changed meanwhile.", status=before.status)
        when = "status = :status AND declines = :declines"
        _table.write(put(_key(after.id), _stored(after), when=when, values=values, otherwise=gone))
    return after


def _stored(account: Account) -> dict[str, Any]:
    return asdict(account)


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
