"""Verifies the chains of the audit log in the table, read with the operator's AWS credentials and no code of ours."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import orjson

from tools.audit_chain import CHAINS, START, Chain, End

JSON = dict[str, Any]
Ends = Mapping[int, list[End]]
KEPT = timedelta(days=400)
_AT_ONCE = 100


@dataclass(frozen=True)
class Table:
    """The table, by its name."""

    name: str
    client: Any

    def head(self, chain: int) -> tuple[int, str]:
        """(sequence, hash) of the end of a chain, as its head says."""
        item = self._get([f"AUH#{chain}"]).get(f"AUH#{chain}")
        return (int(item["sequence"]["N"]), item["hash"]["S"]) if item else (0, START)

    def exported(self) -> tuple[str, str] | None:
        """The last day that was exported, with its manifest's SHA-256."""
        item = self._get(["AUH#exported"]).get("AUH#exported")
        return (item["day"]["S"], item["sha256"]["S"]) if item else None

    def links(self, chain: int, end: int) -> Iterator[tuple[int, JSON | None]]:
        """Every place of a chain, with the link that is in it."""
        for start in range(1, end + 1, _AT_ONCE):
            places = {s: f"AUD#{chain}#{s:012d}" for s in range(start, min(start + _AT_ONCE, end + 1))}
            found = self._get(list(places.values()))
            yield from ((s, _link(chain, s, found[place]) if place in found else None) for s, place in places.items())

    def _get(self, places: list[str]) -> dict[str, JSON]:
        wanted = [{"pk": {"S": place}, "sk": {"S": "-"}} for place in places]
        found: dict[str, JSON] = {}
        while wanted:
            answer = self.client.batch_get_item(RequestItems={self.name: {"Keys": wanted, "ConsistentRead": True}})
            found |= {item["pk"]["S"]: item for item in answer["Responses"].get(self.name, ())}
            wanted = answer.get("UnprocessedKeys", {}).get(self.name, {}).get("Keys", [])
        return found


def verify_table(name: str, ends: Ends | None, last: tuple[str, str] | None) -> list[str]:
    """What is wrong with the chains in the table, on their own and against the files: where days ended, the last day.

    Entries leave the table after 400 days. With the files it is known whether those that are gone are as old as that;
    without, the first that is there is believed.
    """
    table, wrong = Table(name, boto3.client("dynamodb")), []
    exported = table.exported()
    if last and exported and exported[1] and last != exported:
        wrong.append(f"the files end on {last[0]}; exported is {exported[0]}, or another manifest of that day")
    for number in range(CHAINS):
        wrong += [f"table: {found}" for found in _verify(table, number, ends)]
    return wrong


def _verify(table: Table, number: int, ends: Ends | None) -> Iterator[str]:
    chain, (sequence, hash_) = Chain(number), table.head(number)
    known = {end.sequence: end for end in (ends or {}).get(number, ())}
    joined = True
    for place, link in table.links(number, sequence + 1):
        if place > sequence:
            if link is not None:
                yield f"chain {number}, entry {place} is after the end that the chain's head says"
        elif link is None:
            joined = False
            if not _may_be_gone(chain, place, ends):
                yield f"chain {number}, entry {place} was removed"
        else:
            if not joined:
                chain.sequence, chain.hash, joined = place - 1, link["previous"], True
            yield from chain.follow(link)
            if place in known and known[place].hash != chain.hash:
                yield f"chain {number}, entry {place} is not that of the files of {known[place].day}"
    if (chain.sequence, chain.hash) != (sequence, hash_):
        yield f"chain {number} ends at {chain.sequence}, its head says {sequence}"
    if max(known, default=0) > sequence:
        yield f"chain {number} was cut off at {sequence}: the files have more of it"


def _may_be_gone(chain: Chain, place: int, ends: Ends | None) -> bool:
    """Whether an entry that is not there was stored more than 400 days ago, as far as can be known."""
    oldest = (datetime.now(UTC) - KEPT + timedelta(days=1)).date().isoformat()
    if ends is None:
        return chain.recorded[:10] < oldest
    day = next((end for end in ends.get(chain.number, ()) if end.sequence >= place), None)
    return day is not None and day.first[:10] < oldest


def _link(chain: int, sequence: int, item: JSON) -> JSON:
    texts = {part: item[part]["S"] for part in ("recorded", "previous", "hash")}
    return {"chain": chain, "sequence": sequence, "entry": orjson.loads(item["entry"]["S"])} | texts
