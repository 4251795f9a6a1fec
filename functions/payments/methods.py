"""How customers may pay in this stage, and what they saved for the next time."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from market.errors import NotFound
from market.guard import settings
from payments import wallet
from payments.gateway import Card, NotOffered, Setup, vault

_ID = re.compile(r"[\w-]{1,100}\Z", re.ASCII)
"""What providers' ids for methods look like; nothing else gets into the address of a call to them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Saved:
    """A method that a customer saved; `id` is ours: the provider and its own id for it."""

    id: str
    provider: str
    card: Card


def offered() -> tuple[str, ...]:
    """Names of the methods that this stage offers, the default first."""
    return tuple(filter(None, map(str.strip, settings.text("PAYMENT_METHODS").split(","))))


def require(name: str) -> str:
    """Raises NotOffered."""
    if name not in offered():
        raise NotOffered("This method is not offered.", offered=list(offered()))
    return name


def begin(customer_id: str, name: str) -> Setup:
    """Let the customer give the provider a card to keep. Raises NotOffered."""
    keeper, known = vault(require(name)), wallet.refs(customer_id).get(name, "")
    setup = keeper.setup(customer_id, known)
    if setup.customer_ref != known:
        wallet.remember(customer_id, name, setup.customer_ref)
    return setup


def saved(customer_id: str) -> Iterator[Saved]:
    """What the providers on offer keep for the customer."""
    for name, ref in wallet.refs(customer_id).items():
        if name in offered():
            for method in vault(name).saved(ref):
                yield Saved(id=f"{name}.{method.id}", provider=name, card=method.card)


def forget(customer_id: str, saved_id: str) -> None:
    """Raises NotFound for what is not the customer's."""
    name, method_id, ref = owned(customer_id, saved_id)
    vault(name).detach(ref, method_id)


def owned(customer_id: str, saved_id: str) -> tuple[str, str, str]:
    """Provider, its id for the method and its name for the customer; that it is theirs the provider checks.

    Raises NotFound where the provider keeps nothing for the customer.
    """
    name, _, method_id = saved_id.partition(".")
    ref = wallet.refs(customer_id).get(name, "") if _ID.match(method_id) else ""
    if not ref:
        raise NotFound("There is no such saved method.")
    return name, method_id, ref
