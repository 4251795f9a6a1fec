"""What inventory tells: a SKU is running out, or there is enough of it again."""

from typing import ClassVar

from market.events import Event


class StockLow(Event):
    """`available` fell to the vendor's `reorder_point` or below; once until there is more than that again."""

    type: ClassVar[str] = "inventory.low_stock"
    vendor_id: str
    product_id: str
    sku: str
    available: int
    reorder_point: int


class StockRestocked(Event):
    """There is more than the vendor's `reorder_point` again."""

    type: ClassVar[str] = "inventory.restocked"
    vendor_id: str
    product_id: str
    sku: str
    available: int
    reorder_point: int
