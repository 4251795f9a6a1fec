"""SSLCommerz's API v4 as such: forms and queries in, JSON out, and the records of its transactions in our words.

After https://developer.sslcommerz.com/doc/v4/.
"""

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from market import config, money
from market.money import Money
from payments import credentials
from payments.gateway import Card, Intent, send
from payments.model import CAPTURED, FAILED, PENDING, Contradicted, ProviderUnavailable

Record = Mapping[str, Any]

BASE = "BDT"
"""What SSLCommerz takes and settles in. It converts payments in other currencies at its rate of the day."""

_SESSION = "/gwprocess/v4/api.php"
_VALIDATION = "/validator/api/validationserverAPI.php"
_QUERY = "/validator/api/merchantTransIDvalidationAPI.php"

PAID = frozenset({"VALID", "VALIDATED"})
OVER = frozenset({"FAILED", "CANCELLED", "EXPIRED", "UNATTEMPTED"})
_PASSING = frozenset({408, 425, 429})
_CARD = re.compile(r"(\d{6,8})[Xx*]{2,}(\d{4})")


def open_session(form: Mapping[str, str]) -> Record:
    """Where to send the customer, or status FAILED and why."""
    content = urlencode(dict(form) | _identity()).encode()
    headers = {"content-type": "application/x-www-form-urlencoded"}
    return _read(*send("POST", config.setting("SSLCOMMERZ_API_BASE") + _SESSION, headers, content))


def validated(val_id: str) -> Record:
    """The transaction behind a validation id; of one that is not ours the status is INVALID_TRANSACTION."""
    return _ask(_VALIDATION, val_id=val_id, v="1")


def transaction(tran_id: str) -> Record | None:
    """The transaction as it stands: the one that was paid if there is one, else the latest attempt, None if none."""
    found = [one for one in _ask(_QUERY, tran_id=tran_id).get("element") or () if one["tran_id"] == tran_id]
    paid = [one for one in found if one["status"] in PAID]
    return paid[0] if paid else found[-1] if found else None


def start_refund(bank_tran_id: str, refund_id: str, amount: str) -> Record:
    return _ask(
        _QUERY,
        bank_tran_id=bank_tran_id,
        refund_trans_id=refund_id,
        refund_amount=amount,
        refund_remarks="Refund of an order",
        refe_id=refund_id,
    )


def refund(refund_ref_id: str) -> Record:
    return _ask(_QUERY, refund_ref_id=refund_ref_id)


def intent_of(reference: str, record: Record | None) -> Intent:
    """What SSLCommerz took counts as captured. Until someone has tried to pay it knows no amount, and says nothing."""
    if record is None:
        return Intent(reference=reference, order_id=order_of(reference), status=PENDING, amount=Money(0, BASE))
    status = CAPTURED if record["status"] in PAID else FAILED if record["status"] in OVER else PENDING
    return Intent(
        reference=reference,
        order_id=order_of(reference),
        status=status,
        amount=amount_of(record),
        fee=_fee(record) if status == CAPTURED else None,
        card=_card(record) if status == CAPTURED else None,
    )


def order_of(reference: str) -> str:
    """The order id in a transaction id of ours, `<order id>-<attempt>`."""
    return reference.rpartition("-")[0]


def amount_of(record: Record) -> Money:
    """What the customer was asked for, in the currency in which we asked. Raises ValueError."""
    return money.parse(str(record["currency_amount"]), str(record["currency_type"]))


def base_amount(record: Record) -> Money:
    """What was charged, in taka. Raises ValueError."""
    return money.parse(str(record["amount"]), BASE)


def in_base(amount: Money, record: Record) -> Money:
    """A part of a transaction in taka, at the transaction's own rate; rounded down, so that parts never exceed it."""
    asked, charged = amount_of(record), base_amount(record)
    return charged if amount == asked else Money(charged.amount * amount.amount // asked.amount, BASE)


def _fee(record: Record) -> Money:
    asked, charged = amount_of(record), base_amount(record)
    kept = charged - money.parse(str(record["store_amount"]), BASE)
    return Money((2 * kept.amount * asked.amount + charged.amount) // (2 * charged.amount), asked.currency)


def _card(record: Record) -> Card:
    """Of a card its first and last digits; what stands there for mobile banking is a telephone number."""
    digits = _CARD.fullmatch(str(record.get("card_no") or ""))
    return Card(
        bin=digits[1] if digits else "",
        last4=digits[2] if digits else "",
        brand=str(record.get("card_brand") or "").lower(),
        country=str(record.get("card_issuer_country_code") or ""),
    )


def _ask(path: str, **query: str) -> Record:
    asked = urlencode(query | _identity() | {"format": "json"})
    answer = _read(*send("GET", f"{config.setting('SSLCOMMERZ_API_BASE')}{path}?{asked}", {}, None))
    if answer.get("APIConnect") != "DONE":
        raise RuntimeError(f"SSLCommerz does not accept our call: {answer.get('APIConnect')}")
    return answer


def _read(status: int, answer: dict[str, Any]) -> Record:
    if status >= 500 or status in _PASSING:
        raise ProviderUnavailable("SSLCommerz did not answer.")
    if status >= 400:
        raise Contradicted(f"SSLCommerz answers {status}.")
    return answer


def _identity() -> dict[str, str]:
    known = credentials.of("sslcommerz")
    return {"store_id": known["store_id"], "store_passwd": known["store_passwd"]}
