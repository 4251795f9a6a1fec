"""How an order's lines and parts are stored: rows of values, a third of an object's size. Pure.

An order that fits 1 KB costs half at each of its changes, so what is as usual is not written at all: a row ends with an
object of short names for what is not, and without one where everything is.
"""

from collections.abc import Iterable, Mapping
from typing import Any

import orjson

from market.money import Money
from orders.sold import LineSnapshot, Part, Promoted


def compact_lines(lines: tuple[LineSnapshot, ...]) -> str:
    """[sku, product, vendor, title, quantity, unit price, category, discount, tax, tax rate] and what is not as usual.

    Of a vendor that was named before, the number of the line that named it.
    """
    first: dict[str, int] = {}
    for number, line in enumerate(lines):
        first.setdefault(line.vendor_id, number)
    rows = [_line_row(line) for line in lines]
    for number, row in enumerate(rows):
        row[2] = row[2] if first[row[2]] == number else first[row[2]]
    return orjson.dumps(rows).decode()


def compact_parts(parts: tuple[Part, ...]) -> str:
    """[vendor, subtotal, shipping, commission, discount, tax, shipping tax] and what is not as usual."""
    return orjson.dumps([_part_row(part) for part in parts]).decode()


def read_lines(item: Mapping[str, Any]) -> tuple[LineSnapshot, ...]:
    rows = orjson.loads(item["lines"])
    for row in rows:
        row[2] = rows[row[2]][2] if isinstance(row[2], int) else row[2]
    return tuple(_line(row, item["currency"]) for row in rows)


def read_parts(item: Mapping[str, Any]) -> tuple[Part, ...]:
    return tuple(_part(row, item["currency"]) for row in orjson.loads(item["parts"]))


def compact_promotions(promotions: tuple[Promoted, ...]) -> str:
    """[id, title, amount] of each, and the code if it had one."""
    rows = [[p.promotion_id, p.title, p.amount.amount, *([p.code] if p.code else [])] for p in promotions]
    return orjson.dumps(rows).decode()


def read_promotions(item: Mapping[str, Any]) -> tuple[Promoted, ...]:
    rows = orjson.loads(item["promotions"]) if "promotions" in item else []
    return tuple(Promoted(row[0], row[1], Money(row[2], item["currency"]), *row[3:]) for row in rows)


def compact_sources(sources: Mapping[str, Iterable[tuple[str, int]]]) -> str:
    """[place, units] of each, by SKU."""
    return orjson.dumps({sku: list(places) for sku, places in sources.items()}).decode()


def read_sources(item: Mapping[str, Any]) -> dict[str, tuple[tuple[str, int], ...]]:
    stored = orjson.loads(item["sources"]) if "sources" in item else {}
    return {sku: tuple((place, units) for place, units in places) for sku, places in stored.items()}


def _line_row(line: LineSnapshot) -> list[Any]:
    discount, tax = (money.amount if money else 0 for money in (line.discount, line.tax))
    whole = [line.sku, line.product_id, line.vendor_id, line.title, line.quantity, line.unit_price.amount]
    unusual = {
        "s": line.subsidy.amount if line.subsidy else 0,
        "a": 1 if line.tax_added else 0,
        "n": line.tax_note,
        "b": [line.base_price.amount, line.base_price.currency] if line.base_price else None,
        "l": line.list_id,
        "f": line.available_from,
    }
    return [*whole, line.category, discount, tax, line.tax_rate, *_rest(unusual)]


def _line(row: list[Any], currency: str) -> LineSnapshot:
    sku, product_id, vendor_id, title, quantity, price, category, discount, tax, rate, *rest = row
    unusual = rest[0] if rest else {}
    return LineSnapshot(
        sku=sku,
        product_id=product_id,
        vendor_id=vendor_id,
        title=title,
        quantity=quantity,
        unit_price=Money(price, currency),
        category=category,
        discount=Money(discount, currency),
        tax=Money(tax, currency),
        tax_rate=rate,
        tax_added="a" in unusual,
        tax_note=unusual.get("n", ""),
        subsidy=_money(unusual, "s", currency),
        base_price=Money(*unusual["b"]) if "b" in unusual else None,
        list_id=unusual.get("l", ""),
        available_from=unusual.get("f", ""),
    )


def _part_row(part: Part) -> list[Any]:
    usual = (part.subtotal, part.shipping, part.commission, part.discount, part.tax, part.shipping_tax)
    unusual: dict[str, Any] = {"m": part.method, "c": part.carrier, "e": part.earliest, "u": part.latest}
    unusual["k"] = dict(part.pickup)
    amounts = {"t": part.added, "s": part.subsidy, "d": part.shipping_discount, "p": part.shipping_subsidy}
    unusual |= {name: amount.amount for name, amount in amounts.items() if amount}
    unusual |= {"a": int(part.shipping_tax_added), "r": part.shipping_tax_rate, "v": int(part.tax_by_vendor)}
    return [part.vendor_id, *(money.amount for money in usual), *_rest(unusual)]


def _part(row: list[Any], currency: str) -> Part:
    vendor_id, *rest = row
    unusual = rest.pop() if isinstance(rest[-1], dict) else {}
    subtotal, shipping, commission, discount, tax, shipping_tax = (Money(amount, currency) for amount in rest)
    return Part(
        vendor_id=vendor_id,
        subtotal=subtotal,
        shipping=shipping,
        commission=commission,
        discount=discount,
        tax=tax,
        shipping_tax=shipping_tax,
        shipping_tax_added="a" in unusual,
        shipping_tax_rate=unusual.get("r", 0),
        tax_by_vendor="v" in unusual,
        method=unusual.get("m", ""),
        carrier=unusual.get("c", ""),
        earliest=unusual.get("e", ""),
        latest=unusual.get("u", ""),
        pickup=unusual.get("k", {}),
        added=_money(unusual, "t", currency),
        subsidy=_money(unusual, "s", currency),
        shipping_discount=_money(unusual, "d", currency),
        shipping_subsidy=_money(unusual, "p", currency),
    )


def _rest(unusual: Mapping[str, Any]) -> list[dict[str, Any]]:
    written = {name: value for name, value in unusual.items() if value}
    return [written] if written else []


def _money(unusual: Mapping[str, Any], name: str, currency: str) -> Money | None:
    return Money(unusual[name], currency) if name in unusual else None
