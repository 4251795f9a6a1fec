"""The public lists: pages of stored cards, at a cost that does not depend on how many products there are."""

from catalog import categories, store
from market.errors import Invalid
from market.table import Page, read_cursor, sign_cursor

MAX_MONTHS = 6
"""Months looked into for one page; where they were quiet the page is short, and the cursor leads on."""
_SCOPE = "catalog|newest"


def on_sale(
    category: str | None, vendor_id: str | None, *, limit: int, cursor: str | None
) -> tuple[list[str], str | None]:
    """Cards newest first, and a cursor unless that is the end. Raises UnknownCategory, BadCursor or Invalid."""
    if category and vendor_id:
        raise Invalid("Ask for a category or for a vendor, not for both.")
    if category:
        if not cursor:
            categories.require(category)
        return _cards(store.in_category(category, limit=limit, cursor=cursor))
    if vendor_id:
        return _cards(store.of_vendor(vendor_id, status="active", limit=limit, cursor=cursor))
    return _newest(limit, cursor)


def _newest(limit: int, cursor: str | None) -> tuple[list[str], str | None]:
    """All products, by walking back through the months to the one in which the category tree was planted."""
    first = categories.tree().since
    position = read_cursor(cursor, _SCOPE) if cursor else {"month": categories.this_month()}
    month: str = position["month"]
    inner: str | None = position.get("inner")
    cards: list[str] = []
    for _ in range(MAX_MONTHS):
        page = store.of_month(month, limit=limit - len(cards), cursor=inner)
        cards += [item["card"] for item in page.items]
        month, inner = (month, page.next) if page.next else (_before(month), None)
        if month < first:
            return cards, None
        if len(cards) >= limit:
            break
    return cards, sign_cursor({"month": month, "inner": inner}, _SCOPE)


def _cards(page: Page) -> tuple[list[str], str | None]:
    return [item["card"] for item in page.items], page.next


def _before(month: str) -> str:
    year, number = int(month[:4]), int(month[5:])
    return f"{year - (number == 1):04}-{(number - 2) % 12 + 1:02}"


def following(month: str) -> str:
    """The month after, such as `2027-01` after `2026-12`."""
    year, number = int(month[:4]), int(month[5:])
    return f"{year + number // 12:04}-{number % 12 + 1:02}"
