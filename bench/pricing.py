"""A million random carts priced on one core: how many a second, and how many of them are wrong.

`python -m bench pricing`; CARTS and SEED in the environment ask for others. Every cart is checked for sums, signs and
tax, every tenth for its explanation, its storage, the order of its lines and its refund.
"""

import gc
import os
import time

from bench.baskets import Pools, violations
from orders.pricing import price

CARTS = 1_000_000
_DEAR, _TOLD = 10, 100_000


def main() -> None:
    carts, seed = int(os.environ.get("CARTS", CARTS)), int(os.environ.get("SEED", "1"))
    wrong, seconds = run(carts, seed)
    print(f"{carts:,} carts from seed {seed}: {wrong} violations, {carts / seconds:,.0f} carts/s of one core")


def run(carts: int, seed: int) -> tuple[int, float]:
    """How many violations there were, and for how long one core was busy with the pricing alone."""
    pools, wrong, busy = Pools(seed), 0, 0.0
    gc.freeze()  # what carts are drawn from is not looked through again and again
    for number in range(carts):
        question, tables = pools.question()
        begun = time.process_time()
        answer = price(question, tables)
        busy += time.process_time() - begun
        for told in violations(question, tables, answer, thorough=number % _DEAR == 0):
            wrong += 1
            print(f"cart {number} of seed {seed}: {told}")
        if number % _TOLD == _TOLD - 1:
            print(f"{number + 1:,} carts: {wrong} violations, {(number + 1) / busy:,.0f} carts/s", flush=True)
    return wrong, busy


if __name__ == "__main__":
    main()
