"""What is too heavy for one parcel of a carrier's goes in several."""

import pytest

from inventory.contract import MANIFEST as INVENTORY
from inventory.contract import Offer, new_offer
from market.money import Money
from market.table import Table
from shipping.easypost import Answer, Rated
from shipping.model import Parcel
from shipping.rating import weight_of
from shipping.simulator import Carriers
from shipping.splitting import MOST_GRAMS, MOST_PARCELS, split, together
from tests import shop
from tests.services.shipping.test_live import asking, rates
from vendors.manifest import MANIFEST as VENDORS

pytestmark = pytest.mark.contract("13.2")


def heavy(grams: int, *, heaviest: int = 1_000, unweighed: int = 0, volume: int = 10_000) -> Parcel:
    return Parcel(
        subtotal=Money(0, "EUR"), units=max(1, grams // 1_000), weight_grams=grams, heaviest_grams=heaviest,
        unweighed=unweighed, volume_mm3=volume,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("grams", "kinds"),
    [
        (MOST_GRAMS, []),
        (MOST_GRAMS + 1, [(MOST_GRAMS, 1), (1, 1)]),
        (3 * MOST_GRAMS, [(MOST_GRAMS, 3)]),
        (3 * MOST_GRAMS + 500, [(MOST_GRAMS, 3), (500, 1)]),
        (MOST_PARCELS * MOST_GRAMS + 1, []),
    ],
)
def test_there_are_full_parcels_and_one_with_the_rest(grams: int, kinds: list[tuple[int, int]]) -> None:
    found = split(heavy(grams), 500)

    assert [(weight_of(parcel, 500), count) for parcel, count in found] == kinds
    assert sum(parcel.volume_mm3 * count for parcel, count in found) >= (10_000 if kinds else 0)


def test_a_unit_that_is_too_heavy_alone_is_not_divided() -> None:
    assert split(heavy(2 * MOST_GRAMS, heaviest=MOST_GRAMS + 1), 500) == ()
    assert split(heavy(0, unweighed=4), MOST_GRAMS + 1) == ()


def euros(cents: int) -> Money:
    return Money(cents, "EUR")


def rated(carrier: str, service: str, price: Money, days: int, parcels: int = 1) -> Rated:
    return Rated(carrier=carrier, service=service, price=price, days=days, parcels=parcels)


def test_a_service_costs_what_all_of_its_parcels_do_and_is_as_slow_as_the_slowest() -> None:
    whole = Answer((rated("Tortoise", "Home", euros(900), 5),), silent=1)
    full = Answer((rated("Heron", "Ground", euros(500), 2), rated("Heron", "Air", euros(900), 1),
                   rated("Tortoise", "Home", euros(400), 4)))  # fmt: skip
    rest = Answer((rated("Heron", "Ground", euros(200), 3), rated("Heron", "Air", Money(300, "USD"), 1)))

    found = together(whole, [(full, 3), (rest, 1)])

    assert found.rates == (whole.rates[0], rated("Heron", "Ground", euros(1_700), 3, parcels=4))


@pytest.mark.usefixtures("database")
def test_a_heavy_order_is_offered_by_carriers_that_take_it_in_parts(carriers: Carriers) -> None:
    asking(fee=100)
    anvil = Offer(
        sku="ANVIL", product_id="prd_anvil", vendor_id="ven_pots", title="An anvil", price=Money(9_000, "USD"),
        available=9, weight_grams=20_000, size_mm=(254, 203, 101),
    )  # fmt: skip
    Table(INVENTORY, VENDORS).transact(new_offer(anvil))
    shop.fill("ada", ("ANVIL", 2))

    (vendor,) = rates()

    options = {option["method"]: option for option in vendor["options"]}
    assert {name: option["parcels"] for name, option in options.items()} == {
        "standard": 1, "tortoise:home": 1, "heron:ground": 2, "heron:priority": 2, "heron:overnight": 2,
    }  # fmt: skip
    assert options["heron:ground"]["price"]["amount"] == 2 * 450 + 9 * (70 + 19) + 2 * 100
    assert len(carriers.asked) == 3
    rates()
    assert len(carriers.asked) == 3, "the answer is kept"
