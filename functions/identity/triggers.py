"""Lambda entry points of the user pool: what Cognito asks before it makes an account or a token."""

from typing import Any

from identity import claims, service

_EXTERNAL, _HOSTED = "PreSignUp_ExternalProvider", "TokenGeneration_HostedAuth"


def pre_token(event: dict[str, Any], _context: object = None) -> dict[str, Any]:
    """Put rights into access and id tokens (pre-token-generation, V2_0). Raising makes Cognito give none."""
    attributes = event["request"]["userAttributes"]
    said = claims.claims_of(
        attributes["sub"],
        email=attributes.get("email", "").lower(),
        name=attributes.get("name", ""),
        proven=attributes.get("email_verified") == "true",
        hosted=event["triggerSource"] == _HOSTED,
    )
    added = {"claimsToAddOrOverride": said}
    event["response"] = {"claimsAndScopeOverrideDetails": {"accessTokenGeneration": added, "idTokenGeneration": added}}
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
