"""The user pool of these tests: the one that is played on one machine, in memory, which can be told to fail."""

import base64
import json
import re
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any
from urllib.parse import parse_qs

import pytest

from identity import triggers
from local.answers import AwsError, serve
from local.cognito import UserPool
from local.mailbox import Mailbox
from local.pool_parts import Parts, parts_of
from local.sessions import Client
from local.storage import Storage
from local.tokens import SigningKey
from market import clock, config

POOL = "us-east-1_Test"
DOMAIN = "https://sign-in.example.com"
STORE = "http://localhost:5173"
PROPERTIES = {
    "AutoVerifiedAttributes": ["email"],
    "MfaConfiguration": "OPTIONAL",
    "EnabledMfas": ["SOFTWARE_TOKEN_MFA", "EMAIL_OTP", "SMS_MFA"],
    "Policies": {
        "PasswordPolicy": {"MinimumLength": 10},
        "SignInPolicy": {"AllowedFirstAuthFactors": ["PASSWORD", "WEB_AUTHN"]},
    },
    "UserAttributeUpdateSettings": {"AttributesRequireVerificationBeforeUpdate": ["email", "phone_number"]},
    "WebAuthnRelyingPartyID": "localhost",
    "WebAuthnUserVerification": "required",
    "WebAuthnFactorConfiguration": "MULTI_FACTOR_WITH_USER_VERIFICATION",
}
CLIENT = Client(
    id="web",
    flows=frozenset(["ALLOW_USER_PASSWORD_AUTH", "ALLOW_USER_AUTH"]),
    access=1800,
    refresh=30 * 86_400,
    rotates=True,
    grace=60.0,
    silent=True,
)
_KEY = SigningKey(None)


class Pool:
    """`fail` maps Cognito's operations to the errors that they answer with."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.fail: dict[str, str] = {}
        self._storage = Storage(":memory:")
        self._mailbox = Mailbox(self._storage)
        self._codes: dict[str, tuple[str, str, str]] = {}
        self.parts: Parts = parts_of(
            POOL,
            PROPERTIES,
            {"web": CLIENT},
            storage=self._storage,
            mailbox=self._mailbox,
            key=_KEY,
            triggers={"PreTokenGeneration": triggers.pre_token, "PreSignUp": triggers.pre_sign_up},
            clock=lambda: clock.now().timestamp(),
        )
        for name, value in {
            "USER_POOL_ID": POOL,
            "USER_POOL_CLIENT_ID": "web",
            "USER_POOL_DOMAIN": DOMAIN,
            "IDENTITY_PROVIDERS": "Google,GitHub",
            "STORE_URL": STORE,
        }.items():
            patch.setenv(name, value)
        operations = {name: self._watched(name, call) for name, call in UserPool(self.parts).operations().items()}
        serve(config.session().events, "cognito-identity-provider", operations)
        config.use_http(self)

    def _watched(self, name: str, call: Callable[[Any], Any]) -> Callable[[Any], Any]:
        def answer(asked: Any) -> Any:
            if name in self.fail:
                raise AwsError(self.fail[name], "Cognito's own words about ada@example.com")
            return call(asked)

        return answer

    # -- mails and text messages

    def told(self, to: str) -> list[str]:
        """What was sent to an address or number by Cognito, newest first."""
        return [mail.text for mail in self._mailbox.mails(to)]

    def code(self, to: str) -> str:
        """The newest code that was sent to an address or number."""
        found = re.search(r"\d{6}", self.told(to)[0])
        assert found
        return found.group()

    # -- the hosted pages

    def returned(self, provider: str, subject: str, *, email: str, proven: bool = True) -> str:
        """Somebody has signed in with another company; the code that the browser comes back with."""
        code = f"code-{len(self._codes)}"
        self._codes[code] = (f"{provider}_{subject}", email, "true" if proven else "false")
        return code

    def request(self, method: str, url: str, *, body: bytes, **_: Any) -> Any:
        """The token endpoint. An account is made, or found, as Cognito does it: asking PreSignUp first."""
        assert (method, url) == ("POST", f"{DOMAIN}/oauth2/token")
        asked = {name: values[0] for name, values in parse_qs(body.decode()).items()}
        known = self._codes.pop(asked["code"], None)
        if "token_endpoint" in self.fail:
            return SimpleNamespace(status=int(self.fail["token_endpoint"]), data=b"{}")
        if not known or not asked["code_verifier"] or asked["client_id"] != "web":
            return SimpleNamespace(status=400, data=b'{"error":"invalid_grant"}')
        username, email, proven = known
        provider, _, subject = username.partition("_")
        accounts = self.parts.accounts
        person = accounts.identified(provider, subject)
        if person is None:
            attributes = {"email": email, "email_verified": proven, "name": "Ada"}
            try:
                self.parts.triggers.sign_up("PreSignUp_ExternalProvider", username, "web", attributes)
            except AwsError:
                return SimpleNamespace(status=400, data=b'{"error":"invalid_request"}')
            person = accounts.identified(provider, subject) or accounts.add_external(provider, subject, attributes)
        result = self.parts.sessions.begin(person, CLIENT, "TokenGeneration_HostedAuth")
        names = {"access_token": "AccessToken", "refresh_token": "RefreshToken", "expires_in": "ExpiresIn"}
        return SimpleNamespace(status=200, data=json.dumps({ours: result[name] for ours, name in names.items()}))


def claims(token: str) -> dict[str, Any]:
    part = token.split(".")[1]
    read: dict[str, Any] = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    return read
