"""What lists and pages cost with 1,000 and with 20,000 products: request units and handler CPU must not grow."""

import time
from collections.abc import Callable

from bench.meter import Meter, Reading
from local.harness import InProcess, marketplace
from tests.http import request

SIZES = (1_000, 20_000)
BATCH, CALLS = 50, 300


def main() -> None:
    """Print units and CPU at both sizes, and their ratio."""
    rows: dict[str, list[tuple[Reading, float]]] = {}
    with marketplace(sockets=False) as market:
        token, vendor_id = _vendor(market)
        meter, made = Meter(), 0
        for size in SIZES:
            began = time.perf_counter()
            _fill(market, token, vendor_id, made, size)
            print(f"  {size - made:,} products imported at {(size - made) / (time.perf_counter() - began):.0f}/s")
            made = size
            for name, path in _reads(vendor_id):
                rows.setdefault(name, []).append(_measure(meter, path))
    print()
    for name, (small, large) in rows.items():
        ratio = large[1] / small[1]
        calls = sum(large[0].calls.values())
        print(f"  {name:<22} {small[0].reads:4.1f} → {large[0].reads:4.1f} RRU   {calls} call(s)   ", end="")
        print(f"{small[1]:.2f} → {large[1]:.2f} ms CPU (x {ratio:.2f})")


def _reads(vendor_id: str) -> list[tuple[str, str]]:
    return [
        ("newest 20", "/v1/products?limit=20"),
        ("category, 20", "/v1/products?category=home&limit=20"),
        ("vendor, 20", f"/v1/products?vendor={vendor_id}&limit=20"),
        ("product page", "/v1/products/scale-product-500"),
    ]


def _measure(meter: Meter, path: str) -> tuple[Reading, float]:
    from catalog.api import handler

    event = request("GET", path)
    with meter.reading() as reading:
        assert handler(event, None)["statusCode"] == 200, path
    call: Callable[[], object] = lambda: handler(event, None)  # noqa: E731 - timed below
    best = float("inf")
    for _ in range(3):
        began = time.process_time()
        for _ in range(CALLS):
            call()
        best = min(best, (time.process_time() - began) / CALLS * 1000)
    return reading, best


def _vendor(market: InProcess) -> tuple[str, str]:
    staff = market.person("grace@example.com", roles=("customer", "staff"))
    owner = market.person("vera@example.com")
    market.call("POST", "/v1/admin/categories", {"name": "Home"}, token=staff)
    wish = {"name": "Scale", "supportEmail": "vera@example.com"}
    vendor_id = str(market.call("POST", "/v1/vendors/apply", wish, token=owner).json["id"])
    approved = market.call("PATCH", f"/v1/admin/vendors/{vendor_id}/status", {"status": "active"}, token=staff)
    assert approved.status == 200, approved
    market.drain()
    return market.token("vera@example.com"), vendor_id


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
        "category": "home",
        "status": "active",
        "variants": [{"sku": f"SCALE-{number}", "price": price, "stock": 10}],
    }


if __name__ == "__main__":
    main()
