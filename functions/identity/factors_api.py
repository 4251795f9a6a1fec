"""HTTP routes of the caller's second factors and passkeys. Changing them needs the token of a recent sign-in."""

from typing import Any, Literal

from pydantic import Field

from identity import factors, factors_gateway
from identity.app import Said, api, bearer, own_token, proof
from identity.model import (
    Code,
    FactorRequired,
    InvalidCredentials,
    NoSuchFactor,
    NoSuchUser,
    NotOffered,
    Password,
    Phone,
    TooManyAttempts,
    WrongCode,
    WrongPassword,
)
from market.errors import Unavailable
from market.guard.callers import ReauthenticationRequired
from market.http import CUSTOMER, STAFF, VENDOR, Body, Response, View, reply

EVERYBODY = (CUSTOMER, VENDOR, STAFF)
USUAL = [NoSuchUser, InvalidCredentials, NotOffered, ReauthenticationRequired, TooManyAttempts, Unavailable]


class Confirmation(Body):
    code: Code


class PhoneNumber(Body):
    phone: Phone = Field(description="In the international form, such as +4915112345678.")


class Proof(Body):
    password: Password


class NewPasskey(Proof):
    credential: dict[str, Any] = Field(description="What the browser made: RegistrationResponseJSON.")


class FactorsView(View):
    """factors: totp, email, sms. required: whether the account must have one. phone: its last digits."""

    factors: list[str]
    required: bool
    phone: str | None = None


class TotpView(View):
    """The secret is shown once. address: for a QR code."""

    secret: str
    address: str


class PasskeyOptions(View):
    options: dict[str, Any] = Field(description="PublicKeyCredentialCreationOptions.")


class PasskeyView(View):
    id: str
    name: str
    made_at: str


class PasskeyList(View):
    items: list[PasskeyView]


@api.get(
    "/v1/me/second-factors", callers=EVERYBODY, problems=[NoSuchUser, InvalidCredentials, TooManyAttempts, Unavailable]
)
def list_factors() -> Response[FactorsView]:
    """What the caller is asked for at a sign-in beside the password."""
    found = factors.of(api.caller.id, bearer())
    return reply(FactorsView(factors=sorted(found.names), required=found.required, phone=found.phone or None))


@api.post("/v1/me/second-factors/totp", callers=EVERYBODY, limit="code", problems=USUAL)
def begin_totp() -> Response[TotpView]:
    """Get a secret for an authenticator app. It counts once one of its codes is confirmed."""
    secret, address = factors.new_totp(api.caller.id, proof())
    return reply(TotpView(secret=secret, address=address))


@api.post("/v1/me/second-factors/totp/confirmation", callers=EVERYBODY, limit="code", problems=[WrongCode, *USUAL])
def confirm_totp(body: Confirmation) -> Said:
    """Confirm the authenticator app with a code that it shows."""
    factors.confirm_totp(api.caller.id, proof(), body.code)
    return Said(message="The authenticator app is in use.")


@api.post("/v1/me/second-factors/email", callers=EVERYBODY, limit="code", problems=USUAL)
def use_email() -> Said:
    """Ask for a mailed code at each sign-in."""
    factors.use_email(api.caller.id, proof())
    return Said(message="Mailed codes are in use.")


@api.post("/v1/me/second-factors/sms", callers=EVERYBODY, status=202, limit="password", problems=USUAL)
def begin_sms(body: PhoneNumber) -> Said:
    """Text a code to a phone. The number counts once the code is confirmed."""
    factors.give_phone(proof(), body.phone)
    return Said(message="A code is on its way to this number.")


@api.post("/v1/me/second-factors/sms/confirmation", callers=EVERYBODY, limit="code", problems=[WrongCode, *USUAL])
def confirm_sms(body: Confirmation) -> Said:
    """Confirm the phone with the code that it was sent."""
    factors.confirm_phone(api.caller.id, proof(), body.code)
    return Said(message="Codes by text message are in use.")


@api.post(
    "/v1/me/second-factors/<factor>/removal",
    callers=EVERYBODY,
    limit="login",
    problems=[NoSuchFactor, FactorRequired, WrongPassword, *USUAL],
)
def remove_factor(factor: Literal["totp", "email", "sms"], body: Proof) -> Said:
    """Do without this second factor."""
    factors.remove(api.caller.id, proof(), factor, body.password)
    return Said(message="This second factor is not asked for any more.")


@api.get("/v1/me/passkeys", callers=EVERYBODY, problems=USUAL)
def list_passkeys() -> Response[PasskeyList]:
    """The caller's passkeys."""
    items = [
        PasskeyView(
            id=found["CredentialId"],
            name=found.get("FriendlyCredentialName", ""),
            made_at=str(found.get("CreatedAt", "")),
        )
        for found in factors_gateway.passkeys(own_token())
    ]
    return reply(PasskeyList(items=items))


@api.post("/v1/me/passkeys/options", callers=EVERYBODY, limit="code", problems=USUAL)
def begin_passkey() -> Response[PasskeyOptions]:
    """What the browser needs to make a passkey."""
    return reply(PasskeyOptions(options=factors.begin_passkey(proof())))


@api.post(
    "/v1/me/passkeys",
    callers=EVERYBODY,
    status=201,
    limit="login",
    problems=[WrongCode, WrongPassword, *USUAL],
)
def add_passkey(body: NewPasskey) -> Said:
    """Keep the passkey that the browser made: with it alone one can sign in."""
    factors.add_passkey(api.caller.id, proof(), body.password, body.credential)
    return Said(message="The passkey can be used.")


@api.delete("/v1/me/passkeys/<passkey_id>", callers=EVERYBODY, problems=[NoSuchFactor, *USUAL])
def remove_passkey(passkey_id: str) -> Said:
    """Forget a passkey."""
    factors.remove_passkey(api.caller.id, proof(), passkey_id)
    return Said(message="The passkey is forgotten.")
