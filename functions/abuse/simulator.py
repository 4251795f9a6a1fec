"""A captcha company, with its rules: siteverify as Turnstile and reCAPTCHA answer it.

    company = Captcha(secret="…")
    config.use_http(Network({"https://captcha.test": company.handle}))
    token = company.solve("register")

A token is good once, for five minutes, and tells what it was made for.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from threading import Lock
from typing import Any
from urllib.parse import parse_qsl

import orjson

from market import clock, ids

GOOD_FOR = timedelta(minutes=5)


@dataclass(slots=True)
class _Solved:
    action: str
    at: datetime
    used: bool = False


class Captcha:
    """`out` is an outage; `checked` counts the questions that were answered."""

    def __init__(self, secret: str) -> None:
        self.out = False
        self.checked = 0
        self.addresses: list[str] = []
        self._secret = secret
        self._solved: dict[str, _Solved] = {}
        self._lock = Lock()

    def solve(self, action: str) -> str:
        """A person solves the captcha: the token that the widget gives the page."""
        token = ids.ulid()
        self._solved[token] = _Solved(action, clock.now())
        return token

    def handle(
        self, _method: str, _path: str, _headers: Mapping[str, str], body: bytes
    ) -> tuple[int, Mapping[str, str], bytes]:
        """The answer to a form of `secret`, `response` and `remoteip`."""
        if self.out:
            return 503, {}, b"<html>Service unavailable</html>"
        with self._lock:
            said = self._siteverify(dict(parse_qsl(body.decode())))
        return 200, {"content-type": "application/json"}, orjson.dumps(said)

    def _siteverify(self, form: Mapping[str, str]) -> dict[str, Any]:
        self.checked += 1
        self.addresses.append(form.get("remoteip", ""))
        if fault := self._fault(form):
            return {"success": False, "error-codes": [fault]}
        solved = self._solved[form["response"]]
        solved.used = True
        return {"success": True, "error-codes": [], "action": solved.action, "hostname": "localhost"}

    def _fault(self, form: Mapping[str, str]) -> str:
        if not form.get("secret"):
            return "missing-input-secret"
        if form["secret"] != self._secret:
            return "invalid-input-secret"
        token = form.get("response", "")
        if not token:
            return "missing-input-response"
        solved = self._solved.get(token)
        if solved is None:
            return "invalid-input-response"
        return "timeout-or-duplicate" if solved.used or clock.now() - solved.at > GOOD_FOR else ""
