"""The part of the table that orders may touch."""

from cart.contract import MANIFEST as CART
from identity.contract import MANIFEST as IDENTITY
from inventory.contract import MANIFEST as INVENTORY
from ledger.contract import MANIFEST as LEDGER
from market.table import Table
from orders.manifest import MANIFEST
from prices.contract import MANIFEST as PRICES
from profiles.contract import MANIFEST as PROFILES
from promotions.contract import MANIFEST as PROMOTIONS
from refunds.contract import MANIFEST as REFUNDS
from shipping.contract import MANIFEST as SHIPPING
from tax.contract import MANIFEST as TAX

TABLE = Table(
    MANIFEST, CART, IDENTITY, INVENTORY, LEDGER, PRICES, PROFILES, PROMOTIONS, REFUNDS, SHIPPING, TAX,
)  # fmt: skip
