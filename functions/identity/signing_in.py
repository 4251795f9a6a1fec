"""From a password, a passkey or another company's word to a session of ours, and from one refresh token to the next."""

import hashlib
import hmac
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

import orjson

from identity import attempts, gateway, hosted, resets, sessions, tokens
from identity.devices import Visit
from identity.gateway import Challenge, Session
from identity.model import EMAIL, PASSKEY, SMS, TOTP, InvalidCredentials, NoSuchSession, WrongCode, require_strong
from identity.tokens import Refresh
from market import config, ids, log
from market.errors import Unprocessable
from market.guard.standing import SessionEnded

CHOICE, NEW_PASSWORD = "choice", "new_password"
_NAMES = {
    "SOFTWARE_TOKEN_MFA": TOTP,
    "EMAIL_OTP": EMAIL,
    "SMS_MFA": SMS,
    "SMS_OTP": SMS,
    "SELECT_MFA_TYPE": CHOICE,
    "NEW_PASSWORD_REQUIRED": NEW_PASSWORD,
    "WEB_AUTHN": PASSKEY,
}
_FACTORS = {TOTP: "SOFTWARE_TOKEN_MFA", EMAIL: "EMAIL_OTP", SMS: "SMS_MFA"}


@dataclass(frozen=True, slots=True)
class Step:
    """What is asked before there is a session. `session` is to be sent back with the answer, within ten minutes.

    challenge: totp, email, sms (a code), choice (of `methods`), new_password or passkey (whose `options` the browser
    needs). sent_to: where a code went, masked.
    """

    challenge: str
    session: str
    methods: tuple[str, ...] = ()
    sent_to: str = ""
    options: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """What was answered: one of these, as the challenge asks."""

    code: str | None = None
    method: str | None = None
    new_password: str | None = None
    credential: Mapping[str, Any] | None = None


def with_password(
    email: str, password: str, visit: Visit, *, suspicious: Callable[[], None] = lambda: None
) -> Session | Step:
    """Raises InvalidCredentials, EmailNotVerified, AccountBlocked, TooManyAttempts, and what `suspicious` raises.

    suspicious: asked after some wrong passwords in a row.
    """
    with attempts.counted(attempts.PASSWORD, email, InvalidCredentials, where=visit.address, suspicious=suspicious):
        found = gateway.sign_in(email, password)
    return _onwards(found, visit)


def with_answer(sealed: str, answer: Answer, visit: Visit) -> Session | Step:
    """The next step, or the session. Raises WrongCode, after which another answer may be given, or ChallengeEnded."""
    asked = tokens.read_challenge(sealed)
    given = _given(asked["name"], answer)
    with attempts.counted(attempts.FACTOR, asked["username"], WrongCode):
        found = gateway.answer(asked["name"], asked["state"], asked["username"], given)
    return _onwards(found, visit)


def with_passkey(email: str) -> Step:
    """What the browser needs to sign with a passkey; made up for addresses that have none."""
    found = gateway.begin_with_passkey(email)
    if found and found.name:
        return _step(found)
    sign = _unguessable("nobody", email).hex()
    nobody = f"{sign[:8]}-{sign[8:12]}-4{sign[13:16]}-8{sign[17:20]}-{sign[20:32]}"
    state = found.state if found else tokens.plain(_unguessable("state", ids.ulid()) * 2)
    sealed = tokens.seal_challenge({"name": "WEB_AUTHN", "state": state, "username": nobody})
    return Step(PASSKEY, sealed, options=_made_up(email))


def with_provider(code: str, verifier: str, redirect_uri: str, visit: Visit) -> Session:
    """A session for the code that the hosted pages sent somebody back with. Raises InvalidCredentials or NotOffered."""
    return begun(hosted.exchange(code, verifier, redirect_uri), visit)


def begun(found: Session, visit: Visit) -> Session:
    """Remember a sign-in that Cognito let in, and seal its refresh token."""
    said = tokens.claims(found.access_token)
    first = Refresh(str(said["origin_jti"]), str(said["sub"]), found.refresh_token)
    log.act_as("user", first.user_id)
    resets.settle(first.user_id)
    sessions.begin(first, visit, began=int(said.get("issuedAt") or int(said["iat"]) * 1000))
    return replace(found, refresh_token=first.sealed())


def refresh(sealed: str, visit: Visit) -> Session:
    """Trade a refresh token for new tokens.

    Raises SessionEnded where it was traded before, which ends the session for whoever else holds it; a moment after the
    trade it is still good, for the answer may have been lost.
    """
    old = tokens.read_refresh(sealed)
    log.act_as("user", old.user_id)
    resets.settle(old.user_id)
    device = sessions.find(old.user_id, old.session)
    if not device:
        raise SessionEnded("Please sign in again.")
    if not device.knows(old.digest, visit.device):
        sessions.end_reused(old.user_id, old.session)
        gateway.revoke(old.token)
        log.warning("refresh token reused", user_id=old.user_id, session=old.session)
        raise SessionEnded("Please sign in again.")
    found = gateway.refresh(old.token)
    new = replace(old, token=found.refresh_token)
    if not sessions.traded(old, new, visit):
        raise SessionEnded("Please sign in again.")
    return replace(found, refresh_token=new.sealed())


def sign_out(user_id: str, session: str, *, refresh_token: str | None = None) -> None:
    """End the session of the refresh token, or else the one named. One that has ended, or another's, is no error."""
    if refresh_token:
        held = tokens.read_refresh(refresh_token)
        if held.user_id != user_id:
            return
        session = held.session
        gateway.revoke(held.token)
    try:
        end(user_id, session, remembered=sessions.REVOKED if refresh_token else sessions.LIFE)
    except NoSuchSession:
        return


def end(user_id: str, session: str, *, remembered: timedelta = sessions.LIFE) -> None:
    """End a session. Who has ended so many that remembering them weighs on each request is signed out everywhere.

    Raises NoSuchSession.
    """
    if sessions.end(user_id, session, remembered=remembered) >= sessions.MOST_REMEMBERED:
        gateway.end_sessions(user_id)
        sessions.forget_ended(user_id)


def _onwards(found: Session | Challenge, visit: Visit) -> Session | Step:
    return begun(found, visit) if isinstance(found, Session) else _step(found)


def _step(found: Challenge) -> Step:
    state = {"name": found.name, "state": found.state, "username": found.username}
    name, said = _NAMES[found.name], found.parameters
    return Step(
        challenge=name,
        session=tokens.seal_challenge(state),
        methods=tuple(_NAMES[wire] for wire in orjson.loads(said.get("MFAS_CAN_CHOOSE", "[]")) if wire in _NAMES),
        sent_to=said.get("CODE_DELIVERY_DESTINATION", ""),
        options=orjson.loads(said["CREDENTIAL_REQUEST_OPTIONS"]) if name == PASSKEY else None,
    )


def _given(challenge: str, answer: Answer) -> str:
    """The answer as Cognito wants it. Raises Unprocessable when the challenge asks for another."""
    match _NAMES[challenge]:
        case "choice":
            given = _FACTORS.get(answer.method or "")
        case "new_password":
            given = answer.new_password
            require_strong(given or "")
        case "passkey":
            given = orjson.dumps(answer.credential).decode() if answer.credential else None
        case _:
            given = answer.code
    if not given:
        raise Unprocessable("This challenge asks for another answer.", challenge=_NAMES[challenge])
    return given


def _made_up(email: str) -> dict[str, Any]:
    """Options as an account with one passkey would give them: the same credential each time."""
    credential = tokens.plain(_unguessable("credential", email))
    return {
        "challenge": tokens.plain(_unguessable("challenge", ids.ulid())),
        "timeout": 60_000,
        "rpId": urlsplit(config.setting("STORE_URL")).hostname,
        "allowCredentials": [{"id": credential, "type": "public-key"}],
        "userVerification": "required",
    }


def _unguessable(what: str, of: str) -> bytes:
    return hmac.new(config.key("identity-passkeys"), f"{what}|{of}".encode(), hashlib.sha256).digest()
