"""What people do at the marketplace: each flow once from its beginning to its end, and how it must end.

A flow prepares, then says `watch()`: from there on its calls are recorded or broken.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace

from inventory import sweep
from promotions.model import Percent
from tests.faults.cells.floor import BASKET, PARTS, TOTAL, Floor
from tests.sagas import checkout as cards
from tests.sagas.refunds import REFUSING
from tests.sagas.review import DOUBTFUL, REVIEW_SECONDS
from tests.services.inventory import depots, hot
from tests.services.orders import setup
from tests.services.promotions import maker

Watch = Callable[[], None]
ALL = {"all": True, "reason": "returned"}
FOR_EVER = 10**6


@dataclass(frozen=True)
class End:
    """How a flow ends, whatever happens on the way: what the customer keeps and pays for.

    total: what the order costs; uses: how many of `TENTH` are left, held and used, where it is running. refunds: the
    statuses of the refunds that staff see, sorted; recorded: what staff and vendors did, as audited, where that is
    looked at: in every flow.
    """

    status: str = "paid"
    reason: str = ""
    total: int = TOTAL
    net: int = TOTAL
    uses: tuple[int, int, int] | None = None
    sold: dict[str, int] = field(default_factory=lambda: dict(BASKET))
    refunds: tuple[str, ...] = ()
    recorded: frozenset[str] | None = None


NOTHING: dict[str, int] = {}
TENTH = maker.promotion("prm_tenth", Percent(basis_points=1_000), uses=5, per_customer=1)
"""A tenth off the goods, paid by the marketplace: for five orders, one of each customer."""
REDUCED = TOTAL - 1_200
SHARDS = 10
"""On which the lamps lie where they are hot, one on each: an order of two holds them on two."""
DECIDED, REFUNDED = frozenset({"fraud.decide"}), frozenset({"refunds.refund"})


def cancelled(reason: str, *recorded: str) -> End:
    return End(status="cancelled", reason=reason, net=0, sold=NOTHING, recorded=frozenset(recorded) or None)


@dataclass(frozen=True)
class Flow:
    """steps: how the names of those begin that the flow is about; all, if empty."""

    name: str
    act: Callable[[Floor, Watch], None]
    end: End
    steps: str = ""


FLOWS: dict[str, Flow] = {}


def flow(
    name: str, end: End, steps: str = ""
) -> Callable[[Callable[[Floor, Watch], None]], Callable[[Floor, Watch], None]]:
    def register(act: Callable[[Floor, Watch], None]) -> Callable[[Floor, Watch], None]:
        FLOWS[name] = Flow(name, act, replace(end, recorded=end.recorded or frozenset()), steps)
        return act

    return register


@flow("paid", End())
def paid(floor: Floor, watch: Watch) -> None:
    body = floor.fill()
    watch()
    floor.order(body)
    floor.run()
    floor.confirm(floor.intent(), cards.GOOD)


@flow("declined", cancelled("payment_declined"))
def declined(floor: Floor, watch: Watch) -> None:
    floor.placed()
    watch()
    for _ in range(3):
        floor.confirm(floor.intent(), cards.DECLINED)
        floor.run()


@flow("capture refused", cancelled("payment_declined"))
def capture_refused(floor: Floor, watch: Watch) -> None:
    floor.placed()
    intent = floor.intent()
    watch()
    floor.confirm(intent, cards.CAPTURE_FAILS)


@flow("never told, so asked", End())
def asked(floor: Floor, watch: Watch) -> None:
    floor.placed()
    intent = floor.intent()
    floor.break_("webhook", "before", FOR_EVER)
    watch()
    floor.confirm(intent, cards.GOOD)
    floor.wait(cards.HOLD_SECONDS + 5)


@flow("never told, so reconciled", End(), steps="payments-schedule")
def reconciled(floor: Floor, watch: Watch) -> None:
    floor.placed()
    intent = floor.intent()
    floor.break_("webhook", "before", FOR_EVER)
    floor.confirm(intent, cards.GOOD)
    floor.bystanders -= {"payments-schedule"}
    watch()
    floor.wait(610)


@flow("never paid", cancelled("payment_timeout"))
def never_paid(floor: Floor, watch: Watch) -> None:
    floor.placed()
    floor.intent()
    watch()
    floor.wait(cards.HOLD_SECONDS + 5)


@flow("paid in a longer hold", End(), steps="hold_longer")
def paid_in_a_longer_hold(floor: Floor, watch: Watch) -> None:
    floor.placed()
    floor.wait(cards.HOLD_SECONDS - 60)
    intent = floor.intent()
    watch()
    floor.wait(120)
    floor.confirm(intent, cards.GOOD)


@flow("cancelled before its checkout", cancelled("cancelled_by_customer"))
def cancelled_early(floor: Floor, watch: Watch) -> None:
    floor.order(floor.fill())
    watch()
    assert floor.cancel().status == 202


@flow("cancelled before it was paid", cancelled("cancelled_by_customer"))
def cancelled_waiting(floor: Floor, watch: Watch) -> None:
    floor.placed()
    floor.intent()
    watch()
    assert floor.cancel().status == 202


@flow("cancelled after the authorization", cancelled("cancelled_by_customer"))
def cancelled_authorized(floor: Floor, watch: Watch) -> None:
    floor.placed()
    intent = floor.intent()
    floor.before("payments-webhooks", floor.cancel_and_hear)
    watch()
    floor.confirm(intent, cards.GOOD)


@flow("cancelled after the capture", cancelled("cancelled_by_customer"))
def cancelled_captured(floor: Floor, watch: Watch) -> None:
    floor.placed()
    intent = floor.intent()
    floor.before("confirm", floor.cancel)
    watch()
    floor.confirm(intent, cards.GOOD)


@flow("paid with a promotion", End(total=REDUCED, net=REDUCED, uses=(4, 0, 1)))
def promoted(floor: Floor, watch: Watch) -> None:
    setup.running(TENTH)
    paid(floor, watch)


@flow("promotion given back", replace(cancelled("cancelled_by_customer"), total=REDUCED, uses=(5, 0, 0)))
def unpromoted(floor: Floor, watch: Watch) -> None:
    setup.running(TENTH)
    body = floor.fill()
    watch()
    floor.order(body)
    floor.run()
    assert floor.cancel().status == 202


@flow("hot, paid", End())
def hot_paid(floor: Floor, watch: Watch) -> None:
    hot.heat_up(SHARDS)
    paid(floor, watch)


@flow("hot, given back", cancelled("cancelled_by_customer"))
def hot_given_back(floor: Floor, watch: Watch) -> None:
    hot.heat_up(SHARDS)
    body = floor.fill()
    watch()
    floor.order(body)
    floor.run()
    assert floor.cancel().status == 202


@flow("hot and cooling down, paid", End())
def hot_cooling(floor: Floor, watch: Watch) -> None:
    hot.heat_up(SHARDS)
    body = floor.fill()
    sweep.gather("LAMP")
    watch()
    floor.order(body)
    floor.run()
    floor.confirm(floor.intent(), cards.GOOD)


@flow("from warehouses, paid", End())
def placed_paid(floor: Floor, watch: Watch) -> None:
    depots.store("LAMP", wh_a=1, wh_b=9)
    paid(floor, watch)


@flow("from warehouses, given back", cancelled("cancelled_by_customer"))
def placed_given_back(floor: Floor, watch: Watch) -> None:
    depots.store("LAMP", wh_a=1, wh_b=1)
    body = floor.fill()
    watch()
    floor.order(body)
    floor.run()
    assert floor.cancel().status == 202


def held(floor: Floor, watch: Watch) -> None:
    floor.placed()
    intent = floor.intent()
    watch()
    floor.confirm(intent, DOUBTFUL)
    floor.run()


@flow("review approved", End(recorded=DECIDED))
def approved(floor: Floor, watch: Watch) -> None:
    held(floor, watch)
    assert floor.decide("approve").status in (200, 409)


@flow("review rejected", cancelled("payment_declined", *DECIDED))
def rejected(floor: Floor, watch: Watch) -> None:
    held(floor, watch)
    assert floor.decide("reject").status in (200, 409)


@flow("review expired", cancelled("payment_declined"))
def expired(floor: Floor, watch: Watch) -> None:
    held(floor, lambda: None)
    watch()
    floor.wait(REVIEW_SECONDS + 5)


@flow("review withdrawn", cancelled("cancelled_by_customer"))
def withdrawn(floor: Floor, watch: Watch) -> None:
    held(floor, lambda: None)
    watch()
    assert floor.cancel().status == 202


@flow("compensated by staff", cancelled("cancelled_by_staff", "orders.compensate"))
def compensated(floor: Floor, watch: Watch) -> None:
    floor.placed()
    floor.confirm(floor.intent(), cards.GOOD)
    floor.before("confirm", lambda: floor.compensate("cancel_and_refund"))
    watch()
    floor.run()


@flow("refunded whole", End(net=0, refunds=("succeeded",), recorded=REFUNDED))
def refunded(floor: Floor, watch: Watch) -> None:
    floor.paid()
    watch()
    assert floor.refund(ALL).status == 201


@flow("refunded a line", End(net=TOTAL - 2_000, refunds=("succeeded",), recorded=REFUNDED))
def refunded_line(floor: Floor, watch: Watch) -> None:
    floor.paid()
    watch()
    assert floor.refund({"lines": [{"sku": "LAMP", "quantity": 1}], "reason": "returned"}).status == 201


@flow("refund refused", End(refunds=("failed",), recorded=REFUNDED))
def refund_refused(floor: Floor, watch: Watch) -> None:
    floor.paid(REFUSING)
    watch()
    assert floor.refund(ALL).status == 201


@flow(
    "part cancelled",
    End(
        net=PARTS["ven_wood"],
        sold={"CHAIR": 1},
        refunds=("succeeded",),
        recorded=frozenset({"orders.cancel_own_part"}),
    ),
)
def part_cancelled(floor: Floor, watch: Watch) -> None:
    floor.paid()
    watch()
    assert floor.cancel_part("ven_lights").status == 202


@flow(
    "from warehouses, part cancelled",
    End(
        net=PARTS["ven_wood"],
        sold={"CHAIR": 1},
        refunds=("succeeded",),
        recorded=frozenset({"orders.cancel_own_part"}),
    ),
)
def placed_part_cancelled(floor: Floor, watch: Watch) -> None:
    depots.store("LAMP", wh_a=1, wh_b=1)
    part_cancelled(floor, watch)


@flow("paid order cancelled", End(net=0, sold=NOTHING, refunds=("succeeded", "succeeded")))
def paid_cancelled(floor: Floor, watch: Watch) -> None:
    floor.paid()
    watch()
    assert floor.cancel().status == 202


@flow("method changed", End())
def changed(floor: Floor, watch: Watch) -> None:
    floor.placed()
    floor.intent()
    watch()
    floor.intent(method="cod")


@flow("paid by hand", End(recorded=frozenset({"payments.settle"})))
def by_hand(floor: Floor, watch: Watch) -> None:
    floor.placed()
    floor.intent(method="manual")
    watch()
    assert floor.settle_by_hand().status == 200


@flow("invoiced and credited", End(net=TOTAL - 2_000, refunds=("succeeded",), recorded=REFUNDED), steps="invoices")
def invoiced(floor: Floor, watch: Watch) -> None:
    floor.bystanders -= {"invoices"}
    watch()
    floor.paid()
    assert floor.refund({"lines": [{"sku": "LAMP", "quantity": 1}], "reason": "returned"}).status == 201


AFTERMATH = list(FLOWS)[list(FLOWS).index("compensated by staff") :]
"""The flows of what comes after a payment; the others are of checkouts."""
CHECKOUTS = [name for name in FLOWS if name not in AFTERMATH]
