"""What other services may know of products: where they are kept, and whether they show a medium. Pure."""

from typing import Any

import orjson

from catalog.manifest import MANIFEST as MANIFEST
from market.table import Key


def product_key(product_id: str) -> Key:
    return Key(f"PRD#{product_id}")


def copy_key(product_id: str) -> Key:
    """Of the working copy beside a product on sale."""
    return Key(f"PRV#{product_id}", "draft")


def shown_before(product_id: str) -> tuple[str, str]:
    """Partition, and beginning of the sort keys, of what the product was like while on sale."""
    return f"PRV#{product_id}", "0"


def shows(item: dict[str, Any], media_id: str) -> bool:
    """Whether a product, a working copy or a former version names a medium; where in doubt, that it does."""
    return media_id in item["doc"]


def was_on_sale(product: dict[str, Any]) -> bool:
    """Now or once: then what it shows is kept as a version, and may be brought back."""
    return bool(orjson.loads(product["doc"]).get("listedAt"))
