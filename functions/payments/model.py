"""The life of a payment, as data, and what can go wrong with it.

    pending ──authorized──▶ authorized ──captured──▶ captured ──refunded──▶ refunded
       │                        │
       └───── voided ◀──────────┘          (`pending` may also become `failed` after the last declined attempt)

A payment is fenced by its status: whatever arrives twice, late or in another order finds its move impossible and
changes nothing. `voided` and `failed` are tombstones: an authorization that comes after them is voided at once.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from market.errors import Conflict, Problem, Unavailable
from market.money import Money

PENDING, AUTHORIZED, CAPTURED, REFUNDED, VOIDED, FAILED = (
    "pending", "authorized", "captured", "refunded", "voided", "failed",
)  # fmt: skip
ATTEMPTS = 3
"""Declined cards per payment before the order is given up."""


class NotPayable(Conflict):
    """The order does not await a payment."""

    code, title = "not_payable", "Nothing to pay"


class PaymentDeclined(Problem):
    """Every attempt was declined."""


class CancelledByCustomer(Problem):
    """The customer no longer wants the order."""


class NotPaidInTime(Problem):
    """The hold ended and the provider knows of no payment."""


class CaptureRefused(Problem):
    """The provider will not capture what it authorized: final."""


class ProviderUnavailable(Unavailable):
    """The provider did not answer, or not in time: the outcome is unknown and the same call may be made again."""

    code, title = "provider_unavailable", "Payment provider unavailable"


class Contradicted(ProviderUnavailable):
    """The provider's state does not allow the call, at this moment: look, or try again."""


class Mismatch(Problem):
    """The provider speaks of another amount, currency or intent than the order's payment."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Payment:
    """The payment of one order. Empty strings where something is not known yet."""

    order_id: str
    customer_id: str
    status: str
    amount: Money | None
    provider: str = ""
    reference: str = ""
    client_secret: str = ""
    token: str = ""
    wish: str = ""
    declines: frozenset[str] = frozenset()
    last_failure: str = ""

    @property
    def exhausted(self) -> bool:
        """Whether the last allowed attempt was declined; each notice of a decline counts once."""
        return len(self.declines) >= ATTEMPTS


def read_payment(order_id: str, item: Mapping[str, Any]) -> Payment:
    return Payment(
        order_id=order_id,
        customer_id=item.get("customer_id", ""),
        status=item.get("status", ""),
        amount=Money(item["amount"], item["currency"]) if "amount" in item else None,
        provider=item.get("provider", ""),
        reference=item.get("reference", ""),
        client_secret=item.get("client_secret", ""),
        token=item.get("task_token", ""),
        wish=item.get("wish", ""),
        declines=frozenset(item.get("declines", ())),
        last_failure=item.get("last_failure", ""),
    )
