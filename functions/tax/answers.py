"""What a tax company answered, as it is kept for a while under a hash of the question. Pure.

    key = answer_key(provider, question)
    answer = read_kept(item, question.currency, now=now)        # of the item at the key; raises Unknown
    put(key, kept(answer, now=now), when=FREE, values={":now": now})

So a summary and the order after it have the same figures, and the company is asked once for each state of a cart. That
it gave no answer that counts is remembered too, for a shorter time: then the table counts for both.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import astuple
from typing import Any

import orjson

from market.money import Money
from market.table import Key
from tax.inquiry import Answer, LineAnswer, Question

FREE = "attribute_not_exists(expires_at) OR expires_at <= :now"
"""Condition under which an answer may be kept: the first one counts until its end. `:now`: seconds since 1970."""

_ANSWERED_SECONDS, _UNANSWERED_SECONDS, _SILENT_SECONDS = 1_800, 300, 30


class Unknown(Exception):
    """Nothing is kept, or it is too old."""


def answer_key(provider: str, question: Question) -> Key:
    """The same for the same goods, amounts, customer, places and day; the address is in it as a hash only."""
    lines = [
        (line.number, line.category, line.amount.amount, line.amount.currency, line.quantity, line.sku)
        for line in question.lines
    ]
    places = [astuple(place) for place in (question.destination, question.origin) if place]
    asked = (
        *(provider, question.at[:10], question.customer, question.inclusive, question.exemption),
        *(question.city, question.street, places, lines),
    )
    return Key(f"TXQ#{hashlib.sha256(orjson.dumps(asked)).hexdigest()[:32]}")


def silence_key(provider: str) -> Key:
    """Where it is said that the company does not answer at present, so that not everybody waits for it."""
    return Key(f"TXQ#silent#{provider}")


def kept(answer: Answer | None, *, now: int) -> dict[str, Any]:
    """The item's attributes besides its key. None: there was no answer that counts."""
    if answer is None:
        return {"provider": "", "expires_at": now + _UNANSWERED_SECONDS}
    rows = {number: [line.tax.amount, line.rate] for number, line in answer.lines.items()}
    return {
        "provider": answer.provider,
        "jurisdiction": answer.jurisdiction,
        "lines": orjson.dumps(rows).decode(),
        "expires_at": now + _ANSWERED_SECONDS,
    }


def silence(*, now: int) -> dict[str, Any]:
    return {"expires_at": now + _SILENT_SECONDS}


def is_kept(item: Mapping[str, Any] | None, *, now: int) -> bool:
    """Whether it still counts; the table deletes what is over only some time later."""
    return item is not None and item["expires_at"] > now


def read_kept(item: Mapping[str, Any] | None, currency: str, *, now: int) -> Answer | None:
    """What `kept` wrote. Raises Unknown."""
    if item is None or not is_kept(item, now=now):
        raise Unknown
    if not item["provider"]:
        return None
    lines = {
        number: LineAnswer(Money(tax, currency), rate) for number, (tax, rate) in orjson.loads(item["lines"]).items()
    }
    return Answer(item["provider"], lines, item["jurisdiction"])
