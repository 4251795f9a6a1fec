"""What can happen to flags: staff change them, and what they decided is published."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import orjson

from declared.flags import FLAGS, Value
from flags import gateway, model, store
from flags.model import Rule, State
from market import clock, log
from market.errors import PreconditionFailed
from market.guard import flags

_TRIES = 4


def all_states() -> list[State]:
    """Every flag, changed or not, by name."""
    changed = store.states()
    return [changed.get(name) or model.declared(name) for name in sorted(FLAGS)]


def state_of(name: str) -> State:
    """Raises NoSuchFlag."""
    declared = model.declared(name)
    return store.state(name) or declared


def change(present: State, *, enabled: bool, value: Value | None, rules: tuple[Rule, ...], by: str) -> State:
    """Set a flag in place of all that was said of it. Raises Unprocessable, or PreconditionFailed if it has changed.

    value: what counts where no rule fits; None for what was declared.
    """
    changed = replace(
        present,
        enabled=enabled,
        value=present.flag.value if value is None else value,
        rules=rules,
        version=present.version + 1,
        updated_by=by,
        updated_at=clock.timestamp(),
    )
    model.require_sound(changed)
    store.save(changed)
    return changed


def kill(name: str, *, by: str) -> State:
    """Turn a flag off for everybody, now; what it was set to stays, for when it is turned on again.

    Raises NoSuchFlag, or PreconditionFailed if others keep changing it.
    """
    for attempt in range(_TRIES):
        present = state_of(name)
        if not present.enabled:
            return present
        try:
            return change(present, enabled=False, value=present.value, rules=present.rules, by=by)
        except PreconditionFailed:
            if attempt == _TRIES - 1:
                raise
    raise AssertionError


def public(context: Mapping[str, Any]) -> dict[str, Value]:
    """What clients are told: each public flag as it is for this context."""
    return {name: flags.value(name, context) for name, flag in sorted(FLAGS.items()) if flag.public}


def publish() -> None:
    """Bring AppConfig what the table says. May be called twice, late or at once with others; raises NotYet.

    The table is read after AppConfig, and AppConfig refuses what does not follow what was read of it: a publication
    composed earlier cannot come after one that was composed later. What a crash leaves undone, the next call does.
    """
    last, kept = gateway.latest_deployment(), gateway.versions()
    text = _composed()
    newest = kept[-1] if kept else 0
    if not newest or gateway.content(newest) != text:
        newest = gateway.create(text, after=newest)
    if last.version != newest:
        gateway.deploy(newest, after=last.number)
        log.info("flags published", version=newest)
    gateway.prune(kept)


def _composed() -> bytes:
    """The configuration as bytes, always the same for the same flags. Raises SchemaValidationError."""
    from aws_lambda_powertools.utilities.feature_flags import SchemaValidator

    document = model.document(store.states().values())
    if document:
        SchemaValidator(document).validate()
    return orjson.dumps(document)
