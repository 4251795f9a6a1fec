"""How long `evaluate` takes: `python -m tests.services.promotions.bench` prints the processor's time."""

import timeit
from time import process_time

from promotions.model import Bundle, BuyGet, Fixed, FreeGift, FreeShipping, Percent, Tier, Tiered
from tests.services.promotions.maker import goods, outcome, promotion, some

LINES = [goods(f"S{n}", 1_000 + 137 * n, 2, vendor=f"ven_{n % 2}", category="home>lamps") for n in range(5)]
BENEFITS = (
    Percent(basis_points=1_000), Fixed(amounts={"EUR": 500}), FreeShipping(), BuyGet(buy=2, get=1),
    Tiered(tiers=(Tier(units=3, basis_points=500),)), Bundle(units={"S1": 1, "S2": 1}, prices={"EUR": 1_500}),
    FreeGift(sku="S3"),
)  # fmt: skip


def main() -> None:
    """Carts of 5 lines and 20 running promotions, of which some are for the cart."""
    for fitting in (0, 1, 3, 7):
        elsewhere = (
            promotion(f"other{n:02}", BENEFITS[n % 7], include=some(categories=["garden"])) for n in range(20 - fitting)
        )
        book = [*(promotion(f"own{n}", BENEFITS[n], minimum={"EUR": 100}) for n in range(fitting)), *elsewhere]
        best = min(timeit.repeat(lambda: outcome(LINES, *book), timer=process_time, number=200, repeat=25)) / 200  # noqa: B023 - used at once
        print(f"5 lines, 20 promotions, {fitting} of them for the cart: {best * 1e6:.0f} us")


if __name__ == "__main__":
    main()
