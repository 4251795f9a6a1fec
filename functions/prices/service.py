"""What can happen to the prices of a SKU: vendors list and plan them, plans fall due, the catalog changes the base."""

import hashlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from market import clock, log
from market.errors import Conflict, NotFound, Problem, Unprocessable
from market.money import Money
from market.table import Write
from prices import history, plans, rulestore, store
from prices.events import PriceClaimDoubted, PriceDecided
from prices.history import History
from prices.lists import MAX_ENTRIES, Entry, planned
from prices.plans import Outlook
from prices.rulestore import AlreadyNoted, Decision
from prices.store import SHARDS, Book, BookChanged, Sheet

_TRIES = 4
_AT_ONCE = 100
_FORGOTTEN = timedelta(days=60)
"""Entries that ended so long ago are left out when a book is written; until then the history needs them."""


class TooManyEntries(Unprocessable):
    code, title = "too_many_entries", "Too many list prices"


class ForeignGroup(Unprocessable):
    """A vendor's list names a group of another vendor."""

    code, title = "foreign_group", "Not your group"


class PlanRunning(Conflict):
    """A plan that has begun can only be ended, at another time."""

    code, title = "plan_running", "The plan has begun"


@dataclass(frozen=True, slots=True)
class Wish:
    """One entry as a vendor wants it. is_plan: a change of the base price; gone: it is to be taken away."""

    sku: str
    entry: Entry
    is_plan: bool = False
    gone: bool = False


def change(vendor_id: str, wishes: Sequence[Wish]) -> dict[str, Problem | Book]:
    """Bring the vendor's entries about, SKU by SKU: all wishes for a SKU or none. Wished twice, nothing changes.

    The answer names each SKU with its book, or with what stood in the way.
    """
    by_sku: dict[str, list[Wish]] = {}
    for wish in wishes:
        by_sku.setdefault(wish.sku, []).append(wish)
    found = store.sheets(by_sku)
    return {sku: _changed(vendor_id, sku, own, found.get(sku)) for sku, own in by_sku.items()}


def _changed(vendor_id: str, sku: str, wishes: list[Wish], sheet: Sheet | None) -> Problem | Book:
    for _ in range(_TRIES):
        try:
            if sheet is None or sheet.offer.vendor_id != vendor_id:
                raise NotFound(f"There is no SKU {sku}.")
            return _write(sheet, wishes)
        except BookChanged as refused:
            last: Problem = refused
            sheet = store.sheets([sku]).get(sku)
        except Problem as refused:
            return refused
    return last


def _write(sheet: Sheet, wishes: list[Wish]) -> Book:
    """Raises what stands in the way, or BookChanged."""
    at, present = clock.timestamp(), sheet.book
    wanted = present.entries
    for wish in wishes:
        wanted = _with(wanted, wish, sheet, at)
    outlook = plans.looked_at(wanted, sheet.offer.price, at)
    if outlook.entries == present.entries:
        return present
    plans.require_order(outlook.entries)
    oldest = clock.iso(datetime.fromisoformat(at) - _FORGOTTEN)
    kept = tuple(one for one in outlook.entries if one.replaces or not one.ends_at or one.ends_at > oldest)
    if len(kept) > MAX_ENTRIES:
        raise TooManyEntries(f"A SKU has at most {MAX_ENTRIES} list prices and plans.")
    gone = [entry for entry in present.entries if entry not in kept]
    remembered = sheet.past.history.without(gone, at)
    writes = []
    if remembered is not sheet.past.history:
        remembered = replace(remembered, currency=remembered.currency or sheet.offer.price.currency)
        writes = [store.remembered(present.sku, sheet.past, remembered)]
    book = Book(present.sku, sheet.offer.vendor_id, kept, outlook.due, present.version)
    store.save(book, *writes)
    return replace(book, version=book.version + 1)


def _with(entries: tuple[Entry, ...], wish: Wish, sheet: Sheet, at: str) -> tuple[Entry, ...]:
    """The entries with one wish fulfilled; what is there already stays as it is."""
    same = _like(wish)
    old = next((entry for entry in entries if same(entry)), None)
    rest = tuple(entry for entry in entries if not same(entry))
    if wish.is_plan:
        new = None if wish.gone else _plan(wish.entry, old, sheet.offer.price, at)
        if wish.gone and old and old.starts_at <= at:
            raise PlanRunning(f"{old.list_id} has begun; end it instead.", listId=old.list_id)
    else:
        new = None if wish.gone else _listed(wish.entry, old, sheet.offer.vendor_id, at)
    return entries if new == old else (*rest, new) if new else rest


def _like(wish: Wish) -> Callable[[Entry], bool]:
    """A list has one price for each quantity and currency; a plan has its name."""

    def same(entry: Entry) -> bool:
        if bool(entry.replaces) != wish.is_plan or entry.list_id != wish.entry.list_id:
            return False
        currency = entry.price.currency == wish.entry.price.currency
        return wish.is_plan or (currency and entry.min_quantity == wish.entry.min_quantity)

    return same


def _listed(new: Entry, old: Entry | None, vendor_id: str, at: str) -> Entry:
    """It starts now at the earliest, so that nobody writes himself a history; one that runs unchanged goes on."""
    if any(store.scope_of(group) not in ("", vendor_id) for group in new.groups):
        raise ForeignGroup("A list may name the platform's groups and your own.", listId=new.list_id)
    if old and replace(new, starts_at=old.starts_at) == old and new.starts_at <= max(old.starts_at, at):
        return old if new.starts_at <= at or new.starts_at == old.starts_at else new
    return replace(new, starts_at=max(new.starts_at, at))


def _plan(new: Entry, old: Entry | None, base: Money, at: str) -> Entry:
    """Raises PlanCurrency; PlanRunning where more than the end of a plan that has begun would change."""
    if new.price.currency != base.currency:
        raise plans.PlanCurrency(f"The base price is in {base.currency}.", listId=new.list_id)
    if old and old.starts_at <= at:
        ends = max(new.ends_at, at) if new.ends_at else ""
        if new.price != old.price or not (old.ends_at and ends):
            raise PlanRunning(f"{old.list_id} has begun; only its end can be moved.", listId=old.list_id)
        return replace(old, ends_at=ends)
    return replace(new, starts_at=max(new.starts_at, at), replaces=base)


def run_due() -> int:
    """Look at every book that is due; the number of decisions. Run twice, or late, it decides the same."""
    now, decided = clock.timestamp(), 0
    for shard in range(SHARDS):
        waiting = [sku for sku, moment in store.due(shard, limit=_AT_ONCE) if moment <= now]
        for sku, sheet in store.sheets(waiting).items():
            try:
                decided += look_at(sku, sheet)
            except BookChanged:
                log.info("prices changed meanwhile", sku=sku)
    return decided


def look_at(sku: str, sheet: Sheet) -> int:
    """Announce what plans want the base to be, if it is not; 1 for a decision. Raises BookChanged.

    What was decided is told again at every look until the catalog has carried it out.
    """
    at = clock.timestamp()
    outlook = plans.looked_at(sheet.book.entries, sheet.offer.price, at)
    writes = _decided(sheet, outlook, at) if outlook.price != sheet.offer.price else []
    changed = outlook.entries != sheet.book.entries or outlook.due != sheet.book.due
    if changed or writes:
        store.save(replace(sheet.book, entries=outlook.entries, due=outlook.due), *writes)
    return int(bool(writes))


def _decided(sheet: Sheet, outlook: Outlook, at: str) -> list[Write]:
    offer = sheet.offer
    decision = Decision(
        id=decision_id(offer.sku, outlook.plan_id, outlook.moment, offer.price, outlook.price),
        sku=offer.sku,
        at=outlook.moment,
        kind="plan",
        by=outlook.plan_id,
        before=offer.price,
        after=outlook.price,
    )
    log.info("price decided", sku=offer.sku, decision=decision.id, plan=outlook.plan_id, at=at)
    return [rulestore.noted(decision), store.told(announced(decision, offer.vendor_id, offer.product_id))]


def given_up(sku: str) -> None:
    """The catalog cannot carry a decision out, now or later: take away the plans that have begun. Repeated, nothing."""
    for attempt in range(_TRIES):
        sheet, at = store.sheets([sku]).get(sku), clock.timestamp()
        if sheet is None:
            return
        kept = tuple(entry for entry in sheet.book.entries if not (entry.replaces and entry.starts_at <= at))
        if kept == sheet.book.entries:
            return
        try:
            outlook = plans.looked_at(kept, sheet.offer.price, at)
            store.save(replace(sheet.book, entries=outlook.entries, due=outlook.due))
            return
        except BookChanged:
            if attempt == _TRIES - 1:
                raise


def announced(decision: Decision, vendor_id: str, product_id: str) -> PriceDecided:
    return PriceDecided(
        decision_id=decision.id,
        vendor_id=vendor_id,
        product_id=product_id,
        sku=decision.sku,
        price=decision.after,
        expected=decision.before,
        reason=decision.kind,
    )


def decision_id(*parts: object) -> str:
    """The same for the same decision, however often it is made."""
    text = "|".join(str(part) for part in parts)
    return f"dec_{hashlib.sha256(text.encode()).hexdigest()[:26]}"


def product_born(skus: Iterable[str], at: str) -> None:
    """Begin the history of new SKUs at their present price. What changes later says what was before by itself."""

    def begun(sheet: Sheet) -> History:
        known = sheet.past.history
        return known if known.changes else known.with_change(at, None, sheet.offer.price)

    for sku in skus:
        _remember(sku, begun)


def price_changed(sku: str, *, at: str, before: Money, after: Money) -> None:
    """The catalog changed a base price: keep it, and let plans see whether they are done, overtaken or still good."""
    _remember(sku, lambda sheet: sheet.past.history.with_change(at, before, after))
    for attempt in range(_TRIES):
        sheet = store.sheets([sku]).get(sku)
        if sheet is None or not any(entry.replaces for entry in sheet.book.entries):
            return
        try:
            look_at(sku, sheet)
            return
        except BookChanged:
            if attempt == _TRIES - 1:
                raise


def _remember(sku: str, add: Callable[[Sheet], History]) -> None:
    for attempt in range(_TRIES):
        sheet = store.sheets([sku]).get(sku)
        if sheet is None or (known := add(sheet)) == sheet.past.history:
            return
        try:
            store.write(store.remembered(sku, sheet.past, known))
            return
        except BookChanged:
            if attempt == _TRIES - 1:
                raise


def claim_checked(sku: str, claim: Money, at: str) -> None:
    """Tell the vendor, once, if the price of a SKU is compared with one that was not to be had in the 30 days before.

    at: when it was claimed.
    """
    sheet = store.sheets([sku]).get(sku)
    if sheet is None:
        return
    offer, entries = sheet.offer, sheet.book.entries
    base, _ = planned(offer.price, entries, at)
    found = history.prior(sheet.past.history, entries, country="", base=base, at=at)
    if history.honest(claim, found):
        return
    lowest = found.lowest if found and found.reduced else None
    record = Decision(
        id=decision_id(sku, at, claim, lowest),
        sku=sku,
        at=at,
        kind="claim",
        by="compare-at",
        before=claim,
        after=lowest or base,
    )
    doubt = PriceClaimDoubted(
        vendor_id=offer.vendor_id, product_id=offer.product_id, sku=sku, claimed=claim, lowest=lowest
    )
    try:
        store.write(rulestore.noted_once(record), store.told(doubt))
    except AlreadyNoted:
        log.info("doubt was told", sku=sku)
