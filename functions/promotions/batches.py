"""Codes of promotions: single ones by name, and batches of up to 10,000 that nobody can guess.

A batch is made in chunks, each called for by an event of the one before. Which codes it has follows from its id and our
key, so that a chunk made twice makes the same codes; what is there already is left alone, used or not.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

from market import clock, ids, log
from market.errors import Conflict, NotFound, Unprocessable
from market.events import announce
from market.table import NEW, Item, Key, Write, put, update
from promotions import store
from promotions.codes import drawn, is_pattern, normalised
from promotions.contract import Code, code_key, read_code
from promotions.events import PromotionCodesRequested
from promotions.manifest import MANIFEST
from promotions.model import ENDED, Promotion
from promotions.rules import NotPossible

MAX_BATCH = 10_000
MAX_USES = 100
"""Of one code, if it is limited: the code's item counts them. A code for many has its promotion's limit."""
_CHUNK = 500
_AT_ONCE = 90
_TRIES = 5


class CodeTaken(Conflict):
    """The code is in use already, perhaps for another promotion."""

    code, title = "code_taken", "The code is in use"


class NoSuchBatch(NotFound):
    code, title = "no_such_batch", "No such batch"


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """Codes to be made together, `made` of them by now. limit: uses of each, 0 without limit; until: their own end."""

    id: str
    promotion_id: str
    scope: str
    pattern: str
    count: int
    made: int = 0
    limit: int = 1
    until: str = ""
    created_at: str = ""


def add(promotion: Promotion, text: str, *, limit: int, until: str, customer_id: str = "") -> Code:
    """A code by name. Raises Unprocessable, NotPossible, or CodeTaken; the same again is the same code."""
    _require_open(promotion)
    code = normalised(text)
    if not code:
        raise _wrong("code", "A code has 3 to 40 letters and digits.")
    wanted = _code_item(promotion.id, promotion.scope, limit=limit, until=until, customer_id=customer_id)

    def refusal(found: Item | None) -> CodeTaken:
        taken = CodeTaken("This code is in use.")
        taken.extra["same"] = bool(found) and all((found or {}).get(name) == wanted.get(name) for name in _SAME)
        return taken

    try:
        store.TABLE.transact(put(code_key(code), wanted | _listed(promotion.id, "", code), when=NEW, otherwise=refusal))
    except CodeTaken as taken:
        if not taken.extra.pop("same"):
            raise
    return read_code(store.TABLE.get(code_key(code), consistent=True), code)


def request(promotion: Promotion, *, count: int, pattern: str, limit: int, until: str) -> Batch:
    """Have so many codes made after a pattern, beginning now. Raises Unprocessable or NotPossible."""
    _require_open(promotion)
    if not is_pattern(pattern):
        raise _wrong(
            "pattern", "A pattern has 8 to 40 letters, digits, dashes, and at least 8 times # for a drawn sign."
        )
    batch = Batch(
        id=ids.new("cpb"),
        promotion_id=promotion.id,
        scope=promotion.scope,
        pattern=pattern,
        count=count,
        limit=limit,
        until=until,
        created_at=clock.timestamp(),
    )
    again = Conflict("Please try again.")
    store.TABLE.transact(put(batch_key(promotion.id, batch.id), _item(batch), when=NEW, otherwise=again), _more(batch))
    return batch


def go_on(promotion_id: str, batch_id: str, made: int) -> None:
    """Make the next codes of a batch after so many, and call for those that follow. Repeated, it is harmless."""
    batch = get(promotion_id, batch_id)
    if batch.made != made or batch.made >= batch.count:
        return
    until = min(batch.count, made + _CHUNK)
    for start in range(made, until, _AT_ONCE):
        _make(batch, range(start, min(until, start + _AT_ONCE)))
    after = replace(batch, made=until)
    moved = update(
        batch_key(promotion_id, batch_id),
        "SET made = :until",
        {":until": until, ":made": made},
        when="made = :made",
        otherwise=Conflict("The batch went on meanwhile."),
    )
    store.TABLE.transact(moved, *([_more(after)] if after.made < after.count else []))
    log.info("codes made", promotion_id=promotion_id, batch_id=batch_id, made=until)


def get(promotion_id: str, batch_id: str) -> Batch:
    """Raises NoSuchBatch."""
    item = store.TABLE.get(batch_key(promotion_id, batch_id), consistent=True)
    if item is None:
        raise NoSuchBatch("There is no such batch.")
    return Batch(id=batch_id, promotion_id=promotion_id, **{name: item[name] for name in _STORED})


def codes_of(
    promotion_id: str, *, batch_id: str | None, limit: int, cursor: str | None
) -> tuple[list[Code], str | None]:
    """Codes of a promotion, or of one of its batches, with their uses; coupons that were claimed are not among them."""
    begins = "" if batch_id is None else f"{batch_id}#"
    page = store.TABLE.query(_list_of(promotion_id), index="by1", begins=begins, limit=limit, cursor=cursor)
    keys = [Key(item["pk"]) for item in page.items]
    found = store.TABLE.batch_get(keys)
    return [read_code(found[key]) for key in keys if key in found], page.next


def batch_key(promotion_id: str, batch_id: str) -> Key:
    return Key(f"CPB#{promotion_id}", batch_id)


def _make(batch: Batch, numbers: Iterable[int]) -> None:
    """Put codes that are not there yet, all in one go if none is, or else one by one."""
    numbers = list(numbers)
    try:
        store.TABLE.transact(*(_code(batch, number, 0) for number in numbers))
    except CodeTaken:
        for number in numbers:
            _make_one(batch, number)


def _make_one(batch: Batch, number: int) -> None:
    """The code of this number; another one where somebody else has it."""
    for attempt in range(_TRIES):
        try:
            store.TABLE.transact(_code(batch, number, attempt))
            return
        except CodeTaken as taken:
            if taken.extra.get("batch") == batch.id:
                return
    raise CodeTaken("Nearly all codes of this pattern are in use.")


def _code(batch: Batch, number: int, attempt: int) -> Write:
    code = drawn(batch.pattern, batch.id, str(number), str(attempt))

    def refusal(found: Item | None) -> CodeTaken:
        return CodeTaken("This code is in use.", batch=(found or {}).get("batch_id", ""))

    item = _code_item(batch.promotion_id, batch.scope, limit=batch.limit, until=batch.until) | {"batch_id": batch.id}
    return put(code_key(code), item | _listed(batch.promotion_id, batch.id, code), when=NEW, otherwise=refusal)


def _code_item(promotion_id: str, scope: str, *, limit: int, until: str, customer_id: str = "") -> Item:
    item = {"promotion_id": promotion_id, "scope": scope, "limit": limit, "used": 0, "until": until}
    return item | ({"customer_id": customer_id} if customer_id else {})


_SAME = ("promotion_id", "limit", "until", "customer_id")
_STORED = ("scope", "pattern", "count", "made", "limit", "until", "created_at")


def _item(batch: Batch) -> dict[str, Any]:
    return {name: getattr(batch, name) for name in _STORED}


def _listed(promotion_id: str, batch_id: str, code: str) -> Item:
    return {"by1pk": _list_of(promotion_id), "by1sk": f"{batch_id}#{code}"}


def _list_of(promotion_id: str) -> str:
    return f"CPN#of#{promotion_id}"


def _more(batch: Batch) -> Write:
    wanted = PromotionCodesRequested(promotion_id=batch.promotion_id, batch_id=batch.id, made=batch.made)
    return announce(wanted, by=MANIFEST)


def _require_open(promotion: Promotion) -> None:
    if not promotion.needs_code:
        raise NotPossible("This promotion needs no code.", status=promotion.status)
    if promotion.status == ENDED:
        raise NotPossible("The promotion has ended.", status=promotion.status)


def _wrong(field: str, text: str) -> Unprocessable:
    return Unprocessable(
        "The codes cannot be like this.",
        errors=[{"field": f"body.{field}", "code": "value_not_allowed", "message": text}],
    )
