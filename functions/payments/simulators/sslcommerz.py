"""SSLCommerz as a server for tests and for laptops: sessions, transactions, validation, refunds and notifications.

`handle` is pure HTTP; the customer acts through `pay`, `cancel` and `leave`. What with decides what happens:

    VISA      pays
    RISKY     pays, and SSLCommerz has its doubts
    BKASH     pays by telephone
    DECLINED  fails
    SLOW      is pending until `settle`

A transaction id is paid once, and one whose attempt is over is not opened again. Nothing is captured or voided. Refunds
never exceed what was charged; they are processed until `decide` says what becomes of them. SSLCommerz keeps 2.5 %.
"""

import hashlib
from collections.abc import Callable, Mapping
from threading import RLock
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import orjson

from market import clock, money
from market.money import Money
from payments.simulators.network import Lost, TimedOut

Answer = tuple[int, dict[str, str], bytes]
Record = dict[str, Any]

VISA, RISKY, BKASH, DECLINED, SLOW = "VISA", "RISKY", "BKASH", "DECLINED", "SLOW"
ONCE, TWICE, REVERSED, NEVER = "once", "twice", "reversed", "never"
SAME, REFUSED = "same", "refused"
FEE_BASIS_POINTS = 250

# Taka for one unit of a currency, in hundredths.
RATES = {"BDT": 100, "USD": 11_050, "EUR": 12_125, "JPY": 75, "INR": 132}

_REQUIRED = (
    "total_amount", "currency", "tran_id", "success_url", "fail_url", "cancel_url", "cus_name", "cus_email", "cus_add1",
    "cus_city", "cus_postcode", "cus_country", "cus_phone", "shipping_method", "num_of_item", "product_name",
    "product_category", "product_profile",
)  # fmt: skip
_SIGNED = (
    "amount", "bank_tran_id", "card_brand", "card_issuer_country_code", "card_no", "currency", "currency_amount",
    "currency_type", "risk_level", "risk_title", "status", "store_amount", "store_id", "tran_date", "tran_id", "val_id",
    "value_a",
)  # fmt: skip
_OPEN = "OPEN"


class SslCommerzSimulator:
    """duplicates: whether a refund that is asked for again is told as the SAME, or REFUSED."""

    def __init__(self, *, store_id: str, store_passwd: str, tell: Callable[[bytes], object] | None = None) -> None:
        self.manner, self.duplicates = ONCE, SAME
        self.transactions: dict[str, Record] = {}
        self.refunds: dict[str, Record] = {}
        self.forms: dict[str, Record] = {}
        """What we were given when a session was opened."""
        self.requests: list[tuple[str, str]] = []
        self._store, self._password, self._tell = store_id, store_passwd, tell
        self._faults: list[tuple[str, str]] = []
        self._untold: list[bytes] = []
        self._serial = 0
        self._lock = RLock()

    def fail(self, fault: str, verb: str, times: int = 1) -> None:
        """The next requests of a verb (`session`, `validate`, `query`, `refund`, `refund_query`) go wrong.

        lost: SSLCommerz acts, and the answer does not arrive. timeout, 500, 429: nothing happens.
        """
        self._faults += [(fault, verb)] * times

    def pay(self, tran_id: str, by: str = VISA) -> None:
        """The customer pays, or tries to. Raises ValueError if there is nothing to pay."""
        with self._lock:
            transaction = self.transactions[tran_id]
            if transaction["status"] not in (_OPEN, "PENDING"):
                raise ValueError(f"the transaction is {transaction['status']}")
            transaction |= {
                "card_no": "01711000000" if by == BKASH else "455445XXXXXX4326",
                "card_brand": "MOBILEBANKING" if by == BKASH else "VISA",
                "card_issuer_country_code": "BD",
                "risk_level": "1" if by == RISKY else "0",
                "risk_title": "Highly suspicious" if by == RISKY else "Safe",
                "tran_date": clock.now().strftime("%Y-%m-%d %H:%M:%S"),
            }
            if by == DECLINED:
                self._end(transaction, "FAILED")
            elif by == SLOW:
                transaction["status"] = "PENDING"
            else:
                self._take(transaction)

    def settle(self, tran_id: str) -> None:
        """A pending payment comes through."""
        self._take(self.transactions[tran_id])

    def cancel(self, tran_id: str) -> None:
        self._end(self.transactions[tran_id], "CANCELLED")

    def leave(self, tran_id: str) -> None:
        """The customer never chose how to pay, and the session ran out."""
        self._end(self.transactions[tran_id], "UNATTEMPTED")

    def decide(self, status: str = "refunded") -> None:
        """What becomes of the refunds that are processed: refunded or cancelled."""
        for refund in self.refunds.values():
            if refund["status"] == "processing":
                refund["status"] = status

    def charged(self, tran_id: str) -> Money:
        """What was taken from the customer, in taka."""
        transaction = self.transactions[tran_id]
        paid = transaction["status"] in ("VALID", "VALIDATED")
        return money.parse(transaction["amount"], "BDT") if paid else Money(0, "BDT")

    def given_back(self, tran_id: str) -> Money:
        """What was given back or is about to be, in taka."""
        bank = self.transactions[tran_id].get("bank_tran_id")
        alive = (r for r in self.refunds.values() if r["bank_tran_id"] == bank and r["status"] != "cancelled")
        return money.total((money.parse(refund["refund_amount"], "BDT") for refund in alive), "BDT")

    def send(self) -> None:
        """Deliver the notifications that wait, in the present manner."""
        waiting, self._untold = self._untold, []
        if self.manner == REVERSED:
            waiting.reverse()
        for body in waiting:
            for _ in range({TWICE: 2, NEVER: 0}.get(self.manner, 1)):
                if self._tell:
                    self._tell(body)

    def signed(self, fields: Mapping[str, str]) -> bytes:
        """A notification as SSLCommerz would send it."""
        names = sorted(name for name in _SIGNED if name in fields)
        secret = hashlib.md5(self._password.encode(), usedforsecurity=False).hexdigest()
        text = dict(fields) | {"store_passwd": secret}
        line = "&".join(f"{name}={text[name]}" for name in sorted([*names, "store_passwd"]))
        sign = hashlib.md5(line.encode(), usedforsecurity=False).hexdigest()
        return urlencode(dict(fields) | {"verify_key": ",".join(names), "verify_sign": sign}).encode()

    def handle(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> Answer:
        target = urlsplit(path)
        given = dict(parse_qsl(target.query or body.decode(), keep_blank_values=True))
        verb = _verb(method, target.path, given)
        with self._lock:
            self.requests.append((verb, target.path))
            if not verb:
                return 404, {}, b"{}"
            fault = next((fault for fault, which in self._faults if which == verb), "")
            if fault:
                self._faults.remove((fault, verb))
            if fault == "timeout":
                raise TimedOut
            if fault in ("500", "429"):
                return int(fault), {}, b"{}"
            answer = self._act(verb, given)
            if fault == "lost":
                raise Lost
            return 200, {"content-type": "application/json"}, orjson.dumps(answer)

    def _act(self, verb: str, given: Mapping[str, str]) -> Record:
        ours = (given.get("store_id"), given.get("store_passwd")) == (self._store, self._password)
        if verb == "session":
            return self._session(given) if ours else {"status": "FAILED", "failedreason": "Store Credential Error"}
        if not ours:
            return {"APIConnect": "FAILED"}
        found: Record = getattr(self, f"_{verb}")(given)
        return {"APIConnect": "DONE"} | found

    def _session(self, form: Mapping[str, str]) -> Record:
        missing = next((name for name in _REQUIRED if not form.get(name)), "")
        if missing or len(form.get("tran_id", "")) > 30:
            return {"status": "FAILED", "failedreason": f"Invalid Information! '{missing or 'tran_id'}' is missing"}
        tran_id, currency = form["tran_id"], form["currency"]
        known = self.transactions.get(tran_id)
        if known and known["status"] != _OPEN:
            return {"status": "FAILED", "failedreason": "Duplicate transaction id"}
        if currency not in RATES:
            return {"status": "FAILED", "failedreason": "Currency is not supported"}
        asked = money.parse(form["total_amount"], currency)
        taka = asked.amount * RATES[currency] // 10 ** money.exponent(currency)
        if not 1_000 <= taka <= 50_000_000:
            return {"status": "FAILED", "failedreason": "Amount is out of range"}
        self.transactions[tran_id] = {
            "status": _OPEN,
            "tran_id": tran_id,
            "amount": Money(taka, "BDT").decimal(),
            "currency": "BDT",
            "currency_type": currency,
            "currency_amount": form["total_amount"],
            "value_a": form.get("value_a", ""),
        }
        self.forms[tran_id] = dict(form)
        key = self._id("SESSION")
        page = f"https://sandbox.sslcommerz.com/EasyCheckOut/{key}"
        return {"status": "SUCCESS", "failedreason": "", "sessionkey": key, "GatewayPageURL": page}

    def _validate(self, given: Mapping[str, str]) -> Record:
        for transaction in self.transactions.values():
            if transaction.get("val_id") == given["val_id"] and given["val_id"]:
                shown = dict(transaction)
                transaction["status"] = "VALIDATED"
                return shown | {"validated_on": clock.timestamp()}
        return {"status": "INVALID_TRANSACTION"}

    def _query(self, given: Mapping[str, str]) -> Record:
        found = self.transactions.get(given["tran_id"])
        tried = [] if found is None or found["status"] == _OPEN else [dict(found)]
        return {"no_of_trans_found": len(tried), "element": tried}

    def _refund(self, given: Mapping[str, str]) -> Record:
        bank, name = given["bank_tran_id"], given["refund_trans_id"]
        transaction = next((t for t in self.transactions.values() if t.get("bank_tran_id") == bank), None)
        refusal = {"bank_tran_id": bank, "status": "failed"}
        if transaction is None or not 0 < len(name) <= 30:
            return refusal | {"errorReason": "Transaction not found"}
        told = {"bank_tran_id": bank, "trans_id": transaction["tran_id"]}
        if known := self.refunds.get(name):
            if self.duplicates == REFUSED:
                return refusal | {"errorReason": "Duplicate refund_trans_id"}
            return told | {"refund_ref_id": known["refund_ref_id"], "status": "processing"}
        amount = money.parse(given["refund_amount"], "BDT")
        room = self.charged(transaction["tran_id"]) - self.given_back(transaction["tran_id"])
        if not 0 < amount.amount <= room.amount:
            return refusal | {"errorReason": "Refund amount exceeds the transaction amount"}
        ref = self._id("REF")
        self.refunds[name] = {
            "bank_tran_id": bank,
            "tran_id": transaction["tran_id"],
            "refund_ref_id": ref,
            "refund_amount": given["refund_amount"],
            "initiated_on": clock.timestamp(),
            "status": "processing",
        }
        return told | {"refund_ref_id": ref, "status": "success"}

    def _refund_query(self, given: Mapping[str, str]) -> Record:
        known = (one for one in self.refunds.values() if one["refund_ref_id"] == given["refund_ref_id"])
        return next(known, {"status": "failed", "errorReason": "Not found"})

    def _take(self, transaction: Record) -> None:
        charged = money.parse(transaction["amount"], "BDT")
        kept = Money((charged.amount * FEE_BASIS_POINTS + 5_000) // 10_000, "BDT")
        transaction |= {
            "status": "VALID",
            "val_id": self._id("VAL"),
            "bank_tran_id": self._id("BANK"),
            "store_amount": (charged - kept).decimal(),
        }
        self._untold.append(self.signed(dict(transaction) | {"store_id": self._store}))

    def _end(self, transaction: Record, status: str) -> None:
        transaction["status"] = status
        self._untold.append(self.signed(dict(transaction) | {"store_id": self._store}))

    def _id(self, prefix: str) -> str:
        self._serial += 1
        return f"{prefix}{self._serial:08d}"


def _verb(method: str, path: str, given: Mapping[str, str]) -> str:
    if (method, path) == ("POST", "/gwprocess/v4/api.php"):
        return "session"
    if (method, path) == ("GET", "/validator/api/validationserverAPI.php"):
        return "validate"
    if (method, path) == ("GET", "/validator/api/merchantTransIDvalidationAPI.php"):
        return "refund_query" if "refund_ref_id" in given else "refund" if "bank_tran_id" in given else "query"
    return ""
