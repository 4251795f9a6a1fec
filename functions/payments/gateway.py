"""The port to payment providers: what we ask of them and what they tell us, in our own words.

Every write carries an idempotency key made from the order (or the refund), so that a call repeated after a lost answer
is the same call. An outcome that is not known is `ProviderUnavailable`, never a decline. Adapters are in `providers/`.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from importlib import import_module
from typing import Any, Protocol, runtime_checkable

import orjson

from market import config
from market.errors import Conflict, Invalid
from market.money import Money
from payments.model import Card as Card
from payments.model import ProviderUnavailable

TOLERANCE_SECONDS = 300
"""How far a webhook's time stamp may be from ours, either way."""

_TIMEOUT_SECONDS = 6.0
_ADAPTERS = {
    "sandbox": "Sandbox",
    "stripe": "Stripe",
    "paypal": "PayPal",
    "sslcommerz": "SslCommerz",
    "cod": "CashOnDelivery",
    "manual": "BankTransfer",
}
BY_HAND = frozenset({"cod", "manual"})
"""Methods without another company: staff tells us of the money, and nobody sends webhooks."""

WEBHOOKS = frozenset(_ADAPTERS) - BY_HAND

LAPSED = frozenset({"expired", "unattempted", "payment_intent_payment_attempt_expired"})
"""Failures of a declined attempt that tell of nothing that the buyer did."""

HEADERS = (
    "content-type",
    "sandbox-signature",
    "stripe-signature",
    "paypal-auth-algo",
    "paypal-cert-url",
    "paypal-transmission-id",
    "paypal-transmission-sig",
    "paypal-transmission-time",
)
"""What adapters read of a webhook's headers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Payable:
    """What is to be paid. return_url: where the provider sends the browser back to, for those that redirect.

    saved_method: pay with this one at once, without the customer; `customer_ref` is the provider's name for its owner.
    attempt: counts on when the customer comes back to a method that was given up for another; `key` is what makes a
    repeated call the same call.
    """

    order_id: str
    number: str
    amount: Money
    customer_id: str
    email: str = ""
    return_url: str = ""
    saved_method: str = ""
    customer_ref: str = ""
    attempt: int = 1

    @property
    def key(self) -> str:
        """The order's id, and from the second attempt on its number."""
        return self.order_id if self.attempt == 1 else f"{self.order_id}-{self.attempt}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Intent:
    """A provider's record of a payment. status: pending, authorized, captured, voided, refunded or failed.

    client_secret, redirect: what the browser needs to pay. fee: what the provider keeps, known once captured.
    refunded: how much was given back so far.
    """

    reference: str
    order_id: str
    status: str
    amount: Money
    client_secret: str = ""
    redirect: str = ""
    fee: Money | None = None
    refunded: Money | None = None
    card: Card | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Refund:
    """A provider's record of a refund. status: pending, succeeded or failed; fee: what of its fee it gave back.

    Asked for again with the same id it is told as it stands now: a pending one comes to an end that way.
    """

    reference: str
    status: str
    amount: Money
    fee: Money | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """A verified webhook: what the provider says happened to an intent.

    type, in our words whatever the provider calls it: `authorized`, `declined`, `captured`, `voided`, `refunded`,
    `refund_failed` (one that was done before), `disputed`, `attempted` (the buyer did something that decides nothing
    yet, such as beginning 3-D Secure), or `other`. failure: why it was declined, or the refund was; one of `LAPSED` if
    the provider ended an attempt that the buyer had left.
    """

    id: str
    type: str
    intent: Intent
    failure: str = ""


class BadSignature(Invalid):
    """The webhook is not from the provider, or too old or too new to believe.

    An extra `reason`, one of a few words such as `stale`, tells them apart where staff counts them.
    """

    code, title = "bad_signature", "Bad signature"


@dataclass(frozen=True, slots=True, kw_only=True)
class Setup:
    """A method about to be saved: the browser gives the card to the provider with the secret, never to us.

    customer_ref: the provider's name for the customer, to be kept.
    """

    reference: str
    client_secret: str
    customer_ref: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SavedMethod:
    """A means of payment that a provider keeps for a customer."""

    id: str
    card: Card


class NotOffered(Conflict):
    """This stage does not take payments that way, or cannot keep methods of that kind."""

    code, title = "method_not_offered", "Method not offered"


class Provider(Protocol):
    """What we need of a payment provider. Unknown outcomes raise ProviderUnavailable and may be asked again."""

    name: str

    def create(self, payable: Payable) -> Intent:
        """Open a payment; the same order again gives the same one."""

    def retrieve(self, reference: str) -> Intent: ...

    def capture(self, order_id: str, reference: str, amount: Money) -> Intent:
        """Take the authorized money. Raises CaptureRefused, which is final. Captured already is fine."""

    def void(self, order_id: str, reference: str) -> Intent:
        """Give back the authorization, or close what was never paid. Voided already is fine."""

    def refund(self, refund_id: str, reference: str, amount: Money) -> Refund:
        """Give back captured money, all or part. Raises RefundRefused, which is final.

        The same id refunds once; asked again, the answer says how that refund stands by now.
        """

    def recent(self, since: datetime, until: datetime) -> Iterable[Intent]:
        """The provider's own book of payments opened in a period, for the reconciler."""

    def receive(self, headers: Mapping[str, str], body: bytes) -> Notice:
        """A webhook (header names in lower case). Raises BadSignature, or Invalid if it is unreadable."""

    def parse(self, body: bytes) -> Notice:
        """A webhook that was verified before it was queued."""


@runtime_checkable
class Vault(Protocol):
    """What a provider has in addition that keeps means of payment for customers who come again."""

    def setup(self, customer_id: str, customer_ref: str) -> Setup:
        """Begin to save a method; customer_ref is empty for a customer whom the provider does not know yet."""

    def saved(self, customer_ref: str) -> Iterable[SavedMethod]: ...

    def detach(self, customer_ref: str, method_id: str) -> None:
        """Forget a method of this customer's; one that is gone already, or another's, is left as it is."""

    def forget(self, customer_ref: str) -> None:
        """Forget the customer with all their methods, and what they are just saving. Gone already is fine."""


def provider(name: str) -> Provider:
    """The adapter of a provider by name, imported when first needed. Raises KeyError for one that we do not have."""
    found: Provider = getattr(import_module(f"payments.providers.{name}"), _ADAPTERS[name])()
    return found


def vault(name: str) -> Vault:
    """The provider as a keeper of methods. Raises NotOffered for one that keeps none or is unknown."""
    found = provider(name) if name in _ADAPTERS else None
    if not isinstance(found, Vault):
        raise NotOffered("Methods of this provider cannot be saved.")
    return found


def send(method: str, url: str, headers: dict[str, str], content: bytes | None) -> tuple[int, dict[str, Any]]:
    """One HTTP exchange. Raises ProviderUnavailable when it is unknown whether the other side acted."""
    from urllib3.exceptions import HTTPError

    try:
        response = config.http().request(
            method, url, body=content, headers=headers, timeout=_TIMEOUT_SECONDS, retries=False, redirect=False
        )
        return response.status, orjson.loads(response.data or b"{}")
    except (HTTPError, orjson.JSONDecodeError):
        raise ProviderUnavailable("The provider did not answer.") from None
