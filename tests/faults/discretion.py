"""I11 and I13: nobody was told of another, and no log line, error, event or parked message holds what is personal or
secret. Everybody has a name, a street, a mail address and an IP that are nobody else's, which gives a leak away.
"""

from collections.abc import Iterable, Iterator

import orjson

from payments.providers.sandbox import api_key
from tests.faults.crowd import CARDS, SHELVES, Crowd
from tests.faults.network import Answer

ROOT = "a-root-secret-for-tests-only"
_VENDORS = {vendor for vendor, _ in SHELVES.values()}


def violations(crowd: Crowd) -> list[str]:
    return [*_answers(crowd), *_errors(crowd), *_records(crowd)]


def _answers(crowd: Crowd) -> Iterator[str]:
    """I11: what customers and vendors were told, whether it arrived or not."""
    people = {person.id: person for person in crowd.people}
    for answer in crowd.checkout.answers:
        text = answer.given.body
        if answer.who in people:
            may_know = {answer.who, *crowd.readers.get(answer.who, ())}
            others = [word for person in crowd.people if person.id not in may_know for word in person.secrets]
            yield from _leaks("I11", others, text, answer)
        elif answer.who in _VENDORS:
            hidden = [word for person in crowd.people for word in (person.secrets[2], person.secrets[3])]
            hidden += [f'"sku":"{sku}"' for sku, (vendor, _) in SHELVES.items() if vendor != answer.who]
            yield from _leaks("I11", hidden, text.replace(" ", ""), answer)


def _errors(crowd: Crowd) -> Iterator[str]:
    """I13: refusals quote nothing of what was sent."""
    hidden = [*_personal(crowd), *_secret(crowd)]
    for answer in crowd.checkout.answers:
        if answer.given.status >= 500 and '"provider_unavailable"' not in answer.given.body:
            yield f"I13: {answer.asked} was answered {answer.given.status}: {answer.given.body[:200]}"
        if answer.given.status >= 400:
            yield from _leaks("I13", hidden, answer.given.body, answer)


def _records(crowd: Crowd) -> Iterator[str]:
    """I13: what lies where engineers look."""
    hidden = [*_personal(crowd), *_secret(crowd)]
    parked = [body for bodies in crowd.checkout.runtime.dead_letters().values() for body in bodies]
    places: dict[str, Iterable[str]] = {
        "a log line": crowd.checkout.log,
        "an event": (entry["Detail"] for entry in crowd.checkout.published),
        "a dead letter": parked,
        "an execution": (orjson.dumps(one).decode() for one in crowd.checkout.runtime.export()["executions"]),
    }
    for place, texts in places.items():
        whole = "\n".join(texts)
        for word in hidden:
            if (at := whole.find(word)) >= 0:
                yield f"I13: {place} says {whole[max(0, at - 200) : at + 60]!r}"


def _personal(crowd: Crowd) -> list[str]:
    return [word for person in crowd.people for word in person.secrets] + list(CARDS)


def _secret(crowd: Crowd) -> list[str]:
    return [ROOT, api_key(), *crowd.offered.values(), *(person.token for person in crowd.people if person.token)]


def _leaks(promise: str, hidden: Iterable[str], text: str, answer: Answer) -> Iterator[str]:
    for word in hidden:
        if word in text:
            yield f"{promise}: {word!r} is in the answer to {answer.asked} ({answer.given.status})"
