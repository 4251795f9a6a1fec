"""The part of the table that identity may touch: its own items and people's standing."""

from access.contract import MANIFEST as ACCESS
from identity.manifest import MANIFEST
from market.table import Table

TABLE = Table(MANIFEST, ACCESS)
