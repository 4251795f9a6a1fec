"""One bounded context: everything that its manifest asks for, and mail templates where it has some."""

import json
from pathlib import Path
from typing import Any

from aws_cdk import Stack
from aws_cdk import aws_ses as ses
from constructs import Construct

from infra.assets import Assets
from infra.constructs.function import Code
from infra.constructs.service import Service, Surroundings
from infra.services import Source


class ServiceStack(Stack):
    """Stateless: can be deleted and made again, but for messages that wait in its queues."""

    def __init__(
        self, scope: Construct, name: str, *, source: Source, around: Surroundings, assets: Assets, **options: Any
    ) -> None:
        super().__init__(scope, name, description=f"Service {source.name}", **options)
        wanted = sorted({name for function in source.functions(around.stage.name) for name in function.layers})
        extras = {name: assets.packages(self, name) for name in wanted}
        code = Code(assets.function(source), assets.layers(self), extras, rehearsed=assets.rehearsed)
        self.service = Service(self, source, around=around, code=code)
        for path in sorted(assets.templates(source)):
            self._mail_template(path, around.stage.prefix)

    def _mail_template(self, path: Path, prefix: str) -> None:
        text = json.loads(path.read_text(encoding="utf-8"))
        ses.CfnTemplate(
            self,
            "Mail" + "".join(word.capitalize() for word in path.stem.replace("_", "-").split("-")),
            template=ses.CfnTemplate.TemplateProperty(
                template_name=f"{prefix}-{text['name']}",
                subject_part=text["subject"],
                text_part=text["text"],
                html_part=text["html"],
            ),
        )
