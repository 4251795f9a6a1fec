"""What is told to tax offices: every sale and refund once, in the month of its place, and what the ledger says too."""

import csv
import io
from collections import Counter
from threading import Barrier, Thread
from typing import Any

import pytest

from market import clock
from tax import api, consumer, service, store
from tests.http import Response, call
from tests.sagas.refunds import ALL, Desk
from tests.services.outbox import message
from tests.services.tax import sales

pytestmark = pytest.mark.contract("13.1")

GERMAN, EXEMPT = "DE#EUR#platform#019000#", "DE#EUR#platform#000000#exempt"


@pytest.fixture
def desk(database: str, environment: pytest.MonkeyPatch) -> Any:
    running = Desk(environment)
    running.open_shop()
    yield running
    running.close()


def hear(kind: str, data: dict[str, Any], event_id: str = "") -> None:
    assert consumer.handler({"Records": [message(kind, data, event_id)]}) == {"batchItemFailures": []}


def ask(month: str, **query: Any) -> Response:
    answer = call(api.handler, "GET", f"/v1/admin/tax/filings/{month}", caller="sam", roles="staff", query=query)
    assert answer.status == 200, answer
    return answer


def rows(answer: Response) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(answer.body)))


def this_month() -> str:
    return clock.timestamp()[:7]


@pytest.mark.usefixtures("database")
def test_a_sale_is_filed_by_rate_goods_and_shipping_apart_from_what_is_exempt() -> None:
    sales.paid()
    hear("order.paid", sales.told())

    found = store.sums_of("2026-11")

    assert set(found) == {GERMAN, EXEMPT}
    assert (found[GERMAN].taxable, found[GERMAN].tax) == (4_490 - 717, 717)
    assert (found[EXEMPT].exempt, found[EXEMPT].tax) == (8_000, 0)


@pytest.mark.usefixtures("database")
def test_news_that_comes_twice_or_at_once_counts_once() -> None:
    sales.paid()
    back = sales.refund(("LAMP", 2_000, 319))
    together = Barrier(4)

    def sell() -> None:
        together.wait()
        service.sold("usr_ada", "ord_1")

    threads = [Thread(target=sell) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for _ in range(2):
        hear("order.paid", sales.told())
        service.given_back(back, "2026-11-22T00:00:00.000Z")

    found = store.sums_of("2026-11")[GERMAN]
    assert (found.tax, found.refunded_tax, found.due) == (717, 319, 398)


@pytest.mark.usefixtures("database")
def test_a_refund_counts_in_its_own_month_even_if_it_is_heard_of_first() -> None:
    sales.paid()

    service.given_back(sales.refund(("LAMP", 2_000, 319), ("shipping", 490, 78)), "2026-12-03T10:00:00.000Z")
    service.sold("usr_ada", "ord_1")

    november, december = store.sums_of("2026-11")[GERMAN], store.sums_of("2026-12")[GERMAN]
    assert (november.tax, november.refunded_tax) == (717, 0)
    assert (december.tax, december.refunded, december.refunded_tax) == (0, 2_490 - 397, 397)


@pytest.mark.usefixtures("database")
@pytest.mark.parametrize(
    ("country", "at", "month"),
    [
        ("DE", "2026-11-30T22:59:59.000Z", "2026-11"),
        ("DE", "2026-11-30T23:00:00.000Z", "2026-12"),
        ("US", "2026-12-01T04:59:59.000Z", "2026-11"),
        ("US", "2026-12-01T05:00:00.000Z", "2026-12"),
    ],
)
def test_the_month_is_that_of_the_place(country: str, at: str, month: str) -> None:
    sales.paid(country=country, at=at)

    service.sold("usr_ada", "ord_1")

    assert store.sums_of(month)


@pytest.mark.usefixtures("database")
def test_what_vendors_collect_is_told_apart() -> None:
    sales.paid(by_vendor=True)

    service.sold("usr_ada", "ord_1")

    assert set(store.sums_of("2026-11")) == {"DE#EUR#vendor#019000#", "DE#EUR#vendor#000000#exempt"}


@pytest.mark.usefixtures("database")
def test_staff_read_the_sums_and_every_line_page_by_page() -> None:
    for number in range(12):
        sales.paid(f"ord_{number}", country="US")
        service.sold("usr_ada", f"ord_{number}")

    summary = rows(ask("2026-11"))
    pages = [ask("2026-11", detail="items", limit=2)]
    while "link" in pages[-1].headers:
        address = pages[-1].headers["link"].partition(">")[0].removeprefix("<")
        pages.append(call(api.handler, "GET", address, caller="sam", roles="staff"))

    items = [row for row in rows(Response(200, {}, "".join(page.body for page in pages)))]
    assert len(pages) >= 4
    assert Counter(row["document"] for row in items) == {f"ord_{number}": 3 for number in range(12)}
    assert sum(int(row["tax"]) for row in items) == sum(int(row["tax"]) for row in summary) == 12 * 427
    assert {row["jurisdiction"] for row in summary} == {"US-CA"}
    assert sum(int(row["taxable"]) for row in summary) == 12 * 4_490


@pytest.mark.usefixtures("database")
def test_there_is_no_thirteenth_month_and_no_filing_for_customers() -> None:
    path = "/v1/admin/tax/filings"

    assert call(api.handler, "GET", f"{path}/2026-13", caller="sam", roles="staff").status == 404
    assert call(api.handler, "GET", f"{path}/2026-11", caller="ada").status == 403


@pytest.mark.contract("12.4")
def test_the_tax_that_is_filed_is_the_tax_in_the_ledger(desk: Desk) -> None:
    began = this_month()
    kept, returned, partly = (desk.sell(country=country) for country in ("DE", "FR", "DE"))
    abroad = desk.sell()
    some = {"lines": [{"sku": "LAMP", "quantity": 1}], "reason": "returned"}
    assert desk.ask(returned, ALL).status < 300
    assert desk.ask(partly, some).status < 300
    desk.run()

    owed: Counter[str] = Counter()
    for number in (kept, returned, partly, abroad):
        for account, amount in desk.balances(number).items():
            if account.startswith("tax:"):
                owed[account.removeprefix("tax:")] -= amount
    filed: Counter[str] = Counter()
    for row in [row for month in {began, this_month()} for row in rows(ask(month))]:
        filed[row["jurisdiction"]] += int(row["due"])

    assert +owed == +filed
    assert owed["DE"] > 0
    assert owed["FR"] == filed["FR"] == 0
