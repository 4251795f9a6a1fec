"""What the model of a checkout remembers of one order, the table of its machine, and what must always hold."""

from dataclasses import dataclass, replace
from typing import NamedTuple

from tests.model.machines import ENDED, FAILED, TIMEOUT, Choice, End, Step, Table

CANCELLED, UNTAKEN, PAYING = "CancelledByCustomer", "StillToCapture", "StillPaying"
MACHINE: Table = {
    "AwaitPayment": Step(
        task="await_payment",
        then="Confirm",
        otherwise="AskProvider",
        final=frozenset({TIMEOUT, CANCELLED, "PaymentDeclined", UNTAKEN}),
        caught={CANCELLED: "GiveUpOrder", "PaymentDeclined": "GiveUpOrder", UNTAKEN: "Capture"},
        waits=True,
    ),
    "AskProvider": Step(
        task="resolve",
        then="Capture",
        otherwise="GiveUpOrder",
        final=frozenset({"NotPaidInTime", PAYING}),
        caught={PAYING: "HoldLonger"},
    ),
    "HoldLonger": Step(
        "hold_longer", then="AwaitPayment", otherwise="GiveUpOrder", final=frozenset({"HeldLongest", "NotPending"})
    ),
    "Capture": Step(
        task="capture",
        then="Confirm",
        otherwise="GiveUpOrder",
        final=frozenset({"Blocked", CANCELLED, "CaptureRefused", "Moved", "ReviewNeeded"}),
        caught={"ReviewNeeded": "AwaitReview"},
    ),
    "AwaitReview": Step(
        task="await_review",
        then="Capture",
        otherwise="AskReviewer",
        final=frozenset({TIMEOUT, CANCELLED, "ReviewRejected"}),
        caught={CANCELLED: "GiveUpOrder", "ReviewRejected": "GiveUpOrder"},
        waits=True,
    ),
    "AskReviewer": Step(
        "resolve_review", then="Capture", otherwise="GiveUpOrder", final=frozenset({CANCELLED, "ReviewRejected"})
    ),
    "Confirm": Step("confirm", then=ENDED, otherwise="GiveUpOrder", final=frozenset({CANCELLED, "NotPending"})),
    "GiveUpOrder": Step("give_up", then="WasItPaid", otherwise="ParkForPeople"),
    "WasItPaid": Choice({"paid": "PaidAfterAll"}, otherwise="UndoPayment"),
    "PaidAfterAll": End(ENDED),
    "UndoPayment": Step("undo", then="Cancelled", otherwise="ParkForPeople"),
    "Cancelled": End(ENDED),
    "ParkForPeople": Step("sendMessage", then="Parked", otherwise="Parked"),
    "Parked": End(FAILED),
}
FIRST = "AwaitPayment"
BUGS = {
    "undo before give_up": "the payment is undone before the order's status has said that it may be",
    "a timeout is a decline": "after the hold the order is given up without asking the provider",
    "capture without a key": "a capture that is repeated charges again",
    "no tombstone": "an undo that finds no payment leaves nothing that a late one stumbles over",
    "a hold released twice": "giving up is not fenced by the order's status",
    "silence approves": "a review that nobody decides on in time lets the money be taken",
    "our book is believed": "an undo looks at our own record instead of asking the provider",
    "confirm not fenced": "an order is sold whatever has become of it",
}
OTHERS = 1
"""Units that other orders hold of the same SKU all the time: what a second release would take from them."""

GOOD, REFUSED, DOUBTFUL, LISTED = "good", "capture refused", "doubtful", "listed"
CARDS = (GOOD, REFUSED, DOUBTFUL, LISTED)


@dataclass(frozen=True, slots=True)
class State:
    """Everything that is remembered anywhere. Empty texts where there is nothing yet.

    at, doing: the machine's state, and in a task its next call, or `waiting`. stray: a task that nobody waits for, and
    its next call. token: payments keep one. deaf: it is not the one that the machine waits with. owed: it ended to wait
    for a customer who had paid, and has found no other reason to give up since. wish: the customer asked for an end of
    the order; stop: payments have heard of it. recorded: our book has the intent. declined: the provider says that the
    last attempt failed. compensated: staff asked for an end. person: somebody approved of the payment.
    """

    at: str = ""
    doing: str = ""
    token: bool = False
    deaf: bool = False
    stray: tuple[str, str] | None = None
    owed: bool = False
    order: str = "pending"
    wish: bool = False
    held: int = OTHERS + 1
    available: int = 0
    payment: str = ""
    recorded: bool = False
    stop: bool = False
    intent: str = ""
    card: str = ""
    charges: int = 0
    refunds: int = 0
    review: str = ""
    person: bool = False
    declined: bool = False
    compensated: bool = False

    @property
    def net(self) -> int:
        return self.charges - self.refunds

    def __str__(self) -> str:
        first = State()
        changed = {name: getattr(self, name) for name in self.__slots__ if getattr(self, name) != getattr(first, name)}
        return ", ".join(f"{name}={value}" for name, value in changed.items())


class Action(NamedTuple):
    """Who does what, and how it goes."""

    who: str
    what: str
    how: str = ""

    def __str__(self) -> str:
        return f"{self.who} {self.what}" + (f": {self.how}" if self.how else "")


class Next(NamedTuple):
    """The call was made; the next one follows."""

    state: State
    call: str


class Done(NamedTuple):
    """The task ends well; answer: what a Choice looks at."""

    state: State
    answer: str = ""


class Failed(NamedTuple):
    """The task ends with an error."""

    state: State
    error: str


class Waits(NamedTuple):
    """The task has left its token."""

    state: State


Result = Next | Done | Failed | Waits


def wrong(s: State) -> str | None:
    """The promise that a state breaks, if it breaks one."""
    holds = OTHERS + (s.order == "pending")
    if s.held != holds or s.available != (s.order == "cancelled"):
        return f"I1, I2: the order is {s.order}, {s.held} are held and {s.available} available"
    if not 0 <= s.net <= 1:
        return f"I3, I5: charged {s.charges} times, given back {s.refunds} times"
    if s.order == "paid" and s.net != 1:
        return "I10: an order is paid, but nothing is charged for it"
    if s.charges and not (s.review == "passed" or s.person):
        return "12.8: money was taken that the screen held back and nobody approved"
    if s.order == "cancelled" and s.owed and s.payment == "pending":
        return "a timeout is not a decline: the customer had paid in time"
    if at_rest(s) and not settled(s):
        return f"I10: all is quiet, the order is {s.order}, the provider's intent {s.intent or 'none'}, net {s.net}"
    return None


def at_rest(s: State) -> bool:
    """No function is at work and none is awaited, nor a person. What was said before may still be heard again."""
    return s.at in (ENDED, "PaidAfterAll", "Cancelled") and not s.stray


def settled(s: State) -> bool:
    """The order is at an end, and the stock and both books of the payment agree with it."""
    if s.order == "paid":
        return (s.payment, s.intent, s.net) == ("captured", "captured", 1)
    gone = s.intent in ("", "voided", "refunded") or not s.recorded
    return s.order == "cancelled" and s.net == 0 and gone and s.payment in ("voided", "refunded")


def good_end(s: State) -> bool:
    """Where everything should come to in the end, after a Parked with the help of staff."""
    return settled(s) and at_rest(replace(s, at=ENDED if s.at == "Parked" else s.at))


def listens(s: State, task: str) -> bool:
    """Whether the machine is where this task waits."""
    step = MACHINE.get(s.at)
    return isinstance(step, Step) and step.task == task


def cancelled(s: State) -> State:
    return replace(s, order="cancelled", held=s.held - 1, available=s.available + 1)


def withdrawn(s: State) -> State:
    return replace(s, review="withdrawn") if s.review in ("", "open") else s


def refunded(s: State) -> State:
    return replace(s, intent="refunded", refunds=s.refunds + 1) if s.intent == "captured" else s


def let_go(s: State) -> State:
    """Leave nothing of an authorization for a payment that was given up."""
    if s.intent in ("captured", "refunded"):
        return replace(refunded(s), payment="refunded")
    return replace(s, intent="voided")
