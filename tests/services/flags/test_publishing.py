"""What staff decide reaches AppConfig: once, in order, whatever crashes or comes at the same moment."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from aws_lambda_powertools.utilities.feature_flags import FeatureFlags, SchemaValidator
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jsonschema import Draft4Validator

from declared.flags import FLAGS, Flag
from flags import consumer, gateway, model, service, store
from flags.model import Rule, State
from market.guard import flags
from tests.services.flags.published import BAKE, Published
from tests.services.flags.test_staff import send
from tests.services.outbox import announced

pytestmark = pytest.mark.contract("26.5")


def hear() -> list[dict[str, Any]]:
    """Give the consumer everything that was announced, in one batch; what it could not do is answered."""
    records = [
        {"messageId": event["eventId"], "eventSourceARN": "arn:q", "body": json.dumps({"detail": event})}
        for event in announced()
    ]
    failed: list[dict[str, Any]] = consumer.handler({"Records": records})["batchItemFailures"]
    return failed


def change(name: str = "bulk-upload", **body: Any) -> None:
    assert send("PUT", f"/{name}", {"enabled": True} | body).status == 200


def test_a_change_counts_everywhere_within_two_minutes(published: Published) -> None:
    assert flags.on("bulk-upload", {"vendor": "vnd_1"})
    change(value=False, rules=[{"when": {"vendor": ["vnd_2"]}, "value": True}])
    assert hear() == []

    published.wait(60)
    assert [flags.on("bulk-upload", {"vendor": vendor}) for vendor in ("vnd_1", "vnd_2")] == [False, True]
    assert published.rules["bulk-upload"]["version"] == 1
    assert set(published.rules) == {"bulk-upload"}, "what nobody changed is as the code declares it, now and later"


def test_a_killed_flag_is_off_for_all_and_comes_back_with_its_rules(published: Published) -> None:
    ada = {"user": "ada"}
    change(value=False, rules=[{"when": {"user": ["ada"]}, "value": True}])
    send("POST", "/bulk-upload/kill")
    hear()
    published.wait(BAKE)
    assert not flags.on("bulk-upload", ada)

    change(value=False, rules=[{"when": {"user": ["ada"]}, "value": True}])
    hear()
    published.wait(BAKE)
    assert flags.on("bulk-upload", ada)


def test_killing_a_flag_that_is_no_switch_makes_it_what_was_declared(published: Published) -> None:
    change("return-window", value=90, rules=[{"when": {"vendor": ["vnd_1"]}, "value": 7}])
    send("POST", "/return-window/kill")
    hear()
    published.wait(60)
    assert flags.value("return-window", {"vendor": "vnd_1"}) == 30


def test_hearing_of_a_change_again_and_again_publishes_once(published: Published) -> None:
    change()
    for _ in range(3):
        assert hear() == []
        published.wait(BAKE)
    assert published.calls.count("CreateHostedConfigurationVersion") == 1
    assert published.calls.count("StartDeployment") == 1


def test_changes_that_are_heard_of_together_are_published_together(published: Published) -> None:
    for name in ("bulk-upload", "new-checkout", "guest-chat"):
        change(name, value=True)
    assert hear() == []
    assert published.calls.count("StartDeployment") == 1
    assert set(published.rules) == {"bulk-upload", "new-checkout", "guest-chat"}


def test_a_change_waits_until_the_one_before_was_watched_over(published: Published) -> None:
    change(value=False)
    assert hear() == []
    change(value=True)
    assert len(hear()) == 2, "both messages come again"
    published.wait(BAKE)
    assert hear() == []
    assert published.rules["bulk-upload"]["default"] is True
    assert published.calls.count("CreateHostedConfigurationVersion") == 2, "its version was there already"


@pytest.mark.parametrize("step", ["create", "deploy", "prune"])
@pytest.mark.parametrize("after", [False, True])
def test_a_crash_at_any_step_is_made_good_by_the_next_call(
    published: Published, environment: pytest.MonkeyPatch, step: str, after: bool
) -> None:
    change(value=False)
    with environment.context() as crashing:
        crashing.setattr(gateway, step, crash(getattr(gateway, step), after=after))
        assert len(hear()) == 1
    published.wait(BAKE)
    assert hear() == []
    assert published.rules["bulk-upload"]["default"] is False
    assert published.calls.count("StartDeployment") == 1


def crash(step: Callable[..., Any], *, after: bool) -> Callable[..., Any]:
    def crashing(*given: Any, **options: Any) -> Any:
        if after:
            step(*given, **options)
        raise ConnectionError("gone")

    return crashing


@pytest.mark.parametrize("moment", ["states", "create", "deploy"])
@pytest.mark.parametrize("watched", [False, True])
def test_an_older_publication_never_follows_a_younger_one(
    published: Published, environment: pytest.MonkeyPatch, moment: str, watched: bool
) -> None:
    """The slow publisher sleeps at a moment, while another one publishes a change and is done with it."""
    change(value=False)
    place: Any = store if moment == "states" else gateway
    step = getattr(place, moment)

    def slow(*given: Any, **options: Any) -> Any:
        environment.setattr(place, moment, step)
        seen = step() if moment == "states" else None
        change(value=True)
        service.publish()
        published.wait(BAKE if watched else 0)
        return seen if moment == "states" else step(*given, **options)

    environment.setattr(place, moment, slow)
    with pytest.raises(gateway.NotYet):
        service.publish()

    assert published.rules["bulk-upload"] == {"default": True, "version": 2}
    published.wait(BAKE)
    service.publish()
    assert published.rules["bulk-upload"] == {"default": True, "version": 2}


def test_versions_are_cleared_away_before_appconfig_runs_out_of_room(published: Published) -> None:
    for days in range(130):
        change("return-window", value=days)
        service.publish()
        published.wait(BAKE)
    assert published.rules["return-window"]["default"] == 129
    assert len(gateway.versions()) <= gateway.KEPT_VERSIONS + 1
    change("return-window", value=7)
    service.publish()
    assert published.rules["return-window"]["default"] == 7


def values(flag: Flag) -> st.SearchStrategy[Any]:
    match flag.kind:
        case "boolean":
            return st.booleans()
        case "number":
            return st.integers(flag.least, flag.most)
        case "choice":
            return st.sampled_from(flag.choices)
    return st.lists(st.sampled_from(flag.choices), unique=True)


IDS = {
    "user": ("ada", "bob"),
    "role": ("customer", "staff", "support"),
    "vendor": ("vnd_1", "vnd_2"),
    "country": ("DE", "GB"),
    "product": ("prd_1", "prd_2"),
}


@st.composite
def states(draw: st.DrawFn) -> State:
    flag = FLAGS[draw(st.sampled_from(["bulk-upload", "return-window", "scheduled-calls", "multi-auth-providers"]))]
    rules = []
    for _ in range(draw(st.integers(0, 4))):
        subjects = draw(st.sets(st.sampled_from(sorted(IDS))))
        when = {s: tuple(draw(st.lists(st.sampled_from(IDS[s]), min_size=1, unique=True))) for s in sorted(subjects)}
        percentage = draw(st.none() | st.integers(0, 100)) if when else draw(st.integers(0, 100))
        rules.append(Rule(when=when, percentage=percentage, value=draw(values(flag))))
    enabled, value = draw(st.booleans()), draw(values(flag))
    return State(name=flag.name, enabled=enabled, value=value, rules=tuple(rules), version=draw(st.integers(1, 9)))


CONTEXTS = st.fixed_dictionaries(
    {"roles": st.lists(st.sampled_from(IDS["role"]), unique=True)},
    optional={subject: st.sampled_from(IDS[subject]) for subject in ("user", "vendor", "country", "product")},
)


def meant(state: State, context: dict[str, Any]) -> Any:
    """What staff mean, without any engine."""
    if not state.enabled:
        return False if state.flag.kind == "boolean" else state.flag.value
    for rule in state.rules:
        has = {subject: {context[subject]} & set(named) if subject in context else set()
               for subject, named in rule.when.items() if subject != "role"}  # fmt: skip
        if "role" in rule.when:
            has["role"] = set(context["roles"]) & set(rule.when["role"])
        user = context.get("user")
        among = rule.percentage is None or (user and flags.bucket(state.name, user) < rule.percentage)
        if all(has.values()) and among:
            return rule.value
    return state.value


class _Holding:
    def __init__(self, rules: dict[str, Any]) -> None:
        self._rules = rules

    def get_configuration(self) -> dict[str, Any]:
        return self._rules


@settings(max_examples=400, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(states(), CONTEXTS)
def test_the_engine_says_what_staff_mean(state: State, context: dict[str, Any]) -> None:
    model.require_sound(state)
    document = json.loads(json.dumps(model.document([state])))
    SchemaValidator(document).validate()
    Draft4Validator(model.SCHEMA).validate(document)

    known = context | ({"bucket": flags.bucket(state.name, context["user"])} if "user" in context else {})
    engine = FeatureFlags(store=_Holding(document))  # type: ignore[arg-type]
    assert engine.evaluate(name=state.name, context=known, default=None) == meant(state, context)
