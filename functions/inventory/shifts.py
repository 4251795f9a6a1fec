"""Units moved between the counters of a stock item, as one update that never makes a counter negative."""

from typing import Any

from market.table import Item


class Shift:
    """Steps of one update: what is set, the values, and the conditions. Steps of no units leave no trace."""

    def __init__(self) -> None:
        self._steps: list[str] = []
        self._removed: list[str] = []
        self._conditions: list[str] = []
        self.values: Item = {}

    @property
    def expression(self) -> str:
        words = {"SET": self._steps, "REMOVE": self._removed}
        return " ".join(f"{word} {', '.join(steps)}" for word, steps in words.items() if steps)

    @property
    def when(self) -> str:
        return " AND ".join(self._conditions)

    def add(self, counter: str, units: int) -> None:
        """Add units, or with a negative number take them away, whatever is there."""
        if units:
            self._steps.append(f"{counter} = {counter} + {self.value(units)}")

    def drop(self, counter: str, units: int) -> None:
        """Take units away, if there are so many."""
        if units:
            value = self.value(units)
            self._steps.append(f"{counter} = {counter} - {value}")
            self.require(f"{counter} >= {value}")

    def take(self, counter: str, into: str, units: int) -> None:
        """Move units from one counter to another, if there are so many."""
        self.drop(counter, units)
        self.add(into, units)

    def remember(self, counter: str, units: int) -> None:
        """Add units to a counter that may not be there yet."""
        if units:
            self.values[":none"] = 0
            self._steps.append(f"{counter} = if_not_exists({counter}, :none) + {self.value(units)}")

    def put(self, name: str, value: Any) -> None:
        """Set an attribute, or remove it with None."""
        if value is None:
            self._removed.append(name)
        else:
            self._steps.append(f"{name} = {self._named(name, value)}")

    def same(self, name: str, seen: Any) -> None:
        """Require an attribute to be as it was seen: None, if it is not there; a counter of 0 may be missing too."""
        if seen is None:
            self.require(f"attribute_not_exists({name})")
        elif seen == 0:
            self.require(f"(attribute_not_exists({name}) OR {name} = {self.value(0)})")
        else:
            value = self.value(seen) if isinstance(seen, int) else self._named(f"seen.{name}", seen)
            self.require(f"{name} = {value}")

    def require(self, condition: str) -> None:
        if condition not in self._conditions:
            self._conditions.append(condition)

    def _named(self, name: str, value: Any) -> str:
        self.values[f":{name.replace('.', '_')}"] = value
        return f":{name.replace('.', '_')}"

    def value(self, units: int) -> str:
        """The name of a number among the values: of each number there is one."""
        name = f":minus{-units}" if units < 0 else f":u{units}"
        self.values[name] = units
        return name
