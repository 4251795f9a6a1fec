"""What lists and pages cost with 1,000 and with 20,000 products: request units and handler CPU must not grow.

Products come in through the import route. Units are as the embedded database counts them, by AWS's rules. CPU is of
the handler's thread while the database's answers are played back from memory (`bench.tape`): it is of our code and of
botocore's, but for what signing and sending take. Both sizes are played in turn, so that whatever else the machine does
slows both; the least mean of many rounds counts. Beside it stands how many functions are called, which depends on no
machine's mood. `again` is what a function answers that showed the same just before.
"""

import gc
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial

from bench.meter import Meter, Reading
from bench.tape import Tape
from local.harness import InProcess, marketplace
from market import clock
from tests.http import request

SIZES = (1_000, 20_000)
BATCH, CALLS, ROUNDS = 50, 20, 60
MOST_CALLS = 2
_SHARED = "SCALE-500"


@dataclass(frozen=True)
class Read:
    """A list or page. `forget` lets the function forget what it remembers of it: before each call, if not `again`."""

    name: str
    path: str
    forget: Callable[[], None]
    again: bool = True

    def prepare(self) -> None:
        self.forget()
        self.call()

    def call(self) -> None:
        from catalog.api import handler

        if not self.again:
            self.forget()
        assert handler(request("GET", self.path), None)["statusCode"] == 200, self.path


@dataclass
class Shop:
    """What it answered at one size."""

    tape: Tape = field(default_factory=Tape)
    readings: list[Reading] = field(default_factory=list)
    least: list[float] = field(default_factory=list)
    """Milliseconds of CPU for each of the reads."""
    steps: list[int] = field(default_factory=list)
    """Functions called for each of the reads, be they of Python or built in."""


def main() -> None:
    """Print calls, units and CPU at both sizes, and their ratios."""
    with marketplace(sockets=False) as market:
        staff = market.person("grace@example.com", roles=("customer", "staff"))
        _plant(market, staff)
        (token, vendor_id), (rival, rival_id) = (_vendor(market, staff, name) for name in ("vera", "otto"))
        reads, meter, made, shops, now = _reads(vendor_id), Meter(), 0, [], clock.now()
        for size in SIZES:
            began = time.perf_counter()
            _fill(market, token, vendor_id, made, size)
            print(f"  {size - made:,} products imported at {(size - made) / (time.perf_counter() - began):.0f}/s")
            if not made:
                _offer(market, rival, rival_id)
            made = size
            with clock.running_on(lambda: now):  # what a function remembers is not too old at either size
                shops.append(_look(meter, reads))
        with clock.running_on(lambda: now):
            _play(shops, reads)
    for line in _table(shops, reads):
        print(f"  {line}")


def _reads(vendor_id: str) -> list[Read]:
    from catalog import beside, store

    lists = {
        "newest 20": "/v1/products?limit=20",
        "category, 20": "/v1/products?category=home%3Elamps&limit=20",
        "category above it, 20": "/v1/products?category=home&limit=20",
        "vendor, 20": f"/v1/products?vendor={vendor_id}&limit=20",
    }
    reads = [Read("tags by prefix", "/v1/suggestions?kind=tags&prefix=br", beside.forget)]
    for name, path in lists.items():
        reads += _both(name, path, beside.forget)
    for name, slug in {"product page": "scale-product-400", "page with two offers": "scale-product-500"}.items():
        reads += _both(name, f"/v1/products/{slug}", partial(store.forget_address, slug))
    return reads


def _both(name: str, path: str, forget: Callable[[], None]) -> list[Read]:
    return [Read(name, path, forget, again=False), Read(f"{name}, again", path, forget)]


def _look(meter: Meter, reads: list[Read]) -> Shop:
    """What each of them reads, by a function that knows the tree of categories."""
    shop = Shop()
    for read in reads:
        with shop.tape.recording():
            read.prepare()
            with meter.reading() as reading:
                read.call()
        assert sum(reading.calls.values()) <= MOST_CALLS, (read.name, reading)
        shop.readings.append(reading)
    return shop


def _play(shops: list[Shop], reads: list[Read]) -> None:
    gc.collect()
    gc.freeze()  # the whole marketplace is in this process; a function's heap is small
    for read in reads:
        rounds = [[_cpu(shop.tape, read) for shop in shops] for _ in range(ROUNDS)]
        for shop, means in zip(shops, zip(*rounds, strict=True), strict=True):
            shop.least.append(min(means))
            shop.steps.append(_steps(shop.tape, read))
    gc.unfreeze()


def _cpu(tape: Tape, read: Read) -> float:
    """Mean milliseconds of a call."""
    with tape.playing():
        read.prepare()
        began = time.thread_time()
        for _ in range(CALLS):
            read.call()
        return (time.thread_time() - began) / CALLS * 1000


def _steps(tape: Tape, read: Read) -> int:
    calls = Counter[str]()
    with tape.playing():
        read.prepare()
        sys.setprofile(lambda frame, kind, argument: calls.update([kind]))
        try:
            read.call()
        finally:
            sys.setprofile(None)
    return calls["call"] + calls["c_call"]


def _table(shops: list[Shop], reads: list[Read]) -> Iterator[str]:
    small, large = shops
    yield f"{'':<29} {'calls':>6} {'read units':>12} {'ratio':>5} {'CPU, ms':>14} {'ratio':>5} {'functions called':>16}"
    for number, read in enumerate(reads):
        one, other = small.readings[number], large.readings[number]
        calls = f"{sum(one.calls.values())} → {sum(other.calls.values())}"
        units = f"{one.reads:.1f} → {other.reads:.1f} {other.reads / one.reads:5.2f}"
        least, most = small.least[number], large.least[number]
        cpu = f"{least:.3f} → {most:.3f} {most / least:5.2f}"
        steps = f"{small.steps[number]:,} → {large.steps[number]:,}"
        yield f"{read.name:<29} {calls:>6} {units:>18} {cpu:>20} {steps:>16}"


def _plant(market: InProcess, staff: str) -> None:
    for name, parent in (("Home", None), ("Lamps", "home")):
        answer = market.call("POST", "/v1/admin/categories", {"name": name, "parent": parent}, token=staff)
        assert answer.status == 201, answer


def _vendor(market: InProcess, staff: str, name: str) -> tuple[str, str]:
    """The owner's token and the vendor's id."""
    mail = f"{name}@example.com"
    owner = market.person(mail)
    wish = {"name": f"Scale {name}", "supportEmail": mail}
    vendor_id = str(market.call("POST", "/v1/vendors/apply", wish, token=owner).json["id"])
    approved = market.call("PATCH", f"/v1/admin/vendors/{vendor_id}/status", {"status": "active"}, token=staff)
    assert approved.status == 200, approved
    market.drain()
    return market.token(mail), vendor_id


def _offer(market: InProcess, token: str, vendor_id: str) -> None:
    """Another vendor sells one of the products too."""
    product_id = market.call("GET", "/v1/products/scale-product-500").json["id"]
    price = {"amount": 900, "currency": "EUR"}
    offer = {"productId": product_id, "sku": "OTHER-500", "variant": _SHARED, "price": price, "stock": 5}
    answer = market.call("POST", f"/v1/vendors/{vendor_id}/offers", offer, token=token)
    assert answer.status == 201, answer


def _fill(market: InProcess, token: str, vendor_id: str, begin: int, end: int) -> None:
    for first in range(begin, end, BATCH):
        rows = [_row(number) for number in range(first, min(first + BATCH, end))]
        answer = market.call("POST", f"/v1/vendors/{vendor_id}/products/import", {"rows": rows}, token=token)
        assert answer.status == 200, answer
        assert answer.json["created"] == len(rows), answer


def _row(number: int) -> dict[str, object]:
    price = {"amount": 1000 + number, "currency": "EUR"}
    return {
        "externalId": f"scale-{number}",
        "slug": f"scale-product-{number}",
        "title": f"Scale product {number}",
        "description": "One of many.",
        "category": "home>lamps",
        "tags": ["bright", f"brass {number % 40}"],
        "status": "active",
        "variants": [{"sku": f"SCALE-{number}", "price": price, "stock": 10}],
    }


if __name__ == "__main__":
    main()
