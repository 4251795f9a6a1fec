"""Builds the mail templates that are deployed: the layout and a mail's own words, as one JSON file for SES.

    python -m tools.mails            writes functions/notifications/templates/<name>.json
    python -m tools.mails --check    says which are not up to date, and exits with 1

Sources are `templates/source/<name>.html`, whose first line is the preview that mailboxes show beside the subject, and
`<name>.txt`, whose first line is the subject.
"""

import json
import re
import sys
from pathlib import Path

from tools.generated import finish

TEMPLATES = Path(__file__).resolve().parent.parent / "functions" / "notifications" / "templates"
_BLOCK = re.compile(r"\n(\{\{(?:#each \w+|/each)\}\})")


def built() -> dict[Path, str]:
    """The text of every template file by its path."""
    source = TEMPLATES / "source"
    layout = (source / "layout.html").read_text(encoding="utf-8")
    names = sorted(path.stem for path in source.glob("*.txt"))
    return {TEMPLATES / f"{name}.json": _build(source, name, layout) for name in names}


def _build(source: Path, name: str, layout: str) -> str:
    subject, _, text = (source / f"{name}.txt").read_text(encoding="utf-8").partition("\n")
    preview, _, content = (source / f"{name}.html").read_text(encoding="utf-8").partition("\n")
    subject = subject.removeprefix("Subject: ")
    html = layout.replace("@title@", subject.replace("{{number}}", "{{numberHtml}}"))
    html = html.replace("@preview@", preview.removeprefix("<!-- preview: ").removesuffix(" -->"))
    template = {
        "name": name,
        "subject": subject,
        "text": _tight(text),
        "html": html.replace("@content@", _tight(content).strip()),
    }
    return json.dumps(template, indent=2, ensure_ascii=False) + "\n"


def _tight(text: str) -> str:
    """With block tags at the ends of lines: engines differ in whether one alone on a line leaves an empty line."""
    return _BLOCK.sub(r"\1", text)


if __name__ == "__main__":
    sys.exit(finish(built(), "python -m tools.mails"))
