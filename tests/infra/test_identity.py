"""The user pool: which factors it takes, who else vouches for people, and that our own rules are the pool's."""

import ast
import itertools
import re
from pathlib import Path
from typing import Any

import pytest
from botocore import xform_name
from botocore.session import Session

from identity.model import WeakPassword, require_strong
from infra.config import STAGES, SocialProvider, Stage
from infra.constructs.grants import COGNITO_ACTIONS
from local.answers import AwsError
from local.pool_settings import PasswordPolicy, PoolSettings
from tests.infra.assembly import Assembly

pytestmark = pytest.mark.contract("1.4")

ROOT = Path(__file__).resolve().parents[2]
_CALL = re.compile(r"admin_[a-z_]+|list_users")


def _only(assembly: Assembly, kind: str) -> dict[str, Any]:
    ((_, properties),) = assembly.properties(kind)
    found: dict[str, Any] = properties
    return found


@pytest.fixture(scope="module")
def policy(prod: Assembly) -> PasswordPolicy:
    return PoolSettings.of(_only(prod, "AWS::Cognito::UserPool")).passwords


PASSWORDS = ["".join(parts) for parts in itertools.product(("", "abcdefg"), ("", "ABCDEFG"), ("", "12"), ("", "-!"))]
PASSWORDS += ["Aa1-" + "x" * length for length in (5, 6, 94, 95)]


@pytest.mark.contract("1.3")
def test_the_service_and_the_pool_ask_the_same_of_a_password(policy: PasswordPolicy) -> None:
    """Nothing that the pool refuses gets past the service; only for length is the service stricter (98, not 256)."""
    for password in PASSWORDS:
        assert _service_takes(password) == (_pool_takes(policy, password) and len(password) <= 98), password


def _service_takes(password: str) -> bool:
    try:
        require_strong(password)
    except WeakPassword:
        return False
    return True


def _pool_takes(policy: PasswordPolicy, password: str) -> bool:
    try:
        policy.check(password)
    except AwsError:
        return False
    return True


def test_second_factors_are_offered_and_passkeys_are_the_shop_s(prod: Assembly) -> None:
    pool = _only(prod, "AWS::Cognito::UserPool")
    assert pool["MfaConfiguration"] == "OPTIONAL"
    assert set(pool["EnabledMfas"]) == {"SOFTWARE_TOKEN_MFA", "SMS_MFA", "EMAIL_OTP"}
    assert pool["EmailConfiguration"]["EmailSendingAccount"] == "DEVELOPER"
    assert pool["WebAuthnRelyingPartyID"] == "marketplace.example"
    assert pool["WebAuthnUserVerification"] == "required"
    assert pool["WebAuthnFactorConfiguration"] == "MULTI_FACTOR_WITH_USER_VERIFICATION"
    assert pool["Policies"]["SignInPolicy"]["AllowedFirstAuthFactors"] == ["PASSWORD", "WEB_AUTHN"]


def test_a_new_address_counts_once_it_is_verified_and_a_lost_password_has_two_ways(prod: Assembly) -> None:
    pool = _only(prod, "AWS::Cognito::UserPool")
    updates = pool["UserAttributeUpdateSettings"]["AttributesRequireVerificationBeforeUpdate"]
    assert set(updates) == {"email", "phone_number"}
    ways = [way["Name"] for way in pool["AccountRecoverySetting"]["RecoveryMechanisms"]]
    assert ways == ["verified_email", "verified_phone_number"]


@pytest.mark.contract("1.2")
def test_hosted_pages_give_codes_to_our_own_pages_only(prod: Assembly) -> None:
    client = _only(prod, "AWS::Cognito::UserPoolClient")
    assert client["AllowedOAuthFlows"] == ["code"]
    assert client["CallbackURLs"] == client["LogoutURLs"] == ["https://marketplace.example/signed-in"]
    assert "COGNITO" not in client["SupportedIdentityProviders"], "passwords go through our API, which counts tries"
    assert client["PreventUserExistenceErrors"] == "ENABLED"


@pytest.mark.contract("1.2")
@pytest.mark.parametrize("stage", ["dev", "prod"])
def test_a_stage_has_the_providers_that_it_names(stage: str, request: pytest.FixtureRequest) -> None:
    assembly: Assembly = request.getfixturevalue(stage)
    made = {provider["ProviderName"] for _, provider in assembly.properties("AWS::Cognito::UserPoolIdentityProvider")}
    named = {provider.name for provider in STAGES[stage].social}
    assert made == named == set(_only(assembly, "AWS::Cognito::UserPoolClient")["SupportedIdentityProviders"])


@pytest.mark.contract("1.2")
def test_hosted_pages_are_those_that_ask_anew_who_somebody_is(prod: Assembly) -> None:
    """Cognito's classic ones send a browser that they know back unasked."""
    assert _only(prod, "AWS::Cognito::UserPoolDomain")["ManagedLoginVersion"] == 2
    looks = _only(prod, "AWS::Cognito::ManagedLoginBranding")
    assert (looks["ClientId"], looks["UseCognitoProvidedValues"]) == ({"Ref": "UserPoolClient"}, True)


@pytest.mark.contract("1.2")
def test_what_providers_gave_us_is_in_no_template(dev: Assembly) -> None:
    for name, provider in dev.properties("AWS::Cognito::UserPoolIdentityProvider"):
        for detail in ("client_id", "client_secret"):
            assert "resolve:secretsmanager" in str(provider["ProviderDetails"][detail]), name
        assert provider["AttributeMapping"]["email_verified"] == "email_verified", name


def test_text_messages_are_sent_for_our_pool_alone(prod: Assembly) -> None:
    texts = prod.templates["Identity"]["Resources"]["TextMessages"]["Properties"]
    (statement,) = texts["AssumeRolePolicyDocument"]["Statement"]
    assert statement["Principal"] == {"Service": "cognito-idp.amazonaws.com"}
    assert statement["Condition"] == {"StringEquals": {"sts:ExternalId": "market-prod"}}
    (policy,) = texts["Policies"]
    assert {statement["Action"] for statement in policy["PolicyDocument"]["Statement"]} == {"sns:Publish"}


@pytest.mark.parametrize("stage", list(STAGES.values()), ids=lambda stage: stage.name)
def test_sign_ins_lead_back_over_https_or_to_this_machine(stage: Stage) -> None:
    assert stage.sign_in_addresses
    for address in stage.sign_in_addresses:
        assert address.startswith(("https://", "http://localhost:"))
    assert SocialProvider("Google") in stage.social


def test_functions_may_call_what_the_identity_service_calls_and_nothing_more() -> None:
    """Making accounts and setting passwords are an operator's calls, made with the operator's own credentials."""
    operators = {"admin_create_user", "admin_set_user_password"}
    found = {
        node.value
        for path in (ROOT / "functions" / "identity").glob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and _CALL.fullmatch(node.value)
    }
    model = Session().get_service_model("cognito-idp")
    named = {xform_name(name): name for name in model.operation_names}
    assert {f"cognito-idp:{named[call]}" for call in found - operators} == set(COGNITO_ACTIONS)
