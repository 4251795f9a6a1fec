"""What programs ask of the hosted domain: tokens for codes, userInfo, revocation, the discovery document."""

import base64
import hashlib
import hmac
from collections.abc import Mapping
from typing import Any

import orjson

from local.answers import AwsError
from local.hosted_codes import HostedCodes
from local.http_gateway import Answer, Request
from local.pool_parts import Parts
from local.sessions import Client

__all__ = ["TokenEndpoint", "as_json"]

JSON = dict[str, Any]
_HOSTED = "TokenGeneration_HostedAuth"


class TokenEndpoint:
    """Of one pool; `base_url` is its domain."""

    def __init__(self, parts: Parts, notes: HostedCodes, base_url: str) -> None:
        self._parts, self._notes, self._base_url = parts, notes, base_url

    def exchange(self, form: Mapping[str, str]) -> Answer:
        """POST /oauth2/token: for a code with its verifier, or a refresh token."""
        client = self._parts.clients.get(form.get("client_id", ""))
        if client is None or not client.hosted:
            return _oauth_error("invalid_client")
        try:
            if form.get("grant_type") == "refresh_token":
                return self._tokens(self._parts.sessions.carry_on(form.get("refresh_token", ""), client))
            if form.get("grant_type") != "authorization_code":
                return _oauth_error("unsupported_grant_type")
            return self._spend(form, client)
        except AwsError as error:
            return _oauth_error("invalid_grant", str(error))

    def _spend(self, form: Mapping[str, str], client: Client) -> Answer:
        note = self._notes.spend("code", form.get("code", ""))
        if note is None or note["client"] != client.id:
            return _oauth_error("invalid_grant")
        asked = note["asked"]
        challenge = _b64(hashlib.sha256(form.get("code_verifier", "").encode()).digest())
        if form.get("redirect_uri") != asked["redirect_uri"] or not hmac.compare_digest(
            challenge.encode(), asked["code_challenge"].encode()
        ):
            return _oauth_error("invalid_grant")
        person = self._parts.accounts.find(note["sub"])
        if person is None or not person.enabled:
            return _oauth_error("invalid_grant")
        scopes = asked.get("scope", "").split() or sorted(client.scopes)
        begun = self._parts.sessions.begin(
            person, client, _HOSTED, scopes=scopes, nonce=asked.get("nonce", ""), signed_in=note["at"]
        )
        return self._tokens(begun)

    def _tokens(self, made: JSON) -> Answer:
        names = {
            "AccessToken": "access_token",
            "IdToken": "id_token",
            "RefreshToken": "refresh_token",
            "ExpiresIn": "expires_in",
            "TokenType": "token_type",
        }
        return as_json({shown: made[name] for name, shown in names.items() if name in made})

    def revoke(self, form: Mapping[str, str]) -> Answer:
        """POST /oauth2/revoke: end the session of a refresh token."""
        client = self._parts.clients.get(form.get("client_id", ""))
        if client is None:
            return _oauth_error("invalid_client")
        try:
            self._parts.sessions.revoke(form.get("token", ""), client)
        except AwsError:
            return _oauth_error("unsupported_token_type")
        return as_json({})

    def user_info(self, request: Request) -> Answer:
        """/oauth2/userInfo: the attributes of who holds an access token with the scope openid."""
        scheme, _, token = request.header("authorization").partition(" ")
        try:
            if scheme.lower() != "bearer":
                raise AwsError("NotAuthorizedException", "no token")
            person = self._parts.sessions.person(token.strip(), "openid")
        except AwsError:
            answer = as_json({"error": "invalid_token", "error_description": "Access token is invalid"}, 401)
            answer.headers.append(("www-authenticate", 'Bearer error="invalid_token"'))
            return answer
        return as_json({"sub": person.sub, "username": person.username} | person.attributes)

    def configuration(self) -> JSON:
        """The discovery document."""
        base = self._base_url
        return {
            "issuer": self._parts.sessions.issuer,
            "authorization_endpoint": f"{base}/oauth2/authorize",
            "token_endpoint": f"{base}/oauth2/token",
            "userinfo_endpoint": f"{base}/oauth2/userInfo",
            "revocation_endpoint": f"{base}/oauth2/revoke",
            "end_session_endpoint": f"{base}/logout",
            "jwks_uri": f"{base}/.well-known/jwks.json",
            "response_types_supported": ["code"],
            "scopes_supported": ["openid", "email", "phone", "profile"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["RS256"],
            "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post"],
        }


def _b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def as_json(content: JSON, status: int = 200) -> Answer:
    headers = [
        ("content-type", "application/json"),
        ("cache-control", "no-store"),
        ("access-control-allow-origin", "*"),
    ]
    return Answer(status, headers, orjson.dumps(content))


def _oauth_error(error: str, description: str = "") -> Answer:
    return as_json({"error": error} | ({"error_description": description} if description else {}), 400)
