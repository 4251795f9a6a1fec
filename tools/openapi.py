"""Builds the OpenAPI document of the whole API from what each service declares.

python -m tools.openapi            writes functions/backbone/openapi.json
python -m tools.openapi --check    says whether it is up to date; exits with 1 if not
"""

import importlib
import json
import re
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from infra.services import ROOT, import_from
from tools.generated import finish

if TYPE_CHECKING:
    from market.http import Route

TARGET = ROOT / "functions" / "backbone" / "openapi.json"
Document = dict[str, Any]
_REFERENCE = re.compile(r'"#/components/schemas/([^"]+)"')


_HEADERS = {
    "idempotency_key_required": {
        "name": "Idempotency-Key",
        "required": True,
        "description": "8 to 128 printable characters; the same key and body give the first answer again.",
        "schema": {"type": "string", "pattern": "^[!-~]{8,128}$"},
    },
    "precondition_failed": {
        "name": "If-Match",
        "required": False,
        "description": "The `ETag` that you saw; the change is refused if the resource has another by now.",
        "schema": {"type": "string"},
    },
    "captcha_required": {
        "name": "Captcha-Token",
        "required": False,
        "description": "What the captcha's widget gave, where the stage has a captcha.",
        "schema": {"type": "string"},
    },
}
"""Headers that a route reads, told by the refusal that it declares for them."""

_TEXT = {"schema": {"type": "string"}}
_PDF = {"application/pdf": {"schema": {"type": "string", "contentMediaType": "application/pdf"}}}
_TABLE: Document = {"text/csv": _TEXT}
_LINES: Document = {"application/x-ndjson": _TEXT}
_OBJECT: Document = {"application/json": {"schema": {"type": "object"}}}
_PICTURE: Document = {
    kind: {"schema": {"type": "string", "contentMediaType": kind}}
    for kind in ("image/png", "image/jpeg", "image/webp", "image/svg+xml")
}
_EXPORTS = ("catalog_export_products", "catalog_api_export_products")
_MEDIA: dict[str, Document] = {
    "backbone_start": {},
    "backbone_docs": {"text/html": _TEXT},
    "backbone_asset": {"text/javascript": _TEXT, "text/css": _TEXT},
    "backbone_description": _OBJECT,
    "catalog_show_sitemap": {"application/xml": _TEXT},
    "ledger_export": _LINES,
    "tax_filings": _TABLE,
    **{name: _LINES | _TABLE for name in _EXPORTS},
    **{f"invoices_{name}": _PDF for name in ("show", "guest_show", "show_issued", "api_show_issued")},
}
"""What operations answer that do not answer with a view."""
_BESIDE = {name: _TABLE for name in ("promotions_codes", "inventory_list_stock", "inventory_api_list_stock")}
"""What operations answer beside a view, if they are asked to."""
_TAKEN: dict[str, Document] = {
    **{name: _TABLE for name in ("inventory_change_table", "inventory_api_change_table")},
    **{name: _PICTURE for name in ("catalog_store_picture", "catalog_api_store_picture")},
    **{name: _OBJECT for name in ("payments_webhook", "shipping_rate")},
}
"""The bodies of routes that read them themselves."""

_CURSOR = {"description": "The `cursor` of the next page; none after the last.", **_TEXT}
_LINK = {"description": 'The address of the next page, with `rel="next"`; none after the last.', **_TEXT}
_ONWARD: dict[str, Document] = {
    **{name: {"next-cursor": _CURSOR} for name in _BESIDE},
    **{name: {"link": _LINK, "x-next-cursor": _CURSOR} for name in _EXPORTS},
    **{name: {"link": _LINK} for name in ("ledger_export", "tax_filings")},
}
"""The headers by which lists lead on that are no views."""


def built() -> dict[Path, str]:
    return {TARGET: json.dumps(merged(documents()), indent=1, ensure_ascii=False, sort_keys=True) + "\n"}


def documents() -> dict[str, Document]:
    """The document of every API function, by `<service>.<function>`."""
    import_from(ROOT)
    found: dict[str, Document] = {}
    for path in sorted((ROOT / "functions").glob("*/manifest.py")):
        manifest = importlib.import_module(f"{path.parent.name}.manifest").MANIFEST
        for function in manifest.functions:
            if function.kind == "api":
                api = importlib.import_module(function.handler.rpartition(".")[0]).api
                found[f"{manifest.service}.{function.name}"] = _with_bodies(api.openapi(), api.routes)
    return found


def _with_bodies(document: Document, routes: "Iterable[Route]") -> Document:
    """Say what is sent to routes without a model of it. Raises ValueError for one that nobody described."""
    for route in (route for route in routes if route.raw):
        operation = document["paths"][route.path.replace("<", "{").replace(">", "}")][route.method.lower()]
        if operation["operationId"] not in _TAKEN:
            raise ValueError(f"{operation['operationId']} takes a body without a description")
        operation["requestBody"] = {"required": True, "content": _TAKEN[operation["operationId"]]}
    return document


def merged(parts: Mapping[str, Document]) -> Document:
    """One document. Schemas of one name that differ between services get their service's name in front.

    Raises ValueError for a route or an operation that two of them declare.
    """
    parts = _told_apart(parts)
    whole: Document = json.loads(json.dumps(next(iter(parts.values()))))
    whole |= {"paths": {}, "tags": sorted(({"name": name.partition(".")[0]} for name in parts), key=str)}
    whole["tags"] = [tag for number, tag in enumerate(whole["tags"]) if tag not in whole["tags"][:number]]
    schemas: dict[str, Any] = {}
    whole.setdefault("components", {})["schemas"] = schemas
    operations: set[str] = set()
    for part in parts.values():
        for path, methods in part["paths"].items():
            known = whole["paths"].setdefault(path, {})
            names = {method["operationId"] for method in methods.values()}
            if known.keys() & methods.keys() or names & operations:
                raise ValueError(f"{path} is declared twice, or one of its names is: {names}")
            known |= methods
            operations |= names
        schemas |= _schemas(part)
    _prune(whole)
    _name_headers(whole)
    _name_media(whole)
    return whole


def _name_headers(document: Document) -> None:
    for operation in (operation for methods in document["paths"].values() for operation in methods.values()):
        answers = operation.get("responses", {}).values()
        refusals = {code for answer in answers for code in answer["description"].split(", ")}
        for header in (header for code, header in _HEADERS.items() if code in refusals):
            operation.setdefault("parameters", []).append(header | {"in": "header"})


def _name_media(document: Document) -> None:
    """Say which answers have no body, which are no views, and how these lead on.

    Raises ValueError for one that nobody described.
    """
    for operation in (operation for methods in document["paths"].values() for operation in methods.values()):
        name, answers = operation["operationId"], operation["responses"]
        answers.get("204", {}).pop("content", None)
        for answer in (answers[code] for code in ("200", "201", "202", "302") if code in answers):
            if name in _MEDIA:
                answer["content"] = _MEDIA[name]
            elif answer["content"]["application/json"]["schema"].keys() <= {"title"}:
                raise ValueError(f"{name} has an answer without a description")
            answer["content"] |= _BESIDE.get(name, {})
            if name in _ONWARD:
                answer["headers"] = _ONWARD[name]


def _prune(document: Document) -> None:
    """Drop schemas that nothing refers to: Powertools adds its own for errors that we describe otherwise."""
    schemas = document["components"]["schemas"]
    used: set[str] = set()
    waiting = [json.dumps(document["paths"])]
    while waiting:
        new = set(_REFERENCE.findall(waiting.pop())) - used
        used |= new
        waiting += [json.dumps(schemas[name]) for name in new]
    document["components"]["schemas"] = {name: schema for name, schema in schemas.items() if name in used}


def _told_apart(parts: Mapping[str, Document]) -> dict[str, Document]:
    """The documents with clashing schemas renamed: repeatedly, for that may set apart those that refer to them."""
    current = dict(parts)
    while clashes := _clashes(current):
        current = {name: _renamed(part, name, clashes) for name, part in current.items()}
    return current


def _clashes(parts: Mapping[str, Document]) -> set[str]:
    seen: dict[str, Any] = {}
    return {
        name
        for part in parts.values()
        for name, schema in _schemas(part).items()
        if seen.setdefault(name, schema) != schema
    }


def _renamed(part: Document, owner: str, clashes: set[str]) -> Document:
    prefix = "".join(word.capitalize() for word in owner.removesuffix(".api").replace("-", ".").split("."))
    names = {name: f"{prefix}{name}" for name in clashes & _schemas(part).keys()}

    def walk(value: Any) -> Any:
        if isinstance(value, list):
            return [walk(entry) for entry in value]
        if not isinstance(value, dict):
            return value
        changed = {key: walk(entry) for key, entry in value.items()}
        name = str(value.get("$ref", "")).removeprefix("#/components/schemas/")
        return changed | ({"$ref": f"#/components/schemas/{names[name]}"} if name in names else {})

    result: Document = walk(part)
    result["components"]["schemas"] = {names.get(name, name): schema for name, schema in _schemas(result).items()}
    return result


def _schemas(part: Document) -> dict[str, Any]:
    schemas: dict[str, Any] = part.get("components", {}).get("schemas", {})
    return schemas


if __name__ == "__main__":
    sys.exit(finish(built(), "python -m tools.openapi"))
