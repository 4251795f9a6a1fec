"""Which route serves a path, as API Gateway decides: exact segments, then `{parameters}`, then `{proxy+}`."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from local.templates import Route

__all__ = ["Found", "Router"]

_ANY = "ANY"


@dataclass(frozen=True, slots=True)
class Found:
    """A route and the values of its path parameters, still percent-encoded."""

    route: Route
    parameters: dict[str, str]


@dataclass(slots=True)
class _Node:
    exact: "dict[str, _Node]" = field(default_factory=dict)
    parameter: "_Node | None" = None
    ends: dict[str, tuple[Route, tuple[str, ...]]] = field(default_factory=dict)
    """Routes that end here, by method, with the names of their parameters from left to right."""
    greedy: dict[str, tuple[Route, tuple[str, ...]]] = field(default_factory=dict)


class Router:
    """A tree of path segments. Paths without parameters are also in one flat map, where most requests end."""

    def __init__(self, routes: Iterable[Route]) -> None:
        self._root = _Node()
        self._flat: dict[tuple[str, str], Found] = {}
        self._default: Route | None = None
        for route in routes:
            self._add(route)

    def _add(self, route: Route) -> None:
        if route.key == "$default":
            self._default = route
            return
        method, _, path = route.key.partition(" ")
        names: list[str] = []
        node = self._root
        for segment in path.split("/")[1:]:
            if segment.startswith("{"):
                names.append(segment.strip("{}+"))
                if segment.endswith("+}"):
                    node.greedy[method] = (route, tuple(names))
                    return
                node.parameter = node.parameter or _Node()
                node = node.parameter
            else:
                node = node.exact.setdefault(segment, _Node())
        node.ends[method] = (route, tuple(names))
        if not names and method != _ANY:
            self._flat[method, path] = Found(route, {})

    def find(self, method: str, path: str) -> Found | None:
        if (flat := self._flat.get((method, path))) is not None:
            return flat
        segments = path.split("/")[1:]
        found = _walk(self._root, segments, 0, (), method)
        if found is None and self._default is not None:
            return Found(self._default, {})
        return found

    def methods(self, path: str) -> list[str]:
        """The methods that this path knows."""
        segments = path.split("/")[1:]
        known = {method for node in _nodes(self._root) for method in (*node.ends, *node.greedy)}
        return sorted(method for method in known if _walk(self._root, segments, 0, (), method))


def _walk(node: _Node, segments: list[str], at: int, values: tuple[str, ...], method: str) -> Found | None:
    if at == len(segments):
        end = node.ends.get(method) or node.ends.get(_ANY)
        return Found(end[0], dict(zip(end[1], values, strict=True))) if end else None
    segment = segments[at]
    if (exact := node.exact.get(segment)) is not None and (found := _walk(exact, segments, at + 1, values, method)):
        return found
    if node.parameter is not None and segment:
        found = _walk(node.parameter, segments, at + 1, (*values, segment), method)
        if found:
            return found
    greedy = node.greedy.get(method) or node.greedy.get(_ANY)
    if greedy and segment:
        return Found(greedy[0], dict(zip(greedy[1], (*values, "/".join(segments[at:])), strict=True)))
    return None


def _nodes(node: _Node) -> Iterable[_Node]:
    yield node
    for child in (*node.exact.values(), *((node.parameter,) if node.parameter else ())):
        yield from _nodes(child)
