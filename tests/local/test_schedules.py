"""When schedules fire."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from local.runtime import Runtime
from local.schedules import BadSchedule, next_time
from local.templates import Schedule, Target, Templates
from tests.local.runtime_parts import function

FRIDAY = datetime(2026, 11, 20, 23, 30, tzinfo=UTC).timestamp()


@pytest.mark.parametrize(
    ("expression", "zone", "expected"),
    [
        ("rate(5 minutes)", "UTC", "2026-11-20T23:35:00+00:00"),
        ("rate(1 hour)", "UTC", "2026-11-21T00:30:00+00:00"),
        ("cron(0 3 * * ? *)", "UTC", "2026-11-21T03:00:00+00:00"),
        ("cron(0/15 * * * ? *)", "UTC", "2026-11-20T23:45:00+00:00"),
        ("cron(0 9 ? * MON-FRI *)", "UTC", "2026-11-23T09:00:00+00:00"),
        ("cron(0 0 1 1 ? 2028)", "UTC", "2028-01-01T00:00:00+00:00"),
        ("cron(0 3 * * ? *)", "Europe/Berlin", "2026-11-21T02:00:00+00:00"),
        ("at(2026-12-01T10:00:00)", "UTC", "2026-12-01T10:00:00+00:00"),
    ],
)
def test_the_next_time_of_an_expression(expression, zone, expected):
    assert datetime.fromtimestamp(next_time(expression, FRIDAY, zone), UTC).isoformat() == expected


def test_a_moment_that_has_passed_never_comes():
    assert next_time("at(2026-01-01T00:00:00)", FRIDAY) is None


@pytest.mark.parametrize("expression", ["every day", "rate(5 fortnights)", "cron(0 3 * *)", "cron(61 3 * * ? *)"])
def test_a_wrong_expression_is_refused(expression):
    with pytest.raises(BadSchedule):
        next_time(expression, FRIDAY)


def test_a_schedule_fires_each_time_and_once_for_all_the_times_it_was_missed(tmp_path):
    schedule = Schedule(
        name="expire",
        expression="rate(5 minutes)",
        target=Target(kind="function", name="expire", input='{"limit": 10}'),
    )
    templates = Templates(functions={"expire": function("expire")}, schedules=(schedule,))
    fired: list[object] = []
    now = FRIDAY
    runtime = Runtime(templates, tmp_path / "journal", lambda _, event: fired.append(event), clock=lambda: now)
    runtime.advance(11 * 60)
    assert fired == [{"limit": 10}] * 2
    runtime.close()

    now += 24 * 3600
    again = Runtime(templates, tmp_path / "journal", lambda _, event: fired.append(event), clock=lambda: now)
    again.drain()
    assert len(fired) == 3
    again.schedules.fire("expire")
    again.drain()
    assert len(fired) == 4


def test_a_failing_target_is_tried_three_times(tmp_path):
    schedule = Schedule(name="x", expression="rate(1 day)", target=Target(kind="function", name="x"))
    calls: list[object] = []

    def fail(_: str, event: object) -> None:
        calls.append(event)
        raise RuntimeError("not now")

    templates = Templates(functions={"x": function("x")}, schedules=(replace(schedule),))
    runtime = Runtime(templates, tmp_path / "journal", fail, retry_scale=0)
    runtime.schedules.fire("x")
    runtime.drain()
    assert len(calls) == 3
