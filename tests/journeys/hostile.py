"""What hostile or careless callers send, made from what the API says of itself.

Everything here is wrong: a body that breaks the schema of its route, an id that nobody has, a token that nobody gave.
"""

import base64
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from random import Random
from typing import Any

JSON = dict[str, Any]
MEGABYTE = 1024 * 1024
DEEP = 10_000

BODIES: dict[str, bytes] = {
    "cut off": b'{"a": ',
    "no JSON": b"hello",
    "two values": b"{} {}",
    "a list": b"[]",
    "null": b"null",
    "a text": b'"text"',
    "a number": b"123",
    "not UTF-8": b'{"a": "\xff\xfe\x80"}',
    "binary": bytes(range(256)),
    "UTF-16": '{"a": 1}'.encode("utf-16"),
    "deep lists": b"[" * DEEP + b"]" * DEEP,
    "deep objects": b'{"a":' * DEEP + b"1" + b"}" * DEEP,
    "deep inside": b'{"a":' + b"[" * DEEP + b"]" * DEEP + b"}",
    "NaN": b'{"quantity": NaN}',
    "Infinity": b'{"quantity": -Infinity}',
    "huge exponent": b'{"quantity": 1e999999}',
    "a lone surrogate": b'{"name": "\\ud800"}',
    "unknown field": b'{"surprise": true}',
    "prototype": b'{"__proto__": {"staff": true}, "constructor": 1}',
    "a megabyte": b'{"a": "' + b"x" * MEGABYTE + b'"}',
    "a megabyte of lists": b'{"a": [' + b"[]," * (MEGABYTE // 3) + b"[]]}",
    "many fields": json.dumps({f"f{number}": number for number in range(5_000)}).encode(),
}
TYPES = (
    "text/plain",
    "application/x-www-form-urlencoded",
    "multipart/form-data; boundary=x",
    "application/xml",
    "",
    "☃",
)
SEGMENTS = (
    "absent",
    "ord_0000000000000000",
    "MK-00000000-00000000",
    "ven_00000000000000000000000000",
    "%00",
    "%FF%FE",
    "%ED%A0%80",
    "..%2f..%2fetc",
    "%2e%2e",
    "%",
    "%zz",
    "%E2%98%83",
    "a" * 201,
    "a" * 10_000,
    "%20",
    "'%20OR%201=1--",
    "$%7Bjndi:x%7D",
    "OUTBOX%230",
    "%0d%0aX-Evil:1",
    "-",
    "#",
    "undefined",
    "null",
    "-1",
)
CURSORS = (
    "garbage",
    "AAAA",
    "e30",
    "☃",
    "a" * 3_999,
    "a" * 5_000,
    "%00",
    "=" * 8,
    "-_-_",
    base64.b64encode(b"{}" * 40).decode(),
)
NUMBERS = ("abc", "-1", "0", "101", "1e2", "1.5", "9" * 400, "NaN", "", " ", "%00", "٣", "1,2", "0x10")
FLAT = ("nothing", "truth", "integer", "float", "text", "list")
ALPHABETS = (
    "abcXYZ019 ",
    "'\"\\<>&;%{}$#/.",
    "\x00\t\r\n\x1f\x7f\x85\u2028\ufeff",
    "éßñ☃漢字ا\u0301\u202e",
    "😀🏳\U000e0041",
)


def text(chance: Random, *, least: int = 0, most: int = 30) -> str:
    """Letters, what other languages quote with, control characters, combining ones and ones beyond 16 bits."""
    return "".join(chance.choice(chance.choice(ALPHABETS)) for _ in range(chance.randint(least, most)))


def scrap(chance: Random, kind: str = "", depth: int = 3) -> Any:
    """Some JSON value: of a `kind` at the top, of any kind inside."""
    match kind or chance.choice(FLAT if depth == 0 else (*FLAT, "object")):
        case "truth":
            return chance.random() < 0.5
        case "integer":
            return chance.randint(-(10 ** (size := chance.randrange(40))), 10**size)
        case "float":
            return chance.choice((0.0, -0.0, 5e-324, 1e308, chance.uniform(-1e9, 1e9)))
        case "text":
            return text(chance)
        case "list":
            return [scrap(chance, depth=depth - 1) for _ in range(chance.randrange(4) if depth else 0)]
        case "object":
            return {text(chance): scrap(chance, depth=depth - 1) for _ in range(chance.randrange(4))}
    return None


@dataclass(frozen=True)
class Operation:
    """A route with what it takes. `path` has `{names}`."""

    method: str
    path: str
    public: bool
    raw: bool
    callers: frozenset[str]
    body: JSON | None = field(default=None, hash=False, compare=False, repr=False)
    query: tuple[JSON, ...] = field(default=(), hash=False, compare=False, repr=False)
    schemas: JSON = field(default_factory=dict, hash=False, compare=False, repr=False)

    @property
    def names(self) -> list[str]:
        return [part[1:-1] for part in self.path.split("/") if part.startswith("{")]

    def __str__(self) -> str:
        return f"{self.method} {self.path}"

    def sample(self) -> Any:
        """A body that the schema allows."""
        return sample(self.body or {}, self.schemas)

    def wrong(self) -> Iterator[tuple[str, Any]]:
        """Bodies that each break the schema in one place, with the place and what is there."""
        for place, body in wrong(self.body or {}, self.schemas, ""):
            if not (place == ".parent" and body["parent"] == ""):  # forms send it for "none", and it is taken so
                yield place, body


GOOD_VALUES: JSON = {
    "email": "nobody@example.com",
    "supportEmail": "nobody@example.com",
    "password": "Correct-horse-9",
    "newPassword": "Correct-horse-9",
    "currency": "EUR",
    "country": "DE",
    "postalCode": "10115",
    "category": "home",
    "parent": "home",
    "slug": "a-slug",
    "sku": "LAMP",
    "taxId": "DE123",
    "phone": "+49301234567",
    "supportPhone": "+49301234567",
    "url": "/media/x.png",
    "image": "/media/x.png",
    "barcode": "123",
    "number": "4242424242424242",
    "clientSecret": "0123456789abcdef",
}


def resolved(schema: JSON, schemas: JSON) -> JSON:
    """The schema itself, for a reference or for something that may also be null."""
    while True:
        if "$ref" in schema:
            schema = schemas[schema["$ref"].rsplit("/", 1)[-1]]
        elif "anyOf" in schema:
            schema = next(option for option in schema["anyOf"] if option.get("type") != "null")
        elif len(schema.get("allOf", ())) == 1:
            schema = schema["allOf"][0]
        else:
            return schema


def sample(schema: JSON, schemas: JSON, name: str = "") -> Any:
    found = resolved(schema, schemas)
    if name in GOOD_VALUES:
        return GOOD_VALUES[name]
    if "const" in found:
        return found["const"]
    if "enum" in found:
        return found["enum"][0]
    match found.get("type"):
        case "object" if "properties" in found:
            return {key: sample(inner, schemas, key) for key, inner in found["properties"].items()}
        case "object":
            return {"k": "v"}
        case "array":
            return [sample(found.get("items", {}), schemas)] if found.get("minItems") or "items" in found else []
        case "integer":
            return max(1, int(found.get("minimum", 1)))
        case "boolean":
            return True
    return "x" * max(8, int(found.get("minLength", 0)))


def wrong(schema: JSON, schemas: JSON, at: str) -> Iterator[tuple[str, Any]]:
    """Values that the schema forbids: of the value as a whole, then in each place inside."""
    found = resolved(schema, schemas)
    for value in _wrong_here(schema, found):
        yield at, value
    if found.get("type") == "object" and "properties" in found:
        yield from _wrong_inside(found, schemas, at)
    elif found.get("type") == "array" and "items" in found:
        for place, value in wrong(found["items"], schemas, f"{at}[]"):
            yield place, [value]
        if "maxItems" in found:
            yield f"{at} too many", [sample(found["items"], schemas)] * (found["maxItems"] + 1)


def _wrong_inside(found: JSON, schemas: JSON, at: str) -> Iterator[tuple[str, Any]]:
    whole = {key: sample(inner, schemas, key) for key, inner in found["properties"].items()}
    yield f"{at}.surprise", whole | {"surprise": 1}
    for key in found.get("required", ()):
        yield f"{at}.{key} missing", {name: value for name, value in whole.items() if name != key}
    for key, inner in found["properties"].items():
        for place, value in wrong(inner, schemas, f"{at}.{key}"):
            yield place, whole | {key: value}


def _wrong_here(schema: JSON, found: JSON) -> Iterator[Any]:
    nullable = any(option.get("type") == "null" for option in schema.get("anyOf", ()))
    if not nullable and schema:
        yield None
    match found.get("type"):
        case "string":
            yield from (1, True, 1.5, [], {}, ["x"])
            yield from _wrong_text(found)
        case "integer":
            yield from ("1", "", 1.5, True, [], {}, 10**30, -(10**30), 2**63, 1e308)
            yield from (int(found[bound]) + step for bound, step in (("minimum", -1), ("maximum", 1)) if bound in found)
        case "boolean":
            yield from ("maybe", 2, [], {}, 1.5)
        case "array":
            yield from ({}, "x", 1, [[]] * max(1, found.get("minItems", 1)) if "items" in found else 1)
            if found.get("minItems"):
                yield []
        case "object":
            yield from ([], "x", 1, True)


def _wrong_text(found: JSON) -> Iterator[Any]:
    if "enum" in found or "const" in found:
        yield from ("nonsense", "", "☃")
    if found.get("minLength") or not re.search(found.get("pattern", ""), ""):
        yield ""
    if "maxLength" in found:
        yield "x" * (found["maxLength"] + 1)
    if "pattern" in found:
        yield from ("☃\u202e\u0000", "x" * 100_000, "\u0000")


def fits(kind: JSON, value: str) -> bool:
    """Whether the schema of a parameter has nothing against it."""
    if kind.get("type") == "integer" and value.isascii() and value.isdigit():
        return int(kind["minimum"]) <= int(value) <= int(kind["maximum"])
    return "pattern" in kind and bool(re.search(kind["pattern"], value))
