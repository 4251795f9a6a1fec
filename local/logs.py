"""Logs of the marketplace on one machine: the functions' JSON lines, readable for a person, on standard error.

The kernel writes to standard output, which here is kept for the one line that says ready. A thread of its own
renders and writes, so a request never waits for a terminal; when it cannot keep up, lines are dropped and
counted.
"""

import atexit
import io
import logging
import queue
import sys
import threading
from typing import Any, TextIO

import orjson

__all__ = ["LogLines", "readable"]

_WAITING = 10_000
_COLOURS = {"DEBUG": "2", "INFO": "32", "WARNING": "33", "ERROR": "31;1"}
_FRAME = ("at", "level", "event", "requestId", "correlationId")


class LogLines(io.TextIOBase):
    """Stands in for sys.stdout: what is written there is logged."""

    def __init__(self, out: TextIO, *, raw: bool) -> None:
        self._out, self._raw, self._coloured = out, raw, out.isatty() and not raw
        self._lines: queue.Queue[str | None] = queue.Queue(_WAITING)
        self._dropped = 0
        self._partial = threading.local()
        self._thread = threading.Thread(target=self._drain, name="logs", daemon=True)
        self._thread.start()
        atexit.register(self.close)

    def writable(self) -> bool:
        return True

    def write(self, text: str) -> int:
        waiting = getattr(self._partial, "text", "") + text
        *lines, self._partial.text = waiting.split("\n")
        for line in lines:
            try:
                self._lines.put_nowait(line)
            except queue.Full:
                self._dropped += 1
        return len(text)

    def flush(self) -> None:
        """The thread flushes after each batch."""

    def close(self) -> None:
        """Write what waits. Called again, it does nothing."""
        if self._thread.is_alive() and not self.closed:
            self._lines.put(None)
            self._thread.join(2)
        super().close()

    def _drain(self) -> None:
        while True:
            batch = [self._lines.get()]
            while len(batch) < 500:
                try:
                    batch.append(self._lines.get_nowait())
                except queue.Empty:
                    break
            text = "".join(self._shown(line) + "\n" for line in batch if line)
            if self._dropped:
                text, self._dropped = f"{text}... {self._dropped} log lines dropped\n", 0
            self._out.write(text)
            self._out.flush()
            if None in batch:
                return

    def _shown(self, line: str) -> str:
        return line if self._raw else readable(line, coloured=self._coloured)


def readable(line: str, *, coloured: bool) -> str:
    """Time, level, event and fields of a JSON log line; any other line as it is."""
    try:
        entry = orjson.loads(line)
    except orjson.JSONDecodeError:
        return line
    if not isinstance(entry, dict) or "event" not in entry:
        return line
    level, time = str(entry.get("level", "INFO")), str(entry.get("at", ""))[11:23]
    fields = " ".join(f"{name}={_value(value)}" for name, value in entry.items() if name not in _FRAME)
    shown = f"\x1b[{_COLOURS.get(level, '0')}m{level:<7}\x1b[0m" if coloured else f"{level:<7}"
    return f"{time} {shown} {entry['event']} {fields}".rstrip()


def _value(value: Any) -> str:
    text = value if isinstance(value, str) else orjson.dumps(value).decode()
    return text if text and " " not in text else f'"{text}"'


def redirect(*, raw: bool, level: str) -> TextIO:
    """Send standard output to the log; returns the real one. At DEBUG, tracebacks of what crashed are shown as well."""
    real = sys.stdout
    if level == "DEBUG":
        logging.getLogger("market").addHandler(logging.StreamHandler())
        logging.getLogger("market").setLevel(logging.DEBUG)
    sys.stdout = LogLines(sys.stderr, raw=raw)
    return real
