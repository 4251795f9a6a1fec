"""Listens to everything that tests make the product say, and fails the test in which it says too much.

Heard are log lines, events on their way to the outbox, problem documents, and errors that leave a state machine's task;
of servers in processes of their own their log and their answers. Searched for are personal data and secrets:

- by their form: addresses of mail and network, telephones, cards, bank accounts, tokens, API keys, secrets of webhooks;
- people, places and passwords that tests are fond of;
- what this very test sent or was answered in a field or header that holds such things, letter by letter.

Patterns are such that no id, digest or number matches by chance: check digits, fixed beginnings, whole words.
"""

import functools
import logging
import re
import sys
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson
import pytest
from botocore import handlers

from market import http, log, tasks
from market.guard.audit import RECORDED
from market.table import OUTBOX

LOG, EVENT, AUDIT, PROBLEM, ERROR = "log line", "event", "audit record", "problem", "error"

KNOWN = (
    "Ada Lovelace", "Alan Turing", "Grace Hopper", "St James", "SW1Y 4JH",
    "Local-Demo-Only-1", "Correct-horse-9", "Nanosecond-Wire-30cm", "Analytical-Engine-2",
    "a-root-secret-for-tests-only", "Mozilla/", "otpauth://",
)  # fmt: skip
"""People, places, passwords and browsers of many tests, and beginnings that nothing harmless has."""

PRIVATE = frozenset(
    (
        *("accesstoken", "agent", "bio", "birthdate", "challengetoken", "clientsecret", "currentpassword"),
        *("dateofbirth", "email", "iban", "idtoken", "line1", "line2", "newpassword", "oldpassword", "password"),
        *("phone", "refreshtoken", "secret", "taxid", "token", "useragent", "vatid"),
        *("api-key", "authorization", "cookie", "guest-token", "user-agent"),
    )
)
"""Fields and headers, in lower case, whose values are private to whoever sends or gets them."""

DRAWN = "tests/journeys/test_drawn_requests.py"
"""What is drawn by chance puts one value into private and public fields alike: there, forms are looked for only."""

CATALOGUES = "tests/store/test_whole_catalogue.py"
"""Of the article numbers in real titles one in ten has the check digit of a card: there, cards are not looked for."""

LONGEST = 20_000
"""Characters of a body; a longer one plants nothing."""

SHORTEST = 10
"""Characters; a shorter value may be found anywhere by chance."""

OURS = frozenset({"orders@marketplace.example", "203.0.113.0", "+33 1 23 45 67 89"})
"""The marketplace's own sender, and what messages give as examples."""

ALLOWED = {
    ("network address", AUDIT): "which networks staff block is what the record is for",
}
"""What may be said where, and why. Fields of an audit record that are about the acting person are not searched."""


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of private datum: how it looks, a text that it always holds, which makes looking cheap, and its proof."""

    name: str
    pattern: re.Pattern[str]
    holds: str = ""
    proof: Callable[[str], bool] = field(default=bool)

    def within(self, text: str) -> Iterator[re.Match[str]]:
        if self.holds in text:
            yield from (found for found in self.pattern.finditer(text) if self.proof(found[0]))


def _digits(text: str) -> str:
    return re.sub(r"\D", "", text)


def is_card(text: str) -> bool:
    """By Luhn's sum."""
    digits = [int(digit) for digit in reversed(_digits(text))]
    doubled = [digit * 2 - 9 * (digit > 4) for digit in digits[1::2]]
    return (sum(digits[::2]) + sum(doubled)) % 10 == 0


_IBANS = {"AT": 20, "BE": 16, "CH": 21, "DE": 22, "DK": 18, "ES": 24, "FI": 18, "FR": 27, "GB": 22, "IE": 22, "IT": 27,
          "LU": 20, "NL": 18, "NO": 15, "PL": 28, "PT": 25, "SE": 24}  # fmt: skip


def is_iban(text: str) -> bool:
    """By its country's length and its check digits (ISO 13616)."""
    plain = text.replace(" ", "")
    number = "".join(str(int(sign, 36)) for sign in plain[4:] + plain[:4])
    return _IBANS.get(plain[:2]) == len(plain) and int(number) % 97 == 1


def is_address(text: str) -> bool:
    return is_foreign(text) and all(int(part) < 256 for part in text.split("."))


def is_foreign(text: str) -> bool:
    return text.lower() not in OURS


_CARD = r"(?<![\w.:-])(?:[2-6]\d{3}([ -]?)\d{4}\1\d{4}\1\d{1,7}|3[47]\d\d[ -]?\d{6}[ -]?\d{5})(?![\w-])"
_IBAN = r"(?<![\w-])[A-Z]{2}\d\d(?: ?[A-Z0-9]{4}){2,6}(?: ?[A-Z0-9]{1,3})?(?![\w-])"
KINDS = (
    Kind("mail address", re.compile(r"[\w.%+-]{1,64}@(?:[A-Za-z0-9-]{1,63}\.)+[A-Za-z]{2,24}"), "@", is_foreign),
    Kind("token", re.compile(r"eyJ[\w-]{10,}\.[\w-]{10,}\.[\w-]+"), "eyJ"),
    Kind("API key", re.compile(r"mk_[0-9a-hjkmnp-tv-z]{16}_[0-9a-hjkmnp-tv-z]{39}"), "mk_"),
    Kind("webhook secret", re.compile(r"whsec_[\w+/-]{16,}"), "whsec_"),
    Kind("telephone", re.compile(r"(?<![\w+/=.-])\+[1-9](?: ?\d){7,14}(?!\w)"), "+", is_foreign),
    Kind("network address", re.compile(r"(?<![\w.-])(?:\d{1,3}\.){3}\d{1,3}(?![\w.-])"), ".", is_address),
    Kind("network address", re.compile(r"2001:(?i:db8):[\da-fA-F:]+"), "2001:"),
    Kind("card", re.compile(_CARD), proof=is_card),
    Kind("bank account", re.compile(_IBAN), proof=is_iban),
    Kind("known", re.compile("|".join(map(re.escape, KNOWN)))),
)


def found(text: str, planted: Iterable[str] = ()) -> Iterator[tuple[str, int]]:
    """Kinds of private data in a text, and where."""
    for kind in KINDS:
        for match in kind.within(text):
            yield kind.name, match.start()
    words = sorted({word for word in planted if word in text}, key=len, reverse=True)
    if words:
        for match in re.finditer("|".join(map(re.escape, words)), text):
            yield "planted", match.start()


def private(document: Any, name: str = "") -> Iterator[str]:
    """Values of private fields, wherever they are in a JSON document."""
    match document:
        case dict():
            for inner, part in document.items():
                yield from private(part, str(inner).lower())
        case list():
            for part in document:
                yield from private(part, name)
        case str() if name in PRIVATE:
            word = document.removeprefix("Bearer ")
            if len(word) >= SHORTEST:
                yield word


class Listener:
    """What was said since it was last looked at, by any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._said: list[tuple[str, str]] = []
        self._planted: set[str] = set()
        self.planting = True
        self.excused: frozenset[str] = frozenset()

    def hear(self, where: str, text: str) -> None:
        with self._lock:
            self._said.append((where, text))

    def plant(self, document: Any) -> None:
        words = set(private(document)) if self.planting else set()
        with self._lock:
            self._planted |= words

    def leaks(self) -> list[str]:
        """What was said too much, each as one line for people; from here on it listens anew."""
        with self._lock:
            said, self._said = self._said, []
            planted = set(self._planted)
        if not said:
            return []
        whole = "\n".join(text for _, text in said)
        shown: list[str] = []
        for kind, at in found(whole, planted):
            where, line = _line_at(said, at)
            if (kind, where) not in ALLOWED and kind not in self.excused:
                shown.append(f"{kind}, in a {where}: {line}")
        return list(dict.fromkeys(shown))

    def forget(self) -> None:
        """Another test begins: what was planted belonged to the one before."""
        with self._lock:
            self._planted = set()

    # --- the product's mouths ---------------------------------------------------------------------------------------

    def request(self, answering: Callable[..., dict[str, Any]]) -> Callable[..., dict[str, Any]]:
        """Around `ServiceApi._answer`."""

        @functools.wraps(answering)
        def answer(api: Any, event: dict[str, Any], headers: dict[str, str]) -> dict[str, Any]:
            self.plant(dict(headers))
            self.plant(_parsed(event.get("body") or ""))
            answered = answering(api, event, headers)
            self.answered(answered.get("headers") or {}, answered.get("body") or "")
            return answered

        return answer

    def task(self, carrying_out: Callable[..., dict[str, Any]]) -> Callable[..., dict[str, Any]]:
        """Around `Tasks.handler`: what it raises is shown in the execution's history."""

        @functools.wraps(carrying_out)
        def handler(its: Any, event: dict[str, Any], context: object = None) -> dict[str, Any]:
            try:
                return carrying_out(its, event, context)
            except Exception as error:
                self.hear(ERROR, f"{type(error).__name__}: {error}")
                raise

        return handler

    def answered(self, headers: Mapping[str, Any], body: str) -> None:
        if "problem+json" in str(
            next((value for name, value in headers.items() if name.lower() == "content-type"), "")
        ):
            self.hear(PROBLEM, body)
        else:
            self.plant(_parsed(body))

    def write(self, params: dict[str, Any], **_: Any) -> None:
        """Heard by botocore before each DynamoDB call."""
        items = [entry["Put"]["Item"] for entry in params.get("TransactItems", ()) if "Put" in entry]
        items += [params["Item"]] if "Item" in params else []
        for item in items:
            if str(item.get("pk", {}).get("S", "")).startswith(OUTBOX) and "envelope" in item:
                if item.get("type") == {"S": RECORDED}:
                    self.hear(AUDIT, _without_actor(item["envelope"]["S"]))
                else:
                    self.hear(EVENT, item["envelope"]["S"])


def _without_actor(envelope: str) -> str:
    """An audit record says by its purpose from which network, and with which program, somebody acted."""
    told = orjson.loads(envelope)
    data = {name: value for name, value in told["data"].items() if name not in ("address", "agent")}
    return orjson.dumps(told | {"data": data}).decode()


def _parsed(text: str) -> Any:
    """The document; None for what no test plants anything in: no JSON, or more of it than a form has."""
    try:
        return orjson.loads(text) if text[:1] in ("{", "[") and len(text) <= LONGEST else None
    except orjson.JSONDecodeError:
        return None


def _line_at(said: Iterable[tuple[str, str]], at: int) -> tuple[str, str]:
    for where, text in said:
        if at <= len(text):
            return where, text.strip()[:600]
        at -= len(text) + 1
    raise AssertionError("the position is beyond what was said")


class Overheard:
    """Stands in for the module `sys` in `market.log`: what is written to standard output is heard on its way."""

    def __init__(self, listener: Listener) -> None:
        self._listener = listener

    @property
    def stdout(self) -> "Overheard":
        return self

    def write(self, text: str) -> int:
        self._listener.hear(LOG, text)
        return sys.stdout.write(text)


class Records(logging.Handler):
    """Hears what libraries, and the kernel by itself, hand to Python's own logging: Lambda writes that down, too."""

    def __init__(self, listener: Listener) -> None:
        super().__init__(logging.WARNING)
        self._listener = listener

    def emit(self, record: logging.LogRecord) -> None:
        self._listener.hear(LOG, record.getMessage())


class Judge:
    """Fails a test at the end of its setup and body, or of its teardown, for what was said until then."""

    def __init__(self, listener: Listener) -> None:
        self._listener = listener

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_call(self, item: pytest.Item) -> Iterator[None]:
        self._listener.planting = not item.nodeid.startswith(DRAWN)
        self._listener.excused = frozenset({"card"} if item.nodeid.startswith(CATALOGUES) else ())
        result = yield
        self._judge()
        return result

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_teardown(self, item: pytest.Item) -> Iterator[None]:
        result = yield
        self._judge()
        self._listener.forget()
        return result

    def _judge(self) -> None:
        if leaks := self._listener.leaks():
            pytest.fail("said too much:\n" + "\n".join(leaks[:20]), pytrace=False)


def _listen_to_servers(listener: Listener) -> None:
    """Their answers as they come, their log when they have ended."""
    from local.harness import Running

    call, reap, read = Running.call, Running._reap, dict[str, int]()

    def asking(self: Running, method: str, path: str, body: Any = None, **options: Any) -> Any:
        listener.plant(body)
        listener.plant(dict(options.get("headers") or {}) | {"authorization": options.get("token", "")})
        reply = call(self, method, path, body, **options)
        listener.answered(reply.headers, reply.body.decode(errors="replace"))
        return reply

    def reaping(self: Running) -> int:
        code, file = reap(self), self.data / "log.txt"
        with file.open(errors="replace") as lines:
            lines.seek(read.get(str(file), 0))
            listener.hear(LOG, lines.read())
            read[str(file)] = lines.tell()
        return code

    Running.call, Running._reap = asking, reaping  # type: ignore[method-assign]


def pytest_configure(config: pytest.Config) -> None:
    listener = Listener()
    log.sys = Overheard(listener)  # type: ignore[assignment]
    http.ServiceApi._answer = listener.request(http.ServiceApi._answer)  # type: ignore[method-assign]
    tasks.Tasks.handler = listener.task(tasks.Tasks.handler)  # type: ignore[method-assign]
    handlers.BUILTIN_HANDLERS.append(("provide-client-params.dynamodb", listener.write))
    logging.getLogger().addHandler(Records(listener))
    _listen_to_servers(listener)
    config.pluginmanager.register(Judge(listener))
