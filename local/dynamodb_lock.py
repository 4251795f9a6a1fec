"""moto's DynamoDB made fit for threads.

As it comes, moto has no lock (threads oversell and transactions tear), copies the whole table for every action
of a transaction, and ignores ClientRequestToken. `install` cures the three, once per process: one re-entrant
lock around every call, a copy of only the touched items for the way back, and a table of the tokens of the last
ten minutes. What stays: every query walks the whole table, so keep tables small.
"""

import copy
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping
from typing import Any

__all__ = ["install"]

_LOCK = threading.RLock()
_TOKENS: "OrderedDict[tuple[str, str], tuple[float, str]]" = OrderedDict()
_TOKEN_SECONDS = 600


def install() -> None:
    """Patch moto's classes; further calls do nothing."""
    from moto.dynamodb import models, responses
    from moto.dynamodb.models import table as tables

    handler: Any = responses.DynamoHandler
    backend: Any = models.DynamoDBBackend
    table: Any = tables.Table
    if getattr(handler, "locked", False):
        return
    handler.locked = True
    handler.call_action = _locked(handler.call_action)
    handler.transact_write_items = _once_per_token(handler.transact_write_items)
    backend.transact_write_items = _all_or_nothing(backend.transact_write_items)
    table.__deepcopy__ = lambda table, memo: table  # transact_write_items puts this "copy" back; see _all_or_nothing


def _locked(call: Callable[[Any], Any]) -> Callable[[Any], Any]:
    def call_action(handler: Any) -> Any:
        with _LOCK:
            return call(handler)

    return call_action


def _all_or_nothing(
    transact: Callable[[Any, list[dict[str, Any]]], None],
) -> Callable[[Any, list[dict[str, Any]]], None]:
    def transact_write_items(backend: Any, transact_items: list[dict[str, Any]]) -> None:
        before = list(_touched(backend, transact_items))
        try:
            transact(backend, transact_items)
        except BaseException:
            for table, hash_key, range_key, item in before:
                _restore(table, hash_key, range_key, item)
            raise

    return transact_write_items


def _touched(backend: Any, actions: list[dict[str, Any]]) -> Iterator[tuple[Any, Any, Any, Any]]:
    """Each item that the actions name, as it is now: its table, its two keys and a copy (None if there is none)."""
    for action in actions:
        body: Mapping[str, Any] = next(iter(action.values()))
        if body.get("TableName") not in backend.tables:
            continue
        table = backend.tables[body["TableName"]]
        try:
            hash_key, range_key = backend.get_keys_value(table, body.get("Key") or body["Item"])
        except Exception:  # noqa: S112 - malformed keys: moto itself refuses the transaction before it writes
            continue
        yield table, hash_key, range_key, copy.deepcopy(table.get_item(hash_key, range_key))


def _restore(table: Any, hash_key: Any, range_key: Any, item: Any) -> None:
    if item is None:
        partition = table.items.get(hash_key)
        if partition is None:
            return
        if range_key is None:
            table.items.pop(hash_key, None)
        else:
            partition.pop(range_key, None)
    elif range_key is None:
        table.items[hash_key] = item
    else:
        table.items[hash_key][range_key] = item


def _once_per_token(transact: Callable[[Any], Any]) -> Callable[[Any], Any]:
    def transact_write_items(handler: Any) -> Any:
        from moto.core.exceptions import JsonRESTError
        from moto.core.responses import ActionResult

        token = handler.body.get("ClientRequestToken")
        if not token:
            return transact(handler)
        key, asked, now = (handler.current_account, token), repr(handler.body["TransactItems"]), time.monotonic()
        while _TOKENS and next(iter(_TOKENS.values()))[0] < now - _TOKEN_SECONDS:
            _TOKENS.popitem(last=False)
        if key not in _TOKENS:
            answer = transact(handler)
            _TOKENS[key] = (now, asked)
            return answer
        if _TOKENS[key][1] != asked:
            raise JsonRESTError("IdempotentParameterMismatchException", "The token was used for another request.")
        return ActionResult({"ConsumedCapacity": [], "ItemCollectionMetrics": {}})

    return transact_write_items
