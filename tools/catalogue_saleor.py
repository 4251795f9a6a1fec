"""Reads a Saleor database as it dumps it (`populatedb_data.json`): objects that name each other become flat records.

A record is a variant with what its product says, as a column mapping reads it: `product`, `name`, `slug`,
`description`, `category` (`Apparel>Shirts`), `type`, `sku`, `stock`, `weight` and `weight_unit`, `price <currency>` for
each channel, an `attribute.<name>` for each of the product's and `option<n>_name`, `option<n>_value` for each of the
variant's own.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

__all__ = ["Unconnected", "variants"]

Fields = Mapping[str, Any]
_VARIANT = "product.productvariant"


class Unconnected(ValueError):
    """An object names another that the dump does not hold; the text says which."""


class _Dump:
    """The objects of a dump by model and key, and those that name another by whom they name."""

    def __init__(self, objects: Sequence[Any]) -> None:
        self._objects: dict[str, dict[Any, Fields]] = defaultdict(dict)
        for told in objects:
            if isinstance(told, dict) and isinstance(told.get("fields"), dict):
                self._objects[str(told.get("model"))][told.get("pk")] = told["fields"]
        self._naming: dict[tuple[str, str], dict[Any, list[Any]]] = {}

    def get(self, model: str, key: Any) -> Fields:
        """Raises Unconnected."""
        if key not in self._objects[model]:
            raise Unconnected(f"{model} {key} is not in the file")
        return self._objects[model][key]

    def naming(self, model: str, field: str, key: Any) -> list[tuple[Any, Fields]]:
        """Objects whose `field` is `key`, with their own keys, in the order of the file."""
        if (model, field) not in self._naming:
            found = self._naming[model, field] = defaultdict(list)
            for own, fields in self._objects[model].items():
                found[fields.get(field)].append(own)
        return [(own, self._objects[model][own]) for own in self._naming[model, field].get(key, ())]

    def value(self, key: Any) -> tuple[str, str]:
        """The names of an attribute and of a value of it. Raises Unconnected."""
        value = self.get("attribute.attributevalue", key)
        return str(self.get("attribute.attribute", value["attribute"])["name"]), str(value["name"])


def variants(objects: Sequence[Any]) -> Iterator[tuple[int, dict[str, Any] | Unconnected]]:
    """Each variant with its place in the file, from 1, those of a product together; or what is missing of it."""
    dump = _Dump(objects)
    found = [
        (number, told["pk"], told["fields"])
        for number, told in enumerate(objects, 1)
        if isinstance(told, dict) and told.get("model") == _VARIANT
    ]
    order = {
        product: place for place, product in enumerate(dict.fromkeys(fields.get("product") for _, _, fields in found))
    }
    for number, key, fields in sorted(found, key=lambda one: order[one[2].get("product")]):
        try:
            yield number, _product(dump, fields["product"]) | _variant(dump, key, fields)
        except Unconnected as broken:
            yield number, broken
        except (KeyError, TypeError, ValueError) as unlike:
            yield number, Unconnected(f"{_VARIANT} {key} is not as Saleor dumps it: {unlike}")


def _product(dump: _Dump, key: Any) -> dict[str, Any]:
    product = dump.get("product.product", key)
    told = {name: product[name] for name in ("name", "slug")}
    told |= {"product": key, "description": product["description_plaintext"]}
    told |= {"type": dump.get("product.producttype", product["product_type"])["name"]}
    told |= {"category": ">".join(_categories(dump, product["category"]))}
    for _, assigned in dump.naming("attribute.assignedproductattributevalue", "product", key):
        name, value = dump.value(assigned["value"])
        before = told.get(f"attribute.{name}")
        told[f"attribute.{name}"] = f"{before}, {value}" if before else value
    return told


def _categories(dump: _Dump, key: Any) -> list[str]:
    """From the top of the tree down. Raises Unconnected, also where categories stand above themselves."""
    names: list[str] = []
    while key is not None and len(names) < 10:
        category = dump.get("product.category", key)
        names.insert(0, str(category["name"]))
        key = category["parent"]
    if key is not None:
        raise Unconnected(f"product.category {key} has no top")
    return names


def _variant(dump: _Dump, key: Any, fields: Fields) -> dict[str, Any]:
    told: dict[str, Any] = {"sku": fields["sku"] or f"saleor-{key}"}
    weight, _, unit = str(fields["weight"] or "").partition(":")
    told |= {"weight": weight, "weight_unit": unit}
    for _, listing in dump.naming("product.productvariantchannellisting", "variant", key):
        told[f"price {listing['currency']}"] = listing["price_amount"]
    if stock := dump.naming("warehouse.stock", "product_variant", key):
        told["stock"] = sum(entry["quantity"] for _, entry in stock)
    own = dump.naming("attribute.assignedvariantattribute", "variant", key)
    values = (
        dump.value(assigned["value"])
        for assignment, _ in own
        for _, assigned in dump.naming("attribute.assignedvariantattributevalue", "assignment", assignment)
    )
    for place, (name, value) in enumerate(values, 1):
        told |= {f"option{place}_name": name, f"option{place}_value": value}
    return told
