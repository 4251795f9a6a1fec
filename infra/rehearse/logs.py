"""What the functions logged, gathered after the command so that a failure can be understood."""

from pathlib import Path
from typing import Any

import boto3


def save_logs(session: boto3.session.Session, endpoint: str, path: Path) -> list[str]:
    """Write all log events to `path`, oldest first; gives the lines that tell of an error."""
    client = session.client("logs", endpoint_url=endpoint)
    events: list[tuple[int, str]] = []
    for page in client.get_paginator("describe_log_groups").paginate():
        for group in page["logGroups"]:
            events += _events(client, group["logGroupName"])
    lines = [line for _, line in sorted(events)]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return [line for line in lines if '"ERROR"' in line or "Traceback" in line or "[ERROR]" in line]


def _events(client: Any, group: str) -> list[tuple[int, str]]:
    pages = client.get_paginator("filter_log_events").paginate(logGroupName=group)
    return [
        (event["timestamp"], f"{group.rpartition('/')[2]}: {event['message'].rstrip()}")
        for page in pages
        for event in page["events"]
    ]
