"""Where the demo finds the mail that the marketplace sent: the local mailbox, or the emulator's during a rehearsal."""

import os
import re
import urllib.request
from dataclasses import dataclass
from json import loads

from demo.client import Client


@dataclass(frozen=True)
class Mail:
    to: str
    subject: str
    text: str


class Mailbox:
    """Reads mail by its recipient, the newest first."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._emulator = os.environ.get("MINISTACK_URL", "")

    def of(self, recipient: str) -> list[Mail]:
        return self._emulated(recipient) if self._emulator else self._local(recipient)

    def code(self, recipient: str) -> str:
        """The verification code in the newest mail, or nothing yet."""
        for mail in self.of(recipient):
            if found := re.search(r"\b(\d{6})\b", mail.text):
                return found[1]
        return ""

    def _local(self, recipient: str) -> list[Mail]:
        answer = self._client.call("GET", f"/mailbox.json?to={recipient}")
        return [Mail(recipient, mail["subject"], mail["text"]) for mail in answer.json]

    def _emulated(self, recipient: str) -> list[Mail]:
        with urllib.request.urlopen(f"{self._emulator}/_ministack/ses/messages", timeout=10) as response:  # noqa: S310 - an address of our own launcher
            accounts = loads(response.read())["messages"]
        mails = [mail for messages in accounts.values() for mail in messages if recipient in str(mail.get("To", ""))]
        return [Mail(recipient, str(mail.get("Subject", "")), str(mail)) for mail in reversed(mails)]
