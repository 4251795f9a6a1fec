"""The port to SES: sends one templated mail."""

import orjson
from botocore.exceptions import ClientError

from market import config
from notifications.model import Mail

_PERMANENT = frozenset(("MessageRejected", "InvalidParameterValue"))


class Undeliverable(Exception):
    """SES will not take this mail, however often it is asked; the text is SES's code."""


def send(mail: Mail) -> None:
    """Hand a mail to SES, which names templates `market-<stage>-<name>`.

    Raises Undeliverable, or botocore's error where a later attempt may do.
    """
    if not mail.to:
        raise Undeliverable("NoAddress")
    try:
        config.client("ses").send_templated_email(
            Source=config.setting("SENDER"),
            Destination={"ToAddresses": [mail.to]},
            Template=f"market-{config.setting('STAGE')}-{mail.template}",
            TemplateData=orjson.dumps(mail.data).decode(),
        )
    except ClientError as refused:
        code = str(refused.response["Error"]["Code"])
        if code not in _PERMANENT:
            raise
        raise Undeliverable(code) from None
