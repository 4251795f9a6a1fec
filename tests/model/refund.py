"""A small model of a refund beside another one of the same order: money is given back once, or not at all.

The order has one unit of money. The refund that is told of here was reserved for it; a rival wants the same and can be
reserved only when this one has failed. Functions die, come late and are given up as in the model of the checkout.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace

from tests.model.checkout import Action, Done, Failed, Next, Result
from tests.model.machines import ANY, ENDED, FAILED, End, Step, Table

CHARGED = 1
PARKS = "ParkForPeople"
MACHINE: Table = {
    "ExecuteRefund": Step(
        task="refund",
        then="BookRefund",
        otherwise=PARKS,
        final=frozenset({"RefundRefused"}),
        caught={"RefundRefused": "RefuseRefund"},
    ),
    "BookRefund": Step("book", then=ENDED, otherwise=PARKS),
    "RefuseRefund": Step("refuse", then="Refused", otherwise=PARKS),
    "Refused": End(ENDED),
    PARKS: Step("sendMessage", then="Parked", otherwise="Parked"),
    "Parked": End(FAILED),
}
FIRST = "ExecuteRefund"
BUGS = {
    "refund without a key": "a refund that is repeated gives the money back again",
    "silence is a refusal": "a provider that does not answer is taken to have refused",
    "given back twice": "a refused refund returns its reservation whenever it is asked to",
    "booked first": "the refund is booked before the provider has accepted it",
}


@dataclass(frozen=True, slots=True)
class State:
    """at, doing: the machine. stray: a call that nobody awaits. reserved: of the order's money; rival: for another one.

    line: of this refund in the payment's history; set_aside: of the money there. refunds: how often the provider gave
    the money back; accepts: whether it will. booked: how often the ledger has it.
    """

    at: str = ""
    doing: str = ""
    stray: tuple[str, str] | None = None
    status: str = "requested"
    reserved: int = CHARGED
    rival: bool = False
    line: str = ""
    set_aside: int = 0
    refunds: int = 0
    accepts: bool | None = None
    booked: int = 0

    def __str__(self) -> str:
        first = State()
        changed = {name: getattr(self, name) for name in self.__slots__ if getattr(self, name) != getattr(first, name)}
        return ", ".join(f"{name}={value}" for name, value in changed.items())


class Model:
    """A refund with one bug of `BUGS`, or none."""

    def __init__(self, bug: str = "") -> None:
        assert not bug or bug in BUGS
        self.bug = bug
        self.machine: Table = MACHINE
        if bug == "booked first":
            self.machine = MACHINE | {
                "ExecuteRefund": replace(_step(MACHINE["ExecuteRefund"]), then=ENDED),
                "BookRefund": replace(_step(MACHINE["BookRefund"]), then="ExecuteRefund"),
            }
        if bug == "silence is a refusal":
            self.machine = MACHINE | {
                "ExecuteRefund": replace(_step(MACHINE["ExecuteRefund"]), otherwise="RefuseRefund")
            }
        self.calls: Mapping[str, Mapping[str, Callable[[State], Result]]] = {
            "refund": {"begin": self._begin, "ask": self._ask, "end": self._end, "turn down": self._turn_down},
            "book": {"settle": self._settle},
            "refuse": {"give back": self._give_back},
            "sendMessage": {"send": Done},
        }

    def happens(self, s: State) -> Iterator[tuple[Action, State]]:
        return ((action, after) for action, after in self._everything(s) if after != s)

    def _everything(self, s: State) -> Iterator[tuple[Action, State]]:
        yield from self._machine(s)
        if s.stray:
            task, call = s.stray
            result = self.calls[task][call](s)
            after = replace(result.state, stray=(task, result.call) if isinstance(result, Next) else None)
            yield Action("stray", f"{task} {call}"), after
            yield Action("stray", f"{task} dies"), replace(s, stray=None)
        if s.reserved == 0 and not s.rival:
            yield Action("staff", "reserve another refund of the same money"), replace(s, reserved=CHARGED, rival=True)
        if s.at == "Parked":
            yield Action("staff", "start it again"), replace(s, at=FIRST, doing="")

    def _machine(self, s: State) -> Iterator[tuple[Action, State]]:
        if not s.at:
            for accepts in (True, False):
                first = "BookRefund" if self.bug == "booked first" else FIRST
                yield Action("machine", "starts"), replace(s, at=first, accepts=accepts)
        step = self.machine.get(s.at)
        if not isinstance(step, Step):
            return
        calls = self.calls[step.task]
        call = s.doing or next(iter(calls))
        result = calls[call](s)
        yield Action(s.at, call, result.error if isinstance(result, Failed) else ""), self._moved(step, result)
        died = replace(result.state, doing="")
        yield Action(s.at, call, "then dies"), died
        yield Action(s.at, call, "then dies, for the last time"), replace(died, at=step.after(ANY))
        yield Action(s.at, call, "never ends, for the last time"), replace(s, doing="", at=step.after(ANY))
        if not s.stray and step.task != "sendMessage":
            strayed = replace(s, doing="", stray=(step.task, call))
            yield Action(s.at, call, "is late"), strayed
            yield Action(s.at, call, "is late, for the last time"), replace(strayed, at=step.after(ANY))

    def _moved(self, step: Step, result: Result) -> State:
        s = replace(result.state, doing="")
        if isinstance(result, Next):
            return replace(s, doing=result.call)
        if isinstance(result, Failed):
            return replace(s, at=step.after(result.error)) if result.error in step.final else s
        return replace(s, at=step.then)

    # -- payments

    def _begin(self, s: State) -> Result:
        if s.line == "refused":
            return Failed(s, "RefundRefused")
        if s.line == "succeeded":
            return Done(s)
        if s.line == "":
            if s.set_aside >= CHARGED:
                return Failed(s, "RefundRefused")
            s = replace(s, line="pending", set_aside=s.set_aside + 1)
        return Next(s, "ask")

    def _ask(self, s: State) -> Result:
        if not s.accepts:
            return Next(s, "turn down")
        if s.refunds and self.bug != "refund without a key":
            return Next(s, "end")
        return Next(replace(s, refunds=min(s.refunds + 1, 2)), "end")

    def _end(self, s: State) -> Result:
        return Done(replace(s, line="succeeded") if s.line == "pending" else s)

    def _turn_down(self, s: State) -> Result:
        if s.line == "pending":
            s = replace(s, line="refused", set_aside=s.set_aside - 1)
        return Failed(s, "RefundRefused")

    # -- refunds

    def _settle(self, s: State) -> Result:
        if s.status == "requested":
            return Done(replace(s, status="succeeded", booked=s.booked + 1))
        return Done(s) if s.status == "succeeded" else Failed(s, "Settled")

    def _give_back(self, s: State) -> Result:
        if s.status == "requested":
            return Done(replace(s, status="failed", reserved=s.reserved - 1))
        if s.status == "failed":
            return Done(replace(s, reserved=s.reserved - 1) if self.bug == "given back twice" and s.reserved else s)
        return Failed(s, "Settled")


def wrong(s: State) -> str | None:
    """The promise that a state breaks, if it breaks one."""
    if s.refunds > CHARGED:
        return f"I5: given back {s.refunds} times"
    mine = 0 if s.status == "failed" else 1
    if s.reserved != mine + s.rival:
        return f"I5: {s.reserved} is reserved for this refund ({s.status}){' and a rival' if s.rival else ''}"
    if s.refunds + s.rival > CHARGED:
        return "I5: the money is given back, and may be given back once more"
    if s.booked and not s.refunds:
        return "I7: booked, but nothing was given back"
    if settled(s) and not s.stray and (s.status == "succeeded") != bool(s.refunds):
        return f"I7: the refund {s.status}, the provider gave back {s.refunds}"
    return None


def settled(s: State) -> bool:
    return s.at in (ENDED, "Refused")


def good_end(s: State) -> bool:
    """Succeeded, booked and given back; or failed, its money free for another."""
    done = (s.status, s.booked, s.refunds, s.line) == ("succeeded", 1, 1, "succeeded")
    return settled(s) and not s.stray and (done or (s.status, s.booked, s.refunds) == ("failed", 0, 0))


def _step(step: object) -> Step:
    assert isinstance(step, Step)
    return step
