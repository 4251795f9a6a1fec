"""Sessions of signed-in people: what a sign-in begins, a refresh carries on and a revocation ends.

As on Cognito: all tokens of a session share an `origin_jti`; they carry what the pre-token-generation trigger (V2_0)
adds, at sign-in and at each refresh; with rotation a refresh token is good once (and for a short grace period, for a
repeated request) and its successor for the rest of the session's life; a revoked session refreshes nothing, and the
pool's own calls refuse its access tokens, which the API's authorizer still takes until they expire. Only hashes of
refresh tokens are kept.
"""

import hashlib
import secrets
import time
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from local.accounts import Accounts, Person
from local.answers import AwsError
from local.pool_triggers import Triggers
from local.storage import Storage
from local.tokens import BadToken, SigningKey

__all__ = ["SCOPE", "Client", "Sessions"]

JSON = dict[str, Any]
_SCHEMA = """
CREATE TABLE IF NOT EXISTS sessions (
    id TEXT PRIMARY KEY, sub TEXT NOT NULL, client TEXT NOT NULL, began REAL NOT NULL, expires REAL NOT NULL,
    revoked INTEGER NOT NULL DEFAULT 0) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS sessions_sub ON sessions (sub);
CREATE TABLE IF NOT EXISTS refresh_tokens (
    digest TEXT PRIMARY KEY, session TEXT NOT NULL, spent REAL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS hosted_scopes (session TEXT PRIMARY KEY, scopes TEXT NOT NULL) WITHOUT ROWID;
"""
SCOPE = "aws.cognito.signin.user.admin"
_UNITS = {"seconds": 1, "minutes": 60, "hours": 3600, "days": 86400}
_RESERVED = frozenset(
    (
        "sub",
        "iss",
        "exp",
        "iat",
        "jti",
        "origin_jti",
        "token_use",
        "client_id",
        "username",
        "event_id",
        "aud",
        "auth_time",
        "cognito:username",
        "nonce",
        "scope",
        "version",
    )
)


@dataclass(frozen=True, slots=True)
class Client:
    """A client of the pool as the template declares it; times in seconds."""

    id: str
    flows: frozenset[str]
    access: int
    refresh: int
    rotates: bool
    grace: float
    silent: bool
    """PreventUserExistenceErrors."""
    callbacks: frozenset[str] = frozenset()
    logouts: frozenset[str] = frozenset()
    scopes: frozenset[str] = frozenset()
    providers: tuple[str, ...] = ("COGNITO",)
    hosted: bool = False
    """Whether the hosted pages give it codes; `callbacks` and `logouts` are where they may lead back to."""

    @staticmethod
    def of(id_: str, properties: JSON) -> "Client":
        units = properties.get("TokenValidityUnits") or {}
        access = int(properties.get("AccessTokenValidity", 1)) * _UNITS[units.get("AccessToken", "hours")]
        refresh = int(properties.get("RefreshTokenValidity", 30)) * _UNITS[units.get("RefreshToken", "days")]
        rotation = properties.get("RefreshTokenRotation") or {}
        return Client(
            id=id_,
            flows=frozenset(properties.get("ExplicitAuthFlows", ())),
            access=access,
            refresh=refresh,
            rotates=rotation.get("Feature") == "ENABLED",
            grace=float(rotation.get("RetryGracePeriodSeconds", 0)),
            silent=properties.get("PreventUserExistenceErrors") == "ENABLED",
            callbacks=frozenset(properties.get("CallbackURLs") or ()),
            logouts=frozenset(properties.get("LogoutURLs") or ()),
            scopes=frozenset(properties.get("AllowedOAuthScopes") or ()),
            providers=tuple(properties.get("SupportedIdentityProviders") or ("COGNITO",)),
            hosted=bool(properties.get("AllowedOAuthFlowsUserPoolClient"))
            and "code" in (properties.get("AllowedOAuthFlows") or ()),
        )


class Sessions:
    """Makes and checks the tokens of one pool. `issuer` is the pool's address, as tokens name it."""

    def __init__(
        self,
        storage: Storage,
        accounts: Accounts,
        key: SigningKey,
        issuer: str,
        triggers: Triggers,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._storage, self._accounts, self._key = storage, accounts, key
        self._triggers, self._clock = triggers, clock
        self.issuer = issuer
        storage.declare(_SCHEMA)
        self._forget_expired()

    def begin(
        self,
        person: Person,
        client: Client,
        source: str = "TokenGeneration_Authentication",
        *,
        scopes: Sequence[str] = (SCOPE,),
        nonce: str = "",
        signed_in: float | None = None,
    ) -> JSON:
        """Sign in: an AuthenticationResult. `source` is what the trigger is asked under.

        Hosted pages name scopes, and when the person signed in there (epoch seconds; now if not told).
        """
        now, session = self._clock(), str(uuid.uuid4())
        began = now if signed_in is None else signed_in
        tokens = self._tokens(person, client, session, began, source, tuple(scopes), nonce)
        refresh = secrets.token_urlsafe(48)
        with self._storage.transaction() as db:
            db.execute(
                "INSERT INTO sessions VALUES (?,?,?,?,?,0)",
                (session, person.sub, client.id, began, now + client.refresh),
            )
            db.execute("INSERT INTO refresh_tokens VALUES (?,?,NULL)", (_digest(refresh), session))
            if tuple(scopes) != (SCOPE,):
                db.execute("INSERT INTO hosted_scopes VALUES (?,?)", (session, " ".join(scopes)))
        return tokens | {"RefreshToken": refresh}

    def carry_on(self, refresh: str, client: Client) -> JSON:
        """Trade a refresh token for new tokens. Raises NotAuthorizedException or RefreshTokenReuseException."""
        session, spent = self._session(refresh, client)
        person = self._accounts.find(session["sub"])
        if person is None or not person.enabled:
            raise AwsError("NotAuthorizedException", "User is disabled." if person else "Invalid Refresh Token")
        self._still_good(spent, client)
        source, scopes = "TokenGeneration_RefreshTokens", self._scopes(session["id"])
        tokens = self._tokens(person, client, session["id"], session["began"], source, scopes)
        return tokens | {"RefreshToken": self._rotated(refresh, client)} if client.rotates else tokens

    def _rotated(self, refresh: str, client: Client) -> str:
        """The successor. Whoever comes second with the same token needs the grace period, also at the same moment."""
        successor, digest = secrets.token_urlsafe(48), _digest(refresh)
        with self._storage.transaction() as db:
            row = db.execute(
                "SELECT t.*, s.revoked FROM refresh_tokens t JOIN sessions s ON s.id = t.session WHERE digest = ?",
                (digest,),
            ).fetchone()
            if row is None or row["revoked"]:
                raise AwsError("NotAuthorizedException", "Refresh Token has been revoked")
            self._still_good(row["spent"], client)
            db.execute("INSERT INTO refresh_tokens VALUES (?,?,NULL)", (_digest(successor), row["session"]))
            db.execute(
                "UPDATE refresh_tokens SET spent = ? WHERE digest = ? AND spent IS NULL", (self._clock(), digest)
            )
        return successor

    def _still_good(self, spent: float | None, client: Client) -> None:
        if spent is not None and self._clock() > spent + client.grace:
            raise AwsError("RefreshTokenReuseException", "Refresh token reuse detected.")

    def _scopes(self, session: str) -> tuple[str, ...]:
        row = self._storage.one("SELECT scopes FROM hosted_scopes WHERE session = ?", (session,))
        return tuple(row["scopes"].split()) if row else (SCOPE,)

    def _session(self, refresh: str, client: Client) -> tuple[Any, float | None]:
        row = self._storage.one(
            "SELECT s.*, t.spent FROM refresh_tokens t JOIN sessions s ON s.id = t.session WHERE t.digest = ?",
            (_digest(refresh),),
        )
        if row is None or row["client"] != client.id:
            raise AwsError("NotAuthorizedException", "Invalid Refresh Token")
        if row["revoked"]:
            raise AwsError("NotAuthorizedException", "Refresh Token has been revoked")
        if row["expires"] < self._clock():
            raise AwsError("NotAuthorizedException", "Refresh Token has expired")
        return row, row["spent"]

    def revoke(self, refresh: str, client: Client) -> None:
        """End the session of a refresh token; an unknown one is no error (RFC 7009)."""
        row = self._storage.one("SELECT session FROM refresh_tokens WHERE digest = ?", (_digest(refresh),))
        if row is None:
            if refresh.count(".") == 2:
                raise AwsError("UnsupportedTokenTypeException", "Only refresh tokens can be revoked.")
            return
        with self._storage.transaction() as db:
            db.execute("UPDATE sessions SET revoked = 1 WHERE id = ? AND client = ?", (row["session"], client.id))

    def end_all(self, sub: str) -> None:
        """End every session of a person."""
        with self._storage.transaction() as db:
            db.execute("UPDATE sessions SET revoked = 1 WHERE sub = ?", (sub,))

    def person(self, access_token: str, scope: str = SCOPE) -> Person:
        """Whose access token this is, for the pool's own calls. Raises NotAuthorizedException."""
        try:
            claims = self._key.verify(access_token, self._clock())
        except BadToken:
            raise AwsError("NotAuthorizedException", "Invalid Access Token") from None
        row = self._storage.one("SELECT revoked FROM sessions WHERE id = ?", (str(claims.get("origin_jti")),))
        person = self._accounts.find(str(claims.get("sub")))
        if claims.get("token_use") != "access" or row is None or person is None:
            raise AwsError("NotAuthorizedException", "Invalid Access Token")
        if row["revoked"]:
            raise AwsError("NotAuthorizedException", "Access Token has been revoked")
        if scope not in str(claims.get("scope")).split():
            raise AwsError("NotAuthorizedException", "Access Token does not have required scopes")
        if not person.enabled:
            raise AwsError("NotAuthorizedException", "User is disabled.")
        return person

    def _forget_expired(self) -> None:
        with self._storage.transaction() as db:
            db.execute("DELETE FROM sessions WHERE expires < ?", (self._clock(),))
            db.execute("DELETE FROM refresh_tokens WHERE session NOT IN (SELECT id FROM sessions)")
            db.execute("DELETE FROM hosted_scopes WHERE session NOT IN (SELECT id FROM sessions)")

    def _tokens(
        self,
        person: Person,
        client: Client,
        session: str,
        began: float,
        source: str,
        scopes: tuple[str, ...],
        nonce: str = "",
    ) -> JSON:
        now = int(self._clock())
        common: JSON = {
            "sub": person.sub,
            "iss": self.issuer,
            "origin_jti": session,
            "event_id": str(uuid.uuid4()),
            "auth_time": int(began),
            "iat": now,
            "exp": now + client.access,
        }
        change = self._triggers.tokens(source, person, client.id, list(scopes))
        own: JSON = {"username": person.username, "client_id": client.id, "token_use": "access"}
        own |= {"scope": _scope(scopes, change.get("accessTokenGeneration"))}
        own |= {} if scopes == (SCOPE,) else {"version": 2}
        access = _changed(common | own, change.get("accessTokenGeneration"))
        tokens: JSON = {"AccessToken": self._signed(access), "ExpiresIn": client.access, "TokenType": "Bearer"}
        if SCOPE not in scopes and "openid" not in scopes:
            return tokens
        shown = self._shown(person, client) | ({"nonce": nonce} if nonce else {})
        identity = _changed(common | shown, change.get("idTokenGeneration"))
        return tokens | {"IdToken": self._signed(identity)}

    def _signed(self, claims: JSON) -> str:
        return self._key.sign(claims | {"jti": str(uuid.uuid4())})

    def _shown(self, person: Person, client: Client) -> JSON:
        """What an id token says of a person."""
        shown: JSON = {"cognito:username": person.username, "aud": client.id, "token_use": "id"} | person.attributes
        for name in ("email_verified", "phone_number_verified"):
            if name in shown:
                shown[name] = shown[name] == "true"
        identities = self._accounts.identities(person)
        return shown | ({"identities": identities} if identities else {})


def _scope(scopes: tuple[str, ...], change: JSON | None) -> str:
    """The scopes of an access token, as the trigger wants them."""
    hidden = set((change or {}).get("scopesToSuppress") or ())
    added = [scope for scope in (change or {}).get("scopesToAdd") or () if scope not in scopes]
    return " ".join([scope for scope in scopes if scope not in hidden] + added)


def _changed(claims: JSON, change: JSON | None) -> JSON:
    """Claims as the trigger wants them; those that Cognito reserves stay."""
    change = change or {}
    added = {k: v for k, v in (change.get("claimsToAddOrOverride") or {}).items() if k not in _RESERVED}
    hidden = set(change.get("claimsToSuppress") or ()) - _RESERVED
    return {k: v for k, v in (claims | added).items() if k not in hidden}


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
