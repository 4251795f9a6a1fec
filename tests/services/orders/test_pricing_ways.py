"""How each vendor's parcel goes and what it costs: ways by vendor, carriers' prices, tables in other currencies."""

from dataclasses import replace

import pytest

from market.money import Money
from orders.pricing import Answer, Tables
from prices.contract import Rate, Rates
from promotions.contract import Code, Promotion
from promotions.model import Fixed, FreeShipping
from shipping.contract import DEFAULT, CarrierQuote, CarrierRate, Destination, Parcel, Table
from shipping.model import Area, Band, Free, Method, Origin, Zone
from shipping.model import Rate as Fare
from shipping.quotes import fingerprint
from tests.services.orders.baskets import line, priced
from tests.services.promotions import maker

pytestmark = pytest.mark.contract("11.4", "12.5")

DOLLARS = Rates(rates={"USD": Rate("1.25", "2026-11-20", "ecb")})
LATER, BEFORE = 1_800_000_000, 1_700_000_000
"""Seconds since 1970, after and before the moment at which the tests buy."""
LAMP = Parcel(subtotal=Money(1_190, "EUR"), units=1, unweighed=1)


def way(method: str, *bands: Band, carrier: str = "", basis: str = "flat", **limits: int) -> Method:
    fare = Fare(zone="world", basis=basis, bands=bands)  # type: ignore[arg-type]
    return Method(id=method, name=method.title(), carrier=carrier, rates=(fare,), **limits)  # type: ignore[arg-type]


def flat(method: str, price: int, **more: str) -> Method:
    return way(method, Band(None, price), **more)  # type: ignore[arg-type]


def table(*methods: Method, currency: str = "EUR", vendor: str = "ven_a", **more: object) -> Table:
    return replace(DEFAULT, scope=vendor, currency=currency, methods=methods, **more)  # type: ignore[arg-type]


def quote(price: Money, *, method: str = "dhl_paket", parcel: Parcel = LAMP, **more: object) -> CarrierQuote:
    rate = CarrierRate(method=method, name="DHL Paket", carrier="dhl", service="paket", price=price, days=2)
    usual = {
        "vendor_id": "ven_a",
        "fits": fingerprint(parcel, Destination("DE")),
        "expires_at": LATER,
        "rates": (rate,),
    }
    return CarrierQuote(id="shq_1", **(usual | more))  # type: ignore[arg-type]


def by_carrier(found: CarrierQuote | None, *, method: str = "dhl_paket", **tables: object) -> Answer:
    carriers = {"ven_a": found} if found else {}
    return priced(
        line("LAMP", 1_190),
        tables=Tables(carriers=carriers, **tables),  # type: ignore[arg-type]
        methods={"ven_a": method},
        quotes={"ven_a": "shq_1"},
    )


def free(name: str = "free", **more: object) -> Promotion:
    return maker.promotion(name, FreeShipping(), **more)


def fixed(cents: int, **more: object) -> Promotion:
    return maker.promotion("fixed", Fixed(amounts={"EUR": cents, "USD": cents}), **more)


TWO = line("LAMP", 1_190), line("SOFA", 99_000, vendor="ven_b")


class TestEachVendorsParcel:
    def test_goes_the_way_that_is_wished_for_it_and_else_as_the_whole_order(self) -> None:
        one, other = priced(*TWO, methods={"ven_b": "express"}).parts
        assert (one.shipping.amount, one.method) == (490, "")
        assert (other.shipping.amount, other.method) == (1_290, "express")
        one, other = priced(*TWO, method="express", methods={"ven_b": "standard"}).parts
        assert (one.shipping.amount, one.method) == (1_290, "")
        assert (other.shipping.amount, other.method) == (490, "standard")

    def test_is_priced_by_its_own_vendors_table(self) -> None:
        theirs = table(flat("standard", 700, carrier="dpd"), flat("freight", 4_900), vendor="ven_b")
        answer = priced(*TWO, tables=Tables(shipping={"ven_b": theirs}))
        assert [(part.shipping.amount, part.carrier) for part in answer.parts] == [(490, ""), (700, "dpd")]
        assert {name: [one.method for one in ways] for name, ways in answer.options.items()} == {
            "ven_a": ["standard", "express"],
            "ven_b": ["standard", "freight"],
        }
        assert [answer.chosen[name].price.amount for name in ("ven_a", "ven_b")] == [490, 700]

    def test_is_weighed_with_all_that_is_sent_and_without_downloads(self) -> None:
        by_weight = table(way("standard", Band(1_000, 500), Band(2_000, 900), basis="weight"), default_grams=5_000)
        tables = Tables(shipping={"ven_a": by_weight})
        song = line("SONG", 99, tax_category="digital", weight_grams=9_000)
        for grams, cents in ((300, 500), (500, 500), (501, 900)):
            (part,) = priced(line("LAMP", 1_190, 2, weight_grams=grams), song, tables=tables).parts
            assert part.shipping.amount == cents

    def test_is_measured(self) -> None:
        small = Tables(shipping={"ven_a": table(way("standard", Band(None, 500), max_side=600))})
        assert not priced(line("LAMP", 1_190, size_mm=(600, 1, 1)), tables=small).problems
        (refused,) = priced(line("POLE", 1_190, size_mm=(601, 1, 1)), tables=small).problems
        assert (refused.code, refused.extra) == ("not_shippable", {"vendorId": "ven_a", "reason": "too_large"})

    def test_of_nothing_but_downloads_goes_no_way_whatever_is_wished(self) -> None:
        song = line("SONG", 99, tax_category="digital")
        (part,) = priced(song, method="drone").parts
        assert (part.shipping.amount, part.method, part.latest) == (0, "none", "2026-11-21")

    def test_counts_as_of_the_moment_of_the_sale(self) -> None:
        early = table(flat("standard", 490), origin=Origin(cut_off=12 * 60))
        before, after = (
            priced(line("LAMP", 1_190), at=f"2026-11-18T{hour}:00:00.000Z", tables=Tables(shipping={"ven_a": early}))
            for hour in ("11", "12")
        )
        assert (before.parts[0].earliest, before.parts[0].latest) == ("2026-11-19", "2026-11-26")
        assert (after.parts[0].earliest, after.parts[0].latest) == ("2026-11-20", "2026-11-27")

    def test_that_cannot_go_that_way_does_not_keep_others_from_going(self) -> None:
        answer = priced(*TWO, method="freight", tables=Tables(shipping={"ven_b": table(flat("freight", 4_900))}))
        (refused,) = answer.problems
        assert refused.code == "shipping_method_not_offered"
        assert refused.extra == {"vendorId": "ven_a", "method": "freight", "methods": ["standard", "express"]}
        assert [(part.shipping.amount, part.carrier, part.latest != "") for part in answer.parts] == [
            (0, "", False),
            (4_900, "", True),
        ]
        assert list(answer.chosen) == ["ven_b"]


class TestATableInAnotherCurrency:
    STANDARD = table(flat("standard", 490), flat("express", 1_290))

    def test_is_brought_into_the_orders_with_the_fee(self) -> None:
        rates = replace(DOLLARS, fee_basis_points=200)
        tables = Tables(shipping={"ven_a": self.STANDARD}, rates=rates)
        answer = priced(line("LAMP", 1_190), currency="USD", tables=tables)
        assert answer.parts[0].shipping == Money(625, "USD")  # 4.90 * 1.25 * 1.02 = 6.2475
        assert [one.price.amount for one in answer.options["ven_a"]] == [625, 1_645]

    def test_is_brought_into_the_orders_where_the_goods_are_in_that_already(self) -> None:
        tables = Tables(shipping={"ven_a": self.STANDARD}, rates=DOLLARS)
        (part,) = priced(line("LAMP", 1_190, currency="USD"), tables=tables).parts
        assert (part.subtotal, part.shipping) == (Money(1_190, "USD"), Money(613, "USD"))

    def test_refuses_a_method_with_those_that_it_offers(self) -> None:
        tables = Tables(shipping={"ven_a": self.STANDARD}, rates=DOLLARS)
        (refused,) = priced(line("LAMP", 1_190), currency="USD", method="drone", tables=tables).problems
        assert refused.extra == {"vendorId": "ven_a", "method": "drone", "methods": ["standard", "express"]}

    @pytest.mark.parametrize(
        "rates", [Rates(), Rates(rates={"USD": Rate("1.25", "2026-11-01", "ecb")})], ids=["unknown", "too old"]
    )
    def test_offers_nothing_but_pickup_without_a_rate(self, rates: Rates) -> None:
        abroad = replace(self.STANDARD, methods=(*self.STANDARD.methods, Method(id="shop", name="Shop", pickup=True)))
        goods = line("LAMP", 1_190, currency="USD")
        answer = priced(goods, tables=Tables(shipping={"ven_a": abroad}, rates=rates))
        assert [refused.code for refused in answer.problems] == ["shipping_method_not_offered"]
        assert answer.problems[0].extra["methods"] == ["shop"]
        assert not priced(goods, method="shop", tables=Tables(shipping={"ven_a": abroad}, rates=rates)).problems
        (refused,) = priced(goods, tables=Tables(shipping={"ven_a": self.STANDARD}, rates=rates)).problems
        assert (refused.code, refused.extra["reason"]) == ("not_shippable", "currency")

    def test_has_its_threshold_converted_too(self) -> None:
        generous = replace(self.STANDARD, free=(Free(threshold=10_000),))
        tables = Tables(shipping={"ven_a": generous}, rates=DOLLARS)
        just, almost = (priced(line("LAMP", c, currency="USD"), tables=tables).parts[0] for c in (12_500, 12_499))
        assert (just.shipping.amount, almost.shipping.amount) == (0, 613)


class TestACarriersOwnPrice:
    def test_counts_where_it_is_named(self) -> None:
        answer = by_carrier(quote(Money(815, "EUR")))
        (part,) = answer.parts
        assert (part.shipping.amount, part.method, part.carrier) == (815, "dhl_paket", "dhl")
        assert answer.chosen["ven_a"].quote_id == "shq_1"
        assert [one.method for one in answer.options["ven_a"]] == ["standard", "express"]

    def test_counts_before_the_tables_price_of_the_same_name(self) -> None:
        found = quote(Money(815, "EUR"), method="standard")
        assert by_carrier(found, method="standard").parts[0].shipping.amount == 815

    def test_is_for_the_one_vendor_only(self) -> None:
        tables = Tables(carriers={"ven_a": quote(Money(815, "EUR")), "ven_b": quote(Money(1, "EUR"))})
        parts = priced(*TWO, tables=tables, methods={"ven_a": "dhl_paket"}, quotes={"ven_a": "shq_1"}).parts
        assert [part.shipping.amount for part in parts] == [815, 490]

    def test_is_brought_into_the_orders_currency_whatever_the_tables_is(self) -> None:
        francs = Rates(rates=DOLLARS.rates | {"CHF": Rate("0.5", "2026-11-20", "ecb")})
        shipping = {"ven_a": table(flat("standard", 490), currency="CHF")}
        (part,) = by_carrier(quote(Money(1_000, "USD")), rates=francs, shipping=shipping).parts
        assert part.shipping == Money(800, "EUR")

    def test_arrives_as_the_tables_origin_lets_it_leave(self) -> None:
        slow = table(flat("standard", 490), origin=Origin(handling=(5, 5)))
        (usual,), (late,) = (
            by_carrier(quote(Money(815, "EUR")), shipping=shipping).parts for shipping in ({}, {"ven_a": slow})
        )
        assert (usual.earliest, usual.latest) == ("2026-11-25", "2026-11-26")
        assert (late.earliest, late.latest) == ("2026-12-02", "2026-12-02")

    @pytest.mark.parametrize(
        "found",
        [
            None,
            quote(Money(815, "EUR"), vendor_id="ven_b"),
            quote(Money(815, "EUR"), expires_at=BEFORE),
            quote(Money(815, "EUR"), parcel=replace(LAMP, units=2)),
            quote(Money(815, "EUR"), method="ups"),
            quote(Money(815, "EUR"), rates=()),
            quote(Money(815, "CHF")),
        ],
        ids=["gone", "another vendor's", "over", "another parcel", "another method", "nobody goes", "no rate"],
    )
    def test_is_refused_unless_it_is_for_this_very_parcel(self, found: CarrierQuote | None) -> None:
        answer = by_carrier(found)
        (refused,) = answer.problems
        assert refused.code == "shipping_quote_gone"
        assert refused.extra == {"vendorId": "ven_a", "method": "dhl_paket"}
        assert (answer.parts[0].shipping.amount, answer.chosen) == (0, {})


class TestFreeShipping:
    def test_takes_the_cheapest_way_off_a_carriers_price(self) -> None:
        (part,) = by_carrier(quote(Money(815, "EUR")), promotions=[free()]).parts
        assert (part.shipping.amount, part.shipping_discount) == (815 - 490, Money(490, "EUR"))

    def test_takes_all_of_a_carriers_price_off_where_the_table_offers_nothing(self) -> None:
        nowhere = table(flat("standard", 490), zones=(Zone(id="at", name="Austria", areas=(Area("AT"),)),))
        (part,) = by_carrier(quote(Money(815, "EUR")), promotions=[free()], shipping={"ven_a": nowhere}).parts
        assert (part.shipping.amount, part.shipping_discount) == (0, Money(815, "EUR"))

    def test_does_not_take_pickup_for_a_way_to_send(self) -> None:
        shop = table(Method(id="shop", name="Shop", pickup=True), flat("standard", 490), flat("slow", 390))
        tables = Tables(promotions=[free()], shipping={"ven_a": shop})
        for method, asked, off in (("standard", 100, 390), ("slow", 0, 390), ("shop", 0, 0)):
            (part,) = priced(line("LAMP", 1_190), tables=tables, method=method).parts
            assert (part.shipping.amount, part.shipping_discount) == (asked, Money(off, "EUR") if off else None)

    def test_takes_nothing_off_a_parcel_that_cannot_be_sent_and_tells_the_problem_once(self) -> None:
        answer = priced(*TWO, method="freight", tables=Tables(promotions=[free()]))
        assert [refused.extra["vendorId"] for refused in answer.problems] == ["ven_a", "ven_b"]
        assert [one.amount.amount for one in answer.promoted] == [0]
        assert [(part.shipping.amount, part.shipping_discount, part.shipping_subsidy) for part in answer.parts] == [
            (0, None, None),
            (0, None, None),
        ]

    def test_of_one_vendor_leaves_the_others_postage_as_it_is(self) -> None:
        answer = priced(*TWO, tables=Tables(promotions=[free(include=maker.some(vendors=["ven_b"]))]))
        assert [part.shipping.amount for part in answer.parts] == [490, 0]

    @pytest.mark.parametrize(
        ("scope", "share", "ours"), [("platform", 10_000, 490), ("platform", 3_330, 163), ("ven_a", 0, 0)]
    )
    def test_is_paid_for_by_those_who_said_so(self, scope: str, share: int, ours: int) -> None:
        joined = {"ven_a": frozenset[str]()}
        one = free(scope=scope, platform_basis_points=share, participants=joined)  # 4.90 * 33.3 % = 1.6317
        (part,) = priced(line("LAMP", 1_190), tables=Tables(promotions=[one])).parts
        assert part.shipping_discount == Money(490, "EUR")
        assert part.shipping_subsidy == part.subsidy == (Money(ours, "EUR") if ours else None)
        assert part.earnings == Money(1_190 - 190 + ours, "EUR")

    def test_by_two_promotions_is_told_and_paid_for_once(self) -> None:
        joined = {"ven_a": frozenset[str]()}
        first = free("first", include=maker.some(vendors=["ven_a"]), platform_basis_points=5_000, participants=joined)
        answer = priced(*TWO, tables=Tables(promotions=[first, free("second")]), methods={"ven_b": "express"})
        assert [(one.promotion_id, one.amount.amount) for one in answer.promoted] == [("first", 490), ("second", 490)]
        assert [part.shipping_subsidy for part in answer.parts] == [Money(245, "EUR"), Money(490, "EUR")]
        assert [part.shipping.amount for part in answer.parts] == [0, 800]

    def test_is_told_with_each_promotion_that_was_the_first_to_free_a_parcel(self) -> None:
        promotions = [free(name[-1], include=maker.some(vendors=[name])) for name in ("ven_a", "ven_b")] + [free("c")]
        answer = priced(*TWO, line("POT", 500, vendor="ven_c"), tables=Tables(promotions=promotions))
        assert [(one.promotion_id, one.amount.amount) for one in answer.promoted] == [
            ("a", 490),
            ("b", 490),
            ("c", 490),
        ]


class TestWhatFreeShippingWouldBeWorth:
    """Of promotions that exclude each other the customer gets the one that saves most, postage counted."""

    @pytest.mark.parametrize(
        ("cents", "lines", "method", "better"),
        [
            (489, TWO[:1], "standard", "free"),
            (491, TWO[:1], "standard", "fixed"),
            (489, TWO[:1], "express", "free"),  # of the dearer way only what the cheapest one costs
            (491, TWO[:1], "express", "fixed"),
            (979, TWO, "standard", "free"),  # two parcels
            (981, TWO, "standard", "fixed"),
            (1, TWO[:1], "drone", "fixed"),  # what cannot be sent has no postage
        ],
    )
    def test_is_compared_with_money_off(self, cents: int, lines: tuple[object, ...], method: str, better: str) -> None:
        promotions = [free(exclusive=True), fixed(cents, exclusive=True)]
        answer = priced(*lines, method=method, tables=Tables(promotions=promotions))  # type: ignore[arg-type]
        assert [one.promotion_id for one in answer.promoted] == [better]

    def test_is_reckoned_in_the_orders_currency(self) -> None:
        shipping = {"ven_a": table(flat("standard", 490))}
        for cents, better in ((612, "free"), (614, "fixed")):
            promotions = [free(exclusive=True), fixed(cents, exclusive=True)]
            tables = Tables(promotions=promotions, shipping=shipping, rates=DOLLARS)
            (one,) = priced(line("LAMP", 1_190), currency="USD", tables=tables).promoted
            assert one.promotion_id == better

    def test_decides_between_two_vendors_parcels(self) -> None:
        cheap = free("a", include=maker.some(vendors=["ven_a"]), exclusive=True)
        dear = free("b", include=maker.some(vendors=["ven_b"]), exclusive=True)
        tables = Tables(promotions=[cheap, dear], shipping={"ven_b": table(flat("standard", 4_900))})
        assert [one.promotion_id for one in priced(*TWO, tables=tables).promoted] == ["b"]


def test_a_code_for_free_shipping_is_told_with_the_postage_that_it_took_off() -> None:
    post = replace(free(needs_code=True), title="Post is on us")
    code = Code(code="POST", promotion_id="free", scope="platform")
    (told,) = priced(*TWO, tables=Tables(promotions=[post], codes=[code])).promoted
    assert (told.promotion_id, told.title, told.amount, told.code) == (
        "free",
        "Post is on us",
        Money(980, "EUR"),
        "POST",
    )
