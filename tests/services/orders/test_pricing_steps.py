"""The steps of a price one by one: lists, promotions and who pays for them, tax by place, and the sums of a part."""

from dataclasses import replace

import pytest

from cart.contract import Line
from ledger.contract import Rule
from market.money import Money
from orders.pricing import Tables
from prices.contract import Entry, Rate, Rates
from promotions.contract import Code, CustomerFacts
from promotions.model import Fixed, FreeShipping, Percent
from shipping.contract import DEFAULT
from shipping.model import Origin
from tax.contract import Certificate, Override, Overrides, Registration
from tests.services.orders.baskets import line, priced
from tests.services.promotions import maker

pytestmark = pytest.mark.contract("9.1", "12.5", "13.1")

LAMP = line("LAMP", 1_000, 2)
NOBODY = CustomerFacts(customer_id="")


def euros(cents: int) -> Money:
    return Money(cents, "EUR")


def registered(region: str = "", by: str = "platform", *rates: Override) -> Overrides:
    return Overrides(rates=rates, registrations=(Registration(since="2020-01-01", region=region, collected_by=by),))


def paper(kind: str, place: str, **more: str) -> Certificate:
    usual = {"number": "1", "valid_from": "2020-01-01", "valid_until": "", "status": "approved"}
    return Certificate(id="crt_1", kind=kind, jurisdiction=place, **(usual | more))


class TestTheListPrice:
    @pytest.mark.parametrize(
        ("entry", "unit"),
        [
            (Entry(list_id="l", price=euros(900), min_quantity=2), 900),
            (Entry(list_id="l", price=euros(900), min_quantity=3), 1_000),
            (Entry(list_id="l", price=euros(900), countries=frozenset({"DE"})), 900),
            (Entry(list_id="l", price=euros(900), countries=frozenset({"FR"})), 1_000),
            (Entry(list_id="l", price=euros(900), starts_at="2026-11-21T12:00:00.000Z"), 900),
            (Entry(list_id="l", price=euros(900), starts_at="2026-11-21T12:00:00.001Z"), 1_000),
        ],
    )
    def test_is_for_some_quantities_places_and_times(self, entry: Entry, unit: int) -> None:
        (sold,) = priced(LAMP, tables=Tables(entries={"LAMP": (entry,)})).lines
        assert (sold.unit_price, sold.base_price) == (euros(unit), euros(1_000) if unit != 1_000 else None)

    def test_is_of_its_own_sku_only(self) -> None:
        entries = {"LAMP": (Entry(list_id="sale", price=euros(900)),)}
        answer = priced(LAMP, line("BULB", 1_000), tables=Tables(entries=entries))
        assert [one.list_id for one in answer.lines] == ["sale", ""]
        assert [(one.price.amount, one.list_id, one.base) for one in answer.listed] == [
            (900, "sale", euros(1_000)),
            (1_000, "", euros(1_000)),
        ]

    def test_in_the_orders_currency_is_taken_as_it_is(self) -> None:
        rates = Rates(rates={"USD": Rate("1.25", "2026-11-20", "ecb")})
        entries = {"LAMP": (Entry(list_id="us", price=Money(999, "USD")),)}
        sold, other = priced(
            LAMP, line("BULB", 1_000), currency="USD", tables=Tables(entries=entries, rates=rates)
        ).lines
        assert (sold.unit_price, sold.base_price, sold.list_id) == (Money(999, "USD"), euros(1_000), "us")
        assert (other.unit_price, other.base_price, other.list_id) == (Money(1_250, "USD"), euros(1_000), "")


class TestAPromotion:
    @pytest.mark.parametrize(
        "chosen",
        [
            {"skus": ["BULB"]},
            {"products": ["prd_BULB"]},
            {"vendors": ["ven_b"]},
            {"categories": ["home"]},
            {"brands": ["glow"]},
        ],
        ids=lambda chosen: next(iter(chosen)),
    )
    def test_is_for_chosen_goods(self, chosen: dict[str, list[str]]) -> None:
        half = maker.promotion("half", Percent(basis_points=5_000), include=maker.some(**chosen))
        goods = line("LAMP", 1_000, 2), line("BULB", 300, 3, vendor="ven_b", category="home>bulbs", brand="glow")
        one, other = priced(*goods, tables=Tables(promotions=[half])).lines
        assert (one.discount, other.discount) == (euros(0), euros(450))

    @pytest.mark.parametrize(
        ("condition", "given"),
        [
            ({"countries": frozenset({"DE"})}, True),
            ({"countries": frozenset({"FR"})}, False),
            ({"currencies": frozenset({"EUR"})}, True),
            ({"currencies": frozenset({"USD"})}, False),
            ({"customers": frozenset({"ada"})}, True),
            ({"customers": frozenset({"bob"})}, False),
            ({"starts_at": "2026-11-21T12:00:00.000Z"}, True),
            ({"starts_at": "2026-11-21T12:00:00.001Z"}, False),
        ],
    )
    def test_has_conditions(self, condition: dict[str, object], given: bool) -> None:
        half = maker.promotion("half", Percent(basis_points=5_000), **condition)
        (sold,) = priced(LAMP, tables=Tables(promotions=[half])).lines
        assert sold.discount == euros(1_000 if given else 0)

    def test_that_just_came_to_its_end_is_left_out_and_its_code_refused(self) -> None:
        half = maker.promotion("half", Percent(basis_points=5_000), needs_code=True)
        code = Code(code="HALF", promotion_id="half", scope="platform")
        usual = Tables(promotions=[half], codes=[code])
        (told,) = priced(LAMP, tables=usual).promoted
        assert (told.title, told.amount, told.code) == ("half", euros(1_000), "HALF")
        over = priced(LAMP, tables=replace(usual, used_up=frozenset({"half"})))
        assert (over.promoted, over.total) == ((), euros(2_490))
        assert [(one.code, one.reason_code) for one in over.outcome.refused] == [("HALF", "used_up")]

    def test_may_be_missing_for_a_code_which_is_then_refused(self) -> None:
        refused = priced(LAMP, tables=Tables(codes=[Code(code="NIX")])).outcome.refused
        assert [(one.code, one.reason_code) for one in refused] == [("NIX", "code_not_valid")]

    @pytest.mark.parametrize(
        ("off", "share", "ours"),
        [(333, 5_000, 167), (333, 4_999, 166), (1, 5_000, 1), (1, 4_999, 0), (1_000, 1, 0), (1_999, 3_333, 666)],
    )
    def test_that_is_shared_is_paid_by_us_in_its_share_rounded_half_up(self, off: int, share: int, ours: int) -> None:
        shared = maker.promotion(
            "shared", Fixed(amounts={"EUR": off}), platform_basis_points=share, participants={"ven_a": frozenset()}
        )
        answer = priced(LAMP, tables=Tables(promotions=[shared]))
        assert answer.lines[0].discount == euros(off)
        assert answer.lines[0].subsidy == answer.parts[0].subsidy == (euros(ours) if ours else None)

    def test_comes_after_another_and_both_are_told(self) -> None:
        ours = maker.promotion("ours", Percent(basis_points=1_000))
        theirs = maker.promotion("theirs", Fixed(amounts={"EUR": 300}), scope="ven_a")
        answer = priced(LAMP, line("BULB", 500, 2), tables=Tables(promotions=[ours, theirs]))
        assert [(one.promotion_id, one.amount.amount, one.code) for one in answer.promoted] == [
            ("ours", 300, ""),
            ("theirs", 300, ""),
        ]
        assert [(one.discount, one.subsidy) for one in answer.lines] == [
            (euros(400), euros(200)),
            (euros(200), euros(100)),
        ]
        (part,) = answer.parts
        assert (part.discount, part.subsidy, part.charge) == (euros(600), euros(300), euros(3_000 - 600 + 490))


class TestTheTax:
    def test_is_that_of_each_lines_category(self) -> None:
        answer = priced(*(line(name, 1_000, tax_category=name) for name in ("standard", "reduced", "exempt")))
        assert [(one.tax_rate, one.tax_note) for one in answer.lines] == [(19_000, ""), (7_000, ""), (0, "exempt")]
        assert [rate.jurisdiction for rate in answer.rates] == ["DE"] * 3

    @pytest.mark.parametrize(
        ("categories", "rate", "tax", "all_of_it"),
        [
            (("standard",), 19_000, 78, 160 + 78),
            (("reduced",), 7_000, 32, 65 + 32),
            (("reduced", "standard", "exempt"), 19_000, 78, 65 + 160 + 78),
            (("exempt", "reduced"), 7_000, 32, 65 + 32),
            (("exempt",), 0, 0, 0),
        ],
    )
    def test_of_the_parcel_is_the_highest_of_what_is_in_it(
        self, categories: tuple[str, ...], rate: int, tax: int, all_of_it: int
    ) -> None:
        (part,) = priced(*(line(name, 1_000, tax_category=name) for name in categories)).parts
        assert (part.shipping_tax_rate, part.shipping_tax, part.tax) == (rate, euros(tax), euros(all_of_it))

    def test_of_the_parcel_is_its_own_vendors(self) -> None:
        book = line("BOOK", 1_000, vendor="ven_b", tax_category="reduced")
        parts = priced(LAMP, book, line("BULB", 100)).parts
        assert [(part.vendor_id, part.shipping_tax_rate) for part in parts] == [("ven_a", 19_000), ("ven_b", 7_000)]

    def test_of_a_parcel_that_costs_nothing_is_nothing(self) -> None:
        (part,) = priced(LAMP, tables=Tables(promotions=[maker.promotion("free", FreeShipping())])).parts
        assert (part.shipping_tax, part.shipping_tax_rate, part.tax) == (euros(0), 0, euros(319))

    def test_of_a_parcel_is_that_of_what_is_left_of_its_price(self) -> None:
        tables = Tables(promotions=[maker.promotion("free", FreeShipping())])
        (part,) = priced(LAMP, tables=tables, method="express").parts
        assert (part.shipping, part.shipping_tax) == (euros(800), euros(128))

    @pytest.mark.parametrize(
        ("to", "region", "overrides", "place"),
        [
            ("DE", "", Overrides(), "DE"),
            ("US", "CA", registered("CA"), "US-CA"),
            ("US", "CA", Overrides(), ""),
            ("US", "CA", registered("NY"), ""),
            ("GB", "", registered(), "GB"),
        ],
    )
    def test_is_charged_where_we_are_registered(self, to: str, region: str, overrides: Overrides, place: str) -> None:
        answer = priced(LAMP, to=to, region=region, tables=Tables(overrides=overrides))
        assert (answer.jurisdiction, answer.parts[0].tax.amount > 0) == (place, bool(place))

    def test_that_is_none_is_not_said_to_be_added(self) -> None:
        answer = priced(LAMP, to="US", region="CA")
        (sold,), (part,) = answer.lines, answer.parts
        assert (sold.tax_added, sold.tax_rate, sold.tax, sold.tax_note) == (False, 0, euros(0), "")
        assert (part.shipping_tax_added, part.added, part.shipping_tax_rate) == (False, None, 0)

    def test_that_is_next_to_none_is_added(self) -> None:
        least = registered("CA", "platform", Override(category="standard", rate=1, since="2020-01-01", region="CA"))
        answer = priced(line("SOFA", 100_000), to="US", region="CA", tables=Tables(overrides=least))
        assert (answer.lines[0].tax_added, answer.lines[0].charge) == (True, euros(100_001))
        assert answer.parts[0].shipping_tax_added

    def test_changes_on_its_day(self) -> None:
        changed = Overrides(rates=(Override(category="standard", rate=20_000, since="2026-11-21"),))
        for at, rate in (("2026-11-20T12:00:00.000Z", 19_000), ("2026-11-21T12:00:00.000Z", 20_000)):
            assert priced(LAMP, at=at, tables=Tables(overrides=changed)).lines[0].tax_rate == rate

    def test_is_not_owed_under_an_authoritys_paper(self) -> None:
        tables = Tables(overrides=registered("CA"), certificates=[paper("exemption", "US-CA")])
        answer = priced(LAMP, to="US", region="CA", tables=tables)
        assert [(one.tax, one.tax_note) for one in answer.lines] == [(euros(0), "exempt")]
        assert (answer.rates[0].certificate, answer.jurisdiction, answer.total) == ("crt_1", "", euros(2_490))
        others = priced(LAMP, to="US", region="CA", tables=Tables(overrides=registered("CA")))
        assert others.total == euros(2_490 + 145 + 36)

    def test_is_the_buyers_only_where_the_goods_cross_a_border(self) -> None:
        origin = {name: replace(DEFAULT, origin=Origin(country=name[-2:].upper())) for name in ("ven_de", "ven_fr")}
        tables = Tables(shipping=origin, certificates=[paper("vat_id", "FR")])
        goods = [line(name, 1_200, vendor=name) for name in ("ven_de", "ven_fr", "ven_unknown")]
        answer = priced(*goods, to="FR", tables=tables)
        assert [(one.tax_rate, one.tax_note) for one in answer.lines] == [
            (0, "reverse_charge"),
            (20_000, ""),
            (0, "reverse_charge"),
        ]
        assert [part.tax.amount for part in answer.parts] == [0, 200 + 82, 0]
        assert answer.jurisdiction == "FR"


class TestTheSumsOfAPart:
    GOODS: tuple[Line, ...] = (line("LAMP", 2_000), line("SOFA", 9_000, vendor="ven_b"), line("BULB", 500, 2))
    HALF = maker.promotion(
        "half", Percent(basis_points=2_000), platform_basis_points=5_000, participants={"ven_a": frozenset()}
    )

    @pytest.mark.parametrize(("by", "ours"), [("platform", 210), ("vendor", 0)])
    def test_are_those_of_its_own_lines(self, by: str, ours: int) -> None:
        """20.00 and 10.00 less 20 % are 24.00, with 4.90 of postage; 7.25 % of 16.00, 8.00 and 4.90 are added."""
        rules = {"": [Rule(basis_points=1_000)]}
        tables = Tables(promotions=[self.HALF], overrides=registered("CA", by), rules=rules)
        part, other = priced(*self.GOODS, to="US", region="CA", tables=tables).parts
        assert (part.subtotal, part.discount, part.subsidy) == (euros(3_000), euros(600), euros(300))
        assert (part.tax, part.shipping_tax, part.added) == (euros(116 + 58 + 36), euros(36), euros(116 + 58 + 36))
        assert (part.shipping_tax_added, part.tax_by_vendor, part.our_tax) == (True, by == "vendor", euros(ours))
        assert part.charge == euros(2_400 + 490 + 210)
        assert part.commission == euros(270)  # of what the vendor sells for: 24.00 and our 3.00
        assert part.earnings == euros(2_400 + 490 + 210 - ours + 300 - 270)
        assert (other.subtotal, other.discount, other.subsidy) == (euros(9_000), euros(0), None)

    @pytest.mark.parametrize(
        ("to", "by", "commission", "earnings"),
        [
            ("DE", "platform", 24_000 + 490 + 3_000 - 3_910, 0),
            ("DE", "vendor", 27_000, 490),
            ("US", "platform", 27_000, 490),
            ("US", "vendor", 27_000, 490 + 1_776),
        ],
    )
    def test_leave_a_vendor_at_worst_nothing(self, to: str, by: str, commission: int, earnings: int) -> None:
        """A commission is no more than what the goods are sold for, nor than what is left of it and the postage.

        The tax on 160.00, 80.00 and 4.90 is 25.55, 12.77 and 0.78 in Germany, 11.60, 5.80 and 0.36 in California.
        """
        rules = {"": [Rule(per_order=euros(1_000_000))]}
        tables = Tables(promotions=[self.HALF], overrides=registered("", by), rules=rules)
        goods = line("LAMP", 20_000), line("SOFA", 9_000, vendor="ven_b"), line("BULB", 5_000, 2)
        part = priced(*goods, to=to, region="CA", tables=tables).parts[0]
        assert (part.commission, part.earnings) == (euros(commission), euros(earnings))

    def test_leave_a_vendor_who_hands_the_tax_on_and_sends_for_free_no_cent_too_little(self) -> None:
        rules = {"": [Rule(per_order=euros(1_000_000))]}
        free = maker.promotion("free", FreeShipping(), scope="ven_a")
        tables = Tables(promotions=[free], overrides=registered("", "vendor"), rules=rules)
        (part,) = priced(LAMP, tables=tables).parts
        assert (part.commission, part.earnings) == (euros(2_000), euros(0))

    def test_say_that_the_vendor_hands_tax_on_only_where_there_is_some(self) -> None:
        for category, by_vendor in (("standard", True), ("exempt", False)):
            tables = Tables(overrides=registered("CA", "vendor"))
            goods = line("LAMP", 1_000, tax_category=category)
            assert priced(goods, to="US", region="CA", tables=tables).parts[0].tax_by_vendor is by_vendor

    def test_say_that_the_vendor_hands_on_a_single_cent(self) -> None:
        song = line("SONG", 6, tax_category="digital")
        (part,) = priced(song, tables=Tables(overrides=registered("", "vendor"))).parts
        assert (part.tax, part.tax_by_vendor) == (euros(1), True)

    def test_leave_out_what_there_is_none_of(self) -> None:
        (part,) = priced(LAMP).parts
        assert (part.added, part.subsidy, part.shipping_discount, part.shipping_subsidy) == (None, None, None, None)
        assert priced(LAMP).lines[0].subsidy is None

    def test_are_in_the_order_of_the_vendors_first_lines(self) -> None:
        answer = priced(*(line(name, 100, vendor=name[:5]) for name in ("ven_c1", "ven_a1", "ven_c2", "ven_b1")))
        assert [(part.vendor_id, part.subtotal.amount) for part in answer.parts] == [
            ("ven_c", 200),
            ("ven_a", 100),
            ("ven_b", 100),
        ]
        assert [one.sku for one in answer.lines] == ["ven_c1", "ven_a1", "ven_c2", "ven_b1"]

    def test_count_a_commission_by_the_days_rules(self) -> None:
        rules = {"": [Rule(basis_points=500, until="2026-11-21T12:00:00.000Z"), Rule(basis_points=700)]}
        for at, cents in (("2026-11-21T11:59:59.999Z", 100), ("2026-11-21T12:00:00.000Z", 140)):
            (part,) = priced(LAMP, at=at, tables=Tables(rules=rules)).parts
            assert part.commission == euros(cents)

    def test_count_a_commission_by_units(self) -> None:
        (part,) = priced(LAMP, line("BULB", 100, 3), tables=Tables(rules={"": [Rule(per_unit=euros(10))]})).parts
        assert part.commission == euros(50)
