"""Which zone a place is in."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shipping.model import Area, Destination, Zone
from shipping.zones import plain, postal, rank, zone_of
from tests.services.shipping.shelves import BERLIN, DRAWN, FULL, HELGOLAND, KABUL, PARIS, TOKYO

pytestmark = pytest.mark.contract("13.2")

CODES = st.text("0123456789", min_size=5, max_size=5)


def zone(*areas: Area, id: str = "one") -> Zone:
    return Zone(id=id, name=id, areas=areas)


def found(destination: Destination) -> str:
    one = zone_of(FULL.zones, destination)
    return one.id if one else ""


def test_the_most_specific_area_wins() -> None:
    places = (BERLIN, HELGOLAND, PARIS, TOKYO, KABUL, Destination("DE", "SH", "25846"))
    assert [found(place) for place in places] == ["de", "islands", "fr", "world", "never", "islands"]


def test_a_place_that_no_area_is_for_is_in_no_zone() -> None:
    assert zone_of([zone(Area("FR"))], BERLIN) is None


def test_a_region_is_known_with_and_without_its_country() -> None:
    only = [zone(Area("US", region="CA"))]
    assert zone_of(only, Destination("US", "CA"))
    assert zone_of(only, Destination("US", "US-CA"))
    assert zone_of(only, Destination("US", "NY")) is None
    assert zone_of(only, Destination("CA", "CA")) is None, "Canada is a country, California a region"


@pytest.mark.parametrize("code", ["SW1Y 4JH", "sw1y4jh", "SW1Y-4JH"])
def test_how_people_part_a_postcode_does_not_matter(code: str) -> None:
    assert zone_of([zone(Area("GB", postal="SW1"))], Destination("GB", "", code))


def test_a_place_whose_postcode_is_not_known_is_not_in_a_zone_of_postcodes() -> None:
    assert found(Destination("DE")) == "de"
    assert rank(Area("DE", postal="27498"), Destination("DE", "", "274")) == 0


def test_a_longer_prefix_beats_a_shorter_one_and_a_prefix_beats_a_range() -> None:
    zones = [
        zone(Area("DE", postal="2")),
        zone(Area("DE", postal="27-29"), id="range"),
        zone(Area("DE", postal="27"), id="two"),
        zone(Area("DE", postal="274"), id="three"),
    ]
    codes = ("20095", "28195", "27568", "27498")
    assert [zone_of(zones, Destination("DE", "", code)).id for code in codes] == [
        "one", "range", "two", "three",
    ]  # fmt: skip


@pytest.mark.parametrize("text", ["10-9", "100-99", "99-10", "-", "", "1" * 13, "1_"])
def test_what_is_no_range_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"letters and digits|as long"):
        postal(text)


@DRAWN
@given(first=CODES, last=CODES, code=CODES)
def test_a_range_covers_what_is_between_its_ends(first: str, last: str, code: str) -> None:
    low, high = sorted((first, last))
    assert postal(f"{low}-{high}").covers(code) == (int(low) <= int(code) <= int(high))


@DRAWN
@given(code=st.text(max_size=30), country=st.text(max_size=3), region=st.text(max_size=5))
def test_no_destination_is_too_strange_to_be_placed(code: str, country: str, region: str) -> None:
    assert found(Destination(country, region, code)) in ("de", "islands", "fr", "world", "never")
    assert " " not in plain(code)
