"""Lambda entry point of the user pool: what Cognito asks before it makes a token."""

from typing import Any

from identity import service


def pre_token(event: dict[str, Any], _context: object = None) -> dict[str, Any]:
    """Put roles and vendor into access and id tokens (pre-token-generation, V2_0). Raising makes Cognito give none."""
    attributes = event["request"]["userAttributes"]
    claims = service.claims_of(
        attributes["sub"], email=attributes.get("email", "").lower(), name=attributes.get("name", "")
    )
    added = {"claimsToAddOrOverride": claims}
    event["response"] = {"claimsAndScopeOverrideDetails": {"accessTokenGeneration": added, "idTokenGeneration": added}}
    return event
