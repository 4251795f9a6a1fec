"""A provider's own words as they may be kept: what happened to which money, and nothing of who paid.

Bodies of webhooks name buyers, their addresses and telephones, and hold secrets of the browser's. They change without
us, so what is kept is listed, by name, and the rest is left out.
"""

from typing import Any
from urllib.parse import parse_qsl, urlencode

import orjson

_KEPT = frozenset(
    """
    id object type event_type event_version resource_type api_version livemode created create_time update_time
    status state reason reason_code failure failure_code failure_reason decline_code code network_status risk_level
    amount amount_capturable amount_received amount_refunded refunded captured value currency currency_code fee
    order_id custom_id invoice_id reference_id refund_id payment_intent charge latest_charge balance_transaction
    seller_transaction_id dispute_id brand last4 last_digits funding
    tran_id tran_date val_id bank_tran_id store_id store_amount currency_type currency_amount currency_rate card_type
    card_brand risk_title value_a
    """.replace("_", "").split()
)


def kept(words: str) -> str:
    """The words, JSON or a form, without what is not known to be harmless; empty if nothing is left."""
    try:
        said = _told("", orjson.loads(words))
    except orjson.JSONDecodeError:
        return urlencode([(name, value) for name, value in parse_qsl(words) if _known(name)])
    return "" if said is None else orjson.dumps(said).decode()


def _told(name: str, said: Any) -> Any:
    """What of a value may be kept that stands under the name, None if nothing."""
    match said:
        case dict():
            return {inner: told for inner, value in said.items() if (told := _told(inner, value)) is not None} or None
        case list():
            return [told for value in said if (told := _told(name, value)) is not None] or None
    return said if _known(name) else None


def _known(name: str) -> bool:
    return name.replace("_", "").lower() in _KEPT
