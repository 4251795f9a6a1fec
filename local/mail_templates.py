"""SES's templated mails: rendered from the synthesized templates as SES does, and put into the mailbox.

SES fills Handlebars templates: `{{name}}`, `{{person.name}}`, `{{#each lines}}…{{this}}…{{/each}}`, `{{#if
x}}…{{else}}…{{/if}}`. It escapes nothing, and drops a mail of which a value is missing; so does this, but says
so at once: the call fails.
"""

import re
from collections.abc import Mapping
from typing import Any

import orjson
from pystache.common import MissingTags  # type: ignore[import-untyped]
from pystache.context import KeyNotFoundError  # type: ignore[import-untyped]
from pystache.parser import ParsingError  # type: ignore[import-untyped]
from pystache.renderer import Renderer  # type: ignore[import-untyped]

from local.answers import Answer, AwsError
from local.mailbox import Mailbox
from local.templates import MailTemplate

__all__ = ["Mailer", "render"]

JSON = dict[str, Any]
_TAG = re.compile(r"\{\{\s*(#each|#if|#unless|/each|/if|/unless|else)\s*([\w.]*)\s*\}\}")
_THIS = re.compile(r"\{\{(\{?)\s*this(?:\.([\w.]+))?\s*\}\}")


class Mailer:
    """The calls of `ses` (v1) that are played."""

    def __init__(self, templates: Mapping[str, MailTemplate], mailbox: Mailbox) -> None:
        self._templates, self._mailbox = templates, mailbox

    def operations(self) -> dict[str, Answer]:
        return {"SendTemplatedEmail": self._send_templated, "SendEmail": self._send}

    def _send_templated(self, asked: JSON) -> JSON:
        template = self._templates.get(asked["Template"])
        if template is None:
            raise AwsError("TemplateDoesNotExist", f"Template {asked['Template']} does not exist.")
        values = orjson.loads(asked.get("TemplateData") or "{}")
        parts = {name: render(text or "", values) for name, text in _parts(template).items()}
        return self._deliver(asked, parts, template.name)

    def _send(self, asked: JSON) -> JSON:
        message = asked["Message"]
        body = {name.lower(): part["Data"] for name, part in message["Body"].items()}
        return self._deliver(asked, {"text": "", "html": ""} | body | {"subject": message["Subject"]["Data"]}, "")

    def _deliver(self, asked: JSON, parts: dict[str, str], template: str) -> JSON:
        to = [address for kind in ("To", "Cc", "Bcc") for address in asked["Destination"].get(f"{kind}Addresses", ())]
        if not to:
            raise AwsError("InvalidParameterValue", "Missing final recipient.")
        if "\n" in parts["subject"] or "\r" in parts["subject"]:
            raise AwsError("InvalidParameterValue", "The subject holds a line break.")
        return {"MessageId": self._mailbox.deliver(to, sender=asked["Source"], template=template, **parts)}


def _parts(template: MailTemplate) -> dict[str, str | None]:
    return {"subject": template.subject, "text": template.text, "html": template.html}


def render(text: str, values: JSON) -> str:
    """Raises AwsError (MissingRenderingAttribute) for a value that the template names and `values` lack."""
    try:
        renderer = Renderer(escape=lambda plain: plain, missing_tags=MissingTags.strict)
        return str(renderer.render(_mustache(text), values))
    except KeyNotFoundError as missing:
        raise AwsError("MissingRenderingAttribute", f"Attribute '{missing.key}' is not present in the data.") from None
    except ParsingError as broken:
        raise AwsError("InvalidTemplate", str(broken)) from None


def _mustache(text: str) -> str:
    """Handlebars' blocks in Mustache's words: both have sections, Handlebars names what kind each is."""
    open_blocks: list[str] = []

    def translate(tag: re.Match[str]) -> str:
        word, name = tag.group(1), tag.group(2)
        if word in ("#each", "#if", "#unless"):
            open_blocks.append(name)
            return f"{{{{{'^' if word == '#unless' else '#'}{name}}}}}"
        if not open_blocks:
            raise AwsError("InvalidTemplate", f"{word} closes nothing.")
        if word == "else":
            return f"{{{{/{open_blocks[-1]}}}}}{{{{^{open_blocks[-1]}}}}}"
        return f"{{{{/{open_blocks.pop()}}}}}"

    translated = _TAG.sub(translate, text)
    return _THIS.sub(lambda tag: f"{{{{{tag.group(1)}{tag.group(2) or '.'}}}}}", translated)
