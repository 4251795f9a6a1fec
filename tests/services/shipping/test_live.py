"""Carriers' own prices: asked for once, remembered, bounded in what they cost, and never in the way of an order."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest

from inventory.contract import MANIFEST as INVENTORY
from inventory.contract import Offer, new_offer
from market import clock, config
from market.guard import limits
from market.money import Money
from market.table import Table
from payments.simulators.network import Lost, Network, TimedOut
from shipping import live, store
from shipping.api import handler
from shipping.contract import carried, quote_key, read_carrier_quote, read_table, table_key
from shipping.model import CarrierQuoteGone, Destination, Live, Origin
from shipping.quotes import CarrierQuote, CarrierRate, fingerprint
from shipping.simulator import Carriers
from tests import shop
from tests.http import call
from tests.services.shipping.conftest import BASE, KEY, Time
from tests.services.shipping.shelves import body, euros, exchange, parcel, table
from vendors.manifest import MANIFEST as VENDORS

pytestmark = [pytest.mark.usefixtures("database", "time"), pytest.mark.contract("13.2")]

LOS_ANGELES = {"country": "US", "region": "CA", "postalCode": "90277", "city": "Redondo Beach"}


def asking(vendor: str = "ven_pots", **terms: Any) -> None:
    """A vendor in San Francisco that lets carriers be asked, and sells a pot of 436 g for the price."""
    sent = body() | {
        "currency": "USD",
        "live": terms,
        "origin": {"country": "US", "region": "CA", "postalCode": "94107", "timeZone": "America/Los_Angeles"},
        "free": [],
        "methods": [
            {
                "id": "standard",
                "name": "Standard",
                "rates": [{"zone": "world", "basis": "flat", "bands": [{"price": 3_000}]}],
            }
        ],
        "zones": [{"id": "world", "name": "World", "areas": [{"country": "*"}]}],
    }
    path = f"/v1/vendors/{vendor}/shipping"
    assert call(handler, "PUT", path, sent, caller="usr_v", roles="vendor", vendor_id=vendor).status == 200
    offer = Offer(
        sku=f"POT-{vendor}", product_id="prd_pot", vendor_id=vendor, title="A pot", price=Money(2_000, "USD"),
        available=99, weight_grams=436, size_mm=(254, 203, 101),
    )  # fmt: skip
    Table(INVENTORY, VENDORS).transact(new_offer(offer))


def buying(*vendors: str, caller: str = "ada") -> None:
    shop.fill(caller, *((f"POT-{vendor}", 1) for vendor in vendors or ("ven_pots",)))


def rates(caller: str = "ada", **destination: Any) -> list[dict[str, Any]]:
    answer = call(handler, "POST", "/v1/shipping/rates", LOS_ANGELES | destination, caller=caller)
    assert answer.status == 200, answer
    return list(answer.json["vendors"])


def found(vendor: dict[str, Any]) -> dict[str, int]:
    return {option["method"]: option["price"]["amount"] for option in vendor["options"]}


def test_carriers_prices_stand_beside_the_tables(carriers: Carriers) -> None:
    asking()
    buying()
    (vendor,) = rates()
    by_hand = {"heron:ground": 450 + 9 * 3, "heron:priority": 780 + 14 * 3, "heron:overnight": 2_400 + 31 * 3}
    assert found(vendor) == {"standard": 3_000, "tortoise:home": 390 + 7 * 3} | by_hand
    quick = next(option for option in vendor["options"] if option["method"] == "heron:overnight")
    assert (quick["carrier"], quick["service"], quick["earliest"]) == ("Heron", "Overnight", "2026-11-19")
    assert quick["quoteId"]


def test_nothing_of_a_person_is_told_to_carriers(carriers: Carriers) -> None:
    asking()
    buying()
    rates()
    (asked,) = carriers.asked
    assert asked["to_address"] == {"country": "US", "state": "CA", "zip": "90277", "city": "Redondo Beach"}


def test_the_same_question_is_asked_once_while_its_answer_is_valid(carriers: Carriers, time: Time) -> None:
    asking()
    buying()
    buying(caller="bob")
    first = rates()
    assert (rates(), rates("bob"), len(carriers.asked)) == (first, first, 1)
    rates(postalCode="10001")
    assert len(carriers.asked) == 2, "another place is another question"
    time.passes(1_800)
    rates()
    assert len(carriers.asked) == 3


def test_a_changed_table_is_another_question(carriers: Carriers) -> None:
    asking()
    buying()
    before = rates()
    table, version = store.own("ven_pots")
    assert table
    store.save(replace(table, live=Live(carriers=("heron",), markup=1_000, fee=25)), seen=version, by="usr_v")
    (after,) = rates()
    assert found(after) == {
        "standard": 3_000,
        "heron:ground": 550,  # 4.77 and a tenth is 5.247, and a quarter
        "heron:priority": 929,
        "heron:overnight": 2_767,
    }
    assert before != [after]


@pytest.mark.parametrize("silence", [TimedOut(), Lost()])
def test_silent_carriers_leave_the_tables_prices_and_are_asked_again_later(
    carriers: Carriers, time: Time, silence: Exception
) -> None:
    asking()
    buying()
    carriers.silence = silence
    (vendor,) = rates()
    assert (found(vendor), vendor["carriers"]) == ({"standard": 3_000}, "silent")
    carriers.silence = None
    assert rates()[0]["carriers"] == "silent", "for a while nobody asks again"
    time.passes(30)
    assert len(found(rates()[0])) == 5


def test_an_outage_a_wrong_key_and_too_many_questions_are_silence_too(carriers: Carriers, time: Time) -> None:
    asking()
    buying()
    carriers.out = True
    assert rates()[0]["carriers"] == "silent"
    carriers.out = False
    for other in (Carriers("another key"), Carriers(KEY, allowed=0)):
        time.passes(31)
        config.use_http(Network({BASE: other.handle}))
        assert rates()[0]["carriers"] == "silent"
    time.passes(31)
    config.use_http(Network({BASE: lambda *_: (200, {}, b"<html>")}))
    assert rates()[0]["carriers"] == "silent"


def test_one_carrier_down_leaves_the_other_and_both_down_are_silent(carriers: Carriers, time: Time) -> None:
    asking()
    buying()
    carriers.down = {"Heron"}
    assert set(found(rates()[0])) == {"standard", "tortoise:home"}
    carriers.down = {"Heron", "Tortoise"}
    (vendor,) = rates(postalCode="10001")
    assert (set(found(vendor)), vendor["carriers"]) == ({"standard"}, "silent")


def test_an_address_that_carriers_refuse_has_the_tables_prices_and_is_remembered(carriers: Carriers) -> None:
    asking()
    buying()
    for _ in range(3):
        (vendor,) = rates(postalCode="00000")
        assert (found(vendor), vendor.get("carriers")) == ({"standard": 3_000}, None)
    assert not carriers.asked, "a refused question is no answer"


def test_without_a_postcode_or_a_wish_nobody_is_asked(carriers: Carriers) -> None:
    asking()
    buying()
    assert set(found(rates(postalCode="")[0])) == {"standard"}
    table, version = store.own("ven_pots")
    assert table
    store.save(replace(table, live=None), seen=version, by="usr_v")
    assert set(found(rates()[0])) == {"standard"}
    assert not carriers.asked


def test_a_stage_without_carriers_asks_nobody(carriers: Carriers, environment: pytest.MonkeyPatch) -> None:
    environment.setenv("CARRIER_API_BASE", "")
    asking()
    buying()
    assert set(found(rates()[0])) == {"standard"}


def test_one_request_asks_for_five_vendors_and_the_next_for_the_others(carriers: Carriers) -> None:
    vendors = [f"ven_p{n}" for n in range(7)]
    for vendor in vendors:
        asking(vendor)
    buying(*vendors)
    told = rates()
    assert ([vendor.get("carriers") for vendor in told], len(carriers.asked)) == ([None] * 5 + ["busy"] * 2, 5)
    assert [vendor.get("carriers") for vendor in rates()] == [None] * 7


def test_a_vendors_questions_are_counted(carriers: Carriers, environment: pytest.MonkeyPatch) -> None:
    asking()
    buying()
    limits.refused.clear()
    environment.setenv("RATE_LIMIT", "5")  # of sixty a minute three are left
    told = [
        rates(f"usr_{n}") if buying(caller=f"usr_{n}") else rates(f"usr_{n}", postalCode=f"9000{n}")
        for n in range(1, 6)
    ]
    assert [vendor.get("carriers") for (vendor,) in told] == [None, None, None, "busy", "busy"]
    assert len(carriers.asked) == 3


def test_a_stampede_costs_no_more_than_its_heads_and_ends_in_one_answer(carriers: Carriers) -> None:
    asking()
    for n in range(8):
        buying(caller=f"usr_{n}")
    with ThreadPoolExecutor(8) as crowd:
        answers = list(crowd.map(lambda n: rates(f"usr_{n}"), range(8)))
    assert all(answer == answers[0] for answer in answers)
    assert 1 <= len(carriers.asked) <= 8
    before = len(carriers.asked)
    rates("usr_0")
    assert len(carriers.asked) == before


def test_prices_of_a_carrier_in_another_currency_are_converted_where_there_is_a_rate(carriers: Carriers) -> None:
    asking(fee=100)
    buying()
    assert call(handler, "POST", "/v1/shipping/rates", LOS_ANGELES | {"currency": "JPY"}, caller="ada").status == 409
    exchange(USD="1.00", JPY="160")
    (vendor,) = rates(currency="JPY")
    home = next(option for option in vendor["options"] if option["method"] == "tortoise:home")
    assert home["price"] == {"amount": 818, "currency": "JPY"}, "(4.11 + 1.00) * 160 = 817.6"


def quote(**changes: Any) -> CarrierQuote:
    rate = CarrierRate(
        method="heron:ground", name="Heron Ground", carrier="Heron", service="Ground", price=euros(477), days=3
    )
    made = {"id": "q", "vendor_id": "ven_pots", "fits": fingerprint(PARCEL, THERE), "expires_at": clock.epoch() + 60}
    return CarrierQuote(**(made | {"rates": (rate,)} | changes))


PARCEL, THERE = parcel(), Destination("US", "CA", "90277")


def test_a_quote_that_an_order_names_must_be_valid_and_for_this_parcel(time: Time) -> None:
    def taken(found: CarrierQuote | None, *, sent: Any = PARCEL, to: Destination = THERE, by: str = "ven_pots") -> int:
        option = carried(found, "heron:ground", sent, to, table(), vendor_id=by, at=clock.timestamp())
        return option.price.amount

    assert taken(quote()) == 477
    assert taken(quote(), sent=replace(PARCEL, subtotal=euros(1))) == 477, "what the goods cost does not matter"
    assert taken(quote(), to=Destination("US", "US-CA", "902 77")) == 477
    for wrong in (
        lambda: taken(None),
        lambda: taken(quote(rates=())),
        lambda: taken(quote(expires_at=clock.epoch())),
        lambda: taken(quote(), sent=replace(PARCEL, weight_grams=1_001)),
        lambda: taken(quote(), sent=replace(PARCEL, units=2)),
        lambda: taken(quote(), to=Destination("US", "CA", "90278")),
        lambda: taken(quote(), by="ven_lamps"),
        lambda: taken(quote(), sent=replace(PARCEL, subtotal=Money(1, "JPY"))),
    ):
        with pytest.raises(CarrierQuoteGone):
            wrong()


def test_a_kept_quote_is_what_an_order_reads(carriers: Carriers) -> None:
    asking()
    buying()
    (vendor,) = rates()
    option = next(option for option in vendor["options"] if option["method"] == "heron:ground")
    item = store._table.get(quote_key(option["quoteId"]))
    stored = store._table.get(table_key("ven_pots"))
    assert item
    assert stored
    sent = parcel(436, volume_mm3=254 * 203 * 101, sides_mm=(254, 203, 101), subtotal=Money(2_000, "USD"))
    taken = carried(
        read_carrier_quote(item), "heron:ground", sent, Destination("US", "CA", "90277"), read_table(stored),
        vendor_id="ven_pots", at=clock.timestamp(),
    )  # fmt: skip
    assert (taken.price.amount, taken.quote_id) == (option["price"]["amount"], option["quoteId"])
    assert not {"email", "name", "zip", "city"} & set(item), "and nothing of a person"


def test_silence_never_takes_the_place_of_a_valid_answer(time: Time) -> None:
    store.keep(quote())
    store.keep(quote(rates=(), failed=True))
    assert store.carrier_quotes(["q"])["q"].rates
    time.passes(61)
    assert store.carrier_quotes(["q"]) == {}, "expired, though it is still there"
    store.keep(quote(rates=(), failed=True))
    store.keep(quote())
    assert store.carrier_quotes(["q"])["q"].rates


def test_who_has_no_origin_and_who_sends_nothing_is_not_asked_for() -> None:
    there = live.Question("ven_pots", PARCEL, THERE, table(live=Live(), origin=Origin(country="US", postal_code="1")))
    assert live.askable(there)
    assert not live.askable(replace(there, parcel=replace(PARCEL, units=0)))
    assert not live.askable(replace(there, destination=Destination("US")))
    assert there.id != replace(there, vendor_id="ven_lamps").id
