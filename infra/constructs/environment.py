"""The environment of functions: a name means the same everywhere, and a function gets what its capabilities need."""

from collections.abc import Mapping
from dataclasses import dataclass

from aws_cdk import Stack

from infra.config import Stage
from infra.constructs.grants import audit_bucket, documents_bucket, machine_arn, media_bucket
from infra.machines import Machine


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
        }

    def _needed(self, word: str) -> dict[str, str]:
        match word:
            case "audit":
                return {"AUDIT_BUCKET": audit_bucket(self.stack, self.stage)}
            case "bus":
                return {"BUS_NAME": self.stage.bus}
            case "cognito":
                return {"USER_POOL_ID": self.pool_id, "USER_POOL_CLIENT_ID": self.client_id}
            case "documents":
                return {"DOCUMENTS_BUCKET": documents_bucket(self.stack, self.stage)}
            case "email":
                return {"SENDER": self.stage.sender}
            case "media":
                return {"MEDIA_BUCKET": media_bucket(self.stack, self.stage)}
            case "origin":
                return {"ORIGIN_SECRET": self.stage.origin_secret}
            case "payments":
                return {"PAYMENT_SECRETS": self.stage.payment_secrets} | self.stage.payment_bases
            case "secret":
                return {"ROOT_SECRET": self.stage.root_secret}
            case "webhook-queue":
                return {"WEBHOOK_QUEUE_URL": self.queues["payments-webhooks"]}
            case "sandbox-queue":
                return {"SANDBOX_QUEUE_URL": self.queues["sandbox-webhooks"]}
        if machine := self.machines.get(word):
            return {machine.setting: machine_arn(self.stack, self.stage, machine)}
        raise ValueError(f"unknown capability: {word}")
