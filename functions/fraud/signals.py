"""What is remembered of accounts, cards, addresses and mail domains: one small item each, under a keyed hash.

An item holds a set of uses for each of the last days, by the day's number: `d20777 = {"<seconds>.<order>.<account>.
<card>.<ip>", …}`, all but the time as short tags. Adding to a set is the same however often it is done, a day that has
passed is removed by the next writer, and a day that is full is left alone: so an item stays small, needs no version,
and one that everybody shares stops being written. Nothing in it names a person, a card or an address.
"""

import hashlib
import hmac
from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import Any

from fraud import facts as cleaned
from fraud.known import COMMON
from fraud.model import Facts, History, Use
from market import clock
from market.money import Money
from market.table import Key, Write, update

DAYS = 8
LONGEST_MINUTES = 7 * 24 * 60
"""The longest window of a rule."""
COUNTED_A_DAY = 32
"""Uses of one subject that are kept of a day: counting stops there, and limits are below it."""
KEPT = timedelta(days=30)
KEPT_HISTORY = timedelta(days=400)
_DAY = 86_400
_SET, _FIRST = "d", "first_seen"


def hashed(key: bytes, kind: str, value: str) -> str:
    """What stands for a value in keys: nobody without our secret can make or reverse it."""
    return hmac.new(key, f"{kind}:{value}".encode(), hashlib.sha256).hexdigest()[:32]


def subjects(facts: Facts, key: bytes) -> dict[str, Key]:
    """The items that remember a payment's subjects, of those that are known."""
    known = {"account": facts.account, "card": facts.card, "ip": facts.ip, "domain": facts.domain}
    if known["domain"] in COMMON:
        del known["domain"]
    return {kind: Key(f"FRD#seen#{hashed(key, kind, value)}") for kind, value in known.items() if value}


def account_key(account: str, key: bytes) -> Key:
    """The item of an account, which holds its history too."""
    return Key(f"FRD#seen#{hashed(key, 'account', account)}")


def marks(facts: Facts, key: bytes) -> dict[Key, str]:
    """The entries of lists that may name one of the facts, with the kind of each."""
    known = [("account", facts.account), ("card", facts.card), ("ip", facts.ip), ("email", facts.email)]
    known += [("domain", name) for name in cleaned.parents(facts.domain)]
    known += [("bin", facts.bin), ("bin", facts.bin[:6])]
    return {mark_key(kind, value, key): kind for kind, value in known if value}


def mark_key(kind: str, value: str, key: bytes) -> Key:
    return Key(f"FRD#mark#{hashed(key, kind, value)}")


def use_of(facts: Facts, key: bytes) -> Use:
    """This payment, as it is remembered."""
    tags = {"account": facts.account, "card": facts.card, "ip": facts.ip}
    short = {kind: hashed(key, kind, value)[:6] if value else "" for kind, value in tags.items()}
    return Use(clock.epoch(), facts.order_id[-8:], **short)


def read_uses(item: Mapping[str, Any] | None) -> tuple[Use, ...]:
    """What is remembered, oldest first; uses are never in the future of one another, so ties do not matter."""
    texts = (text for name, texts in (item or {}).items() if _is_day(name) for text in texts)
    return tuple(sorted(map(_use, texts), key=lambda use: (use.at, use.order)))


def read_history(item: Mapping[str, Any] | None) -> History:
    found = item or {}
    currencies = [name.removeprefix("n_") for name, count in found.items() if name.startswith("n_") and count > 0]
    return History(
        first_seen=found.get(_FIRST),
        paid={currency: (found[f"n_{currency}"], found[f"sum_{currency}"]) for currency in currencies},
        refused=found.get("refused", 0),
        refunded=found.get("refunded", 0),
    )


def remember(
    use: Use, keys: Mapping[str, Key], found: Mapping[Key, Mapping[str, Any]], admitted: Money | None
) -> list[Write]:
    """The writes that add a use to its subjects, and what was admitted to the account's history.

    None for subjects that are full today.
    """
    return [
        _remembered(use, kind, key, found.get(key, {}), admitted)
        for kind, key in keys.items()
        if not _full(use, key, found)
    ]


def history(account: str, key: bytes, change: str, paid: Money | None = None, sign: int = 1) -> Write:
    """Change what became of an account's orders: `refused` or `refunded` count one more, paid ones as `sign` says."""
    added, values = [f"{change} :one"] if change else [], {":one": 1} if change else {}
    if paid:
        added += [f"n_{paid.currency} :n", f"sum_{paid.currency} :sum"]
        values |= {":n": sign, ":sum": sign * paid.amount}
    values |= {":until": clock.epoch(KEPT_HISTORY)}
    return update(account_key(account, key), f"ADD {', '.join(added)} SET expires_at = :until", values)


def _remembered(use: Use, kind: str, key: Key, item: Mapping[str, Any], admitted: Money | None) -> Write:
    today = use.at // _DAY
    stale = sorted(name for name in item if _is_day(name) and int(name[1:]) <= today - DAYS)
    sets, values = "expires_at = :until", {":use": {_text(use)}, ":until": clock.epoch(KEPT)}
    if kind == "account":
        sets += f", {_FIRST} = if_not_exists({_FIRST}, :now)"
        values |= {":until": clock.epoch(KEPT_HISTORY), ":now": use.at}
    adds = f"{_SET}{today} :use"
    if kind == "account" and admitted:
        adds += f", n_{admitted.currency} :n, sum_{admitted.currency} :sum"
        values |= {":n": 1, ":sum": admitted.amount}
    removes = f" REMOVE {', '.join(stale)}" if stale else ""
    return update(key, f"ADD {adds} SET {sets}{removes}", values)


def _full(use: Use, key: Key, found: Mapping[Key, Mapping[str, Any]]) -> bool:
    return len(found.get(key, {}).get(f"{_SET}{use.at // _DAY}", ())) >= COUNTED_A_DAY


def _is_day(name: str) -> bool:
    return name[:1] == _SET and name[1:].isdigit()


def _text(use: Use) -> str:
    return ".".join((str(use.at), use.order, use.account, use.card, use.ip))


def _use(text: str) -> Use:
    at, *tags = text.split(".")
    return Use(int(at), *tags)


def masked(facts: Facts) -> dict[str, str]:
    """The facts as staff may see them: enough to judge by, nothing to call, write or charge."""
    host = facts.ip.partition("/")[0]
    shown = {
        "bin": facts.bin,
        "card": f"card {facts.card[-4:]}" if facts.card else "",
        "cardCountry": facts.card_country,
        "addressCountry": facts.address_country,
        "ipCountry": facts.ip_country,
        "ip": f"{host.rpartition('.')[0]}.x" if "." in host else ":".join(host.split(":")[:3]) if host else "",
        "mail": f"{facts.email[:1]}***@{facts.domain}" if facts.domain else "",
        "guest": "yes" if facts.guest else "",
    }
    return {name: value for name, value in shown.items() if value}


def counts(use: Use, uses: Mapping[str, Iterable[Use]]) -> dict[str, int]:
    """How often each subject was seen within a day, this payment included."""
    return {
        kind: len({one.order for one in earlier if one.at > use.at - _DAY} | {use.order})
        for kind, earlier in sorted(uses.items())
    }
