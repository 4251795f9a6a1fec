"""The sitemap: an index, a page of categories, pages of products.

Pages of products are written twice a day by a walk through the months (`PLA#<yyyy-mm>`), so that reading one is a read
of one item, however many products there are. What was listed since is in a page of its own, read when asked for.
"""

from collections.abc import Iterator
from xml.sax.saxutils import escape

import orjson

from catalog import categories, lists, sitepages, store
from catalog.tree import Tree
from market import config

PER_PAGE = 3_000
"""Slugs: at most 80 characters each, so that a page is an item of at most 300,000 bytes."""
NEWEST = 1_000
MAX_PAGES = 49_000
_READ = 1_000
_HEAD = '<?xml version="1.0" encoding="UTF-8"?>\n'
_SPACE = 'xmlns="http://www.sitemaps.org/schemas/sitemap/0.9"'


def index(address: str) -> str:
    """The index as XML; `address` is where the sitemap itself is."""
    built = sitepages.count()
    names = ["categories", "newest", *(f"products-{number}" for number in range(1, built + 1))]
    lines = (f"<sitemap><loc>{escape(f'{address}?page={name}')}</loc></sitemap>" for name in names)
    return f"{_HEAD}<sitemapindex {_SPACE}>{''.join(lines)}</sitemapindex>"


def page(name: str) -> str | None:
    """One page as XML, or None."""
    kind, _, number = name.partition("-")
    if name == "categories":
        return _urls(f"/categories/{path.replace('>', '/')}" for path in _used(categories.tree()))
    if name == "newest":
        cards, _ = lists.on_sale(None, None, limit=NEWEST, cursor=None)
        return _urls(f"/products/{orjson.loads(card)['slug']}" for card in cards)
    if kind == "products" and number.isascii() and number.isdigit():
        slugs = sitepages.page(int(number))
        return _urls(f"/products/{slug}" for slug in slugs) if slugs else None
    return None


def rebuild() -> int:
    """Write all pages anew, then the index that counts them; how many there are. Pages beyond are no longer named."""
    pages, slugs = 0, list[str]()
    for slug in _all_slugs():
        slugs.append(slug)
        if len(slugs) == PER_PAGE:
            pages, slugs = sitepages.save(pages + 1, slugs), []
        if pages == MAX_PAGES:
            break
    if slugs:
        pages = sitepages.save(pages + 1, slugs)
    sitepages.finish(pages)
    return pages


def _all_slugs() -> Iterator[str]:
    month, last = categories.tree().since, categories.this_month()
    while month <= last:
        cursor: str | None = None
        while True:
            found = store.of_month(month, limit=_READ, cursor=cursor)
            yield from (orjson.loads(item["card"])["slug"] for item in found.items)
            if found.next is None:
                break
            cursor = found.next
        month = lists.following(month)


def _used(tree: Tree) -> Iterator[str]:
    return (category.path for category in tree.categories if tree.has(category.path))


def _urls(paths: Iterator[str]) -> str:
    base = config.setting("STORE_URL").rstrip("/")
    lines = (f"<url><loc>{escape(base + path)}</loc></url>" for path in paths)
    return f"{_HEAD}<urlset {_SPACE}>{''.join(lines)}</urlset>"
