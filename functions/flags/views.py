"""How the flags service's answers and requests look."""

from typing import Annotated, Literal

from pydantic import Field, StrictBool, StrictInt, StrictStr, StringConstraints

from declared.flags import Value
from flags.model import Rule, State
from market import clock
from market.http import Body, View

Id = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{1,64}$")]
Role = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_-]{0,39}$")]
Country = Annotated[str, StringConstraints(pattern=r"^[A-Z]{2}$")]
Word = Annotated[StrictStr, StringConstraints(max_length=40)]
Whole = Annotated[StrictInt, Field(ge=-(10**9), le=10**9)]
GivenValue = StrictBool | Whole | Word | Annotated[list[Word], Field(max_length=20)]
_MANY = Field(min_length=1, max_length=100)


class When(Body):
    """For whom a rule is: one of those named, for every subject that names some."""

    user: Annotated[list[Id], _MANY] | None = None
    role: Annotated[list[Role], _MANY] | None = None
    vendor: Annotated[list[Id], _MANY] | None = None
    country: Annotated[list[Country], _MANY] | None = None
    product: Annotated[list[Id], _MANY] | None = None


class RuleBody(Body):
    """percentage: of all users, always the same ones; a larger percentage adds to them."""

    when: When = When()
    percentage: Annotated[int, Field(strict=True, ge=0, le=100)] | None = None
    value: GivenValue

    def rule(self) -> Rule:
        named = self.when.model_dump(exclude_none=True)
        return Rule(
            when={subject: tuple(sorted(set(ids))) for subject, ids in named.items()},
            percentage=self.percentage,
            value=self.value,
        )


class FlagBody(Body):
    """A flag that is not enabled is off for everybody. value: where no rule fits; left out, it is as declared."""

    enabled: StrictBool
    value: GivenValue | None = None
    rules: Annotated[list[RuleBody], Field(max_length=20)] = []


class WhenView(View):
    user: list[str] | None = None
    role: list[str] | None = None
    vendor: list[str] | None = None
    country: list[str] | None = None
    product: list[str] | None = None


class RuleView(View):
    when: WhenView
    percentage: int | None = None
    value: Value

    @classmethod
    def of(cls, rule: Rule) -> "RuleView":
        named = {subject: list(ids) for subject, ids in rule.when.items()}
        return cls(when=WhenView.model_validate(named), percentage=rule.percentage, value=rule.value)


class ChangeView(View):
    """How a flag was set, and by whom; version 0 is as it was declared."""

    enabled: bool
    value: Value
    rules: list[RuleView]
    version: int
    updated_by: str | None = None
    updated_at: str | None = None

    @classmethod
    def of(cls, state: State) -> "ChangeView":
        return cls(
            enabled=state.enabled,
            value=state.value,
            rules=[RuleView.of(rule) for rule in state.rules],
            version=state.version,
            updated_by=state.updated_by or None,
            updated_at=state.updated_at or None,
        )


class FlagView(ChangeView):
    """A flag as it stands, and how it was declared. ends: the day by which it is to be gone; overdue: it has passed."""

    name: str
    owner: str
    about: str
    kind: Literal["boolean", "number", "choice", "choices"]
    declared: Value
    public: bool
    choices: list[str] | None = None
    least: int | None = None
    most: int | None = None
    ends: str | None = None
    overdue: bool

    @classmethod
    def of(cls, state: State) -> "FlagView":
        flag, set_to = state.flag, ChangeView.of(state)
        return cls(
            **{name: getattr(set_to, name) for name in ChangeView.model_fields},
            name=flag.name,
            owner=flag.owner,
            about=flag.about,
            kind=flag.kind,
            declared=flag.value,
            public=flag.public,
            choices=list(flag.choices) or None,
            least=flag.least if flag.kind == "number" else None,
            most=flag.most if flag.kind == "number" else None,
            ends=flag.ends or None,
            overdue=bool(flag.ends) and clock.now().date().isoformat() > flag.ends,
        )


class FlagList(View):
    items: list[FlagView]


class History(View):
    items: list[ChangeView]
    next_cursor: str | None = None


class Flags(View):
    """Each public flag by name, as it is for whoever asks."""

    flags: dict[str, Value]
