"""What vendors do to their products: make, change, archive; what a rule keeps for a person goes to review."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from catalog import attributes, categories, changes, drafts, gallery, model, offers, rules, store
from catalog.changes import Stored
from catalog.drafts import WorkingCopy
from catalog.forms import ProductChange, ProductForm
from catalog.manifest import MANIFEST
from catalog.model import MAX_FORMER_SLUGS, Product, Review, SlugTaken, UnderReview
from catalog.rules import LISTING, Rule
from catalog.tree import slug_of
from inventory.contract import SkuTaken
from market import clock, ids
from market.events import announce
from market.table import Write
from vendors.contract import must_be_active

_ATTEMPTS = 4
_OF_THE_SALE = frozenset({"price", "compare_at_price", "is_active"})


def create(vendor_id: str, form: ProductForm) -> Product:
    """Put a product into the catalog, with stock; where a rule says so it waits for review instead of going on sale.

    Raises VendorNotActive, UnknownCategory, SkuTaken, AttributesUnfit and what `model.check_variants` raises.
    """
    wish = form.slug or slug_of(form.title) or "product"
    product = born(vendor_id, form, product_id=ids.new("prd"), slug=wish)
    for attempt in range(_ATTEMPTS):
        try:
            new = Stored(product, "", form.stock())
            store.carry_out([must_be_active(vendor_id), *changes.create(new)], store.tagged([product]))
            return product
        except SlugTaken:
            if attempt == _ATTEMPTS - 1:
                raise
            product = product.model_copy(update={"slug": suffixed(wish)})
    raise AssertionError("unreachable")


def change(vendor_id: str, product_id: str, form: ProductChange, *, check: Callable[[int], None]) -> Product:
    """Change what was sent. `check` may refuse the version found.

    Of a product on sale, a change that a rule keeps for a person goes into the working copy as a whole, and that to
    review; what is answered is what is on sale. Raises NotFound, PreconditionFailed, UnderReview and the above.
    """
    found = store.get(vendor_id, product_id)
    check(found.product.version)
    return put_forward(found, changed(found.product, wishes(found.product, form)), form.stock())


def archive(vendor_id: str, product_id: str, *, check: Callable[[int], None]) -> Product:
    """Take a product off sale and out of all lists; it can come back. Doing it again changes nothing."""
    return change(vendor_id, product_id, ProductChange(status="archived"), check=check)


def put_forward(found: Stored, after: Product, stock: Mapping[str, int], note: str = "") -> Product:
    """Bring the product to what it is to be, or to the reviewers; what is on sale, or was stored."""
    before = found.product
    if after is before:
        return before
    new_stock = {sku: units for sku, units in stock.items() if sku not in before.skus}
    after, waiting = routed(before, after, note)
    if waiting:
        present = drafts.find(before.id)
        submit_copy(before, present, edited(before, present, after, new_stock), waiting, note)
        return before
    store.carry_out(live_writes(found, after, new_stock), store.tagged([after]))
    return after


def routed(before: Product, after: Product, note: str = "") -> tuple[Product, frozenset[str]]:
    """What is to be stored as the product, be it waiting for review; or, if there are any, the changes for which all of
    it goes into the working copy. Raises UnderReview and what `check_fit` raises.
    """
    if before.in_review and after.status != "archived":
        raise UnderReview("Withdraw it from review before changing it.")
    check_fit(before, after)
    table = review_rules()
    if before.on_sale and after.on_sale:
        return after, rules.waiting(table, before, after)
    if after.on_sale and LISTING in rules.needs(table, after.vendor_id, after.category):
        after = kept_waiting(after, note, listed_at=before.listed_at)
    return after, frozenset()


def live_writes(found: Stored, after: Product, stock: Mapping[str, int]) -> list[Write]:
    """What brings a product to its next version, whatever has to go with it."""
    before = found.product
    writes = [must_be_active(after.vendor_id)] if after.status != "archived" else []
    writes += changes.change(before, replace(found, product=after), stock)
    if before.on_sale and not after.on_sale:
        writes.append(drafts.none_left(before.id))
    if before.slug != after.slug:
        lead, fence = offers.lead(after.id)
        writes += [changes.moved(after, lead), fence]
    return writes


def review_rules() -> tuple[Rule, ...]:
    return rules.unpacked(categories.tree().rules)


def check_fit(before: Product | None, after: Product) -> None:
    """Raises UnknownCategory, ProductTooLarge or AttributesUnfit. Attributes are looked at when a product is to go on
    sale, and when they or the category change: not when a category has begun to want more.
    """
    if before is None or after.category != before.category:
        categories.require(after.category)
    model.check_size(after)
    if after.status not in ("active", "pending"):
        return
    same = before is not None and (before.status, before.category, before.attributes) == (
        after.status, after.category, after.attributes,
    )  # fmt: skip
    if not same:
        attributes.require(categories.attributes(after.category), after.attributes)


def born(vendor_id: str, form: ProductForm, *, product_id: str, slug: str, external_id: str | None = None) -> Product:
    """The first version of a product, checked. Raises what `check_fit` and `model.check_variants` raise."""
    now = clock.timestamp()
    fields = gallery.resolved(form.fields(), vendor_id, product_id)
    model.check_variants(fields["variants"])
    product = Product(
        id=product_id,
        vendor_id=vendor_id,
        slug=slug,
        created_at=now,
        updated_at=now,
        listed_at=now if form.status == "active" else None,
        external_id=external_id,
        **fields,
    )
    check_fit(None, product)
    if product.on_sale and LISTING in rules.needs(review_rules(), vendor_id, product.category):
        return kept_waiting(product, "", listed_at=None)
    return product


def kept_waiting(product: Product, note: str, *, listed_at: str | None) -> Product:
    """The product as it stands in the queue of review instead of on sale."""
    review = Review(outcome="pending", submitted_at=clock.timestamp(), note=note)
    return product.model_copy(update={"status": "pending", "review": review, "listed_at": listed_at})


def wishes(product: Product, form: ProductChange) -> dict[str, Any]:
    """The fields that the change is about: those sent, and those of the version that is to come back.

    Raises NotFound for a version that is not kept.
    """
    fields = gallery.resolved(form.fields(), product.vendor_id, product.id, product.media)
    if form.from_version is None:
        return fields
    former = store.version(product.id, form.from_version)
    back = {name: getattr(former, name) for name in rules.REVIEWABLE - {LISTING, "slug", "variants"}}
    now = {variant.sku: variant for variant in product.variants}
    back["variants"] = tuple(
        variant.model_copy(update={name: getattr(now[variant.sku], name) for name in _OF_THE_SALE - {"is_active"}})
        for variant in former.variants
        if variant.is_active and variant.sku in now
    )
    return back | fields


def changed(product: Product, fields: dict[str, Any]) -> Product:
    """The product with `fields` changed, in its next version; itself where that changes nothing.

    Raises what `model.check_variants` raises.
    """
    if "variants" in fields:
        fields = fields | {"variants": model.replaced(product.variants, fields["variants"])}
    after = product.model_copy(update=fields)
    return product if after == product else advanced(product, after)


def advanced(before: Product, after: Product) -> Product:
    """What is to be, as the version after `before`. Raises what `model.check_variants` raises."""
    model.check_variants(after.variants)
    now = clock.timestamp()
    former = before.former_slugs
    if after.slug != before.slug:
        former = (*(slug for slug in former if slug != after.slug), before.slug)[-MAX_FORMER_SLUGS:]
    return after.model_copy(
        update={
            "version": before.version + 1,
            "updated_at": now,
            "listed_at": now if after.on_sale and not before.listed_at else before.listed_at,
            "former_slugs": former,
        }
    )


def edited(live: Product, copy: WorkingCopy | None, wanted: Product, stock: Mapping[str, int]) -> WorkingCopy:
    """The working copy with the product as it is wanted now; what is on sale is what it starts from.

    Where there is a copy already, what it changes and `wanted` leaves as it is on sale goes on being changed.
    Raises UnderReview, or CopyOutdated.
    """
    if copy is None:
        return drafts.first(live, wanted, stock)
    if copy.waits:
        raise UnderReview("A change waits for review: withdraw it before making another.")
    return WorkingCopy(
        base=live,
        wanted=model.merged(wanted, live, rebased(copy, live, wanted)),
        stock=copy.stock | dict(stock),
        review=copy.review,
        version=copy.version + 1,
        updated_at=clock.timestamp(),
    )


def rebased(copy: WorkingCopy, live: Product, wanted: Product) -> Product:
    """What the copy wishes, put upon what is on sale, but for the fields that are wished otherwise now."""
    again = rules.changed(live, wanted) - {"variants"}
    wish = copy.wanted.model_copy(update={name: getattr(copy.base, name) for name in again})
    return model.merged(live, copy.base, wish)


def submit_copy(
    live: Product, before: WorkingCopy | None, copy: WorkingCopy, waiting: frozenset[str], note: str
) -> None:
    """Put the copy into the queue of review in place of what it was before. Raises SkuTaken, PreconditionFailed."""
    drafts.carry_out(*submission(live, before, copy, waiting, note), drafts.beside(live))


def submission(
    live: Product, before: WorkingCopy | None, copy: WorkingCopy, waiting: frozenset[str], note: str = ""
) -> list[Write]:
    """The same as writes, which want a fence that the product is as it was seen. Raises SkuTaken where a new SKU is
    somebody's already.
    """
    new = set(copy.wanted.skus) - set(live.skus)
    for sku in sorted(store.skus_in_use(new) if new else ()):
        raise SkuTaken(f"SKU {sku} is taken.", sku=sku)
    review = Review(outcome="pending", submitted_at=clock.timestamp(), changed=tuple(sorted(waiting)), note=note)
    waits = copy.model_copy(update={"review": review})
    event = changes.submitted(live, waits.version, waiting, "change")
    return [drafts.saved(before, waits), announce(event, by=MANIFEST)]


def suffixed(slug: str) -> str:
    """The slug with six random characters behind it."""
    return f"{slug[:73]}-{ids.ulid()[-6:]}"
