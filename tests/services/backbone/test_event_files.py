"""Events are written down: schemas are those of the code, and what was ever published can still be read."""

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from infra.services import discover
from market.events import Envelope
from tools import events
from tools.generated import finish

EXAMPLES = sorted(events.EVENTS.glob("*/*.example.json"))
CLASSES = {(kind.type, kind.version): kind for _, kind in events.published()}
MEANT = {"audit.recorded": {"address"}, "flag.changed": {"name"}}
"""Fields that are called like personal data: where a recorded action came from, which only auditors read; a flag's."""


@pytest.mark.contract("26.1")
def test_the_committed_schemas_are_those_of_the_code(monkeypatch):
    monkeypatch.setattr("sys.argv", ["events", "--check"])
    files = events.built()
    assert finish(files, "python -m tools.events") == 0
    assert set(files) >= {path for path in events.EVENTS.glob("*/*.json") if ".v1." in path.name}


@pytest.mark.contract("26.1")
@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.name.removesuffix(".example.json"))
def test_an_example_fits_its_schema_and_is_read_by_the_code_of_today(path: Path):
    example = json.loads(path.read_text())
    schema = json.loads(Path(str(path).replace(".example.json", ".json")).read_text())
    jsonschema.Draft202012Validator(schema).validate(example)
    envelope = Envelope.model_validate(example)
    read = CLASSES[envelope.type, envelope.version].model_validate(envelope.data)
    assert read.model_dump(mode="json", exclude_unset=True) == envelope.data


@pytest.mark.contract("26.1")
def test_every_event_that_is_listened_to_is_published_by_one_service():
    manifests = [source.manifest for source in discover().values()]
    published = [kind for manifest in manifests for kind in manifest.publishes]
    assert len(published) == len(set(published))
    assert {kind for manifest in manifests for kind in manifest.consumes} <= set(published)


@pytest.mark.contract("25.1")
def test_events_carry_no_personal_data():
    def fields(schema: Any) -> set[str]:
        if not isinstance(schema, dict):
            return set()
        own = set(schema.get("properties", {}))
        return own.union(*(fields(value) for value in schema.values() if isinstance(value, dict)))

    for path in events.EVENTS.glob("*/*.v*.json"):
        if not path.name.endswith(".example.json"):
            data = fields(json.loads(path.read_text())["properties"]["data"])
            meant = MEANT.get(path.name.partition(".v")[0], set())
            assert data & {"email", "name", "phone", "address", "password", "card"} == meant, path.name


@pytest.mark.contract("26.1")
def test_an_incompatible_change_is_refused(monkeypatch, tmp_path):
    service, kind = next((service, kind) for service, kind in events.published() if kind.type == "user.created")
    monkeypatch.setattr(events, "EVENTS", tmp_path)
    kept = tmp_path / service / "user.created.v1.example.json"
    kept.parent.mkdir()
    old = events.sample(kind)
    kept.write_text(json.dumps(old | {"data": old["data"] | {"since": "an older time"}}))
    assert json.loads(events.built()[kept])["data"]["since"] == "an older time"
    kept.write_text(json.dumps(old | {"data": {"id": "renamed"}}))
    with pytest.raises(ValueError, match="raise the version"):
        events.built()
