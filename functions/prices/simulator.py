"""The European Central Bank's rules of publishing, over days that somebody gives it. Pure.

Rates are published at 16:00 in Frankfurt on working days: the file of a day is there from 15:00 UTC on (14:00 in
summer; the simulator knows no summer time), on Saturdays and Sundays it is still Friday's. It may be some hours late,
be `away` (503), answer with a page that is no file of rates (`broken`), or lose the connection (`lost`).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

HOUR = 15
_NAMESPACES = (
    'xmlns:gesmes="http://www.gesmes.org/xml/2002-08-01" xmlns="http://www.ecb.int/vocabulary/2002-08-01/eurofxref"'
)


class ConnectionLost(Exception):
    """The answer does not arrive."""


@dataclass
class CentralBank:
    """days: what it says of each day, units for one euro by currency. asked: the files that were asked for."""

    days: Mapping[str, Mapping[str, str]]
    now: Callable[[], datetime]
    late_hours: int = 0
    trouble: str = ""
    asked: list[str] = field(default_factory=list)

    def handle(
        self, method: str, path: str, _headers: Mapping[str, str], _body: bytes
    ) -> tuple[int, dict[str, str], bytes]:
        """One request, as a site of a simulated network."""
        self.asked.append(path)
        if self.trouble == "lost":
            raise ConnectionLost
        if self.trouble == "away":
            return 503, {}, b"try later"
        if self.trouble == "broken":
            return 200, {"content-type": "text/html"}, b"<html><body>Maintenance<body></html>"
        shown = {"/eurofxref-daily.xml": 1, "/eurofxref-hist-90d.xml": 64}.get(path, 0)
        if method != "GET" or not shown:
            return 404, {}, b""
        return 200, {"content-type": "text/xml"}, document(dict(self.published()[-shown:]))

    def published(self) -> list[tuple[str, Mapping[str, str]]]:
        """What is out by now, oldest first."""
        ready = self.now() - timedelta(hours=HOUR + self.late_hours)
        return [(day, values) for day, values in sorted(self.days.items()) if day <= ready.date().isoformat()]


def document(days: Mapping[str, Mapping[str, str]]) -> bytes:
    """A file of rates in the bank's form, the youngest day first."""
    cubes = "".join(
        f'<Cube time="{day}">'
        + "".join(f'<Cube currency="{currency}" rate="{value}"/>' for currency, value in values.items())
        + "</Cube>"
        for day, values in sorted(days.items(), reverse=True)
    )
    return (
        f'<?xml version="1.0" encoding="UTF-8"?><gesmes:Envelope {_NAMESPACES}><gesmes:subject>Reference rates'
        f"</gesmes:subject><Cube>{cubes}</Cube></gesmes:Envelope>"
    ).encode()
