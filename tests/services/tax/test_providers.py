"""What we ask of other companies' tax services, and what we make of their answers; each rule on both."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from market.money import Money
from tax.categories import Destination
from tax.inquiry import (
    AVALARA,
    SHIPPING,
    TAXJAR,
    AddressRefused,
    Answer,
    Asked,
    ProviderFailed,
    Question,
    answers,
    provider_request,
    read_answer,
)
from tax.simulators.company import Company
from tests.services.tax.companies import CREDENTIALS, company, dollars, question

pytestmark = pytest.mark.contract("13.1")

both = pytest.mark.parametrize("provider", [AVALARA, TAXJAR])


def asked(made: Company, provider: str, what: Question, credentials: dict[str, str] | None = None) -> Answer:
    request = provider_request(provider, what, credentials or CREDENTIALS[provider])
    status, _, body = made.handle(request.method, request.path, request.headers, request.body)
    return read_answer(provider, what, status, body)


def taxes(answer: Answer) -> list[int]:
    return [answer.lines[number].tax.amount for number in sorted(answer.lines)]


@both
def test_each_line_gets_the_tax_of_its_street(provider: str) -> None:
    answer = asked(company(provider), provider, question(10_000, 1_999))

    assert taxes(answer) == [950, 190]
    assert [answer.lines[number].rate for number in ("1", "2")] == [9_500, 9_500]
    assert answer.jurisdiction == "US-CA"


@both
def test_shipping_is_a_line_of_its_own(provider: str) -> None:
    lines = [
        Asked(number="1", category="standard", amount=dollars(10_000)),
        Asked(number="2", category=SHIPPING, amount=dollars(490)),
        Asked(number="3", category=SHIPPING, amount=dollars(510)),
    ]

    answer = asked(company(provider), provider, question(lines=lines))

    assert taxes(answer)[0] == 950
    assert sum(taxes(answer)[1:]) == 95
    assert set(answer.lines) == {"1", "2", "3"}


@both
def test_exempt_goods_and_exempt_customers_pay_no_tax(provider: str) -> None:
    goods = [Asked(number="1", category="exempt", amount=dollars(10_000))]

    assert taxes(asked(company(provider), provider, question(lines=goods))) == [0]
    assert taxes(asked(company(provider), provider, question(10_000, exemption="SR-1"))) == [0]


def test_avalara_takes_the_tax_out_of_prices_that_contain_it() -> None:
    berlin = question(11_900, destination=Destination("DE", postal_code="10115"), inclusive=True)

    assert taxes(asked(company(AVALARA), AVALARA, berlin)) == [1_900]


def test_taxjar_cannot_be_asked_about_prices_that_contain_the_tax() -> None:
    assert not answers(TAXJAR, question(100, inclusive=True))
    assert answers(TAXJAR, question(100))
    assert answers(AVALARA, question(100, inclusive=True))
    assert not answers("table", question(100))


def test_taxjar_collects_nothing_where_we_have_no_nexus() -> None:
    answer = asked(company(TAXJAR, nexus=["NY"]), TAXJAR, question(10_000, 500))

    assert taxes(answer) == [0, 0]


@both
def test_an_address_that_does_not_fit_together_is_said_to_be_one(provider: str) -> None:
    with pytest.raises(AddressRefused) as refused:
        asked(company(provider), provider, question(100, destination=Destination("US", "NY", "90210")))

    assert not refused.value.again
    assert "90210" not in str(refused.value), "addresses are not for logs"


@both
@pytest.mark.parametrize("fault", ["500", "503"])
def test_a_company_in_trouble_may_be_asked_again(provider: str, fault: str) -> None:
    made = company(provider)
    made.fail(fault)

    with pytest.raises(ProviderFailed) as failed:
        asked(made, provider, question(100))

    assert failed.value.again
    assert taxes(asked(made, provider, question(10_000))) == [950]


@both
def test_who_asks_too_often_waits_for_the_next_minute(provider: str) -> None:
    made = company(provider, limit=1)
    asked(made, provider, question(100))

    with pytest.raises(ProviderFailed) as failed:
        asked(made, provider, question(100))
    made.new_minute()

    assert failed.value.again
    assert taxes(asked(made, provider, question(10_000))) == [950]


@both
def test_wrong_credentials_and_pages_that_are_no_answer_are_failures(provider: str) -> None:
    made = company(provider)
    wrong = dict.fromkeys(CREDENTIALS[provider], "wrong")
    with pytest.raises(ProviderFailed) as refused:
        asked(made, provider, question(100), wrong)
    made.fail("garbled")
    with pytest.raises(ProviderFailed) as garbled:
        asked(made, provider, question(100))

    assert (refused.value.again, garbled.value.again) == (False, True)


@both
@pytest.mark.parametrize("body", [b"{}", b"[]", b'{"lines": [{}]}', b'{"tax": {"breakdown": {"line_items": []}}}'])
def test_an_answer_that_is_not_about_every_line_does_not_count(provider: str, body: bytes) -> None:
    with pytest.raises(ProviderFailed):
        read_answer(provider, question(100), 200, body)


@both
def test_a_tax_above_the_price_does_not_count(provider: str) -> None:
    what = question(100)
    request = provider_request(provider, what, CREDENTIALS[provider])
    _, _, body = company(provider).handle(request.method, request.path, request.headers, request.body)
    swollen = json.loads(body)
    line = swollen["lines"][0] if provider == AVALARA else swollen["tax"]["breakdown"]["line_items"][0]
    line["tax" if provider == AVALARA else "tax_collectable"] = 1.01

    with pytest.raises(ProviderFailed):
        read_answer(provider, what, 200, json.dumps(swollen).encode())


@both
def test_nothing_is_recorded_by_asking_and_no_name_is_told(provider: str) -> None:
    made = company(provider)
    asked(made, provider, question(100))
    request = provider_request(provider, question(100), CREDENTIALS[provider])

    assert made.records == {}
    assert b"Ada" not in request.body


@both
@pytest.mark.parametrize(("amount", "number"), [(Money(1_999, "JPY"), 1999.0), (Money(1_999, "KWD"), 1.999)])
def test_yen_and_dinars_are_told_in_their_own_units(provider: str, amount: Money, number: float) -> None:
    what = question(lines=[Asked(number="1", category="standard", amount=amount)])

    sent = json.loads(provider_request(provider, what, CREDENTIALS[provider]).body)

    told = sent["lines"][0]["amount"] if provider == AVALARA else sent["line_items"][0]["unit_price"]
    assert told == number


@both
@settings(max_examples=50)
@given(cents=st.lists(st.integers(min_value=0, max_value=10**9), min_size=1, max_size=6))
def test_no_cent_is_lost_on_the_way_there_and_back(provider: str, cents: list[int]) -> None:
    answer = asked(company(provider), provider, question(*cents))

    for number, amount in enumerate(cents, 1):
        exact = amount * 9_500
        assert abs(answer.lines[str(number)].tax.amount * 100_000 - exact) <= 100_000
