"""A small model of the checkout: one order, its stock, its payment here and at the provider, and everything unlucky.

Every task is told call by call, as its service makes them. After each call its function may die (the machine tries
again, or has run out of attempts), or be given up by the machine while it still runs: a *stray*, whose calls come at
any later moment. What was said once, by webhook or event, may be heard at any later moment, any number of times, or
never. The customer opens the payment, pays, is declined or cancels, and staff decide and compensate, whenever they can.

Time is not told: whatever may time out may do so at once, and a customer who has not paid is still paying, or not.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace

from tests.model.machines import ANY, TIMEOUT, Choice, Step
from tests.model.order import BUGS as BUGS
from tests.model.order import CANCELLED as CANCELLED
from tests.model.order import CARDS as CARDS
from tests.model.order import DOUBTFUL as DOUBTFUL
from tests.model.order import FIRST as FIRST
from tests.model.order import GOOD as GOOD
from tests.model.order import LISTED as LISTED
from tests.model.order import MACHINE as MACHINE
from tests.model.order import REFUSED as REFUSED
from tests.model.order import UNTAKEN as UNTAKEN
from tests.model.order import Action as Action
from tests.model.order import Done as Done
from tests.model.order import Failed as Failed
from tests.model.order import Next as Next
from tests.model.order import Result as Result
from tests.model.order import State as State
from tests.model.order import Waits as Waits
from tests.model.order import cancelled as cancelled
from tests.model.order import good_end as good_end
from tests.model.order import let_go as let_go
from tests.model.order import listens as listens
from tests.model.order import refunded as refunded
from tests.model.order import withdrawn as withdrawn
from tests.model.order import wrong as wrong

Call = Callable[[State], Result]
UNAVAILABLE = "ProviderUnavailable"
GIVING_UP = ("AskProvider", "HoldLonger", "Capture", "AskReviewer", "Confirm")
OF_OTHERS = {"compensate": "undo", "take": "capture"}
"""What is done outside of the machine, with the calls of a task."""


class Model:
    """The checkout with one bug of `BUGS`, or none.

    strays: functions outlive the machine's patience. paced: a task that has begun runs to its end before anything else
    happens, which is what a replay on one thread can do.
    """

    def __init__(
        self, bug: str = "", *, strays: bool = True, paced: bool = False, cards: tuple[str, ...] = CARDS
    ) -> None:
        assert not bug or bug in BUGS
        self.bug, self.strays, self.paced, self.cards = bug, strays, paced, cards
        self.machine = dict(MACHINE)
        if bug == "a timeout is a decline":
            self.machine["AwaitPayment"] = replace(self._step("AwaitPayment"), otherwise="GiveUpOrder")
        if bug == "undo before give_up":
            self.machine |= {
                "UndoPayment": replace(self._step("UndoPayment"), then="GiveUpOrder"),
                "WasItPaid": Choice({"paid": "PaidAfterAll"}, otherwise="Cancelled"),
                **{name: replace(self._step(name), otherwise="UndoPayment") for name in GIVING_UP},
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
            "hold_longer": {"extend": self._extend},
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
        if self.paced and s.stray:
            found = iter(list(self._stray(s))[:1])
        elif self.paced and s.doing not in ("", "waiting"):
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
            yield Action(s.at, "times out"), self._go(replace(s, owed=owed), step.after(TIMEOUT), TIMEOUT)
            return
        calls = self.calls[step.task]
        call = s.doing or next(iter(calls))
        result = calls[call](s)
        yield Action(s.at, call, _how(result)), self._moved(step, result)
        if _how(result) == "NotPaidInTime" and s.payment == "pending" and not self.paced:
            yield Action(s.at, call, "StillPaying"), self._moved(step, Failed(s, "StillPaying"))
        if self.paced and step.task == "sendMessage":
            return
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
        owed = s.owed and target != "Capture" and error in ("", TIMEOUT, "NotPaidInTime")
        return replace(s, at=target, doing="", deaf=False, owed=owed)

    def _stray(self, s: State) -> Iterator[tuple[Action, State]]:
        assert s.stray
        task, call = s.stray
        result = self.calls[OF_OTHERS.get(task, task)][call](s)
        yield Action("stray", f"{task} {call}"), self._strayed(task, result, s)
        yield Action("stray", f"{task} dies"), replace(s, stray=None)

    def _strayed(self, task: str, result: Result, before: State) -> State:
        after = result.state
        if isinstance(result, Next):
            return replace(after, stray=(task, result.call))
        if task == "take":
            return self._woken(replace(after, stray=None))
        deaf = after.deaf or (isinstance(result, Waits) and before.doing == "waiting" and listens(before, task))
        return replace(after, stray=None, deaf=deaf)

    def _customer(self, s: State) -> Iterator[tuple[Action, State]]:
        if s.order == "pending" and not s.payment and not s.stop and not s.intent:
            yield Action("customer", "opens the payment", "the answer is lost"), replace(s, intent="pending")
        if s.intent and not s.payment and not s.stop and (s.order == "pending" or not self.paced):
            yield Action("customer", "opens the payment"), replace(s, payment="pending", recorded=True)
        if s.intent == "pending" and s.recorded:
            for card in self.cards:
                yield Action("customer", "pays", card), replace(s, intent="authorized", card=card)
            if s.payment == "pending":
                yield Action("customer", "is declined for good"), replace(s, declined=True)
        if s.order == "pending" and not s.wish:
            yield Action("customer", "cancels"), replace(s, wish=True)

    def _staff(self, s: State) -> Iterator[tuple[Action, State]]:
        if s.review == "open":
            yield Action("staff", "approves"), replace(s, review="approved", person=True)
            yield Action("staff", "rejects"), replace(s, review="rejected")
        if s.order == "pending" and (s.at or not self.paced):
            yield Action("staff", "compensates"), replace(cancelled(s), compensated=True, owed=False)
        elif s.order == "cancelled" and s.at == "Parked":
            yield Action("staff", "compensates"), replace(s, compensated=True)

    def _webhooks(self, s: State) -> Iterator[tuple[Action, State]]:
        if s.card and s.payment:
            heard = self._hear_paid(s)
            yield Action("webhook", "authorized"), self._heard(heard)
            if not self.paced:
                yield Action("webhook", "authorized", "half"), heard
            if self.strays and not s.stray and s.token and heard.payment == "authorized":
                yield Action("webhook", "authorized", "and is slow"), replace(heard, stray=("take", "look"))
        if s.declined:
            failed = replace(s, payment="failed") if s.payment == "pending" else s
            if not self.paced:
                yield Action("webhook", "declined", "half"), failed
            if failed.payment == "failed":
                yield Action("webhook", "declined"), self._wake(failed, "await_payment", "PaymentDeclined")

    def _events(self, s: State) -> Iterator[tuple[Action, State]]:
        if s.wish and s.payment in ("", "pending", "authorized"):
            stopped = replace(s, stop=True)
            full = stopped if s.payment == "authorized" else self._wake(stopped, "await_payment", CANCELLED)
            yield Action("payments", "hear of the cancellation"), full
            if not self.paced:
                yield Action("payments", "hear of the cancellation", "half"), stopped
        if s.wish:
            yield Action("fraud", "hears of the cancellation"), withdrawn(s)
        if s.order == "cancelled" and s.review == "open":
            yield Action("fraud", "hears of the end"), withdrawn(s)
        if s.review in ("approved", "rejected", "expired", "withdrawn"):
            yield Action("fraud", "hears of the decision"), self._told_of_review(s)
        if s.compensated and not s.stray:
            yield Action("payments", "hear of the compensation"), replace(s, stray=("compensate", "void"))

    # -- waking the machine

    def _wake(self, s: State, task: str, error: str = "") -> State:
        """What the token does that is kept, if the machine still waits with it."""
        if s.doing != "waiting" or s.deaf or not listens(s, task):
            return s
        step = self._step(s.at)
        return self._go(s, step.after(error) if error else step.then, error)

    def _heard(self, s: State) -> State:
        """After an authorization the money is taken at once if somebody has waited for it and nothing is against it."""
        result = self._may_capture(s) if s.token and s.payment == "authorized" else Done(s)
        while isinstance(result, Next):
            result = self.calls["capture"][result.call](result.state)
        return self._woken(result.state)

    def _woken(self, s: State) -> State:
        if s.payment not in ("authorized", "captured"):
            return s
        return self._wake(s, "await_payment", "" if s.payment == "captured" else UNTAKEN)

    def _hear_paid(self, s: State) -> State:
        """An authorization: recorded, or voided if the payment was given up."""
        if s.payment == "pending":
            return replace(s, payment="authorized")
        if s.payment in ("voided", "failed"):
            return let_go(s)
        return s

    def _told_of_review(self, s: State) -> State:
        error = {"approved": "", "withdrawn": CANCELLED}.get(s.review, "ReviewRejected")
        return self._wake(s, "await_review", error)

    # -- tasks of payments

    def _listen(self, s: State) -> Result:
        if s.payment in ("", "pending") and not s.stop:
            return Waits(replace(s, token=True))
        if s.payment == "captured":
            return Done(s)
        if s.payment == "authorized":
            return Failed(s, UNTAKEN)
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
        if s.payment == "authorized" and s.order != "pending":
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
        return Next(refunded(s), "close")

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
            s = replace(s, review="approved" if self.bug == "silence approves" else "expired")
        if s.review == "approved":
            return Done(s)
        return Failed(s, CANCELLED if s.review == "withdrawn" else "ReviewRejected")

    # -- tasks of orders

    def _extend(self, s: State) -> Result:
        return Done(s) if s.order == "pending" else Failed(s, "NotPending")

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
            return Done(cancelled(s), "cancelled")
        if s.order == "cancelled" and self.bug == "a hold released twice" and s.held:
            return Done(replace(s, held=s.held - 1, available=s.available + 1), "cancelled")
        return Done(s, s.order)


def _how(result: Result) -> str:
    return result.error if isinstance(result, Failed) else ""
