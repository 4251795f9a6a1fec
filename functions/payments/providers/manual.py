"""Bank transfers, told to us by staff. No company stands behind them: our own book is the only one."""

from collections.abc import Iterable, Mapping
from datetime import datetime

from market.errors import NotFound
from market.money import Money
from payments import store
from payments.gateway import Intent, Notice, Payable, Refund
from payments.model import AUTHORIZED, CAPTURED, PENDING, VOIDED, Contradicted


class BankTransfer:
    """Pending until staff records that the money came; takes no fee."""

    name = "manual"
    opens = PENDING

    def create(self, payable: Payable) -> Intent:
        reference = f"{self.name}_{payable.key}"
        return Intent(reference=reference, order_id=payable.order_id, status=self.opens, amount=payable.amount)

    def retrieve(self, reference: str) -> Intent:
        """As our own book has it; what opens authorized is never only pending."""
        order_id = reference.removeprefix(f"{self.name}_").partition("-")[0]
        payment = store.get(order_id)
        if payment is None or payment.amount is None:
            raise Contradicted("There is no such payment.")
        status = self.opens if payment.status == PENDING else payment.status
        return self._intent(order_id, reference, payment.amount, status)

    def capture(self, order_id: str, reference: str, amount: Money) -> Intent:
        return self._intent(order_id, reference, amount, CAPTURED)

    def void(self, order_id: str, reference: str) -> Intent:
        return self._intent(order_id, reference, self.retrieve(reference).amount, VOIDED)

    def refund(self, refund_id: str, reference: str, amount: Money) -> Refund:
        """Done as soon as it is asked for: what was collected already, staff pays back by hand."""
        return Refund(
            reference=f"{self.name}_{refund_id}", status="succeeded", amount=amount, fee=Money(0, amount.currency)
        )

    def recent(self, since: datetime, until: datetime) -> Iterable[Intent]:
        return ()

    def receive(self, headers: Mapping[str, str], body: bytes) -> Notice:
        raise NotFound("Nobody sends webhooks for this.")

    def parse(self, body: bytes) -> Notice:
        raise NotFound("Nobody sends webhooks for this.")

    def _intent(self, order_id: str, reference: str, amount: Money, status: str) -> Intent:
        fee = Money(0, amount.currency) if status not in (PENDING, AUTHORIZED) else None
        return Intent(reference=reference, order_id=order_id, status=status, amount=amount, fee=fee)
