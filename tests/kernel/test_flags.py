"""Feature flags: who gets what, how long it is remembered, and what counts while AppConfig is away."""

import ast
import json
import sys
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from threading import Barrier, Thread
from typing import Any

import pytest

from declared import flags as declarations
from declared.flags import FLAGS, Flag
from market.guard import flags
from market.guard.callers import Caller
from market.guard.standing import Grant, Standing
from tests.architecture.code import ROOT, Project, Service
from tests.services.flags.published import Published, publishing

pytestmark = pytest.mark.contract("26.5")

ANNEX = """
multi-auth-providers mfa-required bulk-upload ar-viewer buy-now-pay-later return-window installment-payments
vendor-subscriptions wallet-withdrawals custom-store-themes digest-mode sms-alerts bot-fallback guest-chat
screen-sharing scheduled-calls real-time-stream custom-reports custom-homepages review-moderation-queue pricing-ai
new-checkout
"""
PEOPLE = [f"usr_{number:05}" for number in range(10_000)]


@pytest.fixture
def published(environment: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Published]:
    with publishing(environment, tmp_path) as made:
        yield made


def rule(value: Any, *conditions: tuple[str, str, Any]) -> dict[str, Any]:
    made = [{"action": action, "key": key, "value": wanted} for action, key, wanted in conditions]
    return {"when_match": value, "conditions": made}


def switched(default: bool, *rules: dict[str, Any]) -> dict[str, Any]:
    return {"default": default} | ({"rules": {str(n): one for n, one in enumerate(rules)}} if rules else {})


def below(percent: int) -> tuple[str, str, int]:
    return ("KEY_LESS_THAN_VALUE", "bucket", percent)


def logged(capsys: pytest.CaptureFixture[str]) -> list[str]:
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines() if line.startswith("{")]
    return [line["event"] for line in lines if line["level"] == "ERROR"]


def test_every_flag_of_the_annex_is_declared_with_all_that_is_to_be_known_of_it() -> None:
    assert sorted(FLAGS) == sorted(ANNEX.split())
    for name, flag in FLAGS.items():
        assert flag.name == name
        assert flag.owner.isalpha()
        assert flag.about.endswith(".")
        assert flag.fits(flag.value), name
        assert not flag.ends or date.fromisoformat(flag.ends)
        assert flag.kind in ("choice", "choices") or not flag.choices


def test_what_is_declared_imports_nothing_of_ours() -> None:
    for path in Path(declarations.__file__).parent.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            names = [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            names += [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            assert all(name.partition(".")[0] in sys.stdlib_module_names for name in names), path.name


SPARED = {"identity.pre-sign-up", "identity.consumer"}
"""They share modules with functions that ask for flags, and do not."""


def reached(service: Service, module: str) -> set[str]:
    """The modules of a service that one of them imports, itself included."""
    found, waiting = {module}, [module]
    while waiting:
        for name, _ in service.modules[waiting.pop()].own():
            if name in service.modules and name not in found:
                found.add(name)
                waiting.append(name)
    return found


def test_every_function_that_asks_for_flags_may_read_them() -> None:
    asking = set()
    for service in Project(ROOT).services:
        asks = {
            name
            for name, module in service.modules.items()
            if any(found.source == "market.guard" and found.name == "flags" for found in module.imports)
        }
        for function in service.manifest.functions:
            name = f"{service.name}.{function.name}"
            if reached(service, function.handler.split(".")[1]) & asks and name not in SPARED:
                asking.add(name)
                assert "flags" in function.capabilities, f"{name} needs the capability"
    assert {"catalog.import", "flags.api", "identity.pre-token"} <= asking


@pytest.mark.parametrize("name", ["no-such-flag", "", "bulk_upload"])
def test_asking_for_an_undeclared_flag_is_a_mistake_of_the_program(name: str) -> None:
    with pytest.raises(flags.UnknownFlag):
        flags.on(name)
    with pytest.raises(flags.UnknownFlag):
        flags.value(name)


@pytest.mark.usefixtures("environment")
def test_a_flag_that_is_no_switch_is_not_asked_whether_it_is_on() -> None:
    with pytest.raises(flags.UnknownFlag):
        flags.on("return-window")


@pytest.mark.usefixtures("environment")
def test_a_function_without_flags_has_them_as_they_were_declared() -> None:
    assert flags.on("bulk-upload")
    assert not flags.on("new-checkout")
    assert flags.value("return-window") == 30
    assert flags.value("return-window", default=14) == 14
    assert flags.value("multi-auth-providers") == ["google", "github", "oidc"]


ADA = {"user": "ada", "roles": ["customer"], "country": "GB"}
VERA = {"user": "vera", "roles": ["customer", "vendor", "vendor_catalog"], "vendor": "vnd_1", "country": "DE"}
NOBODY: dict[str, Any] = {}


@pytest.mark.parametrize(
    ("conditions", "who"),
    [
        ([("KEY_IN_VALUE", "user", ["ada", "bob"])], [True, False, False]),
        ([("ANY_IN_VALUE", "roles", ["vendor_catalog", "support"])], [False, True, False]),
        ([("ANY_IN_VALUE", "roles", ["customer"])], [True, True, False]),
        ([("KEY_IN_VALUE", "vendor", ["vnd_1"])], [False, True, False]),
        ([("KEY_IN_VALUE", "country", ["GB", "IE"])], [True, False, False]),
        ([("KEY_IN_VALUE", "product", ["prd_1"])], [False, False, False]),
        ([("ANY_IN_VALUE", "roles", ["customer"]), ("KEY_IN_VALUE", "country", ["DE"])], [False, True, False]),
        ([below(100)], [True, True, False]),
        ([below(0)], [False, False, False]),
    ],
)
@pytest.mark.parametrize("given", [True, False])
def test_a_rule_is_for_those_whom_it_names(
    published: Published, conditions: list[tuple[str, str, Any]], who: list[bool], given: bool
) -> None:
    published.says({"bulk-upload": switched(not given, rule(given, *conditions))})

    found = [flags.on("bulk-upload", context) for context in (ADA, VERA, NOBODY)]

    assert found == [given if fits else not given for fits in who]


def test_the_first_rule_that_fits_decides(published: Published) -> None:
    vendor, country = ("KEY_IN_VALUE", "vendor", ["vnd_1"]), ("KEY_IN_VALUE", "country", ["DE", "GB"])
    rules = {"1": rule(60, vendor), "2": rule(14, country)}
    published.says({"return-window": {"default": 30, "boolean_type": False, "rules": rules}})

    assert [flags.value("return-window", who) for who in (ADA, VERA, NOBODY)] == [14, 60, 30]


@pytest.mark.parametrize("name", ["new-checkout", "pricing-ai", "guest-chat"])
@pytest.mark.parametrize("percent", [1, 10, 25, 50, 90])
def test_a_percentage_is_that_share_of_all_users(published: Published, name: str, percent: int) -> None:
    published.says({name: switched(False, rule(True, below(percent)))})

    share = sum(flags.on(name, {"user": person}) for person in PEOPLE) / len(PEOPLE)

    assert share == pytest.approx(percent / 100, abs=0.02)


def test_who_is_in_stays_in_while_the_percentage_grows(published: Published) -> None:
    before: set[str] = set()
    for percent in (0, 5, 20, 50, 100):
        published.says({"new-checkout": switched(False, rule(True, below(percent)))})
        now = {person for person in PEOPLE if flags.on("new-checkout", {"user": person})}
        assert before <= now
        before = now
    assert len(before) == len(PEOPLE)


def test_being_among_the_first_for_one_flag_says_nothing_of_another() -> None:
    first, second = ({p for p in PEOPLE if flags.bucket(name, p) < 20} for name in ("new-checkout", "pricing-ai"))

    assert len(first & second) / len(PEOPLE) == pytest.approx(0.04, abs=0.01)


def test_buckets_are_the_same_in_every_process_and_release() -> None:
    assert [flags.bucket("new-checkout", who) for who in ("ada", "alan", "grace")] == [81, 95, 62]


def test_a_caller_is_known_by_what_they_are_on_the_platform_and_in_the_vendor_asked_about() -> None:
    grants = {"platform": Grant(frozenset({"support"})), "vnd_1": Grant(frozenset({"vendor_admin"}))}
    caller = Caller("grace", frozenset({"customer", "staff"}), Standing(grants=grants))

    assert flags.about(caller)["roles"] == ["customer", "staff", "support"]
    assert flags.about(caller, vendor="vnd_1", country="GB", product="prd_1") == {
        "user": "grace",
        "roles": ["customer", "staff", "support", "vendor_admin"],
        "vendor": "vnd_1",
        "country": "GB",
        "product": "prd_1",
    }
    assert flags.about(Caller()) == {"roles": []}


def test_appconfig_is_asked_once_a_minute_however_often_flags_are(published: Published) -> None:
    for _ in range(59):
        for name in FLAGS:
            flags.value(name, ADA)
        published.wait(1)
    assert published.calls == ["StartConfigurationSession", "GetLatestConfiguration"]

    published.wait(1)
    assert flags.on("bulk-upload")
    assert published.calls.count("GetLatestConfiguration") == 2


def test_a_change_counts_after_a_minute(published: Published) -> None:
    assert flags.on("bulk-upload")
    published.says({"bulk-upload": switched(False)})
    assert not flags.on("bulk-upload")
    published.says({})
    assert flags.on("bulk-upload"), "what is no longer said is as declared"


def test_while_nothing_can_be_read_flags_are_as_declared_and_one_line_says_so(
    published: Published, capsys: pytest.CaptureFixture[str]
) -> None:
    published.away = True
    for _ in range(3):
        assert [flags.on("bulk-upload", ADA) for _ in range(50)] == [True] * 50
        assert flags.value("return-window", default=14) == 14
        published.wait(61)

    assert logged(capsys) == ["flags cannot be read"]
    assert len(published.calls) <= 2 * 3, "an outage is not made worse by asking all the time"


def test_what_was_read_last_outlives_an_outage(published: Published, capsys: pytest.CaptureFixture[str]) -> None:
    published.says({"bulk-upload": switched(False)})
    assert not flags.on("bulk-upload")

    published.away = True
    for _ in range(3):
        published.wait(61)
        assert not flags.on("bulk-upload")
    published.away = False
    published.says({"bulk-upload": switched(True)})
    assert flags.on("bulk-upload"), "a new conversation is begun, and brings everything"

    published.away = True
    published.wait(61)
    flags.on("bulk-upload")
    assert logged(capsys) == ["flags cannot be read"] * 2, "once for each outage"


@pytest.mark.parametrize(
    "broken",
    [
        b"[1, 2]",
        b'"rules"',
        b'{"bulk-upload": {"default": "yes"}}',
        b'{"bulk-upload": {"default": true, "rules": {"1": {"when_match": true, "conditions": []}}}}',
        b'{"bulk-upload": {"default": true, "rules": {"1": {"when_match": 1, "conditions": [{}]}}}}',
    ],
)
def test_rules_that_make_no_sense_leave_the_last_good_ones(
    published: Published, environment: pytest.MonkeyPatch, broken: bytes
) -> None:
    environment.setattr("local.appconfig._fault", lambda _: "")  # AppConfig's own validators let it through
    published.says({"bulk-upload": switched(False)})
    assert not flags.on("bulk-upload")
    published.says(broken)
    assert not flags.on("bulk-upload")
    published.says({"bulk-upload": switched(True)})
    assert flags.on("bulk-upload")


@pytest.mark.parametrize("value", [-1, 366, "30", 30.5, True, [], {"days": 30}])
def test_a_value_that_the_flag_cannot_have_is_not_handed_out(
    published: Published, capsys: pytest.CaptureFixture[str], value: Any
) -> None:
    published.says({"return-window": {"default": value, "boolean_type": False}})

    assert [flags.value("return-window") for _ in range(3)] == [30, 30, 30]
    assert len(logged(capsys)) == 1


def test_many_threads_read_once(published: Published) -> None:
    published.says({"bulk-upload": switched(False)})
    start, found = Barrier(16), list[bool]()

    def ask() -> None:
        start.wait()
        found.append(flags.on("bulk-upload", ADA))

    threads = [Thread(target=ask) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert found == [False] * 16, "nobody goes on with the declared ones while the first answer is on its way"
    assert published.calls == ["StartConfigurationSession", "GetLatestConfiguration"]


@pytest.mark.parametrize(
    ("flag", "fitting", "wrong"),
    [
        (FLAGS["bulk-upload"], [True, False], [1, 0, "true", None, [True]]),
        (FLAGS["return-window"], [0, 30, 365], [-1, 366, True, 1.0, "7"]),
        (FLAGS["scheduled-calls"], ["off", "instant"], ["later", "", True, ["off"]]),
        (FLAGS["multi-auth-providers"], [[], ["oidc"], ["github", "google"]], [["myspace"], ["oidc"] * 2, "oidc", [1]]),
    ],
)
def test_a_flag_has_values_of_its_kind_only(flag: Flag, fitting: list[Any], wrong: list[Any]) -> None:
    assert all(flag.fits(value) for value in fitting)
    assert not any(flag.fits(value) for value in wrong)
