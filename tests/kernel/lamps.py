"""A small service of the kernel's tests: a shop for lamps with one route of each kind."""

from threading import Barrier
from typing import Annotated, Any

from pydantic import Field

from market.errors import Conflict, TooManyRequests, Unavailable
from market.http import ANYONE, CUSTOMER, STAFF, VENDOR, Body, Limit, Response, ServiceApi, View, reply, reply_json
from market.manifest import Manifest
from market.money import Money

MANIFEST = Manifest(
    service="lamps",
    prefixes=("LMP#", "LMX#"),
    functions=(),
    publishes=("lamp.lit",),
    consumes=("lamp.lit",),
    permissions={"lamps.dust": ("admin",)},
)
VERSION = 3

api = ServiceApi(MANIFEST)
together: list[Barrier] = []
"""Where threads of a test wait for each other in the middle of their requests."""


class SoldOut(Conflict):
    code, title = "sold_out", "Sold out"


class Wish(Body):
    name: Annotated[str, Field(min_length=1, max_length=20)]
    quantity: Annotated[int, Field(strict=True, ge=1, le=99)] = 1
    price: Money | None = None
    free_text: str = ""


class LampView(View):
    lamp_name: str
    quantity: int = 0
    said_by: str = ""


@api.get("/v1/lamps", callers=[ANYONE])
def browse(limit: Limit = 20) -> LampView:
    """All lamps.

    A second paragraph.
    """
    return LampView(lamp_name="all", quantity=limit)


@api.post("/v1/lamps", callers=[CUSTOMER], status=201, problems=[SoldOut])
def order(wish: Wish) -> LampView:
    """Order a lamp."""
    if wish.name == "last":
        raise SoldOut("It was the last.", lamp="last")
    return LampView(lamp_name=wish.name, quantity=wish.quantity, said_by=api.caller.id)


@api.get("/v1/lamps/<name>", callers=[CUSTOMER, VENDOR, STAFF])
def show(name: str) -> Response[LampView]:
    return reply(LampView(lamp_name=name), version=VERSION, cache_seconds=60)


@api.patch("/v1/lamps/<name>", callers=[CUSTOMER])
def rename(name: str, wish: Wish) -> LampView:
    api.require_match(VERSION)
    return LampView(lamp_name=wish.name)


@api.post("/v1/lamps/<name>/purchases", callers=[CUSTOMER])
def buy(name: str, wish: Wish) -> dict[str, str]:
    once = api.idempotency()
    return {"key": once.key, "fingerprint": once.fingerprint}


@api.post("/v1/signals", callers=[ANYONE], raw=True, max_body=100)
def signal() -> dict[str, int]:
    return {"bytes": len(api.body)}


@api.get("/v1/vendors/<vendor_id>/lamps", callers=[VENDOR, STAFF], needs="lamps.dust")
def of_vendor(vendor_id: str) -> LampView:
    return LampView(lamp_name=vendor_id)


@api.get("/v1/ready", callers=[ANYONE])
def ready() -> Response[Any]:
    return reply_json('{"ready":true}')


@api.get("/v1/trouble/<kind>", callers=[ANYONE])
def trouble(kind: str) -> LampView:
    match kind:
        case "crash":
            raise RuntimeError("the password is swordfish")
        case "busy":
            raise Unavailable("Please wait.", retryAfter=7)
        case "often":
            raise TooManyRequests("Please wait.")
    return {"unfit": kind}  # type: ignore[return-value]


@api.post("/v1/echo/<name>", callers=[CUSTOMER])
def echo(name: str, wish: Wish) -> dict[str, str]:
    """Everything that the kernel knows of the request, told before and after all threads are inside."""
    before = _known()
    for barrier in together:
        barrier.wait(5)
    assert before == _known()
    return before | {"path": name, "wish": wish.name}


def _known() -> dict[str, str]:
    return {
        "caller": api.caller.id,
        "vendor": ",".join(api.caller.standing.vendors),
        "header": api.header("X-Mine"),
        "body": api.body.decode(),
        "key": api.idempotency().key,
    }
