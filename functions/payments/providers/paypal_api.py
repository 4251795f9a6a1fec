"""PayPal's REST API as such: the token, one way to call, what its answers mean, and how it writes amounts."""

from base64 import b64encode
from typing import Any

import orjson

from market import clock, config, money
from market.money import Money
from payments import credentials
from payments.gateway import send
from payments.model import Contradicted, ProviderUnavailable

# https://developer.paypal.com/docs/api/reference/currency-codes/ lists what PayPal takes; of the three without decimals
# it says that an error occurs if a decimal amount is passed. ISO 4217 gives forints and Taiwan dollars two digits.
_TAKEN = "AUD BRL CAD CHF CNY CZK DKK EUR GBP HKD HUF ILS JPY MXN MYR NOK NZD PHP PLN SEK SGD THB TWD USD"
CURRENCIES = frozenset(_TAKEN.split())
NO_DECIMALS = frozenset({"HUF", "JPY", "TWD"})

_EARLY_SECONDS = 60
_PASSING = frozenset({408, 409, 425, 429})
_tokens: dict[tuple[str, str], tuple[str, int]] = {}


class Refused(Exception):
    """PayPal understood and will not do it; `issue` is its word for why."""

    def __init__(self, issue: str) -> None:
        super().__init__(issue)
        self.issue = issue


class Malformed(RuntimeError):
    """PayPal cannot read what we sent."""


class Unwritable(ValueError):
    """PayPal has no way to write the amount."""


def call(method: str, path: str, body: Any = None, *, key: str = "") -> dict[str, Any]:
    """The JSON that PayPal answers. body: JSON, or bytes that are JSON already.

    `key` becomes the PayPal-Request-Id: PayPal repeats the answer to a request that it has carried out under it. Raises
    Refused, Contradicted for what is not there, or ProviderUnavailable when the outcome is unknown.
    """
    content = body if isinstance(body, bytes) else None if body is None else orjson.dumps(body)
    status, answer = _exchange(method, path, content, key)
    if status == 401:  # revoked before its time, or the key was changed: once more with a new token
        _tokens.clear()
        status, answer = _exchange(method, path, content, key)
    if status < 400:
        return answer
    if status >= 500 or status in _PASSING:
        raise ProviderUnavailable("PayPal did not answer.")
    if status == 404:
        raise Contradicted("PayPal does not know it.")
    if status == 422:
        raise Refused(_issue(answer))
    failure = Malformed if status == 400 else RuntimeError
    raise failure(f"PayPal does not accept our call: {status} {_issue(answer)}")


def write(amount: Money) -> dict[str, str]:
    """As PayPal writes it. Raises Unwritable for currencies and fractions that it does not take."""
    if amount.currency not in CURRENCIES:
        raise Unwritable(f"PayPal does not take {amount.currency}.")
    if amount.currency not in NO_DECIMALS:
        return {"currency_code": amount.currency, "value": amount.decimal()}
    whole, fraction = divmod(amount.amount, 10 ** money.exponent(amount.currency))
    if fraction:
        raise Unwritable(f"PayPal takes no fractions of {amount.currency}.")
    return {"currency_code": amount.currency, "value": str(whole)}


def read(amount: dict[str, str]) -> Money:
    return money.parse(amount["value"], amount["currency_code"])


def _exchange(method: str, path: str, content: bytes | None, key: str) -> tuple[int, dict[str, Any]]:
    headers = {"authorization": f"Bearer {_token()}", "content-type": "application/json"}
    if method == "POST":
        headers["prefer"] = "return=representation"
    if key:
        headers["paypal-request-id"] = key
    return send(method, config.setting("PAYPAL_API_BASE") + path, headers, content)


def _token() -> str:
    """An access token that is good for another minute at least; one serves every call until it runs out."""
    known, base = credentials.of("paypal"), config.setting("PAYPAL_API_BASE")
    owner = (base, known["client_id"])
    token, until = _tokens.get(owner, ("", 0))
    if until - _EARLY_SECONDS <= clock.epoch():
        basic = b64encode(f"{known['client_id']}:{known['client_secret']}".encode()).decode()
        headers = {"authorization": f"Basic {basic}", "content-type": "application/x-www-form-urlencoded"}
        status, answer = send("POST", f"{base}/v1/oauth2/token", headers, b"grant_type=client_credentials")
        if status >= 500 or status in _PASSING:
            raise ProviderUnavailable("PayPal did not answer.")
        if status != 200:
            raise RuntimeError(f"PayPal does not accept our credentials: {status}")
        token = str(answer["access_token"])
        _tokens[owner] = token, clock.epoch() + int(answer["expires_in"])
    return token


def _issue(answer: dict[str, Any]) -> str:
    details = answer.get("details") or [{}]
    return str(details[0].get("issue") or answer.get("name") or "unknown")
