"""Cash on delivery: the courier collects, staff records what came of it."""

from payments.model import AUTHORIZED
from payments.providers.manual import BankTransfer


class CashOnDelivery(BankTransfer):
    """Authorized at once, since the order must go out to be paid; takes no fee."""

    name = "cod"
    opens = AUTHORIZED
