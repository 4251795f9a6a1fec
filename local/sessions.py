"""Sessions of signed-in people: what a sign-in begins, a refresh carries on and a revocation ends.

As on Cognito: access tokens carry what the pre-token-generation trigger (V2_0) adds, at sign-in and at each
refresh; with rotation a refresh token is good once (and for a short grace period, for a repeated request) and
its successor for the rest of the session's life; a revoked session refreshes nothing. Only hashes of refresh
tokens are kept.
"""

import hashlib
import secrets
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from local.accounts import TEMPORARY, Accounts, Person
from local.answers import AwsError
from local.storage import Storage
from local.tokens import BadToken, SigningKey

__all__ = ["Client", "Sessions", "Trigger"]

JSON = dict[str, Any]
Trigger = Callable[[JSON], JSON]
_SCHEMA = """
CREATE TABLE IF NOT EXISTS sessions (
    id TEXT PRIMARY KEY, sub TEXT NOT NULL, client TEXT NOT NULL, began REAL NOT NULL, expires REAL NOT NULL,
    revoked INTEGER NOT NULL DEFAULT 0) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS sessions_sub ON sessions (sub);
CREATE TABLE IF NOT EXISTS refresh_tokens (
    digest TEXT PRIMARY KEY, session TEXT NOT NULL, spent REAL) WITHOUT ROWID;
"""
SCOPE = "aws.cognito.signin.user.admin"
_CHALLENGE = 180
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
        "auth_time",
        "username",
        "event_id",
        "aud",
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
        )


class Sessions:
    """Makes and checks the tokens of one pool. `issuer` is the pool's address, as tokens name it."""

    def __init__(
        self,
        storage: Storage,
        accounts: Accounts,
        key: SigningKey,
        issuer: str,
        trigger: Trigger | None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._storage, self._accounts, self._key = storage, accounts, key
        self._issuer, self._trigger, self._clock = issuer, trigger, clock
        storage.declare(_SCHEMA)
        self._forget_expired()

    def begin(self, person: Person, client: Client) -> JSON:
        """Sign in: an AuthenticationResult."""
        now, session = self._clock(), str(uuid.uuid4())
        tokens = self._tokens(person, client, session, now, "TokenGeneration_Authentication")
        refresh = secrets.token_urlsafe(48)
        with self._storage.transaction() as db:
            db.execute(
                "INSERT INTO sessions VALUES (?,?,?,?,?,0)", (session, person.sub, client.id, now, now + client.refresh)
            )
            db.execute("INSERT INTO refresh_tokens VALUES (?,?,NULL)", (_digest(refresh), session))
        return tokens | {"RefreshToken": refresh}

    def carry_on(self, refresh: str, client: Client) -> JSON:
        """Trade a refresh token for new tokens. Raises NotAuthorizedException or RefreshTokenReuseException."""
        session, spent = self._session(refresh, client)
        person = self._accounts.find(session["sub"])
        if person is None or not person.enabled:
            raise AwsError("NotAuthorizedException", "User is disabled." if person else "Invalid Refresh Token")
        if spent is not None and self._clock() > spent + client.grace:
            raise AwsError("RefreshTokenReuseException", "Refresh token has been rotated.")
        tokens = self._tokens(person, client, session["id"], session["began"], "TokenGeneration_RefreshTokens")
        if not client.rotates:
            return tokens
        successor = secrets.token_urlsafe(48)
        with self._storage.transaction() as db:
            db.execute("INSERT INTO refresh_tokens VALUES (?,?,NULL)", (_digest(successor), session["id"]))
            db.execute(
                "UPDATE refresh_tokens SET spent = ? WHERE digest = ? AND spent IS NULL",
                (self._clock(), _digest(refresh)),
            )
        return tokens | {"RefreshToken": successor}

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

    def person(self, access_token: str) -> Person:
        """Whose access token this is, for the pool's own calls. Raises NotAuthorizedException."""
        try:
            claims = self._key.verify(access_token)
        except BadToken:
            raise AwsError("NotAuthorizedException", "Invalid Access Token") from None
        row = self._storage.one("SELECT revoked FROM sessions WHERE id = ?", (str(claims.get("origin_jti")),))
        person = self._accounts.find(str(claims.get("sub")))
        if claims.get("token_use") != "access" or row is None or person is None:
            raise AwsError("NotAuthorizedException", "Invalid Access Token")
        if row["revoked"]:
            raise AwsError("NotAuthorizedException", "Access Token has been revoked")
        return person

    def _forget_expired(self) -> None:
        with self._storage.transaction() as db:
            db.execute("DELETE FROM sessions WHERE expires < ?", (self._clock(),))
            db.execute("DELETE FROM refresh_tokens WHERE session NOT IN (SELECT id FROM sessions)")

    def challenge(self, person: Person) -> str:
        """A token for answering a challenge; three minutes."""
        now = int(self._clock())
        return self._key.sign({"sub": person.sub, "token_use": "challenge", "iat": now, "exp": now + _CHALLENGE})

    def challenged(self, token: str) -> Person:
        """Who was asked. Raises NotAuthorizedException."""
        try:
            claims = self._key.verify(token)
        except BadToken:
            claims = {}
        person = self._accounts.find(str(claims.get("sub"))) if claims.get("token_use") == "challenge" else None
        if person is None or person.status != TEMPORARY or not person.enabled:
            raise AwsError("NotAuthorizedException", "Invalid session for the user.")
        return person

    def _tokens(self, person: Person, client: Client, session: str, began: float, source: str) -> JSON:
        now = int(self._clock())
        common: JSON = {
            "sub": person.sub,
            "iss": self._issuer,
            "origin_jti": session,
            "event_id": str(uuid.uuid4()),
            "auth_time": int(began),
            "iat": now,
            "exp": now + client.access,
        }
        own = {"username": person.sub, "client_id": client.id, "token_use": "access", "scope": SCOPE}
        shown = {"cognito:username": person.sub, "aud": client.id, "token_use": "id"} | person.attributes
        verified = {"email_verified": person.attributes.get("email_verified") == "true"}
        change = self._asked(person, client, source)
        access = _changed(common | own, change.get("accessTokenGeneration"))
        identity = _changed(common | shown | verified, change.get("idTokenGeneration"))
        return {
            "AccessToken": self._key.sign(access | {"jti": str(uuid.uuid4())}),
            "IdToken": self._key.sign(identity | {"jti": str(uuid.uuid4())}),
            "ExpiresIn": client.access,
            "TokenType": "Bearer",
        }

    def _asked(self, person: Person, client: Client, source: str) -> JSON:
        """What the trigger wants to be changed in the tokens. Raises UserLambdaValidationException when it fails."""
        if self._trigger is None:
            return {}
        event = {
            "version": "2",
            "triggerSource": source,
            "region": self._issuer.split(".")[1],
            "userPoolId": self._issuer.rsplit("/", 1)[-1],
            "userName": person.sub,
            "callerContext": {"awsSdkVersion": "aws-sdk-unknown-unknown", "clientId": client.id},
            "request": {
                "userAttributes": person.all_attributes() | {"cognito:user_status": person.status},
                "groupConfiguration": {"groupsToOverride": [], "iamRolesToOverride": [], "preferredRole": None},
                "scopes": [SCOPE],
            },
            "response": {"claimsAndScopeOverrideDetails": None},
        }
        try:
            answer = self._trigger(event)
        except Exception as error:
            text = f"PreTokenGeneration failed with error {error}."
            raise AwsError("UserLambdaValidationException", text) from error
        return answer["response"].get("claimsAndScopeOverrideDetails") or {}


def _changed(claims: JSON, change: JSON | None) -> JSON:
    """Claims as the trigger wants them; those that Cognito reserves stay."""
    change = change or {}
    added = {k: v for k, v in (change.get("claimsToAddOrOverride") or {}).items() if k not in _RESERVED}
    hidden = set(change.get("claimsToSuppress") or ()) - _RESERVED
    return {k: v for k, v in (claims | added).items() if k not in hidden}


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
