"""A user pool with everything on, over a file, with a clock to turn; called through the real Cognito client."""

import re
import time
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from local.answers import refuse_the_rest, serve
from local.cognito import UserPool
from local.factors import app_code
from local.hosted import HostedPages
from local.hosted_codes import HostedCodes
from local.mailbox import Mailbox
from local.pool_parts import parts_of
from local.sessions import Client
from local.social import Provider, SimulatedProviders
from local.storage import Storage
from local.tokens import SigningKey

PASSWORD, OTHER = "Correct-horse-9", "Battery-staple-8"
ADA, NUMBER = "ada@example.com", "+15550100"
POOL = "us-east-1_Test"
HERE, THERE = "http://127.0.0.1:8080", "https://shop.example/signed-in"
KEY = SigningKey(None)
PROPERTIES: dict[str, Any] = {
    "Policies": {
        "PasswordPolicy": {"MinimumLength": 10, "RequireLowercase": True, "RequireNumbers": True},
        "SignInPolicy": {"AllowedFirstAuthFactors": ["PASSWORD", "WEB_AUTHN", "EMAIL_OTP"]},
    },
    "MfaConfiguration": "OPTIONAL",
    "EnabledMfas": ["SOFTWARE_TOKEN_MFA", "SMS_MFA", "EMAIL_OTP"],
    "UserAttributeUpdateSettings": {"AttributesRequireVerificationBeforeUpdate": ["email", "phone_number"]},
    "AccountRecoverySetting": {
        "RecoveryMechanisms": [
            {"Name": "verified_email", "Priority": 1},
            {"Name": "verified_phone_number", "Priority": 2},
        ]
    },
    "WebAuthnRelyingPartyID": "shop.example",
    "WebAuthnUserVerification": "required",
    "WebAuthnFactorConfiguration": "MULTI_FACTOR_WITH_USER_VERIFICATION",
}
WEB = Client(
    "web",
    frozenset(["ALLOW_USER_PASSWORD_AUTH", "ALLOW_USER_AUTH"]),
    1800,
    3600,
    True,
    30.0,
    True,
    callbacks=frozenset([THERE]),
    logouts=frozenset([THERE]),
    scopes=frozenset(["openid", "email", "profile", "aws.cognito.signin.user.admin"]),
    providers=("Google", "GitHub", "COGNITO"),
    hosted=True,
)
MAPPING = {"email": "email", "name": "name", "email_verified": "email_verified"}
PROVIDERS = {"Google": Provider("Google", "Google", MAPPING), "GitHub": Provider("GitHub", "OIDC", MAPPING)}


class World:
    """`triggers` are functions by the names of LambdaConfig; `heard` are the events that they got."""

    def __init__(self, file: Path, **properties: Any) -> None:
        self.file, self.ahead, self.properties = file, 0.0, PROPERTIES | properties
        self.began = time.time() // 30 * 30 + 10  # time stands still: no code ends while a test looks at it
        self.heard: list[dict[str, Any]] = []
        self.triggers: dict[str, Any] = {}
        self.open()

    def open(self) -> None:
        """Start over the same file, as after a crash."""
        storage = Storage(self.file)
        self.mailbox = Mailbox(storage)
        names = ("PreTokenGeneration", "PreSignUp", "PreAuthentication", "PostConfirmation", "CustomMessage")
        self.parts = parts_of(
            POOL,
            self.properties,
            {"web": WEB},
            storage=storage,
            mailbox=self.mailbox,
            key=KEY,
            triggers={name: lambda event, name=name: self._asked(name, event) for name in names},
            clock=self.now,
        )
        notes, simulated = HostedCodes(storage, self.now), SimulatedProviders(storage, self.now)
        self.pages = HostedPages(self.parts, PROVIDERS, notes, simulated, HERE)
        session = boto3.session.Session(region_name="us-east-1", aws_access_key_id="x", aws_secret_access_key="x")
        serve(session.events, "cognito-identity-provider", UserPool(self.parts).operations())
        refuse_the_rest(session.events)
        self.client = session.client("cognito-idp")

    def now(self) -> float:
        return self.began + self.ahead

    def _asked(self, name: str, event: dict[str, Any]) -> dict[str, Any]:
        self.heard.append(event)
        answer: dict[str, Any] = self.triggers.get(name, lambda given: given)(event)
        return answer

    def sources(self) -> list[str]:
        return [event["triggerSource"] for event in self.heard]

    # -- people

    def join(self, email: str = ADA) -> str:
        """A confirmed account; its sub."""
        self.client.sign_up(
            ClientId="web", Username=email, Password=PASSWORD, UserAttributes=[{"Name": "name", "Value": "Ada"}]
        )
        self.client.confirm_sign_up(ClientId="web", Username=email, ConfirmationCode=self.code(email))
        return self.parts.accounts.known(email).sub

    def code(self, to: str = ADA) -> str:
        """The code in the newest mail or text message."""
        found = re.search(r"\d{6}", self.mailbox.mails(to)[0].text)
        assert found
        return found.group()

    def begin(self, password: str = PASSWORD, email: str = ADA) -> dict[str, Any]:
        given = {"USERNAME": email, "PASSWORD": password}
        answer: dict[str, Any] = self.client.initiate_auth(
            ClientId="web", AuthFlow="USER_PASSWORD_AUTH", AuthParameters=given
        )
        return answer

    def sign_in(self, password: str = PASSWORD, email: str = ADA) -> dict[str, Any]:
        result: dict[str, Any] = self.begin(password, email)["AuthenticationResult"]
        return result

    def answer(self, asked: dict[str, Any], *, email: str = ADA, **answers: str) -> dict[str, Any]:
        """Answer a challenge."""
        given: dict[str, Any] = self.client.respond_to_auth_challenge(
            ClientId="web",
            ChallengeName=asked["ChallengeName"],
            Session=asked["Session"],
            ChallengeResponses={"USERNAME": email} | answers,
        )
        return given

    # -- factors

    def app(self, token: str) -> str:
        """Set up an authenticator app and ask for it from now on; its secret."""
        secret = str(self.client.associate_software_token(AccessToken=token)["SecretCode"])
        self.client.verify_software_token(AccessToken=token, UserCode=self.shown(secret))
        self.client.set_user_mfa_preference(
            AccessToken=token, SoftwareTokenMfaSettings={"Enabled": True, "PreferredMfa": False}
        )
        return secret

    def shown(self, secret: str, later: float = 0) -> str:
        return app_code(secret, self.now() + later)

    def wrong(self, secret: str, how_many: int = 1) -> list[str]:
        """Codes that the app shows neither now nor soon nor lately."""
        near = {self.shown(secret, step * 30) for step in range(-4, 5)}
        return [code for code in (f"{number:06d}" for number in range(100)) if code not in near][:how_many]

    def number(self, token: str) -> None:
        """A verified telephone number."""
        attributes = [{"Name": "phone_number", "Value": NUMBER}]
        self.client.update_user_attributes(AccessToken=token, UserAttributes=attributes)
        self.client.verify_user_attribute(AccessToken=token, AttributeName="phone_number", Code=self.code(NUMBER))

    def attributes(self, token: str) -> dict[str, str]:
        listed = self.client.get_user(AccessToken=token)["UserAttributes"]
        return {entry["Name"]: entry["Value"] for entry in listed}


def refused(code: str) -> Any:
    return pytest.raises(ClientError, match=code)
