"""The sandbox payment provider's rules: how an intent behaves, by the number of the card that pays it.

    4242 4242 4242 4242   pays
    4000 0000 0000 0002   is declined (`card_declined`)
    4000 0000 0000 9995   is declined (`insufficient_funds`)
    4000 0000 0000 0341   is authorized, but the capture is refused
    4000 0000 0000 5126   pays, and the provider says so twice
    4000 0000 0000 0127   pays, and the provider says so 20 seconds late

The provider never captures by itself, never captures or refunds more than was authorized or captured, and takes a fee
of 1.4 % plus 25 minor units. A decided intent stays decided. Pure: memory is kept by `sandbox.py`.
"""

from dataclasses import dataclass, replace

from market.errors import Conflict, Problem, Unprocessable

FEE_BASIS_POINTS, FEE_FIXED = 140, 25
DECLINES = {"4000000000000002": "card_declined", "4000000000009995": "insufficient_funds"}
PAYS = frozenset({"4242424242424242", "4000000000000341", "4000000000005126", "4000000000000127"})
CAPTURE_REFUSED, TWICE, LATE = "4000000000000341", "4000000000005126", "4000000000000127"
LATE_SECONDS = 20


class UnknownCard(Unprocessable):
    code, title = "unknown_test_card", "Not a test card"


class WrongState(Conflict):
    """The intent is not in a state that allows it; `status` says which."""

    code, title = "wrong_state", "Wrong state"


class CaptureFailed(Problem):
    status, code, title = 402, "capture_refused", "Capture refused"


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """The provider's memory of one intent. amounts: minor units."""

    id: str
    order_id: str
    amount: int
    currency: str
    client_secret: str
    status: str = "pending"
    card: str = ""
    fee: int = 0
    refunded: int = 0
    declines: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """A webhook that the provider sends, `times` times, after `delay` seconds."""

    type: str
    failure: str = ""
    times: int = 1
    delay: int = 0


def confirm(account: Account, card: str) -> tuple[Account, Said | None]:
    """The customer pays with a card. Raises UnknownCard or WrongState."""
    if account.status == "authorized" and account.card == card:
        return account, None
    if account.status != "pending":
        raise WrongState(f"The intent is {account.status}.", status=account.status)
    if card in DECLINES:
        declined = replace(account, declines=account.declines + 1)
        return declined, Said(type="payment_intent.declined", failure=DECLINES[card])
    if card not in PAYS:
        raise UnknownCard("Use one of the sandbox's test cards.")
    said = Said(
        type="payment_intent.authorized", times=2 if card == TWICE else 1, delay=LATE_SECONDS if card == LATE else 0
    )
    return replace(account, status="authorized", card=card), said


def capture(account: Account, amount: int) -> Account:
    """Take the authorized money, all of it. Raises CaptureFailed or WrongState."""
    if account.status == "captured":
        return account
    if account.status != "authorized" or amount != account.amount:
        raise WrongState(f"The intent is {account.status}.", status=account.status)
    if account.card == CAPTURE_REFUSED:
        raise CaptureFailed("The issuer refused the capture.")
    fee = (amount * FEE_BASIS_POINTS + 5_000) // 10_000 + FEE_FIXED
    return replace(account, status="captured", fee=min(fee, amount))


def void(account: Account) -> Account:
    """Give back the authorization, or close an intent that was never paid. Raises WrongState once captured."""
    if account.status in ("captured", "refunded"):
        raise WrongState(f"The intent is {account.status}.", status=account.status)
    return replace(account, status="voided")


def refund(account: Account, amount: int) -> Account:
    """Give captured money back, in full. Raises WrongState."""
    if account.status == "refunded":
        return account
    if account.status != "captured" or amount != account.amount:
        raise WrongState(f"The intent is {account.status}.", status=account.status)
    return replace(account, status="refunded", refunded=amount)
