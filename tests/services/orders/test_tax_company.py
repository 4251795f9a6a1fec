"""A tax company works the taxes out at checkout, where staff chose one; where it gives no answer, our table does."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import orjson
import pytest

from market import clock, config
from payments.simulators.network import Network
from tax.inquiry import AVALARA, TAXJAR
from tax.simulators.company import Answer, Company
from tests import shop
from tests.books_of_money import journals_of, sums_of
from tests.services.orders import floor, setup
from tests.services.tax.companies import company, connected

pytestmark = [pytest.mark.usefixtures("database"), pytest.mark.contract("13.1", "11.1")]

both = pytest.mark.parametrize("provider", [AVALARA, TAXJAR])
HOME = shop.ADDRESS | {"country": "US", "state": "CA", "postalCode": "90210", "city": "Beverly Hills"}
TABLES, THEIRS = 145 + 36, 190 + 47
"""What is added to a lamp and its parcel: 7.25 % by our table, 9.5 % where every street is known."""


@pytest.fixture
def made(provider: str, environment: pytest.MonkeyPatch) -> Company:
    """The company is asked, we are registered in the United States, and a lamp is in the cart."""
    found = company(provider)
    connected(environment, provider, found)
    floor.two_vendors()
    setup.registered("US")
    shop.fill("ada", ("LAMP", 1))
    return found


def later(minutes: int) -> Any:
    """The clock, so many minutes on."""
    then = clock.now() + timedelta(minutes=minutes)
    return clock.running_on(lambda: then)


def seen(**changes: Any) -> dict[str, Any]:
    return shop.summary("ada", **({"shippingAddress": HOME} | changes))


def ordered(summary: dict[str, Any], **changes: Any) -> Any:
    return shop.place("ada", shop.order_body(summary, **({"shippingAddress": HOME} | changes)))


def told(answer: dict[str, Any]) -> tuple[str, int]:
    return answer["taxSource"], answer["tax"]["amount"]


@both
def test_the_order_has_the_taxes_that_the_summary_showed_and_the_company_is_asked_once(
    made: Company, provider: str
) -> None:
    summary = seen()
    order = ordered(summary).json

    assert told(summary) == told(order) == (provider, THEIRS)
    assert order["total"]["amount"] == 2_490 + THEIRS
    assert (order["lines"][0]["taxRate"], order["lines"][0]["taxAdded"]) == ("9.5", True)
    assert sum(step["amount"]["amount"] for step in summary["steps"] if not step["inside"]) == 2_490 + THEIRS
    assert len(made.requests) == 1
    assert made.records == {}, "nothing is on record before it is paid"


@both
def test_what_is_charged_is_what_is_booked(made: Company, provider: str) -> None:
    order = ordered(seen()).json
    floor.confirm("ada", order)

    sums = sums_of(journals_of([order["id"]])[order["id"]])
    assert sums["tax:US-CA", "EUR"] == -THEIRS
    assert sums["vendor:ven_lights", "EUR"] == -(2_490 - 200)
    assert sum(sums.values()) == 0


@both
def test_every_state_of_the_cart_is_asked_once(made: Company, provider: str) -> None:
    for _ in range(3):
        seen()
    shop.fill("ada", ("CHAIR", 1))
    two = [seen() for _ in range(2)]
    elsewhere = seen(shippingAddress=HOME | {"postalCode": "94105", "city": "San Francisco"})

    assert len(made.requests) == 3
    assert two[0]["tax"] == two[1]["tax"]
    assert elsewhere["tax"]["amount"] < two[0]["tax"]["amount"]
    lamps, chairs = (part["taxAdded"]["amount"] for part in two[0]["parts"])
    assert (lamps, chairs) == (THEIRS, 760 + (47 if provider == AVALARA else 46)), "TaxJar rounds all parcels at once"


@both
@pytest.mark.parametrize("fault", ["timeout", "lost", "late", "500", "503", "429", "garbled"])
def test_where_the_company_gives_no_answer_the_table_counts_for_summary_and_order(
    made: Company, provider: str, fault: str
) -> None:
    made.fail(fault)

    summary = seen()
    order = ordered(summary).json

    assert told(summary) == told(order) == ("table", TABLES)
    assert len(made.requests) == 1, "it would be well again, but the customer has seen a total"


@both
def test_a_company_that_is_down_is_left_alone_for_a_while(made: Company, provider: str) -> None:
    made.fail("503", 99)
    for units in range(3):
        shop.fill("ada", ("LAMP", 1))
        assert told(seen())[0] == "table", units
    asked = len(made.requests)
    with later(1):
        shop.fill("ada", ("LAMP", 1))
        seen()

    assert (asked, len(made.requests)) == (1, 2)


@both
def test_a_company_that_goes_down_between_summary_and_order_changes_nothing(made: Company, provider: str) -> None:
    summary = seen()
    made.fail("timeout", 99)

    assert told(ordered(summary).json) == (provider, THEIRS)


@both
def test_an_address_that_the_company_does_not_know_is_taxed_by_the_table(made: Company, provider: str) -> None:
    nowhere = {"shippingAddress": HOME | {"postalCode": "10001"}}

    summary = seen(**nowhere)

    assert told(summary) == told(ordered(summary, **nowhere).json) == ("table", TABLES)


@both
def test_a_total_that_changed_since_the_summary_is_refused_with_the_new_one(made: Company, provider: str) -> None:
    made.fail("503")
    summary = seen()
    with later(10):
        refused = ordered(summary)
        again = ordered(seen())

    assert (refused.status, refused.json["code"]) == (409, "price_changed")
    assert refused.json["total"]["amount"] == 2_490 + THEIRS
    assert told(again.json) == (provider, THEIRS)


def _spoiled(made: Company, environment: pytest.MonkeyPatch, spoil: Any) -> None:
    """From now on the company's answers are changed on their way."""
    honest = made.handle

    def handle(*asked: Any) -> Answer:
        status, headers, body = honest(*asked)
        answer = orjson.loads(body)
        spoil(answer)
        return status, headers, orjson.dumps(answer)

    config.use_http(Network({"https://rest.avatax.com": handle}))


def _negative(answer: dict[str, Any]) -> None:
    answer["lines"][0]["tax"] *= -1
    answer["totalTax"] = sum(line["tax"] for line in answer["lines"])


def _above_the_price(answer: dict[str, Any]) -> None:
    answer["totalTax"] += 100 - answer["lines"][0]["tax"]
    answer["lines"][0]["tax"] = 100


def _without_a_line(answer: dict[str, Any]) -> None:
    answer["totalTax"] -= answer["lines"].pop()["tax"]


def _another_line(answer: dict[str, Any]) -> None:
    answer["lines"].append(answer["lines"][0] | {"lineNumber": "99", "tax": 0})


def _another_sum(answer: dict[str, Any]) -> None:
    answer["totalTax"] += 0.01


def _without_rates(answer: dict[str, Any]) -> None:
    answer["lines"][0]["details"] = []


def _texts(answer: dict[str, Any]) -> None:
    answer["lines"] = ["tax"]


def _nothing(answer: dict[str, Any]) -> None:
    answer.clear()


@pytest.mark.parametrize("provider", [AVALARA])
@pytest.mark.parametrize(
    "spoil",
    [_negative, _above_the_price, _without_a_line, _another_line, _another_sum, _without_rates, _texts, _nothing],
)
def test_an_answer_that_cannot_be_right_does_not_count(
    made: Company, provider: str, spoil: Any, environment: pytest.MonkeyPatch
) -> None:
    _spoiled(made, environment, spoil)

    summary = seen()

    assert told(summary) == told(ordered(summary).json) == ("table", TABLES)


@both
def test_requests_at_the_same_moment_end_with_one_answer(made: Company, provider: str) -> None:
    with ThreadPoolExecutor(4) as crowd:
        answers = list(crowd.map(lambda _: seen(), range(4)))

    assert {told(answer) for answer in answers} == {(provider, THEIRS)}
    assert told(ordered(answers[0]).json) == (provider, THEIRS)


@both
def test_a_place_without_a_postal_code_and_one_without_registration_are_not_asked_about(
    made: Company, provider: str
) -> None:
    assert told(seen(shippingAddress=None, country="US"))[0] == "table"
    assert told(seen(shippingAddress=shop.ADDRESS | {"country": "CH", "postalCode": "8001"})) == ("table", 0)
    assert made.requests == []


@both
def test_what_vendors_collect_is_not_asked_about(made: Company, provider: str) -> None:
    setup.registered("US", "vendor")

    assert told(seen()) == ("table", TABLES)
    assert made.requests == []


@pytest.mark.parametrize("provider", [AVALARA])
def test_a_tax_inside_the_price_leaves_the_total_as_it_is(made: Company, provider: str) -> None:
    summary = seen(shippingAddress=floor.GERMAN)

    assert told(summary) == (provider, 319 + 78)
    assert (summary["taxAdded"]["amount"], summary["total"]["amount"]) == (0, 2_490)


@pytest.mark.parametrize("provider", [TAXJAR])
def test_a_company_that_knows_no_prices_with_tax_inside_is_not_asked_about_them(made: Company, provider: str) -> None:
    assert told(seen(shippingAddress=floor.GERMAN))[0] == "table"
    assert made.requests == []


@both
def test_without_our_credentials_the_table_counts(
    made: Company, provider: str, environment: pytest.MonkeyPatch
) -> None:
    environment.setenv("TAX_SECRETS", "market/absent")

    assert told(seen()) == ("table", TABLES)


@both
def test_nothing_of_the_address_is_kept_but_a_hash(made: Company, provider: str) -> None:
    seen()

    items = config.client("dynamodb").scan(TableName=config.setting("TABLE_NAME"))["Items"]
    answers = [str(item) for item in items if item["pk"]["S"].startswith("TXQ#")]
    assert len(answers) == 1
    assert not any(word in answers[0] for word in ("90210", "Beverly", HOME["line1"], "ada"))


@pytest.mark.parametrize("provider", [AVALARA])
def test_without_a_company_nothing_more_is_read(made: Company, provider: str, environment: pytest.MonkeyPatch) -> None:
    environment.setenv("TAX_PROVIDER", "table")
    environment.setenv("ACCESS_CACHE_SECONDS", "30")
    summary = seen()
    with shop.dynamodb_calls() as calls:
        assert told(ordered(summary).json) == ("table", TABLES)

    assert calls == ["GetItem", "BatchGetItem", "TransactWriteItems"]
    assert made.requests == []
