"""Staff announce rates and register states; nobody overwrites anybody; everybody may see what counts."""

from threading import Barrier, Thread
from typing import Any

import pytest

from market import clock
from tax import api
from tests.http import Response, call
from tests.services.outbox import recorded

pytestmark = [pytest.mark.contract("13.1"), pytest.mark.usefixtures("database")]

CALIFORNIA = {"registrations": [{"since": "2026-01-01", "region": "CA"}]}


def send(method: str, path: str, body: Any = None, **options: Any) -> Response:
    options = {"caller": "grace", "roles": "staff"} | options
    return call(api.handler, method, f"/v1/admin/tax{path}", body, **options)


def rates(country: str, **place: str) -> dict[str, Any]:
    answer = call(api.handler, "GET", "/v1/tax/rates", query={"country": country} | place)
    assert answer.status == 200, answer
    return dict(answer.json)


def test_everybody_sees_the_rates_of_a_place_and_may_keep_them_for_minutes() -> None:
    answer = call(api.handler, "GET", "/v1/tax/rates", query={"country": "DE"})

    shown = answer.json
    assert (shown["jurisdiction"], shown["priceIncludesTax"], shown["standard"]["rate"]) == ("DE", True, 19_000)
    assert (shown["reduced"]["rate"], shown["digital"]["rate"]) == (7_000, 19_000)
    assert answer.headers["cache-control"] == "public, max-age=300"
    assert rates("PT", postalCode="9500-321")["place"] == "Azores"


def test_where_we_are_not_registered_the_law_is_shown_and_nothing_charged() -> None:
    shown = rates("US", region="CA")

    assert (shown["standard"]["rate"], shown["standard"]["exemption"]) == (0, "not_registered")
    assert (shown["law"]["standard"], shown["priceIncludesTax"]) == (7_250, False)


def test_a_country_without_a_known_tax_is_not_found() -> None:
    assert call(api.handler, "GET", "/v1/tax/rates", query={"country": "AQ"}).status == 404
    assert send("GET", "/countries/AQ").status == 404
    assert send("GET", "/countries/germany").status == 404


def test_a_state_that_was_registered_is_charged() -> None:
    changed = send("PUT", "/countries/US", CALIFORNIA)

    assert (changed.status, changed.headers["etag"], changed.json["version"]) == (200, '"1"', 1)
    assert rates("US", region="CA")["standard"]["rate"] == 7_250
    assert rates("US", region="WA")["standard"]["rate"] == 0
    assert send("GET", "/countries/US").json == changed.json
    assert {zone["jurisdiction"] for zone in changed.json["zones"]} >= {"US-CA", "US-NY"}
    assert len(recorded()) == 1, "the kernel notes what staff change"


def test_an_announced_rate_is_shown_before_it_counts() -> None:
    tomorrow = str(int(clock.timestamp()[:4]) + 1) + "-01-01"

    send("PUT", "/countries/DE", {"rates": [{"category": "standard", "rate": 18_000, "since": tomorrow}]})

    shown = rates("DE")
    assert shown["standard"]["rate"] == 19_000
    assert shown["announced"] == [{"since": tomorrow, "standard": 18_000, "reduced": 7_000, "digital": 18_000}]


def test_the_second_of_two_editors_is_told_so() -> None:
    first = send("PUT", "/countries/US", CALIFORNIA, headers={"if-match": '"0"'})
    second = send("PUT", "/countries/US", {"registrations": []}, headers={"if-match": '"0"'})

    assert (first.status, second.status) == (200, 412)
    assert send("GET", "/countries/US").json["registrations"] == first.json["registrations"]


def test_of_many_changes_at_once_exactly_one_counts_for_each_version() -> None:
    together, statuses = Barrier(6), []

    def change(number: int) -> None:
        body = {"rates": [{"category": "standard", "rate": number, "since": "2026-01-01"}]}
        together.wait()
        statuses.append(send("PUT", "/countries/FR", body, headers={"if-match": '"0"'}).status)

    threads = [Thread(target=change, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(statuses) == [200, 412, 412, 412, 412, 412]
    assert send("GET", "/countries/FR").json["version"] == 1


@pytest.mark.parametrize(
    ("country", "body", "field", "code"),
    [
        ("DE", {"rates": [{"category": "exempt", "rate": 1, "since": "2026-01-01"}]}, "category", "category_not_taxed"),
        (
            "DE",
            {"rates": [{"category": "standard", "rate": 1, "since": "2026-02-01", "until": "2026-01-31"}]},
            "until",
            "before_first_day",
        ),
        ("DE", {"rates": [{"category": "standard", "rate": 1, "since": "2026-01-01"}] * 2}, "since", "duplicate"),
        (
            "US",
            {"registrations": [{"since": "2026-01-01", "collectedBy": "vendor"}]},
            "collectedBy",
            "facilitator_required",
        ),
        ("US", {"registrations": [{"since": "2026-01-01", "region": "CA"}] * 2}, "since", "duplicate"),
    ],
)
def test_what_contradicts_itself_or_the_law_is_refused(
    country: str, body: dict[str, Any], field: str, code: str
) -> None:
    refused = send("PUT", f"/countries/{country}", body)

    assert refused.status == 422
    assert [error["code"] for error in refused.json["errors"]] == [code]
    assert refused.json["errors"][0]["field"].endswith(field)
    assert send("GET", f"/countries/{country}").json["version"] == 0


@pytest.mark.parametrize("rate", [-1, 100_001, 19.5, "19000"])
def test_a_rate_is_a_whole_number_of_thousandths(rate: Any) -> None:
    body = {"rates": [{"category": "standard", "rate": rate, "since": "2026-01-01"}]}

    assert send("PUT", "/countries/DE", body).status == 422


def test_a_preview_works_out_lines_by_what_is_set_or_by_a_draft_of_it() -> None:
    lines = [
        {"charge": {"amount": 11_900, "currency": "EUR"}},
        {"category": "reduced", "charge": {"amount": 1_070, "currency": "EUR"}},
        {"category": "exempt", "charge": {"amount": 500, "currency": "EUR"}},
    ]
    asked = {"destination": {"country": "DE"}, "lines": lines, "at": "2026-01-15T12:00:00Z"}
    draft = {"rates": [{"category": "standard", "rate": 25_000, "since": "2026-01-01"}]}

    present = send("POST", "/preview", asked).json
    drafted = send("POST", "/preview", asked | {"draft": draft}).json

    assert [line["tax"]["amount"] for line in present["lines"]] == [1_900, 70, 0]
    assert [line["net"]["amount"] for line in present["lines"]] == [10_000, 1_000, 500]
    assert [line["tax"]["amount"] for line in drafted["lines"]] == [2_380, 70, 0]
    assert present["source"] == "table"
    assert send("GET", "/countries/DE").json["version"] == 0, "a preview keeps nothing"


def test_a_preview_adds_tax_on_top_where_prices_are_without() -> None:
    send("PUT", "/countries/US", CALIFORNIA)
    asked = {
        "destination": {"country": "US", "region": "CA", "postalCode": "90210"},
        "lines": [{"charge": {"amount": 10_000, "currency": "USD"}}],
    }

    (line,) = send("POST", "/preview", asked).json["lines"]

    assert [line[name]["amount"] for name in ("net", "tax", "gross")] == [10_000, 725, 10_725]
    assert line["rate"]["priceIncludesTax"] is False


def test_only_those_who_may_change_tax_change_it() -> None:
    reader = {"permissions": "tax.read"}

    assert send("GET", "/countries/US", **reader).status == 200
    assert send("PUT", "/countries/US", CALIFORNIA, **reader).status == 403
    assert send("GET", "/countries/US", permissions="").status == 403
    assert send("GET", "/countries/US", roles="customer").status == 403
