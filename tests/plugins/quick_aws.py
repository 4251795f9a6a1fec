"""Spares every test what it would do alike each time: to set up AWS anew, and to reach the embedded database by HTTP.

- moto registers 1,300 routes for the library `requests` whenever it starts; nobody who is played to uses it. For each
  value in an item it looks for ten kinds under seven names, and for each call it lists all methods of a class.
- botocore makes a session and clients for every test; what it works out for their events depends on names only. A
  client of the database that nobody has listened to serves the next test, if that has the same environment.
- Item operations reach the embedded database over a plain connection, as under `make run`, and without what botocore
  works out for a network: endpoints, checksums, wire formats. Its events are all there. The tests of the kernel and all
  that run on moto go the whole way, through botocore's signatures, connections and parsers.
- Passwords that are set in this process are little work to guess.
"""

import functools
import inspect
import os
import threading
from collections.abc import Callable, Iterator
from typing import Any

import botocore.session
import orjson
import pytest
from botocore import handlers, hooks, httpsession, regions
from botocore.client import BaseClient
from botocore.endpoint_provider import EndpointProvider
from moto.core import models, responses, serialize
from moto.s3.exceptions import NoSuchUpload
from moto.s3.models import S3Backend

from local import accounts, direct
from local.database import Database
from market import config

botocore.session.create_loader = functools.cache(botocore.session.create_loader)  # API models are read once per run
models.RESPONSES_METHODS.clear()
responses.method_names_from_class = functools.cache(responses.method_names_from_class)
accounts._WORK = 16  # what is stored says so, to other processes too

_WHOLE_WAY = ("tests/kernel/", "tests/local/")
"""Tests of what is spared elsewhere."""

_search = serialize.ResponseSerializer.get_value
_look_up = hooks.EventAliaser._alias_event_name
_accepts = hooks.accepts_kwargs
_aliases: dict[str, str] = {}


def _alias(emitter: Any, event_name: str) -> str:
    """All emitters have the same aliases."""
    if (found := _aliases.get(event_name)) is None:
        found = _aliases[event_name] = _look_up(emitter, event_name)
    return found


def _accepts_kwargs(handler: Callable[..., Any]) -> bool:
    """Read from the code of a function or method, instead of from a signature made for the purpose."""
    code = getattr(handler, "__code__", None)
    return bool(code.co_flags & inspect.CO_VARKEYWORDS) if code else _accepts(handler)


def _get_value(serializer: Any, value: Any, key: str, shape: Any) -> Any:
    """Values of items are dictionaries that hold their kind as it is called."""
    if type(value) is dict and (around := getattr(shape, "parent", None)) and around.name == "AttributeValue":
        return value.get(key)
    return _search(serializer, value, key, shape)


_providers: dict[int, tuple[Any, Any]] = {}


def _endpoints(*, ruleset_data: Any, **given: Any) -> Any:
    """The rules of a service's addresses are the same objects for all of its clients, as are its API models."""
    if (known := _providers.get(id(ruleset_data))) is None:
        known = _providers[id(ruleset_data)] = (ruleset_data, EndpointProvider(ruleset_data, **given))
    return known[1]


_put_together = S3Backend.complete_multipart_upload
_putting_together = threading.Lock()


def _complete_multipart_upload(backend: Any, bucket_name: str, multipart_id: str, body: Any) -> Any:
    """One at a time: moto takes the parts away from whoever is still reading them."""
    with _putting_together:
        if multipart_id not in backend.get_bucket(bucket_name).multiparts:
            raise NoSuchUpload(upload_id=multipart_id)
        return _put_together(backend, bucket_name, multipart_id, body)


S3Backend.complete_multipart_upload = _complete_multipart_upload  # type: ignore[method-assign]
regions.EndpointProvider = _endpoints
httpsession.create_urllib3_context = functools.cache(httpsession.create_urllib3_context)
hooks.EventAliaser._alias_event_name = _alias
hooks.accepts_kwargs = _accepts_kwargs
serialize.ResponseSerializer.get_value = _get_value


def _goes_the_whole_way() -> bool:
    return os.environ.get("PYTEST_CURRENT_TEST", "").startswith(_WHOLE_WAY)


class Pool:
    """Clients of the database that are as new: nobody listens to them, or to the session that they came from.

    Of other services every test gets a new client: what is read of secrets is remembered for the client that read it.
    """

    def __init__(self) -> None:
        self._clients: dict[tuple[Any, ...], Any] = {}
        self._make, session = config._make, config.session.__wrapped__
        self._register = hooks.HierarchicalEmitter._register_section
        hooks.HierarchicalEmitter._register_section = self._registering()
        config.session = functools.cache(lambda: _unmarked(session()))  # type: ignore[assignment]
        config._make = self.take

    def _registering(self) -> Callable[..., None]:
        def register(emitter: Any, *given: Any, **options: Any) -> None:
            emitter.marked = True
            self._register(emitter, *given, **options)

        return register

    def take(self, service: str, patience: int, attempts: int) -> Any:
        """In place of `config._make`."""
        listened_to = config.session.cache_info().currsize and _is_marked(config.session())
        if service != "dynamodb" or listened_to or _goes_the_whole_way():
            return self._make(service, patience, attempts)
        settings = sorted(entry for entry in os.environ.items() if entry[0].startswith("AWS_"))
        key = (patience, attempts, *settings)
        if (found := self._clients.get(key)) is None or _is_marked(found.meta):
            found = self._clients[key] = self._make(service, patience, attempts)
            _unmarked(found.meta)
        return found


def _is_marked(owner: Any) -> bool:
    return bool(owner.events._emitter.marked)


def _unmarked(owner: Any) -> Any:
    owner.events._emitter.marked = False
    return owner


Pool()


class EveryClient:
    """In place of one session's events: of all clients made from now on, and after everybody who only listens."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._answers: dict[str, Callable[..., Any]] = {}
        self._whole_call = BaseClient._make_api_call
        handlers.BUILTIN_HANDLERS.append(("before-call", self._answer, handlers.REGISTER_LAST))
        BaseClient._make_api_call = lambda client, name, given: self._call(client, name, given)

    def register(self, event_name: str, answer: Callable[..., Any]) -> None:
        self._answers[event_name] = answer

    def _call(self, client: Any, name: str, given: dict[str, Any]) -> Any:
        """The events, in their order, of botocore's own `_make_api_call`; another endpoint's calls go through that."""
        if (
            f"before-call.dynamodb.{name}" not in self._answers
            or client.meta.endpoint_url != self._url
            or _goes_the_whole_way()
        ):
            return self._whole_call(client, name, given)
        model, events, context = client.meta.service_model.operation_model(name), client.meta.events, dict[str, Any]()
        given = client._emit_api_params(api_params=given, operation_model=model, context=context)
        request = {"url": self._url, "headers": {}, "body": orjson.dumps(given)}
        _, (http, answer) = events.emit_until_response(
            f"before-call.dynamodb.{name}", model=model, params=request, request_signer=None, context=context
        )
        events.emit(f"after-call.dynamodb.{name}", http_response=http, parsed=answer, model=model, context=context)
        if http.status_code >= 300:
            raise client.exceptions.from_code(answer["Error"]["Code"])(answer, name)
        return answer

    def _answer(self, event_name: str, params: dict[str, Any], model: Any, **_: Any) -> Any:
        answer = self._answers.get(event_name) if params["url"].startswith(self._url) else None
        if answer is None or _goes_the_whole_way():
            return None
        return answer(params, model)


@pytest.fixture(scope="session")
def dynoxide() -> Iterator[Database]:
    """One embedded database in memory for the whole run."""
    running = Database()
    direct.install(EveryClient(running.url), running.url)
    yield running
    running.stop()
