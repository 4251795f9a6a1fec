"""Links to what is not on sale yet: signed, so that nothing is kept of them, and good for a while."""

from datetime import timedelta

import orjson

from catalog import drafts, store
from catalog.store import Shown
from market import clock
from market.errors import NotFound
from market.table import BadCursor, read_cursor, sign_cursor
from vendors.contract import ACTIVE

GOOD_FOR = timedelta(days=7)
_SCOPE = "catalog|preview"


def token(product_id: str) -> tuple[str, str]:
    """What shows the draft of a product to whoever has it, and until when (ISO 8601)."""
    until = clock.epoch(GOOD_FOR)
    return sign_cursor({"p": product_id, "u": until}, _SCOPE), clock.iso_of(until)


def page(given: str) -> Shown:
    """What a product is to become, or what it is where no change of it is left. Raises NotFound."""
    try:
        sealed = read_cursor(given, _SCOPE)
    except BadCursor:
        raise _no_such() from None
    if sealed["u"] <= clock.epoch():
        raise _no_such()
    live = store.find(sealed["p"]).product
    copy = drafts.find(live.id) if live.on_sale else None
    product = copy.wanted if copy else live
    seller = store.vendor(product.vendor_id)
    if seller is None or seller.status != ACTIVE:
        raise _no_such()
    offers = {variant.sku: product.offer(variant) for variant in product.variants}
    return Shown(orjson.loads(product.document()), seller, offers)


def _no_such() -> NotFound:
    return NotFound("There is no such preview, or not any more.")
