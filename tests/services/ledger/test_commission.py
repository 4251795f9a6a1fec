"""Commission: rules as data, the most specific one wins, exact to the smallest unit, never more than is paid."""

from concurrent.futures import ThreadPoolExecutor
from itertools import permutations
from random import Random
from typing import Any

import pytest

from ledger.accounts import entries_of
from ledger.commission_api import handler
from ledger.contract import (
    STANDARD,
    Rule,
    Rules,
    Share,
    commission_keys,
    commission_of,
    compact_rules,
    read_journal,
    read_rules,
)
from ledger.manifest import MANIFEST
from ledger.model import rule_for
from market.money import Money
from market.table import Key, Table
from tests.http import call
from tests.services.ledger import desk
from tests.services.ledger.desk import ask

pytestmark = pytest.mark.contract("12.5", "8.4")
NOW = "2026-11-21T10:00:00.000Z"
RULES = "/v1/admin/commission-rules"


def euros(cents: int) -> Money:
    return Money(cents, "EUR")


def of(rules: Rules, *lines: tuple[str, int, int], at: str = NOW, currency: str = "EUR", vendor: str = "ven_a") -> int:
    sold = [(category, Money(charge, currency), quantity) for category, charge, quantity in lines]
    return commission_of(rules, vendor, sold, at).amount


class TestWhichRuleHolds:
    def test_without_any_it_is_ten_percent_rounded_half_up_line_by_line(self) -> None:
        assert of({}, ("home", 1990, 1)) == 199
        assert of({}, ("home", 1995, 1), ("home", 1995, 1)) == 400
        assert of({}, ("home", 1994, 1), ("", 4, 1)) == 199

    def test_the_most_specific_wins_in_whatever_order_they_are_stored(self) -> None:
        general, category = Rule(basis_points=900), Rule(category="home", basis_points=800)
        deeper = Rule(category="home>lamps", basis_points=700)
        own = Rule(vendor_id="ven_a", basis_points=600)
        own_category = Rule(vendor_id="ven_a", category="home", basis_points=500)
        for order in permutations([general, category, deeper]):
            for mine in permutations([own, own_category]):
                rules = {"": order, "ven_a": mine}
                assert of(rules, ("home>lamps>led", 10_000, 1)) == 500
                assert of(rules, ("toys", 10_000, 1)) == 600
                assert of(rules, ("home>lamps", 10_000, 1), vendor="ven_b") == 700
                assert of(rules, ("home>chairs", 10_000, 1), vendor="ven_b") == 800
                assert of(rules, ("toys", 10_000, 1), vendor="ven_b") == 900

    def test_a_category_is_not_one_that_begins_alike(self) -> None:
        assert of({"": [Rule(category="home", basis_points=0)]}, ("homeware", 1000, 1)) == 100

    def test_among_equals_the_priority_decides_then_the_youngest(self) -> None:
        rules = [
            Rule(basis_points=100, since="2026-01-01T00:00:00.000Z"),
            Rule(basis_points=200, since="2026-06-01T00:00:00.000Z"),
        ]
        assert of({"": rules}, ("", 10_000, 1)) == 200
        assert of({"": [Rule(basis_points=300, priority=1), *rules]}, ("", 10_000, 1)) == 300

    def test_a_rule_holds_from_its_first_moment_until_just_before_its_last(self) -> None:
        rule = Rule(basis_points=0, since="2026-11-01T00:00:00.000Z", until="2026-12-01T00:00:00.000Z")
        taken = [
            of({"": [rule]}, ("", 1000, 1), at=at)
            for at in (
                "2026-10-31T23:59:59.999Z", "2026-11-01T00:00:00.000Z", "2026-11-30T23:59:59.999Z",
                "2026-12-01T00:00:00.000Z",
            )
        ]  # fmt: skip
        assert taken == [100, 0, 0, 100]

    def test_a_rule_with_amounts_is_for_its_currency_only(self) -> None:
        rules = {"ven_a": [Rule(vendor_id="ven_a", per_unit=euros(5))]}
        assert of(rules, ("", 1000, 2)) == 10
        assert of(rules, ("", 1000, 2), currency="JPY") == 100


class TestWhatARuleTakes:
    def test_an_amount_a_unit_but_never_more_than_the_line(self) -> None:
        rules = {"": [Rule(per_unit=euros(30))]}
        assert of(rules, ("", 1000, 3)) == 90
        assert of(rules, ("", 50, 3), ("", 1000, 1)) == 80

    def test_an_amount_an_order_once_for_all_its_lines(self) -> None:
        rules = {"": [Rule(per_order=euros(250)), Rule(category="toys", basis_points=1_000)]}
        assert of(rules, ("", 1000, 1), ("home", 500, 2)) == 250
        assert of(rules, ("", 100, 1), ("home", 50, 2)) == 150
        assert of(rules, ("", 1000, 1), ("toys", 500, 2)) == 300

    def test_bounds_are_of_one_order_and_yield_to_what_was_paid(self) -> None:
        rules = {"": [Rule(basis_points=1_000, least=euros(50), most=euros(120))]}
        assert [of(rules, ("", charge, 1)) for charge in (0, 30, 100, 900, 5_000)] == [0, 30, 50, 90, 120]
        assert of(rules, ("", 700, 1), ("", 700, 1)) == 120

    def test_what_cannot_be_sold_has_no_commission(self) -> None:
        with pytest.raises(ValueError, match="nothing"):
            commission_of({}, "ven_a", [], NOW)
        with pytest.raises(ValueError, match="less than nothing"):
            of({}, ("", -1, 1))


def random_rule(chance: Random, vendor_id: str, currency: str) -> Rule:
    way: dict[str, Any] = chance.choice(
        [
            {"basis_points": chance.randint(0, 10_000)},
            {"per_unit": Money(chance.randint(0, 900), currency)},
            {"per_order": Money(chance.randint(0, 3_000), currency)},
        ]
    )
    low = chance.choice((None, chance.randint(0, 500)))
    high = chance.choice((None, (low or 0) + chance.randint(0, 900)))
    return Rule(
        vendor_id=vendor_id,
        category=chance.choice(("", "home", "home>lamps", "toys")),
        least=None if low is None else Money(low, currency),
        most=None if high is None else Money(high, currency),
        priority=chance.randint(0, 2),
        **way,
    )


def test_thousands_of_orders_are_split_without_a_unit_left_over() -> None:
    """In currencies with 0, 2 and 3 decimals: what is charged is earned, kept or taxed; journals and accounts agree."""
    for seed in range(3_000):
        chance = Random(seed)
        currency = chance.choice(("EUR", "JPY", "KWD"))
        vendors = ["ven_a", "ven_b", "ven_c"][: chance.randint(1, 3)]
        rules = {
            owner: [random_rule(chance, owner, currency) for _ in range(chance.randint(0, 3))]
            for owner in ("", *vendors)
        }
        parts = []
        for vendor in vendors:
            lines = [
                (
                    chance.choice(("", "home", "home>lamps>led", "toys")),
                    Money(chance.choice((0, 1, 7, 99, 1_999, 10**9 + 1)), currency),
                    chance.randint(1, 9),
                )
                for _ in range(chance.randint(1, 5))
            ]
            charge = sum(money.amount for _, money, _ in lines)
            kept = commission_of(rules, vendor, lines, NOW)
            assert 0 <= kept.amount <= charge
            assert kept == commission_of(read_back(rules), vendor, list(reversed(lines)), NOW)
            taxed = chance.randint(0, charge - kept.amount)
            parts.append(Share(vendor_id=vendor, gross=charge, commission=kept.amount, tax=taxed))
        item = desk_item(parts, currency)
        assert sum(posting.amount for posting in item.postings) == 0
        assert {entry.vendor_id: entry.net for entry in entries_of(item)} == {
            part.vendor_id: part.net for part in parts
        }


def read_back(rules: Rules) -> Rules:
    """Stored and read again."""
    return read_rules({"pk": f"COM#{owner or '*'}", "rules": compact_rules(own)} for owner, own in rules.items())


def desk_item(parts: list[Share], currency: str) -> Any:
    from market.table import decoded

    write = desk.sale("ord_1", *parts, currency=currency, fee=min(3, sum(part.gross for part in parts)))
    return read_journal(decoded(write.request["Item"]))


@pytest.mark.usefixtures("database")
class TestTheRulesOfTheHouse:
    GENERAL = {"rules": [{"basisPoints": 1_200}, {"category": "toys", "perUnit": {"amount": 40, "currency": "EUR"}}]}

    def test_staff_set_them_and_placement_reads_one_document_a_vendor_and_one_for_all(self) -> None:
        assert ask("PUT", RULES, self.GENERAL).status == 200
        own = {"rules": [{"basisPoints": 300, "validUntil": "2026-12-01T01:00:00+01:00"}]}
        assert ask("PUT", RULES, own, vendorId="ven_a").status == 200
        keys = commission_keys(["ven_a", "ven_b", "ven_a"])
        assert keys == [Key("COM#*"), Key("COM#ven_a"), Key("COM#ven_b")]
        rules = read_rules(Table(MANIFEST).batch_get(keys).values())
        assert of(rules, ("home", 10_000, 1)) == 300
        assert of(rules, ("home", 10_000, 1), at="2026-12-01T00:00:00.000Z") == 1_200
        assert of(rules, ("toys>cars", 10_000, 3), vendor="ven_b") == 120

    def test_a_change_needs_the_version_that_was_read(self) -> None:
        first = ask("PUT", RULES, self.GENERAL)
        assert (first.status, first.headers["etag"]) == (200, '"1"')
        stale = ask("PUT", RULES, {"rules": []}, headers={"if-match": '"0"'})
        assert (stale.status, stale.json["code"]) == (412, "precondition_failed")
        assert ask("GET", RULES).json == first.json
        assert first.json["changedBy"] == "sam"
        assert ask("DELETE", RULES, headers={"if-match": '"7"'}).status == 412
        assert ask("DELETE", RULES, headers={"if-match": '"1"'}).json["rules"] == []
        assert ask("PUT", RULES, self.GENERAL, headers={"if-match": '"1"'}).status == 412, "an old version never fits"
        assert ask("DELETE", RULES).headers["etag"] == '"2"', "there is nothing to take away"

    def test_of_two_who_change_the_same_version_one_succeeds(self) -> None:
        ask("PUT", RULES, self.GENERAL)

        def change(points: int) -> int:
            body = {"rules": [{"basisPoints": points}]}
            return ask("PUT", RULES, body, headers={"if-match": '"1"'}).status

        with ThreadPoolExecutor(4) as threads:
            assert sorted(threads.map(change, range(4))) == [200, 412, 412, 412]

    def test_a_vendor_sees_what_holds_for_it(self) -> None:
        ask("PUT", RULES, self.GENERAL)
        ask("PUT", RULES, {"rules": [{"basisPoints": 300}]}, vendorId="ven_a")
        path = "/v1/vendors/ven_a/commission-rules"
        told = call(handler, "GET", path, caller="v", roles="vendor", vendor_id="ven_a").json["rules"]
        assert [(rule.get("vendorId"), rule.get("category"), rule.get("basisPoints")) for rule in told] == [
            ("ven_a", None, 300), (None, None, 1_200), (None, "toys", None), (None, None, STANDARD.basis_points),
        ]  # fmt: skip

    @pytest.mark.parametrize(
        "rule",
        [
            {},
            {"basisPoints": 100, "perUnit": {"amount": 1, "currency": "EUR"}},
            {"basisPoints": 10_001},
            {"basisPoints": -1},
            {"basisPoints": 1.5},
            {"perOrder": {"amount": -1, "currency": "EUR"}},
            {"perOrder": {"amount": 1, "currency": "EURO"}},
            {"perOrder": {"amount": 5, "currency": "EUR"}, "minimum": {"amount": 1, "currency": "USD"}},
            {
                "basisPoints": 1,
                "minimum": {"amount": 2, "currency": "EUR"},
                "maximum": {"amount": 1, "currency": "EUR"},
            },
            {"basisPoints": 1, "validFrom": "2026-12-01T00:00:00Z", "validUntil": "2026-12-01T00:00:00Z"},
            {"basisPoints": 1, "validFrom": "2026-12-01T00:00:00"},
            {"basisPoints": 1, "validFrom": "0001-01-01T00:00:00+14:00"},
            {"basisPoints": 1, "category": "Home"},
            {"basisPoints": 1, "surprise": 1},
        ],
    )
    def test_a_rule_that_makes_no_sense_is_refused(self, rule: dict[str, Any]) -> None:
        answer = ask("PUT", RULES, {"rules": [rule]})
        assert answer.status == 422, answer
        assert ask("GET", RULES).json["rules"] == []

    def test_only_staff_set_rules(self) -> None:
        for method in ("GET", "PUT", "DELETE"):
            assert call(handler, method, RULES, self.GENERAL, caller="v", roles="vendor customer").status == 403


def test_the_rule_for_a_line_is_told_by_itself() -> None:
    assert rule_for({}, "ven_a", ("home", euros(1), 1), NOW) is STANDARD
