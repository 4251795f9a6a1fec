"""What a method costs: examples that carriers publish, and what must hold for every table and parcel."""

from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from market.money import Money
from shipping.model import Area, Band, Destination, Free, Method, Option, Parcel, Piece, Rate, Surcharge
from shipping.offering import choose, offered, options
from shipping.rating import MAX_PARCELS, Unfit, chargeable, girth, in_bands, loads, parcel_of
from shipping.stored import DEFAULT
from tests.services.shipping.shelves import (
    AT,
    BERLIN,
    DHL,
    DRAWN,
    FULL,
    HELGOLAND,
    PARIS,
    TOKYO,
    by_weight,
    euros,
    flat,
    method,
    parcel,
    table,
)

pytestmark = pytest.mark.contract("13.2")

GRAMS = st.integers(min_value=0, max_value=200_000)


def price(one: Method, sent: Parcel, destination: Destination = BERLIN, **more: object) -> int | str:
    """Minor units, or why it cannot go."""
    found = offered(sent, destination, table(one, **more), at=AT)[one.id]
    return found.price.amount if isinstance(found, Option) else found


@pytest.mark.parametrize(
    ("grams", "cents"),
    [(1, 499), (2_000, 499), (2_001, 599), (5_000, 599), (5_001, 749), (10_000, 749), (10_001, 1_399), (31_500, 1_399)],
)
def test_a_parcel_within_germany_costs_what_dhl_says(grams: int, cents: int) -> None:
    assert price(method(by_weight("de")), parcel(grams)) == cents


def test_beyond_the_last_band_nothing_is_offered() -> None:
    assert price(method(by_weight("de")), parcel(31_501)) == "too_heavy"


def test_dimensional_weight_is_what_dhl_express_works_out() -> None:
    # https://www.dhlexpress.nl/en/faq/shipping/how-do-i-calculate-volumetric-weight: 75 x 40 x 40 cm of 20 kg are 24 kg
    sent = parcel_of([Piece(quantity=1, total=1, weight_grams=20_000, size_mm=(750, 400, 400))], "EUR")
    assert chargeable(sent, 0, 5_000) == 24_000
    assert chargeable(sent, 0, 6_000) == 20_000
    assert chargeable(sent, 0, 0) == 20_000


def test_the_older_divisor_of_six_thousand() -> None:
    # http://www.parcelboy.com/valumetric: 62 x 49 x 39 cm / 6000 are 19.747 kg, though it weighs 10
    sent = parcel_of([Piece(quantity=1, total=1, weight_grams=10_000, size_mm=(490, 620, 390))], "EUR")
    assert chargeable(sent, 0, 6_000) == 19_747


def test_139_cubic_inches_a_pound_are_5022_cubic_centimetres_a_kilogram() -> None:
    # https://www.ups.com divides inches by 139: a cube of 10 in is 1000 / 139 = 7.194 lb = 3263.2 g
    cube = parcel_of([Piece(quantity=1, total=1, weight_grams=1_000, size_mm=(254, 254, 254))], "EUR")
    assert abs(chargeable(cube, 0, 5_022) - 1_000 / 139 * 453.592_37) < 1


def test_length_plus_girth_is_the_longest_side_and_twice_the_others() -> None:
    # https://www.lattreuter.de/preisberechnung: 30 x 40 x 100 cm are 240 cm
    sent = parcel_of([Piece(quantity=3, total=1, size_mm=(300, 1_000, 400))], "EUR")
    assert girth(sent) == 2_400
    assert price(method(flat("de", 1), max_girth=2_400), sent) == 1
    assert price(method(flat("de", 1), max_girth=2_399), sent) == "too_large"
    assert price(method(flat("de", 1), max_side=999), sent) == "too_large"


def test_bulky_goods_cost_more_once_and_islands_for_each_parcel() -> None:
    # 22.50 for more than 120 cm: http://www.dhl.de/en/paket/pakete-versenden/deutschlandweit-versenden/paket.html
    one = method(
        by_weight("de"),
        by_weight("islands"),
        max_grams=31_500,
        surcharges=(
            Surcharge(name="Bulky", price=2_250, side_over=1_200),
            Surcharge(name="Island", price=1_000, areas=(Area("DE", postal="27498"),)),
            Surcharge(name="Heavy", price=300, grams_over=31_000),
        ),
    )
    long = parcel(4_000, sides_mm=(1_201, 100, 100))
    assert price(one, long) == 599 + 2_250
    assert price(one, long, HELGOLAND) == 599 + 2_250 + 1_000
    two = parcel(40_000, heaviest_grams=4_000, units=10)
    assert price(one, two, HELGOLAND) == (1_399 + 749) + 2 * 1_000 + 300


def test_what_is_too_heavy_for_one_parcel_goes_in_full_ones_and_a_rest() -> None:
    one = method(by_weight("de"), max_grams=31_500)
    assert loads(70_000, 31_500) == [31_500, 31_500, 7_000]
    assert price(one, parcel(70_000, heaviest_grams=9_000, units=8)) == 2 * 1_399 + 749
    assert price(one, parcel(40_000)) == "too_heavy", "one unit cannot be divided"
    assert price(one, parcel(31_500 * MAX_PARCELS + 1, heaviest_grams=1)) == "too_heavy"


def test_each_kilogram_begun_costs_more() -> None:
    bands = (Band(1_000, 500), Band(None, 500, each=120, step=1_000))
    assert [in_bands(grams, bands) for grams in (1, 1_000, 1_001, 2_000, 2_001, 10_000)] == [
        500, 500, 620, 620, 740, 1_580,
    ]  # fmt: skip


def test_rates_by_units_volume_and_price_are_for_all_parcels_together() -> None:
    split = {"max_grams": 1_000}
    sent = parcel(3_000, units=3, heaviest_grams=1_000, volume_mm3=7_000, subtotal=euros(5_000))
    for basis, up_to in (("units", 3), ("volume", 7_000), ("price", 5_000)):
        rate = Rate(zone="de", basis=basis, bands=(Band(up_to, 300), Band(None, 900)))
        assert price(method(rate, **split), sent) == 300
        more = replace(sent, units=4, volume_mm3=7_001, subtotal=euros(5_001))
        assert price(method(rate, **split), more) == 900
    assert price(method(flat("de", 100), **split), sent) == 300, "a flat price is for each"
    ends = Rate(zone="de", basis="price", bands=(Band(4_999, 300),))
    assert price(method(ends), sent) == "too_dear"


def test_a_price_stays_within_its_limits() -> None:
    one = method(by_weight("de", minimum=550, maximum=1_000))
    assert [price(one, parcel(grams)) for grams in (500, 3_000, 30_000)] == [550, 599, 1_000]


def test_what_nobody_weighed_weighs_what_the_table_says() -> None:
    pieces = [Piece(quantity=4, total=400), Piece(quantity=1, total=1, weight_grams=700)]
    sent = parcel_of(pieces, "EUR")
    assert (sent.units, sent.unweighed, sent.weight_grams, sent.subtotal) == (5, 4, 700, euros(401))
    assert price(method(by_weight("de")), sent, default_grams=300) == 499
    assert price(method(by_weight("de")), sent, default_grams=1_500) == 749


def test_what_is_downloaded_is_not_sent() -> None:
    song = Piece(quantity=1, total=99, weight_grams=10, ships=False)
    both = parcel_of([song, Piece(quantity=1, total=500, weight_grams=300)], "EUR")
    assert (both.units, both.weight_grams, both.subtotal) == (1, 300, euros(599))
    nothing = choose("standard", parcel_of([song], "EUR"), BERLIN, FULL, vendor_id="ven_pots", at=AT)
    assert (nothing.method, nothing.price, nothing.parcels) == ("none", euros(0), 0)


@pytest.mark.parametrize(("cents", "charged"), [(4_999, 499), (5_000, 0), (5_001, 0)])
def test_a_threshold_counts_to_the_cent(cents: int, charged: int) -> None:
    option = choose("standard", parcel(subtotal=euros(cents)), BERLIN, FULL, vendor_id="ven_pots", at=AT)
    assert (option.price, option.free_from) == (euros(charged), euros(5_000))
    assert option.free_because == ("" if charged else "threshold")


def test_thresholds_are_of_methods_and_zones_and_the_lowest_counts() -> None:
    def charged(name: str, cents: int, destination: Destination = BERLIN) -> int:
        sent = parcel(subtotal=euros(cents))
        return choose(name, sent, destination, FULL, vendor_id="ven_pots", at=AT).price.amount

    assert charged("express", 6_000) == 990, "the lower one is for another method"
    assert charged("standard", 6_000, PARIS) == 499, "and for another zone"
    assert charged("express", 9_000) == charged("standard", 9_000, TOKYO) == 0, "what names none is for all"


@pytest.mark.parametrize(
    ("currency", "standard", "express"), [("EUR", 490, 1_290), ("JPY", 5, 13), ("KWD", 4_900, 12_900)]
)
def test_without_any_table_prices_are_flat_in_every_currency(currency: str, standard: int, express: int) -> None:
    found = options(parcel(90_000, subtotal=Money(1, currency)), TOKYO, DEFAULT, at=AT)
    assert [(one.method, one.price) for one in found] == [
        ("standard", Money(standard, currency)),
        ("express", Money(express, currency)),
    ]


def yen(money: Money) -> Money:
    """A euro is 160 yen, half up."""
    assert money.currency == "EUR"
    return Money((money.amount * 160 + 50) // 100, "JPY")


def dinars(money: Money) -> Money:
    """A euro is 0.330 dinars."""
    return Money((money.amount * 33 + 5) // 10, "KWD")


def test_an_order_in_another_currency_pays_the_sum_converted_once() -> None:
    sent = parcel(70_000, heaviest_grams=9_000, units=8, subtotal=Money(7_999, "JPY"))
    one = table(method(by_weight("de"), max_grams=31_500), free=(Free(threshold=5_000),))
    (option,) = options(sent, BERLIN, one, at=AT, convert=yen)
    assert option.price == Money(5_675, "JPY"), "(13.99 + 13.99 + 7.49) * 160 = 5675.2"
    assert option.free_from == Money(8_000, "JPY")
    (free,) = options(replace(sent, subtotal=Money(8_000, "JPY")), BERLIN, one, at=AT, convert=yen)
    assert free.price == Money(0, "JPY")
    (third,) = options(replace(sent, subtotal=Money(1, "KWD")), BERLIN, one, at=AT, convert=dinars)
    assert third.price == Money(11_705, "KWD"), "35.47 * 0.33 = 11.7051"


def test_bands_of_price_are_compared_in_the_orders_currency() -> None:
    rate = Rate(zone="de", basis="price", bands=(Band(5_000, 300), Band(None, 100)))
    for amount, charged in ((8_000, 480), (8_001, 160)):
        (option,) = options(parcel(subtotal=Money(amount, "JPY")), BERLIN, table(method(rate)), at=AT, convert=yen)
        assert option.price == Money(charged, "JPY")


BANDS = st.lists(
    st.tuples(st.integers(1, 60_000), st.integers(0, 3_000)), min_size=1, max_size=6, unique_by=lambda b: b[0]
)


@st.composite
def rising(draw: st.DrawFn) -> tuple[Band, ...]:
    """Bands as a table may have them: further, and never cheaper."""
    made: list[Band] = []
    floor = begins = 0
    for up_to, more in sorted(draw(BANDS)):
        each, step = draw(st.sampled_from([(0, 0), (7, 100), (50, 1_000)]))
        made.append(Band(up_to, floor + more, each, step))
        floor = in_bands(up_to, made)
        begins = up_to
    return (*made, Band(None, floor + begins % 7, 10, 1_000))


@DRAWN
@given(bands=rising(), lighter=GRAMS, heavier=GRAMS, limit=st.sampled_from([0, 2_000, 10_000, 31_500]))
def test_more_weight_never_costs_less(bands: tuple[Band, ...], lighter: int, heavier: int, limit: int) -> None:
    one = method(by_weight("de", bands), max_grams=limit)
    sent = [parcel(grams, heaviest_grams=1) for grams in sorted((lighter, heavier))]
    cheap, dear = (price(one, each) for each in sent)
    assert isinstance(dear, str) or (isinstance(cheap, int) and 0 <= cheap <= dear)


@DRAWN
@given(grams=GRAMS, volume=st.integers(0, 10**9), divisor=st.sampled_from([0, 4_000, 5_000, 5_022, 6_000]))
def test_dimensional_weight_never_makes_a_parcel_lighter(grams: int, volume: int, divisor: int) -> None:
    sent = parcel(grams, volume_mm3=volume)
    assert chargeable(sent, 500, divisor) >= grams
    assert chargeable(replace(sent, volume_mm3=volume + 1), 500, divisor) >= chargeable(sent, 500, divisor)


@DRAWN
@given(grams=st.integers(0, 3_000_000), limit=st.integers(0, 50_000))
def test_a_split_loses_no_gram_and_no_parcel_is_too_heavy(grams: int, limit: int) -> None:
    try:
        split = loads(grams, limit)
    except Unfit:
        assert grams > limit * MAX_PARCELS > 0
        return
    assert sum(split) == grams
    assert not limit or max(split) <= max(limit, 0)
    assert all(before >= after for before, after in pairwise(split))


@DRAWN
@given(
    grams=GRAMS,
    cents=st.integers(0, 20_000),
    units=st.integers(1, 500),
    sides=st.tuples(*[st.integers(0, 3_000)] * 3),
    place=st.sampled_from([BERLIN, HELGOLAND, PARIS, TOKYO]),
)
def test_nothing_ever_costs_less_than_nothing(
    grams: int, cents: int, units: int, sides: tuple[int, int, int], place: Destination
) -> None:
    sent = parcel(grams, units=units, heaviest_grams=grams // units, sides_mm=sides, subtotal=euros(cents))
    for option in options(sent, place, FULL, at=AT):
        assert option.price.amount >= 0
        assert option.earliest <= option.latest
        assert (option.free_because == "threshold") == (
            option.free_from is not None and cents >= option.free_from.amount
        )


@DRAWN
@given(st.lists(st.tuples(st.integers(1, 9), st.integers(0, 5_000), st.integers(0, 9_999)), min_size=1, max_size=8))
def test_how_goods_are_divided_into_lines_does_not_matter(lines: list[tuple[int, int, int]]) -> None:
    pieces = [Piece(quantity=n, total=cents, weight_grams=grams) for n, grams, cents in lines]
    units = [
        Piece(quantity=1, total=0, weight_grams=piece.weight_grams) for piece in pieces for _ in range(piece.quantity)
    ]
    whole, single = parcel_of(pieces, "EUR"), parcel_of(units, "EUR")
    assert replace(whole, subtotal=single.subtotal) == single


def test_the_bands_of_the_example_have_the_ends_that_dhl_publishes() -> None:
    assert [band.up_to for band in DHL] == [2_000, 5_000, 10_000, 31_500]
