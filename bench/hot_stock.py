"""A drop: thousands of buyers within seconds for some units of one SKU, in virtual time on a store that meters writes.

`python -m bench hot`. What runs is what runs in production: the reading before an order, the choice of shards, tickets,
the order's transaction with cart and event. Only carts are not filled and prices not worked out anew.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from random import Random

from bench.virtual import LIMIT, Rush
from cart.contract import Cart, Line, Placed
from inventory import sweep
from inventory.contract import Offer, OutOfStock, read_offer, stock_key
from inventory.heat import Heat, look_after, save_heat
from inventory.manifest import MANIFEST as INVENTORY
from inventory.shards import read_shards, shard_key
from local.harness import marketplace
from market import clock
from market.errors import Problem
from market.money import Money
from market.table import Table
from orders import stocking
from orders.contract import LineSnapshot, OrderSnapshot, Part, number_of
from orders.reading import Facts
from tests import shop
from vendors.manifest import MANIFEST as VENDORS

SKU, PRICE, NOTHING = "DROP", Money(4_900, "EUR"), Money(0, "EUR")
_stock = Table(INVENTORY, VENDORS)


@dataclass
class Outcome:
    """units: on sale at first. told: how many buyers were told what; false: that it was sold out while it was not.

    calls: of the buyers. hottest: units written in the worst second, by kind of partition. throttled, met: refused
    by the store.
    """

    units: int
    told: Counter[str] = field(default_factory=Counter)
    false: int = 0
    hottest: dict[str, int] = field(default_factory=dict)
    throttled: int = 0
    met: int = 0
    calls: int = 0
    seconds: float = 0.0
    held: int = 0
    on_hand: int = 0


def drop(buyers: int, units: int, shards: int, *, within: float, seed: int = 1, deaths: float = 0.0) -> Outcome:
    """Let so many buyers come within so many seconds; 0 shards are an item as any other. Then the sweep has its minute.

    deaths: the part of the buyers whose function is killed somewhere on the way.
    """
    shop.stock(SKU, units, price=PRICE)
    rush, dice, outcome = Rush(seed), Random(seed), Outcome(units)
    with rush.open():
        if shards:
            _stock.write(look_after(SKU))
            _stock.write(save_heat(Heat(sku=SKU, peak=shards * 500, warm_at=clock.epoch(), most=shards)))
            sweep.spread(SKU, shards, shards)
        handling = _offer().handling
        for number in range(buyers):
            dies_at = dice.randint(2, 7) if dice.random() < deaths else 0
            act = _buyer(f"buyer-{number}", handling, outcome, rush, shards)
            rush.arrive(dice.uniform(0, within), act, dies_at=dies_at)
        rush.run()
        outcome.seconds = rush.now
        rush.now += 180
        sweep.sweep()
        outcome.held, outcome.on_hand = _counts(shards)
    kinds = ("STK#", "SHD#", "TKT#", "OUTBOX#")
    outcome.hottest = {kind: rush.hottest(kind) for kind in kinds}
    outcome.throttled, outcome.met, outcome.calls = rush.throttled, rush.met, rush.calls
    return outcome


def _buyer(customer: str, handling: frozenset[str], outcome: Outcome, rush: Rush, shards: int) -> Callable[[], None]:
    line = Line(
        sku=SKU,
        product_id="prd_1",
        vendor_id="ven_lights",
        title="The drop",
        quantity=1,
        unit_price=PRICE,
        handling=handling,
    )
    cart = Cart(customer_id=customer, lines=(line,))

    def buy() -> None:
        order = _order(customer)
        facts = Facts(cart, "DE").read_for_sale()
        placed = Placed("key", "fingerprint", order.id)
        try:
            stocking.place(order, cart, placed, facts, {}, hold_for=timedelta(minutes=15))
            outcome.told["sold"] += 1
        except OutOfStock:
            outcome.told["sold out"] += 1
            with rush.outside():
                outcome.false += _counts(shards)[0] < outcome.units
        except Problem as refused:
            outcome.told[refused.code] += 1

    return buy


def _order(customer: str) -> OrderSnapshot:
    order_id = f"ord_{customer}"
    line = LineSnapshot(
        sku=SKU, product_id="prd_1", vendor_id="ven_lights", title="The drop", quantity=1, unit_price=PRICE
    )
    part = Part(
        vendor_id="ven_lights",
        subtotal=PRICE,
        shipping=NOTHING,
        commission=NOTHING,
        discount=NOTHING,
        tax=NOTHING,
        shipping_tax=NOTHING,
    )
    return OrderSnapshot(
        id=order_id,
        number=number_of(order_id, "MK"),
        customer_id=customer,
        status="pending_payment",
        lines=(line,),
        parts=(part,),
        shipping_method="standard",
        address=shop.ADDRESS,
        created_at=clock.timestamp(),
    )


def _offer() -> Offer:
    item = _stock.get(stock_key(SKU), consistent=True)
    assert item is not None
    return read_offer(item)


def _counts(shards: int) -> tuple[int, int]:
    """Held, and on hand."""
    offer = _offer()
    keys = [shard_key(SKU, number) for number in range(shards)]
    found = read_shards(SKU, shards, _stock.batch_get(keys, consistent=True) if keys else {})
    held = offer.held + sum(shard.held for shard in found)
    return held, offer.on_hand + sum(shard.available + shard.held for shard in found)


def main() -> None:
    """Print what became of a drop of 100 units, and of 5,000, with and without shards."""
    for units, shards in ((100, 0), (100, 4), (5_000, 0), (5_000, 4)):
        with marketplace():
            outcome = drop(5_000, units, shards, within=5.0)
        told = ", ".join(f"{count:,} {what}" for what, count in sorted(outcome.told.items()))
        worst = ", ".join(f"{kind} {most}" for kind, most in outcome.hottest.items())
        print(f"{units:5,} units on {shards or 'no'} shards: {told}; {outcome.false} falsely sold out")
        refused = f"{outcome.throttled:,} throttled, {outcome.met:,} met"
        print(f"      {outcome.seconds:.1f} s, {refused}; in the worst second of {LIMIT} units: {worst}")


if __name__ == "__main__":
    main()
