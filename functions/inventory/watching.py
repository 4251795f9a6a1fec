"""After sales: which SKUs have fallen to their reorder point, and which are above it again."""

from collections.abc import Iterable

from inventory.changes import Raced, written
from inventory.moves import Move, marked
from inventory.offers import read_offer, stock_key
from inventory.store import ATTEMPTS, TABLE, crossing
from market.table import Busy


def look(skus: Iterable[str]) -> None:
    """Mark each SKU that crossed its reorder point, and tell of it once. Those that nobody watches cost one read.

    The mark and the event are one transaction, on the condition that the mark and the count are as seen: however often,
    late or at once this is called, one crossing is told of once. Raises Busy while others keep changing the stock.
    """
    waiting = [stock_key(sku) for sku in dict.fromkeys(skus)]
    for _ in range(ATTEMPTS):
        if not waiting:
            return
        raced = []
        for key, item in TABLE.batch_get(waiting, consistent=True).items():
            before = read_offer(item)
            after = marked(before)
            if after == before:
                continue
            try:
                TABLE.transact(written(before, Move(after, exact=True)), *crossing(before, after))
            except Raced:
                raced.append(key)
        waiting = raced
    if waiting:
        raise Busy("Others keep changing the stock.")
