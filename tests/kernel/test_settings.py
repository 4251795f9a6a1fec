"""Settings: declared once, checked at the start, and some of them changed without a deployment."""

import ast
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Barrier, Thread
from typing import Any

import pytest

from declared.settings import NOT_HERE, SETTINGS
from infra.config import STAGES
from infra.machines import discover_machines
from local.answers import AwsError, serve
from market import clock, config
from market.guard import settings
from tools import settings as tool

pytestmark = pytest.mark.contract("24.2")
ROOT = Path(__file__).resolve().parents[2]
PATH = "/market/dev/settings"
ANNEX = """
JWT_PUBLIC_KEY RATE_LIMIT ALLOWED_ORIGINS JWT_PRIVATE_KEY REFRESH_TTL PASSWORD_POLICY MONGO_URI IMAGE_BUCKET
MAX_IMAGES_PER_PRODUCT DB_URI RESERVATION_TTL_MINUTES REDIS_URL CART_TTL_DAYS DB_URL ORDER_NO_PREFIX STRIPE_KEY
SSLCOMMERZ_STORE_ID WEBHOOK_SECRET CARRIER_KEYS_JSON DEFAULT_ORIGIN SENDGRID_KEY MAILGUN_KEY SMS_PROVIDER_KEY
MODEL_REGISTRY_URL FEATURE_STORE_URL ELASTIC_URL RELEVANCE_WEIGHTS_JSON
"""


def names_in(path: Path) -> set[str]:
    """The keys of all dictionaries of a module that are written like settings."""
    tree = ast.parse(path.read_text())
    keys = [key for node in ast.walk(tree) if isinstance(node, ast.Dict) for key in node.keys]
    texts = {key.value for key in keys if isinstance(key, ast.Constant) and isinstance(key.value, str)}
    return {text for text in texts if text.isupper()}


def test_every_setting_that_code_reads_is_declared_and_every_declared_one_is_read() -> None:
    assert set(tool.readers()) == set(SETTINGS)


def test_every_setting_that_is_deployed_is_declared() -> None:
    set_there = names_in(ROOT / "infra/constructs/environment.py")
    set_there |= {name for stage in STAGES.values() for name in stage.payment_bases}
    set_there |= {machine.setting for machine in discover_machines().values()}

    assert set_there <= set(SETTINGS)
    assert len(set_there) > 30


def test_every_setting_of_one_machine_is_declared() -> None:
    ours = {name for name in names_in(ROOT / "local/marketplace.py") if not name.startswith("AWS_")}

    assert ours <= set(SETTINGS)


def test_every_setting_is_documented_and_its_default_may_stand() -> None:
    for name, setting in SETTINGS.items():
        assert setting.name == name
        assert setting.about.endswith(".")
        assert not setting.default or setting.fits(setting.default), name
        assert setting.source == "environment" or setting.default, "where nobody changed it, something counts"


def test_every_key_of_the_annex_has_something_that_stands_for_it() -> None:
    stand_ins = {key for setting in SETTINGS.values() for key in setting.stands_for.split(", ")}

    assert set(ANNEX.split()) == (stand_ins | set(NOT_HERE)) - {""}
    assert not stand_ins & set(NOT_HERE)


def test_the_page_is_up_to_date() -> None:
    assert tool.PAGE.read_text() == tool.page()


def test_what_the_tool_reads_in_code_is_found_however_it_is_written(tmp_path: Path) -> None:
    (tmp_path / "functions/lamps").mkdir(parents=True)
    (tmp_path / "functions/lamps/manifest.py").touch()
    code = 'a = config.setting("ONE"), f"{config.number(\'TWO\')}", settings.text("THREE"), os.environ.get("FOUR")'
    (tmp_path / "functions/lamps/store.py").write_text(code + '\nb = items.get("FIVE"), store.number("six")\n')

    assert dict(tool.readers(tmp_path)) == {name: {"lamps"} for name in ("ONE", "TWO", "THREE", "FOUR")}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("HOLD_MINUTES", "0"),
        ("HOLD_MINUTES", "fifteen"),
        ("HOLD_MINUTES", "-1"),
        ("HOLD_MINUTES", "15.5"),
        ("HOLD_MINUTES", "1441"),
        ("HOLD_MINUTES", "٣"),
        ("CART_TTL_DAYS", "1e3"),
        ("LOG_LEVEL", "verbose"),
        ("SENDER", "orders"),
        ("SENDER", "@example.com"),
        ("STORE_URL", "example.com"),
        ("STORE_URL", "https://example.com/ x"),
        ("STRIPE_API_BASE", "javascript:alert(1)"),
        ("CHECKOUT_ARN", "checkout"),
        ("PAYMENT_METHODS", "sandbox,magic"),
        ("PAYMENT_METHODS", " , "),
        ("TABLE_NAME", "my table"),
        ("WEBHOOK_LOOPBACK", "yes"),
        ("SETTINGS_PATH", "market/dev"),
        ("SETTINGS_PATH", "/market/dev/"),
    ],
)
def test_a_value_that_cannot_be_right_is_named_at_the_first_look_at_any(
    environment: pytest.MonkeyPatch, name: str, value: str
) -> None:
    environment.setenv(name, value)
    config.forget()

    with pytest.raises(config.BadSettings, match=f"^{name}$"):
        config.setting("STAGE")
    environment.delenv(name)
    assert config.setting("STAGE") == "dev"


def test_all_wrong_values_are_named_together_and_none_is_told(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("HOLD_MINUTES", "swordfish")
    environment.setenv("SENDER", "swordfish")
    config.forget()

    with pytest.raises(config.BadSettings) as refused:
        config.number("CART_TTL_DAYS")
    assert str(refused.value) == "HOLD_MINUTES, SENDER"


@pytest.mark.usefixtures("environment")
def test_a_setting_without_a_default_must_be_given() -> None:
    with pytest.raises(config.MissingSetting, match=r"^REFUND_ARN$"):
        config.setting("REFUND_ARN")
    assert config.setting("CAPTCHA_URL") == ""


class Store:
    """A Parameter Store and a clock that a test moves."""

    def __init__(self, environment: pytest.MonkeyPatch) -> None:
        self.values: dict[str, str] = {}
        self.calls = 0
        self.away = False
        self._now = datetime(2026, 3, 1, 12, tzinfo=UTC)
        environment.setattr(clock, "_source", lambda: self._now)
        environment.setenv("SETTINGS_PATH", PATH)
        environment.setenv("RATE_LIMIT", "100")
        config.forget()
        serve(config.session().events, "ssm", {"GetParameters": self._get})

    def _get(self, asked: dict[str, Any]) -> dict[str, Any]:
        self.calls += 1
        if self.away:
            raise AwsError("InternalServerError", "away", 500)
        assert all(name.startswith(f"{PATH}/") for name in asked["Names"])
        assert len(asked["Names"]) <= 10, "Parameter Store takes no more at once"
        named = {name.rpartition("/")[2]: name for name in asked["Names"]}
        found = [{"Name": named[name], "Value": value} for name, value in self.values.items() if name in named]
        return {"Parameters": found, "InvalidParameters": []}

    def wait(self, seconds: float) -> None:
        self._now += timedelta(seconds=seconds)


@pytest.fixture
def store(environment: pytest.MonkeyPatch) -> Iterator[Store]:
    yield Store(environment)
    config.forget()


def logged(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines() if line.startswith("{")]
    return [line for line in lines if line["level"] == "ERROR"]


def test_an_operator_changes_a_setting_and_it_counts_within_five_minutes(store: Store) -> None:
    assert settings.number("RATE_LIMIT") == 100
    store.values["RATE_LIMIT"] = "50"
    store.wait(299)
    assert settings.number("RATE_LIMIT") == 100
    store.wait(1)
    assert settings.number("RATE_LIMIT") == 50
    del store.values["RATE_LIMIT"]
    store.wait(300)
    assert settings.number("RATE_LIMIT") == 100
    assert store.calls == 3


def test_all_settings_that_change_are_read_with_one_call(store: Store) -> None:
    store.values |= {"RATE_LIMIT": "50", "PAYMENT_METHODS": "cod", "TABLE_NAME": "mallory"}

    assert (settings.number("RATE_LIMIT"), settings.text("PAYMENT_METHODS")) == (50, "cod")
    assert store.calls == 1
    with pytest.raises(AssertionError, match="not declared to change"):
        settings.text("TABLE_NAME")


@pytest.mark.parametrize("value", ["", "many", "-5", "10001", "0x10", "50 "])
def test_a_value_that_cannot_be_right_does_not_count(
    store: Store, capsys: pytest.CaptureFixture[str], value: str
) -> None:
    store.values |= {"RATE_LIMIT": value, "PAYMENT_METHODS": "cod"}

    assert (settings.number("RATE_LIMIT"), settings.text("PAYMENT_METHODS")) == (100, "cod")
    (line,) = logged(capsys)
    assert line["settings"] == ["RATE_LIMIT"]
    assert "many" not in json.dumps(line)


def test_without_an_answer_the_last_one_counts_and_one_line_says_so(
    store: Store, capsys: pytest.CaptureFixture[str]
) -> None:
    store.away = True
    assert [settings.number("RATE_LIMIT") for _ in range(20)] == [100] * 20
    assert store.calls == 1, "an outage is not made worse by asking all the time"
    store.away = False
    store.values["RATE_LIMIT"] = "50"
    store.wait(300)
    assert settings.number("RATE_LIMIT") == 50
    store.away = True
    for _ in range(3):
        store.wait(300)
        assert settings.number("RATE_LIMIT") == 50
    assert len(logged(capsys)) == 2, "once for each outage"


def test_many_threads_read_once(store: Store) -> None:
    store.values["RATE_LIMIT"] = "50"
    start, found = Barrier(16), list[int]()

    def ask() -> None:
        start.wait()
        found.append(settings.number("RATE_LIMIT"))

    threads = [Thread(target=ask) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert (found, store.calls) == ([50] * 16, 1)


def test_a_function_that_was_not_told_where_asks_nobody(environment: pytest.MonkeyPatch) -> None:
    environment.delenv("SETTINGS_PATH", raising=False)
    environment.setenv("RATE_LIMIT", "70")

    assert settings.number("RATE_LIMIT") == 70
