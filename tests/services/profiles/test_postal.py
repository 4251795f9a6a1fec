"""Addresses by country: against the rules as people know them, and against the shared cases."""

import gzip
import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from profiles import postal
from profiles.model import BadAddress
from profiles.postal import Written
from tests.http import call
from tests.services.profiles.conftest import LONDON, Desk

pytestmark = pytest.mark.contract("3.2")
CASES = Path(__file__).parents[4] / "shared/data/reference-tax-fx-address/public/address_cases.jsonl.gz"


def written(country: str, **fields: str) -> Written:
    return Written(**({"name": "Ada", "line1": "1 Main St", "country": country} | fields))


@pytest.mark.parametrize(
    ("address", "code", "subdivision", "lines"),
    [
        (
            written("US", city="Springfield", state="California", postal_code="95014"),
            "95014",
            "US-CA",
            "Ada|1 Main St|SPRINGFIELD, CA 95014",
        ),
        (
            written("US", city="Springfield", state="US-CA", postal_code="95014-1234"),
            "95014-1234",
            "US-CA",
            "Ada|1 Main St|SPRINGFIELD, CA 95014-1234",
        ),
        (
            written("CA", city="Laval", state="québec", postal_code="h3z2y7"),
            "H3Z 2Y7",
            "CA-QC",
            "Ada|1 MAIN ST|LAVAL QC H3Z 2Y7",
        ),
        (written("SE", city="Göteborg", postal_code="41134"), "411 34", "", "Ada|1 Main St|411 34 GÖTEBORG"),
        (written("DE", city="Berlin", postal_code="10117"), "10117", "", "Ada|1 Main St|10117 BERLIN"),
        (
            written("BR", line2="Apto 2", city="Sao Paulo", state="Sao Paulo", postal_code="01310100"),
            "01310-100",
            "BR-SP",
            "Ada|1 Main St|Apto 2|SAO PAULO-SP|01310-100",
        ),
        (
            written("JP", city="Chiyoda-ku", state="JP-13", postal_code="1000001"),
            "100-0001",
            "JP-13",
            "Ada|1 Main St|Chiyoda-ku, TOKYO|100-0001",
        ),
        (
            Written(name="山田", line1="1-1", city="千代田区", state="東京都", postal_code="100-0001", country="JP"),
            "100-0001",
            "JP-13",
            "〒100-0001|東京都|千代田区|1-1|山田",
        ),
        (written("BD", city="Dhaka", postal_code="1000"), "1000", "", "Ada|1 Main St|DHAKA - 1000"),
        (written("HK", state="Kowloon"), "", "", "Ada|1 Main St|KOWLOON"),
        (written("SG", city="Singapore", postal_code="018956"), "018956", "", "Ada|1 Main St|SINGAPORE 018956"),
    ],
)
def test_codes_states_and_lines_are_those_of_the_country(
    address: Written, code: str, subdivision: str, lines: str
) -> None:
    checked = postal.check(address)

    assert (checked.postal_code, checked.subdivision) == (code, subdivision)
    assert "|".join(checked.lines) == lines


@pytest.mark.parametrize(
    ("address", "errors"),
    [
        (written("DE"), {"city": "missing", "postalCode": "missing"}),
        (written("US", city="X", postal_code="95014"), {"state": "missing"}),
        (written("US", city="X", state="Bavaria", postal_code="95014"), {"state": "state_unknown"}),
        (written("US", city="X", state="CA", postal_code="10001"), {"postalCode": "postal_code_invalid"}),
        (written("GB", city="X", postal_code="12345"), {"postalCode": "postal_code_invalid"}),
        (written("DE", city="X", postal_code="1011"), {"postalCode": "postal_code_invalid"}),
        (written("XX"), {"country": "country_unknown"}),
        (written("ZZ"), {"country": "country_unknown"}),
    ],
)
def test_each_broken_rule_is_named(address: Written, errors: dict[str, str]) -> None:
    with pytest.raises(BadAddress) as refused:
        postal.check(address)

    assert {e["field"].removeprefix("body."): e["code"] for e in refused.value.errors} == errors
    assert not any("Main" in str(error) for error in refused.value.errors)


def test_anybody_at_the_checkout_may_have_an_address_checked(desk: Desk) -> None:
    from market.http import new_guest
    from profiles.api import handler

    token = {"guest-token": new_guest()}
    answer = call(handler, "POST", "/v1/guest/addresses/validation", LONDON, headers=token)
    assert answer.status == 200
    assert answer.json["lines"][-1] == "SW1Y 4JH"
    assert desk.ask("POST", "/v1/addresses/validation", LONDON).json == answer.json

    wrong = LONDON | {"postalCode": "99999", "city": ""}
    refused = call(handler, "POST", "/v1/guest/addresses/validation", wrong, headers=token)
    assert (refused.status, refused.json["code"]) == (422, "bad_address")
    assert {error["field"] for error in refused.json["errors"]} == {"body.city", "body.postalCode"}
    assert call(handler, "POST", "/v1/guest/addresses/validation", LONDON).status == 401


def test_it_agrees_with_addresses_of_the_world() -> None:
    """Addresses from a public map, and how one should write them. Its maps use one layout for all that is there; what
    we can compare is the code, and the line that the code is on, by letters and digits.
    """
    if not CASES.exists():
        pytest.skip("the shared address cases are not here")
    with gzip.open(CASES, "rt", encoding="utf-8") as file:
        cases = [json.loads(line) for line in file]
    counts: Counter[str] = Counter()
    for case in cases:
        _compare(case, counts)

    print(dict(counts))
    assert counts["cases"] > 150
    assert counts["codes"] / counts["cases"] > 0.92
    assert counts["lines"] / counts["placed"] > 0.7


def _compare(case: dict[str, Any], counts: Counter[str]) -> None:
    parts = case["components"]
    country, code = parts.get("country_code", "").upper(), parts.get("postcode", "")
    if not code or set(",;") & set(code):
        return
    try:
        rules = postal.rules_of(country)
    except ValueError:
        return
    towns = ("city", "town", "village", "municipality", "hamlet")
    address = Written(
        name="",
        line1=parts.get("road", "-"),
        city=next((parts[kind] for kind in towns if kind in parts), "-"),
        state=parts.get("state_code") or parts.get("state", ""),
        postal_code=code,
        country=country,
    )
    counts["cases"] += 1
    try:
        lines = postal.check(address).lines
    except BadAddress as refused:
        counts["codes"] += all("postalCode" not in error["field"] for error in refused.errors)
        return
    counts["codes"] += 1
    if "%Z" not in rules.format:
        return
    plain = [_letters(line) for line in case["expected"].splitlines()]
    counts["placed"] += 1
    counts["lines"] += any(_letters(code) in _letters(line) and _letters(line) in plain for line in lines)


def _letters(text: str) -> str:
    return "".join(sign for sign in text.casefold() if sign.isalnum())
