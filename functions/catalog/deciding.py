"""Prices that were decided elsewhere (plans, rules), applied here: the catalog owns what a SKU costs.

A decision names the price that it was made on. It is applied, or refused aloud, exactly once: its id is remembered in
the same transaction.
"""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

from pydantic import BaseModel, ConfigDict

from catalog import changes, offers, selling, service, store
from catalog.changes import Stored
from catalog.events import PriceRefused
from catalog.model import Product
from catalog.offers import AlreadyDecided
from inventory.contract import Offer
from market import clock, log
from market.errors import NotFound, PreconditionFailed
from market.money import Money
from market.table import Write

REMEMBERED = timedelta(days=60)
"""Longer than any queue keeps a message."""
_ATTEMPTS = 4


class Decision(BaseModel):
    """What `price.decided` says; `expected` is what the SKU cost when that was decided."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    decision_id: str
    vendor_id: str
    product_id: str
    sku: str
    price: Money
    expected: Money


def apply(data: dict[str, Any]) -> None:
    """Apply the decision, or say `price.refused`. Repeated, it changes nothing.

    Raises PreconditionFailed where others keep changing the product: the message comes again.
    """
    decision = Decision.model_validate(data)
    for attempt in range(_ATTEMPTS):
        try:
            _apply(decision)
            return
        except AlreadyDecided:
            log.info("decision repeated", decision_id=decision.decision_id)
            return
        except PreconditionFailed:
            if attempt == _ATTEMPTS - 1:
                raise


def _apply(decision: Decision) -> None:
    try:
        found = store.find(decision.product_id)
    except NotFound:
        _refuse(decision, "not_found", None)
        return
    own = {variant.sku: variant for variant in found.product.variants}.get(decision.sku)
    if own and found.product.vendor_id == decision.vendor_id:
        code = _objection(decision, own.price)
        if code:
            _refuse(decision, code, own.price)
        else:
            store.carry_out([*_repriced(found, decision), _remembered(decision)])
        return
    _apply_to_offer(decision)


def _apply_to_offer(decision: Decision) -> None:
    book = offers.book(decision.product_id)
    entry, before = book.find(decision.sku), offers.present([decision.sku]).get(decision.sku)
    if entry is None or before is None or entry.vendor_id != decision.vendor_id:
        _refuse(decision, "not_found", None)
        return
    if code := _objection(decision, before.price):
        _refuse(decision, code, before.price)
        return
    after: Offer = replace(before, price=decision.price)
    offers.carry_out(
        *selling.change_writes(book, entry, after), _remembered(decision), events=selling.told(before, after)
    )


def _objection(decision: Decision, present: Money) -> str:
    if decision.price.currency != present.currency:
        return "mixed_currencies"
    if decision.price.amount < 1:
        return "no_price"
    return "" if present == decision.expected else "price_changed"


def _repriced(found: Stored, decision: Decision) -> list[Write]:
    """The product in its next version. A price to compare with that is no longer above the price goes."""
    before = found.product
    variants = tuple(_variants(before, decision))
    after = service.advanced(before, before.model_copy(update={"variants": variants}))
    return changes.change(before, replace(found, product=after), {})


def _variants(product: Product, decision: Decision) -> Iterator[Any]:
    for variant in product.variants:
        if variant.sku != decision.sku:
            yield variant
            continue
        compared = variant.compare_at_price
        still = compared is not None and compared.amount > decision.price.amount
        yield variant.model_copy(update={"price": decision.price, "compare_at_price": compared if still else None})


def _refuse(decision: Decision, code: str, present: Money | None) -> None:
    event = PriceRefused(
        decision_id=decision.decision_id, vendor_id=decision.vendor_id, product_id=decision.product_id,
        sku=decision.sku, code=code, present=present,
    )  # fmt: skip
    offers.carry_out(_remembered(decision), events=(event,))


def _remembered(decision: Decision) -> Write:
    return offers.decided(decision.decision_id, clock.epoch(REMEMBERED))
