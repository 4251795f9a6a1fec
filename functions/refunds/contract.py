"""What other services may know of an order's refunds: its refund account, one item beside the refunds themselves.

The account says what of each line and part was given back or is about to be. Whoever shows an order reads it along
(`account_key`) and asks `payment_status`; an order that has no account was never refunded.
"""

from collections.abc import Mapping
from typing import Any

from market.table import Key
from refunds.manifest import MANIFEST as MANIFEST

PAID, PARTIALLY_REFUNDED, REFUNDED = "paid", "partially_refunded", "refunded"
"""Where the money of a paid order stands, counting refunds that the provider has carried out."""


def account_key(order_id: str) -> Key:
    return Key(f"RFD#{order_id}")


def payment_status(account: Mapping[str, Any] | None) -> str:
    """`paid`, `partially_refunded` or `refunded`, by the account's item; None where there is none."""
    back = refunded(account)
    if account is None or back == 0:
        return PAID
    return REFUNDED if back >= account["captured"] else PARTIALLY_REFUNDED


def refunded(account: Mapping[str, Any] | None) -> int:
    """What the customer has got back, in minor units of the order's currency."""
    return int(account.get("succeeded", 0)) if account else 0
