"""Import of products from a vendor's own system, repeatable without duplicates.

A row is known by vendor and external id: the product's id is made from them, so that the same row finds the same
product by key. A fingerprint of the row is kept; an equal row changes nothing, whatever was edited or sold since. Stock
is set only where the row states another figure than last time.
"""

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import orjson
from pydantic import TypeAdapter, ValidationError

from catalog import categories, changes, drafts, gallery, model, service, store
from catalog.changes import Stored
from catalog.forms import ImportRow
from catalog.model import Product, SlugTaken
from catalog.tree import slug_of
from market import ids
from market.errors import Conflict, NotFound, Problem, Unavailable, Unprocessable
from market.table import MAX_ACTIONS, Write
from vendors.contract import ACTIVE, VendorNotActive

Result = Literal["created", "updated", "unchanged", "rejected"]
_row = TypeAdapter(ImportRow)
_BY_HAND = re.compile(r"prd_[0-9a-z]{26}")


class RepeatedRow(Conflict):
    """An earlier row of the same batch has this external id or SKU."""

    code, title = "repeated_row", "Row repeated"


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of a row; `code` and `reason` say why it was rejected."""

    row: int
    result: Result
    external_id: str = ""
    product_id: str = ""
    code: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True)
class _Job:
    """A row on its way in; `before` is None for a product that is new."""

    row: int
    form: ImportRow
    product_id: str
    before: Stored | None
    after: Stored
    reviewed: tuple[Write, ...] = ()
    """What puts the change into review, where a rule keeps it for a person: the product itself stays as it is."""

    def writes(self) -> list[Write]:
        if self.before is None:
            return changes.create(self.after)
        product, said = self.before.product, self.before.stated
        stock = {sku: units for sku, units in self.after.stated.items() if said.get(sku) != units}
        if self.reviewed:
            remembered = changes.remembered(product, self.after)
            return [remembered, *changes.restocked(product, stock), *self.reviewed]
        leaving = product.on_sale and not self.after.product.on_sale
        return changes.change(product, self.after, stock) + ([drafts.none_left(product.id)] if leaving else [])

    def under_another_slug(self) -> "_Job":
        product = self.after.product.model_copy(update={"slug": service.suffixed(self.after.product.slug)})
        return replace(self, after=replace(self.after, product=product))

    def done(self) -> Outcome:
        result: Result = "updated" if self.before else "created"
        return Outcome(row=self.row, result=result, external_id=self.form.external_id, product_id=self.product_id)

    def refused(self, problem: Problem) -> Outcome:
        return _refusal(self.row, self.form.external_id, problem)


def bring_in(vendor_id: str, rows: Sequence[object]) -> list[Outcome]:
    """Create or change a product for every row, each whole or not at all; outcomes are in the order of the rows.

    Raises NotFound or VendorNotActive.
    """
    seller = store.vendor(vendor_id)
    if seller is None:
        raise NotFound("There is no such vendor.")
    if seller.status != ACTIVE:
        raise VendorNotActive("The vendor may not sell at present.")
    outcomes: dict[int, Outcome] = {}
    forms = _readable(rows, outcomes)
    jobs = _jobs(vendor_id, forms, outcomes)
    for group in _groups(jobs):
        for outcome in _carry_out(group):
            outcomes[outcome.row] = outcome
    return [outcomes[row] for row in range(len(rows))]


def product_id(vendor_id: str, external_id: str) -> str:
    """The id of the product that a row of this vendor makes: 130 bits of a hash."""
    number = int.from_bytes(hashlib.sha256(f"{vendor_id}|{external_id}".encode()).digest()[:17], "big")
    return "prd_" + "".join(ids.ALPHABET[number >> 5 * place & 31] for place in range(26))


def _readable(rows: Sequence[object], outcomes: dict[int, Outcome]) -> dict[int, ImportRow]:
    forms: dict[int, ImportRow] = {}
    seen: set[str] = set()
    for number, given in enumerate(rows):
        form = None
        try:
            form = _row.validate_python(given)
            categories.require(form.category)
            wanted = form.wanted()
            model.check_variants([variant.variant() for variant in wanted])
            named = {f"id {form.external_id}", *(f"sku {variant.sku}" for variant in wanted)}
            if seen & named:
                raise RepeatedRow(f"An earlier row of this batch has {min(seen & named)}.")
            seen |= named
            forms[number] = form
        except ValidationError as error:
            outcomes[number] = _refusal(number, _external_id(given), _unprocessable(error))
        except Problem as problem:
            outcomes[number] = _refusal(number, form.external_id if form else "", problem)
    return forms


def _jobs(vendor_id: str, forms: dict[int, ImportRow], outcomes: dict[int, Outcome]) -> list[_Job]:
    known = _known(vendor_id, [form.external_id for form in forms.values()])
    wished = {number: form.slug or slug_of(form.title) or "product" for number, form in forms.items()}
    new = [number for number, form in forms.items() if form.external_id not in known]
    taken = store.slugs_in_use({wished[number] for number in new}) if new else set()
    jobs = []
    for number, form in forms.items():
        before = known.get(form.external_id)
        try:
            job: _Job | Outcome
            if before is None:
                slug = service.suffixed(wished[number]) if wished[number] in taken else wished[number]
                taken.add(slug)
                job = _new(vendor_id, number, form, slug)
            else:
                job = _changed(number, form, before)
        except Unavailable:  # such as a picture that many rows at once name: nothing is wrong with the row
            raise
        except Problem as problem:
            outcomes[number] = _refusal(number, form.external_id, problem)
            continue
        if isinstance(job, Outcome):
            outcomes[number] = job
        else:
            jobs.append(job)
    return jobs


def _known(vendor_id: str, external_ids: Sequence[str]) -> dict[str, Stored]:
    """Products by the external ids of rows. One made by hand has none: an export calls it by its own id."""
    made = {external_id: product_id(vendor_id, external_id) for external_id in external_ids}
    found = store.get_many([*made.values(), *filter(_BY_HAND.fullmatch, external_ids)])
    known = {external_id: found[id_] for external_id, id_ in made.items() if id_ in found}
    for external_id in set(external_ids) & found.keys():
        product = found[external_id].product
        if product.vendor_id == vendor_id and product.external_id is None:
            known[external_id] = found[external_id]
    return known


def _new(vendor_id: str, number: int, form: ImportRow, slug: str) -> _Job:
    id_ = product_id(vendor_id, form.external_id)
    product = service.born(vendor_id, form, product_id=id_, slug=slug, external_id=form.external_id)
    return _Job(number, form, id_, None, Stored(product, _fingerprint(form), form.stock()))


def _changed(number: int, form: ImportRow, before: Stored) -> _Job | Outcome:
    id_, fingerprint = before.product.id, _fingerprint(form)
    if before.fingerprint == fingerprint:
        return Outcome(row=number, result="unchanged", external_id=form.external_id, product_id=id_)
    stated = before.stated | form.stock()
    after = service.changed(before.product, _wished(form, before.product))
    if after is before.product:
        if stated == before.stated:
            return Outcome(row=number, result="unchanged", external_id=form.external_id, product_id=id_)
        after = after.model_copy(update={"version": after.version + 1})
        return _Job(number, form, id_, before, Stored(after, fingerprint, stated))
    after, waiting = service.routed(before.product, after)
    new = Stored(after, fingerprint, stated)
    return _Job(number, form, id_, before, new, _reviewed(before.product, new, waiting) if waiting else ())


def _wished(form: ImportRow, product: Product) -> dict[str, Any]:
    """The row as fields; what is to go on sale and waits for a person to let it is as it was wished already."""
    fields = gallery.resolved(form.fields(), product.vendor_id, product.id, product.media)
    waits = product.in_review and fields["status"] == "active"
    return fields | {"status": product.status} if waits else fields


def _reviewed(live: Product, new: Stored, waiting: frozenset[str]) -> tuple[Write, ...]:
    present = drafts.find(live.id)
    stock = {sku: units for sku, units in new.stated.items() if sku not in live.skus}
    copy = service.edited(live, present, new.product, stock)
    return tuple(service.submission(live, present, copy, waiting))


def _groups(jobs: Sequence[_Job]) -> list[list[tuple[_Job, list[Write]]]]:
    """As many products to a transaction as it has room for, with their writes."""
    groups: list[list[tuple[_Job, list[Write]]]] = []
    room = 0
    for job in jobs:
        writes = job.writes()
        if len(writes) > room:
            groups.append([])
            room = MAX_ACTIONS
        groups[-1].append((job, writes))
        room -= len(writes)
    return groups


def _carry_out(group: Sequence[tuple[_Job, list[Write]]]) -> list[Outcome]:
    """One transaction for all; where it is refused, one for each, so that only the culprit stays out."""
    try:
        all_writes = [write for _, writes in group for write in writes]
        store.carry_out(all_writes, store.tagged(job.after.product for job, _ in group))
        return [job.done() for job, _ in group]
    except Problem:
        return [_alone(job, writes) for job, writes in group]


def _alone(job: _Job, writes: list[Write]) -> Outcome:
    try:
        try:
            store.carry_out(writes, store.tagged([job.after.product]))
        except SlugTaken:
            store.carry_out(job.under_another_slug().writes())
        return job.done()
    except Problem as problem:
        return job.refused(problem)


def _fingerprint(form: ImportRow) -> str:
    return hashlib.sha256(orjson.dumps(form.model_dump(mode="json"), option=orjson.OPT_SORT_KEYS)).hexdigest()[:32]


def _external_id(given: object) -> str:
    found = given.get("externalId") if isinstance(given, dict) else None
    return str(found)[:100] if isinstance(found, str | int) else ""


def _unprocessable(error: ValidationError) -> Problem:
    first = error.errors()[0]
    return Unprocessable(f"{'.'.join(map(str, first['loc'])) or 'row'}: {first['msg']}"[:300])


def _refusal(row: int, external_id: str, problem: Problem) -> Outcome:
    reason = problem.detail or problem.title
    return Outcome(row=row, result="rejected", external_id=external_id, code=problem.code, reason=reason)
