"""The mailbox: every mail that the marketplace sent, kept for people and demonstrations to read."""

import html
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

import orjson

from local.storage import Storage

__all__ = ["Mail", "Mailbox"]

_SCHEMA = """
CREATE TABLE IF NOT EXISTS mails (
    id INTEGER PRIMARY KEY AUTOINCREMENT, at TEXT NOT NULL, sender TEXT NOT NULL, recipient TEXT NOT NULL,
    subject TEXT NOT NULL, text TEXT NOT NULL, html TEXT NOT NULL, template TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS mails_recipient ON mails (recipient, id);
"""
_SHOWN = 200


@dataclass(frozen=True, slots=True)
class Mail:
    """One mail to one recipient; `template` is the name of its SES template, or who else wrote it."""

    id: int
    at: str
    sender: str
    recipient: str
    subject: str
    text: str
    html: str
    template: str


class Mailbox:
    """Mails, newest first."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage
        storage.declare(_SCHEMA)

    def deliver(
        self, recipients: Iterable[str], *, sender: str, subject: str, text: str, html: str = "", template: str = ""
    ) -> str:
        """Keep one copy a recipient, committed on return; the id of the last is returned."""
        at = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        last = 0
        with self._storage.transaction() as db:
            for recipient in recipients:
                row = (at, sender, recipient.strip().lower(), subject, text, html, template)
                written = db.execute(
                    "INSERT INTO mails (at, sender, recipient, subject, text, html, template) VALUES (?,?,?,?,?,?,?)",
                    row,
                )
                last = written.lastrowid or 0
        return f"local-{last}"

    def mails(self, to: str = "", *, limit: int = _SHOWN) -> list[Mail]:
        if to:
            sql = "SELECT * FROM mails WHERE recipient = ? ORDER BY id DESC LIMIT ?"
            rows = self._storage.rows(sql, (to.strip().lower(), limit))
        else:
            rows = self._storage.rows("SELECT * FROM mails ORDER BY id DESC LIMIT ?", (limit,))
        return [Mail(**dict(row)) for row in rows]

    def mail(self, number: int) -> Mail | None:
        row = self._storage.one("SELECT * FROM mails WHERE id = ?", (number,))
        return Mail(**dict(row)) if row else None

    def as_json(self, to: str) -> bytes:
        return orjson.dumps([asdict(mail) for mail in self.mails(to)])


def page(mailbox: Mailbox, to: str, number: int | None) -> str:
    """The readable page: the list, or one mail. Its HTML is shown in a frame that may run and load nothing."""
    chosen = mailbox.mail(number) if number is not None else None
    return _PAGE.replace("{body}", _letter(chosen) if chosen else _list(mailbox.mails(to), to))


def _list(mails: list[Mail], to: str) -> str:
    rows = "".join(
        f"<tr><td>{_text(mail.at[:19].replace('T', ' '))}</td><td>{_text(mail.recipient)}</td>"
        f'<td><a href="/mailbox?id={mail.id}">{_text(mail.subject)}</a></td></tr>'
        for mail in mails
    )
    empty = "" if mails else "<p>No mail yet.</p>"
    return (
        f'<form><label>To <input name="to" type="search" value="{_text(to)}" placeholder="anyone"></label> '
        f"<button>Show</button></form><table><tr><th>Sent (UTC)</th><th>To</th><th>Subject</th></tr>"
        f"{rows}</table>{empty}"
    )


def _letter(mail: Mail) -> str:
    body = (
        f'<iframe sandbox="" referrerpolicy="no-referrer" title="Mail" srcdoc="{_text(mail.html)}"></iframe>'
        if mail.html
        else ""
    )
    return (
        f'<p><a href="/mailbox">All mails</a></p><h2>{_text(mail.subject)}</h2><p>From {_text(mail.sender)} to '
        f'<a href="/mailbox?to={_text(mail.recipient)}">{_text(mail.recipient)}</a>, {_text(mail.at)}</p>'
        f"{body}<pre>{_text(mail.text)}</pre>"
    )


def _text(value: Any) -> str:
    return html.escape(str(value), quote=True)


_PAGE = """<!doctype html><html lang="en"><meta charset="utf-8"><title>Mailbox</title>
<meta name="viewport" content="width=device-width"><style>
body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#222}
table{border-collapse:collapse;width:100%}
td,th{text-align:left;padding:.4rem .8rem .4rem 0;border-bottom:1px solid #ddd}
iframe{width:100%;height:28rem;border:1px solid #ddd}pre{white-space:pre-wrap;background:#f6f6f6;padding:1rem}
input{font:inherit;padding:.2rem .4rem}button{font:inherit}</style>
<h1><a href="/mailbox">Mailbox</a></h1>{body}</html>"""
