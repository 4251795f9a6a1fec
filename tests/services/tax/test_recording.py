"""Sales and refunds are made final at the tax company once, whatever happens and however often we hear of them."""

from decimal import Decimal
from typing import Any

import pytest

from tax import consumer, service, store
from tax.inquiry import AVALARA, TAXJAR
from tests.services.outbox import message
from tests.services.tax import sales
from tests.services.tax.companies import company, connected

pytestmark = [pytest.mark.contract("13.1"), pytest.mark.usefixtures("embedded_table")]

both = pytest.mark.parametrize("provider", [AVALARA, TAXJAR])
BACK = sales.refund(("LAMP", 2_190, 190), ("shipping", 537, 47), currency="USD")


def hear(kind: str, data: dict[str, Any]) -> bool:
    """Deliver news once; whether it was taken, or will come again."""
    return consumer.handler({"Records": [message(kind, data)]}) == {"batchItemFailures": []}


def recorded_tax(record: dict[str, Any]) -> Decimal:
    return Decimal(str(record["totalTax"] if "totalTax" in record else record["sales_tax"]))


@both
def test_a_sale_and_its_refund_are_recorded_at_the_tax_that_was_charged(
    provider: str, environment: pytest.MonkeyPatch
) -> None:
    made = company(provider)
    connected(environment, provider, made)
    sales.paid(country="US")

    assert hear("order.paid", sales.told())
    assert hear("refund.succeeded", BACK)

    assert set(made.records) == {"ord_1", "ref_1"}
    assert recorded_tax(made.records["ord_1"]) == Decimal("4.27")
    assert recorded_tax(made.records["ref_1"]) == Decimal("-2.37")


@both
def test_news_that_comes_again_asks_nobody(provider: str, environment: pytest.MonkeyPatch) -> None:
    made = company(provider)
    connected(environment, provider, made)
    sales.paid(country="US")
    for _ in range(3):
        assert hear("order.paid", sales.told())
        assert hear("refund.succeeded", BACK)

    assert len(made.requests) == 2


@both
def test_a_refund_that_is_heard_of_first_records_the_sale_before_it(
    provider: str, environment: pytest.MonkeyPatch
) -> None:
    made = company(provider)
    connected(environment, provider, made)
    sales.paid(country="US")

    assert hear("refund.succeeded", BACK)
    assert hear("order.paid", sales.told())

    assert list(made.records) == ["ord_1", "ref_1"]


@both
@pytest.mark.parametrize("fault", ["timeout", "lost", "500", "503"])
def test_a_sale_is_recorded_once_after_a_bad_moment(provider: str, fault: str, environment: pytest.MonkeyPatch) -> None:
    made = company(provider)
    connected(environment, provider, made)
    made.fail(fault)
    sales.paid(country="US")

    first = hear("order.paid", sales.told())
    again = hear("order.paid", sales.told())

    assert (first, again) == (False, True)
    assert list(made.records) == ["ord_1"]
    assert store.recorded_by("ord_1") == provider
    assert sum(sums.tax for sums in store.sums_of("2026-11").values()) == 427, "it was filed once"


@both
def test_a_request_that_arrives_late_makes_no_second_record(provider: str, environment: pytest.MonkeyPatch) -> None:
    made = company(provider)
    connected(environment, provider, made)
    made.fail("late")
    sales.paid(country="US")

    assert not hear("order.paid", sales.told())
    made.settle()
    assert hear("order.paid", sales.told())

    assert list(made.records) == ["ord_1"]


@both
def test_a_crash_before_the_mark_is_made_good_by_the_next_message(
    provider: str, environment: pytest.MonkeyPatch
) -> None:
    made = company(provider)
    connected(environment, provider, made)
    sales.paid(country="US")

    with environment.context() as broken:
        broken.setattr(store, "recorded", _die)
        assert not hear("order.paid", sales.told())
    assert hear("order.paid", sales.told())

    assert list(made.records) == ["ord_1"]
    assert made.requests[-1][1] in (400, 422), "the second was refused as a duplicate"


@both
def test_an_address_that_the_company_refuses_is_left_to_people(provider: str, environment: pytest.MonkeyPatch) -> None:
    made = company(provider)
    connected(environment, provider, made)
    sales.paid(country="US", postal_code="10001")

    assert not hear("order.paid", sales.told())

    assert made.records == {}
    assert store.sums_of("2026-11"), "our own filing does not wait for it"


@both
def test_what_vendors_collect_is_not_ours_to_record(provider: str, environment: pytest.MonkeyPatch) -> None:
    made = company(provider)
    connected(environment, provider, made)
    sales.paid(by_vendor=True)

    assert hear("order.paid", sales.told())

    assert made.requests == []


def test_taxjar_hears_nothing_of_prices_that_contain_the_tax(environment: pytest.MonkeyPatch) -> None:
    made = company(TAXJAR)
    connected(environment, TAXJAR, made)
    sales.paid(country="DE")

    service.sold("usr_ada", "ord_1")

    assert made.requests == []


def test_avalara_hears_of_prices_that_contain_the_tax(environment: pytest.MonkeyPatch) -> None:
    made = company(AVALARA)
    connected(environment, AVALARA, made)
    sales.paid(country="DE")

    service.sold("usr_ada", "ord_1")

    lines = made.records["ord_1"]["asked"]["lines"]
    assert [line["amount"] for line in lines] == [40.0, 80.0, 4.9]
    assert all(line["taxIncluded"] for line in lines)


def test_without_a_provider_nobody_is_asked_and_a_refund_goes_to_whoever_has_the_sale(
    environment: pytest.MonkeyPatch,
) -> None:
    made = company(AVALARA)
    connected(environment, AVALARA, made)
    environment.setenv("TAX_PROVIDER", "table")
    sales.paid("ord_0", country="US")
    service.sold("usr_ada", "ord_0")
    before = len(made.requests)

    environment.setenv("TAX_PROVIDER", AVALARA)
    sales.paid(country="US")
    service.sold("usr_ada", "ord_1")
    environment.setenv("TAX_PROVIDER", "table")
    service.given_back(BACK, "2026-12-01T12:00:00.000Z")

    assert before == 0
    assert set(made.records) == {"ord_1", "ref_1"}


def _die(*_: object) -> None:
    raise RuntimeError("the function was killed")
