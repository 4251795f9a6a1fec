"""The one DynamoDB table: conditional writes that name their error, transactions, queries with signed cursors.

A service makes its own `Table(MANIFEST)`; it refuses keys outside the service's prefixes and those of the contracts it
uses, and writes to those of which it only reads, as the function's role does on AWS (`dynamodb:LeadingKeys`). No scan.

Expressions are written with plain attribute names; every name is aliased, so that reserved words need no care.
"""

import base64
import binascii
import hashlib
import hmac
import random
import re
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextvars import ContextVar
from dataclasses import dataclass, replace
from typing import Any

import orjson
from botocore.exceptions import ClientError

from market import config
from market.errors import Invalid, Problem, Unavailable
from market.manifest import Manifest

Item = dict[str, Any]
Refusal = Problem | Callable[[Item | None], Problem]
"""The error of a failed condition: an instance, or a function of the item as it was found (None if there is none)."""

NEW = "attribute_not_exists(pk)"
EXISTS = "attribute_exists(pk)"
OUTBOX = "OUTBOX#"
MAX_ACTIONS = 99  # and one that is kept for the audit record
_PATIENCE, _TAG, _CONFLICT = 6, 12, "TransactionConflict"
_CONFLICTS = frozenset(("TransactionCanceledException", "TransactionInProgressException"))
Recorder = Callable[["Table", Sequence["Write"]], "Write | None"]
recorder: ContextVar[Recorder | None] = ContextVar("recorder", default=None)
"""Makes the audit record that belongs into a transaction with these writes; see `market.guard.audit`."""
_NAME = re.compile(r"(?<![:#\w])([A-Za-z_]\w*)(?!\w*\()")
_WORDS = frozenset(["SET", "ADD", "REMOVE", "DELETE", "AND", "OR", "NOT", "BETWEEN", "IN"])


class NotOwned(RuntimeError):
    """A service reached for a key that its manifest does not give it. A programming error, not a caller's."""


class Busy(Unavailable):
    """Others kept writing the same items; nothing was changed."""

    code, title = "busy", "Too many writers at once"


@dataclass(frozen=True, slots=True)
class Key:
    """A primary key."""

    pk: str
    sk: str = "-"


@dataclass(frozen=True, slots=True)
class Write:
    """One conditional write, made by `put`, `update`, `delete` or `check`; pure data until a table carries it out."""

    action: str
    key: Key
    request: Mapping[str, Any]
    otherwise: Refusal | None = None


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a query; `next` is a signed cursor or None at the end."""

    items: list[Item]
    next: str | None


def put(
    key: Key,
    item: Mapping[str, Any],
    *,
    when: str = "",
    values: Mapping[str, Any] | None = None,
    otherwise: Refusal | None = None,
) -> Write:
    whole = {"pk": key.pk, "sk": key.sk} | dict(item)
    return Write(
        "Put", key, {"Item": {k: _encode(v) for k, v in whole.items()}} | _expressions("", when, values), otherwise
    )


def update(
    key: Key,
    expression: str,
    values: Mapping[str, Any] | None = None,
    *,
    when: str = "",
    otherwise: Refusal | None = None,
) -> Write:
    return Write("Update", key, {"Key": _key(key)} | _expressions(expression, when, values), otherwise)


def delete(
    key: Key, *, when: str = "", values: Mapping[str, Any] | None = None, otherwise: Refusal | None = None
) -> Write:
    return Write("Delete", key, {"Key": _key(key)} | _expressions("", when, values), otherwise)


def check(key: Key, *, when: str, values: Mapping[str, Any] | None = None, otherwise: Refusal) -> Write:
    """Change nothing, but let the transaction fail unless the condition holds."""
    return Write("ConditionCheck", key, {"Key": _key(key)} | _expressions("", when, values), otherwise)


class Table:
    """The part of the table that one service may touch."""

    def __init__(self, manifest: Manifest, *contracts: Manifest) -> None:
        known = {other.service: other.prefixes for other in contracts}
        assert set(known) == {*manifest.uses, *manifest.reads}, "pass the manifests of exactly those used or read"
        self._owned = (OUTBOX, *manifest.prefixes, *(prefix for name in manifest.uses for prefix in known[name]))
        self._seen = (*self._owned, *(prefix for name in manifest.reads for prefix in known[name]))
        self.service = manifest.service

    def get(self, key: Key, *, consistent: bool = False) -> Item | None:
        """The item, or None."""
        answer = _client().get_item(TableName=_name(), Key=_key(self._mine(key, self._seen)), ConsistentRead=consistent)
        return decoded(answer["Item"]) if "Item" in answer else None

    def batch_get(self, keys: Iterable[Key], *, consistent: bool = False) -> dict[Key, Item]:
        """The items that exist, by key; 100 keys a request. Raises Busy when the table stops answering."""
        wanted = [_key(self._mine(key, self._seen)) for key in dict.fromkeys(keys)]
        found, attempt = dict[Key, Item](), 0
        while wanted:
            ask = {_name(): {"Keys": wanted[:100], "ConsistentRead": consistent}}
            answer = _client().batch_get_item(RequestItems=ask)
            for item in map(decoded, answer["Responses"].get(_name(), [])):
                found[Key(item["pk"], item["sk"])] = item
            unread = answer.get("UnprocessedKeys", {}).get(_name(), {}).get("Keys", [])
            attempt = _pause(attempt) if unread else 0
            wanted = wanted[100:] + unread
        return found

    def query(
        self,
        pk: str,
        *,
        index: str = "",
        begins: str = "",
        newest_first: bool = False,
        limit: int = 20,
        cursor: str | None = None,
        only: str = "",
        consistent: bool = False,
    ) -> Page:
        """One page of a partition, in the order of its sort key. Raises BadCursor for one not signed for this query.

        only: the one attribute to fetch, where the others would be parsed for nothing. consistent: not of an index.
        """
        self._mine(Key(pk), self._seen)
        names, values = {"#p": f"{index}pk"}, {":p": {"S": pk}}
        condition = "#p = :p"
        if begins:
            condition += " AND begins_with(#s, :s)"
            names, values = names | {"#s": f"{index}sk"}, values | {":s": {"S": begins}}
        scope = f"{self.service}|{index}|{pk}|{begins}|{newest_first}"
        request: dict[str, Any] = {
            "TableName": _name(),
            "KeyConditionExpression": condition,
            "ExpressionAttributeNames": names | ({"#o": only} if only else {}),
            "ExpressionAttributeValues": values,
            "ScanIndexForward": not newest_first,
            "Limit": limit,
        }
        optional = {"IndexName": index, "ProjectionExpression": only and "#o", "ConsistentRead": consistent}
        request |= {name: value for name, value in optional.items() if value}
        request |= {"ExclusiveStartKey": read_cursor(cursor, scope)} if cursor else {}
        answer = _client().query(**request)
        last = answer.get("LastEvaluatedKey")
        return Page([decoded(item) for item in answer["Items"]], sign_cursor(last, scope) if last else None)

    def write(self, write: Write) -> Item:
        """Carry out one write, or raise its `otherwise`. Returns the item after an update.

        After a lost answer botocore sends it again, so it may be carried out twice: for what must not be, such as an
        increment, use `transact`, which carries a token.
        """
        if recorder.get():
            self.transact(write)
            return self.get(write.key, consistent=True) or {}
        self._mine(write.key)
        request = dict(write.request) | {"TableName": _name()}
        if write.otherwise:
            request["ReturnValuesOnConditionCheckFailure"] = "ALL_OLD"
        if write.action == "Update":
            request["ReturnValues"] = "ALL_NEW"
        attempt = 0
        while True:
            try:
                answer = getattr(_client(), f"{write.action.lower()}_item")(**request)
                return decoded(answer.get("Attributes", {}))
            except ClientError as refused:
                code = refused.response["Error"]["Code"]
                if code == "ConditionalCheckFailedException" and write.otherwise:
                    raise _refusal(write, refused.response.get("Item")) from None
                if code != "TransactionConflictException":
                    raise
                attempt = _pause(attempt)

    def transact(self, *writes: Write) -> list[Key]:
        """Carry out all writes or none. Answers which items others were writing too, once for each time it had to wait.

        Raises the `otherwise` of the first write whose condition fails (the others' are in its `also`), so order them
        by meaning; Busy if others keep writing the same items. A repeated network request changes nothing twice:
        botocore sends a token.
        """
        writes = (*writes, *self._record(writes))
        actions = [self._action(write) for write in writes]
        attempt, met = 0, list[Key]()
        while True:
            try:
                _client().transact_write_items(TransactItems=actions)
                return met
            except ClientError as refused:
                if refused.response["Error"]["Code"] not in _CONFLICTS:
                    raise
                met += _conflicts(writes, refused.response.get("CancellationReasons", []))
                attempt = _pause(attempt)

    def batch_put(self, writes: Sequence[Write]) -> None:
        """Unconditional puts and deletes, 25 a request, retried until written; in no order, not all-or-nothing.

        Raises Busy when the table stops taking them.
        """
        whole = (*self._record(writes), *writes)  # the record first: a batch may stop half-way
        waiting = [_batch_entry(replace(write, key=self._mine(write.key))) for write in whole]
        attempt = 0
        while waiting:
            answer = _client().batch_write_item(RequestItems={_name(): waiting[:25]})
            unwritten = answer.get("UnprocessedItems", {}).get(_name(), [])
            attempt = _pause(attempt) if unwritten else 0
            waiting = waiting[25:] + unwritten

    def _record(self, writes: Sequence[Write]) -> list[Write]:
        entry = record(self, writes) if (record := recorder.get()) else None
        return [entry] if entry else []

    def _action(self, write: Write) -> dict[str, Any]:
        self._mine(write.key)
        body = dict(write.request) | {"TableName": _name()}
        if write.otherwise:
            body["ReturnValuesOnConditionCheckFailure"] = "ALL_OLD"
        return {write.action: body}

    def _mine(self, key: Key, prefixes: tuple[str, ...] = ()) -> Key:
        if not key.pk.startswith(prefixes or self._owned):
            raise NotOwned(f"{self.service} reached for {key.pk.partition('#')[0]}#")
        return key


def _conflicts(writes: Sequence[Write], reasons: Sequence[Mapping[str, Any]]) -> list[Key]:
    refusals = []
    for write, reason in zip(writes, reasons, strict=False):
        if reason.get("Code") == "ConditionalCheckFailed":
            refusals.append(_refusal(write, reason.get("Item")))
        elif reason.get("Code") in ("ValidationError", "ItemCollectionSizeLimitExceeded"):
            raise RuntimeError(f"{write.action} was refused: {reason.get('Message', '')[:200]}")
    if refusals:
        refusals[0].also = refusals[1:]
        raise refusals[0] from None
    return [write.key for write, reason in zip(writes, reasons, strict=False) if reason.get("Code") == _CONFLICT]


def _refusal(write: Write, found: Mapping[str, Any] | None) -> Problem:
    if write.otherwise is None:
        raise RuntimeError(f"{write.action} {write.key.pk.partition('#')[0]}# has a condition but names no error")
    named = write.otherwise
    return named if isinstance(named, Problem) else named(decoded(found) if found else None)


def _pause(attempt: int) -> int:
    """Full-jitter back-off, 10 ms doubling to 320 ms: conflicting transactions must not meet again.

    Raises Busy when patience ends.
    """
    if attempt == _PATIENCE:
        raise Busy("Please try again.") from None
    time.sleep(random.uniform(0, 0.01 * 2 ** min(attempt, 5)))  # noqa: S311 - not a secret
    return attempt + 1


def _batch_entry(write: Write) -> dict[str, Any]:
    conditional = write.action not in ("Put", "Delete") or "ConditionExpression" in write.request
    assert not conditional, "a batch has no conditions"
    return {f"{write.action}Request": {name: write.request[name] for name in ("Item", "Key") if name in write.request}}


def _expressions(update_text: str, when: str, values: Mapping[str, Any] | None) -> dict[str, Any]:
    names: dict[str, str] = {}

    def alias(match: re.Match[str]) -> str:
        if (word := match[1]) in _WORDS:
            return word
        names[f"#{word}"] = word
        return f"#{word}"

    request: dict[str, Any] = {}
    if update_text:
        request["UpdateExpression"] = _NAME.sub(alias, update_text)
    if when:
        request["ConditionExpression"] = _NAME.sub(alias, when)
    if names:
        request["ExpressionAttributeNames"] = names
    if values:
        request["ExpressionAttributeValues"] = {name: _encode(value) for name, value in values.items()}
    return request


def _client() -> Any:
    return config.client("dynamodb")


def _name() -> str:
    return config.setting("TABLE_NAME")


def _key(key: Key) -> dict[str, dict[str, str]]:
    return {"pk": {"S": key.pk}, "sk": {"S": key.sk}}


def _encode(value: Any) -> dict[str, Any]:
    """Python to DynamoDB JSON. Numbers are whole: money and counts have no fractions. Sets hold texts, at least one."""
    match value:
        case bool():
            return {"BOOL": value}
        case str():
            return {"S": value}
        case int():
            return {"N": str(value)}
        case None:
            return {"NULL": True}
        case list() | tuple():
            return {"L": [_encode(entry) for entry in value]}
        case dict():
            return {"M": {name: _encode(entry) for name, entry in value.items()}}
        case set() | frozenset() if value and all(isinstance(entry, str) for entry in value):
            return {"SS": sorted(value)}
    raise TypeError(f"cannot store a {type(value).__name__}")


def decoded(item: Mapping[str, Mapping[str, Any]]) -> Item:
    return {name: _decode(value) for name, value in item.items()}


def _decode(value: Mapping[str, Any]) -> Any:
    ((kind, content),) = value.items()
    match kind:
        case "S" | "BOOL":
            return content
        case "N":
            return int(content)
        case "NULL":
            return None
        case "L":
            return [_decode(entry) for entry in content]
        case "M":
            return decoded(content)
        case "SS":
            return set(content)
    raise TypeError(f"cannot read a {kind}")


class BadCursor(Invalid):
    """The cursor was altered, or belongs to another list."""

    code, title = "invalid_cursor", "Invalid cursor"


def sign_cursor(position: dict[str, Any], scope: str) -> str:
    """Seal a query position so that it can go round through a client; `scope` names the query."""
    body = orjson.dumps(position)
    return base64.urlsafe_b64encode(_tag(body, scope) + body).rstrip(b"=").decode()


def read_cursor(cursor: str, scope: str) -> dict[str, Any]:
    """The position sealed by `sign_cursor` for the same scope. Raises BadCursor for anything else."""
    try:
        sealed = base64.b64decode(cursor.encode("ascii") + b"=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        raise BadCursor("This cursor is not one of ours.") from None
    tag, body = sealed[:_TAG], sealed[_TAG:]
    if not hmac.compare_digest(tag, _tag(body, scope)):
        raise BadCursor("This cursor is not one of ours, or is for another list.")
    return dict(orjson.loads(body))


def _tag(body: bytes, scope: str) -> bytes:
    return hmac.new(config.key("cursor"), scope.encode() + b"\0" + body, hashlib.sha256).digest()[:_TAG]
