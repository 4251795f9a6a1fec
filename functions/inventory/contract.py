"""What other services may ask of stock, as pure write fragments for their own transactions.

The stock item of a SKU carries its price and seller too (the *offer*), so that one conditional write at placement
checks stock and price together and costs no read. A hold moves units from `available` to `held`; it ends by a commit
(sold) or a release (back on sale). On hand is always `available + kept + held`; each change of it is in the journal.

An offer whose `handling` is empty is *plain*: it needs no more than that. Others say where their units come from.

Where an offer is limited per customer, what each customer bought of it is counted (`count_purchase`) in the transaction
that holds the stock, and taken back (`uncount_purchase`) in the one that ends the hold without a sale.
"""

from inventory.heat import told_contended as told_contended
from inventory.holds import NotOnSale as NotOnSale
from inventory.holds import PriceChanged as PriceChanged
from inventory.holds import UnitsMoved as UnitsMoved
from inventory.holds import by_sku as by_sku
from inventory.holds import commit as commit
from inventory.holds import hold as hold
from inventory.holds import release as release
from inventory.holds import restock as restock
from inventory.journal import Entry as Entry
from inventory.journal import counted_blindly as counted_blindly
from inventory.journal import journal_key as journal_key
from inventory.journal import read_entry as read_entry
from inventory.journal import rebuild as rebuild
from inventory.manifest import MANIFEST as MANIFEST
from inventory.offers import BACKORDER as BACKORDER
from inventory.offers import CLOSED as CLOSED
from inventory.offers import LATER as LATER
from inventory.offers import MAX_PER_LINE as MAX_PER_LINE
from inventory.offers import MAX_STOCK as MAX_STOCK
from inventory.offers import PLACES as PLACES
from inventory.offers import PREORDER as PREORDER
from inventory.offers import SHARDS as SHARDS
from inventory.offers import SHOWN_AT_MOST as SHOWN_AT_MOST
from inventory.offers import STANDARD as STANDARD
from inventory.offers import WATCH as WATCH
from inventory.offers import Later as Later
from inventory.offers import Offer as Offer
from inventory.offers import OutOfStock as OutOfStock
from inventory.offers import Shelf as Shelf
from inventory.offers import Sku as Sku
from inventory.offers import SkuTaken as SkuTaken
from inventory.offers import StockElsewhere as StockElsewhere
from inventory.offers import change_offer as change_offer
from inventory.offers import new_offer as new_offer
from inventory.offers import out_of_stock as out_of_stock
from inventory.offers import public_offer as public_offer
from inventory.offers import public_stock as public_stock
from inventory.offers import read_offer as read_offer
from inventory.offers import stock_key as stock_key
from inventory.purchases import LimitChanged as LimitChanged
from inventory.purchases import PurchaseLimit as PurchaseLimit
from inventory.purchases import PurchaseLimitReached as PurchaseLimitReached
from inventory.purchases import count_purchase as count_purchase
from inventory.purchases import counter_key as counter_key
from inventory.purchases import limit_changed as limit_changed
from inventory.purchases import limit_reached as limit_reached
from inventory.purchases import uncount_purchase as uncount_purchase
from inventory.shards import MAX_SHARDS as MAX_SHARDS
from inventory.shards import TicketGone as TicketGone
from inventory.shards import end_ticket as end_ticket
from inventory.shards import keep_ticket as keep_ticket
from inventory.shards import not_on_shards as not_on_shards
from inventory.shards import on_shards as on_shards
from inventory.sources import LATER_SOURCE as LATER_SOURCE
from inventory.sources import LOOSE as LOOSE
from inventory.sources import Source as Source
from inventory.sources import choose_sources as choose_sources
from inventory.tickets import let_go as let_go
from inventory.tickets import seize as seize
from inventory.warehouses import Warehouse as Warehouse
from inventory.warehouses import read_warehouses as read_warehouses
from inventory.warehouses import warehouses_key as warehouses_key
