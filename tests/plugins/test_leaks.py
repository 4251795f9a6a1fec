"""The listener finds what is planted for it, wherever the product could say it, and is not alarmed by anything else."""

import base64
import random
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import orjson
import pytest

from market import ids, log
from market.errors import Conflict
from market.events import outgoing
from market.http import ANYONE, ServiceApi
from market.manifest import Function, Manifest
from market.tasks import Tasks
from tests.http import call
from tests.journeys.fair import ADDRESS as FAIR
from tests.plugins import leaks
from tests.plugins.leaks import AUDIT, ERROR, EVENT, LOG, PROBLEM, Judge, Listener, Overheard, found
from tests.shop import ADDRESS

MANIFEST = Manifest(
    service="gossip", prefixes=("GOS#",), functions=(Function(name="api", handler="gossip.api.handler", kind="api"),)
)
PLANTED = {
    "ada@example.com": "mail address",
    "ada.lovelace+shop@mail.example.co.uk": "mail address",
    "eyJhbGciOiJub25lIn0.eyJzdWIiOiJhZGEifQ.c2lnbmF0dXJl": "token",
    "mk_0123456789abcdef_0123456789abcdefghjkmnpqrstvwxyz0123456": "API key",
    "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw": "webhook secret",
    "+44 20 7946 0000": "telephone",
    "+442079460000": "telephone",
    "198.51.100.7": "network address",
    "2001:DB8::7": "network address",
    "4242424242424242": "card",
    "4242 4242 4242 4242": "card",
    "378282246310005": "card",
    "GB82 WEST 1234 5698 7654 32": "bank account",
    "DE89370400440532013000": "bank account",
    "Ada Lovelace": "known",
    "otpauth://totp/x?secret=JBSWY3DPEHPK3PXP": "known",
    "Local-Demo-Only-1": "known",
}
"""One of each kind, and how it is reported."""

HARMLESS = (
    "Write to orders@marketplace.example about order MK-0R3K7Q8H-2MX4TQ9Z.",
    "4242424242424243 is no card, 1.2.3 and 1.2.3.400 are no addresses, 5.4242424242424242 is a number.",
    '{"amount":4242424242424242,"at":"2026-01-01T00:00:00.000+00:00","user":"@ada"}',
    "GB83 WEST 1234 5698 7654 32, eyJhbGciOiJub25lIn0, mk_0123456789abcdef, whsec_",
)


def kinds(text: str, *planted: str) -> list[str]:
    return [kind for kind, _ in found(text, planted)]


@pytest.fixture
def listener() -> Listener:
    """Another one than the one that listens to this test, which hears nothing of what is said here."""
    return Listener()


@pytest.mark.contract("25.1")
@pytest.mark.parametrize("datum", PLANTED)
def test_each_kind_of_private_datum_is_found_in_the_middle_of_a_line(datum: str) -> None:
    for line in (datum, f'{{"event":"said","what":"{datum}","more":1}}', f"It was {datum}, they say."):
        assert kinds(line) == [PLANTED[datum]], line


@pytest.mark.contract("25.1")
@pytest.mark.parametrize("text", HARMLESS)
def test_what_only_looks_like_one_is_let_through(text: str) -> None:
    assert kinds(text) == []


@pytest.mark.contract("25.1")
def test_ids_digests_and_times_never_look_private_by_chance() -> None:
    chance = random.Random(25)
    numbers = [chance.getrandbits(128) for _ in range(20_000)]
    said = [f"{number:032x} {number:032X} {UUID(int=number)} 17{number % 10**11:011d}" for number in numbers]
    said += [base64.b64encode(number.to_bytes(16)).decode() for number in numbers]
    said += [f"{ids.new('ord')} {ids.ulid()} {ids.short('key')}" for _ in numbers[::20]]
    assert kinds(" ".join(said)) == []


@pytest.mark.contract("25.1")
def test_the_people_and_places_of_the_tests_are_known() -> None:
    for address in (ADDRESS, FAIR):
        assert "known" in kinds(orjson.dumps(address).decode())


@pytest.mark.contract("25.1")
def test_what_was_sent_in_a_private_field_is_found_letter_by_letter(listener: Listener) -> None:
    listener.plant(
        {"newPassword": "Tr0ub4dor&3-again", "name": "A lamp of brass", "list": [{"line1": "7 Rue de la Paix"}]}
    )
    for said in ("Tr0ub4dor&3-again", "7 Rue de la Paix", "A lamp of brass"):
        listener.hear(LOG, f"so they said {said} aloud")
    assert listener.leaks() == [
        "planted, in a log line: so they said Tr0ub4dor&3-again aloud",
        "planted, in a log line: so they said 7 Rue de la Paix aloud",
    ]
    listener.forget()
    listener.hear(LOG, "Tr0ub4dor&3-again")
    assert listener.leaks() == []


@pytest.mark.contract("25.1")
def test_a_log_line_is_heard_and_still_written(
    listener: Listener, environment: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    environment.setattr(log, "sys", Overheard(listener))
    log.info("mail sent", to="ada@example.com")
    log.info("mail sent", email="ada@example.com")
    assert capsys.readouterr().out.count("mail sent") == 2
    (leak,) = listener.leaks()
    assert leak.startswith("mail address, in a log line: {")
    assert listener.leaks() == []


@pytest.mark.contract("25.1")
def test_an_event_is_heard_on_its_way_to_the_outbox(listener: Listener, environment: pytest.MonkeyPatch) -> None:
    said = outgoing("lamp.sold", 1, {"buyer": "ada@example.com"}, service="gossip")
    listener.write({"Item": said.request["Item"]})
    listener.write({"TransactItems": [{"Put": said.request}, {"Delete": {}}]})
    listener.write({"Item": {"pk": {"S": "USR#ada"}, "email": {"S": "ada@example.com"}}})
    assert [leak.partition(": ")[0] for leak in listener.leaks()] == [f"mail address, in a {EVENT}"]


@pytest.mark.contract("21.4", "25.1")
def test_an_audit_record_may_say_from_where_somebody_acted_and_nothing_else(
    listener: Listener, environment: pytest.MonkeyPatch
) -> None:
    actor = {"address": "198.51.100.7", "agent": "Mozilla/5.0"}
    for changes in ([], [{"after": {"network": "203.0.113.9/32"}}], [{"after": {"note": "ada@example.com"}}]):
        said = outgoing("audit.recorded", 1, actor | {"changes": changes}, service="gossip")
        listener.write({"Item": said.request["Item"]})
    (leak,) = listener.leaks()
    assert leak.startswith(f"mail address, in a {AUDIT}: ")


@pytest.fixture
def gossip(listener: Listener, environment: pytest.MonkeyPatch) -> ServiceApi:
    """An API whose refusals say too much."""
    api = ServiceApi(MANIFEST)

    @api.get("/v1/gossip/<word>", callers=[ANYONE])
    def gossip(word: str) -> dict[str, str]:
        if word == "secret":
            return {"secret": "open-sesame-of-the-forty"}
        raise Conflict(f"{word} is taken.")

    environment.setattr(ServiceApi, "_answer", listener.request(ServiceApi._answer.__wrapped__))  # type: ignore[attr-defined]
    return api


@pytest.mark.contract("25.1")
@pytest.mark.parametrize("word", ["ada@example.com", "open-sesame-of-the-forty"])
def test_a_problem_that_quotes_an_address_or_a_secret_is_heard(
    listener: Listener, gossip: ServiceApi, word: str
) -> None:
    assert call(gossip.handler, "GET", "/v1/gossip/secret").status == 200
    assert listener.leaks() == []
    assert call(gossip.handler, "GET", f"/v1/gossip/{word}").status == 409
    (leak,) = listener.leaks()
    assert f", in a {PROBLEM}: " in leak


@pytest.mark.contract("25.1")
def test_an_error_that_leaves_a_task_is_heard(listener: Listener, environment: pytest.MonkeyPatch) -> None:
    tasks = Tasks(MANIFEST)

    @tasks.task("tell")
    def tell(given: dict[str, Any]) -> dict[str, Any]:
        raise ValueError(given["who"])

    with pytest.raises(ValueError, match="ada"):
        listener.task(Tasks.handler.__wrapped__)(tasks, {"task": "tell", "input": {"who": "ada@example.com"}})  # type: ignore[attr-defined]
    assert [leak.partition(": ")[0] for leak in listener.leaks()] == [f"mail address, in a {ERROR}"]


@pytest.mark.contract("25.1")
@pytest.mark.parametrize("phase", ["pytest_runtest_call", "pytest_runtest_teardown"])
def test_the_very_test_fails_that_says_too_much(listener: Listener, phase: str) -> None:
    judged = getattr(Judge(listener), phase)(SimpleNamespace(nodeid="a test"))
    next(judged)
    listener.hear(LOG, "ada@example.com")
    with pytest.raises(pytest.fail.Exception, match=r"mail address, in a log line: ada@example\.com"):
        judged.send(None)
    assert listener.leaks() == []


@pytest.mark.contract("25.1")
def test_every_test_of_this_run_is_listened_to(request: pytest.FixtureRequest) -> None:
    (judge,) = (plugin for plugin in request.config.pluginmanager.get_plugins() if isinstance(plugin, Judge))
    assert isinstance(log.sys, Overheard)
    assert log.sys._listener is judge._listener
    assert ServiceApi._answer.__code__.co_filename == Tasks.handler.__code__.co_filename == leaks.__file__
