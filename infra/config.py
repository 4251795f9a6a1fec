"""What differs between stages, and every physical name: stacks find each other's resources by name."""

from dataclasses import dataclass
from typing import Literal
from urllib.parse import urlsplit

from aws_cdk import RemovalPolicy
from aws_cdk import aws_logs as logs

REGION = "us-east-1"
"""One region. WAF and certificates of CloudFront must be here, so with everything here nothing crosses regions."""

PYTHON = "3.13"
"""Lambda's Python: starts in 80 ms where 3.14 takes 100 (published figures). Sources stay 3.11-compatible."""

StageName = Literal["dev", "staging", "prod"]


@dataclass(frozen=True, slots=True)
class SocialProvider:
    """Another company whose accounts may sign in here.

    name: as the pool calls it. issuer: an OpenID Connect provider's address; "" for Google, which Cognito knows.
    """

    name: str
    issuer: str = ""

    @property
    def key(self) -> str:
        """What its entries in the secret begin with: `google_client_id`, `google_client_secret`."""
        return self.name.lower()


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """One deployment of the whole marketplace.

    lasting: data outlives its stack, stacks are protected from deletion.
    canary: new code gets 10 % of the traffic for five minutes and is rolled back by its alarms.
    edge: CloudFront stands in front of the APIs and makes one address of them. firewall: and WAF in front of it, which
      costs some dollars a month even where nobody comes.
    refused_countries: two-letter codes of countries that the firewall turns away.
    captcha_url: whom to ask about captchas (siteverify form), with the secret `captcha_secret`; "" asks nobody.
    burst, rate: what the API lets through at once and per second, over all routes.
    social: who else vouches for people; their client ids and secrets are in the secret `social_secret`.
    """

    name: StageName
    log_retention: logs.RetentionDays
    archive_days: int
    sender: str
    order_no_prefix: str
    origins: tuple[str, ...]
    hold_minutes: int = 15
    cart_ttl_days: int = 30
    log_level: str = "INFO"
    lasting: bool = False
    alarms: bool = True
    canary: bool = False
    edge: bool = True
    firewall: bool = False
    refused_countries: tuple[str, ...] = ()
    captcha_url: str = ""
    burst: int = 200
    rate: int = 100
    media_url: str = "/media"
    social: tuple[SocialProvider, ...] = ()

    @property
    def prefix(self) -> str:
        return f"market-{self.name}"

    @property
    def removal(self) -> RemovalPolicy:
        return RemovalPolicy.RETAIN if self.lasting else RemovalPolicy.DESTROY

    @property
    def table(self) -> str:
        return self.prefix

    @property
    def bus(self) -> str:
        return self.prefix

    @property
    def root_secret(self) -> str:
        return f"{self.prefix}/root"

    @property
    def origin_secret(self) -> str:
        return f"{self.prefix}/origin"

    @property
    def payment_secrets(self) -> str:
        return f"{self.prefix}/payments"

    @property
    def tax_secrets(self) -> str:
        return f"{self.prefix}/tax"

    @property
    def carrier_base(self) -> str:
        """Where carriers are asked for prices in production; other stages have a sandbox of their own."""
        return "https://api.easypost.com"

    @property
    def carrier_secrets(self) -> str:
        return f"{self.prefix}/carriers"

    @property
    def settings_path(self) -> str:
        """Where operators keep the settings that count without a deployment, in Parameter Store."""
        return f"/market/{self.name}/settings"

    @property
    def social_secret(self) -> str:
        return f"{self.prefix}/social"

    @property
    def sender_domain(self) -> str:
        """The domain that SES has verified."""
        return self.sender.partition("@")[2]

    @property
    def passkey_domain(self) -> str:
        """Where passkeys are good: the shop's own host, and below it."""
        return str(urlsplit(self.origins[0]).hostname)

    @property
    def sign_in_addresses(self) -> list[str]:
        """Where the hosted pages may send people back to; Cognito takes plain http from `localhost` only."""
        pages = [urlsplit(origin) for origin in self.origins]
        return [
            f"{page.geturl()}/signed-in" for page in pages if page.scheme == "https" or page.hostname == "localhost"
        ]

    @property
    def payment_methods(self) -> str:
        """Names of the payment providers on offer, the default first."""
        return "sandbox,cod,manual" if self.sandbox else "stripe,paypal,cod"

    @property
    def payment_bases(self) -> dict[str, str]:
        """Where payment providers answer: their test systems in every stage but production; Stripe's key decides."""
        return {
            "STRIPE_API_BASE": "https://api.stripe.com",
            "PAYPAL_API_BASE": f"https://api-m.{'sandbox.' if self.sandbox else ''}paypal.com",
            "SSLCOMMERZ_API_BASE": f"https://{'sandbox' if self.sandbox else 'securepay'}.sslcommerz.com",
        }

    @property
    def rates_url(self) -> str:
        """Where exchange rates are published; without, staff set them."""
        return "" if self.name == "dev" else "https://www.ecb.europa.eu/stats/eurofxref"

    @property
    def captcha_secret(self) -> str:
        return f"{self.prefix}/captcha"

    def blocked_set(self, version: str) -> str:
        """The firewall's set of blocked networks, of `v4` or `v6` addresses."""
        return f"{self.prefix}-blocked-{version}"

    @property
    def audit_days(self) -> int:
        """For how long files of the audit log are locked: seven years; a day where a stage is for trying things out."""
        return 2_557 if self.lasting else 1

    @property
    def alarm_topic(self) -> str:
        return f"{self.prefix}-alarms"

    @property
    def sandbox(self) -> bool:
        """Whether payments go to the sandbox provider that comes with the marketplace."""
        return self.name != "prod"

    def function(self, service: str, name: str) -> str:
        """A function's physical name; the service is said once."""
        return f"{self.prefix}-{name}" if name.startswith(service) else f"{self.prefix}-{service}-{name}"

    def queue(self, name: str) -> str:
        return f"{self.prefix}-{name}"

    def machine(self, name: str) -> str:
        return f"{self.prefix}-{name}"


STAGES: dict[str, Stage] = {
    stage.name: stage
    for stage in (
        Stage(
            name="dev",
            log_retention=logs.RetentionDays.ONE_WEEK,
            archive_days=3,
            sender="orders@dev.marketplace.example",
            order_no_prefix="DV",
            origins=("http://localhost:5173", "http://127.0.0.1:8080"),
            log_level="DEBUG",
            social=(
                SocialProvider("Google"),
                SocialProvider("GitHub", "https://github-sign-in.dev.marketplace.example"),
            ),
        ),
        Stage(
            name="staging",
            log_retention=logs.RetentionDays.TWO_WEEKS,
            archive_days=14,
            sender="orders@staging.marketplace.example",
            order_no_prefix="ST",
            origins=("https://staging.marketplace.example",),
            social=(SocialProvider("Google"),),
            firewall=True,
        ),
        Stage(
            name="prod",
            log_retention=logs.RetentionDays.THREE_MONTHS,
            archive_days=90,
            sender="orders@marketplace.example",
            order_no_prefix="MK",
            origins=("https://marketplace.example",),
            social=(SocialProvider("Google"),),
            lasting=True,
            canary=True,
            firewall=True,
            burst=2000,
            rate=1000,
        ),
    )
}
