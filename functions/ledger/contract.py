"""Booking, as writes for the transactions in which money moves, and commission rules, as keys and pure functions.

A journal is one item: a name, and postings in one currency that sum to zero. Debits are positive, credits negative.
It is written once; of what is written only the state ever changes, once, from pending to posted or void. What was
booked wrongly is reversed by another journal.

    account                 normal side   what it holds
    provider:<name>         debit         what a payment provider owes us
    provider_fees           debit         what providers kept
    bank                    debit         what has arrived on our bank account
    vendor:<id>             credit        what we owe a vendor; a debit balance is what the vendor owes us
    commission              credit        our share of the sales
    tax:<country>           credit        what we owe the tax office of a country, or of a part of it (`tax:US-CA`)
    promotions              debit         what we paid of the discounts that customers got
    customer_credit:<id>    credit        what a customer may spend, or is still to be paid back
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from zlib import crc32

import orjson

from ledger.manifest import MANIFEST as MANIFEST
from ledger.model import STANDARD as STANDARD
from ledger.model import Rule as Rule
from ledger.model import Rules as Rules
from ledger.model import commission_of as commission_of
from market import clock
from market.errors import Conflict, NotFound, Problem
from market.money import CURRENCIES, MAX_AMOUNT, Money
from market.table import NEW, Item, Key, Write, put, update

COMMISSION, PROVIDER_FEES, BANK, PROMOTIONS = "commission", "provider_fees", "bank", "promotions"
PENDING, POSTED, VOID = "pending", "posted", "void"
SHARDS = 4
"""Lists of one day, so that a busy day is not one partition."""

MAX_POSTINGS = 250
EVERYONE = "*"
_ACCOUNT = re.compile(
    r"commission|provider_fees|bank|promotions|tax:[A-Z]{2}(-[A-Z0-9]{1,3})?|provider:[a-z][a-z0-9_]{0,31}|(vendor|customer_credit):[\w.-]{1,100}",
    re.ASCII,
)
_NAME = re.compile(r"[A-Za-z0-9][\w.:-]{0,119}", re.ASCII)


class AlreadyBooked(Conflict):
    """The order has a journal of this name."""

    code, title = "already_booked", "Already booked"


class NotBooked(NotFound):
    """The order has no journal of this name."""

    code, title = "not_booked", "Not booked"


class AlreadyPosted(Conflict):
    """The journal is posted; only a reversal undoes it."""

    code, title = "already_posted", "Already posted"


class AlreadyVoid(Conflict):
    """The journal is void and stays so."""

    code, title = "already_void", "Already void"


class Unbookable(ValueError):
    """An account, a name, a currency or an amount that the book does not have: a programming error."""


class Unbalanced(Unbookable):
    """The postings do not sum to zero, or not to the vendors' shares: an error that must never reach the book."""


@dataclass(frozen=True, slots=True)
class Posting:
    """One side of an entry. amount: minor units, debit > 0, credit < 0."""

    account: str
    amount: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """How what a vendor gets came about, in minor units; all of it negative where money goes back.

    gross: what customers paid for the vendor's part, and `subsidy` what we paid of their discounts; of that went
    commission, tax and fees.
    """

    vendor_id: str
    gross: int
    commission: int
    tax: int = 0
    fees: int = 0
    subsidy: int = 0

    @property
    def net(self) -> int:
        """What the vendor's account is credited."""
        return self.gross + self.subsidy - self.commission - self.tax - self.fees


@dataclass(frozen=True, slots=True, kw_only=True)
class Journal:
    """One booked fact, such as `sale`; its postings sum to zero.

    at: when it was booked; moved_at: when a pending one was posted or voided, else empty. number: the order's number,
    where it was told.
    """

    order_id: str
    name: str
    currency: str
    at: str
    postings: tuple[Posting, ...]
    state: str = POSTED
    moved_at: str = ""
    number: str = ""
    shares: tuple[Share, ...] = ()

    @property
    def posted_at(self) -> str:
        """From when on it counts; empty for one that does not."""
        return (self.moved_at or self.at) if self.state == POSTED else ""


def provider(name: str) -> str:
    return f"provider:{name}"


def vendor(vendor_id: str) -> str:
    return f"vendor:{vendor_id}"


def tax(place: str) -> str:
    """place: ISO 3166-1 alpha-2, or ISO 3166-2 where a part of a country has a tax of its own."""
    return f"tax:{place}"


def customer_credit(customer_id: str) -> str:
    return f"customer_credit:{customer_id}"


def side_of(account: str) -> str:
    """The normal side of an account: `debit` or `credit`."""
    return "debit" if account.partition(":")[0] in ("provider", PROVIDER_FEES, BANK, PROMOTIONS) else "credit"


def debit(account: str, money: Money) -> Posting:
    return Posting(account, money.amount)


def credit(account: str, money: Money) -> Posting:
    return Posting(account, -money.amount)


def journal_key(order_id: str, name: str) -> Key:
    return Key(f"LED#{order_id}", name)


def book(
    order_id: str,
    name: str,
    currency: str,
    postings: Sequence[Posting],
    *,
    state: str = POSTED,
    number: str = "",
    shares: Sequence[Share] = (),
) -> Write:
    """Book a journal once per order and name. Raises Unbalanced or Unbookable; AlreadyBooked from the transaction.

    state: `posted`, or `pending` for money that is promised but not certain, to be ended by `post` or `void`.
    number, shares: for vendors' statements; a share's net is what its vendor is credited here.
    """
    _require_sound(order_id, name, currency, postings, shares)
    if state not in (PENDING, POSTED):
        raise Unbookable(f"{name} of {order_id} cannot begin as {state}")
    now = clock.timestamp()
    item: Item = {
        "currency": currency,
        "state": state,
        "at": now,
        "postings": orjson.dumps([[p.account, p.amount] for p in postings if p.amount]).decode(),
        "by1pk": day_list(now[:10], order_id),
        "by1sk": f"{now}#{order_id}#{name}",
    }
    if number:
        item["number"] = number
    if shares:
        item["shares"] = orjson.dumps(list(map(_share_row, shares))).decode()
    return put(journal_key(order_id, name), item, when=NEW, otherwise=AlreadyBooked(f"{name} is booked."))


def post(order_id: str, name: str) -> Write:
    """Let a pending journal count. Raises AlreadyPosted, AlreadyVoid or NotBooked from the transaction."""
    return _move(order_id, name, POSTED)


def void(order_id: str, name: str) -> Write:
    """Let a pending journal never count. Raises AlreadyPosted, AlreadyVoid or NotBooked from the transaction."""
    return _move(order_id, name, VOID)


def reverse(journal: Journal) -> Write:
    """Undo a posted journal by its opposite, once. Raises Unbookable for one that is not posted; AlreadyBooked."""
    if journal.state != POSTED:
        raise Unbookable(f"{journal.name} of {journal.order_id} is {journal.state}: there is nothing to reverse")
    return book(
        journal.order_id,
        f"reversal-{journal.name}",
        journal.currency,
        [Posting(posting.account, -posting.amount) for posting in journal.postings],
        number=journal.number,
        shares=[
            Share(
                vendor_id=share.vendor_id,
                gross=-share.gross,
                commission=-share.commission,
                tax=-share.tax,
                fees=-share.fees,
                subsidy=-share.subsidy,
            )
            for share in journal.shares
        ],
    )


def read_journal(item: Mapping[str, Any]) -> Journal:
    """What is stored, as it is or as JSON lines tell it."""
    return Journal(
        order_id=item["pk"].removeprefix("LED#"),
        name=item["sk"],
        currency=item["currency"],
        at=item["at"],
        postings=tuple(Posting(*row) for row in orjson.loads(item["postings"])),
        state=item.get("state", POSTED),
        moved_at=item.get("moved_at", ""),
        number=item.get("number", ""),
        shares=tuple(
            Share(vendor_id=row[0], **dict(zip(_SHARE, row[1:], strict=False)))
            for row in orjson.loads(item.get("shares", "[]"))
        ),
    )


def day_list(day: str, order_id: str) -> str:
    """The partition of an index that lists an order's journals of a day (`2026-11-21`, UTC)."""
    return f"LED#{day}#{crc32(order_id.encode()) % SHARDS}"


def commission_keys(vendor_ids: Iterable[str]) -> list[Key]:
    """The documents that decide on these vendors' commission: one of each, and one for all."""
    return [Key(f"COM#{EVERYONE}"), *(Key(f"COM#{vendor_id}") for vendor_id in dict.fromkeys(vendor_ids))]


def read_rules(items: Iterable[Mapping[str, Any]]) -> Rules:
    """The rules in what `commission_keys` brought; items of other kinds are passed over."""
    found: dict[str, tuple[Rule, ...]] = {}
    for item in items:
        prefix, _, owner = str(item["pk"]).partition("#")
        if prefix == "COM":
            vendor_id = "" if owner == EVERYONE else owner
            found[vendor_id] = tuple(_rule(vendor_id, stored) for stored in orjson.loads(item["rules"]))
    return found


def compact_rules(rules: Iterable[Rule]) -> str:
    """Rules as stored."""
    return orjson.dumps([_stored(rule) for rule in rules]).decode()


def _stored(rule: Rule) -> dict[str, Any]:
    amounts = {name: getattr(rule, name) for name in _AMOUNTS}
    plain = {"category": rule.category, "since": rule.since, "until": rule.until, "priority": rule.priority}
    kept = {name: value for name, value in plain.items() if value}
    kept |= {name: [money.amount, money.currency] for name, money in amounts.items() if money}
    return kept | ({} if rule.basis_points is None else {"basis_points": rule.basis_points})


def _rule(vendor_id: str, stored: Mapping[str, Any]) -> Rule:
    amounts = {name: Money(*stored[name]) for name in _AMOUNTS if name in stored}
    return Rule(vendor_id=vendor_id, **{**stored, **amounts})


_AMOUNTS = ("per_unit", "per_order", "least", "most")


_SHARE = ("gross", "commission", "tax", "fees", "subsidy")


def _share_row(share: Share) -> list[str | int]:
    """[vendor, gross, commission, tax, fees], and the subsidy where there is one."""
    row: list[str | int] = [share.vendor_id, share.gross, share.commission, share.tax, share.fees]
    return [*row, share.subsidy] if share.subsidy else row


def _move(order_id: str, name: str, state: str) -> Write:
    now = clock.timestamp()
    return update(
        journal_key(order_id, name),
        "SET state = :state, moved_at = :now, by2pk = :day, by2sk = :place",
        {
            ":state": state,
            ":now": now,
            ":day": day_list(now[:10], order_id),
            ":place": f"{now}#{order_id}#{name}",
            ":pending": PENDING,
        },
        when="state = :pending",
        otherwise=_not_pending,
    )


def _not_pending(found: Item | None) -> Problem:
    if found is None:
        return NotBooked("There is no such journal.")
    name = found["sk"]
    return AlreadyVoid(f"{name} is void.") if found.get("state") == VOID else AlreadyPosted(f"{name} is posted.")


def _require_sound(
    order_id: str, name: str, currency: str, postings: Sequence[Posting], shares: Sequence[Share]
) -> None:
    if not _NAME.fullmatch(name) or not _NAME.fullmatch(order_id):
        raise Unbookable(f"{order_id[:40]!r} or {name[:40]!r} cannot name a journal")
    if currency not in CURRENCIES:
        raise Unbookable(f"{currency[:10]!r} is no currency")
    if len(postings) > MAX_POSTINGS:
        raise Unbookable(f"{name} has {len(postings)} postings")
    credited: dict[str, int] = {}
    for posting in postings:
        if not _ACCOUNT.fullmatch(posting.account):
            raise Unbookable(f"there is no account {posting.account[:60]!r}")
        if abs(posting.amount) > MAX_AMOUNT:
            raise Unbookable(f"{name} moves more than the book holds")
        credited[posting.account] = credited.get(posting.account, 0) - posting.amount
    if sum(credited.values()) != 0:
        raise Unbalanced(f"{name} is out by {-sum(credited.values())}")
    for share in shares:
        if share.net != credited.get(vendor(share.vendor_id), 0):
            raise Unbalanced(f"{name} credits {share.vendor_id} another amount than its share")
