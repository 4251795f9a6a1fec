"""What moto's Cognito lacks, for these tests: codes that are checked, rotation, revocation, the pre-token trigger."""

from collections.abc import Callable
from typing import Any

import pytest
from moto.cognitoidp import models, responses
from moto.cognitoidp.exceptions import InvalidParameterException, NotAuthorizedError, UserNotFoundError
from moto.core.exceptions import JsonRESTError
from moto.core.responses import ActionResult, EmptyResult

from market import config

CODE = "421337"
Trigger = Callable[[dict[str, Any]], dict[str, Any]]


class Refusal(JsonRESTError):
    def __init__(self, kind: str, text: str = "Cognito's own words about ada@example.com") -> None:
        super().__init__(error_type=kind, message=text)


class Pool:
    """A pool as the identity stack makes it. `mailed` lists (operation, address), `fail` maps operations to errors."""

    def __init__(self, patch: pytest.MonkeyPatch, trigger: Trigger) -> None:
        self.mailed: list[tuple[str, str]] = []
        self.used: set[str] = set()
        self.fail: dict[str, str] = {}
        self.trigger = trigger
        client = config.client("cognito-idp")
        pool = client.create_user_pool(
            PoolName="market-dev",
            UsernameAttributes=["email"],
            AutoVerifiedAttributes=["email"],
            AccountRecoverySetting={"RecoveryMechanisms": [{"Name": "verified_email", "Priority": 1}]},
            Policies={"PasswordPolicy": {"MinimumLength": 10}},
        )["UserPool"]["Id"]
        flows = ["ALLOW_USER_PASSWORD_AUTH"]
        made = client.create_user_pool_client(UserPoolId=pool, ClientName="api", ExplicitAuthFlows=flows)
        patch.setenv("USER_POOL_ID", pool)
        patch.setenv("USER_POOL_CLIENT_ID", made["UserPoolClient"]["ClientId"])
        patch.setattr("botocore.endpoint.time.sleep", lambda seconds: None)  # botocore tries limited calls again
        self._install(patch)

    def _install(self, patch: pytest.MonkeyPatch) -> None:
        answers = responses.CognitoIdpResponse
        for name in ("resend_confirmation_code", "revoke_token", "get_tokens_from_refresh_token"):
            patch.setattr(answers, name, self._action(getattr(self, f"_{name}")), raising=False)
        for name in ("sign_up", "confirm_sign_up", "forgot_password", "confirm_forgot_password", "initiate_auth"):
            patch.setattr(answers, name, self._watched(name, getattr(answers, name)))
        make = models.CognitoIdpUserPool.create_jwt

        def create_jwt(pool: Any, client_id: str, username: str, token_use: str, *rest: Any, **named: Any) -> Any:
            named["extra_data"] = (named.get("extra_data") or {}) | self._claims(pool._get_user(username), token_use)
            return make(pool, client_id, username, token_use, *rest, **named)

        patch.setattr(models.CognitoIdpUserPool, "create_jwt", create_jwt)

    def _action(self, act: Callable[[Any], Any]) -> Callable[[Any], Any]:
        def action(response: Any) -> Any:
            self._maybe_fail(act.__name__.removeprefix("_"))
            return act(response)

        return action

    def _watched(self, name: str, original: Callable[[Any], Any]) -> Callable[[Any], Any]:
        def action(response: Any) -> Any:
            self._maybe_fail(name)
            email = response._get_param("Username")
            if name.startswith("confirm_"):
                if not self._user(response, email):
                    raise UserNotFoundError("User does not exist.")
                if response._get_param("ConfirmationCode") != CODE or email in self.used:
                    raise Refusal("CodeMismatchException")
            answer = original(response)
            if name in ("sign_up", "forgot_password") and self._user(response, email):
                self.mailed.append((name, email))
            return answer

        return action

    def _maybe_fail(self, name: str) -> None:
        if name in self.fail:
            raise Refusal(self.fail[name])

    def _claims(self, user: Any, token_use: str) -> dict[str, Any]:
        event = {
            "version": "2",
            "triggerSource": "TokenGeneration_Authentication",
            "userName": user.id,
            "request": {"userAttributes": {entry["Name"]: entry["Value"] for entry in user.attributes}},
            "response": {},
        }
        try:
            details = self.trigger(event)["response"]["claimsAndScopeOverrideDetails"]
        except Exception as error:
            text = f"PreTokenGeneration failed with error {error}."
            raise Refusal("UserLambdaValidationException", text) from None
        claims: dict[str, Any] = details[f"{token_use}TokenGeneration"]["claimsToAddOrOverride"]
        return claims

    def _user(self, response: Any, email: str) -> Any:
        pools = response.backend.user_pools.values()
        return next((user for pool in pools if (user := pool._get_user(email))), None)

    def _resend_confirmation_code(self, response: Any) -> Any:
        email = response._get_param("Username")
        user = self._user(response, email)
        if not user:
            raise UserNotFoundError("User does not exist.")
        if user.status != models.UserStatus.UNCONFIRMED:
            raise InvalidParameterException("User is already confirmed.")
        self.mailed.append(("resend", email))
        return ActionResult({"CodeDeliveryDetails": {"DeliveryMedium": "EMAIL"}})

    def _revoke_token(self, response: Any) -> Any:
        token = response._get_param("Token")
        for pool in response.backend.user_pools.values():
            if token in pool.refresh_tokens:
                pool.refresh_tokens[token] = None
                return EmptyResult()
        raise Refusal("InvalidParameterException")

    def _get_tokens_from_refresh_token(self, response: Any) -> Any:
        token = response._get_param("RefreshToken")
        for pool in response.backend.user_pools.values():
            if pool.refresh_tokens.get(token):
                client, username, _ = pool.refresh_tokens[token]
                pool.refresh_tokens[token] = None
                fresh, origin = pool.create_refresh_token(client, username)
                access, seconds = pool.create_access_token(client, username, origin_jti=origin)
                result = {"AccessToken": access, "RefreshToken": fresh, "ExpiresIn": seconds, "TokenType": "Bearer"}
                return ActionResult({"AuthenticationResult": result})
        raise NotAuthorizedError("Refresh Token has been revoked")
