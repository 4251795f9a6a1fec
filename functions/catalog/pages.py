"""The page of a product as JSON text, put together from what is stored and what is so at present."""

from collections.abc import Mapping
from typing import Any

import orjson

from catalog import cards, media_views
from catalog.store import Rival, Shown
from inventory.contract import Offer, public_offer
from market import clock
from market.money import Money
from promotions.contract import Goods, Promotion, shown_on
from vendors.contract import ACTIVE, Vendor


def is_public(shown: Shown) -> bool:
    return shown.document["status"] == "active" and shown.vendor.status == ACTIVE


def product_page(shown: Shown, language: str, store_url: str) -> str:
    """A `ProductPage` in one of the languages that the product is told in, or as it was written."""
    document = shown.document
    page = {name: value for name, value in document.items() if name not in _HIDDEN}
    if told := document.get("translations"):
        page["languages"] = sorted(told)
        if language:
            page |= {"description": "", **told[language], "language": language}
    page["media"] = [media_views.shown(medium, language) for medium in document.get("media", ())]
    page["vendor"] = _seller(shown.vendor)
    page["variants"] = [
        _on_sale(variant, offer, shown)
        for variant in document["variants"]
        if (offer := shown.offers.get(variant["sku"])) and offer.active
    ]
    if badges := cards.badges_of(_promotions(shown, page)):
        page["badges"] = badges
    if shown.brand and shown.brand.active:
        page["brandDetails"] = {"slug": shown.brand.slug, "name": shown.brand.name, "logo": shown.brand.logo}
    page["seo"] = _seo(page, document.get("seo") or {})
    page["openGraph"] = _open_graph(page, store_url)
    return orjson.dumps(page).decode()


def _promotions(shown: Shown, page: Mapping[str, Any]) -> list[Promotion]:
    """Those that show on any of the variants on sale."""
    goods = [
        Goods(
            sku=variant["sku"],
            product_id=page["id"],
            vendor_id=shown.vendor.id,
            category=page["category"],
            quantity=1,
            unit_price=shown.offers[variant["sku"]].price,
            brand=page.get("brand", ""),
        )
        for variant in page["variants"]
    ]
    return [one for found in shown_on(shown.promotions, goods, at=clock.timestamp()) for one in found]


def _on_sale(variant: Mapping[str, Any], offer: Offer, shown: Shown) -> dict[str, Any]:
    live = {"price": offer.price.plain()} | public_offer(offer)
    told = {name: value for name, value in variant.items() if name != "isActive"} | live
    if rivals := [rival for rival in shown.rivals if rival.variant == offer.sku and _sells(rival, offer)]:
        own = Rival(offer, shown.vendor, offer.sku, shown.document["createdAt"])
        told["offers"] = [_offered(rival) for rival in sorted((own, *rivals), key=_place)]
    return told


def _sells(rival: Rival, own: Offer) -> bool:
    offer = rival.offer
    return offer.active and rival.vendor.status == ACTIVE and offer.price.currency == own.price.currency


def _place(rival: Rival) -> tuple[bool, int, str, str]:
    """Which offer is shown first: one that can be had, then the lowest price, then the oldest."""
    return rival.offer.sellable <= 0, rival.offer.price.amount, rival.since, rival.offer.sku


def _offered(rival: Rival) -> dict[str, Any]:
    offer = rival.offer
    said = {"sku": offer.sku, "vendor": _seller(rival.vendor), "price": offer.price.plain()}
    return said | public_offer(offer)


def _seller(vendor: Vendor) -> dict[str, str]:
    return {"id": vendor.id, "name": vendor.name, "slug": vendor.slug}


def _seo(page: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
    translated = "language" in page
    return {
        "title": page["title"] if translated else given.get("title") or page["title"],
        "description": (not translated and given.get("description")) or _cut(page["description"]),
        "keywords": given.get("keywords") or page["tags"],
    }


def _cut(text: str, longest: int = 160) -> str:
    """The beginning of a text on one line, ending with a whole word."""
    line = " ".join(text[: 4 * longest].split())
    return line if len(line) <= longest else f"{line[:longest].rpartition(' ')[0] or line[:longest]}…"


def _open_graph(page: Mapping[str, Any], store_url: str) -> dict[str, str]:
    told = {
        "og:type": "product",
        "og:title": page["seo"]["title"],
        "og:description": page["seo"]["description"],
        "og:url": f"{store_url.rstrip('/')}/products/{page['slug']}",
    }
    if picture := _picture(page):
        address = picture["url"] if "://" in picture["url"] else store_url.rstrip("/") + picture["url"]
        told |= {"og:image": address} | ({"og:image:alt": picture["alt"]} if picture["alt"] else {})
    if page["variants"]:
        cheapest = min(page["variants"], key=lambda variant: variant["price"]["amount"])
        price = Money(**cheapest["price"])
        told |= {"product:price:amount": price.decimal(), "product:price:currency": price.currency}
        there = any(variant["inStock"] for variant in page["variants"])
        told["product:availability"] = "in stock" if there else "out of stock"
    return told


def _picture(page: Mapping[str, Any]) -> Mapping[str, str] | None:
    """The first picture, as large as it is, in a format that every reader of previews knows."""
    for medium in page["media"]:
        if medium["kind"] == "image":
            return {"url": medium["sources"][-1]["url"], "alt": medium["alt"]}
    return page["images"][0] if page["images"] else None


_HIDDEN = frozenset(
    {"vendorId", "status", "version", "listedAt", "externalId", "formerSlugs", "review", "translations", "seo"}
)
