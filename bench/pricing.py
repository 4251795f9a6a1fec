"""A million random carts priced on one core: how many a second, and how many of them are wrong.

`python -m bench pricing`; CARTS and SEED in the environment ask for others. Carts are drawn, priced and looked at by
the hundred: every one is checked for sums, signs and tax, every tenth for its explanation, its storage, the order of
its lines and its refund. The figure is of the pricing alone, in processor time and, as with `timeit`, without Python's
collection of garbage, which goes on between the batches; beside it what all of it took.
"""

import gc
import os
import time

from bench.baskets import Pools, violations
from orders.pricing import price

CARTS = 1_000_000
_BATCH, _DEAR, _TOLD = 100, 10, 100_000


def main() -> None:
    carts, seed = int(os.environ.get("CARTS", CARTS)), int(os.environ.get("SEED", "1"))
    began = time.process_time()
    wrong, seconds = run(carts, seed)
    whole = time.process_time() - began
    print(f"{carts:,} carts from seed {seed}: {wrong} violations, {carts / seconds:,.0f} carts/s of one core")
    print(f"drawn, priced and checked: {carts / whole:,.0f} carts/s")


def run(carts: int, seed: int) -> tuple[int, float]:
    """How many violations there were, and for how many seconds one core was busy with the pricing alone."""
    pools, wrong, busy = Pools(seed), 0, 0.0
    gc.freeze()  # what carts are drawn from is not looked through again and again
    for first in range(0, carts, _BATCH):
        drawn = [pools.question() for _ in range(min(_BATCH, carts - first))]
        gc.disable()
        try:
            begun = time.process_time()
            answers = [price(question, tables) for question, tables in drawn]
            busy += time.process_time() - begun
        finally:
            gc.enable()
        for number, ((question, tables), answer) in enumerate(zip(drawn, answers, strict=True), first):
            for told in violations(question, tables, answer, thorough=number % _DEAR == 0):
                wrong += 1
                print(f"cart {number} of seed {seed}: {told}")
        if (priced := first + len(drawn)) % _TOLD == 0:
            print(f"{priced:,} carts: {wrong} violations, {priced / busy:,.0f} carts/s", flush=True)
    return wrong, busy


if __name__ == "__main__":
    main()
