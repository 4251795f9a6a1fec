"""Walks a model through everything that can happen, breadth first: every state that can be reached, each once.

A model is a first state, a function from a state to what can happen in it, and what must hold. The walk keeps how each
state was first reached, so that the story told of a broken promise is a shortest one.
"""

from collections import deque
from collections.abc import Callable, Hashable, Iterable, Iterator
from dataclasses import dataclass
from typing import Generic, TypeVar

State = TypeVar("State", bound=Hashable)
Action = TypeVar("Action", bound=Hashable)


@dataclass(frozen=True)
class Broken(Generic[State, Action]):
    """A promise that a state breaks, and a shortest way there."""

    promise: str
    story: list[Action]
    state: State

    def __str__(self) -> str:
        steps = "\n".join(f"  {number:2}. {action}" for number, action in enumerate(self.story, 1))
        return f"{self.promise}\n{steps}\n  then: {self.state}"


class Space(Generic[State, Action]):
    """What can be reached: states in the order of their distance, and the steps between them."""

    def __init__(self, first: State, happens: Callable[[State], Iterable[tuple[Action, State]]]) -> None:
        self.states = [first]
        self.numbers = {first: 0}
        self.steps: list[list[tuple[Action, int]]] = []
        self._cause: list[tuple[Action, int] | None] = [None]
        self._happens = happens
        self._from: list[list[int]] | None = None

    def explore(self, wrong: Callable[[State], str | None] = lambda _: None) -> Broken[State, Action] | None:
        """Go everywhere, or up to the first state that breaks a promise."""
        waiting = deque([0])
        while waiting:
            number = waiting.popleft()
            state = self.states[number]
            if promise := wrong(state):
                return Broken(promise, self.story(number), state)
            self.steps.append([])
            for action, after in self._happens(state):
                target = self.numbers.get(after)
                if target is None:
                    target = self.numbers[after] = len(self.states)
                    self.states.append(after)
                    self._cause.append((action, number))
                    waiting.append(target)
                self.steps[number].append((action, target))
        return None

    @property
    def transitions(self) -> int:
        return sum(map(len, self.steps))

    def story(self, number: int) -> list[Action]:
        """A shortest way from the first state to this one."""
        actions: list[Action] = []
        while cause := self._cause[number]:
            action, number = cause
            actions.append(action)
        return actions[::-1]

    def to(self, goal: Callable[[State], bool]) -> list[int | None]:
        """For each state the number of the next one on a shortest way to a goal: itself at a goal, None in a trap."""
        before = self._before()
        ahead: list[int | None] = [None] * len(self.states)
        waiting = deque(number for number, state in enumerate(self.states) if goal(state))
        for number in waiting:
            ahead[number] = number
        while waiting:
            number = waiting.popleft()
            for earlier in before[number]:
                if ahead[earlier] is None:
                    ahead[earlier] = number
                    waiting.append(earlier)
        return ahead

    def traps(self, goal: Callable[[State], bool]) -> Iterator[Broken[State, Action]]:
        """States from which no goal can be reached, the nearest first."""
        for number, after in enumerate(self.to(goal)):
            if after is None:
                yield Broken("no way out", self.story(number), self.states[number])

    def onward(self, number: int, ahead: list[int | None]) -> list[Action]:
        """A shortest way from a state to a goal, as `to` found it."""
        actions: list[Action] = []
        while (after := ahead[number]) is not None and after != number:
            actions.append(next(action for action, target in self.steps[number] if target == after))
            number = after
        return actions

    def _before(self) -> list[list[int]]:
        if self._from is None:
            self._from = [[] for _ in self.states]
            for number, steps in enumerate(self.steps):
                for _, target in steps:
                    self._from[target].append(number)
        return self._from
