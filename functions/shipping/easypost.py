"""What is said to EasyPost, and what it answers, as bytes: pure. They count in ounces and inches.

No name, no street, no house number is sent: a price depends on country, region and postcode. Weights are rounded up to
a tenth of an ounce and sides to a tenth of an inch, since a label of less is charged afterwards.
"""

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from market.money import CURRENCIES, MAX_AMOUNT, Money, parse
from shipping.model import Destination, Origin, Parcel
from shipping.rating import weight_of
from shipping.zones import region_of

PATH = "/v2/shipments"
MAX_RATES = 40
"""Of one answer; more are of no use to anybody who has to choose."""

_GRAMS_PER_OUNCE, _MM_PER_INCH = (28_349_523_125, 10**9), (254, 10)
_LONGEST_NAME = 40


class Unreadable(ValueError):
    """The answer is not one of theirs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rated:
    """One service, as they answered it. days: on the way, 0 where they do not know; parcels: so many for the price."""

    carrier: str
    service: str
    price: Money
    days: int = 0
    parcels: int = 1


@dataclass(frozen=True, slots=True)
class Answer:
    """What carriers offer; those that failed, and how often. refusal: their code where they refused the question."""

    rates: tuple[Rated, ...] = ()
    silent: int = 0
    refusal: str = ""


def headers(api_key: str) -> dict[str, str]:
    """Basic authentication with the key as the user."""
    token = base64.b64encode(f"{api_key}:".encode()).decode()
    return {"authorization": f"Basic {token}", "content-type": "application/json", "user-agent": "marketplace/1"}


def question(origin: Origin, destination: Destination, parcel: Parcel, default_grams: int) -> bytes:
    """The body of `POST /v2/shipments`: where from, where to, and one parcel of everything."""
    shipment: dict[str, Any] = {
        "from_address": _address(origin.country, origin.region, origin.postal_code, origin.city),
        "to_address": _address(destination.country, region_of(destination), destination.postal_code, destination.city),
        "parcel": _parcel(parcel, default_grams),
    }
    return orjson.dumps({"shipment": shipment})


def read(status: int, body: bytes) -> Answer:
    """Their answer, 2xx or 4xx. Raises Unreadable for what is not JSON, or not of the shape they promise."""
    try:
        said = orjson.loads(body)
    except orjson.JSONDecodeError:
        raise Unreadable("no JSON") from None
    if not isinstance(said, dict):
        raise Unreadable("no object")
    if status >= 400:
        error = said.get("error")
        code = error.get("code") if isinstance(error, dict) else None
        return Answer(refusal=str(code or status)[:60])
    rates, messages = said.get("rates"), said.get("messages") or []
    if not isinstance(rates, list) or not isinstance(messages, list):
        raise Unreadable("no rates")
    found = [rated for rate in rates[:MAX_RATES] if (rated := _rated(rate))]
    failed = {str(one.get("carrier")) for one in messages if isinstance(one, dict) and one.get("type") == "rate_error"}
    return Answer(tuple(found), len(failed - {rated.carrier for rated in found}))


def ounces(grams: int) -> float:
    """Tenths of an ounce, rounded up: 453.59237 g are 16."""
    above, below = _GRAMS_PER_OUNCE
    return max(1, -(-grams * below * 10 // above)) / 10


def inches(millimetres: int) -> float:
    """Tenths of an inch, rounded up: 25.4 mm are 1."""
    above, below = _MM_PER_INCH
    return max(1, -(-millimetres * below * 10 // above)) / 10


def box(parcel: Parcel) -> Sequence[int]:
    """Sides of one parcel that could hold it all: the longest two of any unit, and as high as the volume makes it."""
    length, width, height = parcel.sides_mm
    if not length * width:
        return ()
    return length, width, max(height, -(-parcel.volume_mm3 // (length * width)))


def _parcel(parcel: Parcel, default_grams: int) -> dict[str, float]:
    said = {"weight": ounces(weight_of(parcel, default_grams))}
    sides = zip(("length", "width", "height"), box(parcel), strict=False)
    return said | {name: inches(side) for name, side in sides}


def _address(country: str, region: str, postal_code: str, city: str) -> dict[str, str]:
    said = {"country": country, "state": region, "zip": postal_code, "city": city}
    return {name: value for name, value in said.items() if value}


def _rated(rate: Any) -> Rated | None:
    """None for a rate that cannot be a price: we would rather not offer it than guess."""
    try:
        currency = str(rate["currency"])
        price = parse(str(rate["rate"]), currency if currency in CURRENCIES else "")
        carrier, service = str(rate["carrier"]), str(rate["service"])
        days = rate.get("delivery_days") or rate.get("est_delivery_days") or 0
    except (KeyError, TypeError, AttributeError, ValueError):
        return None
    if not carrier or not service or price.amount > MAX_AMOUNT or not isinstance(days, int) or not 0 <= days <= 60:
        return None
    return Rated(carrier=carrier[:_LONGEST_NAME], service=service[:_LONGEST_NAME], price=price, days=days)
