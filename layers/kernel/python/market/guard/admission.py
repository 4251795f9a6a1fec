"""Whether a request is let through to its route, and as whom: deny unless declared.

In this order: the address is not blocked, the caller proves who they are, their kind may call the route, they hold its
permission in the scope that the path names, they have not come too often. Only then is the body looked at.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from market import clock, log
from market.errors import Forbidden, Problem, Unauthenticated
from market.guard import audit, blocks, captcha, limits, standing
from market.guard.callers import Caller, guest, person, program
from market.guard.origin import address_of as viewer
from market.manifest import ANYONE, CUSTOMER, GUEST, KEY, STAFF, VENDOR, Manifest

_AGENT = 200
_SLOWED = 4
"""What the allowances of somebody are divided by of whom too much was heard."""


class Rule(Protocol):
    """What a route declares."""

    @property
    def method(self) -> str: ...
    @property
    def callers(self) -> frozenset[str]: ...
    @property
    def name(self) -> str: ...
    @property
    def needs(self) -> str: ...
    @property
    def limit(self) -> str: ...
    @property
    def captcha(self) -> str: ...


@dataclass(frozen=True, slots=True)
class Asked:
    """One request that has found its route. `arguments` are the parts of its path."""

    rule: Rule
    arguments: Mapping[str, str]
    headers: Mapping[str, str]
    context: Mapping[str, Any]
    address: str

    @property
    def vendor_id(self) -> str:
        return self.arguments.get("vendor_id", "")


def address_of(event: Mapping[str, Any], headers: Mapping[str, str], *, behind_edge: bool) -> str:
    """The viewer's address; see `origin`."""
    return viewer(str(event["requestContext"]["http"].get("sourceIp", "")), headers, behind_edge=behind_edge)


def admit(asked: Asked, manifest: Manifest) -> Caller:
    """The caller. Raises Unauthenticated, Forbidden, NotFound or TooManyRequests.

    Addresses are looked at where something may change: what everybody may read is kept from them by the firewall.
    """
    rule = asked.rule
    if rule.method != "GET":
        blocks.refuse(asked.address)
    caller = _proven(asked, manifest)
    if caller.id:
        log.act_as("key" if KEY in caller.roles else "user", caller.id)
    if ANYONE not in rule.callers and not rule.callers & caller.roles:
        raise Forbidden("Your roles do not allow this.")
    if rule.needs:
        caller.require(rule.needs, asked.vendor_id if rule.callers & {VENDOR, KEY} else "")
    _count(asked, caller)
    if rule.captcha:
        captcha.check(rule.captcha, asked.headers.get("captcha-token", ""), asked.address)
    if rule.method != "GET" and rule.callers & caller.roles & {VENDOR, STAFF, KEY}:
        _follow(asked, caller, manifest)
    return caller


def refusals(rule: Rule) -> list[type[Problem]]:
    """What `admit` may raise for a route, but for NotFound: what the route's description declares."""
    found: list[type[Problem]] = [] if rule.method == "GET" else [blocks.AddressBlocked]
    found += [] if ANYONE in rule.callers else [Unauthenticated, Forbidden]
    found += [standing.SessionEnded, standing.AccountClosed] if rule.callers & {CUSTOMER, VENDOR, STAFF} else []
    found += [limits.RateLimited] if rule.limit or KEY in rule.callers else []
    return found + ([captcha.CaptchaRequired, captcha.CaptchaFailed] if rule.captcha else [])


def _proven(asked: Asked, manifest: Manifest) -> Caller:
    callers, holders = asked.rule.callers, manifest.permissions
    if ANYONE in callers:
        return Caller()
    if GUEST in callers:
        return guest(asked.headers.get("guest-token", ""))
    if KEY in callers:
        caller, item = program(asked.headers.get("api-key", ""), holders=holders)
        windows = ((60, item["per_minute"]), (86_400, item["per_day"]))
        limits.take("api-key", caller.id, windows=windows)
        return caller
    claims = ((asked.context.get("authorizer") or {}).get("jwt") or {}).get("claims") or {}
    return person(claims, holders=holders, vendor_id=asked.vendor_id)


def _count(asked: Asked, caller: Caller) -> None:
    """By account where there is one; a guest's token costs nothing, so that guests count by their address.

    A program is counted already, by the quota of its key.
    """
    if asked.rule.limit and KEY not in caller.roles:
        known = caller.roles & {CUSTOMER, VENDOR, STAFF}
        slowed = _SLOWED if caller.standing.slowed_until > clock.epoch() else 1
        limits.take(asked.rule.limit, caller.id if known else asked.address, slowed=slowed)


def _follow(asked: Asked, caller: Caller, manifest: Manifest) -> None:
    audit.on(
        audit.Trail(
            action=f"{manifest.service}.{asked.rule.name}",
            permission=asked.rule.needs,
            actor_type="key" if KEY in caller.roles else "user",
            actor_id=caller.id,
            scope=asked.vendor_id or "platform",
            subject={name: str(value)[:200] for name, value in asked.arguments.items()},
            address=asked.address,
            agent=asked.headers.get("user-agent", "")[:_AGENT],
        )
    )
