"""What lists and pages cost with 1,000 and with 20,000 products: request units and handler CPU must not grow.

Products come in through the import route. CPU is of the calling thread, as the difference between many calls and twice
as many; beside it what a mere GetItem costs at that moment, so that the machine's own mood can be told from growth.
"""

import time
from collections.abc import Callable

from bench.meter import Meter, Reading
from local.harness import InProcess, marketplace
from market import config
from tests.http import request

SIZES = (1_000, 20_000)
BATCH, CALLS, ROUNDS = 50, 150, 5
_SHARED = "SCALE-500"


def main() -> None:
    """Print units and CPU at both sizes, and their ratio."""
    rows: dict[str, list[tuple[Reading, float]]] = {}
    with marketplace(sockets=False) as market:
        staff = market.person("grace@example.com", roles=("customer", "staff"))
        _plant(market, staff)
        (token, vendor_id), (rival, rival_id) = (_vendor(market, staff, name) for name in ("vera", "otto"))
        meter, made = Meter(), 0
        for size in SIZES:
            began = time.perf_counter()
            _fill(market, token, vendor_id, made, size)
            print(f"  {size - made:,} products imported at {(size - made) / (time.perf_counter() - began):.0f}/s")
            if not made:
                _offer(market, rival, rival_id)
            made = size
            for name, path in _reads(vendor_id):
                rows.setdefault(name, []).append(_measure(meter, path))
            rows.setdefault(_PLAIN, []).append((Reading(), _cpu(_get)))
    _report(rows)


_PLAIN = "(a GetItem)"


def _report(rows: dict[str, list[tuple[Reading, float]]]) -> None:
    print()
    drift = rows[_PLAIN][1][1] / rows[_PLAIN][0][1]
    for name, (small, large) in rows.items():
        calls = f"{sum(small[0].calls.values())} → {sum(large[0].calls.values())} calls"
        units = f"{small[0].reads:4.1f} → {large[0].reads:4.1f} RRU"
        cpu = (
            f"{small[1]:.2f} → {large[1]:.2f} ms CPU (x {large[1] / small[1]:.2f}, x {large[1] / small[1] / drift:.2f}"
        )
        print(f"  {name:<26} {units}   {calls}   {cpu} of a GetItem's)")


def _reads(vendor_id: str) -> list[tuple[str, str]]:
    return [
        ("newest 20", "/v1/products?limit=20"),
        ("category, 20", "/v1/products?category=home%3Elamps&limit=20"),
        ("category above it, 20", "/v1/products?category=home&limit=20"),
        ("vendor, 20", f"/v1/products?vendor={vendor_id}&limit=20"),
        ("tags by prefix", "/v1/suggestions?kind=tags&prefix=br"),
        ("product page", "/v1/products/scale-product-400"),
        ("page with two offers", "/v1/products/scale-product-500"),
    ]


def _measure(meter: Meter, path: str) -> tuple[Reading, float]:
    """What a call by a warm function reads, and its CPU in milliseconds."""
    from catalog.api import handler

    event = request("GET", path)
    handler(event, None)
    with meter.reading() as reading:
        assert handler(event, None)["statusCode"] == 200, path
    return reading, _cpu(lambda: handler(event, None))


def _cpu(call: Callable[[], object]) -> float:
    def least(calls: int) -> float:
        found = []
        for _ in range(ROUNDS):
            began = time.thread_time()
            for _ in range(calls):
                call()
            found.append(time.thread_time() - began)
        return min(found)

    return (least(2 * CALLS) - least(CALLS)) / CALLS * 1000


def _get() -> object:
    key = {"pk": {"S": f"STK#{_SHARED}"}, "sk": {"S": "-"}}
    return config.client("dynamodb").get_item(TableName=config.setting("TABLE_NAME"), Key=key)


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
