"""Settings that operators change without a deployment: in Parameter Store, below SETTINGS_PATH, under their own names.

What is declared with source `parameter` is read at once and remembered for SETTINGS_CACHE_SECONDS. Where there is no
parameter, or one that cannot be right, or no answer at first, the environment counts; where there is no answer later,
what was read last. A function that was not given SETTINGS_PATH asks nobody.
"""

from threading import Lock
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from declared.settings import SETTINGS
from market import clock, config, log


def text(name: str) -> str:
    """The setting as it is now."""
    assert SETTINGS[name].source == "parameter", f"{name} is not declared to change"
    path = config.setting("SETTINGS_PATH")
    changed = _known(path).now() if path else {}
    return changed.get(name) or config.setting(name)


def number(name: str) -> int:
    return int(text(name))


class _Parameters:
    """What Parameter Store holds; asked again when it is old, whether it answered or not."""

    def __init__(self, path: str, session: Any) -> None:
        self.made_for = path, session
        self._values: dict[str, str] = {}
        self._read = 0.0
        self._silent = False
        self._reading = Lock()

    def now(self) -> dict[str, str]:
        """One thread reads; the others wait for the first answer, and later for none."""
        moment = clock.now().timestamp()
        if self._is_old(moment) and self._reading.acquire(blocking=not self._read):
            try:
                if self._is_old(moment):
                    self._refresh()
                    self._read = moment
            finally:
                self._reading.release()
        return self._values

    def _is_old(self, moment: float) -> bool:
        return not self._read <= moment < self._read + config.number("SETTINGS_CACHE_SECONDS")

    def _refresh(self) -> None:
        names = {f"{self.made_for[0]}/{name}": name for name, one in SETTINGS.items() if one.source == "parameter"}
        try:
            answer = config.client("ssm", patience=1, attempts=1).get_parameters(Names=list(names))
        except (ClientError, BotoCoreError) as failed:
            if not self._silent:
                log.error("settings cannot be read", failed)
            self._silent = True
            return
        given = {names[parameter["Name"]]: parameter["Value"] for parameter in answer["Parameters"]}
        wrong = sorted(name for name, value in given.items() if not SETTINGS[name].fits(value))
        if wrong:
            log.error("settings cannot have the values that they were given", settings=wrong)
        self._values, self._silent = {name: given[name] for name in given if name not in wrong}, False


_latest: _Parameters | None = None
_making = Lock()


def _known(path: str) -> _Parameters:
    """Read anew after `config.forget`."""
    global _latest
    session = config.session()
    with _making:
        if _latest is None or _latest.made_for != (path, session):
            _latest = _Parameters(path, session)
        return _latest
