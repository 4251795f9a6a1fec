"""What API keys can be given: permissions of routes that are open to keys, with the built-in roles that hold them.

Services do not know each other's routes; a test compares this list with what they declare.
"""

from collections.abc import Mapping

_MONEY = ("admin", "finance", "auditor", "vendor_finance", "vendor_viewer")
_PAPERS = ("admin", "support", "finance", "auditor", "vendor_orders", "vendor_finance", "vendor_viewer")
_GOODS = ("admin", "support", "auditor", "vendor_catalog", "vendor_orders", "vendor_viewer")

OPEN_TO_KEYS: Mapping[str, tuple[str, ...]] = {
    "balances.read": _MONEY,
    "inventory.read": _GOODS,
    "inventory.write": ("admin", "vendor_catalog"),
    "invoices.read": _PAPERS,
    "media.read": ("admin", "moderator", "support", "auditor", "vendor_catalog", "vendor_viewer"),
    "media.write": ("admin", "moderator", "vendor_catalog"),
    "orders.cancel": ("admin", "support", "vendor_orders"),
    "orders.note": ("admin", "support", "finance", "vendor_orders"),
    "orders.read": (*_PAPERS, "moderator"),
    "prices.read": (*_MONEY, "moderator", "support", "vendor_catalog"),
    "prices.write": ("admin", "vendor_catalog"),
    "products.import": ("admin", "vendor_catalog"),
    "products.read": (*_GOODS, "moderator"),
    "products.write": ("admin", "moderator", "vendor_catalog"),
    "refunds.make": ("admin", "support", "finance", "vendor_orders"),
    "refunds.read": _PAPERS,
    "webhooks.read": ("admin", "support", "auditor", "vendor_viewer"),
}
