"""A small model of the checkout: one order, its stock, its payment here and at the provider, and everything unlucky.

Every task is told call by call, as its service makes them. After each call its function may die (the machine tries
again, or has run out of attempts), or be given up by the machine while it still runs: a *stray*, whose calls come at
any later moment. Webhooks and events come when they like, again, or (webhooks) never. The customer opens the payment,
pays, is declined or cancels, and staff decide and compensate, whenever they can.

Time is not told: whatever may time out may do so at once.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import NamedTuple

from tests.model.machines import ANY, ENDED, FAILED, TIMEOUT, Choice, End, Step, Table

CANCELLED = "CancelledByCustomer"
UNDO_FINAL = {"otherwise": "ParkForPeople"}
MACHINE: Table = {
    "AwaitPayment": Step(
        task="await_payment",
        then="Capture",
        otherwise="AskProvider",
        final=frozenset({TIMEOUT, CANCELLED, "PaymentDeclined"}),
        caught={CANCELLED: "GiveUpOrder", "PaymentDeclined": "GiveUpOrder"},
        waits=True,
    ),
    "AskProvider": Step("resolve", then="Capture", otherwise="GiveUpOrder", final=frozenset({"NotPaidInTime"})),
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
    "decline ends the intent": "nothing is given back of what comes after the last decline",
}
OTHERS = 1
"""Units that other orders hold of the same SKU all the time: what a second release would take from them."""

GOOD, REFUSED, DOUBTFUL, LISTED = "good", "capture refused", "doubtful", "listed"
CARDS = (GOOD, REFUSED, DOUBTFUL, LISTED)


@dataclass(frozen=True, slots=True)
class State:
    """Everything that is remembered anywhere. Empty texts where there is nothing yet.

    at, doing: the machine's state, and in a task its next call, or `waiting`. stray: a task that nobody waits for, and
    its next call. deaf: the token that is kept is not the one that the machine waits with. why: the failure that
    the machine gives up for. wish: the customer asked for an end of the order; stop: payments have heard of it.
    recorded: our book has the intent. told, declined: webhooks on their way. cancelling, withdrawing, over, decided,
    compensating: events on their way. owed: when the wait ended, the customer had paid. person: somebody approved.
    """

    at: str = ""
    doing: str = ""
    deaf: bool = False
    stray: tuple[str, str] | None = None
    why: str = ""
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
    told: bool = False
    declined: bool = False
    cancelling: bool = False
    withdrawing: bool = False
    over: bool = False
    decided: bool = False
    compensating: bool = False
    owed: bool = False

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
Call = Callable[[State], Result]
UNAVAILABLE = "ProviderUnavailable"


class Model:
    """The checkout with one bug of `BUGS`, or none.

    strays: functions outlive the machine's patience. paced: a task that has begun runs to its end before anything else
    happens, and nothing is heard again, which is what a replay on one thread can do.
    """

    def __init__(self, bug: str = "", *, strays: bool = True, paced: bool = False) -> None:
        assert not bug or bug in BUGS
        self.bug, self.strays, self.paced = bug, strays, paced
        self.machine = dict(MACHINE)
        if bug == "a timeout is a decline":
            self.machine["AwaitPayment"] = replace(self._step("AwaitPayment"), otherwise="GiveUpOrder")
        if bug == "undo before give_up":
            self.machine |= {
                "UndoPayment": replace(self._step("UndoPayment"), then="GiveUpOrder"),
                "WasItPaid": Choice({"paid": "PaidAfterAll"}, otherwise="Cancelled"),
                **{
                    name: replace(self._step(name), otherwise="UndoPayment")
                    for name in ("AskProvider", "Capture", "AskReviewer", "Confirm")
                },
            }
        self.calls: Mapping[str, Mapping[str, Call]] = {
            "await_payment": {"listen": self._listen},
            "resolve": {"look": self._look, "ask": self._ask, "hear": self._hear, "look again": self._look_again},
            "capture": {
                "look": self._may_capture,
                "screen": self._screen,
                "charge": self._charge,
                "record": self._record,
                "charge again": self._charge_again,
            },
            "await_review": {"listen": self._listen_to_reviewer},
            "resolve_review": {"expire": self._expire},
            "confirm": {"sell": self._sell},
            "give_up": {"cancel": self._give_up},
            "undo": {
                "void": self._void,
                "ask": self._ask_what_is_charged,
                "take back": self._take_back,
                "give back": self._give_back,
                "close": self._close,
            },
            "sendMessage": {"send": Done},
        }

    def _step(self, name: str) -> Step:
        step = self.machine[name]
        assert isinstance(step, Step)
        return step

    # -- what can happen

    def happens(self, s: State) -> Iterator[tuple[Action, State]]:
        """Every action that is possible now, and the state after it; what changes nothing is left out."""
        if self.paced and s.doing not in ("", "waiting"):
            found = self._machine(s)
        else:
            found = self._everything(s)
        return ((action, after) for action, after in found if after != s)

    def _everything(self, s: State) -> Iterator[tuple[Action, State]]:
        yield from self._machine(s)
        if s.stray:
            yield from self._stray(s)
        yield from self._customer(s)
        yield from self._staff(s)
        yield from self._webhooks(s)
        yield from self._events(s)

    def _machine(self, s: State) -> Iterator[tuple[Action, State]]:
        if not s.at:
            yield Action("machine", "starts"), replace(s, at=FIRST)
            return
        step = self.machine.get(s.at)
        if not isinstance(step, Step):
            return
        if s.doing == "waiting":
            owed = (s.intent, s.payment, s.order, step.task) == ("authorized", "pending", "pending", "await_payment")
            yield Action(s.at, "times out"), self._go(replace(s, owed=s.owed or owed), step.after(TIMEOUT), TIMEOUT)
            return
        calls = self.calls[step.task]
        call = s.doing or next(iter(calls))
        result = calls[call](s)
        yield Action(s.at, call, _how(result)), self._moved(step, result)
        alive = replace(s, doing="", deaf=False)
        if not s.doing:
            yield Action(s.at, "never begins"), self._go(alive, step.otherwise, ANY)
        died = replace(result.state, doing="", deaf=False)
        yield Action(s.at, call, "then dies"), died
        if not (s.doing == "" and died == alive):
            yield Action(s.at, call, "then dies, for the last time"), self._go(died, step.otherwise, ANY)
        if self.strays and not s.stray and step.task != "sendMessage":
            strayed = replace(alive, stray=(step.task, call))
            yield Action(s.at, call, "is late"), strayed
            yield Action(s.at, call, "is late, for the last time"), self._go(strayed, step.otherwise, ANY)

    def _moved(self, step: Step, result: Result) -> State:
        """The machine after a call of its task."""
        s = result.state
        if isinstance(result, Next):
            return replace(s, doing=result.call)
        if isinstance(result, Waits):
            return replace(s, doing="waiting", deaf=False)
        if isinstance(result, Failed):
            if result.error in step.final:
                return self._go(s, step.after(result.error), result.error)
            return replace(s, doing="", deaf=False)
        choice = self.machine.get(step.then)
        target = choice.by_answer.get(result.answer, choice.otherwise) if isinstance(choice, Choice) else step.then
        return self._go(s, target)

    def _go(self, s: State, target: str, error: str = "") -> State:
        why = error or s.why
        if target == "GiveUpOrder" and s.at == "UndoPayment":
            why = s.why
        return replace(s, at=target, doing="", deaf=False, why=why if target not in (ENDED, "Capture") else "")

    def _stray(self, s: State) -> Iterator[tuple[Action, State]]:
        assert s.stray
        task, call = s.stray
        result = self.calls[task if task != "compensate" else "undo"][call](s)
        yield Action("stray", f"{task} {call}"), self._strayed(task, result, s)
        yield Action("stray", f"{task} dies"), replace(s, stray=None)

    def _strayed(self, task: str, result: Result, before: State) -> State:
        after = result.state
        if isinstance(result, Next):
            return replace(after, stray=(task, result.call))
        deaf = after.deaf or (isinstance(result, Waits) and before.doing == "waiting" and _listens(before, task))
        heard = task == "compensate" and isinstance(result, Done)
        return replace(after, stray=None, deaf=deaf, compensating=after.compensating and not heard)

    def _customer(self, s: State) -> Iterator[tuple[Action, State]]:
        if s.order == "pending" and not s.payment and not s.stop and not s.intent:
            yield Action("customer", "opens the payment", "the answer is lost"), replace(s, intent="pending")
        if s.intent and not s.payment and not s.stop:
            yield Action("customer", "opens the payment"), replace(s, payment="pending", recorded=True)
        if s.intent == "pending" and s.recorded:
            for card in CARDS:
                yield Action("customer", "pays", card), replace(s, intent="authorized", card=card, told=True)
            if s.payment == "pending":
                yield Action("customer", "is declined for good"), replace(s, declined=True)
        if s.order == "pending" and not s.wish:
            yield Action("customer", "cancels"), replace(s, wish=True, cancelling=True, withdrawing=True)

    def _staff(self, s: State) -> Iterator[tuple[Action, State]]:
        if s.review == "open":
            approved = replace(s, review="approved", person=True, decided=True)
            yield Action("staff", "approves"), approved
            yield Action("staff", "rejects"), replace(s, review="rejected", decided=True)
        if s.order == "pending":
            yield Action("staff", "compensates"), replace(_cancelled(s), compensating=True, owed=False)
        elif s.order == "cancelled":
            yield Action("staff", "compensates"), replace(s, compensating=True)

    def _webhooks(self, s: State) -> Iterator[tuple[Action, State]]:
        if s.told:
            yield Action("webhook", "authorized", "is lost"), replace(s, told=False)
            if s.payment:
                yield from self._again("webhook", "authorized", self._heard(s), replace(self._hear_paid(s)), "told")
        if s.declined:
            yield Action("webhook", "declined", "is lost"), replace(s, declined=False)
            failed = replace(s, payment="failed") if s.payment == "pending" else s
            told = self._wake(failed, "await_payment", "PaymentDeclined") if failed.payment == "failed" else failed
            yield from self._again("webhook", "declined", told, failed, "declined")

    def _again(self, who: str, what: str, full: State, half: State, flag: str) -> Iterator[tuple[Action, State]]:
        """A message is worked off, is worked off and comes again, or its worker dies half-way and it comes again."""
        yield Action(who, what), replace(full, **{flag: False})  # type: ignore[arg-type]
        if not self.paced:
            yield Action(who, what, "and comes again"), full
            yield Action(who, what, "half, and comes again"), half

    def _events(self, s: State) -> Iterator[tuple[Action, State]]:
        if s.cancelling:
            half = replace(s, stop=True) if s.payment in ("", "pending", "authorized") else s
            full = self._wake(half, "await_payment", CANCELLED) if half.stop and half.payment != "authorized" else half
            yield from self._again("payments", "hear of the cancellation", full, half, "cancelling")
        if s.withdrawing:
            yield from self._again("fraud", "hears of the cancellation", _withdrawn(s), s, "withdrawing")
        if s.over:
            ended = _withdrawn(s) if s.review == "open" else s
            yield from self._again("fraud", "hears of the end", ended, s, "over")
        if s.decided:
            yield from self._again("fraud", "hears of the decision", self._told_of_review(s), s, "decided")
        if s.compensating and not s.stray:
            yield Action("payments", "hear of the compensation"), replace(s, stray=("compensate", "void"))

    # -- waking the machine

    def _wake(self, s: State, task: str, error: str = "") -> State:
        """What the token does that is kept, if the machine still waits with it."""
        if s.doing != "waiting" or s.deaf or not _listens(s, task):
            return s
        step = self._step(s.at)
        return self._go(s, step.after(error) if error else step.then, error)

    def _heard(self, s: State) -> State:
        after = self._hear_paid(s)
        return self._wake(after, "await_payment") if after.payment == "authorized" else after

    def _hear_paid(self, s: State) -> State:
        """An authorization: recorded, or voided if the payment was given up."""
        if s.payment == "pending":
            return replace(s, payment="authorized")
        if s.payment in ("voided", "failed") and self.bug != "decline ends the intent":
            return _let_go(s)
        return s

    def _told_of_review(self, s: State) -> State:
        error = {"approved": "", "withdrawn": CANCELLED}.get(s.review, "ReviewRejected")
        return self._wake(s, "await_review", error)

    # -- tasks of payments

    def _listen(self, s: State) -> Result:
        if s.payment in ("", "pending") and not s.stop:
            return Waits(s)
        if s.payment in ("authorized", "captured"):
            return Done(s)
        return Failed(s, CANCELLED if s.stop else "PaymentDeclined")

    def _look(self, s: State) -> Result:
        if s.payment == "pending" and s.recorded:
            return Next(s, "ask")
        return self._look_again(s)

    def _ask(self, s: State) -> Result:
        return Next(s, "hear") if s.intent in ("authorized", "captured") else Failed(s, "NotPaidInTime")

    def _hear(self, s: State) -> Result:
        return Next(self._hear_paid(s), "look again")

    def _look_again(self, s: State) -> Result:
        return Done(s) if s.payment in ("authorized", "captured") else Failed(s, "NotPaidInTime")

    def _may_capture(self, s: State) -> Result:
        if s.stop and s.payment == "authorized":
            return Failed(s, CANCELLED)
        if s.payment not in ("authorized", "captured"):
            return Failed(s, "Moved")
        return Next(s, "screen" if s.payment == "authorized" else "charge again")

    def _screen(self, s: State) -> Result:
        if not s.review:
            s = replace(s, review={DOUBTFUL: "open", LISTED: "blocked"}.get(s.card, "passed"))
        if s.review in ("passed", "approved"):
            return Next(s, "charge")
        errors = {"open": "ReviewNeeded", "withdrawn": CANCELLED}
        return Failed(s, errors.get(s.review, "Blocked"))

    def _charged(self, s: State) -> State | None:
        """None where the provider refuses."""
        if s.intent == "captured":
            return replace(s, charges=min(s.charges + 1, 2)) if self.bug == "capture without a key" else s
        if s.intent != "authorized" or s.card == REFUSED:
            return None
        return replace(s, intent="captured", charges=s.charges + 1)

    def _charge(self, s: State) -> Result:
        charged = self._charged(s)
        return Next(charged, "record") if charged else Failed(s, "CaptureRefused")

    def _charge_again(self, s: State) -> Result:
        charged = self._charged(s)
        return Done(charged) if charged else Failed(s, "CaptureRefused")

    def _record(self, s: State) -> Result:
        if s.payment not in ("authorized", "captured"):
            return Failed(s, "Moved")
        return Done(replace(s, payment="captured"))

    def _void(self, s: State) -> Result:
        if s.payment == "refunded":
            return Done(s)
        if s.payment == "captured":
            return Next(s, "give back" if self.bug == "our book is believed" else "ask")
        if not s.recorded:
            return Done(s if self.bug == "no tombstone" else replace(s, payment="voided"))
        return Next(replace(s, payment="voided"), "take back" if self.bug == "our book is believed" else "ask")

    def _ask_what_is_charged(self, s: State) -> Result:
        if s.intent == "voided":
            return Done(s)
        return Next(s, "give back" if s.intent in ("captured", "refunded") else "take back")

    def _take_back(self, s: State) -> Result:
        if s.intent in ("captured", "refunded"):
            return Done(s) if self.bug == "our book is believed" else Failed(s, UNAVAILABLE)
        return Done(replace(s, intent="voided"))

    def _give_back(self, s: State) -> Result:
        return Next(_refunded(s), "close")

    def _close(self, s: State) -> Result:
        return Done(replace(s, payment="refunded") if s.payment in ("captured", "voided", "failed") else s)

    # -- tasks of the fraud screen

    def _listen_to_reviewer(self, s: State) -> Result:
        if s.review == "open":
            return Waits(s)
        if s.review == "approved":
            return Done(s)
        return Failed(s, CANCELLED if s.review == "withdrawn" else "ReviewRejected")

    def _expire(self, s: State) -> Result:
        if s.review == "open":
            s = replace(s, review="approved" if self.bug == "silence approves" else "expired", decided=True)
        if s.review == "approved":
            return Done(s)
        return Failed(s, CANCELLED if s.review == "withdrawn" else "ReviewRejected")

    # -- tasks of orders

    def _sell(self, s: State) -> Result:
        if s.order == "paid":
            return Done(s)
        if self.bug != "confirm not fenced":
            if s.order != "pending":
                return Failed(s, "NotPending")
            if s.wish:
                return Failed(s, CANCELLED)
        return Done(replace(s, order="paid", held=s.held - 1))

    def _give_up(self, s: State) -> Result:
        if s.order == "pending":
            return Done(_cancelled(s), "cancelled")
        if s.order == "cancelled" and self.bug == "a hold released twice" and s.held:
            return Done(replace(s, held=s.held - 1, available=s.available + 1), "cancelled")
        return Done(s, s.order)


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
    if s.order == "cancelled" and s.owed and s.why in (TIMEOUT, "NotPaidInTime") and s.payment == "pending":
        return "a timeout is not a decline: the customer had paid in time"
    if at_rest(s) and not settled(s):
        return f"I10: all is quiet, the order is {s.order}, the provider's intent {s.intent or 'none'}, net {s.net}"
    return None


def at_rest(s: State) -> bool:
    """Nothing is on its way any more, and nothing awaits a person."""
    busy = s.stray or s.told or s.declined or s.cancelling or s.withdrawing or s.over or s.decided or s.compensating
    return s.at in (ENDED, "PaidAfterAll", "Cancelled") and not busy


def settled(s: State) -> bool:
    """The order is at an end, and the stock and both books of the payment agree with it."""
    if s.order == "paid":
        return (s.payment, s.intent, s.net) == ("captured", "captured", 1)
    gone = s.intent in ("", "voided", "refunded") or not s.recorded
    return s.order == "cancelled" and s.net == 0 and gone and s.payment in ("voided", "refunded")


def good_end(s: State) -> bool:
    """Where everything should come to in the end, after a Parked with the help of staff."""
    return settled(s) and at_rest(replace(s, at=ENDED if s.at == "Parked" else s.at))


def _listens(s: State, task: str) -> bool:
    step = MACHINE.get(s.at)
    return isinstance(step, Step) and step.task == task


def _how(result: Result) -> str:
    return result.error if isinstance(result, Failed) else ""


def _cancelled(s: State) -> State:
    return replace(s, order="cancelled", held=s.held - 1, available=s.available + 1, over=True)


def _withdrawn(s: State) -> State:
    if s.review == "open":
        return replace(s, review="withdrawn", decided=True)
    return s if s.review else replace(s, review="withdrawn")


def _refunded(s: State) -> State:
    return replace(s, intent="refunded", refunds=s.refunds + 1) if s.intent == "captured" else s


def _let_go(s: State) -> State:
    """Leave nothing of an authorization for a payment that was given up."""
    if s.intent in ("captured", "refunded"):
        return replace(_refunded(s), payment="refunded")
    return replace(s, intent="voided")
