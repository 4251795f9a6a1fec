"""By which name each provider knows a customer who saved a method there."""

from fraud.contract import MANIFEST as FRAUD
from ledger.contract import MANIFEST as LEDGER
from market.errors import Conflict
from market.table import NEW, Key, Table, check, delete, put
from orders.contract import MANIFEST as ORDERS
from payments.manifest import MANIFEST

_table = Table(MANIFEST, FRAUD, LEDGER, ORDERS)


_CLOSED = "-"


class WalletClosed(Conflict):
    """The customer was erased: nothing is saved for them any more."""

    code, title = "account_erased", "These data were erased"


def refs(customer_id: str) -> dict[str, str]:
    """The provider's name for the customer, by provider."""
    found = _table.query(_key(customer_id, "").pk, limit=50).items
    return {item["sk"]: item["ref"] for item in found if item["sk"] != _CLOSED}


def remember(customer_id: str, provider: str, ref: str) -> None:
    """Raises WalletClosed."""
    closed = WalletClosed("These data were erased.")
    _table.transact(
        put(_key(customer_id, provider), {"ref": ref}),
        check(_key(customer_id, _CLOSED), when=NEW, otherwise=closed),
    )


def remove(customer_id: str, provider: str) -> None:
    _table.write(delete(_key(customer_id, provider)))


def close(customer_id: str) -> None:
    """Remember nothing more. The stone says no more than the id of somebody who is gone."""
    _table.write(put(_key(customer_id, _CLOSED), {}))


def _key(customer_id: str, provider: str) -> Key:
    return Key(f"PAY#of#{customer_id}", provider)
