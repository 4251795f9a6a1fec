"""Guessing passwords and codes: slower with each failure, and alike for addresses with and without an account."""

from types import SimpleNamespace

import pytest

from identity import attempts
from identity.model import InvalidCredentials, TooManyAttempts
from identity.table import TABLE
from market.table import Table
from tests.services.identity.conftest import ADA, login

NOBODY = {"email": "nobody@example.com", "password": "Wrong-Password-1"}
WRONG = {"email": ADA["email"], "password": "Wrong-Password-1"}


@pytest.mark.contract("1.5")
def test_after_five_wrong_passwords_even_the_right_one_has_to_wait(send, time, ada):
    for _ in range(5):
        assert login(send, WRONG).json["code"] == "invalid_credentials"
    waits = login(send, ada)
    assert (waits.status, waits.json["code"], waits.headers["retry-after"]) == (429, "too_many_attempts", "30")
    time.passes(seconds=31)
    assert login(send, ada).status == 200


@pytest.mark.contract("1.5")
def test_each_further_failure_locks_for_twice_as_long_up_to_an_hour(send, time, ada):
    waits = []
    for _ in range(14):
        assert login(send, WRONG).json["code"] == "invalid_credentials"
        refused = login(send, WRONG)
        if refused.status == 429:
            waits.append(refused.json["retryAfter"])
            time.passes(seconds=waits[-1])
    assert waits[:9] == [30, 60, 120, 240, 480, 960, 1920, 3600, 3600]
    assert set(waits[7:]) == {3600}


@pytest.mark.contract("1.5")
def test_addresses_without_an_account_are_locked_just_the_same(send, time, ada):
    def answers(who):
        found = [login(send, who) for _ in range(7)]
        return [(answer.status, {**answer.json, "requestId": ""}) for answer in found]

    assert answers(WRONG) == answers(NOBODY)


@pytest.mark.contract("1.5")
def test_a_right_password_forgets_the_failures_before(send, time, ada):
    for _ in range(3):
        for _ in range(4):
            login(send, WRONG)
        assert login(send, ada).status == 200


@pytest.mark.contract("1.5")
def test_failures_are_forgotten_after_a_day(send, time, ada):
    for _ in range(4):
        login(send, WRONG)
    time.passes(hours=25)
    login(send, WRONG)
    time.passes(seconds=2)  # Cognito has a lock of its own, which forgets nothing
    assert login(send, ada).status == 200


@pytest.mark.contract("1.5")
def test_the_lock_is_the_accounts_and_knows_no_case(send, time, ada):
    for email in ("ada@example.com", "ADA@example.com", "Ada@Example.com", "ada@EXAMPLE.com", "aDa@example.com"):
        login(send, {**WRONG, "email": email})
    assert login(send, ada).status == 429
    assert login(send, NOBODY).status == 401


@pytest.mark.contract("1.5")
@pytest.mark.parametrize("email", [ADA["email"], "nobody@example.com"])
def test_guessing_mailed_codes_is_locked_too(send, time, ada, email):
    body = {"email": email, "code": "000000", "newPassword": "Analytical-Engine-2"}
    send("POST", "/v1/auth/forgot-password", {"email": email})
    codes = [send("POST", "/v1/auth/reset-password", body).json["code"] for _ in range(6)]
    assert codes == ["wrong_code"] * 5 + ["too_many_attempts"]


@pytest.mark.contract("1.5")
def test_a_new_password_by_mail_lifts_the_lock(send, time, ada, pool):
    for _ in range(6):
        login(send, WRONG)
    send("POST", "/v1/auth/forgot-password", {"email": ada["email"]})
    new = {"email": ada["email"], "code": pool.code(ada["email"]), "newPassword": "Analytical-Engine-2"}
    assert send("POST", "/v1/auth/reset-password", new).status == 200
    assert login(send, {**ada, "password": new["newPassword"]}).status == 200


@pytest.mark.contract("1.5")
def test_the_counter_tells_no_address(send, pool, monkeypatch):
    keys: list[str] = []
    written = Table.transact

    def watched(table, *writes):
        keys.extend(str(write) for write in writes)
        written(table, *writes)

    monkeypatch.setattr(Table, "transact", watched)
    login(send, NOBODY)
    assert any("TRY#" in key for key in keys)
    assert not any("nobody" in key for key in keys)


@pytest.mark.contract("1.5")
def test_a_failure_that_another_one_overtakes_is_counted_all_the_same(pool, time, monkeypatch):
    reads = []
    known = TABLE.get

    def overtaken(key, **options):
        found = known(key, **options)
        if not reads:
            reads.append(key)
            _fail("ada")
        return found

    _fail("ada")
    monkeypatch.setattr(attempts.TABLE, "get", overtaken)
    _fail("ada")
    for _ in range(2):
        _fail("ada")
    with pytest.raises(TooManyAttempts), attempts.counted(attempts.PASSWORD, "ada", InvalidCredentials):
        pass


@pytest.mark.contract("1.5")
def test_errors_that_are_not_the_callers_are_not_counted(send, pool, time, ada):
    pool.fail = {"InitiateAuth": "InternalErrorException"}
    assert [login(send, ada).status for _ in range(6)] == [503] * 6
    pool.fail = {}
    assert login(send, ada).status == 200


@pytest.mark.contract("1.5")
@pytest.mark.parametrize("who", [WRONG, NOBODY])
def test_after_three_failures_a_captcha_is_asked_for_where_there_is_one(send, time, ada, environment, who):
    from market import config

    asked = []

    class Company:
        def request(self, method, url, **options):
            asked.append(options["fields"]["response"])
            said = b'{"success": true, "action": "login"}' if asked[-1] == "solved" else b'{"success": false}'
            return SimpleNamespace(status=200, data=said)

    environment.setenv("CAPTCHA_URL", "https://captcha.example.com/siteverify")
    environment.setenv("CAPTCHA_SECRET", "market/root")
    config.use_http(Company())
    assert [login(send, who).json["code"] for _ in range(4)] == ["invalid_credentials"] * 3 + ["captcha_required"]
    assert login(send, who, headers={"captcha-token": "made up"}).json["code"] == "captcha_failed"
    assert login(send, who, headers={"captcha-token": "solved"}).json["code"] == "invalid_credentials"
    assert asked == ["made up", "solved"]


def _fail(whose: str) -> None:
    with pytest.raises(InvalidCredentials), attempts.counted(attempts.PASSWORD, whose, InvalidCredentials):
        raise InvalidCredentials
