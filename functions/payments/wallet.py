"""By which name each provider knows a customer who saved a method there."""

from fraud.contract import MANIFEST as FRAUD
from ledger.contract import MANIFEST as LEDGER
from market.table import Key, Table, put
from orders.contract import MANIFEST as ORDERS
from payments.manifest import MANIFEST

_table = Table(MANIFEST, FRAUD, LEDGER, ORDERS)


def refs(customer_id: str) -> dict[str, str]:
    """The provider's name for the customer, by provider."""
    return {item["sk"]: item["ref"] for item in _table.query(f"PAY#of#{customer_id}", limit=50).items}


def remember(customer_id: str, provider: str, ref: str) -> None:
    _table.write(put(Key(f"PAY#of#{customer_id}", provider), {"ref": ref}))
