"""A flag as operators have set it, and how that is written for Powertools' rule engine. Pure.

The first rule that fits decides; where none does, the flag's `value` counts. A flag that is not `enabled` is off for
everybody, whatever its rules say: false, or, where it is no boolean, as it was declared.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson

from declared.flags import FLAGS, Flag, Value
from market.errors import NotFound, Unprocessable

MAX_FEATURE = 32 * 1024
"""Bytes of one flag in the configuration: all flags together stay within AppConfig's megabyte."""

SUBJECTS = {"user": "user", "role": "roles", "vendor": "vendor", "country": "country", "product": "product"}
"""What a rule may ask for, and the name of it in the context of an evaluation."""

_CONDITION = {
    "type": "object",
    "required": ["action", "key", "value"],
    "properties": {"action": {"type": "string"}, "key": {"type": "string", "minLength": 1}, "value": {}},
    "additionalProperties": False,
}
_RULE = {
    "type": "object",
    "required": ["when_match", "conditions"],
    "properties": {"when_match": {}, "conditions": {"type": "array", "minItems": 1, "items": _CONDITION}},
    "additionalProperties": False,
}
_FEATURE = {
    "type": "object",
    "required": ["default"],
    "properties": {
        "default": {"not": {"type": "null"}},
        "boolean_type": {"type": "boolean"},
        "version": {"type": "integer", "minimum": 1},
        "rules": {"type": "object", "minProperties": 1, "additionalProperties": _RULE},
    },
    "additionalProperties": False,
}
SCHEMA: dict[str, Any] = {
    "$schema": "http://json-schema.org/draft-04/schema#",
    "type": "object",
    "patternProperties": {"^[a-z][a-z0-9-]{0,62}$": _FEATURE},
    "additionalProperties": False,
}
"""What AppConfig itself lets through. It names no flag, so that it outlives every one of them."""


class NoSuchFlag(NotFound):
    """Nobody declared a flag of this name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """`value` for those who are one of those named for every subject in `when`, and among the first `percentage`."""

    when: Mapping[str, tuple[str, ...]]
    percentage: int | None
    value: Value


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """How a flag stands; version 0 is as it was declared."""

    name: str
    enabled: bool
    value: Value
    rules: tuple[Rule, ...] = field(default=())
    version: int = 0
    updated_by: str = ""
    updated_at: str = ""

    @property
    def flag(self) -> Flag:
        return FLAGS[self.name]


def declared(name: str) -> State:
    """The flag while nobody has changed it. Raises NoSuchFlag."""
    if name not in FLAGS:
        raise NoSuchFlag("There is no such flag.")
    return State(name=name, enabled=True, value=FLAGS[name].value)


def require_sound(state: State) -> None:
    """Raises Unprocessable if a value is none of the flag's, a rule asks for nothing, or it is all too much."""
    given = {"body.value": state.value} | {f"body.rules.{n}.value": rule.value for n, rule in enumerate(state.rules)}
    wrong = [_error(where, "value_not_allowed") for where, value in given.items() if not state.flag.fits(value)]
    for number, rule in enumerate(state.rules):
        if not rule.when and rule.percentage is None:
            wrong.append(_error(f"body.rules.{number}.when", "condition_required"))
    if not wrong and len(orjson.dumps(feature(state))) > MAX_FEATURE:
        wrong.append(_error("body.rules", "too_long"))
    if wrong:
        raise Unprocessable("The flag cannot be set like this.", errors=wrong)


def _error(where: str, code: str) -> dict[str, str]:
    texts = {
        "value_not_allowed": "The flag cannot have this value.",
        "condition_required": "Say for whom the rule is, or leave it to the flag's value.",
        "too_long": "These rules are too long.",
    }
    return {"field": where, "code": code, "message": texts[code]}


def document(states: Iterable[State]) -> dict[str, Any]:
    """The configuration for Powertools: the flags that were changed. The others are as the code declares them."""
    return {state.name: feature(state) for state in sorted(states, key=lambda one: one.name) if state.version}


def feature(state: State) -> dict[str, Any]:
    """One flag of the configuration."""
    boolean = state.flag.kind == "boolean"
    off = False if boolean else state.flag.value
    made: dict[str, Any] = {"default": state.value if state.enabled else off}
    made |= {} if boolean else {"boolean_type": False}
    made |= {"version": state.version} if state.version else {}
    rules = {f"{number:02}": _engine_rule(rule) for number, rule in enumerate(state.rules, 1)}
    return made | ({"rules": rules} if rules and state.enabled else {})


def _engine_rule(rule: Rule) -> dict[str, Any]:
    conditions: list[dict[str, Any]] = [
        {"action": "ANY_IN_VALUE" if subject == "role" else "KEY_IN_VALUE", "key": SUBJECTS[subject], "value": [*named]}
        for subject, named in sorted(rule.when.items())
    ]
    if rule.percentage is not None:
        conditions.append({"action": "KEY_LESS_THAN_VALUE", "key": "bucket", "value": rule.percentage})
    return {"when_match": rule.value, "conditions": conditions}
