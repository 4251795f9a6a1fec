"""Writes down every published event: a JSON schema, and an example that consumers are tested with.

    python -m tools.events            writes events/<service>/<type>.v<version>.json and .example.json
    python -m tools.events --check    says which schemas are out of date; exits with 1 if any

An example is written once and then kept: it stands for the events that are in queues and archives already. One that its
class no longer reads is an incompatible change, which needs a new version.
"""

import hashlib
import importlib
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from infra.services import ROOT, import_from
from tools.generated import finish

EVENTS = ROOT / "events"
_OCCURRED = "2026-01-02T03:04:05.678Z"
_ID_PREFIXES = {"product": "prd", "vendor": "ven", "payment": "pay", "category": "cat"}
_KNOWN: dict[str, Any] = {
    "currency": "EUR",
    "amount": 1999,
    "order_id": "ord_0r3k7q8h2mx4tq9z",
    "order_no": "MK-0R3K7Q8H-2MX4TQ9Z",
    "sku": "LAMP-1",
    "slug": "lamp",
    "reason": "payment_timeout",
    "roles": ["customer", "vendor"],
}


def published() -> Iterator[tuple[str, Any]]:
    """Each service's name with each of its event classes, which are exactly those that its manifest publishes.

    Raises ValueError where the two differ.
    """
    import_from(ROOT)
    from market.events import Event

    for path in sorted((ROOT / "functions").glob("*/manifest.py")):
        service = path.parent.name
        manifest = importlib.import_module(f"{service}.manifest").MANIFEST
        declared = path.with_name("events.py").exists() and vars(importlib.import_module(f"{service}.events"))
        classes = [
            kind
            for kind in (declared or {}).values()
            if isinstance(kind, type) and issubclass(kind, Event) and kind.__module__ == f"{service}.events"
        ]
        if {kind.type for kind in classes} != set(manifest.publishes):
            raise ValueError(f"{service}: the manifest's events and those of events.py differ")
        yield from ((service, kind) for kind in sorted(classes, key=lambda kind: (kind.type, kind.version)))


def built() -> dict[Path, str]:
    """The text of every file by its path. Raises ValueError for an example that its class does not read."""
    files: dict[Path, str] = {}
    for service, kind in published():
        stem = EVENTS / service / f"{kind.type}.v{kind.version}"
        files[Path(f"{stem}.json")] = _text(schema(kind))
        example = Path(f"{stem}.example.json")
        files[example] = example.read_text(encoding="utf-8") if example.exists() else _text(sample(kind))
        try:
            kind.model_validate(json.loads(files[example])["data"])
        except ValidationError as broken:
            raise ValueError(f"{example} is not read any more: raise the version of {kind.__name__}") from broken
    return files


def schema(kind: Any) -> dict[str, Any]:
    """The JSON schema of the event in its envelope, which is EventBridge's `detail`. New members may be added."""
    data = kind.model_json_schema()
    data.pop("description", None)
    definitions = data.pop("$defs", {})
    text = {"type": "string"}
    texts = {"type": "object", "additionalProperties": text}
    envelope: dict[str, Any] = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": f"{kind.type} v{kind.version}",
        "description": " ".join((kind.__dict__.get("__doc__") or "").split()),
        "type": "object",
        "properties": {
            "eventId": text | {"pattern": "^[0-9a-z]{26}$"},
            "type": {"const": kind.type},
            "version": {"const": kind.version},
            "occurredAt": text | {"format": "date-time"},
            "actor": texts | {"required": ["type", "id"]},
            "data": data,
            "trace": texts,
        },
        "required": ["eventId", "type", "version", "occurredAt", "actor", "data", "trace"],
    }
    return envelope | ({"$defs": definitions} if definitions else {})


def sample(kind: Any) -> dict[str, Any]:
    """An event of this kind with plausible values; the same at every run."""
    described = schema(kind)
    return {
        "eventId": _digits(kind.type, 26),
        "type": kind.type,
        "version": kind.version,
        "occurredAt": _OCCURRED,
        "actor": {"type": "user", "id": "5f0c6a52-6f0e-4d59-9f3e-3f1f1a7d9a10"},
        "data": _value("data", described["properties"]["data"], described.get("$defs", {})),
        "trace": {"requestId": _digits("request", 26), "correlationId": _digits("request", 26)},
    }


def _value(name: str, described: dict[str, Any], definitions: dict[str, Any]) -> Any:
    if "$ref" in described:
        return _value(name, definitions[described["$ref"].rpartition("/")[2]], definitions)
    if "anyOf" in described:
        return _value(name, described["anyOf"][0], definitions)
    if described.get("type") == "object":
        inner = described.get("properties", {})
        return {key: _value(key, entry, definitions) for key, entry in inner.items()}
    if name in _KNOWN:
        return _KNOWN[name]
    match described.get("type"):
        case "array":
            return [_value(name.removesuffix("s"), described["items"], definitions)]
        case "integer":
            return int(described.get("minimum", 1))
        case "boolean":
            return True
    return described["enum"][0] if "enum" in described else _words(name)


def _words(name: str) -> str:
    if name.endswith("_at"):
        return _OCCURRED
    if name.endswith("_id"):
        prefix = _ID_PREFIXES.get(name.removesuffix("_id"))
        return f"{prefix}_{_digits(name, 26)}" if prefix else "5f0c6a52-6f0e-4d59-9f3e-3f1f1a7d9a10"
    return name


def _digits(seed: str, length: int) -> str:
    """Looks like the random part of an id."""
    return "01" + hashlib.sha256(seed.encode()).hexdigest()[: length - 2]


def _text(document: dict[str, Any]) -> str:
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    sys.exit(finish(built(), "python -m tools.events"))
