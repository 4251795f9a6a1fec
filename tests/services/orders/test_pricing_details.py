"""What a priced line and part carry with them, and the edges of shipping, tax, exchange and commission."""

from dataclasses import replace

import pytest

from ledger.contract import Rule
from market.money import Money
from orders.contract import LineSnapshot, Part
from orders.pricing import Tables, explain
from orders.pricing.explain import paid
from prices.contract import Entry, NoRate, Rate, Rates
from promotions.contract import CustomerFacts
from promotions.model import FreeGift, FreeShipping, Percent
from shipping.contract import DEFAULT
from shipping.model import Area, Free, Zone
from tax.contract import Certificate, Overrides, Registration
from tests.services.orders import baskets
from tests.services.orders.baskets import line, priced
from tests.services.promotions import maker

pytestmark = pytest.mark.contract("11.4", "12.5")


def euros(cents: int) -> Money:
    return Money(cents, "EUR")


def terms(**rules: list[Rule]) -> Tables:
    return Tables(rules={name.replace("everybody", ""): found for name, found in rules.items()})


def test_a_line_is_frozen_with_everything_that_is_known_of_it() -> None:
    answer = priced(line("LAMP", 1_190, 2, category="home>lamps"))
    assert answer.lines == (
        LineSnapshot(
            sku="LAMP",
            product_id="prd_LAMP",
            vendor_id="ven_a",
            title="A LAMP",
            quantity=2,
            unit_price=euros(1_190),
            category="home>lamps",
            discount=euros(0),
            tax=euros(380),
            tax_rate=19_000,
        ),
    )


def test_a_part_is_the_sum_of_its_vendors_lines_and_parcel() -> None:
    rules = terms(ven_a=[Rule(vendor_id="ven_a", basis_points=2_000)], everybody=[Rule(basis_points=1_000)])
    first, second = priced(
        line("LAMP", 1_190, 2), line("CHAIR", 11_900, vendor="ven_b"), line("BULB", 119), tables=rules
    ).parts
    assert first == Part(
        vendor_id="ven_a",
        subtotal=euros(2_499),
        shipping=euros(490),
        commission=euros(476 + 24),
        discount=euros(0),
        tax=euros(380 + 19 + 78),
        shipping_tax=euros(78),
        shipping_tax_rate=19_000,
        earliest=first.earliest,
        latest=first.latest,
    )
    assert "2026-11-21" < first.earliest <= first.latest
    assert (second.vendor_id, second.subtotal, second.commission) == ("ven_b", euros(11_900), euros(1_190))


def test_without_rules_no_commission_is_told() -> None:
    (part,) = priced(line("LAMP", 1_190, 2), tables=Tables()).parts
    assert part.commission == euros(0)


def test_a_commission_leaves_the_vendor_the_tax() -> None:
    (part,) = priced(line("LAMP", 1_190), tables=terms(everybody=[Rule(per_order=euros(10_000))])).parts
    assert part.commission == euros(1_190)
    (dear,) = priced(line("SOFA", 119_000), tables=terms(everybody=[Rule(basis_points=10_000)])).parts
    assert dear.commission == dear.charge - dear.tax
    assert dear.earnings == euros(0)


@pytest.mark.parametrize(
    ("method", "currency", "amount"),
    [("standard", "EUR", 490), ("express", "EUR", 1_290), ("standard", "JPY", 5), ("standard", "KWD", 4_900)],
)
def test_a_parcel_costs_the_same_in_main_units_where_nobody_set_a_table(
    method: str, currency: str, amount: int
) -> None:
    (part,) = priced(line("LAMP", 100, currency=currency), method=method).parts
    assert part.shipping == Money(amount, currency)


def test_free_shipping_takes_off_what_the_cheapest_way_costs() -> None:
    free = Tables(promotions=[maker.promotion("free", FreeShipping())])
    (standard,), (express,) = (
        priced(line("LAMP", 1_190), tables=free, method=method).parts for method in ("standard", "express")
    )
    assert (standard.shipping, standard.shipping_discount) == (euros(0), euros(490))
    assert (express.shipping, express.shipping_discount) == (euros(800), euros(490))
    assert standard.shipping_subsidy == standard.subsidy == euros(490)
    assert standard.earnings == euros(1_190 - 190 + 490)


def test_what_we_pay_of_a_discount_is_earned_by_the_vendor_and_what_the_vendor_pays_is_not() -> None:
    rules = {"": [Rule(basis_points=1_000)]}
    ours = maker.promotion("ours", Percent(basis_points=5_000))
    theirs = maker.promotion("theirs", Percent(basis_points=5_000), scope="ven_a")
    (one,), (other,) = (
        priced(line("LAMP", 2_000), to="", tables=Tables(promotions=[given], rules=rules)).parts
        for given in (ours, theirs)
    )
    assert one.charge == other.charge == euros(1_000 + 490)
    assert (one.subsidy, one.commission, one.earnings) == (euros(1_000), euros(200), euros(2_490 - 200))
    assert (other.subsidy, other.commission, other.earnings) == (None, euros(100), euros(1_490 - 100))


def test_a_parcel_that_cannot_be_sent_is_told_and_costs_nothing() -> None:
    nowhere = replace(DEFAULT, scope="ven_a", zones=(Zone(id="at", name="Austria", areas=(Area("AT"),)),))
    answer = priced(line("LAMP", 1_190), tables=Tables(shipping={"ven_a": nowhere}))
    assert [problem.code for problem in answer.problems] == ["not_shippable"]
    assert answer.total == euros(1_190)
    (other,) = priced(line("LAMP", 1_190), method="drone").problems
    assert (other.code, other.extra["methods"]) == ("shipping_method_not_offered", ["standard", "express"])


def test_a_threshold_looks_at_what_is_paid_for_the_goods() -> None:
    table = Tables(
        shipping={"ven_a": replace(DEFAULT, currency="EUR", scope="ven_a", free=(Free(threshold=5_000),))},
        promotions=[maker.promotion("ten", Percent(basis_points=1_000), min_units=2)],
    )
    assert priced(line("LAMP", 5_000), tables=table).parts[0].shipping == euros(0)
    assert priced(line("LAMP", 2_500, 2), tables=table).parts[0].shipping == euros(490)


def test_downloads_are_not_sent() -> None:
    (part,) = priced(line("SONG", 99, tax_category="digital")).parts
    assert (part.shipping, part.method) == (euros(0), "none")


def test_a_tax_that_is_added_is_charged_and_is_the_vendors_where_the_vendor_hands_it_on() -> None:
    for collector, ours in (("platform", 145), ("vendor", 0)):
        registered = Overrides(registrations=(Registration(since="2020-01-01", collected_by=collector),))
        (part,) = priced(line("LAMP", 2_000), to="US", region="CA", tables=Tables(overrides=registered)).parts
        assert (part.added, part.tax) == (euros(145 + 36), euros(145 + 36))  # 7.25 % of 20.00 and of 4.90
        assert part.charge == euros(2_000 + 490 + 145 + 36)
        assert part.our_tax.amount == (ours + 36 if ours else 0)


def test_a_business_with_a_vat_number_owes_the_tax_itself() -> None:
    number = Certificate(
        id="c", kind="vat_id", number="FR1", jurisdiction="FR", valid_from="2020-01-01", valid_until="",
        status="approved",
    )  # fmt: skip
    answer = priced(line("LAMP", 1_200), to="FR", tables=Tables(certificates=(number,)))
    (sold,) = answer.lines
    assert (sold.tax, sold.tax_rate, sold.tax_note) == (euros(0), 0, "reverse_charge")
    assert answer.total == euros(1_690)
    assert priced(line("BOOK", 1_200, tax_category="exempt"), to="FR").lines[0].tax_note == "exempt"


def test_a_list_price_is_told_with_what_it_was_made_from() -> None:
    entry = Entry(list_id="club", price=euros(900), groups=frozenset({"club"}))
    member = CustomerFacts(customer_id="ada", groups=frozenset({"club"}))
    tables = Tables(entries={"LAMP": (entry,)})
    (sold,) = priced(line("LAMP", 1_000), tables=tables, customer=member).lines
    assert (sold.unit_price, sold.base_price, sold.list_id) == (euros(900), euros(1_000), "club")
    assert priced(line("LAMP", 1_000), tables=tables).lines[0].list_id == ""


def test_goods_in_another_currency_are_exchanged_with_fee_and_rounding_told() -> None:
    rates = Rates(rates={"USD": Rate("1.25", "2026-11-20", "ecb")}, fee_basis_points=200)
    asked = {"tables": Tables(rates=rates), "currency": "USD"}
    answer = priced(line("LAMP", 1_000, 3), **asked)
    (sold,) = answer.lines
    assert sold.unit_price == Money(1_275, "USD")
    base, fee, *_ = explain(answer)
    assert (base.amount, base.original, base.title) == (Money(3_750, "USD"), euros(3_000), "1.25")
    assert (fee.kind, fee.amount) == ("conversion_fee", Money(75, "USD"))
    with pytest.raises(NoRate):
        priced(line("LAMP", 1_000), currency="CHF", tables=Tables(rates=rates))


def test_every_cent_is_explained() -> None:
    tables = Tables(
        promotions=[maker.promotion("ten", Percent(basis_points=1_000)), maker.promotion("free", FreeShipping())],
        entries={"LAMP": (Entry(list_id="sale", price=euros(1_800)),)},
    )
    answer = priced(line("LAMP", 2_000, 2), tables=tables)
    told = [(step.kind, step.amount.amount, step.source, step.inside) for step in explain(answer)]
    assert told == [
        ("base", 4_000, "", False),
        ("list", -400, "sale", False),
        ("promotion", -360, "ten", False),
        ("subsidy", 360, "", True),
        ("tax", 517, "DE", True),
        ("shipping", 490, "standard", False),
        ("promotion", -490, "free", False),
        ("subsidy", 490, "", True),
    ]
    assert paid(explain(answer), "EUR") == answer.total == euros(3_240)


def test_a_gift_that_is_not_in_the_cart_is_hinted_at() -> None:
    gift = maker.promotion("gift", FreeGift(sku="MUG"))
    answer = priced(line("LAMP", 2_000), tables=Tables(promotions=[gift]))
    assert [(one.sku, one.quantity) for one in answer.outcome.gifts] == [("MUG", 1)]
    (_, mug) = priced(line("LAMP", 2_000), line("MUG", 700), tables=Tables(promotions=[gift])).lines
    assert mug.charge == euros(0)


def test_ways_to_send_are_told_with_days() -> None:
    answer = priced(line("LAMP", 2_000))
    ways = [(way.method, way.price) for way in answer.options["ven_a"]]
    assert ways == [("standard", euros(490)), ("express", euros(1_290))]
    assert answer.chosen["ven_a"].latest >= answer.chosen["ven_a"].earliest > baskets.TODAY[:10]
