"""What people say of themselves: what is kept, refused and cleared."""

import pytest

from market import clock
from profiles.contract import SOMEBODY, profile_key, read_author
from profiles.store import TABLE
from tests.services.profiles.conftest import BOB, Desk, Watch

pytestmark = pytest.mark.contract("3.1")
PROFILE = "/v1/me/profile"


def test_who_said_nothing_yet_has_an_empty_profile(desk: Desk) -> None:
    answer = desk.ask("GET", PROFILE)

    assert answer.status == 200
    assert answer.json == {"links": {}, "preferences": {}}
    assert answer.headers["etag"] == '"0"'


def test_what_is_sent_is_kept_and_the_rest_stays(desk: Desk) -> None:
    whole = {
        "displayName": "Ada",
        "bio": "First programmer.\nLikes lamps.",
        "links": {"github": "https://github.com/ada", "website": "https://ada.example.com/about?x=1"},
        "phone": "+44 20 7946 0018",
        "dateOfBirth": "1990-12-10",
        "preferences": {"language": "en-GB", "currency": "EUR", "theme": "dark"},
    }
    assert desk.ask("PATCH", PROFILE, whole).status == 200

    answer = desk.ask("PATCH", PROFILE, {"displayName": "Ada L.", "preferences": {"theme": "light"}})

    assert answer.json == whole | {
        "displayName": "Ada L.",
        "phone": "+442079460018",
        "preferences": {"language": "en-GB", "currency": "EUR", "theme": "light"},
    }
    assert answer.headers["etag"] == '"2"'
    assert desk.ask("GET", PROFILE).json == answer.json


def test_null_clears_what_was_set(desk: Desk) -> None:
    desk.ask("PATCH", PROFILE, {"displayName": "Ada", "bio": "x", "links": {"x": "https://x.com/ada"}, "phone": None})

    answer = desk.ask("PATCH", PROFILE, {"bio": None, "links": None, "displayName": None})

    assert answer.json == {"links": {}, "preferences": {}}


def test_consent_to_marketing_is_kept_with_its_time_and_source(desk: Desk, watch: Watch) -> None:
    chosen = {"marketing": {"optIn": True, "source": "checkout"}}
    given = desk.ask("PATCH", PROFILE, {"preferences": chosen}).json["preferences"]["marketing"]
    assert given == {"optIn": True, "at": clock.iso(watch.at), "source": "checkout"}

    watch.later(days=3)
    desk.ask("PATCH", PROFILE, {"preferences": None})
    kept = desk.ask("GET", PROFILE).json["preferences"]["marketing"]
    assert kept == given, "who clears preferences has not said anything about mails"

    taken = desk.ask("PATCH", PROFILE, {"preferences": {"marketing": {"optIn": False}}})
    assert taken.json["preferences"]["marketing"] == {
        "optIn": False,
        "at": clock.iso(watch.at),
        "source": "account_settings",
    }


def test_an_edit_of_another_version_is_refused(desk: Desk) -> None:
    assert desk.ask("PATCH", PROFILE, {"displayName": "One"}, headers={"if-match": '"0"'}).status == 200

    late = desk.ask("PATCH", PROFILE, {"displayName": "Two"}, headers={"if-match": '"0"'})
    assert (late.status, late.json["code"]) == (412, "precondition_failed")
    assert desk.ask("PATCH", PROFILE, {"displayName": "Two"}, headers={"if-match": 'W/"1"'}).status == 200
    assert desk.ask("PATCH", PROFILE, {"displayName": "Two"}, headers={"if-match": "nonsense"}).status == 412


@pytest.mark.parametrize(
    ("kind", "address"),
    [
        ("website", "http://example.com/"),
        ("website", "https://user:word@example.com/"),
        ("website", "https://localhost/x"),
        ("website", "https://10.0.0.1/admin"),
        ("website", "https://169.254.169.254/latest"),
        ("website", "https://[::1]/x"),
        ("website", "https://printer.local/x"),
        ("website", "https://example.com:8443/"),
        ("website", "https://example.com\\@evil.example/"),
        ("github", "https://github.com.evil.example/ada"),
        ("github", "https://evilgithub.com/ada"),
        ("linkedin", "https://example.com/ada"),
    ],
)
def test_a_link_leads_to_a_public_page_of_its_kind(desk: Desk, kind: str, address: str) -> None:
    answer = desk.ask("PATCH", PROFILE, {"links": {kind: address}})

    assert answer.status == 422, answer
    assert address not in answer.body


@pytest.mark.parametrize("born", ["2015-01-01", "2999-01-01", "1800-01-01", "1990-02-30", 5])
def test_a_date_of_birth_is_of_somebody_old_enough(desk: Desk, born: object) -> None:
    assert desk.ask("PATCH", PROFILE, {"dateOfBirth": born}).status == 422


def test_sixteen_is_old_enough_on_the_birthday_and_not_a_day_before(desk: Desk, watch: Watch) -> None:
    born = watch.at.date().replace(year=watch.at.year - 16, day=1, month=6)
    watch.at = watch.at.replace(month=5, day=31)
    assert desk.ask("PATCH", PROFILE, {"dateOfBirth": born.isoformat()}).json["code"] == "date_of_birth_refused"

    watch.later(days=1)
    assert desk.ask("PATCH", PROFILE, {"dateOfBirth": born.isoformat()}).status == 200


@pytest.mark.parametrize("phone", ["020 7946 0018", "+44 1", "+999 123456789", "not a number", "+1 555"])
def test_a_phone_number_is_one_that_exists(desk: Desk, phone: str) -> None:
    answer = desk.ask("PATCH", PROFILE, {"phone": phone})

    assert answer.status == 422
    assert phone not in answer.body


def test_others_see_a_name_and_a_picture_and_nothing_else(desk: Desk) -> None:
    desk.ask("PATCH", PROFILE, {"displayName": "Ada", "phone": "+442079460018"})

    author = read_author(TABLE.get(profile_key(desk.user)))
    assert (author.display_name, author.avatar) == ("Ada", "")
    assert read_author(None).display_name == SOMEBODY


def test_everybody_has_a_profile_of_their_own(desk: Desk) -> None:
    desk.ask("PATCH", PROFILE, {"displayName": "Ada"})

    assert "displayName" not in Desk(BOB).ask("GET", PROFILE).json
