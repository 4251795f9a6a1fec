"""Items of the flags service: a flag that was changed is `FLG#<name>`, and each of its changes `FLG#history#<name>`."""

from declared.flags import FLAGS
from flags.events import FlagChanged
from flags.manifest import MANIFEST
from flags.model import Rule, State
from market.errors import PreconditionFailed
from market.events import announce
from market.table import NEW, Item, Key, Table, put

_table = Table(MANIFEST)


def states() -> dict[str, State]:
    """The flags that were changed, by name, as they are now."""
    names = {flag_key(name): name for name in FLAGS}
    found = _table.batch_get(names, consistent=True)
    return {names[key]: _read(names[key], item) for key, item in found.items()}


def state(name: str) -> State | None:
    item = _table.get(flag_key(name), consistent=True)
    return _read(name, item) if item else None


def flag_key(name: str) -> Key:
    return Key(f"FLG#{name}")


def save(state: State) -> None:
    """Keep a change made from the version before, and announce it. Raises PreconditionFailed if there was another."""
    stale = PreconditionFailed("The flag has changed since you read it.")
    seen = state.version - 1
    _table.transact(
        put(
            flag_key(state.name),
            _stored(state),
            when="version = :seen" if seen else NEW,
            values={":seen": seen} if seen else None,
            otherwise=stale,
        ),
        put(Key(f"FLG#history#{state.name}", f"{state.version:010}"), _stored(state), when=NEW, otherwise=stale),
        announce(FlagChanged(name=state.name, revision=state.version), by=MANIFEST),
    )


def history(name: str, *, limit: int, cursor: str | None) -> tuple[list[State], str | None]:
    """How a flag was set, the newest change first."""
    page = _table.query(f"FLG#history#{name}", newest_first=True, limit=limit, cursor=cursor)
    return [_read(name, item) for item in page.items], page.next


def _stored(state: State) -> Item:
    rules = [
        {"when": {subject: list(named) for subject, named in rule.when.items()}, "value": rule.value}
        | ({} if rule.percentage is None else {"percentage": rule.percentage})
        for rule in state.rules
    ]
    return {
        "enabled": state.enabled,
        "value": state.value,
        "rules": rules,
        "version": state.version,
        "updated_by": state.updated_by,
        "updated_at": state.updated_at,
    }


def _read(name: str, item: Item) -> State:
    rules = (
        Rule(
            when={subject: tuple(named) for subject, named in rule["when"].items()},
            percentage=rule.get("percentage"),
            value=rule["value"],
        )
        for rule in item["rules"]
    )
    return State(
        name=name,
        enabled=item["enabled"],
        value=item["value"],
        rules=tuple(rules),
        version=item["version"],
        updated_by=item["updated_by"],
        updated_at=item["updated_at"],
    )
