"""The part of the table that orders may touch."""

from cart.contract import MANIFEST as CART
from identity.contract import MANIFEST as IDENTITY
from inventory.contract import MANIFEST as INVENTORY
from ledger.contract import MANIFEST as LEDGER
from market.table import Table
from orders.manifest import MANIFEST
from profiles.contract import MANIFEST as PROFILES
from refunds.contract import MANIFEST as REFUNDS

TABLE = Table(MANIFEST, CART, IDENTITY, INVENTORY, LEDGER, PROFILES, REFUNDS)
