"""Every feature flag, declared once: who looks after it, what it does, what counts while nobody has decided otherwise.

A flag's type is the type of its default: a boolean, a whole number between `least` and `most`, one of its `choices`, or
several of them. `ends` is the day by which flag and branches go; a flag without one stays: it is a switch for operators
or a policy. `public` flags are told to clients, evaluated for them.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

Kind = Literal["boolean", "number", "choice", "choices"]
Value = bool | int | str | list[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Flag:
    """One flag; `owner` is the service that asks it, or will."""

    name: str
    owner: str
    about: str
    default: bool | int | str | tuple[str, ...] = False
    public: bool = False
    ends: str = ""
    choices: tuple[str, ...] = ()
    least: int = 0
    most: int = 0

    @property
    def kind(self) -> Kind:
        match self.default:
            case bool():
                return "boolean"
            case int():
                return "number"
            case str():
                return "choice"
        return "choices"

    @property
    def value(self) -> Value:
        """The default as it is stored and answered."""
        return list(self.default) if isinstance(self.default, tuple) else self.default

    def fits(self, value: object) -> bool:
        """Whether the flag may have this value."""
        match value:
            case bool():
                return self.kind == "boolean"
            case int():
                return self.kind == "number" and self.least <= value <= self.most
            case str():
                return self.kind == "choice" and value in self.choices
            case list():
                known = all(isinstance(entry, str) and entry in self.choices for entry in value)
                return self.kind == "choices" and known and len(set(value)) == len(value)
        return False


def _by_name(flags: Iterable[Flag]) -> dict[str, Flag]:
    return {flag.name: flag for flag in flags}


FLAGS = _by_name(
    (
        Flag(
            name="multi-auth-providers",
            owner="identity",
            about="With whose accounts people may sign in, beside a password of ours.",
            default=("google", "github", "oidc"),
            choices=("google", "github", "oidc"),
            public=True,
        ),
        Flag(
            name="mfa-required",
            owner="identity",
            about="Whether a second factor is demanded: of a role, or of single people.",
        ),
        Flag(
            name="bulk-upload",
            owner="catalog",
            about="Whether many products may be brought in with one request.",
            default=True,
            public=True,
        ),
        Flag(
            name="ar-viewer",
            owner="catalog",
            about="Whether product pages offer a view in one's own room.",
            public=True,
            ends="2027-12-31",
        ),
        Flag(
            name="buy-now-pay-later",
            owner="payments",
            about="Whether an order may be paid for after it was delivered.",
            public=True,
        ),
        Flag(
            name="return-window",
            owner="refunds",
            about="Days after delivery in which goods may be sent back; differs by product and vendor.",
            default=30,
            least=0,
            most=365,
            public=True,
        ),
        Flag(
            name="installment-payments",
            owner="payments",
            about="Whether an order may be paid for in instalments.",
            public=True,
        ),
        Flag(
            name="vendor-subscriptions",
            owner="vendors",
            about="Whether a vendor's goods may be subscribed to.",
            public=True,
        ),
        Flag(
            name="wallet-withdrawals",
            owner="payments",
            about="Whether money in a wallet may be paid out to its owner.",
            public=True,
        ),
        Flag(
            name="custom-store-themes",
            owner="vendors",
            about="Whether a vendor may give the storefront colours and type of their own.",
            public=True,
            ends="2027-12-31",
        ),
        Flag(
            name="digest-mode",
            owner="notifications",
            about="Whether people may have their notifications collected into one mail a day.",
            public=True,
            ends="2027-12-31",
        ),
        Flag(
            name="sms-alerts",
            owner="notifications",
            about="Whether notifications also go out as text messages: by country and kind of user, for they cost.",
        ),
        Flag(
            name="bot-fallback",
            owner="messaging",
            about="Whether a program answers a chat while no person is there.",
        ),
        Flag(
            name="guest-chat",
            owner="messaging",
            about="Whether people without an account may chat.",
            public=True,
        ),
        Flag(
            name="screen-sharing",
            owner="messaging",
            about="Whether a customer may show support their screen.",
            public=True,
            ends="2027-12-31",
        ),
        Flag(
            name="scheduled-calls",
            owner="messaging",
            about="Whether video calls are offered, at once or by appointment.",
            default="off",
            choices=("off", "instant", "scheduled"),
            public=True,
        ),
        Flag(
            name="real-time-stream",
            owner="analytics",
            about="Whether figures are told while they arise, instead of every few minutes.",
            ends="2027-12-31",
        ),
        Flag(
            name="custom-reports",
            owner="analytics",
            about="Whether vendors may put together reports of their own.",
            public=True,
            ends="2027-12-31",
        ),
        Flag(
            name="custom-homepages",
            owner="content",
            about="Whether the homepage is put together for each visitor.",
            public=True,
            ends="2027-12-31",
        ),
        Flag(
            name="review-moderation-queue",
            owner="reviews",
            about="Whether a person sees reviews before everybody does.",
            default=True,
        ),
        Flag(
            name="pricing-ai",
            owner="pricing",
            about="Whether vendors get prices suggested by a model.",
            public=True,
            ends="2027-12-31",
        ),
        Flag(
            name="new-checkout",
            owner="orders",
            about="Whether clients show the new checkout; both use the same routes.",
            public=True,
            ends="2027-06-30",
        ),
    )
)
"""All flags by name."""
