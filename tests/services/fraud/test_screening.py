"""A payment is judged by what is remembered, counted once, and remembered without naming anybody."""

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from fraud import signals
from fraud.contract import clean, judged, lookups
from market import clock, config
from market.money import Money
from market.table import Table
from tests.services.fraud.screens import BLOCKED_BIN, RISKY_BIN, screen, send, stored, table
from tests.services.outbox import announced

pytestmark = [pytest.mark.contract("12.8"), pytest.mark.usefixtures("database")]
PUBLIC_IP, MAIL = "81.2.69.142", "ada@lovelace.example"


def reasons(**facts: object) -> set[str]:
    return {reason.rule for reason in screen(**facts).reasons}  # type: ignore[arg-type]


def later(minutes: float) -> timedelta:
    return timedelta(minutes=minutes)


def test_an_ordinary_payment_passes_and_nothing_is_announced() -> None:
    screening = screen(card="c1", bin="45717360", card_country="GB", address_country="GB", ip=PUBLIC_IP, email=MAIL)
    assert (screening.status, screening.verdict, screening.admitted) == ("passed", "pass", True)
    assert {reason.rule for reason in screening.reasons} == {"new_account"}
    assert screening.score == 1_000
    assert announced() == []


def test_a_risky_card_waits_for_a_person_and_that_is_announced() -> None:
    screening = screen(card="c1", bin=RISKY_BIN)
    assert (screening.status, screening.verdict, screening.admitted) == ("open", "review", False)
    assert screening.score == 7_300
    (event,) = announced()
    assert (event["type"], event["data"]) == (
        "fraud.review_needed",
        {"order_id": screening.order_id, "order_no": screening.order_no, "customer_id": "ada", "score": 7_300},
    )


def test_a_blocked_card_is_refused() -> None:
    screening = screen(card="c1", bin=BLOCKED_BIN)
    assert (screening.status, screening.verdict, screening.score, screening.admitted) == (
        "blocked",
        "block",
        10_000,
        False,
    )


def test_asking_again_gives_the_first_answer_and_counts_nothing() -> None:
    first = screen(card="c1", bin=RISKY_BIN, ip=PUBLIC_IP, email=MAIL)
    before = stored("FRD#")
    assert screen(first.order_id, card="c1", bin=RISKY_BIN, ip=PUBLIC_IP, email=MAIL).score == first.score
    assert screen(first.order_id, card="another", bin="", amount=None).status == "open"
    assert stored("FRD#") == before
    assert len(announced()) == 1


def test_of_many_at_once_one_judges_and_counts() -> None:
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda _: screen("ord_0000000000000001", card="c1", ip=PUBLIC_IP), range(8)))
    assert len({(screening.score, screening.screened_at) for screening in found}) == 1
    assert all(len(signals.read_uses(seen)) == 1 for seen in seen_items())


def test_orders_that_share_a_card_at_once_are_all_counted() -> None:
    with ThreadPoolExecutor(6) as pool:
        list(pool.map(lambda number: screen(f"ord_000000000000000{number}", card="c1"), range(6)))
    assert "card_velocity" in reasons(card="c1")


def seen_items() -> list[dict[str, object]]:
    keys = signals.subjects(clean(order_id="o", account="ada", card="c1", ip=PUBLIC_IP), config.key("fraud"))
    return list(table.batch_get(keys.values()).values())  # type: ignore[arg-type]


def test_the_sixth_payment_with_a_card_within_the_hour_is_a_reason_and_an_hour_later_none() -> None:
    start = clock.now()
    for minute in range(5):
        with clock.running_on(lambda minute=minute: start + later(minute)):  # type: ignore[misc]
            assert "card_velocity" not in reasons(card="c1")
    with clock.running_on(lambda: start + later(59)):
        assert "card_velocity" in reasons(card="c1")
    with clock.running_on(lambda: start + later(120)):
        assert "card_velocity" not in reasons(card="c1")


def test_a_window_reaches_over_midnight_and_days_that_have_passed_are_dropped() -> None:
    start = clock.now().replace(hour=23, minute=58)
    for account in ("ada", "bob", "cyd"):
        with clock.running_on(lambda: start):
            screen(card="c1", account=account)
    with clock.running_on(lambda: start + timedelta(days=6)):
        assert "shared_card" in reasons(card="c1")
    with clock.running_on(lambda: start + timedelta(days=8)):
        assert "shared_card" not in reasons(card="c1")
        days = [name for item in seen_items() for name in item if name[0] == "d" and name[1:].isdigit()]
        assert len(days) == 4, "two of the account, two of the card"


def test_a_card_on_a_third_account_with_another_hurry_is_held_back() -> None:
    for number in range(5):
        screen(card="c1", account=f"a{number % 3}")
    held = screen(card="c1", account="a3")
    assert {"shared_card", "card_velocity"} <= {reason.rule for reason in held.reasons}
    assert held.status == "open"


def test_many_accounts_behind_one_address_are_a_reason() -> None:
    for number in range(8):
        assert "shared_ip" not in reasons(account=f"a{number}", ip=PUBLIC_IP)
    assert "shared_ip" in reasons(account="a8", ip=PUBLIC_IP)


def test_everybodys_mail_domain_is_not_counted_and_a_rare_one_is() -> None:
    screen(email="ada@gmail.com", account="")
    assert stored("FRD#seen#") == []
    screen(email=MAIL, account="")
    assert len(stored("FRD#seen#")) == 1


def test_a_subject_that_is_seen_all_day_stops_growing() -> None:
    start = clock.now().replace(hour=12)
    with clock.running_on(lambda: start):
        for _ in range(40):
            screen(account="", email=MAIL)
    (item,) = table.batch_get(signals.subjects(clean(order_id="o", email=MAIL), config.key("fraud")).values()).values()
    assert len(signals.read_uses(item)) == signals.COUNTED_A_DAY
    assert len(json.dumps(item, default=sorted)) < 2_500


def test_a_throw_away_mailbox_is_a_reason_under_any_subdomain() -> None:
    assert "disposable_mail" in reasons(email="x@mailinator.com")
    assert "disposable_mail" in reasons(email="x@inbox.team.mailinator.com")
    assert "disposable_mail" not in reasons(email="x@notmailinator.com")


def test_nothing_stored_names_a_person_a_card_or_an_address() -> None:
    screen(
        account="ada", card="fp_secret_1", bin=RISKY_BIN, ip=PUBLIC_IP, email="lovelace@example.org", ip_country="FR"
    )
    whole = json.dumps(stored("FRD#"))
    for secret in ("fp_secret_1", PUBLIC_IP, "lovelace"):
        assert secret not in whole
    keys = json.dumps([item["pk"] for item in stored("FRD#")])
    assert "ada" not in keys
    assert RISKY_BIN not in keys


def test_what_expires_is_kept_long_enough() -> None:
    screen(card="c1", ip=PUBLIC_IP)
    kept = {item["pk"]["S"]: int(item["expires_at"]["N"]) - clock.epoch() for item in stored("FRD#")}
    assert len(kept) == 4
    assert min(kept.values()) > 29 * 86_400
    assert sum(1 for seconds in kept.values() if seconds > 399 * 86_400) == 2, "the record and the account's history"


def test_the_happy_path_reads_once_and_writes_a_few_small_items() -> None:
    facts = clean(
        order_id="ord_0000000000000001", order_no="MK-1", account="ada", amount=Money(5_000, "EUR"), card="c1",
        bin="45717360", card_country="GB", address_country="GB", ip=PUBLIC_IP, ip_country="GB", email=MAIL,
    )  # fmt: skip
    key = config.key("fraud")
    assert len(lookups(facts, key)) <= 14
    verdict = judged(facts, key, {})
    assert (len(verdict.fenced), len(verdict.counts)) == (1, 4)
    for write in (*verdict.fenced, *verdict.counts):
        table.write(write)
    for item in stored("FRD#"):
        size = sum(len(name) + len(str(next(iter(value.values())))) for name, value in item.items())
        assert size < 1_024, "one write unit each"


def test_where_rules_are_not_enforced_the_verdict_is_noted_and_all_may_pass() -> None:
    body = send("GET", "/rules").json
    for name in ("version", "updatedBy", "updatedAt"):
        body.pop(name, None)
    assert send("PUT", "/rules", body | {"enforced": False}).status == 200
    screening = screen(card="c1", bin=BLOCKED_BIN)
    assert (screening.status, screening.verdict, screening.admitted) == ("passed", "block", True)
    assert screening.rules_version == 1


def test_the_table_of_payments_may_touch_what_the_screen_needs() -> None:
    from payments.manifest import MANIFEST

    assert "fraud" in MANIFEST.uses
    assert isinstance(table, Table)
