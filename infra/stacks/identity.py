"""Who people are: the Cognito user pool, the one client that our API signs people in with, and who else vouches for
people."""

from typing import Any

from aws_cdk import CfnOutput, Duration, SecretValue, Stack
from aws_cdk import aws_cognito as cognito
from aws_cdk import aws_iam as iam
from aws_cdk import aws_secretsmanager as secrets
from constructs import Construct

from infra.acknowledged import acknowledge
from infra.config import SocialProvider, Stage
from infra.constructs.environment import pool_domain_prefix
from infra.constructs.function import alias_arn
from infra.pinned import pin
from infra.services import Source

TRIGGERS = {
    "custom_message": ("CustomMessage", ""),
    "post_authentication": ("PostAuthentication", ""),
    "post_confirmation": ("PostConfirmation", ""),
    "pre_authentication": ("PreAuthentication", ""),
    "pre_sign_up": ("PreSignUp", ""),
    "pre_token_generation": ("PreTokenGenerationConfig", "V2_0"),
}
"""The user pool's setting and event version by a manifest's word; V2_0 puts claims into access tokens too."""

PASSWORD_POLICY = cognito.PasswordPolicy(
    min_length=10, require_lowercase=True, require_uppercase=True, require_digits=True, require_symbols=True
)
"""The identity service holds new passwords to the same rules before it asks; a test compares the two."""


class IdentityStack(Stack):
    """Stateful: accounts cannot be made again. Triggers are named by ARN; their functions come with their service."""

    def __init__(
        self, scope: Construct, name: str, *, stage: Stage, services: dict[str, Source], **options: Any
    ) -> None:
        super().__init__(scope, name, description="User pool", **options)
        self._stage = stage
        self.pool = self._pool(stage)
        providers = self._providers(stage)
        self.client = self._client(stage)
        for provider in providers:
            self.client.node.add_dependency(provider)
        if providers:
            self._looks()
        for service in services.values():
            for function in service.functions(stage.name):
                if function.kind == "trigger":
                    self._trigger(function.trigger, stage.function(service.name, function.name))
        CfnOutput(self, "UserPoolId", value=self.pool.user_pool_id)
        CfnOutput(self, "UserPoolClientId", value=self.client.user_pool_client_id)

    def _pool(self, stage: Stage) -> cognito.UserPool:
        pool = cognito.UserPool(
            self,
            "UserPool",
            user_pool_name=stage.prefix,
            feature_plan=cognito.FeaturePlan.ESSENTIALS,
            self_sign_up_enabled=True,
            sign_in_aliases=cognito.SignInAliases(email=True),
            sign_in_case_sensitive=False,
            auto_verify=cognito.AutoVerifiedAttrs(email=True, phone=True),
            keep_original=cognito.KeepOriginalAttrs(email=True, phone=True),
            standard_attributes=cognito.StandardAttributes(
                email=cognito.StandardAttribute(required=True, mutable=True),
                fullname=cognito.StandardAttribute(mutable=True),
            ),
            account_recovery=cognito.AccountRecovery.EMAIL_AND_PHONE_WITHOUT_MFA,
            password_policy=PASSWORD_POLICY,
            deletion_protection=stage.lasting,
            removal_policy=stage.removal,
            email=self._mail(stage),
            **self._factors(stage),
        )
        self._own(pool).web_authn_factor_configuration = "MULTI_FACTOR_WITH_USER_VERIFICATION"
        acknowledge(
            pool,
            "AwsSolutions-COG2",
            "Shoppers choose a second factor in their account; staff must have one, which the sign-in checks.",
        )
        acknowledge(
            pool,
            "AwsSolutions-COG3",
            "Threat protection needs the Plus plan; sign-in attempts are limited by WAF and by account.",
        )
        acknowledge(
            pool,
            "AwsSolutions-COG8",
            "The Essentials plan has what we use: access-token claims, token rotation, passkeys and mailed codes.",
        )
        return pin(pool, "UserPool")

    def _mail(self, stage: Stage) -> cognito.UserPoolEmail:
        """Codes by SES: Cognito's own sender has no second factor by mail and stops at 50 mails a day."""
        return cognito.UserPoolEmail.with_ses(
            from_email=f"accounts@{stage.sender_domain}",
            ses_region=self.region,
            ses_verified_domain=stage.sender_domain,
        )

    def _factors(self, stage: Stage) -> dict[str, Any]:
        """What proves who somebody is. A passkey whose device checked the person counts as two factors."""
        return {
            "mfa": cognito.Mfa.OPTIONAL,
            "mfa_second_factor": cognito.MfaSecondFactor(otp=True, sms=True, email=True),
            "sms_role": self._texts(stage),
            "sms_role_external_id": stage.prefix,
            "sign_in_policy": cognito.SignInPolicy(
                allowed_first_auth_factors=cognito.AllowedFirstAuthFactors(password=True, passkey=True)
            ),
            "passkey_relying_party_id": stage.passkey_domain,
            "passkey_user_verification": cognito.PasskeyUserVerification.REQUIRED,
        }

    def _texts(self, stage: Stage) -> iam.Role:
        """Cognito sends text messages in our name, to numbers but no topic, and for no other pool than ours."""
        role = iam.Role(
            self,
            "TextMessages",
            assumed_by=iam.ServicePrincipal(
                "cognito-idp.amazonaws.com", conditions={"StringEquals": {"sts:ExternalId": stage.prefix}}
            ),
            inline_policies={
                "send": iam.PolicyDocument(
                    statements=[
                        iam.PolicyStatement(actions=["sns:Publish"], resources=["*"]),
                        iam.PolicyStatement(
                            effect=iam.Effect.DENY,
                            actions=["sns:Publish"],
                            resources=[self.format_arn(service="sns", region="*", account="*", resource="*")],
                        ),
                    ],
                )
            },
        )
        role.apply_removal_policy(stage.removal)
        acknowledge(role, "AwsSolutions-IAM5[Resource::*]", "A text message goes to a number, which is no resource.")
        return pin(role, "TextMessages")

    def _client(self, stage: Stage) -> cognito.UserPoolClient:
        client = self.pool.add_client(
            "Client",
            user_pool_client_name="api",
            generate_secret=False,
            auth_flows=cognito.AuthFlow(user_password=True, user=True),
            prevent_user_existence_errors=True,
            enable_token_revocation=True,
            access_token_validity=Duration.minutes(30),
            id_token_validity=Duration.minutes(30),
            refresh_token_validity=Duration.days(30),
            refresh_token_rotation_grace_period=Duration.seconds(30),
            **(self._hosted(stage) if stage.social else {"disable_o_auth": True}),
        )
        return pin(client, "UserPoolClient")

    # -- signing in with other companies' accounts

    def _hosted(self, stage: Stage) -> dict[str, Any]:
        """Codes for our own pages, never tokens in an address.

        COGNITO is not among the providers: with a password people sign in through our API, which counts tries and
        asks staff for a second factor, not on hosted pages beside it.
        """
        named = [cognito.UserPoolClientIdentityProvider.custom(provider.name) for provider in stage.social]
        return {
            "supported_identity_providers": named,
            "o_auth": cognito.OAuthSettings(
                flows=cognito.OAuthFlows(authorization_code_grant=True),
                scopes=[
                    cognito.OAuthScope.OPENID,
                    cognito.OAuthScope.EMAIL,
                    cognito.OAuthScope.PROFILE,
                    cognito.OAuthScope.COGNITO_ADMIN,
                ],
                callback_urls=stage.sign_in_addresses,
                logout_urls=stage.sign_in_addresses,
            ),
        }

    def _providers(self, stage: Stage) -> list[Construct]:
        """The providers that this stage names, with the domain they lead back to and the secret they need."""
        if not stage.social:
            return []
        domain = self.pool.add_domain(
            "Domain",
            cognito_domain=cognito.CognitoDomainOptions(domain_prefix=pool_domain_prefix(self, stage)),
            managed_login_version=cognito.ManagedLoginVersion.NEWER_MANAGED_LOGIN,  # the classic pages ask nobody anew
        )
        domain.apply_removal_policy(stage.removal)
        pin(domain, "UserPoolDomain")
        secret = self._credentials(stage)
        return [self._provider(provider, secret) for provider in stage.social]

    def _looks(self) -> None:
        """The newer pages are there only for a client that has a style, were it Cognito's own."""
        looks = cognito.CfnManagedLoginBranding(
            self,
            "Looks",
            user_pool_id=self.pool.user_pool_id,
            client_id=self.client.user_pool_client_id,
            use_cognito_provided_values=True,
        )
        looks.apply_removal_policy(self._stage.removal)
        pin(looks, "Looks")

    def _credentials(self, stage: Stage) -> secrets.Secret:
        """Placeholders until a person puts the real values in; the providers take them at the deployment after that."""
        names = [f"{provider.key}_client_{part}" for provider in stage.social for part in ("id", "secret")]
        secret = secrets.Secret(
            self,
            "SocialSecrets",
            secret_name=stage.social_secret,
            description="Our credentials at companies whose accounts may sign in",
            secret_object_value={name: SecretValue.unsafe_plain_text("unset") for name in names},
            removal_policy=stage.removal,
        )
        acknowledge(secret, "AwsSolutions-SMG4", "Providers give these keys out by hand, and a person changes them.")
        return pin(secret, "SocialSecrets")

    def _provider(self, provider: SocialProvider, secret: secrets.Secret) -> Construct:
        mapping = cognito.AttributeMapping(
            email=cognito.ProviderAttribute.other("email"),
            fullname=cognito.ProviderAttribute.other("name"),
            custom={"email_verified": cognito.ProviderAttribute.other("email_verified")},
        )
        client_id = secret.secret_value_from_json(f"{provider.key}_client_id").unsafe_unwrap()
        client_secret = secret.secret_value_from_json(f"{provider.key}_client_secret")
        common: dict[str, Any] = {"user_pool": self.pool, "client_id": client_id, "attribute_mapping": mapping}
        scopes = ["openid", "email", "profile"]
        made: Construct
        if not provider.issuer:
            made = cognito.UserPoolIdentityProviderGoogle(
                self, provider.name, client_secret_value=client_secret, scopes=scopes, **common
            )
        else:
            made = cognito.UserPoolIdentityProviderOidc(
                self,
                provider.name,
                name=provider.name,
                client_secret=client_secret.unsafe_unwrap(),
                issuer_url=provider.issuer,
                scopes=scopes,
                endpoints=_endpoints(provider.issuer),
                **common,
            )
        own = made.node.default_child
        assert isinstance(own, cognito.CfnUserPoolIdentityProvider)
        own.apply_removal_policy(self._stage.removal)
        return pin(made, f"Provider{provider.name}")

    # -- triggers

    def _trigger(self, trigger: str | None, function: str) -> None:
        """Cognito calls the function; its service's stack lets it do so."""
        if trigger not in TRIGGERS:
            raise ValueError(f"{function} names no known trigger: {trigger}")
        setting, version = TRIGGERS[trigger]
        arn = alias_arn(self, function)
        value = {"LambdaArn": arn, "LambdaVersion": version} if version else arn
        self._own(self.pool).add_property_override(f"LambdaConfig.{setting}", value)

    def _own(self, pool: cognito.UserPool) -> cognito.CfnUserPool:
        own = pool.node.default_child
        assert isinstance(own, cognito.CfnUserPool)
        return own


def _endpoints(issuer: str) -> cognito.OidcEndpoints:
    """Said here, so that a deployment does not depend on the provider's discovery document."""
    return cognito.OidcEndpoints(
        authorization=f"{issuer}/authorize",
        token=f"{issuer}/token",
        user_info=f"{issuer}/userinfo",
        jwks_uri=f"{issuer}/.well-known/jwks.json",
    )
