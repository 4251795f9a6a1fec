"""Who may call which route, as agreed: the lines of `rules.txt`, and what they mean for everybody who could try.

`python -m tests.attacks.matrix` prints the rules that the code has now, to be read and agreed to.
"""

import importlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from market.http import Route
from tests.architecture.code import ROOT, Project

RULES = Path(__file__).with_name("rules.txt")
ABSENT = "-"


@dataclass(frozen=True, slots=True)
class Rule:
    """One route: its callers, and the permission that vendors, staff and programs need (`-` for none)."""

    method: str
    path: str
    callers: frozenset[str]
    needs: str

    def __str__(self) -> str:
        return f"{self.method} {self.path} {','.join(sorted(self.callers))} {self.needs}"

    @property
    def names_vendor(self) -> bool:
        return "{vendor_id}" in self.path and bool(self.callers & {"vendor", "key"})


@dataclass(frozen=True, slots=True)
class Actor:
    """Somebody who tries.

    proof: what they send: nothing, a guest's token, an access token or a key. scope: where they stand, `lights` being
    the vendor whom paths name, `wood` another one. holds: what they hold there: the very permission that is needed,
    every permission but that one, all, or none.
    """

    name: str
    proof: str
    scope: str = ""
    holds: str = "none"


ACTORS = (
    Actor("nobody", ""),
    Actor("a guest", "guest"),
    Actor("a customer", "token"),
    Actor("another customer", "token"),
    Actor("the vendor's owner", "token", "lights", "all"),
    Actor("the vendor's clerk for this", "token", "lights", "needed"),
    Actor("the vendor's clerk for everything else", "token", "lights", "others"),
    Actor("a new member of the vendor's team", "token", "lights", "none"),
    Actor("another vendor's owner", "token", "wood", "all"),
    Actor("a super admin", "token", "platform", "all"),
    Actor("staff for this", "token", "platform", "needed"),
    Actor("staff for everything else", "token", "platform", "others"),
    Actor("new staff", "token", "platform", "none"),
    Actor("the vendor's program for this", "key", "lights", "needed"),
    Actor("the vendor's program for everything else", "key", "lights", "others"),
    Actor("another vendor's program for this", "key", "wood", "needed"),
    Actor("the platform's program for this", "key", "platform", "needed"),
    Actor("a program with a wrong secret", "wrong key", "lights", "needed"),
)


def expected(rule: Rule, actor: Actor) -> int:
    """The status that the guard must answer with, or 0 where it must let the request through to the route."""
    if "anyone" in rule.callers:
        return 0
    if "guest" in rule.callers:
        return 0 if actor.proof == "guest" else 401
    if "key" in rule.callers:
        return _holding(rule, actor) if actor.proof == "key" else 401
    if actor.proof != "token":
        return 401
    kinds = {"customer"} | ({"staff"} if actor.scope == "platform" else {"vendor"} if actor.scope else set())
    if not kinds & rule.callers:
        return 403
    return _holding(rule, actor)


def _holding(rule: Rule, actor: Actor) -> int:
    """403 for members of the scope without the permission, 404 for strangers of the vendor."""
    if rule.needs == ABSENT:
        return 0
    mine = {"platform"} | ({"lights"} if rule.names_vendor else set())
    if actor.scope not in mine:
        return 404 if rule.names_vendor else 403
    return 0 if actor.holds in ("needed", "all") else 403


def agreed() -> list[Rule]:
    lines = (line.split() for line in RULES.read_text().splitlines() if line and not line.startswith("#"))
    return [Rule(method, path, frozenset(callers.split(",")), needs) for method, path, callers, needs in lines]


def present() -> list[Rule]:
    """The rules of the code."""
    return sorted(map(_rule, routes()), key=str)


def routes() -> Iterator[Route]:
    for service in Project(ROOT).services:
        for function in service.manifest.functions:
            if function.kind == "api":
                yield from importlib.import_module(function.handler.rpartition(".")[0]).api.routes


def _rule(route: Route) -> Rule:
    path = route.path.replace("<", "{").replace(">", "}")
    return Rule(route.method, path, route.callers, route.needs or ABSENT)


def without(permission: str, everything: Iterable[str]) -> list[str]:
    return sorted(set(everything) - {permission})


if __name__ == "__main__":
    print("\n".join(map(str, present())))
