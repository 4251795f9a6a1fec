"""What simulated tax companies have in common: who may ask, how often, where places are, and what goes wrong.

`handle(method, path, headers, body) -> (status, headers, body)` is one exchange. It raises TimeoutError or
ConnectionError where a real network would swallow the answer.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from decimal import ROUND_HALF_UP, Decimal
from threading import RLock
from typing import Any, ClassVar

import orjson

from tax.categories import Destination
from tax.tables import law_at

Answer = tuple[int, dict[str, str], bytes]

_STATES = {
    "CA": ("900", "961"), "CO": ("800", "816"), "FL": ("320", "349"), "IL": ("600", "629"), "NJ": ("070", "089"),
    "NY": ("100", "149"), "OR": ("970", "979"), "TX": ("750", "799"), "WA": ("980", "994"),
}  # fmt: skip
"""The first three digits of the postal codes of some states, from and to."""

_LOCAL = {"902": "0.0225", "100": "0.04875", "606": "0.04", "981": "0.0385", "770": "0.02"}
"""What county, city and districts add, by the first three digits."""


class Refusal(Exception):
    """A request that the company answers with an error."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status, self.code, self.message = status, code, message


class Company(ABC):
    """One simulated company. `records`: what was made final there, by its id.

    limit: requests that it answers before it says 429, until `new_minute`.
    """

    paths: ClassVar[Mapping[str, str]] = {}
    """The method that carries out what is posted to a path."""

    def __init__(self, *, authorization: str, limit: int = 1_000) -> None:
        self.records: dict[str, dict[str, Any]] = {}
        self.requests: list[tuple[str, int]] = []
        """Path and answered status of every request; 0 for an answer that did not arrive."""
        self._authorization, self._limit, self._asked = authorization, limit, 0
        self._faults: list[str] = []
        self._late: list[Callable[[], object]] = []
        self._lock = RLock()

    def fail(self, fault: str, times: int = 1) -> None:
        """The next requests go wrong. timeout: nothing happens; lost: it is done, but the answer does not arrive;
        late: no answer, and it is done when `settle` is called; garbled: an answer that is no JSON; 500, 503: so.
        """
        self._faults += [fault] * times

    def new_minute(self) -> None:
        self._asked = 0

    def settle(self) -> None:
        """Requests that were stuck on the way arrive now."""
        late, self._late = self._late, []
        for act in late:
            try:
                act()
            except Refusal:
                continue  # it came too late to be of use, and nobody hears of it

    def handle(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> Answer:
        with self._lock:
            try:
                answer = self._exchange(method, path, headers, body)
            except (TimeoutError, ConnectionError):
                self.requests.append((path, 0))
                raise
            self.requests.append((path, answer[0]))
            return answer

    def _exchange(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> Answer:
        fault = self._faults.pop(0) if self._faults else ""
        if fault == "timeout":
            raise TimeoutError
        if fault == "late":
            self._late.append(lambda: self._act(path, orjson.loads(body)))
            raise TimeoutError
        if fault.isdigit():
            return self._error(Refusal(int(fault), "ServerError", "Something went wrong."))
        try:
            self._require_welcome(method, path, headers)
            status, made = self._act(path, orjson.loads(body))
        except Refusal as refused:
            return self._error(refused)
        if fault == "lost":
            raise ConnectionError
        if fault == "garbled":
            return 200, {"content-type": "text/html"}, b"<html>maintenance</html>"
        return status, {"content-type": "application/json"}, orjson.dumps(made)

    def _require_welcome(self, method: str, path: str, headers: Mapping[str, str]) -> None:
        self._asked += 1
        if headers.get("authorization") != self._authorization:
            raise Refusal(401, "AuthenticationException", "Not authorized.")
        if self._asked > self._limit:
            raise Refusal(429, "RateLimit", "Too many requests.")
        if method != "POST" or path not in self.paths:
            raise Refusal(404, "NotFound", "No such place.")

    def _act(self, path: str, asked: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        made: tuple[int, dict[str, Any]] = getattr(self, self.paths[path])(asked)
        return made

    @abstractmethod
    def _error(self, refused: Refusal) -> Answer:
        """How this company words a refusal."""


def rates_at(country: str, state: str, code: str, category: str) -> tuple[Decimal, Decimal]:
    """(the state's or country's rate, what places within add), as shares. Raises LookupError for places that are not.

    Where the state is none that we know the codes of, any code is taken.
    """
    if country == "US":
        first, last = _STATES.get(state, ("000", "999"))
        if not (len(code) >= 5 and code[:5].isdigit() and first <= code[:3] <= last):
            raise LookupError(f"{code} is not used within {state}")
    law = law_at(Destination(country, state, code))
    whole = Decimal(law.rate(category, "2026-01-01")) / 100_000
    return whole, Decimal(_LOCAL.get(code[:3], "0")) if country == "US" and whole else Decimal(0)


def cents(amount: Decimal) -> Decimal:
    return amount.quantize(Decimal("0.01"), ROUND_HALF_UP)


def number(value: Any) -> Decimal:
    return Decimal(str(value))
