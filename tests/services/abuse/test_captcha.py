"""The captcha: asked of a company that has its own rules, and none at all while it is switched off."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from abuse.simulator import Captcha
from market import clock, config
from market.errors import Problem
from market.guard import captcha
from market.guard.captcha import check, verify
from payments.simulators.network import Handler, Lost, Network, TimedOut

pytestmark = pytest.mark.contract("1.5", "24.2")

NOON = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)
URL = "https://captcha.test/siteverify"
SECRET_NAME = "market/captcha"


def _answering(site: Handler) -> None:
    config.use_http(Network({"https://captcha.test": site}))


def _store(secret: str) -> None:
    client = config.client("secretsmanager")
    try:
        client.create_secret(Name=SECRET_NAME, SecretString=secret)
    except client.exceptions.ResourceExistsException:
        client.put_secret_value(SecretId=SECRET_NAME, SecretString=secret)


@pytest.fixture
def company(environment: pytest.MonkeyPatch) -> Iterator[Captcha]:
    environment.setenv("CAPTCHA_URL", URL)
    environment.setenv("CAPTCHA_SECRET", SECRET_NAME)
    _store("s3cret")
    captcha._secret.cache_clear()
    made = Captcha("s3cret")
    _answering(made.handle)
    with clock.running_on(lambda: NOON):
        yield made
    captcha._secret.cache_clear()


def outcome(action: str, token: str, address: str = "203.0.113.9") -> str:
    try:
        check(action, token, address)
    except Problem as refused:
        return refused.code
    return "passed"


def test_switched_off_nobody_is_asked(environment: pytest.MonkeyPatch) -> None:
    _answering(Captcha("x").handle)
    assert outcome("register", "") == "passed"


def test_whoever_solved_it_passes_once(company: Captcha) -> None:
    token = company.solve("register")
    assert outcome("register", token) == "passed"
    assert outcome("register", token) == "captcha_failed"
    assert company.addresses == ["203.0.113.9"] * 2


def test_without_a_token_the_company_is_not_asked(company: Captcha) -> None:
    assert outcome("register", "") == "captcha_required"
    assert outcome("register", "x" * 3000) == "captcha_failed"
    assert company.checked == 0


def test_a_token_for_something_else_is_no_good(company: Captcha) -> None:
    assert outcome("login", company.solve("register")) == "captcha_failed"


def test_a_made_up_token_is_no_good(company: Captcha) -> None:
    assert outcome("register", "made-up") == "captcha_failed"


def test_a_token_is_good_for_five_minutes(company: Captcha) -> None:
    token, other = company.solve("register"), company.solve("register")
    with clock.running_on(lambda: NOON + timedelta(minutes=5)):
        assert outcome("register", token) == "passed"
    with clock.running_on(lambda: NOON + timedelta(minutes=5, seconds=1)):
        assert outcome("register", other) == "captcha_failed"


def test_an_unknown_address_is_not_told(company: Captcha) -> None:
    assert verify(company.solve("login"), "", "login")
    assert company.addresses == [""]


def test_an_outage_shuts_nobody_out_and_is_logged(company: Captcha, capsys: pytest.CaptureFixture[str]) -> None:
    company.out = True
    assert outcome("register", "anything") == "passed"
    assert "captcha let pass unchecked" in capsys.readouterr().out


@pytest.mark.parametrize("silence", [Lost, TimedOut])
def test_neither_does_a_silence(silence: type[Exception], company: Captcha, capsys: pytest.CaptureFixture[str]) -> None:
    def swallow(*_: object) -> tuple[int, dict[str, str], bytes]:
        raise silence

    _answering(swallow)
    assert outcome("register", "anything") == "passed"
    written = capsys.readouterr().out
    assert "captcha not checked" in written
    assert "s3cret" not in written
    assert "anything" not in written


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b"null", b'"yes"'])
def test_an_answer_that_is_none_counts_as_an_outage(body: bytes, company: Captcha) -> None:
    _answering(lambda *_: (200, {}, body))
    assert outcome("register", "anything") == "passed"


@pytest.mark.parametrize("body", [b"{}", b'{"success": false}', b'{"success": "true"}', b'{"success": 1}'])
def test_only_a_plain_yes_is_one(body: bytes, company: Captcha) -> None:
    _answering(lambda *_: (200, {}, body))
    assert outcome("register", "anything") == "captcha_failed"


def test_a_company_that_tells_no_action_is_believed(company: Captcha) -> None:
    _answering(lambda *_: (200, {}, b'{"success": true}'))
    assert outcome("register", "anything") == "passed"


def test_a_secret_that_was_rotated_is_read_again(company: Captcha) -> None:
    assert outcome("register", company.solve("register")) == "passed"
    rotated = Captcha("n3w")
    _answering(rotated.handle)
    _store("n3w")
    assert outcome("register", rotated.solve("register")) == "passed", "our fault, not the visitor's"
    assert outcome("register", "made-up") == "captcha_failed", "and now it is checked again"
