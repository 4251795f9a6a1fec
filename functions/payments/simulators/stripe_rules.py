"""How Stripe behaves in test mode: its published test cards (docs.stripe.com/testing), fees and amounts. Pure.

4242 4242 4242 4242   pays                           4000 0025 0000 3155   3-D Secure, unless it was set up
5555 5555 5555 4444   pays (Mastercard)              4000 0027 6000 3184   3-D Secure, always
4000 0082 6000 0000   pays, issued in Britain        4000 0000 0000 3220   3-D Secure 2, always
4000 0000 0000 0002   declined                       4000 0084 0000 1629   3-D Secure, then declined
4000 0000 0000 9995   declined: insufficient funds   4000 0000 0000 0341   can be saved, then declined
4000 0000 0000 9987   declined: lost card            4000 0000 0000 0259   pays, disputed once captured
4000 0000 0000 9979   declined: stolen card          4000 0000 0000 7726   pays, refunds are pending at first
4000 0000 0000 0069   declined: expired card         4000 0000 0000 5126   pays, refunds fail afterwards
4000 0000 0000 0127   declined: wrong CVC            4000 0000 0000 0119   declined: processing error
"""

import hashlib
from dataclasses import dataclass

FEE_BASIS_POINTS, FEE_FIXED, ABROAD_BASIS_POINTS = 290, 30, 150
"""2.9 % and 30 minor units for a card of the account's own country, 1.5 % more for any other."""

AUTHORIZED_SECONDS = 7 * 86_400
"""An authorization that is not captured in that time lapses."""

REFUND_SECONDS = 3_600
"""After which a refund that is pending, or will fail, does so."""

KEY_SECONDS = 86_400
"""For which idempotency keys are remembered."""

SEARCH_SECONDS = 60
"""By which search lags behind."""

MINIMUM = 50
_NO_DECIMALS = "bif clp djf gnf jpy kmf krw mga pyg rwf vnd vuv xaf xof xpf"
_TWO_DECIMALS = """
aed all amd aud awg azn bam bbd bdt bgn bmd bnd bob brl bsd bwp byn bzd cad cdf chf cny cop crc czk dkk dop dzd egp etb
eur fjd fkp gbp gel gip gmd gtq gyd hkd hnl htg huf idr ils inr isk jmd kes kgs khr kyd kzt lak lbp lkr lrd lsl mad mdl
mkd mmk mnt mop mur mvr mwk mxn myr mzn nad ngn nio nok npr nzd pab pen pgk php pkr pln qar ron rsd rub sar sbd scr sek
sgd shp sos srd std szl thb tjs top try ttd twd tzs uah ugx usd uyu uzs wst xcd yer zar zmw"""
THREE_DECIMALS = frozenset(("bhd", "jod", "kwd", "omr", "tnd"))
ONLY_WHOLE = frozenset(("isk", "ugx"))
CURRENCIES = frozenset(_NO_DECIMALS.split()) | frozenset(_TWO_DECIMALS.split()) | THREE_DECIMALS


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """A test card. decline: (code, decline code). secure: `always` or `unless_set_up` it asks for 3-D Secure.

    refunds: `pending` at first, or `failed` afterwards. saved_only: fails once it is used.
    """

    number: str
    brand: str = "visa"
    country: str = "US"
    decline: tuple[str, str] | None = None
    secure: str = ""
    disputed: bool = False
    refunds: str = ""
    saved_only: bool = False

    @property
    def fingerprint(self) -> str:
        return hashlib.sha256(self.number.encode()).hexdigest()[:16]


_CARDS = (
    Card(number="4242424242424242"),
    Card(number="5555555555554444", brand="mastercard"),
    Card(number="4000008260000000", country="GB"),
    Card(number="4000000000000002", decline=("card_declined", "generic_decline")),
    Card(number="4000000000009995", decline=("card_declined", "insufficient_funds")),
    Card(number="4000000000009987", decline=("card_declined", "lost_card")),
    Card(number="4000000000009979", decline=("card_declined", "stolen_card")),
    Card(number="4000000000000069", decline=("expired_card", "")),
    Card(number="4000000000000127", decline=("incorrect_cvc", "")),
    Card(number="4000000000000119", decline=("processing_error", "")),
    Card(number="4000002500003155", secure="unless_set_up"),
    Card(number="4000002760003184", secure="always"),
    Card(number="4000000000003220", secure="always"),
    Card(number="4000008400001629", secure="always", decline=("card_declined", "generic_decline")),
    Card(number="4000000000000341", saved_only=True, decline=("card_declined", "generic_decline")),
    Card(number="4000000000000259", disputed=True),
    Card(number="4000000000007726", refunds="pending"),
    Card(number="4000000000005126", refunds="failed"),
)
CARDS = {card.number: card for card in _CARDS}


def fee(amount: int, card: Card, country: str) -> int:
    """What Stripe keeps of a captured amount, rounded half up; never more than the amount."""
    points = FEE_BASIS_POINTS + (ABROAD_BASIS_POINTS if card.country != country else 0)
    return min(amount, (amount * points + 5_000) // 10_000 + FEE_FIXED)


def unchargeable(amount: int, currency: str) -> str:
    """The code of what is wrong with an amount; empty if nothing is."""
    if amount < MINIMUM:
        return "amount_too_small"
    if amount > 99_999_999:
        return "amount_too_large"
    if currency in ONLY_WHOLE and amount % 100:
        return "invalid_charge_amount_no_decimal_compatible"
    if currency in THREE_DECIMALS and amount % 10:
        return "invalid_charge_amount"
    return ""
