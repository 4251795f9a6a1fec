"""The sandbox payment provider's rules: how an intent behaves, by the number of the card that pays it.

    4242 4242 4242 4242   pays
    4000 0027 6000 0016   pays, a German card
    4000 0082 6000 0000   pays, a British card
    4000 0000 0000 0002   is declined (`card_declined`)
    4000 0000 0000 9995   is declined (`insufficient_funds`)
    4000 0000 0000 0341   is authorized, but the capture is refused
    4000 0000 0000 5126   pays, and the provider says so twice
    4000 0000 0000 0127   pays, and the provider says so 20 seconds late
    4000 0000 0000 5050   pays, but refunds to it are refused
    4000 0000 0000 7726   pays, but refunds to it take two minutes, during which they are pending
    4100 0000 0000 0019   pays, of a doubtful issuer: the marketplace's own fraud screen holds it back for a person
    4100 0001 0000 0018   pays, of a blocked issuer: the marketplace's own fraud screen refuses it

The provider never captures by itself, never captures or refunds more than was authorized or captured, and takes a fee
of 1.4 % plus 25 minor units, which it keeps when money goes back. A decided intent stays decided. A refund has an id:
the same id again is the same refund, as it stands by then. Methods are saved for customers: one that is saved pays
without the customer. Pure: memory is kept by `sandbox.py`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from market.errors import Conflict, Problem, Unprocessable

FEE_BASIS_POINTS, FEE_FIXED = 140, 25
DECLINES = {"4000000000000002": "card_declined", "4000000000009995": "insufficient_funds"}
CAPTURE_REFUSED, TWICE, LATE = "4000000000000341", "4000000000005126", "4000000000000127"
REFUND_REFUSED, REFUND_SLOW = "4000000000005050", "4000000000007726"
DOUBTFUL, ON_BLOCK_LIST = "4100000000000019", "4100000100000018"
COUNTRIES = {"4000002760000016": "DE", "4000008260000000": "GB"}
PAYS = frozenset(
    {
        *("4242424242424242", CAPTURE_REFUSED, TWICE, LATE, REFUND_REFUSED, REFUND_SLOW, DOUBTFUL, ON_BLOCK_LIST),
        *COUNTRIES,
    },
)
LATE_SECONDS, SLOW_SECONDS = 20, 120


class UnknownCard(Unprocessable):
    code, title = "unknown_test_card", "Not a test card"


class WrongState(Conflict):
    """The intent is not in a state that allows it; `status` says which."""

    code, title = "wrong_state", "Wrong state"


class CaptureFailed(Problem):
    status, code, title = 402, "capture_refused", "Capture refused"


class RefundFailed(Problem):
    status, code, title = 402, "refund_refused", "Refund refused"


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """The provider's memory of one intent. amounts: minor units; refunds: [amount, seconds since 1970] by their id.

    version: counts changes, so that of two at a time one is refused.
    """

    id: str
    order_id: str
    amount: int
    currency: str
    client_secret: str
    created: int
    status: str = "pending"
    instrument: str = ""
    fee: int = 0
    refunded: int = 0
    refunds: Mapping[str, list[int]] = field(default_factory=dict)
    declines: int = 0
    version: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """A webhook that the provider sends, `times` times, after `delay` seconds."""

    type: str
    failure: str = ""
    times: int = 1
    delay: int = 0


def confirm(account: Account, card: str) -> tuple[Account, Said | None]:
    """The customer pays with a card. Raises UnknownCard or WrongState.

    Asked again, perhaps after a lost answer, it says again what it may not have come to say.
    """
    if account.status in ("authorized", "captured") and account.instrument == card:
        return account, Said(type="payment_intent.authorized") if account.status == "authorized" else None
    if account.status != "pending":
        raise WrongState(f"The intent is {account.status}.", status=account.status)
    if card in DECLINES:
        declined = _next(account, declines=account.declines + 1)
        return declined, Said(type="payment_intent.declined", failure=DECLINES[card])
    known(card)
    said = Said(
        type="payment_intent.authorized", times=2 if card == TWICE else 1, delay=LATE_SECONDS if card == LATE else 0
    )
    return _next(account, status="authorized", instrument=card), said


def known(card: str) -> str:
    """A card that can be saved. Raises UnknownCard."""
    if card not in PAYS:
        raise UnknownCard("Use one of the sandbox's test cards.")
    return card


def capture(account: Account, amount: int) -> Account:
    """Take the authorized money, all of it. Raises CaptureFailed or WrongState."""
    if account.status == "captured":
        return account
    if account.status != "authorized" or amount != account.amount:
        raise WrongState(f"The intent is {account.status}.", status=account.status)
    if account.instrument == CAPTURE_REFUSED:
        raise CaptureFailed("The issuer refused the capture.")
    fee = (amount * FEE_BASIS_POINTS + 5_000) // 10_000 + FEE_FIXED
    return _next(account, status="captured", fee=min(fee, amount))


def void(account: Account) -> Account:
    """Give back the authorization, or close an intent that was never paid. Raises WrongState once captured."""
    if account.status == "voided":
        return account
    if account.status in ("captured", "refunded"):
        raise WrongState(f"The intent is {account.status}.", status=account.status)
    return _next(account, status="voided")


def refund(account: Account, refund_id: str, amount: int, now: int) -> Account:
    """Give captured money back, all of it or a part; once for each id. Raises RefundFailed or WrongState."""
    if refund_id in account.refunds:
        if account.refunds[refund_id][0] != amount:
            raise Unprocessable("This refund's id came with another amount.")
        return account
    if account.status != "captured":
        raise WrongState(f"The intent is {account.status}.", status=account.status)
    if amount > account.amount - account.refunded:
        raise RefundFailed("More than what is left of the charge.")
    if account.instrument == REFUND_REFUSED:
        raise RefundFailed("The issuer does not take refunds for this card.")
    refunded = account.refunded + amount
    return _next(
        account,
        status="refunded" if refunded == account.amount else "captured",
        refunded=refunded,
        refunds={**account.refunds, refund_id: [amount, now]},
    )


def refund_status(account: Account, refund_id: str, now: int) -> str:
    """How a refund stands: those to a slow card are pending for a while."""
    slow = account.instrument == REFUND_SLOW and now < account.refunds[refund_id][1] + SLOW_SECONDS
    return "pending" if slow else "succeeded"


def country(card: str) -> str:
    """Where a card was issued."""
    return COUNTRIES.get(card, "US")


def _next(account: Account, **changes: object) -> Account:
    return replace(account, version=account.version + 1, **changes)  # type: ignore[arg-type]
