"""SSLCommerz, the gateway to cards, mobile and internet banking of Bangladesh.

Where SSLCommerz differs from our port:

- It takes the money when the customer pays; there is nothing to authorize, capture or void. A payment is `captured`
  from the moment it is made, and our authorization is the news of that. `capture` only confirms it by asking, and
  `void` gives all of it back.
- The reference is our transaction id, `<order id>-<attempt>`. It serves for one attempt: a customer who fails needs a
  new one. A session that nobody pays cannot be closed; it ends by itself, and what is paid too late is given back.
- Its notification (IPN) is signed with the MD5 of our store password over fields that may be spoofed by clever values,
  and without a time. So it is never believed: the transaction is looked up with the validation API, by its `val_id`,
  and the two must agree.
- Refunds are decided later, by people. `refund` starts one, looks at how it stands, and is `pending` until the money is
  on its way. `refund_trans_id` makes it the same refund each time; a store where a repeated one is turned away as a
  duplicate stays `pending`, for a person to look at, since it may have been paid out.
- It settles in taka. Refunds of payments in another currency are converted at the payment's own rate, rounded down.
- It has no list of payments, so `recent` knows of none; the reconciler has to ask for those that we know.
- It sends the browser back with a POST to `return_url` and `payment=success`, `fail` or `cancel`, which proves nothing.

Credentials: `store_id`, `store_passwd` and perhaps `ipn_url`, our webhook; without it the merchant panel names it.
"""

import hashlib
import hmac
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from urllib.parse import parse_qsl, urlencode

from market import log, money
from market.errors import Invalid
from market.money import Money
from payments import credentials
from payments.gateway import BadSignature, Intent, Notice, Payable, Refund
from payments.model import (
    AUTHORIZED,
    CAPTURED,
    FAILED,
    VOIDED,
    CaptureRefused,
    Contradicted,
    Mismatch,
    NotPayable,
    ProviderUnavailable,
    RefundRefused,
)
from payments.providers import sslcommerz_api as api
from payments.providers.sslcommerz_api import BASE, OVER, PAID, Record

SIGNED = frozenset({"status", "tran_id", "amount", "currency_type", "currency_amount"})
"""What the signature of a notification of money must cover for us to read it."""

_LEAST, _MOST = 1_000, 50_000_000  # 10 to 500,000 taka
_TRAN_ID = 30
_REFUND = {"refunded": "succeeded", "cancelled": FAILED}
"""How a refund ends; one of which anything else is said may still be paid out."""


class SslCommerz:
    name = "sslcommerz"

    def create(self, payable: Payable) -> Intent:
        """A page of SSLCommerz's for the customer, at `redirect`.

        Raises NotPayable for amounts that it does not take, or if this attempt is over; one that is paid is given.
        """
        amount, reference = payable.amount, f"{payable.order_id}-{payable.attempt}"
        if money.exponent(amount.currency) > 2 or (amount.currency == BASE and not _LEAST <= amount.amount <= _MOST):
            raise NotPayable("SSLCommerz does not take this amount.")
        answer = api.open_session(_form(payable, reference))
        if answer.get("status") == "SUCCESS":
            opened = api.intent_of(reference, None)
            return replace(opened, amount=amount, redirect=str(answer["GatewayPageURL"]))
        if paid := api.transaction(reference):
            intent = api.intent_of(reference, paid)
            if intent.status == CAPTURED:
                return intent
        log.warning("session refused", order_id=payable.order_id, reason=str(answer.get("failedreason", ""))[:80])
        raise NotPayable("SSLCommerz does not open this payment.")

    def retrieve(self, reference: str) -> Intent:
        return api.intent_of(reference, api.transaction(reference))

    def capture(self, order_id: str, reference: str, amount: Money) -> Intent:
        """Confirm that it was taken. Raises Contradicted as long as nobody has paid."""
        intent = self.retrieve(reference)
        if intent.status == FAILED:
            raise CaptureRefused("not paid")
        if intent.status != CAPTURED:
            raise Contradicted("SSLCommerz knows of no payment yet.")
        if intent.amount != amount:
            raise CaptureRefused("another amount was taken")
        return intent

    def void(self, order_id: str, reference: str) -> Intent:
        """Give all of it back. Raises ProviderUnavailable until it is on its way, Contradicted if it is refused."""
        intent = self.retrieve(reference)
        if intent.status == CAPTURED:
            try:
                back = self.refund(f"undo-{order_id}", reference, intent.amount)
            except RefundRefused as refused:
                raise Contradicted(refused.detail) from None
            if back.status == "failed":
                raise Contradicted("SSLCommerz cancelled the refund.")
            if back.status == "pending":
                raise ProviderUnavailable("The refund is on its way.")
        return replace(intent, status=VOIDED)

    def refund(self, refund_id: str, reference: str, amount: Money) -> Refund:
        record = api.transaction(reference)
        if record is None or record["status"] not in PAID:
            raise RefundRefused("not captured")
        asked = api.amount_of(record)
        if amount.currency != asked.currency or not 0 < amount.amount <= asked.amount:
            raise RefundRefused("more than was captured")
        base = api.in_base(amount, record)
        if not base.amount:
            raise RefundRefused("less than a paisa")
        started = api.start_refund(str(record["bank_tran_id"]), _short(refund_id), base.decimal())
        ref = str(started.get("refund_ref_id") or "")
        if ref:
            status = _REFUND.get(str(api.refund(ref).get("status")), "pending")
            return Refund(reference=ref, status=status, amount=amount)
        reason = str(started.get("errorReason") or started.get("status"))
        if started.get("status") != "failed" or "duplicate" in reason.lower():
            log.warning("refund turned away as a duplicate", refund_id=refund_id, reference=reference)
            return Refund(reference="", status="pending", amount=amount)
        raise RefundRefused(reason[:200])

    def recent(self, since: datetime, until: datetime) -> Iterable[Intent]:
        return ()

    def receive(self, headers: Mapping[str, str], body: bytes) -> Notice:
        """A notification whose signature is right; nothing in it is true yet, so it is told as `other`."""
        fields = read_form(body)
        verify(fields)
        return Notice(id=_notice_id(fields), type="other", intent=api.intent_of(fields["tran_id"], None))

    def parse(self, body: bytes) -> Notice:
        """What SSLCommerz says when asked about the transaction that a notification names.

        Raises Mismatch if that is something else, Invalid, or ProviderUnavailable: try again.
        """
        fields = read_form(body)
        reference, claimed = fields["tran_id"], fields["status"]
        if claimed not in PAID:
            return _unpaid(fields, self.retrieve(reference))
        record = api.validated(fields.get("val_id", ""))
        if record.get("status") not in PAID:
            raise Mismatch("status")
        _agree(fields, record)
        if str(record.get("risk_level", "0")) != "0":
            log.warning("risky payment", order_id=api.order_of(reference), risk=str(record.get("risk_title", ""))[:40])
        return Notice(id=_notice_id(fields), type=AUTHORIZED, intent=api.intent_of(reference, record))


def read_form(body: bytes) -> dict[str, str]:
    """The fields of a notification. Raises Invalid for what is none, or has a field twice."""
    try:
        pairs = parse_qsl(body.decode(), keep_blank_values=True, strict_parsing=True, max_num_fields=100)
    except ValueError:
        raise Invalid("The notification is not a form.") from None
    fields = dict(pairs)
    if len(fields) != len(pairs) or not {"tran_id", "status"} <= fields.keys() or not api.order_of(fields["tran_id"]):
        raise Invalid("The notification is not in SSLCommerz's format.")
    return fields


def verify(fields: Mapping[str, str]) -> None:
    """Raises BadSignature unless our store's password signed the fields, all those that matter among them."""
    known = credentials.of("sslcommerz")
    signature, names = fields.get("verify_sign", ""), fields.get("verify_key", "").split(",")
    if not signature:
        raise BadSignature("The signature is missing.", reason="missing")
    if fields.get("store_id") != known["store_id"]:
        raise BadSignature("The notification is for another store.", reason="store")
    needed = SIGNED if fields["status"] in PAID else {"status", "tran_id"}
    if not fields.keys() >= set(names) >= needed:
        raise BadSignature("The signature does not cover what matters.", reason="uncovered")
    signed = {name: fields[name] for name in names}
    if not hmac.compare_digest(signature_of(signed, known["store_passwd"]).encode(), signature.encode()):
        raise BadSignature("The signature does not match.", reason="signature")


def signature_of(signed: Mapping[str, str], password: str) -> str:
    """MD5, as SSLCommerz prescribes it: of `name=value&…` in the order of the names, the password's MD5 among them."""
    secret = hashlib.md5(password.encode(), usedforsecurity=False).hexdigest()
    text = "&".join(f"{name}={value}" for name, value in sorted((dict(signed) | {"store_passwd": secret}).items()))
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()


def _form(payable: Payable, reference: str) -> dict[str, str]:
    """What SSLCommerz requires. Of the customer it learns the address for its receipt and otherwise nothing."""
    unknown = dict.fromkeys(("cus_add1", "cus_city", "cus_postcode", "cus_country", "cus_phone"), "not given")
    back = {f"{end}_url": _returning(payable.return_url, end) for end in ("success", "fail", "cancel")}
    ipn = credentials.of("sslcommerz").get("ipn_url", "")
    return {
        "tran_id": reference,
        "total_amount": payable.amount.decimal(),
        "currency": payable.amount.currency,
        "cus_name": payable.customer_id,
        "cus_email": payable.email or "not given",
        "shipping_method": "NO",
        "num_of_item": "1",
        "product_name": f"Order {payable.number}",
        "product_category": "marketplace",
        "product_profile": "general",
        "value_a": payable.order_id,
    } | (unknown | back | ({"ipn_url": ipn} if ipn else {}))


def _returning(url: str, end: str) -> str:
    return f"{url}{'&' if '?' in url else '?'}{urlencode({'payment': end})}"


def _agree(fields: Mapping[str, str], record: Record) -> None:
    """Raises Mismatch unless the notification and the validated transaction are about the same money."""
    for name in ("tran_id", "val_id", "currency_type"):
        if fields.get(name) != record.get(name):
            raise Mismatch(name)
    if record.get("value_a") != api.order_of(fields["tran_id"]):
        raise Mismatch("order")
    try:
        asked, charged = api.amount_of(record), api.base_amount(record)
        told = api.amount_of(fields), api.base_amount(fields)
    except (KeyError, ValueError):
        raise Mismatch("amount") from None
    if told != (asked, charged) or (asked.currency == BASE and asked != charged):
        raise Mismatch("amount")


def _unpaid(fields: Mapping[str, str], intent: Intent) -> Notice:
    """An attempt that came to nothing, unless SSLCommerz knows better by now."""
    id_ = _notice_id(fields)
    if intent.status == CAPTURED:
        return Notice(id=id_, type=AUTHORIZED, intent=intent)
    if intent.status == FAILED and fields["status"] in OVER:
        return Notice(id=id_, type="declined", intent=intent, failure=fields["status"].lower())
    return Notice(id=id_, type="other", intent=intent)


def _notice_id(fields: Mapping[str, str]) -> str:
    return f"{fields['tran_id']}:{fields.get('val_id') or fields['status']}"[:100]


def _short(refund_id: str) -> str:
    """At most the 30 characters that SSLCommerz takes."""
    if len(refund_id) <= _TRAN_ID:
        return refund_id
    return hashlib.sha256(refund_id.encode()).hexdigest()[:_TRAN_ID]
