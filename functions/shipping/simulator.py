"""Carriers behind one API in the form of EasyPost's, with their rules.

    carriers = Carriers(api_key="…")
    config.use_http(Network({"https://carriers.test": carriers.handle}))

Two carriers answer. Heron flies: three services, dear, up to 70 lb. Tortoise drives: one service, within a country and
never further than seven zones, up to 150 lb. Neither takes what is longer than 108 in, or 165 in with its girth. A zone
is how far two postcodes are apart by their first three signs; abroad it is nine. Both charge by weight or dimensional
weight (139 in³/lb), whatever is more, in the currency of the country that it is sent from. Of what is too large or too
heavy for a carrier there is a message from it instead of a rate.

A question without a key is refused, one without a parcel or a country too, and so is the postcode 00000, which is
nowhere. Whoever asks more than `allowed` times a minute is told to wait. `down` names carriers that fail, `out` is an
outage of all of it, `silence` an error that the network raises in place of an answer.
"""

import base64
from collections import deque
from collections.abc import Mapping
from threading import Lock
from typing import Any

import orjson

from market import clock, ids
from market.money import Money, exponent

_SERVICES = {
    "Heron": {"Ground": (450, 9, 3), "Priority": (780, 14, 2), "Overnight": (2_400, 31, 1)},
    "Tortoise": {"Home": (390, 7, 5)},
}
"""By carrier and service: cents to begin with, for each pound and zone, and the days that it takes."""

_MAX_OUNCES = {"Heron": 70 * 16, "Tortoise": 150 * 16}
_MAX_SIDE_INCHES, _MAX_GIRTH_INCHES = 108, 165
_DIM_DIVISOR = 139
_ABROAD, _TORTOISE_REACH = 9, 7
_CURRENCIES = {"US": "USD", "GB": "GBP", "JP": "JPY", "KW": "KWD", "BH": "BHD"}
_REMEMBERED = 1_000
Reply = tuple[int, Mapping[str, str], bytes]


class Refused(Exception):
    """The question cannot be answered; `status` and `code` as they tell it."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status, self.code = status, code


class Carriers:
    """`asked` remembers the last questions, so that a test can count them and see what was said of a person."""

    def __init__(self, api_key: str, *, allowed: int = 600) -> None:
        self.down: set[str] = set()
        self.out = False
        self.silence: Exception | None = None
        self.asked: deque[dict[str, Any]] = deque(maxlen=_REMEMBERED)
        self._expected = "Basic " + base64.b64encode(f"{api_key}:".encode()).decode()
        self._allowed = allowed
        self._minutes: dict[int, int] = {}
        self._shipments: dict[str, dict[str, Any]] = {}
        self._lock = Lock()

    def handle(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> Reply:
        """The answer to `POST /v2/shipments`, or to `GET /v2/shipments/<id>` of one that was made."""
        try:
            return _reply(*self.answer(method, path, headers, body))
        except Refused as refused:
            error = {"code": refused.code, "message": str(refused), "errors": []}
            return _reply(refused.status, {"error": error})

    def answer(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> tuple[int, dict[str, Any]]:
        """The same as an object. Raises Refused."""
        with self._lock:
            self._admit(headers.get("authorization", ""))
            if method == "POST" and path == "/v2/shipments":
                return 201, self._shipment(body)
            known = self._shipments.get(path.removeprefix("/v2/shipments/"))
            if method != "GET" or known is None:
                raise Refused(404, "NOT_FOUND", "The requested resource could not be found.")
            return 200, known

    def _admit(self, authorization: str) -> None:
        if self.silence is not None:
            raise self.silence
        if self.out:
            raise Refused(503, "SERVICE_UNAVAILABLE", "Try again later.")
        if authorization != self._expected:
            raise Refused(401, "UNAUTHORIZED", "This key is not one of ours.")
        minute = clock.epoch() // 60
        self._minutes = {minute: self._minutes.get(minute, 0) + 1}
        if self._minutes[minute] > self._allowed:
            raise Refused(429, "RATE_LIMITED", "Too many requests.")

    def _shipment(self, body: bytes) -> dict[str, Any]:
        asked = _asked(body)
        self.asked.append(asked)
        rates, messages = rated(asked, frozenset(self.down))
        made = asked | {"object": "Shipment", "id": f"shp_{ids.ulid()}", "rates": rates, "messages": messages}
        if len(self._shipments) >= _REMEMBERED:
            self._shipments.clear()
        self._shipments[made["id"]] = made
        return made


def rated(asked: dict[str, Any], down: frozenset[str]) -> tuple[list[dict[str, Any]], list[dict[str, str]]]:
    """The rates of all carriers, and why some have none."""
    rates: list[dict[str, Any]] = []
    messages: list[dict[str, str]] = []
    for carrier, services in _SERVICES.items():
        if problem := "Service unavailable." if carrier in down else _refusal(carrier, asked):
            messages.append({"carrier": carrier, "type": "rate_error", "message": problem})
            continue
        rates += [_rate(carrier, service, *terms, asked) for service, terms in services.items()]
    return rates, messages


def zone(asked: dict[str, Any]) -> int:
    """How far it is: 1 next door to 8, and 9 abroad."""
    sender, receiver = asked["from_address"], asked["to_address"]
    if sender["country"] != receiver["country"]:
        return _ABROAD
    here, there = (_number(str(address.get("zip", ""))) for address in (sender, receiver))
    return min(8, 1 + abs(here - there) // 120)


def _number(code: str) -> int:
    """The first three signs of a postcode as a number below a thousand."""
    digits = [int(sign, 36) % 10 for sign in code[:3].upper() if sign.isascii() and sign.isalnum()]
    return int("".join(map(str, digits)) or "0")


def _refusal(carrier: str, asked: dict[str, Any]) -> str:
    parcel = asked["parcel"]
    sides = sorted((float(parcel.get(side, 0)) for side in ("length", "width", "height")), reverse=True)
    if float(parcel["weight"]) > _MAX_OUNCES[carrier]:
        return "Package is too heavy."
    if sides[0] > _MAX_SIDE_INCHES or sides[0] + 2 * (sides[1] + sides[2]) > _MAX_GIRTH_INCHES:
        return "Package exceeds maximum size."
    if carrier == "Tortoise" and zone(asked) > _TORTOISE_REACH:
        return "Destination is out of reach."
    return ""


def _rate(carrier: str, service: str, begins: int, each: int, days: int, asked: dict[str, Any]) -> dict[str, Any]:
    parcel, country = asked["parcel"], asked["from_address"]["country"]
    volume = 1.0
    for side in ("length", "width", "height"):
        volume *= float(parcel.get(side, 0))
    pounds = -(-max(float(parcel["weight"]) / 16, volume / _DIM_DIVISOR) // 1)
    cents = begins + each * int(pounds) * zone(asked)
    currency = _CURRENCIES.get(country, "EUR")
    price = Money(-(-cents * 10 ** exponent(currency) // 100), currency)
    return {
        "object": "Rate", "id": f"rate_{ids.ulid()}", "carrier": carrier, "service": service, "rate": price.decimal(),
        "currency": currency, "delivery_days": days, "est_delivery_days": days, "delivery_date": None,
    }  # fmt: skip


def _asked(body: bytes) -> dict[str, Any]:
    """The question, once all is there that an answer needs. Raises Refused."""
    try:
        shipment = dict(orjson.loads(body)["shipment"])
        sender, receiver, parcel = (dict(shipment[name]) for name in ("from_address", "to_address", "parcel"))
        heavy = float(parcel["weight"]) > 0
    except (orjson.JSONDecodeError, KeyError, TypeError, ValueError):
        raise Refused(422, "PARAMETER.REQUIRED", "Missing required parameter.") from None
    if not heavy:
        raise Refused(422, "PARAMETER.INVALID", "A parcel weighs something.")
    for address in (sender, receiver):
        if not address.get("country") or address.get("zip") == "00000":
            raise Refused(422, "ADDRESS.VERIFY.FAILURE", "Unable to verify address.")
    return {"from_address": sender, "to_address": receiver, "parcel": parcel}


def _reply(status: int, said: dict[str, Any]) -> Reply:
    return status, {"content-type": "application/json"}, orjson.dumps(said)
