"""The environment of functions: a name means the same everywhere, and a function gets what its capabilities need."""

from collections.abc import Mapping
from dataclasses import dataclass

from aws_cdk import Stack

from infra.config import Stage
from infra.constructs.grants import Configuration, audit_bucket, documents_bucket, machine_arn
from infra.constructs.media import media_bucket
from infra.machines import Machine

_QUEUES = {
    "delivery-queue": ("DELIVERY_QUEUE_URL", "developers-webhooks"),
    "media-queue": ("MEDIA_QUEUE_URL", "media-arrivals"),
    "sandbox-queue": ("SANDBOX_QUEUE_URL", "sandbox-webhooks"),
    "webhook-queue": ("WEBHOOK_QUEUE_URL", "payments-webhooks"),
}
"""By capability the setting with a command queue's URL, and that queue."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Values of all settings for one stack. `queues` are the URLs of its service's command queues, by name."""

    stack: Stack
    stage: Stage
    api_url: str
    pool_id: str
    client_id: str
    queues: Mapping[str, str]
    machines: Mapping[str, Machine]
    flags: Configuration
    firewall: str

    def of(self, words: tuple[str, ...]) -> dict[str, str]:
        """The environment of a function with these capabilities."""
        return self._plain() | {name: value for word in words for name, value in self._needed(word).items()}

    def _plain(self) -> dict[str, str]:
        stage = self.stage
        sandbox = {
            "SANDBOX_URL": f"{self.api_url}/sandbox",
            "WEBHOOK_URL": f"{self.api_url}/v1/payments/webhook/sandbox",
        }
        return (sandbox if stage.sandbox else {}) | {
            "STAGE": stage.name,
            "TABLE_NAME": stage.table,
            "LOG_LEVEL": stage.log_level,
            "ORDER_NO_PREFIX": stage.order_no_prefix,
            "HOLD_MINUTES": str(stage.hold_minutes),
            "CART_TTL_DAYS": str(stage.cart_ttl_days),
            "MEDIA_URL": stage.media_url,
            "PAYMENT_METHODS": stage.payment_methods,
            "STORE_URL": stage.origins[0],
            "RATES_URL": stage.rates_url,
        }

    def _needed(self, word: str) -> dict[str, str]:
        match word:
            case "audit":
                return self._audit()
            case "bus":
                return {"BUS_NAME": self.stage.bus}
            case "captcha" | "firewall" | "origin":
                return self._edge(word)
            case "carriers":
                base = f"{self.api_url}/sandbox/v1/carriers" if self.stage.sandbox else self.stage.carrier_base
                return {"CARRIER_API_BASE": base, "CARRIER_SECRETS": self.stage.carrier_secrets}
            case "cognito":
                return self._cognito()
            case "documents" | "export-part" | "exports" | "imports":
                return {"DOCUMENTS_BUCKET": documents_bucket(self.stack, self.stage)}
            case "email":
                return {"SENDER": self.stage.sender}
            case "flags":
                return {"FLAGS_CONFIGURATION": self.flags.setting}
            case "flags-publish":
                return {"FLAGS_CONFIGURATION": self.flags.setting, "FLAGS_STRATEGY": self.flags.strategy}
            case "avatars" | "media" | "media-files" | "media-pictures" | "media-uploads":
                return {"MEDIA_BUCKET": media_bucket(self.stack, self.stage)}
            case "payments":
                return {"PAYMENT_SECRETS": self.stage.payment_secrets} | self.stage.payment_bases
            case "secret":
                return {"ROOT_SECRET": self.stage.root_secret}
            case "tax-provider":
                return {"TAX_SECRETS": self.stage.tax_secrets}
            case "settings":
                return {"SETTINGS_PATH": self.stage.settings_path}
        if word in _QUEUES:
            setting, queue = _QUEUES[word]
            return {setting: self.queues[queue]}
        if machine := self.machines.get(word):
            return {machine.setting: machine_arn(self.stack, self.stage, machine)}
        raise ValueError(f"unknown capability: {word}")

    def _audit(self) -> dict[str, str]:
        return {"AUDIT_BUCKET": audit_bucket(self.stack, self.stage), "AUDIT_DAYS": str(self.stage.audit_days)}

    def _edge(self, word: str) -> dict[str, str]:
        if word == "captcha":
            return {"CAPTCHA_URL": self.stage.captcha_url, "CAPTCHA_SECRET": self.stage.captcha_secret}
        if word == "origin":
            return {"ORIGIN_SECRET": self.stage.origin_secret}
        return {"FIREWALL": self.firewall} if self.firewall else {}

    def _cognito(self) -> dict[str, str]:
        social = [provider.name for provider in self.stage.social]
        return {
            "USER_POOL_ID": self.pool_id,
            "USER_POOL_CLIENT_ID": self.client_id,
            "USER_POOL_DOMAIN": pool_domain(self.stack, self.stage) if social else "",
            "IDENTITY_PROVIDERS": ",".join(social),
        }


def pool_domain_prefix(stack: Stack, stage: Stage) -> str:
    """The first label of the hosted pages' host; it must be ours alone in the whole region."""
    return f"{stage.prefix}-{stack.account}"


def pool_domain(stack: Stack, stage: Stage) -> str:
    """Where the hosted pages of the user pool are."""
    return f"https://{pool_domain_prefix(stack, stage)}.auth.{stack.region}.amazoncognito.com"
