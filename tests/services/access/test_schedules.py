"""Two changes of a team at once, in every order of their calls: an owner is always left, and what is counted is there.

Every day each schedule with one preemption, on the faster engine; on both, and some with two, in the slow tests.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import pytest
from botocore.client import BaseClient

from access import letters, store
from access.contract import (
    INVITATIONS,
    VENDOR_ADMIN,
    LastOwner,
    StandingChanged,
    invitation_token,
    size_key,
    status_changed,
)
from market import config
from market.table import Table, Write, update
from tests.faults.cells.schedules import Actor, Stage, Switch, Turn, explore
from tests.services.access.conftest import TESTS, House

Scene = Callable[[House, str], Mapping[str, Actor]]


def leave(house: House, who: str, scope: str) -> Actor:
    return lambda: house.send(who, "DELETE", f"/v1/me/access/{scope}").status


def remove(house: House, by: str, who: str, scope: str) -> Actor:
    return lambda: house.send(by, "DELETE", f"/v1/vendors/{scope}/team/{who}").status


def demote(house: House, by: str, who: str, scope: str) -> Actor:
    body = {"roles": ["vendor_viewer"]}
    return lambda: house.send(by, "PUT", f"/v1/vendors/{scope}/team/{who}", body).status


def promote(house: House, by: str, who: str, scope: str) -> Actor:
    body = {"roles": [VENDOR_ADMIN]}
    return lambda: house.send(by, "PUT", f"/v1/vendors/{scope}/team/{who}", body).status


def block(who: str) -> Actor:
    """As identity does."""

    def act() -> str:
        try:
            Table(TESTS).transact(*status_changed(who, store.standing(who), "blocked"))
        except (LastOwner, StandingChanged) as refused:
            return refused.code
        return "blocked"

    return act


def accept(house: House, who: str, scope: str) -> Actor:
    def act() -> int:
        (letter,) = letters.page(scope, limit=1, cursor=None).items
        token = invitation_token(config.key(INVITATIONS), letter.nonce)
        return house.send(who, "POST", "/v1/me/invitations/accept", {"token": token}).status

    return act


def invited(house: House, scope: str) -> str:
    letters.send(letters.drafted(scope, f"new-{scope}@example.com", [VENDOR_ADMIN], by=f"b-{scope}"))
    return house.person(f"new-{scope}", email=f"new-{scope}@example.com")


SCENES: dict[str, Scene] = {
    "both leave": lambda house, at: {"a": leave(house, f"a-{at}", at), "b": leave(house, f"b-{at}", at)},
    "each removes the other": lambda house, at: {
        "a": remove(house, f"a-{at}", f"b-{at}", at),
        "b": remove(house, f"b-{at}", f"a-{at}", at),
    },
    "one is demoted while the other is blocked": lambda house, at: {
        "a": demote(house, f"a-{at}", f"a-{at}", at),
        "b": block(f"b-{at}"),
    },
    "both are blocked": lambda house, at: {"a": block(f"a-{at}"), "b": block(f"b-{at}")},
    "one promotes while the other demotes them": lambda house, at: {
        "a": demote(house, f"a-{at}", f"b-{at}", at),
        "b": promote(house, f"b-{at}", house.member(f"c-{at}", at, "vendor_viewer"), at),
    },
    "an invitation is accepted while its sender is removed": lambda house, at: {
        "a": remove(house, f"a-{at}", f"b-{at}", at),
        "new": accept(house, invited(house, at), at),
    },
    "an invitation is accepted twice": lambda house, at: {
        "one": accept(house, invited(house, at), at),
        "two": accept(house, f"new-{at}", at),
    },
}


@contextmanager
def tapped(stage: Stage) -> Iterator[None]:
    """Every AWS call waits for its turn."""
    original = BaseClient._make_api_call  # type: ignore[attr-defined]

    def call(self: Any, operation: str, request: dict[str, Any]) -> Any:
        return stage(None, lambda: original(self, operation, request))  # type: ignore[arg-type]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(BaseClient, "_make_api_call", call)
        yield


class Trial:
    """Plays a scene again and again, each time with a vendor of its own that a and b are the admins of."""

    def __init__(self, house: House, name: str) -> None:
        self._house, self._name = house, name
        self.played, self.broken = 0, list[str]()

    def __call__(self, switches: tuple[Switch, ...]) -> list[Turn]:
        self.played += 1
        house, scope, stage = self._house, f"ven_{self.played}", Stage()
        house.vendor(scope)
        for name in ("a", "b"):
            house.member(f"{name}-{scope}", scope, VENDOR_ADMIN)
        actors = SCENES[self._name](house, scope)
        with tapped(stage):
            answers, turns = stage.play(actors, switches)
        self.broken += [f"{switches}: {found} after {answers}" for found in self._wrong(scope, answers)]
        return turns

    def _wrong(self, scope: str, answers: Mapping[str, Any]) -> Iterator[str]:
        people = [f"{name}-{scope}" for name in ("a", "b", "c", "new")]
        standings = [store.standing(user_id) for user_id in people]
        grants = [(standing.status, standing.grants.get(scope)) for standing in standings]
        owners = sum(status == "active" and bool(grant) and VENDOR_ADMIN in grant.roles for status, grant in grants)
        size = {"owners": owners, "members": sum(bool(grant) for _, grant in grants)}
        if owners < 1:
            yield "no owner is left"
        if self._house.size(scope) != size:
            yield f"{self._house.size(scope)} counted, {size} there"
        if any(answer in (500, 503) or isinstance(answer, BaseException) for answer in answers.values()):
            yield "a crash"
        if self._name == "an invitation is accepted twice" and set(answers.values()) != {200}:
            yield "an acceptance was refused"


@pytest.mark.contract("2.3", "2.5")
@pytest.mark.parametrize("database", ["dynoxide", pytest.param("moto", marks=pytest.mark.slow)], indirect=True)
@pytest.mark.parametrize("name", SCENES)
def test_in_every_order_of_calls_with_one_interruption_all_stays_right(house: House, name: str) -> None:
    trial = Trial(house, name)
    assert len(list(explore(trial, preemptions=1))) > 3
    assert trial.broken == []


@pytest.mark.parametrize("database", ["dynoxide"], indirect=True)
def test_a_planted_bug_is_found(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """Owners are counted, but nobody asks whether one is left."""

    def careless(scope: str, *, owners: int = 0, members: int = 0) -> Write:
        return update(size_key(scope), "ADD owners :owners, members :members", {":owners": owners, ":members": members})

    monkeypatch.setattr(store, "counted", careless)
    trial = Trial(house, "both leave")
    assert list(explore(trial, preemptions=1))
    assert any("no owner is left" in found for found in trial.broken)


@pytest.mark.slow
@pytest.mark.contract("2.3", "2.5")
@pytest.mark.parametrize("database", ["dynoxide"], indirect=True)
@pytest.mark.parametrize("name", [name for name in SCENES if "invitation" not in name])
def test_in_every_order_of_calls_with_two_interruptions_all_stays_right(house: House, name: str) -> None:
    trial = Trial(house, name)
    assert len(list(explore(trial, preemptions=2))) > 10
    assert trial.broken == []
