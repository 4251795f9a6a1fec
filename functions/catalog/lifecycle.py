"""Drafts, submission and review: what waits for a person, and what that person decides.

Whoever decides names the version that they saw; a change in between is not approved unseen.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

from catalog import attributes, categories, changes, drafts, model, rules, service, store
from catalog.changes import Stored
from catalog.desk_forms import Approval, DraftForm, Rejection, Submission
from catalog.drafts import WorkingCopy
from catalog.events import ProductApproved, ProductRejected, ProductWithdrawn
from catalog.forms import ProductChange
from catalog.manifest import MANIFEST
from catalog.model import NotInReview, NotLive, Product, Review
from market import clock
from market.errors import Conflict, NotFound, PreconditionFailed
from market.events import announce

_ATTEMPTS = 4
Check = Callable[[int], None]


class NothingToSubmit(Conflict):
    """There is no draft and no working copy, or the working copy changes nothing."""

    code, title = "nothing_to_submit", "Nothing to submit"


@dataclass(frozen=True, slots=True)
class Draft:
    """What a product is to become: the product itself while it is not on sale, else its working copy."""

    live: Product
    copy: WorkingCopy | None = None

    @property
    def product(self) -> Product:
        return self.copy.wanted if self.copy else self.live

    @property
    def version(self) -> int:
        return self.copy.version if self.copy else self.live.version

    @property
    def state(self) -> str:
        return self.copy.state if self.copy else self.live.status

    @property
    def review(self) -> Review | None:
        return self.copy.review if self.copy else self.live.review


def draft(vendor_id: str, product_id: str) -> Draft:
    """Raises NotFound, also where a product on sale has no working copy."""
    live = store.get(vendor_id, product_id).product
    copy = drafts.find(product_id) if live.on_sale else None
    if live.on_sale and copy is None:
        raise NotFound("There is no working copy.")
    return Draft(live, copy)


def edit(vendor_id: str, product_id: str, form: DraftForm, *, check: Check) -> Draft:
    """Change the working copy; the first change makes it. Raises NotLive, UnderReview, CopyOutdated."""
    found = store.get(vendor_id, product_id)
    if not found.product.on_sale:
        raise NotLive("The product is not on sale: change it itself.")
    live, before = found.product, drafts.find(product_id)
    if before:
        check(before.version)
    wanted = service.changed(live, service.wishes(live, _without_status(form.changes)))
    stock = {sku: units for sku, units in form.changes.stock().items() if sku not in live.skus}
    copy = service.edited(live, before, wanted, stock)
    model.check_variants(copy.wanted.variants)
    model.check_size(copy.wanted)
    drafts.carry_out(drafts.saved(before, copy), drafts.beside(live))
    if not form.submit:
        return Draft(live, copy)
    _submit_copy(found, copy, form.note)
    return _present(product_id)


def act(vendor_id: str, product_id: str, form: Submission, *, check: Check) -> Draft:
    """Submit, withdraw or discard. Raises NothingToSubmit, NotInReview, UnderReview and what publication raises."""
    found = store.get(vendor_id, product_id)
    copy = drafts.find(product_id) if found.product.on_sale else None
    check(copy.version if copy else found.product.version)
    match form.action, copy:
        case "submit", None:
            _submit(found, form.note)
        case "submit", WorkingCopy() as held:
            _submit_copy(found, held, form.note)
        case "discard", WorkingCopy() as held:
            drafts.carry_out(drafts.ended(held), events=_withdrawal(found.product, "change") if held.waits else ())
        case "withdraw", WorkingCopy(waits=True) as held:
            withdrawn = _decided(held.review, outcome="withdrawn")
            back = held.model_copy(update={"review": withdrawn, "version": held.version + 1})
            drafts.carry_out(drafts.saved(held, back), events=_withdrawal(found.product, "change"))
        case "withdraw", None if found.product.in_review:
            _take_back(found, _decided(found.product.review, outcome="withdrawn"), _withdrawal(found.product))
        case "withdraw", _:
            raise NotInReview("Nothing of this product waits for review.")
        case _:
            raise NothingToSubmit("There is no working copy.")
    return _present(product_id)


def approve(product_id: str, form: Approval) -> Product:
    """Let what waits go on sale. Raises NotInReview, PreconditionFailed for another version, and what keeps a product
    from being published: CopyOutdated, AttributesUnfit, VendorNotActive, SkuTaken, SlugTaken.
    """
    for attempt in range(_ATTEMPTS):
        found, copy = _in_review(product_id, form.version)
        review = _decided(copy.review if copy else found.product.review, outcome="approved", answer=form.answer)
        try:
            return _publish(found, copy, review)
        except PreconditionFailed:
            if attempt == _ATTEMPTS - 1:
                raise
    raise AssertionError("unreachable")


def reject(product_id: str, form: Rejection) -> Product:
    """Send what waits back to its vendor, with reasons. Raises NotInReview or PreconditionFailed."""
    found, copy = _in_review(product_id, form.version)
    review = _decided(copy.review if copy else found.product.review, outcome="rejected", answer=form.answer)
    review = review.model_copy(update={"reasons": tuple(form.reasons)})
    event = ProductRejected(
        product_id=product_id, vendor_id=found.product.vendor_id, kind="change" if copy else "listing",
        revision=form.version, reasons=list(form.reasons),
    )  # fmt: skip
    if copy is None:
        return _take_back(found, review, (event,))
    back = copy.model_copy(update={"review": review, "version": copy.version + 1})
    drafts.carry_out(drafts.saved(copy, back), events=(event,))
    return found.product


def _present(product_id: str) -> Draft:
    live = store.find(product_id).product
    return Draft(live, drafts.find(product_id) if live.on_sale else None)


def _submit(found: Stored, note: str) -> None:
    before = found.product
    if before.status != "draft":
        raise NothingToSubmit("There is no draft and no working copy.")
    after = service.changed(before, {"status": "active"})
    service.put_forward(found, after, {}, note)


def _submit_copy(found: Stored, copy: WorkingCopy, note: str) -> None:
    """To the reviewers, or on sale at once where no rule keeps it."""
    if copy.waits:
        raise model.UnderReview("The working copy waits already.")
    after = _merged(found.product, copy)
    if after is found.product:
        raise NothingToSubmit("The working copy changes nothing.")
    service.check_fit(found.product, after)
    if waiting := rules.waiting(service.review_rules(), found.product, after):
        onward = copy.model_copy(update={"version": copy.version + 1})
        service.submit_copy(found.product, copy, onward, waiting, note)
    else:
        _publish(found, copy, None)


def _publish(found: Stored, copy: WorkingCopy | None, review: Review | None) -> Product:
    """What is decided goes on sale; without a review it needed none."""
    live = found.product
    after = _merged(live, copy) if copy else service.changed(live, {"status": "active"})
    if after is live:
        raise NothingToSubmit("The working copy changes nothing any more.")
    after = after.model_copy(update={"review": review or live.review})
    categories.require(after.category)
    attributes.require(categories.attributes(after.category), after.attributes)
    writes = service.live_writes(found, after, copy.stock if copy else {})
    if copy:
        writes.append(drafts.ended(copy))
    if review:
        event = ProductApproved(
            product_id=live.id, vendor_id=live.vendor_id, slug=after.slug, kind="change" if copy else "listing",
            revision=after.version,
        )  # fmt: skip
        writes.append(announce(event, by=MANIFEST))
    store.carry_out(writes, store.tagged([after]))
    return after


def _merged(live: Product, copy: WorkingCopy) -> Product:
    after = model.merged(live, copy.base, copy.wanted)
    return live if after == live else service.advanced(live, after)


def _take_back(found: Stored, review: Review, events: tuple[ProductRejected | ProductWithdrawn, ...]) -> Product:
    """A product in review is a draft again."""
    before = found.product
    after = service.changed(before, {"status": "draft", "review": review})
    told = [announce(event, by=MANIFEST) for event in events]
    store.carry_out([*changes.change(before, replace(found, product=after), {}), *told])
    return after


def _in_review(product_id: str, version: int) -> tuple[Stored, WorkingCopy | None]:
    found = store.find(product_id)
    copy = drafts.find(product_id) if found.product.on_sale else None
    waits = copy.waits if copy else found.product.in_review
    if not waits:
        raise NotInReview("Nothing of this product waits for review.")
    if version != (copy.version if copy else found.product.version):
        raise PreconditionFailed("It was changed since you looked at it.")
    return found, copy


def _decided(review: Review | None, *, outcome: str, answer: str = "") -> Review:
    submitted = review or Review(outcome="pending", submitted_at=clock.timestamp())
    return submitted.model_copy(update={"outcome": outcome, "answer": answer, "decided_at": clock.timestamp()})


def _withdrawal(product: Product, kind: str = "listing") -> tuple[ProductWithdrawn]:
    return (ProductWithdrawn(product_id=product.id, vendor_id=product.vendor_id, kind=kind),)


def _without_status(form: ProductChange) -> ProductChange:
    """A working copy is of what is on sale, and stays so."""
    if "status" in form.model_fields_set and form.status != "active":
        raise Conflict("To take a product off sale, change the product itself.")
    sent = form.model_dump(exclude_unset=True, exclude={"status"}, by_alias=True)
    return ProductChange.model_validate(sent)
