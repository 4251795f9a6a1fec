"""What staff do to the category tree, and to the rules of review that stand beside it."""

from collections.abc import Callable, Sequence
from dataclasses import replace

from catalog import categories, rules
from catalog.categories import TreeChanged
from catalog.desk_forms import CategoryChange, CategoryForm, RulesForm
from catalog.rules import Rule
from catalog.tree import SEPARATOR, Category, Tree, slug_of
from market import ids
from market.errors import Unprocessable
from market.table import Write

_ATTEMPTS = 4
_Change = Callable[[Tree], tuple[Tree, Sequence[Write]]]


def add(form: CategoryForm) -> Category:
    """Raises CategoryExists, UnknownCategory for the parent, TreeFull, or Unprocessable for a name without letters."""
    step = form.slug or slug_of(form.name)
    if not step:
        raise Unprocessable("Send a slug too: the name has no Latin letters or digits.")
    path = f"{form.parent}{SEPARATOR}{step}" if form.parent else step
    new = Category(id=ids.short("cat"), path=path, name=form.name, sort_order=form.sort_order)
    _change_tree(lambda tree: _with_details(tree.with_new(new), new.id, form))
    return new


def change(category_id: str, form: CategoryChange) -> Category:
    """Raises NotFound."""
    names = {"name": "name", "sort_order": "sort_order", "is_active": "active"}
    changes = {names[sent]: getattr(form, sent) for sent in form.model_fields_set if sent in names}

    def changed(tree: Tree) -> tuple[Tree, Sequence[Write]]:
        return _with_details(tree.with_changed(replace(tree.get(category_id), **changes)), category_id, form)

    return _change_tree(changed).get(category_id)


def review_rules() -> tuple[tuple[Rule, ...], int]:
    """The rules as last written, and their version."""
    tree = categories.present()
    return rules.unpacked(tree.rules), tree.version


def set_review_rules(form: RulesForm) -> tuple[Rule, ...]:
    """Raises UnknownCategory."""
    wanted = form.rules_wanted()

    def changed(tree: Tree) -> tuple[Tree, Sequence[Write]]:
        for rule in wanted:
            if rule.category:
                tree.require(rule.category)
        return replace(tree, rules=rules.packed(wanted)), ()

    return rules.unpacked(_change_tree(changed).rules)


def _with_details(tree: Tree, category_id: str, form: CategoryForm | CategoryChange) -> tuple[Tree, list[Write]]:
    writes = [categories.named(language, category_id, name) for language, name in form.names.items()]
    languages = tuple(sorted({*tree.languages, *form.names}))
    tree = replace(tree, languages=languages)
    if "attributes" in form.model_fields_set:
        category = replace(tree.get(category_id), attributed=bool(form.attributes))
        tree = tree.with_changed(category)
        writes.append(categories.own_attributes(category.path, form.attributes_wanted()))
    return tree, writes


def _change_tree(change: _Change) -> Tree:
    for attempt in range(_ATTEMPTS):
        try:
            tree, writes = change(categories.present())
            return categories.save(tree, *writes)
        except TreeChanged:
            if attempt == _ATTEMPTS - 1:
                raise
    raise AssertionError("unreachable")
