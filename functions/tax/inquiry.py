"""Tax services of other companies, as pure functions: what to ask, what an answer says. Amounts stay whole numbers.

    request = provider_request("avalara", question, credentials)   # method, path, headers, body: for any HTTP client
    answer = read_answer("avalara", question, status, body)        # per line; or raises, and the table counts instead

Avalara (AvaTax REST v2) prices lines with the tax in them as well as without; TaxJar knows only prices that the tax
comes on top of: `answers` says whether a question can be put to a provider. A sale is recorded under the order's id, a
refund under the refund's, so that a record made twice is one record: both companies refuse the second, which is `done`.
"""

from base64 import b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

import orjson

from market.errors import Problem
from market.money import Money, exponent, total
from tax.categories import DIGITAL, EXEMPT, WHOLE, Destination

TABLE, AVALARA, TAXJAR = "table", "avalara", "taxjar"
"""Values of the setting TAX_PROVIDER; `table` asks nobody."""

SHIPPING = "shipping"
"""Category of a line that is a parcel's price."""

_AVALARA_CODES = {DIGITAL: "D0000000", EXEMPT: "NT", SHIPPING: "FR020100"}
_TAXJAR_CODES = {DIGITAL: "31000", EXEMPT: "99999"}
_CLIENT = "marketplace; 1; REST; v2; serverless"
_AGAIN = frozenset({408, 429, 500, 502, 503, 504})


class ProviderFailed(Problem):
    """The tax service gave no answer that counts: the table decides. `again`: asking later may help."""

    status, code, title = 503, "tax_provider_failed", "Tax service failed"

    def __init__(self, detail: str = "", *, again: bool = True) -> None:
        super().__init__(detail)
        self.again = again


class AddressRefused(ProviderFailed):
    """The tax service does not find the address, or its parts do not fit together."""

    status, code, title = 422, "tax_address_refused", "Address not found"


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """One line of a question. amount: after discounts, of all units; what is given back is negative."""

    number: str
    category: str
    amount: Money
    quantity: int = 1
    sku: str = ""
    tax: Money | None = None
    """What was charged, for records of a sale; None while it is asked for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What is sold to whom. code: the order's or the refund's id; customer: an id, never a name.

    inclusive: the amounts contain the tax. exemption: number of a certificate; origin: where the goods are sent from.
    refund_of: the order's id, where this is a refund.
    """

    code: str
    at: str
    customer: str
    destination: Destination
    lines: Sequence[Asked]
    city: str = ""
    street: str = ""
    inclusive: bool = False
    exemption: str = ""
    origin: Destination | None = None
    refund_of: str = ""

    @property
    def currency(self) -> str:
        return self.lines[0].amount.currency


@dataclass(frozen=True, slots=True)
class Request:
    """An HTTP request; `path` starts after the provider's base URL."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class LineAnswer:
    """The tax on one line, and all rates on it together, in thousandths of a percent."""

    tax: Money
    rate: int


@dataclass(frozen=True, slots=True)
class Answer:
    """The tax by line number. jurisdiction: country, or country and state."""

    provider: str
    lines: Mapping[str, LineAnswer]
    jurisdiction: str


def answers(provider: str, question: Question) -> bool:
    """Whether the provider can be asked this."""
    return provider == AVALARA or (provider == TAXJAR and not question.inclusive)


def provider_request(provider: str, question: Question, credentials: Mapping[str, str]) -> Request:
    """What to send to learn the tax; nothing is recorded there."""
    if provider == AVALARA:
        return _avalara(question, credentials, kind="SalesOrder", commit=False)
    return _post("/v2/taxes", _taxjar_question(question), _bearer(credentials))


def record_request(provider: str, question: Question, credentials: Mapping[str, str]) -> Request:
    """What to send to record a sale or a refund as final, at the tax that was charged."""
    if provider == AVALARA:
        kind = "ReturnInvoice" if question.refund_of else "SalesInvoice"
        return _avalara(question, credentials, kind=kind, commit=True)
    path = "/v2/transactions/refunds" if question.refund_of else "/v2/transactions/orders"
    return _post(path, _taxjar_record(question), _bearer(credentials))


def read_answer(provider: str, question: Question, status: int, body: bytes) -> Answer:
    """Raises AddressRefused or ProviderFailed, also for an answer that cannot be right.

    That is one that is not about every line and no other, that has a tax below nothing, above the price or without a
    rate, or a sum that is not that of its lines.
    """
    found = _read(provider, status, body)
    try:
        if provider == AVALARA:
            lines, whole = _avalara_lines(found), found["totalTax"]
        else:
            lines, whole = _taxjar_lines(found["tax"], question), found["tax"]["amount_to_collect"]
        read = {number: LineAnswer(_money(tax, question.currency), rate) for number, (tax, rate) in lines.items()}
        in_all = _money(_decimal(whole), question.currency)
    except (KeyError, TypeError, ValueError, AttributeError, ArithmeticError):
        raise ProviderFailed("The answer is not as it is documented.", again=False) from None
    if in_all != total((line.tax for line in read.values()), question.currency) or not _fits(read, question):
        raise ProviderFailed("The answer does not fit the question.", again=False)
    place = question.destination
    return Answer(provider, read, f"{place.country}-{place.region}" if place.region else place.country)


def _fits(read: Mapping[str, LineAnswer], question: Question) -> bool:
    """Whether it is about exactly these lines, and each tax can be one on its amount."""
    asked = {line.number: line.amount.amount for line in question.lines}
    return read.keys() == asked.keys() and all(
        0 <= told.rate <= WHOLE
        and min(0, asked[number]) <= told.tax.amount <= max(0, asked[number])
        and (told.rate or not told.tax.amount)
        for number, told in read.items()
    )


def read_recorded(provider: str, status: int, body: bytes) -> None:
    """That the sale is on record, be it since an earlier request. Raises ProviderFailed or AddressRefused."""
    if status in (400, 409, 422) and _is_duplicate(body):
        return
    _read(provider, status, body)


def _is_duplicate(body: bytes) -> bool:
    """AvaTax: error DuplicateEntry; TaxJar: 422 with a sentence that has been the same for years."""
    return b"DuplicateEntry" in body or b"already imported" in body


def _read(provider: str, status: int, body: bytes) -> dict[str, Any]:
    if status in _AGAIN:
        raise ProviderFailed(f"{provider} answers {status}.")
    try:
        found = orjson.loads(body)
    except orjson.JSONDecodeError:
        raise ProviderFailed(f"{provider} answers {status} and no JSON.") from None
    if status < 300 and isinstance(found, dict):
        return found
    if _is_about_the_address(found):
        raise AddressRefused("The tax service does not find this address.", again=False)
    raise ProviderFailed(f"{provider} answers {status}.", again=False)


def _is_about_the_address(found: Any) -> bool:
    """AvaTax names its error, TaxJar tells in a sentence which of `to_zip`, `to_state`, `to_country` is wrong."""
    if not isinstance(found, dict):
        return False
    error = found.get("error")
    if isinstance(error, dict):
        return "Address" in str(error.get("code", "")) or error.get("target") == "IncorrectData"
    return str(found.get("detail", "")).startswith("to_")


def _avalara(question: Question, credentials: Mapping[str, str], *, kind: str, commit: bool) -> Request:
    addresses = {"shipTo": _avalara_address(question.destination, question.city, question.street)}
    if question.origin:
        addresses["shipFrom"] = _avalara_address(question.origin)
    body: dict[str, Any] = {
        "type": kind,
        "code": question.code,
        "companyCode": credentials.get("company", "DEFAULT"),
        "date": question.at[:10],
        "customerCode": question.customer,
        "currencyCode": question.currency,
        "commit": commit,
        "addresses": addresses,
        "lines": [_avalara_line(line, question) for line in question.lines],
    }
    body |= {"exemptionNo": question.exemption} if question.exemption else {}
    if question.refund_of:
        body |= {"referenceCode": question.refund_of}
    pair = f"{credentials['account']}:{credentials['license_key']}".encode()
    headers = {"authorization": f"Basic {b64encode(pair).decode()}", "x-avalara-client": _CLIENT}
    return _post("/api/v2/transactions/create", body, headers)


def _avalara_line(line: Asked, question: Question) -> dict[str, Any]:
    made: dict[str, Any] = {
        "number": line.number,
        "quantity": line.quantity,
        "amount": _number(line.amount),
        "taxCode": _AVALARA_CODES.get(line.category, "P0000000"),
        "taxIncluded": question.inclusive,
    }
    if line.sku:
        made["itemCode"] = line.sku[:50]
    if line.tax:
        made["taxOverride"] = {"type": "TaxAmount", "taxAmount": _number(line.tax), "reason": "As charged"}
    return made


def _avalara_address(place: Destination, city: str = "", street: str = "") -> dict[str, str]:
    parts = {
        "line1": street,
        "city": city,
        "region": place.region,
        "country": place.country,
        "postalCode": place.postal_code,
    }
    return {name: value for name, value in parts.items() if value}


def _avalara_lines(found: Mapping[str, Any]) -> dict[str, tuple[Decimal, int]]:
    return {
        str(line["lineNumber"]): (
            _decimal(line["tax"]),
            sum(_thousandths(detail["rate"]) for detail in line["details"]),
        )
        for line in found["lines"]
    }


def _taxjar_question(question: Question) -> dict[str, Any]:
    goods = [line for line in question.lines if line.category != SHIPPING]
    body = _taxjar_places(question) | {
        "amount": _number(total((line.amount for line in question.lines), question.currency)),
        "shipping": _number(_shipping(question)),
        "line_items": [_taxjar_line(line) for line in goods],
    }
    return body | ({"exemption_type": "other"} if question.exemption else {})


def _taxjar_record(question: Question) -> dict[str, Any]:
    taxes = total((line.tax for line in question.lines if line.tax), question.currency)
    body = _taxjar_question(question) | {
        "transaction_id": question.code,
        "transaction_date": question.at[:10],
        "sales_tax": _number(taxes),
    }
    for item, line in zip(
        body["line_items"], (line for line in question.lines if line.category != SHIPPING), strict=True
    ):
        item["sales_tax"] = _number(line.tax or Money(0, question.currency))
    return body | ({"transaction_reference_id": question.refund_of} if question.refund_of else {})


def _taxjar_line(line: Asked) -> dict[str, Any]:
    """One unit at the whole amount, since a discount does not always divide by the units."""
    made: dict[str, Any] = {"id": line.number, "quantity": 1, "unit_price": _number(line.amount)}
    made |= {"product_identifier": line.sku} if line.sku else {}
    code = _TAXJAR_CODES.get(line.category)
    return made | ({"product_tax_code": code} if code else {})


def _taxjar_places(question: Question) -> dict[str, str]:
    to = question.destination
    parts = {
        "to_country": to.country,
        "to_state": to.region,
        "to_zip": to.postal_code,
        "to_city": question.city,
        "to_street": question.street,
    }
    if question.origin:
        origin = question.origin
        parts |= {"from_country": origin.country, "from_state": origin.region, "from_zip": origin.postal_code}
    return {name: value for name, value in parts.items() if value}


def _taxjar_lines(found: Mapping[str, Any], question: Question) -> dict[str, tuple[Decimal, int]]:
    """Without nexus there is no breakdown, and nothing to collect."""
    parcels = [line for line in question.lines if line.category == SHIPPING]
    breakdown = found.get("breakdown")
    if breakdown is None:
        if _decimal(found["amount_to_collect"]):
            raise ValueError("tax without a breakdown")
        return {line.number: (Decimal(0), 0) for line in question.lines}
    read = {
        str(item["id"]): (_decimal(item["tax_collectable"]), _thousandths(item["combined_tax_rate"]))
        for item in breakdown["line_items"]
    }
    shipping = breakdown.get("shipping") or {"tax_collectable": 0, "combined_tax_rate": 0}
    rate = _thousandths(shipping["combined_tax_rate"])
    whole = _money(_decimal(shipping["tax_collectable"]), question.currency)
    weights = [abs(line.amount.amount) for line in parcels]
    shares = whole.allocate(weights) if any(weights) else [Money(0, question.currency)] * len(parcels)
    return read | {line.number: (Decimal(share.decimal()), rate) for line, share in zip(parcels, shares, strict=True)}


def _shipping(question: Question) -> Money:
    return total((line.amount for line in question.lines if line.category == SHIPPING), question.currency)


def _post(path: str, body: Mapping[str, Any], headers: Mapping[str, str]) -> Request:
    return Request("POST", path, {"content-type": "application/json", **headers}, orjson.dumps(body))


def _bearer(credentials: Mapping[str, str]) -> dict[str, str]:
    return {"authorization": f"Bearer {credentials['token']}"}


def _number(money: Money) -> float:
    """As JSON has it; exact both ways, since every amount has fewer than 15 digits."""
    return float(money.decimal())


def _decimal(number: float | str) -> Decimal:
    return Decimal(str(number))


def _money(amount: Decimal, currency: str) -> Money:
    scaled = amount.scaleb(exponent(currency)).quantize(Decimal(1), ROUND_HALF_UP)
    return Money(int(scaled), currency)


def _thousandths(share: float | str) -> int:
    """0.0925 of the price is 9250."""
    return int((_decimal(share) * WHOLE).quantize(Decimal(1), ROUND_HALF_UP))
