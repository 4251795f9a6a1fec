"""Walls between what a service declares (manifest, README, contract of the API) and what it does."""

import ast
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from market.http import ANYONE, ServiceApi
from tests.architecture.code import Module, Project, Service, dotted

_UNVERSIONED = frozenset(("/", "/health", "/openapi.json", "/docs", "/docs/<name>", "/sitemap.xml"))
START, END = "<!-- access-patterns:start -->", "<!-- access-patterns:end -->"


def handlers_exist(project: Project) -> Iterator[str]:
    for service in project.services:
        where = f"functions/{service.name}/manifest.py:1"
        if service.manifest.service != service.name:
            yield f"{where} is of {service.manifest.service}"
        for function in service.manifest.functions:
            owner, _, rest = function.handler.partition(".")
            name, _, attribute = rest.partition(".")
            if owner != service.name:
                yield f"{where} {function.handler} is another service's"
            elif name not in service.modules or attribute not in _defined(service.modules[name]):
                yield f"{where} {function.handler} does not exist"
            if function.queue and function.queue not in service.manifest.queues:
                yield f"{where} {function.name} reads the queue {function.queue}, which is not declared"


def _defined(module: Module) -> set[str]:
    names = set()
    for node in module.tree.body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            names.add(node.name)
        elif isinstance(node, ast.Assign):
            names |= {target.id for target in node.targets if isinstance(target, ast.Name)}
    return names


def published_events_have_a_class(project: Project) -> Iterator[str]:
    for service in project.services:
        classes = _events(service)
        for missing in sorted(set(service.manifest.publishes) - set(classes)):
            yield f"functions/{service.name}/manifest.py:1 publishes {missing}, events.py has no class for it"
        for kind, (name, line) in classes.items():
            where = f"functions/{service.name}/events.py:{line}"
            if kind not in service.manifest.publishes:
                yield f"{where} {kind} is not among what the manifest publishes"
            if not any(_mentions(module, name) for other, module in service.modules.items() if other != "events"):
                yield f"{where} {name} is never announced"


def _events(service: Service) -> dict[str, tuple[str, int]]:
    """Event types of events.py with the class and its line."""
    module = service.modules.get("events")
    found = {}
    for node in module.tree.body if module else ():
        for inner in node.body if isinstance(node, ast.ClassDef) else ():
            if (
                isinstance(inner, ast.AnnAssign)
                and dotted(inner.target) == "type"
                and isinstance(inner.value, ast.Constant)
            ):
                found[str(inner.value.value)] = (node.name, node.lineno)
    return found


def _mentions(module: Module, name: str) -> bool:
    return any(isinstance(node, ast.Name) and node.id == name for node in module.nodes) or any(
        isinstance(node, ast.Attribute) and node.attr == name for node in module.nodes
    )


def consumed_events_are_published_and_heard(project: Project) -> Iterator[str]:
    said = {kind for service in project.services for kind in service.manifest.publishes}
    for service in project.services:
        where = f"functions/{service.name}/manifest.py:1"
        heard = {
            str(call.args[0].value)
            for module in service.modules.values()
            for call in module.calls()
            if isinstance(call.func, ast.Attribute) and call.func.attr == "on" and len(call.args) == 1
            if isinstance(call.args[0], ast.Constant)
        }
        for kind in service.manifest.consumes:
            if kind not in said:
                yield f"{where} consumes {kind}, which nobody publishes"
            if kind not in heard:
                yield f"{where} consumes {kind}, which no listener hears"


def readmes_are_complete(project: Project) -> Iterator[str]:
    for service in project.services:
        readme = service.folder / "README.md"
        where = f"functions/{service.name}/README.md:1"
        if not readme.exists():
            yield f"{where} is missing"
            continue
        lines = readme.read_text().splitlines()
        kinds = {function.kind for function in service.manifest.functions}
        wanted = (
            ["## Events"] + ["## Routes"] * ("api" in kinds) + ["## Access patterns"] * bool(service.manifest.prefixes)
        )
        if not lines or not lines[0].startswith("# "):
            yield f"{where} has no title"
        yield from (f"{where} has no section {section}" for section in wanted if section not in lines)
        if service.manifest.prefixes and not (START in lines and END in lines):
            yield f"{where} has no place for the recorded access patterns ({START} … {END})"
        for kind in (*service.manifest.publishes, *service.manifest.consumes):
            if kind not in readme.read_text():
                yield f"{where} does not mention {kind}"


def public_routes_are_those_agreed(apis: Mapping[str, ServiceApi], agreed: Iterable[str]) -> Iterator[str]:
    public = {
        f"{route.method} {route.path}": module
        for module, api in apis.items()
        for route in api.routes
        if ANYONE in route.callers
    }
    yield from (f"{public[route]}: {route} is public" for route in sorted(set(public) - set(agreed)))
    yield from (
        f"{route} is agreed to be public, but is not there or not public" for route in sorted(set(agreed) - set(public))
    )


def routes_follow_the_style(apis: Mapping[str, ServiceApi]) -> Iterator[str]:
    """`/v1/…` but for the documentation and the sandbox; one route per method and path."""
    seen: dict[tuple[str, str], str] = {}
    for module, api in apis.items():
        if not api.routes:
            yield f"{module}: the api has no routes"
        for route in api.routes:
            if not route.callers:
                yield f"{module}: {route.method} {route.path} names no callers"
            if not route.path.startswith(("/v1/", "/sandbox/v1/")) and route.path not in _UNVERSIONED:
                yield f"{module}: {route.path} has no version"
            shape = (route.method, "/".join("<>" if part.startswith("<") else part for part in route.path.split("/")))
            if shape in seen:
                yield f"{module}: {route.method} {route.path} is a route of {seen[shape]} too"
            seen[shape] = module


def what_may_be_none_is_not_required(schemas: Mapping[str, Any]) -> Iterator[str]:
    """Answers are told without what is none, so a description that requires such a field promises too much.

    schemas: JSON schemas by name, as in an OpenAPI document's components.
    """
    for name, schema in schemas.items():
        for field in schema.get("required", ()):
            if {"type": "null"} in schema["properties"][field].get("anyOf", ()):
                yield f"{name}.{field} may be none, but is required: it lacks a default"


def money_is_moved_once(
    project: Project, keyed: Iterable[str], by_nature: Iterable[str], services: set[str]
) -> Iterator[str]:
    """Each POST of a service that moves money asks for an Idempotency-Key, unless its effect is keyed by nature."""
    posts = {route: asks for service in project.services if service.name in services for route, asks in _posts(service)}
    for route in sorted(set(keyed) - {route for route, asks in posts.items() if asks}):
        yield f"{route} does not ask for an Idempotency-Key"
    for route in sorted(set(posts) - set(keyed) - set(by_nature)):
        yield f"{route} is in neither list"
    for route in sorted(set(by_nature) - set(posts)):
        yield f"{route} is listed, but is not there"


def _posts(service: Service) -> Iterator[tuple[str, bool]]:
    """POST routes, and whether their functions read the idempotency key."""
    for name in service.entry_points & set(service.modules):
        for node in service.modules[name].nodes:
            for decorator in node.decorator_list if isinstance(node, ast.FunctionDef) else ():
                if isinstance(decorator, ast.Call) and dotted(decorator.func).endswith(".post") and decorator.args:
                    asks = any(
                        isinstance(part, ast.Attribute) and part.attr == "idempotency" for part in ast.walk(node)
                    )
                    path = decorator.args[0]
                    if isinstance(path, ast.Constant):
                        yield f"POST {path.value}", asks
