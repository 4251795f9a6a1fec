"""Every setting, declared once: what it means, what it may be, and what counts where nobody set it.

`market.config` reads them from the environment, which the CDK app fills; those of source `parameter` may be changed in
Parameter Store without a deployment (`market.guard.settings`). Secrets are not here: a setting holds the name of one.
`stands_for` names the configuration key that a conventional deployment would have in its place.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Literal

Kind = Literal["text", "name", "number", "address", "mail", "arn", "list", "path", "choice"]
Source = Literal["environment", "parameter"]

_FITS: dict[Kind, Callable[[str], bool]] = {  # no regular expressions: compiling them would cost each cold start 3 ms
    "text": lambda value: value.isprintable() and value == value.strip(),
    "name": lambda value: value.isascii() and value.isprintable() and " " not in value,
    "number": lambda value: value.isascii() and value.isdigit() and len(value) < 10,
    "address": lambda value: value.startswith(("https://", "http://", "/")) and " " not in value,
    "mail": lambda value: value.count("@") == 1 and " " not in value and not value.startswith("@"),
    "arn": lambda value: value.startswith("arn:") and value.count(":") >= 5,
    "list": lambda value: any(entry.strip() for entry in value.split(",")),
    "path": lambda value: value.startswith("/") and not value.endswith("/") and " " not in value,
    "choice": lambda value: True,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """One setting. Without a default a function that needs it must be given it; an empty default turns it off.

    choices: of a `choice` or of the entries of a `list`; least, most: of a number.
    """

    name: str
    about: str
    kind: Kind = "name"
    default: str | None = None
    unit: str = ""
    source: Source = "environment"
    choices: tuple[str, ...] = ()
    least: int = 0
    most: int = 999_999_999
    stands_for: str = ""

    def fits(self, value: str) -> bool:
        """Whether the setting may have this value."""
        if not _FITS[self.kind](value):
            return False
        if self.choices:
            entries = value.split(",") if self.kind == "list" else [value]
            return {entry.strip() for entry in entries} - {""} <= set(self.choices)
        return self.kind != "number" or self.least <= int(value) <= self.most


def _by_name(settings: Iterable[Setting]) -> dict[str, Setting]:
    return {setting.name: setting for setting in settings}


SETTINGS = _by_name(
    (
        Setting(name="STAGE", about="The deployment.", default="dev"),
        Setting(
            name="TABLE_NAME",
            about="The one table of all items.",
            stands_for="MONGO_URI, DB_URI, DB_URL, REDIS_URL",
        ),
        Setting(
            name="LOG_LEVEL",
            about="Lines below it are not written.",
            kind="choice",
            default="INFO",
            choices=("DEBUG", "INFO", "WARNING", "ERROR"),
        ),
        Setting(name="AWS_REGION", about="Given by Lambda.", default="us-east-1"),
        Setting(name="BUS_NAME", about="The event bus."),
        Setting(
            name="ROOT_SECRET",
            about="Name of the secret from which the keys of cursors, guests and hashes are derived.",
            stands_for="WEBHOOK_SECRET",
        ),
        Setting(
            name="ORIGIN_SECRET",
            about="Name of the secret that proves a request came through the edge; empty without an edge.",
            default="",
        ),
        Setting(
            name="FLAGS_CONFIGURATION",
            about="Application, environment and profile of the feature flags; empty: all flags are as declared.",
            default="",
        ),
        Setting(name="FLAGS_STRATEGY", about="How a change of flags is deployed."),
        Setting(
            name="FLAGS_CACHE_SECONDS",
            about="How long flags are remembered before they are read again.",
            kind="number",
            default="60",
            unit="s",
            most=3_600,
        ),
        Setting(
            name="SETTINGS_PATH",
            about="Where Parameter Store holds settings of source `parameter`; empty: they are not looked for.",
            default="",
            kind="path",
        ),
        Setting(
            name="SETTINGS_CACHE_SECONDS",
            about="How long settings from Parameter Store are remembered.",
            kind="number",
            default="300",
            unit="s",
            most=3_600,
        ),
        Setting(
            name="ACCESS_CACHE_SECONDS",
            about="How long a person's standing is remembered: a block counts after this time at the latest.",
            kind="number",
            default="30",
            unit="s",
            most=60,
        ),
        Setting(
            name="RATE_LIMIT",
            about="All rate limits, as a share of their normal allowance; 0 turns them off.",
            kind="number",
            default="100",
            unit="%",
            source="parameter",
            most=10_000,
            stands_for="RATE_LIMIT",
        ),
        Setting(
            name="FIREWALL",
            about="The firewall's lists of blocked networks, each as name/id; empty where there is no firewall.",
            kind="list",
            default="",
        ),
        Setting(
            name="CAPTCHA_URL",
            about="Where answers to captchas are checked; empty: nobody is asked for one.",
            kind="address",
            default="",
        ),
        Setting(name="CAPTCHA_SECRET", about="Name of the secret for the captcha service."),
        Setting(name="USER_POOL_ID", about="The user pool.", stands_for="JWT_PUBLIC_KEY, JWT_PRIVATE_KEY"),
        Setting(
            name="USER_POOL_CLIENT_ID",
            about="Our client of the user pool; lives of tokens and the password policy are set there.",
            stands_for="REFRESH_TTL, PASSWORD_POLICY",
        ),
        Setting(name="USER_POOL_DOMAIN", about="Where the user pool's own pages are.", kind="address", default=""),
        Setting(
            name="IDENTITY_PROVIDERS",
            about="Companies whose accounts the user pool takes.",
            kind="list",
            default="",
        ),
        Setting(
            name="ORDER_NO_PREFIX",
            about="First letters of order numbers.",
            default="MK",
            stands_for="ORDER_NO_PREFIX",
        ),
        Setting(
            name="HOLD_MINUTES",
            about="How long stock is held for an order that waits for its payment.",
            kind="number",
            default="15",
            unit="min",
            least=1,
            most=1_440,
            stands_for="RESERVATION_TTL_MINUTES",
        ),
        Setting(
            name="CART_TTL_DAYS",
            about="How long a cart that nobody touches is kept.",
            kind="number",
            default="30",
            unit="days",
            least=1,
            most=3_650,
            stands_for="CART_TTL_DAYS",
        ),
        Setting(
            name="STORE_URL",
            about="The storefront, to which payment providers and mails lead back; the first allowed origin.",
            kind="address",
            default="http://localhost:5173",
            stands_for="DEFAULT_ORIGIN, ALLOWED_ORIGINS",
        ),
        Setting(
            name="MEDIA_URL",
            about="Where pictures are read, without a slash at the end.",
            kind="address",
            default="/media",
        ),
        Setting(name="MEDIA_BUCKET", about="The bucket of pictures.", stands_for="IMAGE_BUCKET"),
        Setting(name="DOCUMENTS_BUCKET", about="The bucket of invoices and exports."),
        Setting(name="AUDIT_BUCKET", about="The bucket that lets nothing be changed."),
        Setting(
            name="AUDIT_DAYS",
            about="For how long a file of the audit may neither be changed nor deleted.",
            kind="number",
            unit="days",
            least=1,
            most=3_653,
        ),
        Setting(
            name="SENDER",
            about="The address that mails come from.",
            default="orders@marketplace.example",
            kind="mail",
            stands_for="SENDGRID_KEY, MAILGUN_KEY",
        ),
        Setting(
            name="PAYMENT_METHODS",
            about="Payment providers on offer, the default first; taking a broken one off needs no deployment.",
            kind="list",
            default="sandbox,cod,manual",
            choices=("sandbox", "stripe", "paypal", "sslcommerz", "cod", "manual"),
            source="parameter",
        ),
        Setting(
            name="PAYMENT_SECRETS",
            about="Name of the secret with our credentials at payment providers.",
            default="market/payments",
            stands_for="STRIPE_KEY, SSLCOMMERZ_STORE_ID, WEBHOOK_SECRET",
        ),
        Setting(
            name="TAX_PROVIDER",
            about="Who works out and files our taxes: our own table, or a company that knows every street.",
            kind="choice",
            default="table",
            choices=("table", "avalara", "taxjar"),
            source="parameter",
        ),
        Setting(
            name="TAX_SECRETS",
            about="Name of the secret with our credentials at tax services.",
            default="market/tax",
        ),
        Setting(
            name="AVALARA_API_BASE",
            about="Where AvaTax answers.",
            kind="address",
            default="https://rest.avatax.com",
        ),
        Setting(
            name="TAXJAR_API_BASE", about="Where TaxJar answers.", kind="address", default="https://api.taxjar.com"
        ),
        Setting(name="STRIPE_API_BASE", about="Where Stripe answers.", kind="address"),
        Setting(
            name="RATES_URL",
            about="Where exchange rates are published, in the European Central Bank's form; empty: staff set them.",
            kind="address",
            default="",
        ),
        Setting(name="PAYPAL_API_BASE", about="Where PayPal answers.", kind="address"),
        Setting(name="SSLCOMMERZ_API_BASE", about="Where SSLCOMMERZ answers.", kind="address"),
        Setting(name="SANDBOX_URL", about="Where the sandbox payment provider answers.", kind="address"),
        Setting(name="WEBHOOK_URL", about="Where the sandbox provider sends its webhooks.", kind="address"),
        Setting(name="WEBHOOK_QUEUE_URL", about="Queue of payment webhooks.", kind="address"),
        Setting(
            name="SANDBOX_QUEUE_URL", about="Queue of webhooks that the sandbox provider is to send.", kind="address"
        ),
        Setting(name="DELIVERY_QUEUE_URL", about="Queue of webhooks that vendors are to get.", kind="address"),
        Setting(
            name="WEBHOOK_LOOPBACK",
            about="Whether vendors' webhooks may go to this machine: on one machine only.",
            kind="choice",
            default="off",
            choices=("on", "off"),
        ),
        Setting(
            name="CARRIER_API_BASE",
            about="Where carriers are asked for prices; empty: only tables count.",
            kind="address",
            default="",
        ),
        Setting(
            name="CARRIER_SECRETS",
            about="Name of the secret with our keys at carriers.",
            default="market/carriers",
            stands_for="CARRIER_KEYS_JSON",
        ),
        Setting(
            name="SHIPPING_QUOTE_SECONDS",
            about="How long a carrier's price is valid: the time that a customer has to order.",
            kind="number",
            default="1800",
            unit="s",
            least=60,
            most=86_400,
        ),
        Setting(name="MEDIA_QUEUE_URL", about="Queue of media whose files are to be made.", kind="address"),
        Setting(
            name="MEDIA_MAX_IMAGE_BYTES",
            about="What an uploaded picture may have.",
            kind="number",
            default="26214400",
            unit="bytes",
            least=1,
        ),
        Setting(
            name="MEDIA_MAX_MODEL_BYTES",
            about="What an uploaded 3D model may have.",
            kind="number",
            default="52428800",
            unit="bytes",
            least=1,
        ),
        Setting(
            name="MEDIA_MAX_VIDEO_BYTES",
            about="What an uploaded video may have.",
            kind="number",
            default="209715200",
            unit="bytes",
            least=1,
        ),
        Setting(
            name="MEDIA_MAX_PIXELS",
            about="What a picture may have, whatever its bytes: more would not fit into the function that scales it.",
            kind="number",
            default="50000000",
            unit="pixels",
            least=1,
            most=100_000_000,
        ),
        Setting(
            name="MEDIA_KEPT_HOURS",
            about="How long a medium stays that nothing shows.",
            kind="number",
            default="48",
            unit="h",
            least=1,
            most=8_760,
        ),
        Setting(name="CHECKOUT_ARN", about="The state machine of checkouts.", kind="arn"),
        Setting(name="IMPORT_ARN", about="The state machine of bulk imports.", kind="arn"),
        Setting(name="REFUND_ARN", about="The state machine of refunds.", kind="arn"),
    )
)
"""All settings by name."""

NOT_HERE = {
    "MAX_IMAGES_PER_PRODUCT": "a rule of the catalog (`catalog.forms`): raising it needs a look at page sizes",
    "SMS_PROVIDER_KEY": "none: SNS sends text messages with the function's own role",
    "MODEL_REGISTRY_URL": "an S3 bucket with a setting of its own, when models are kept",
    "FEATURE_STORE_URL": "none: features are items of the table",
    "ELASTIC_URL": "none: the search index is embedded",
    "RELEVANCE_WEIGHTS_JSON": "configuration of the search service, when it ranks",
}
"""Keys of a conventional deployment that no setting stands for, and why."""
