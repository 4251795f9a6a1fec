"""What rules do: they are asked when something is sold, when their hours turn, when a cooldown ends, and when somebody
tells what a competitor asks.

Whoever asks, and however often: facts are read anew each time, a decision is fenced by the state that it was made on,
and the cooldown begins in the same transaction. So a late, repeated or lost question moves no price twice.
"""

from collections.abc import Iterable
from contextlib import suppress
from dataclasses import replace

from inventory.contract import Offer
from market import clock, log
from market.errors import Conflict, NotFound, Problem
from prices import plans, rules, rulestore, store
from prices.events import PriceSuggested, SuggestionReason
from prices.rules import SUGGEST, Facts, Rule, State, Verdict
from prices.rulestore import AlreadyAccepted, Decision, Rulebook, RulesChanged, StateChanged
from prices.service import announced, decision_id
from prices.store import Sheet

_AT_ONCE = 100


class SuggestionOutdated(Conflict):
    """Something else decided on the price since the suggestion was made."""

    code, title = "suggestion_outdated", "The suggestion is outdated"


_LOOK_AGAIN = 30
"""Minutes until a SKU is looked at again whose rule still applies: nobody tells us that stock came back."""


def set_rules(book: Rulebook, new: Iterable[Rule], *, by: str) -> Rulebook:
    """Replace a vendor's rules and have them asked within minutes. Raises RulesChanged."""
    now = clock.timestamp()
    changed = replace(book, rules=tuple(new), changed_at=now, changed_by=by)
    rulestore.save_rules(changed, turn=now if changed.rules else "")
    return replace(changed, version=book.version + 1)


def accept(vendor_id: str, sku: str, decision_id: str, *, by: str) -> Problem | Decision:
    """Let the base price become what a rule suggested: the suggestion, or what is in the way.

    Repeated, it is told once. The catalog carries it out, if the price still is what it was when it was suggested; it
    then is the vendor's own price, from which rules start anew.
    """
    sheet, found = store.sheets([sku]).get(sku), rulestore.suggestion(sku, decision_id)
    if sheet is None or sheet.offer.vendor_id != vendor_id or found is None:
        return NotFound("There is no such suggestion.")
    if found.accepted_at:
        return found
    if sheet.offer.price != found.before or _planned(sheet, clock.timestamp()):
        return SuggestionOutdated("The price is another by now.", sku=sku)
    told = announced(replace(found, kind="accepted"), vendor_id, sheet.offer.product_id)
    try:
        store.write(rulestore.accepted(found, by=by), store.told(told))
    except AlreadyAccepted:
        log.info("suggestion was accepted", sku=sku, decision=decision_id)
    return found


def sold(customer_id: str, order_id: str, at: str) -> None:
    """An order was paid: count it where rules ask for demand, and ask the rules of what was sold."""
    order = store.order_of(customer_id, order_id)
    books = rulestore.rulebooks({line.vendor_id for line in order.lines})
    units: dict[str, tuple[int, str, str]] = {}
    for line in order.lines:
        seen, _, _ = units.get(line.sku, (0, "", ""))
        units[line.sku] = seen + line.quantity, line.vendor_id, line.category
    for sku, (quantity, vendor_id, category) in units.items():
        asked = [rule for rule in _rules(books, vendor_id) if rule.covers(sku, category)]
        if any(rule.trigger.kind == "demand" for rule in asked):
            rulestore.count_sale(sku, order_id, quantity, at)
        if asked:
            ask(sku)


def _rules(books: dict[str, Rulebook], vendor_id: str) -> tuple[Rule, ...]:
    return books[vendor_id].rules if vendor_id in books else ()


def ask(sku: str) -> bool:
    """Let the vendor's rules look at a SKU; whether they decided or suggested something."""
    sheet = store.sheets([sku]).get(sku)
    if sheet is None or not sheet.offer.active:
        return False
    asked = [rule for rule in rulestore.rulebook(sheet.offer.vendor_id).rules if rule.covers(sku, sheet.offer.category)]
    state, now = rulestore.state(sku), clock.timestamp()
    facts = _facts(sheet.offer, asked, now)
    try:
        if not asked or _planned(sheet, now):
            _rest(sku, state, asked, now)
            return False
        if rules.own_wish(facts, state):
            rulestore.save_state(sku, rules.rested(asked, facts, state), due="")
            return False
        verdict = rules.judged(asked, facts, state)
        if verdict:
            _keep(sheet.offer, verdict, now)
        else:
            _rest(sku, state, asked, now)
        return verdict is not None
    except StateChanged:
        log.info("somebody else decided", sku=sku)
        return False


def ask_later(sku: str) -> None:
    """Have the rules look at a SKU once the cooldown is over that keeps them from it now."""
    state = rulestore.state(sku)
    if state.until > clock.timestamp() and not state.in_force:
        with suppress(StateChanged):
            rulestore.save_state(sku, state, due=state.until)


def _facts(offer: Offer, asked: Iterable[Rule], now: str) -> Facts:
    wanted: dict[int, int] = {}
    for rule in asked:
        if rule.trigger.kind == "demand":
            wanted[rule.trigger.hours] = max(wanted.get(rule.trigger.hours, 0), 2 * rule.trigger.units)
    sold = {hours: rulestore.sold(offer.sku, hours, enough=enough) for hours, enough in wanted.items()}
    watched = any(rule.trigger.kind == "competitor" for rule in asked)
    signals = rulestore.signals(offer.sku)[0] if watched else ()
    return Facts(offer.sku, offer.category, offer.price, offer.available, now, sold, signals)


def _planned(sheet: Sheet, now: str) -> bool:
    """Whether a plan decides on the base price at present: rules keep out of its way."""
    outlook = plans.looked_at(sheet.book.entries, sheet.offer.price, now)
    running = any(entry.replaces and entry.runs(now) for entry in outlook.entries)
    return running or outlook.price != sheet.offer.price


def _rest(sku: str, state: State, asked: list[Rule], now: str) -> None:
    """Nothing to decide: come back later where a rule is in force and could still want the price back."""
    if state.version and now >= state.until:
        due = rulestore.later(now, _LOOK_AGAIN) if asked and state.in_force else ""
        rulestore.save_state(sku, state, due=due)


def _keep(offer: Offer, verdict: Verdict, now: str) -> None:
    """The decision, its record, its event and the cooldown, in one transaction. Raises StateChanged."""
    suggestion = verdict.mode == SUGGEST
    decision = Decision(
        id=decision_id(offer.sku, verdict.rule, verdict.state.version, verdict.price),
        sku=offer.sku,
        at=now,
        kind="suggestion" if suggestion else "rule",
        by=verdict.rule,
        before=offer.price,
        after=verdict.price,
        confidence=verdict.confidence,
        reasons=verdict.reasons,
    )
    event = _suggested(decision, offer) if suggestion else announced(decision, offer.vendor_id, offer.product_id)
    due = verdict.state.until if verdict.looks_again else ""
    rulestore.save_state(offer.sku, verdict.state, rulestore.noted(decision), store.told(event), due=due)
    log.info("price judged", sku=offer.sku, decision=decision.id, kind=decision.kind, rule=verdict.rule)


def _suggested(decision: Decision, offer: Offer) -> PriceSuggested:
    return PriceSuggested(
        decision_id=decision.id,
        vendor_id=offer.vendor_id,
        product_id=offer.product_id,
        sku=offer.sku,
        price=decision.after,
        present=decision.before,
        rule_id=decision.by,
        confidence=decision.confidence,
        reasons=[SuggestionReason(code=one.code, seen=one.seen, bound=one.bound) for one in decision.reasons],
    )


def run_due() -> int:
    """Ask rules whose hours have turned, and those whose cooldown is over; the number of decisions."""
    now, decided = clock.timestamp(), 0
    for vendor_id in rulestore.rules_due(now, limit=_AT_ONCE):
        book = rulestore.rulebook(vendor_id)
        decided += sum(ask(sku) for sku in sorted({sku for rule in book.rules if rule.active for sku in rule.skus}))
        try:
            rulestore.turned(book, rules.next_turn(book.rules, now))
        except RulesChanged:
            log.info("rules changed meanwhile", vendor_id=vendor_id)
    for shard in range(rulestore.SHARDS):
        decided += sum(ask(sku) for sku in rulestore.states_due(shard, now, limit=_AT_ONCE))
    return decided
