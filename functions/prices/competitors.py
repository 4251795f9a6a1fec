"""What competitors ask, as vendors and their programs tell it, and the rules that look at it."""

from collections.abc import Sequence
from dataclasses import dataclass

from market import clock
from market.errors import NotFound, Problem, Unprocessable
from prices import moving, rules, rulestore, store
from prices.rules import Signal
from prices.rulestore import SignalsChanged
from prices.store import Sheet

_TRIES = 4


class OtherCurrency(Unprocessable):
    """A price in another currency than the SKU's says nothing to rules, whose bounds are in that."""

    code, title = "other_currency", "Another currency than the SKU's"


@dataclass(frozen=True, slots=True)
class Report:
    """What somebody saw a competitor ask for a SKU."""

    sku: str
    signal: Signal


def note(vendor_id: str, reports: Sequence[Report]) -> dict[str, Problem | None]:
    """Keep what competitors ask for the vendor's SKUs, and ask the rules that look at it; what is in the way, by SKU.

    All reports of a SKU count or none. Of a competitor the youngest counts, however late or often others are told.
    """
    by_sku: dict[str, list[Signal]] = {}
    for report in reports:
        by_sku.setdefault(report.sku, []).append(report.signal)
    if not by_sku:
        return {}
    found = store.sheets(by_sku)
    outcomes = {sku: _noted(vendor_id, sku, own, found.get(sku)) for sku, own in by_sku.items()}
    watching = [rule for rule in rulestore.rulebook(vendor_id).rules if rule.trigger.kind == "competitor"]
    for sku, refused in outcomes.items():
        covered = refused is None and any(rule.covers(sku, found[sku].offer.category) for rule in watching)
        if covered and not moving.ask(sku):
            moving.ask_later(sku)
    return outcomes


def _noted(vendor_id: str, sku: str, signals: Sequence[Signal], sheet: Sheet | None) -> Problem | None:
    if sheet is None or sheet.offer.vendor_id != vendor_id:
        return NotFound(f"There is no SKU {sku}.")
    currency = sheet.offer.price.currency
    if any(signal.price.currency != currency for signal in signals):
        return OtherCurrency(f"{sku} is sold in {currency}.", sku=sku)
    refused: Problem | None = None
    for _ in range(_TRIES):
        known, version = rulestore.signals(sku)
        after = rules.with_signals(known, signals, clock.timestamp())
        if after == known:
            return None
        try:
            rulestore.save_signals(sku, after, version=version)
        except SignalsChanged as changed:
            refused = changed
        else:
            return None
    return refused
