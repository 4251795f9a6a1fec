"""Orders as far as promotions see them: an item whose status moves on, with the counters in the same transaction."""

from dataclasses import dataclass
from typing import Any

from market import clock
from market.errors import Conflict
from market.table import NEW, put, update
from orders.contract import CANCELLED, PAID, PENDING, order_key
from promotions import counters, store
from promotions.contract import (
    BudgetSpent,
    PromotionOver,
    Spend,
    commit,
    compact_spends,
    release,
    reserve,
    with_room,
)
from promotions.counters import grant, shard_keys, shard_of, sums
from promotions.model import Limits

PROMOTION = "prm_1"


class Moved(Conflict):
    """The order is not pending any more."""


@dataclass(frozen=True)
class Desk:
    """Places, pays and cancels orders that use one promotion with these limits."""

    limits: Limits
    promotion: str = PROMOTION
    code: str = ""
    code_limit: int = 0

    def open(self) -> None:
        if self.limits.counted:
            store.TABLE.transact(*grant(self.promotion, Limits(), self.limits))

    def spend(self, order_id: str, amount: int = 100) -> Spend:
        return Spend(
            promotion_id=self.promotion,
            version=1,
            code=self.code,
            amount=amount,
            currency="EUR",
            shard=shard_of(order_id, self.limits.shards),
            shards=self.limits.shards,
            uses_limited=self.limits.uses > 0,
            budget=self.limits.budget > 0,
            per_customer=self.limits.per_customer,
            code_limit=self.code_limit,
        )

    def place(self, order_id: str, amount: int = 100, customer: str = "ada") -> Spend:
        """Raises what reserving raises; then nothing was written."""
        spend, now = self.spend(order_id, amount), clock.timestamp()
        item = {"status": PENDING, "spends": compact_spends([spend]), "created_at": now}
        writes = (
            put(order_key(customer, order_id), item, when=NEW, otherwise=Conflict("There is this order already.")),
            *reserve([spend], order_id=order_id, customer_id=customer, at=now),
        )
        with_room(lambda: store.TABLE.transact(*writes), store.TABLE.batch_get, store.TABLE.transact)
        return spend

    def placed(self, order_id: str, amount: int = 100, customer: str = "ada") -> bool:
        """Whether there was enough left."""
        try:
            self.place(order_id, amount, customer)
        except (PromotionOver, BudgetSpent):
            return False
        return True

    def pay(self, order_id: str, amount: int = 100, customer: str = "ada") -> None:
        ending = commit([self.spend(order_id, amount)], order_id, customer)
        store.TABLE.transact(move(order_id, PAID, customer), *ending)

    def cancel(self, order_id: str, amount: int = 100, customer: str = "ada") -> None:
        ending = release([self.spend(order_id, amount)], order_id, customer)
        store.TABLE.transact(move(order_id, CANCELLED, customer), *ending)

    def sums(self) -> dict[str, int]:
        found = store.TABLE.batch_get(shard_keys(self.promotion, self.limits.shards), consistent=True)
        return sums(found.values())

    def reservation(self, order_id: str) -> dict[str, Any]:
        return store.TABLE.get(counters.reservation_key(order_id), consistent=True) or {}


def move(order_id: str, status: str, customer: str = "ada") -> Any:
    return update(
        order_key(customer, order_id),
        "SET status = :status",
        {":status": status, ":pending": PENDING},
        when="status = :pending",
        otherwise=Moved(),
    )
