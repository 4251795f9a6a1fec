"""The firewall gets the list as it is, in whatever order it hears of changes."""

from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from abuse import schedule
from market import clock, config
from tests.services.abuse.staff import block, hear, send

pytestmark = [pytest.mark.contract("24.2"), pytest.mark.usefixtures("embedded_table")]


@pytest.fixture
def sets(environment: pytest.MonkeyPatch) -> Callable[[], dict[str, list[str]]]:
    waf, made = config.client("wafv2"), {}
    for name, version in (("market-prod-blocked-v4", "IPV4"), ("market-prod-blocked-v6", "IPV6"), ("other", "IPV4")):
        answer = waf.create_ip_set(Name=name, Scope="CLOUDFRONT", IPAddressVersion=version, Addresses=[])
        made[name] = answer["Summary"]["Id"]
    environment.setenv("FIREWALL", ",".join(f"{name}/{made[name]}" for name in sorted(made) if name != "other"))

    def read() -> dict[str, list[str]]:
        found = {}
        for name, set_id in made.items():
            answer = waf.get_ip_set(Name=name, Scope="CLOUDFRONT", Id=set_id)
            found[name.removeprefix("market-prod-")] = sorted(answer["IPSet"]["Addresses"])
        return found

    return read


def test_the_list_as_it_is_reaches_the_firewall(sets: Callable[[], dict[str, list[str]]]) -> None:
    block("203.0.113.0/24")
    block("2001:db8::/48")
    gone = block("198.51.100.7").json["id"]
    assert hear("abuse.blocks_changed", change=1, networks=1) == []
    assert sets() == {
        "blocked-v4": ["198.51.100.7/32", "203.0.113.0/24"],
        "blocked-v6": ["2001:db8::/48"],
        "other": [],
    }
    send("DELETE", f"/blocks/{gone}")
    for change in (4, 2, 2):
        assert hear("abuse.blocks_changed", change=change, networks=9) == []
    assert sets()["blocked-v4"] == ["203.0.113.0/24"]


def test_what_is_over_is_not_blocked_there(sets: Callable[[], dict[str, list[str]]]) -> None:
    with clock.running_on(lambda: datetime(2026, 5, 4, 12, tzinfo=UTC)):
        block("203.0.113.9", endsAt="2026-05-04T12:30:00Z")
    with clock.running_on(lambda: datetime(2026, 5, 4, 13, tzinfo=UTC)):
        assert schedule.handler({}) == {"ended": 1}
    assert sets()["blocked-v4"] == []


def test_without_an_edge_there_is_nobody_to_tell() -> None:
    block("203.0.113.9")
    assert hear("abuse.blocks_changed", change=1, networks=1) == []


def test_a_firewall_that_is_not_there_is_heard_of_again(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("FIREWALL", "market-prod-blocked-v4/gone")
    assert len(hear("abuse.blocks_changed", change=1, networks=1)) == 1
