"""The model speaks of the code: its stories, replayed on the real handlers, leave what it says in every book."""

from collections.abc import Iterator
from functools import cache

import pytest

from tests.model.checkout import Action, Model, State, good_end
from tests.model.explorer import Space
from tests.model.replay import Replay

pytestmark = [pytest.mark.contract("11.2", "12.1"), pytest.mark.slow]
STORIES = 51
UNPLAYABLE = {("AskProvider", "hear", "then dies"), ("AskProvider", "hear", "then dies, for the last time")}
"""Deaths between two calls that the saboteur cannot tell apart."""


@cache
def stories() -> list[list[tuple[Action, State]]]:
    """Shortest stories in which everything happens that can happen, each from the placement to a good end."""
    space: Space[State, Action] = Space(State(), Model(paced=True, strays=False).happens)
    assert space.explore() is None
    ahead = space.to(good_end)
    chosen: list[list[tuple[Action, State]]] = []
    seen: set[Action] = set()
    first: dict[Action, tuple[int, int]] = {}
    for number, steps in enumerate(space.steps):
        for action, target in steps:
            if action not in UNPLAYABLE:
                first.setdefault(action, (number, target))
    for kind, (number, target) in reversed(first.items()):
        if kind in seen:
            continue
        actions = [*space.story(number), kind, *space.onward(target, ahead)]
        story = list(told(space, actions))
        if not any(action in UNPLAYABLE for action in actions):
            chosen.append(story)
            seen.update(actions)
    return chosen


def told(space: Space[State, Action], actions: list[Action]) -> Iterator[tuple[Action, State]]:
    number = 0
    for wanted in actions:
        number = next(target for action, target in space.steps[number] if action == wanted)
        yield wanted, space.states[number]


@pytest.mark.parametrize("database", ["dynoxide"], indirect=True)
@pytest.mark.parametrize("number", range(STORIES))
def test_the_real_handlers_do_what_the_model_says(number: int, database: str, environment: pytest.MonkeyPatch) -> None:
    story = stories()[number]
    replay = Replay(environment)
    try:
        replay.play(story)
    except AssertionError as difference:
        lines = "\n".join(f"  {action}" for action, _ in story)
        raise AssertionError(f"{difference}\n{lines}") from difference
    finally:
        replay.close()


def test_every_story_is_replayed() -> None:
    assert len(stories()) == STORIES
