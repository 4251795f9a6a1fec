"""The story: a two-vendor purchase, a declined card, the last units of something."""

from collections.abc import Callable
from typing import Any

from demo.client import Client, until
from demo.mail import Mailbox
from demo.shopper import DECLINED_CARD, GOOD_CARD, Shopper, Untrue, expect
from store.people import PASSWORD, STAFF
from store.stock import shops

Tell = Callable[[str], None]


def money(amount: dict[str, Any]) -> str:
    from market.money import Money

    return str(Money(amount["amount"], amount["currency"]))


def two_vendors(url: str, tell: Tell) -> None:
    """Ada buys from two vendors, and everybody who should know does."""
    client = Client(url)
    mailbox = Mailbox(client)
    ada = Shopper(client, "Ada")
    ada.sign_up(mailbox)
    tell(f"Ada registers as {ada.email}; a wrong code is refused, the mailed one opens her account.")
    categories = ada.get("/v1/categories")["items"]
    first, second = pick_two(ada)
    tell(f"She finds {len(categories)} departments and picks “{first['title']}” and “{second['title']}”, of two shops.")
    ada.add(sku_of(ada, first), 2)
    ada.add(sku_of(ada, second), 1)
    order = ada.checkout()
    tell(f"She orders: {order['orderNo']}, {money(order['total'])}, in {len(order['parts'])} parts. Her stock is held.")
    ada.pay(GOOD_CARD)
    paid = ada.order_when("paid")
    tell("Her card is authorized; the checkout captures, books and confirms.")
    receipt(paid, tell)
    vendors_know(client, paid, tell)
    books_balance(client, paid, tell)
    wanted = 1 + len(paid["parts"])
    until(lambda: len(confirmations(mailbox, ada.email, paid)) == 1, "Ada's confirmation mail")
    tell(f"{wanted} mails go out: Ada's confirmation and one to each vendor.")


def declined_card(url: str, tell: Tell) -> None:
    """Bob's card is declined until his attempts are used up, and nothing is left of his order."""
    client = Client(url)
    bob = Shopper(client, "Bob")
    bob.sign_up(Mailbox(client))
    product, _ = pick_two(bob)
    sku = sku_of(bob, product)
    before = bob.get(f"/v1/inventory/{sku}")
    bob.add(sku, 1)
    bob.checkout()
    for attempt in range(1, 4):
        declined = bob.pay(DECLINED_CARD)
        if declined.get("lastDecline") != "card_declined":
            raise Untrue(f"attempt {attempt} should be declined: {declined}")
        if attempt == 1 and bob.get(f"/v1/orders/{bob.order_no}")["status"] != "pending_payment":
            raise Untrue("one declined card must not end the order")
    cancelled = bob.order_when("cancelled")
    if cancelled["cancelReason"] != "payment_declined":
        raise Untrue(f"cancelled for another reason: {cancelled['cancelReason']}")
    until(lambda: bob.get(f"/v1/inventory/{sku}") == before, "Bob's stock back on the shelf")
    tell(f"Bob's card is declined three times: {bob.order_no} is cancelled, the stock is back, nothing is charged.")


def last_units(url: str, tell: Tell) -> None:
    """Cleo and Dan want all there is of one thing; one gets it, the other a clear answer; then she changes her mind."""
    client = Client(url)
    cleo, dan = Shopper(client, "Cleo"), Shopper(client, "Dan")
    for shopper in (cleo, dan):
        shopper.sign_up(Mailbox(client))
    sku, left = scarcest(cleo)
    cleo.add(sku, left)
    dan.add(sku, left)
    seen_by_dan = dan.post("/v1/checkout/summary", {"shippingMethod": "standard"}, 200)
    cleo.checkout()
    refusal = expect(dan.order(seen_by_dan), 409, "Dan's order")
    if refusal["code"] != "out_of_stock" or refusal["lines"][0]["sku"] != sku:
        raise Untrue(f"Dan should hear what is out of stock: {refusal}")
    tell(f"Cleo and Dan both want all {left} of {sku}. Cleo is first; Dan hears: “{refusal['detail']}”")
    cleo.post(f"/v1/orders/{cleo.order_no}/cancellation", None, 202)
    cleo.order_when("cancelled")
    expect(dan.order(seen_by_dan), 201, "Dan's second try")
    dan.post(f"/v1/orders/{dan.order_no}/cancellation", None, 202)
    dan.order_when("cancelled")
    tell("Cleo changes her mind and cancels; now Dan could have them. (He cancels too, for the next telling.)")


def pick_two(shopper: Shopper) -> tuple[Any, Any]:
    """Two products in stock, of two vendors."""
    chosen: dict[str, Any] = {}
    for card in shopper.get("/v1/products?limit=100")["items"]:
        if card["vendorId"] not in chosen and any(v["available"] >= 5 for v in page(shopper, card)["variants"]):
            chosen[card["vendorId"]] = card
        if len(chosen) == 2:
            first, second = chosen.values()
            return first, second
    raise Untrue("the store has no two vendors with something in stock; was it seeded?")


def page(shopper: Shopper, card: Any) -> Any:
    return shopper.get(f"/v1/products/{card['slug']}")


def sku_of(shopper: Shopper, card: Any) -> str:
    return str(next(v["sku"] for v in page(shopper, card)["variants"] if v["available"] >= 5))


def scarcest(shopper: Shopper) -> tuple[str, int]:
    """The SKU of which the fewest are left, but at least one, and how many."""
    found = [
        (variant["available"], variant["sku"])
        for card in shopper.get("/v1/products?limit=100")["items"]
        for variant in page(shopper, card)["variants"]
        if variant["available"] > 0
    ]
    left, sku = min(found)
    return str(sku), int(left)


def receipt(order: Any, tell: Tell) -> None:
    width = 58
    tell("")
    tell(f"    RECEIPT {order['orderNo']:>{width - 8}}")
    for part in order["parts"]:
        tell("    " + "-" * width)
        for line in (line for line in order["lines"] if line["vendorId"] == part["vendorId"]):
            tell(f"    {line['quantity']} x {line['title'][:36]:<36} {money(line['total']):>{width - 41}}")
        tell(f"    {'shipping':<40} {money(part['shipping']):>{width - 41}}")
    tell("    " + "=" * width)
    tell(f"    {'TOTAL':<40} {money(order['total']):>{width - 41}}")
    tell("")


def vendors_know(client: Client, order: Any, tell: Tell) -> None:
    """Each vendor sees its own part, and nobody else's."""
    sellers = {}
    for shop in shops():
        seller = Shopper(client, f"{shop.owner} of {shop.name}")
        seller.log_in(shop.email, PASSWORD)
        sellers[seller.get("/v1/me")["vendorId"]] = seller
    for part in order["parts"]:
        seller = sellers[part["vendorId"]]
        path = f"/v1/vendors/{part['vendorId']}/orders/{order['orderNo']}"
        until(lambda s=seller, p=path: s.client.call("GET", p, token=s.token).status == 200, "the vendor's order")  # type: ignore[misc]
        seen = seller.get(path)
        if {line["vendorId"] for line in seen["lines"]} != {part["vendorId"]}:
            raise Untrue("a vendor sees lines that are not its own")
        tell(f"{seller.name} finds the order: {len(seen['lines'])} line(s), earns {money(seen['earnings'])}.")


def books_balance(client: Client, order: Any, tell: Tell) -> None:
    """The sale is booked, in double entry."""
    staff = Shopper(client, STAFF.name)
    staff.log_in(STAFF.email, STAFF.password)
    (sale,) = staff.get(f"/v1/admin/ledger/{order['id']}")["journals"]
    balance = sum(posting["amount"]["amount"] for posting in sale["postings"])
    if balance != 0:
        raise Untrue(f"the sale's postings sum to {balance}")
    tell(f"The ledger has {len(sale['postings'])} postings for it; they sum to zero.")


def confirmations(mailbox: Mailbox, recipient: str, order: Any) -> list[Any]:
    return [mail for mail in mailbox.of(recipient) if order["orderNo"] in mail.subject + mail.text]
