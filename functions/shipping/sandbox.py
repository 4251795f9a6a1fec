"""The carriers' simulator as a server, for every stage but production: see `simulator.py` for its rules.

It remembers nothing between two questions that matters: the same question has the same price everywhere.
"""

from functools import cache
from typing import NoReturn

from pydantic import ConfigDict

from market.errors import NotFound, TooManyRequests, Unauthenticated, Unavailable, Unprocessable
from market.http import ANYONE, Response, ServiceApi, View, reply
from shipping import gateway
from shipping.manifest import MANIFEST
from shipping.simulator import Carriers, Refused

api = ServiceApi(MANIFEST)
handler = api.handler


class Theirs(View):
    """What another company answers is spelled as it spells it."""

    model_config = ConfigDict(alias_generator=None)


class SimulatedRate(Theirs):
    id: str
    object: str
    carrier: str
    service: str
    rate: str
    currency: str
    delivery_days: int
    est_delivery_days: int


class CarrierMessage(Theirs):
    carrier: str
    type: str
    message: str


class SimulatedShipment(Theirs):
    id: str
    object: str
    rates: list[SimulatedRate]
    messages: list[CarrierMessage]


@api.post(
    f"{gateway.SANDBOX}/v2/shipments",
    callers=[ANYONE],
    status=201,
    raw=True,
    max_body=10_000,
    problems=[Unauthenticated, TooManyRequests],
)
def rate() -> Response[SimulatedShipment]:
    """What the simulated carriers want for a parcel."""
    headers = {"authorization": api.header("authorization")}
    try:
        status, said = _carriers(gateway.sandbox_key()).answer("POST", "/v2/shipments", headers, api.body)
    except Refused as refused:
        _refuse(refused)
    return reply(SimulatedShipment.model_validate(said), status=status)


def _refuse(refused: Refused) -> NoReturn:
    known = {401: Unauthenticated, 422: Unprocessable, 429: TooManyRequests, 503: Unavailable}
    raise known.get(refused.status, NotFound)(str(refused))


@cache
def _carriers(key: str) -> Carriers:
    return Carriers(key)
