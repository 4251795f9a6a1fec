"""Media: what its functions may do with which folder of the media bucket, and the queue that hears of arrivals."""

from aws_cdk import Stack
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_iam as iam
from constructs import Construct

from infra.config import Stage
from infra.constructs.queues import Queue

ARRIVALS = {"media-arrivals": "uploads/media/"}
"""Queues that hear when an object is complete in the media bucket, and the beginning of the keys that they hear of."""

AT_ONCE = 10
"""So many objects are worked on at once, each by an invocation of its own: a picture may need seconds and memory."""

UPLOADED, KEPT = "uploads/media/*", ("evidence/*", "media/med_*", "originals/*")
PICTURES = "media/pic_*"
"""What the catalog stores by a hash of its content, and the sweep of media deletes."""
MULTIPART = ("s3:AbortMultipartUpload", "s3:ListMultipartUploadParts")
_GRANTED: dict[str, dict[str, tuple[tuple[str, ...], tuple[str, ...]]]] = {
    "media-uploads": {
        "Uploads": (("s3:DeleteObject", "s3:GetObject", "s3:PutObject", *MULTIPART), (UPLOADED,)),
        "Shown": (("s3:GetObject",), ("evidence/*",)),
        "Forgotten": (("s3:DeleteObject",), KEPT),
    },
    "media-files": {
        "MediaFiles": (("s3:DeleteObject", "s3:GetObject", "s3:PutObject", MULTIPART[0]), (UPLOADED, *KEPT)),
    },
    "media-pictures": {"Pictures": (("s3:DeleteObject",), (PICTURES,))},
}
"""By capability and the id of a statement: what may be done, in which folders.

Who takes requests signs addresses for parts of uploads and for evidence, and never reads or writes what the shop shows.
"""


def media_bucket(stack: Stack, stage: Stage) -> str:
    return f"{stage.prefix}-media-{stack.account}-{stack.region}"


def media_statements(stack: Stack, stage: Stage, word: str) -> list[iam.PolicyStatement]:
    """The statements behind one of media's capabilities, none for other words.

    Who reads may list: so a missing file is told from a forbidden one.
    """
    if word not in _GRANTED:
        return []
    arn = f"arn:{stack.partition}:s3:::{media_bucket(stack, stage)}"
    granted = [
        iam.PolicyStatement(sid=sid, actions=list(actions), resources=[f"{arn}/{folder}" for folder in folders])
        for sid, (actions, folders) in _GRANTED[word].items()
    ]
    if not any("s3:GetObject" in actions for actions, _ in _GRANTED[word].values()):
        return granted
    return [*granted, iam.PolicyStatement(sid="Listed", actions=["s3:ListBucket"], resources=[arn])]


def media_folders(word: str) -> tuple[str, ...]:
    """Every folder that the capability reaches."""
    return tuple(sorted({folder for _, folders in _GRANTED.get(word, {}).values() for folder in folders}))


def hear_of_arrivals(scope: Construct, queue: Queue, name: str, *, stage: Stage) -> None:
    """Let the queue get S3's own events, which come by the account's default bus and cost nothing."""
    bucket = media_bucket(Stack.of(scope), stage)
    events.Rule(
        scope,
        "HearsArrivals",
        rule_name=stage.queue(name),
        event_pattern=events.EventPattern(
            source=["aws.s3"],
            detail_type=["Object Created"],
            detail={"bucket": {"name": [bucket]}, "object": {"key": [{"prefix": ARRIVALS[name]}]}},
        ),
        targets=[targets.SqsQueue(queue.main, dead_letter_queue=queue.dead)],
    )
