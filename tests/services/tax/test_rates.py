"""The tax on a line: where, when, for what and for whom."""

from dataclasses import replace
from datetime import date

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from market.money import Money
from tax.categories import Destination, civil_day
from tax.contract import (
    APPROVED,
    CATEGORIES,
    CERTIFIED,
    EXEMPTION,
    NOT_REGISTERED,
    REJECTED,
    REVERSE_CHARGE,
    VAT_ID,
    VENDOR,
    WAITING,
    Certificate,
    Override,
    Overrides,
    Rate,
    Registration,
    compact_rates,
    compact_registrations,
    rate_of,
    read_overrides,
    table_key,
    tax_in,
    tax_on,
    taxed,
)
from tax.tables import countries, law_at

NOW = "2026-11-21T12:00:00.000Z"
EVERYWHERE = Overrides(registrations=(Registration(since="2000-01-01"),))
BERLIN = Destination("DE", postal_code="10115")
VAT_NUMBER = Certificate(
    id="txc_1", kind=VAT_ID, number="DE136695976", jurisdiction="DE",
    valid_from="2026-01-01", valid_until="2026-12-31", status=APPROVED,
)  # fmt: skip
RESALE = Certificate(
    id="txc_2", kind=EXEMPTION, number="SR-1", jurisdiction="US-CA",
    valid_from="2026-01-01", valid_until="2026-12-31", status=APPROVED,
)  # fmt: skip

amounts = st.integers(min_value=0, max_value=10**11)
rates = st.integers(min_value=0, max_value=100_000)


def rate(*place: str, category: str = "standard", at: str = NOW, overrides: Overrides = EVERYWHERE) -> int:
    return rate_of(category, Destination(*place), at=at, overrides=overrides).rate


@pytest.mark.contract("13.1")
@pytest.mark.parametrize(
    ("place", "percent"),
    [
        (("DE", "", "10115"), 19_000),
        (("DE", "", "78266"), 0),
        (("DE", "", "27498"), 0),
        (("AT", "", "6691"), 19_000),
        (("AT", "", "6992"), 19_000),
        (("ES", "", "35001"), 0),
        (("ES", "CE"), 0),
        (("ES", "Madrid", "28001"), 21_000),
        (("IT", "", "22061"), 0),
        (("IT", "", "23041"), 0),
        (("FI", "", "22100"), 0),
        (("AX",), 0),
        (("GR", "", "630 86"), 0),
        (("PT", "", "9500-321"), 16_000),
        (("PT", "", "9000-001"), 22_000),
        (("MC",), 20_000),
        (("FR", "", "97110"), 8_500),
        (("FR", "", "97133"), 0),
        (("GB", "", "BT1 1AA"), 20_000),
        (("GB", "", "JE2 3AB"), 5_000),
        (("IM",), 20_000),
        (("US", "CA"), 7_250),
        (("US", "US-MN"), 6_875),
        (("US", "OR"), 0),
        (("US",), 0),
        (("PR",), 11_500),
        (("CA", "QC"), 14_975),
        (("CA", "ON"), 13_000),
        (("CA", "AB"), 5_000),
        (("CH",), 8_100),
        (("JP",), 10_000),
        (("AQ",), 0),
    ],
)
def test_each_place_has_the_rate_of_its_own_law(place: tuple[str, ...], percent: int) -> None:
    assert rate(*place) == percent


@pytest.mark.contract("13.1")
def test_the_four_categories_are_taxed_each_in_its_way() -> None:
    found = {category: rate("DE", category=category) for category in CATEGORIES}

    assert found == {"standard": 19_000, "reduced": 7_000, "exempt": 0, "digital": 19_000}


@pytest.mark.contract("13.1")
def test_a_country_without_a_reduced_rate_taxes_reduced_goods_like_all_others() -> None:
    assert rate("DK", category="reduced") == 25_000


@pytest.mark.contract("13.1")
def test_without_any_set_up_tax_is_charged_in_the_european_union_only() -> None:
    charged = {country for country in countries() if rate(country, overrides=Overrides())}

    assert len(charged) == 27
    assert rate_of("standard", Destination("US", "CA"), at=NOW).exemption == NOT_REGISTERED


@pytest.mark.contract("13.1")
def test_prices_contain_the_tax_but_in_north_america_it_comes_on_top() -> None:
    inclusive = {country: law_at(Destination(country)).inclusive for country in countries()}

    assert sorted(country for country, inside in inclusive.items() if not inside) == ["CA", "US"]


@pytest.mark.contract("13.1")
@pytest.mark.parametrize(
    ("at", "percent"),
    [
        ("2020-06-30T21:59:59.999Z", 19_000),
        ("2020-06-30T22:00:00.000Z", 16_000),
        ("2020-12-31T22:59:59.999Z", 16_000),
        ("2020-12-31T23:00:00.000Z", 19_000),
    ],
)
def test_a_new_rate_counts_from_midnight_on_where_the_goods_go(at: str, percent: int) -> None:
    assert rate("DE", at=at) == percent


@pytest.mark.contract("13.1")
def test_the_day_is_that_of_the_destination() -> None:
    midnight = "2026-03-28T23:30:00.000Z"

    found = {country: civil_day(midnight, country) for country in ("US", "GB", "DE", "FI", "JP")}

    assert found == {
        "US": "2026-03-28", "GB": "2026-03-28", "DE": "2026-03-29", "FI": "2026-03-29", "JP": "2026-03-29",
    }  # fmt: skip


@pytest.mark.contract("13.1")
@pytest.mark.parametrize(
    ("at", "day"),
    [
        ("2026-03-29T00:59:59Z", "2026-03-29"),
        ("2026-07-01T22:30:00Z", "2026-07-02"),
        ("2026-10-24T21:59:59Z", "2026-10-24"),
        ("2026-12-31T22:30:00Z", "2026-12-31"),
    ],
)
def test_european_summer_time_begins_and_ends_on_the_last_sundays(at: str, day: str) -> None:
    assert civil_day(at, "DE") == day


@pytest.mark.contract("13.1")
def test_a_rate_that_staff_announced_counts_from_its_first_day_to_its_last() -> None:
    announced = Override(category="standard", rate=18_000, since="2027-01-01", until="2027-06-30")
    held = Overrides(rates=(announced,))

    days = ("2026-12-31", "2027-01-01", "2027-06-30", "2027-07-01")
    found = [rate("DE", at=day, overrides=held) for day in days]

    assert found == [19_000, 18_000, 18_000, 19_000]
    assert held.days() == {"2027-01-01", "2027-07-01"}


@pytest.mark.contract("13.1")
def test_what_staff_set_for_the_smallest_place_counts() -> None:
    held = Overrides(
        rates=(
            Override(category="standard", rate=8_000, since="2020-01-01", region="CA"),
            Override(category="standard", rate=9_500, since="2020-01-01", region="CA", postal_prefix="902"),
            Override(category="standard", rate=1_000, since="2020-01-01"),
        ),
        registrations=EVERYWHERE.registrations,
    )

    assert rate("US", "CA", "90210", overrides=held) == 9_500
    assert rate("US", "CA", "94105", overrides=held) == 8_000
    assert rate("US", "NY", "10001", overrides=held) == 4_000, "a state's own law is not its country's"
    assert rate("US", "OR", "97201", overrides=held) == 1_000


@pytest.mark.contract("13.1")
def test_digital_goods_have_the_standard_rate_that_staff_set_unless_they_set_one_of_their_own() -> None:
    standard = Override(category="standard", rate=20_000, since="2026-01-01")
    digital = Override(category="digital", rate=5_000, since="2026-01-01")

    assert rate("DE", category="digital", overrides=Overrides(rates=(standard,))) == 20_000
    assert rate("DE", category="digital", overrides=Overrides(rates=(standard, digital))) == 5_000


@pytest.mark.contract("13.1")
def test_a_change_for_a_country_leaves_its_places_outside_the_law_alone() -> None:
    held = Overrides(rates=(Override(category="standard", rate=22_000, since="2026-01-01"),))

    assert rate("ES", "", "28001", overrides=held) == 22_000
    assert rate("ES", "", "35001", overrides=held) == 0


@pytest.mark.contract("13.1")
def test_a_state_is_charged_from_the_day_of_its_registration() -> None:
    held = Overrides(registrations=(Registration(since="2026-06-01", region="CA"),))

    assert rate("US", "CA", at="2026-05-31", overrides=held) == 0
    assert rate("US", "CA", at="2026-06-01", overrides=held) == 7_250
    assert rate("US", "WA", at="2026-06-01", overrides=held) == 0


@pytest.mark.contract("13.1")
def test_the_vendor_collects_where_staff_said_so() -> None:
    held = Overrides(registrations=(Registration(since="2026-01-01", collected_by=VENDOR),))

    assert rate_of("standard", BERLIN, at=NOW, overrides=held).collected_by == VENDOR
    assert rate_of("standard", BERLIN, at="2025-12-31", overrides=held).collected_by == "platform"


@pytest.mark.contract("13.1")
def test_a_business_in_another_member_state_owes_the_tax_itself() -> None:
    def found(certificate: Certificate, **more: str) -> Rate:
        return rate_of("standard", BERLIN, at=NOW, certificates=(certificate,), **more)

    assert found(VAT_NUMBER).exemption == REVERSE_CHARGE
    assert found(VAT_NUMBER, origin="FR").note == "reverse_charge"
    assert found(VAT_NUMBER, origin="DE").rate == 19_000, "within one country it changes nothing"
    assert found(replace(VAT_NUMBER, jurisdiction="FR")).rate == 19_000, "it is for goods that go there"
    assert found(replace(VAT_NUMBER, status=WAITING)).rate == 19_000
    assert found(replace(VAT_NUMBER, status=REJECTED)).rate == 19_000


@pytest.mark.contract("13.1")
def test_a_number_of_northern_ireland_counts_for_goods_and_not_for_services() -> None:
    northern = replace(VAT_NUMBER, jurisdiction="XI", number="XI980780684")
    belfast = Destination("GB", postal_code="BT1 1AA")

    def found(category: str, place: Destination) -> str:
        return rate_of(category, place, at=NOW, overrides=EVERYWHERE, certificates=(northern,)).exemption

    assert found("standard", belfast) == REVERSE_CHARGE
    assert found("digital", belfast) == ""
    assert found("standard", Destination("GB", postal_code="SW1Y 4JH")) == ""


@pytest.mark.contract("13.1")
@pytest.mark.parametrize(
    ("at", "exempt"), [("2025-12-31", False), ("2026-01-01", True), ("2026-12-31", True), ("2027-01-01", False)]
)
def test_an_exemption_counts_in_its_state_from_its_first_day_to_its_last(at: str, exempt: bool) -> None:
    found = rate_of("standard", Destination("US", "CA"), at=at, overrides=EVERYWHERE, certificates=(RESALE,))
    elsewhere = rate_of("standard", Destination("US", "NY"), at=at, overrides=EVERYWHERE, certificates=(RESALE,))

    assert (found.exemption == CERTIFIED) is exempt
    assert found.certificate == ("txc_2" if exempt else "")
    assert elsewhere.rate == 4_000


@pytest.mark.contract("13.1")
def test_what_staff_set_is_read_as_it_was_written_under_every_code_of_a_country() -> None:
    rates = (Override(category="reduced", rate=6_500, since="2026-01-01", until="2026-12-31", postal_prefix="84"),)
    registrations = (Registration(since="2026-01-01", region="81", collected_by=VENDOR),)
    item = {"rates": compact_rates(rates), "registrations": compact_registrations(registrations), "version": 3}

    assert read_overrides(item) == Overrides(rates, registrations, 3)
    assert table_key("EL") == table_key("GR")
    assert table_key("MC") == table_key("FR")
    assert read_overrides(None) == Overrides()


@pytest.mark.contract("13.1")
@given(amount=amounts, rate=rates)
@example(amount=1_999, rate=19_000)
@example(amount=1, rate=100_000)
def test_a_price_is_its_net_and_its_tax_to_the_unit(amount: int, rate: int) -> None:
    charge = Money(amount, "EUR")
    inside = taxed(charge, Rate(rate=rate, name="VAT", jurisdiction="DE"))
    on_top = taxed(charge, Rate(rate=rate, name="Sales tax", jurisdiction="US-CA", inclusive=False))

    assert inside.net + inside.tax == inside.gross == charge
    assert on_top.net == charge
    assert on_top.net + on_top.tax == on_top.gross
    assert 0 <= inside.tax.amount <= on_top.tax.amount


@pytest.mark.contract("13.1")
@given(amount=amounts, more=amounts, rate=rates, higher=rates)
def test_more_money_and_a_higher_rate_never_make_less_tax(amount: int, more: int, rate: int, higher: int) -> None:
    low, high = sorted((rate, higher))
    small, large = Money(amount, "JPY"), Money(amount + more, "JPY")

    for tax in (tax_in, tax_on):
        assert 0 <= tax(small, low).amount <= tax(large, low).amount <= tax(large, high).amount


@pytest.mark.contract("13.1")
@given(amount=amounts, rate=rates)
def test_tax_is_rounded_half_up_and_never_off_by_more_than_half_a_unit(amount: int, rate: int) -> None:
    inside, on_top = tax_in(Money(amount, "EUR"), rate).amount, tax_on(Money(amount, "EUR"), rate).amount
    whole = 100_000 + rate

    assert -whole <= 2 * (amount * rate - inside * whole) < whole
    assert -100_000 <= 2 * (amount * rate - on_top * 100_000) < 100_000


@pytest.mark.contract("13.1")
@given(
    country=st.sampled_from(countries()),
    region=st.sampled_from(["", "CA", "QC", "20", "GC", "BT", "??"]),
    postal_code=st.text("0123456789ABT -", max_size=8),
    category=st.sampled_from(CATEGORIES),
    day=st.dates(min_value=date(1960, 1, 1)).map(str),
)
def test_every_place_has_a_rate_on_every_day(
    country: str, region: str, postal_code: str, category: str, day: str
) -> None:
    found = rate_of(category, Destination(country, region, postal_code), at=day, overrides=EVERYWHERE)

    assert 0 <= found.rate <= 35_000
    assert found.jurisdiction[:2] == found.country


@pytest.mark.contract("13.1")
@given(day=st.dates().map(str), country=st.sampled_from(countries()))
def test_reduced_goods_never_cost_more_tax_than_others(day: str, country: str) -> None:
    law = law_at(Destination(country))

    assert law.rate("reduced", day) <= law.rate("standard", day)
