"""Lambda entry points of the user pool: what Cognito asks before it makes an account or a token."""

from typing import Any

from identity import claims, service
from identity.tokens import SELF_SERVICE

_EXTERNAL, _HOSTED = "PreSignUp_ExternalProvider", "TokenGeneration_HostedAuth"
_FRESH = frozenset({"TokenGeneration_Authentication", "TokenGeneration_NewPasswordChallenge", _HOSTED})
"""Where tokens are those of a sign-in itself."""


def pre_token(event: dict[str, Any], _context: object = None) -> dict[str, Any]:
    """Put rights into access and id tokens (pre-token-generation, V2_0). Raising makes Cognito give none.

    Only the access token of a sign-in itself changes the account at Cognito: what is refreshed, for weeks, does not.
    """
    attributes = event["request"]["userAttributes"]
    said = claims.claims_of(
        attributes["sub"],
        email=attributes.get("email", "").lower(),
        name=attributes.get("name", ""),
        proven=attributes.get("email_verified") == "true",
        hosted=event["triggerSource"] == _HOSTED,
    )
    added = {"claimsToAddOrOverride": said}
    hidden = {} if event["triggerSource"] in _FRESH else {"scopesToSuppress": [SELF_SERVICE]}
    details = {"accessTokenGeneration": added | hidden, "idTokenGeneration": added}
    event["response"] = {"claimsAndScopeOverrideDetails": details}
    return event


def pre_sign_up(event: dict[str, Any], _context: object = None) -> dict[str, Any]:
    """Let somebody who comes with another company's account be the account of their address. Raising lets nobody in."""
    if event["triggerSource"] != _EXTERNAL:
        return event
    attributes = event["request"]["userAttributes"]
    provider, _, subject = event["userName"].partition("_")
    service.welcome(
        attributes.get("email", "").lower(),
        proven=attributes.get("email_verified") == "true",
        provider=provider,
        subject=subject,
    )
    event["response"] |= {"autoConfirmUser": True, "autoVerifyEmail": True}
    return event
