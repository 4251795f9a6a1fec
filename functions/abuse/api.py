"""Routes of the abuse service, for staff: who is turned away, and which accounts stand out."""

from typing import Annotated, Literal

from pydantic import AwareDatetime, StringConstraints

from abuse import service, store
from abuse.manifest import MANIFEST
from abuse.model import (
    LEVELS,
    POINT,
    SIGNALS,
    AlreadyBlocked,
    Block,
    Level,
    ListBusy,
    ListFull,
    NoSuchBlock,
    OwnAddress,
    Score,
)
from market import clock
from market.http import STAFF, Body, Cursor, Limit, OneLine, Response, ServiceApi, View
from market.table import BadCursor, Item

api = ServiceApi(MANIFEST)
handler = api.handler

Noted = Literal["watch", "limited"]
UserId = Annotated[str, StringConstraints(max_length=64, pattern=r"^[\w-]+$")]


class Wanted(Body):
    """`network` is an address, or a network such as 203.0.113.0/24. Without `endsAt` the block lasts."""

    network: Annotated[OneLine, StringConstraints(min_length=2, max_length=64)]
    reason: Annotated[OneLine, StringConstraints(min_length=3, max_length=120)]
    ends_at: AwareDatetime | None = None


class BlockView(View):
    id: str
    network: str
    reason: str
    added_by: str
    added_at: str
    ends_at: str | None = None

    @classmethod
    def of(cls, block: Block) -> "BlockView":
        ends = clock.iso_of(block.until) if block.until else None
        return cls(
            id=block.id,
            network=block.network,
            reason=block.reason,
            added_by=block.added_by,
            added_at=block.added_at,
            ends_at=ends,
        )


class BlockList(View):
    """All blocks: there are 500 at most."""

    items: list[BlockView]


class ScoreView(View):
    """points fade by half in a week. signals: how often each was heard in all; thresholds: from how many points on."""

    user_id: str
    level: Level
    points: int
    signals: dict[str, int]
    weights: dict[str, int]
    thresholds: dict[str, int]

    @classmethod
    def of(cls, score: Score) -> "ScoreView":
        return cls(
            user_id=score.user_id,
            level=score.level,
            points=score.hundredths // POINT,
            signals=dict(score.counts),
            weights=dict(SIGNALS),
            thresholds=dict(LEVELS),
        )


class Account(View):
    """An account as it was when something was last heard of it."""

    user_id: str
    points: int
    heard_at: str

    @classmethod
    def of(cls, item: Item) -> "Account":
        card = item["card"]
        return cls(
            user_id=card["user_id"],
            points=card["points"],
            heard_at=clock.iso_of(card["at"]),
        )


class AccountList(View):
    items: list[Account]
    next_cursor: str | None = None


@api.get("/v1/admin/abuse/blocks", callers=[STAFF], needs="abuse.read")
def blocks() -> BlockList:
    """Networks that are turned away, the latest first."""
    return BlockList(items=[BlockView.of(block) for block in service.blocks()])


@api.post(
    "/v1/admin/abuse/blocks",
    callers=[STAFF],
    needs="abuse.manage",
    status=201,
    problems=[AlreadyBlocked, OwnAddress, ListFull, ListBusy],
)
def block(body: Wanted) -> BlockView:
    """Turn an address or a network away, everywhere within a minute."""
    until = int(body.ends_at.timestamp()) if body.ends_at else None
    made = service.block(body.network, reason=body.reason, until=until, by=api.caller.id, own_address=api.address)
    return BlockView.of(made)


@api.delete(
    "/v1/admin/abuse/blocks/<block_id>",
    callers=[STAFF],
    needs="abuse.manage",
    status=204,
    problems=[NoSuchBlock, ListBusy],
)
def unblock(block_id: str) -> Response[None]:
    """Let a network in again."""
    service.unblock(block_id)
    return Response(status_code=204)


@api.get("/v1/admin/abuse/scores", callers=[STAFF], needs="abuse.read", problems=[BadCursor])
def accounts(level: Noted = "limited", limit: Limit = 20, cursor: Cursor = None) -> AccountList:
    """Accounts that stand out, the latest first."""
    page = store.at_level(level, limit=limit, cursor=cursor)
    return AccountList(items=[Account.of(item) for item in page.items], next_cursor=page.next)


@api.get("/v1/admin/abuse/scores/<user_id>", callers=[STAFF], needs="abuse.read")
def score(user_id: UserId) -> ScoreView:
    """An account's score as it is now; a clean one where nothing was heard of it."""
    return ScoreView.of(service.score_of(user_id))


@api.delete(
    "/v1/admin/abuse/scores/<user_id>", callers=[STAFF], needs="abuse.manage", status=204, problems=[store.Stale]
)
def forgive(user_id: UserId) -> Response[None]:
    """Forget what speaks against an account."""
    service.forgive(user_id)
    return Response(status_code=204)
