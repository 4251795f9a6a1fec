"""Whole orders, product lists and product pages over HTTP, against a marketplace served as `make run` serves it.

A whole order is six requests: two lines into the cart, the summary (address and shipping), the order, its payment, the
card.
"""

import time
import uuid
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from bench.wire import Wire, drive
from demo.client import Client, until
from demo.mail import Mailbox
from demo.shopper import ADDRESS, Shopper
from local.harness import running
from store.people import PASSWORD
from store.stock import shops

SECONDS = 15.0
STOCK = 900_000


def main() -> None:
    """Print rates and latencies at 1 and 8 clients, against a freshly seeded marketplace."""
    with TemporaryDirectory() as data, running(Path(data), arguments=("--log-level", "WARNING")) as market:
        print(f"from nothing to serving a seeded store: {market.started_in:.1f} s\n")
        measure(market.base_url)


def measure(url: str) -> None:
    """The same against any marketplace with a seeded store."""
    skus = [_endless(url, number) for number in range(2)]
    tokens = _customers(url, 8)
    slugs = _slugs(url)
    for clients in (1, 8):
        load = drive([_buyer(url, token, skus) for token in tokens[:clients]], SECONDS)
        settled = _settle(url, tokens[:clients])
        final = len(load.times) / (load.seconds + settled)
        print(f"whole order    {clients} client(s)  {load}   all paid {settled:.1f} s later ({final:.1f}/s to the end)")
    pages = [f"/v1/products/{slug}" for slug in slugs]
    for name, paths in (("list of 20", ["/v1/products?limit=20"]), ("product page", pages)):
        for clients in (1, 8):
            load = drive([_reader(url, paths, client) for client in range(clients)], SECONDS / 3)
            print(f"{name:<14} {clients} client(s)  {load}")


def _buyer(url: str, token: str, skus: list[str]) -> Callable[[int], None]:
    wire = Wire(url, token)

    def buy(_: int) -> None:
        for sku in skus:
            wire.json("POST", "/v1/cart/items", {"sku": sku, "quantity": 1}, expect=201)
        summary = wire.json("POST", "/v1/checkout/summary", {"shippingMethod": "standard"})
        order = {
            "cartVersion": summary["cartVersion"],
            "expectedTotal": summary["total"],
            "shippingAddress": ADDRESS,
            "shippingMethod": "standard",
        }
        placed = wire.json("POST", "/v1/orders", order, uuid.uuid4().hex, expect=201)
        intent = wire.json("POST", "/v1/payments/intent", {"orderNo": placed["orderNo"]}, expect=201)
        card = {"clientSecret": intent["clientSecret"], "card": {"number": "4242424242424242"}}
        wire.json("POST", f"/sandbox/v1/payment_intents/{intent['intentId']}/confirm", card)

    return buy


def _reader(url: str, paths: list[str], offset: int) -> Callable[[int], None]:
    wire = Wire(url)

    def read(number: int) -> None:
        wire.json("GET", paths[(number * 7 + offset * 13) % len(paths)])

    return read


def _settle(url: str, tokens: list[str]) -> float:
    """Seconds until every buyer's newest orders are paid."""
    began = time.perf_counter()
    for token in tokens:
        wire = Wire(url, token)

        def paid(wire: Wire = wire) -> Any:
            newest = wire.json("GET", "/v1/me/orders?limit=50")["items"]
            return all(order["status"] == "paid" for order in newest)

        until(paid, "the orders paid", patience=120)
    return time.perf_counter() - began


def _customers(url: str, count: int) -> list[str]:
    client = Client(url)
    mailbox, tokens = Mailbox(client), []
    for number in range(count):
        shopper = Shopper(client, f"Bench{number}")
        shopper.sign_up(mailbox)
        tokens.append(shopper.token)
    return tokens


def _endless(url: str, number: int) -> str:
    """A product of the number-th seeded vendor that does not run out; its SKU."""
    client, shop = Client(url), shops()[number]
    seller = Shopper(client, shop.owner)
    seller.log_in(shop.email, PASSWORD)
    vendor_id = seller.get("/v1/me")["vendorId"]
    sku = f"BENCH-{number}-{uuid.uuid4().hex[:6].upper()}"
    row = {
        "title": f"Endless {number}",
        "description": "For measuring.",
        "category": "home",
        "status": "active",
        "variants": [{"sku": sku, "price": {"amount": 1999, "currency": "EUR"}, "stock": STOCK}],
    }
    seller.post(f"/v1/vendors/{vendor_id}/products", row, 201)
    return sku


def _slugs(url: str) -> list[str]:
    return [card["slug"] for card in Wire(url).json("GET", "/v1/products?limit=100")["items"]]


if __name__ == "__main__":
    main()
