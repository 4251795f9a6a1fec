"""Feature flags, asked where they decide: `flags.on("bulk-upload", flags.about(api.caller, vendor=vendor_id))`.

Which flags there are, and what each is while nobody says otherwise, is declared (`declared.flags`); what operators made
of them comes from AppConfig through Powertools' rule engine and is remembered for FLAGS_CACHE_SECONDS. While AppConfig
does not answer, or answers nonsense, the last good rules count. Asking for an undeclared flag is a programming error.

A context may hold `user`, `roles`, `vendor`, `country` and `product`. Percentages look at `bucket`: each user has one
of 100 buckets for each flag, so who is in at 10 % is still in at 20 %.
"""

from collections.abc import Mapping
from hashlib import sha256
from threading import Lock
from typing import Any, cast

from declared.flags import FLAGS, Flag
from market import clock, config, log
from market.guard.callers import Caller
from market.guard.standing import PLATFORM


class UnknownFlag(RuntimeError):
    """Nobody declared a flag of this name and kind."""


def on(name: str, context: Mapping[str, Any] | None = None) -> bool:
    """Whether a boolean flag is on for the context. Raises UnknownFlag."""
    found = value(name, context)
    if not isinstance(found, bool):
        raise UnknownFlag(name)
    return found


def value(name: str, context: Mapping[str, Any] | None = None, default: Any = None) -> Any:
    """What any flag is for the context: a bool, int, str or list of str, by its kind. Raises UnknownFlag.

    default: what counts in place of the declared one while operators have said nothing of the flag.
    """
    if name not in FLAGS:
        raise UnknownFlag(name)
    otherwise = FLAGS[name].value if default is None else default
    return _evaluated(FLAGS[name], context or {}, otherwise) if config.setting("FLAGS_CONFIGURATION") else otherwise


def about(caller: Caller, *, vendor: str = "", country: str = "", product: str = "") -> dict[str, Any]:
    """The context of a request: who asks, and the vendor, country and product that it is about, if any."""
    known = {"user": caller.id, "vendor": vendor, "country": country, "product": product}
    grants = (caller.standing.grants[scope] for scope in (PLATFORM, vendor) if scope in caller.standing.grants)
    roles = caller.roles.union(*(grant.roles for grant in grants))
    return {name: text for name, text in known.items() if text} | {"roles": sorted(roles)}


def bucket(name: str, user: str) -> int:
    """0 to 99: always the same for this flag and user, and of one flag nothing follows for another."""
    return int.from_bytes(sha256(f"{name}/{user}".encode()).digest()[:8], "big") % 100


def _evaluated(flag: Flag, context: Mapping[str, Any], otherwise: Any) -> Any:
    published, user = _published(), context.get("user")
    if flag.name not in published.rules():
        return otherwise
    given = dict(context) | ({"bucket": bucket(flag.name, user)} if user else {})
    found = published.engine.evaluate(name=flag.name, context=given, default=otherwise)
    if flag.fits(found) or found == otherwise:
        return found
    published.complain(f"{flag.name} was given a value that it cannot have")
    return otherwise


class _Published:
    """The rules as AppConfig last gave them; it is asked again when they are old, whether it answered or not."""

    def __init__(self, configuration: str, session: Any) -> None:
        from aws_lambda_powertools.utilities import feature_flags  # 20 ms, for functions that ask only
        from aws_lambda_powertools.utilities.feature_flags import exceptions

        self.made_for = configuration, session
        self.engine: Any = feature_flags.FeatureFlags(store=self)  # type: ignore[arg-type]  # all that it needs of one
        self._powertools, self._store = feature_flags, cast(Any, None)
        self._faults = (
            exceptions.ConfigurationStoreError,
            exceptions.StoreClientError,
            exceptions.SchemaValidationError,
        )
        self._rules: dict[str, Any] = {}
        self._read = 0.0
        self._said: set[str] = set()
        self._reading = Lock()

    def get_configuration(self) -> dict[str, Any]:
        """Called by the engine."""
        return self._rules

    def rules(self) -> dict[str, Any]:
        """One thread reads; the others wait for the first answer, and later for none."""
        now = clock.now().timestamp()
        if self._is_old(now) and self._reading.acquire(blocking=not self._read):
            try:
                if self._is_old(now):
                    self._refresh(now)
            finally:
                self._reading.release()
        return self._rules

    def _is_old(self, now: float) -> bool:
        return not self._read <= now < self._read + config.number("FLAGS_CACHE_SECONDS")

    def complain(self, what: str, cause: Exception | None = None) -> None:
        """Log it, unless that was done since all was well."""
        if what not in self._said:
            self._said.add(what)
            log.error(what, cause)

    def _refresh(self, now: float) -> None:
        application, environment, profile = self.made_for[0].split("/")
        client = config.client("appconfigdata", patience=1, attempts=1)  # somebody is waiting
        try:
            store = self._powertools.AppConfigStore
            self._store = self._store or store(environment, application, profile, 0, boto3_client=client)
            rules = self._store.get_configuration()
            if rules != {}:
                self._powertools.SchemaValidator(rules).validate()
            self._rules, self._said = rules, set()
        except self._faults as fault:
            self._store = None  # its place in the conversation is lost; a new one begins with everything
            self.complain("flags cannot be read", fault)
        self._read = now


_latest: _Published | None = None
_making = Lock()


def _published() -> _Published:
    """What is published for this stage; read anew after `config.forget`."""
    global _latest
    wanted = config.setting("FLAGS_CONFIGURATION"), config.session()
    with _making:
        if _latest is None or _latest.made_for != wanted:
            _latest = _Published(*wanted)
        return _latest
