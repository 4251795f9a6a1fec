"""The operator's command that makes the first member of staff."""

import pytest

from identity import service
from tests.services.identity.conftest import item, roles
from tools import grant_staff

GRACE = "grace@example.com"


@pytest.fixture
def typed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What the operator types when asked for a password, in this order."""
    answers: list[str] = []
    monkeypatch.setattr(grant_staff, "getpass", lambda _: answers.pop(0))
    return answers


@pytest.mark.contract("2.1")
def test_without_an_account_one_is_made_with_the_role(pool, send, typed):
    typed += ["Nanosecond-Wire-30cm"] * 2
    assert grant_staff.main([GRACE.upper(), "Grace Hopper"]) == 0
    signed_in = send("POST", "/v1/auth/login", {"email": GRACE, "password": "Nanosecond-Wire-30cm"})
    assert signed_in.status == 200
    assert grant_staff.main([GRACE, "Grace Hopper"]) == 0
    assert not pool.told(GRACE)


@pytest.mark.contract("2.1")
def test_an_account_that_is_there_gets_the_role_and_keeps_its_password(pool, send, typed):
    user_id = service.bootstrap(GRACE, "Nanosecond-Wire-30cm", "Grace")
    assert grant_staff.main([GRACE, "Grace Hopper"]) == 0
    kept = item(user_id)
    assert kept
    assert (roles(user_id), kept["name"]) == ("customer staff", "Grace")
    assert send("POST", "/v1/auth/login", {"email": GRACE, "password": "Nanosecond-Wire-30cm"}).status == 200


@pytest.mark.contract("2.1")
@pytest.mark.parametrize("passwords", [["short"], ["Nanosecond-Wire-30cm", "Another-Wire-30cm"]])
def test_a_weak_or_mistyped_password_makes_no_account(pool, typed, capsys, passwords):
    typed += passwords
    assert grant_staff.main([GRACE, "Grace"]) == 1
    assert service.make_staff(GRACE) is False
    assert not any(password in "".join(capsys.readouterr()) for password in passwords if password != "short")


def test_the_command_explains_itself(capsys):
    assert grant_staff.main([]) == 2
    assert "TABLE_NAME" in capsys.readouterr().err
