"""The life of a payment, as data, and what can go wrong with it.

    pending ──authorized──▶ authorized ──captured──▶ captured ──refunded──▶ refunded
       │                        │
       └───── voided ◀──────────┘          (`pending` may also become `failed` after the last declined attempt)

A payment is fenced by its status: whatever arrives twice, late or in another order finds its move impossible and
changes nothing. `voided` and `failed` are tombstones: an authorization that comes after them is voided at once.

While it is pending the customer may change the method. The payment is `closing` until the provider has given up the
old intent; its reference then stays among the `abandoned`, whose authorizations are voided whenever they arrive.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import timedelta
from typing import Any

from market.errors import Conflict, Problem, Unavailable
from market.money import Money

PENDING, AUTHORIZED, CAPTURED, REFUNDED, VOIDED, FAILED = (
    "pending", "authorized", "captured", "refunded", "voided", "failed",
)  # fmt: skip
ATTEMPTS = 3
"""Declined cards per payment before the order is given up."""

METHODS = 5
"""How often a customer may change the method of one payment, plus one."""

STILL_PAYING = timedelta(minutes=5)
"""Who did something about a payment within this time is still at it: as long as a bank's app and its code may take."""


class NotPayable(Conflict):
    """The order does not await a payment."""

    code, title = "not_payable", "Nothing to pay"


class MethodGone(NotPayable):
    """The saved method is not the customer's, or no longer there."""

    code, title = "saved_method_gone", "Saved method gone"


class AlreadySettled(Conflict):
    """The money of this order was recorded before."""

    code, title = "already_settled", "Already settled"


class WrongAmount(Conflict):
    """The money that came is not what is due; `due` says what is."""

    code, title = "wrong_amount", "Wrong amount"


class PaymentDeclined(Problem):
    """Every attempt was declined."""


class CancelledByCustomer(Problem):
    """The customer no longer wants the order."""


class NotPaidInTime(Problem):
    """The hold ended and the provider knows of no payment."""


class StillPaying(Problem):
    """The hold ended and nothing is paid, but the customer was at it a moment ago."""


class StillToCapture(Problem):
    """The customer has paid, and nobody has taken the money yet: the checkout does."""


class CaptureRefused(Problem):
    """The provider will not capture what it authorized: final."""


class RefundRefused(Problem):
    """The provider will not give the money back, or it is not there to be given back: final."""


class ProviderUnavailable(Unavailable):
    """The provider did not answer, or not in time: the outcome is unknown and the same call may be made again."""

    code, title = "provider_unavailable", "Payment provider unavailable"


class Contradicted(ProviderUnavailable):
    """The provider's state does not allow the call, at this moment: look, or try again."""


class Mismatch(Problem):
    """The provider speaks of another amount, currency or intent than the order's payment; `reason` in one word."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """What a provider tells of the means of payment: `fingerprint` is the same for one card, `bin` 6 to 8 digits."""

    fingerprint: str = ""
    bin: str = ""
    last4: str = ""
    brand: str = ""
    country: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settlement:
    """Money that came by hand, as staff recorded it. key, fingerprint: of the request that did."""

    reference: str
    at: str
    by: str
    key: str
    fingerprint: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Payment:
    """The payment of one order. Empty strings where something is not known yet.

    refunded: given back, or on its way back. returned: what of it arrived. moments: when it came to each status.
    active_at: when the customer last did something about it, after opening it.
    abandoned: `provider reference` of intents that the customer left for another method.
    """

    order_id: str
    customer_id: str
    status: str
    amount: Money | None
    provider: str = ""
    reference: str = ""
    client_secret: str = ""
    redirect: str = ""
    saved_method: str = ""
    attempt: int = 1
    token: str = ""
    correlation_id: str = ""
    wish: str = ""
    declines: frozenset[str] = frozenset()
    last_failure: str = ""
    active_at: str = ""
    closing: bool = False
    abandoned: frozenset[str] = frozenset()
    captured: Money | None = None
    fee: Money | None = None
    refunded: Money | None = None
    returned: Money | None = None
    card: Card | None = None
    settlement: Settlement | None = None
    moments: Mapping[str, str]

    @property
    def key(self) -> str:
        """What makes a repeated call to the provider the same call: the order's id, and the attempt from the second."""
        return self.order_id if self.attempt == 1 else f"{self.order_id}-{self.attempt}"

    @property
    def exhausted(self) -> bool:
        """Whether the last allowed attempt was declined; each notice of a decline counts once."""
        return len(self.declines) >= ATTEMPTS

    def tried_since(self, moment: str) -> bool:
        """Whether the customer did something about the pending payment since then: opened it, tried it, came back."""
        last = max(self.moments.get("opened", ""), self.active_at)
        return self.status == PENDING and not self.wish and last >= moment

    @property
    def due(self) -> Money | None:
        """What is neither given back nor on its way back."""
        return self.amount - self.refunded if self.amount and self.refunded else self.amount

    def left(self, provider: str, reference: str) -> bool:
        """Whether the customer left that intent for another method."""
        return f"{provider} {reference}" in self.abandoned


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One line of a payment's history. details: amounts in minor units and texts; payload: a provider's own words."""

    kind: str
    at: str
    details: Mapping[str, Any]
    payload: str = ""


_MOMENTS = {"created_at": "opened", **{f"{s}_at": s for s in (AUTHORIZED, CAPTURED, REFUNDED, VOIDED, FAILED)}}


def read_payment(order_id: str, item: Mapping[str, Any]) -> Payment:
    def money(name: str) -> Money | None:
        return Money(item[name], item["currency"]) if name in item else None

    texts = ("status", "customer_id", "provider", "reference", "client_secret", "redirect", "saved_method", "wish")
    return Payment(
        order_id=order_id,
        **{name: item.get(name, "") for name in (*texts, "correlation_id")},
        amount=money("amount"),
        attempt=item.get("attempt", 1),
        token=item.get("task_token", ""),
        declines=frozenset(item.get("declines", ())),
        last_failure=item.get("last_failure", ""),
        active_at=item.get("active_at", ""),
        closing="closing" in item,
        abandoned=frozenset(item.get("abandoned", ())),
        captured=money("captured"),
        fee=money("fee"),
        refunded=money("refunded"),
        returned=money("returned"),
        card=Card(**item["instrument"]) if "instrument" in item else None,
        settlement=Settlement(**item["settlement"]) if "settlement" in item else None,
        moments={word: item[name] for name, word in _MOMENTS.items() if name in item},
    )


def card_item(card: Card) -> dict[str, str]:
    """A card as stored: what is known of it."""
    return {name: value for name, value in asdict(card).items() if value}
