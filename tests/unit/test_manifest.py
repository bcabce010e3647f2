"""The record of a scene: its published schema, its digest, what it refuses."""

import json
from dataclasses import replace
from pathlib import Path

import jsonschema
import pytest
from pydantic import ValidationError

import regen3d
from regen3d.manifest import HAND_MADE, Manifest, Provenance, StageCall, StageEntry, schema
from regen3d.store import Ref, Store
from tests.synthetic.records import finished_scene
from tests.synthetic.room import SyntheticRoom

PUBLISHED = Path(regen3d.__file__).parent.parent / "docs" / "manifest.schema.json"
REF = Ref(digest="ab" * 32, suffix=".json", size=7)


@pytest.fixture(scope="module")
def manifest(synthetic_room: SyntheticRoom) -> Manifest:
    return finished_scene(Store("memory://manifest"), synthetic_room)


def test_published_schema_is_the_schema() -> None:
    """After a change on purpose: python -c "from tests.unit.test_manifest import publish; publish()"."""
    assert PUBLISHED.read_text(encoding="utf-8") == schema_text()


def schema_text() -> str:
    return json.dumps(schema(), indent=2) + "\n"


def publish() -> None:
    PUBLISHED.write_text(schema_text(), encoding="utf-8")


def test_schema_is_one_and_accepts_a_manifest(manifest: Manifest) -> None:
    jsonschema.Draft202012Validator.check_schema(schema())
    validator = jsonschema.Draft202012Validator(schema())
    document = manifest.model_dump(mode="json")
    validator.validate(document)
    assert not validator.is_valid({**document, "colour": "red"})
    assert not validator.is_valid({**document, "schema_version": 2})
    del document["camera"]
    assert not validator.is_valid(document)


def test_every_field_says_what_it_is() -> None:
    for name, kind in schema()["$defs"].items():
        for field, facts in kind["properties"].items():
            assert "description" in facts or "$ref" in facts, f"{name}.{field}"


def test_a_manifest_comes_back(manifest: Manifest) -> None:
    again = Manifest.model_validate_json(manifest.model_dump_json())
    assert again == manifest
    assert again.digest == manifest.digest


def test_digest_ignores_times_hosts_and_links(manifest: Manifest) -> None:
    run = manifest.run.model_copy(
        update={"id": "2", "seconds": 1.0, "host": "there", "started": "2026-01-01T00:00:00+00:00"}
    )
    stages = tuple(entry.model_copy(update={"seconds": 0.1, "reused": True}) for entry in manifest.stages)
    links = {"report.html": REF}
    other = manifest.model_copy(update={"run": run, "stages": stages, "store": "s3://b/c", "exports": links})
    assert other.digest == manifest.digest


@pytest.mark.parametrize(
    "change",
    [
        {"seed": 1},
        {"scene": "another"},
        {"status": "partial"},
        {"notes": ("The scale is a guess.",)},
        {"objects": ()},
        {"plate": REF},
        {"stages": ()},
    ],
    ids=lambda change: next(iter(change)),
)
def test_digest_depends_on_the_scene(manifest: Manifest, change: dict) -> None:
    assert manifest.model_copy(update=change).digest != manifest.digest


def test_digest_depends_on_each_value_and_its_provenance(manifest: Manifest) -> None:
    first, *others = manifest.stages
    for changed in (
        first.model_copy(update={"value": REF}),
        first.model_copy(update={"provenance": first.provenance.model_copy(update={"key": "1" * 64})}),
    ):
        assert manifest.model_copy(update={"stages": (changed, *others)}).digest != manifest.digest


def test_digest_does_not_depend_on_the_order_of_calls(manifest: Manifest) -> None:
    assert manifest.model_copy(update={"stages": manifest.stages[::-1]}).digest == manifest.digest


def test_unknown_fields_are_refused_everywhere(manifest: Manifest) -> None:
    document = manifest.model_dump(mode="json")
    parts = [document, document["camera"], document["room"], document["objects"][0], document["run"]]
    parts += [document["stages"][0], document["stages"][0]["call"], document["stages"][0]["provenance"]]
    for part in parts:
        part["colour"] = "red"
        with pytest.raises(ValidationError, match="colour"):
            Manifest.model_validate(document)
        del part["colour"]
    Manifest.model_validate(document)


@pytest.mark.parametrize(
    ("part", "field", "value"),
    [
        ("camera", "intrinsics", [[1, 0], [0, 1]]),
        ("camera", "world_from_camera", [[1, 0, 0, 0]] * 3),
        ("camera", "world_from_camera", [[1, 0, 0]] * 4),
        ("camera", "confidence", 1.5),
        ("room", "bounds_min", [0, 1]),
        ("image", "width", 0),
    ],
)
def test_malformed_numbers_are_refused(manifest: Manifest, part: str, field: str, value: object) -> None:
    document = manifest.model_dump(mode="json")
    document[part][field] = value
    with pytest.raises(ValidationError, match=field):
        Manifest.model_validate(document)


def test_another_schema_is_refused(manifest: Manifest) -> None:
    with pytest.raises(ValidationError, match="schema_version"):
        Manifest.model_validate({**manifest.model_dump(mode="json"), "schema_version": 2})


def test_entries_cannot_change(manifest: Manifest) -> None:
    with pytest.raises(ValidationError, match="frozen"):
        manifest.seed = 3  # pyright: ignore[reportAttributeAccessIssue]


def test_titles_are_for_people() -> None:
    assert StageCall(stage="align", object="armchair-1").title == "align: armchair-1"
    assert StageCall(stage="plate").title == "plate"


def test_inputs_are_added_to_a_new_call() -> None:
    call = StageCall(stage="align").with_inputs(view=REF)
    more = call.with_inputs(mesh=REF)
    assert set(call.inputs) == {"view"}
    assert set(more.inputs) == {"view", "mesh"}


def test_what_the_user_made_answers_the_call() -> None:
    call = StageCall(stage="plate", adapter="embedded")
    assert call.by_hand(None) is call
    by_hand = call.by_hand(REF)
    assert by_hand.adapter == HAND_MADE
    assert by_hand.inputs == {"hand_made": REF}


def test_seconds_are_not_negative() -> None:
    made = Provenance(adapter="regen3d", model="m", revision="1", licence="MIT", seed=0, key="k")
    with pytest.raises(ValidationError, match="seconds"):
        StageEntry(call=StageCall(stage="room"), value=REF, provenance=made, seconds=-1.0, reused=False)


@pytest.mark.parametrize(("confidence", "answer"), [(0.0, False), (0.49, False), (0.5, True), (1.0, True)])
def test_believable(confidence: float, answer: bool, synthetic_room: SyntheticRoom) -> None:
    assert replace(synthetic_room.layout, confidence=confidence).believable is answer
