"""Masks that the user painted: a folder with one PNG an object, or one index picture."""

import re
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from pydantic import AliasChoices, BaseModel, Field

from regen3d.errors import ConfigError
from regen3d.inputs.files import list_folder, read_json
from regen3d.inputs.image import Picture
from regen3d.inputs.labels import clean_label
from regen3d.inputs.mask_pixels import numbers, silhouette, to_working
from regen3d.inputs.names import instance_name, instance_names, is_safe_name
from regen3d.inputs.supports import check_supports
from regen3d.types import Instance

MAX_MASKS = 200
"""Most objects of one scene."""
INDEX_PICTURE = "instances.png"
"""Name of the index picture in a folder of masks."""
INDEX_DOCUMENT = "instances.json"
"""Name of the document that says what the numbers of the index picture are."""

_FILE_NAME = re.compile(r"(?P<label>.*[^\W_].*)[-_ ](?P<n>[0-9]{1,6})")
_OTHER_PICTURES = frozenset({".bmp", ".exr", ".jpeg", ".jpg", ".tga", ".tif", ".tiff", ".webp"})


@dataclass(frozen=True, slots=True, kw_only=True)
class GivenMasks:
    """The objects that the user marked."""

    instances: tuple[Instance, ...]
    """Masks in the working picture; they do not overlap, none is empty, names are unique, scores are 1."""
    notes: tuple[str, ...]
    """Sentences for the report."""
    supports: dict[str, str] = field(default_factory=dict)
    """Object -> `floor`, `wall`, `ceiling`, `free` or the object that it stands on, where the user said so."""


class _Entry(BaseModel):
    id: int = Field(ge=1, le=65535)
    label: str = Field(validation_alias=AliasChoices("label", "category"))
    name: str | None = None
    support: str | None = None


class _Document(BaseModel):
    objects: list[_Entry] = Field(min_length=1, max_length=MAX_MASKS)


def read_masks(folder: Path, picture: Picture) -> GivenMasks:
    """The objects marked in a folder.

    Args:
        folder: holds `LABEL-N.png` for each object (white or opaque is the object), or `instances.png` with
            `instances.json`. Every picture is as large as the picture given or the working picture.
        picture: the picture in which they were marked.

    Raises:
        ConfigError: nothing is there, or a name, size or mask cannot be used.
        UnreadableImageError: a mask is damaged.
        UnsupportedImageError: a mask is no picture of a usable size.
    """
    files = [path for path in list_folder(folder, "masks") if path.is_file() and not path.name.startswith(".")]
    if {path.name for path in files} & {INDEX_PICTURE, INDEX_DOCUMENT}:
        given = _read_index(folder, picture)
    else:
        given = GivenMasks(instances=tuple(_read_files(folder.name, files, picture)), notes=())
    instances, overlap_notes = _without_overlaps(list(given.instances), folder.name)
    return replace(given, instances=instances, notes=(*given.notes, *overlap_notes))


def _read_files(source: str, files: list[Path], picture: Picture) -> list[Instance]:
    for path in files:
        if path.suffix.lower() in _OTHER_PICTURES:
            raise ConfigError(f"{path.name}: masks are PNG files; save this one as PNG, or move it out of the folder")
    files = [path for path in files if path.suffix.lower() == ".png"]
    if not files:
        raise ConfigError(f"{source}: the folder holds no masks; give one PNG an object, as in chair-1.png")
    if len(files) > MAX_MASKS:
        raise ConfigError(f"{source}: {len(files)} masks are more than {MAX_MASKS}; leave some out")
    instances = []
    for path in files:
        match = _FILE_NAME.fullmatch(path.stem)
        if match is None:
            raise ConfigError(
                f"{path.name}: the name of a mask is the label and a number; rename it, as in chair-1.png"
            )
        label = clean_label(re.sub(r"[-_]+", " ", match["label"]), path.name)
        mask = to_working(silhouette(path), picture, path.name)
        instances.append(Instance(name=instance_name(label, int(match["n"])), label=label, score=1.0, mask=mask))
    return instances


def _read_index(folder: Path, picture: Picture) -> GivenMasks:
    for name in (INDEX_PICTURE, INDEX_DOCUMENT):
        if not (folder / name).is_file():
            raise ConfigError(
                f"{folder.name}: {INDEX_PICTURE} and {INDEX_DOCUMENT} belong together, but {name} is missing; add it"
            )
    entries = read_json(folder / INDEX_DOCUMENT, _Document, "list of objects").objects
    index = to_working(numbers(folder / INDEX_PICTURE), picture, INDEX_PICTURE)
    ids = [entry.id for entry in entries]
    if len(set(ids)) < len(ids):
        twice = next(number for number in ids if ids.count(number) > 1)
        raise ConfigError(f"{INDEX_DOCUMENT}: the id {twice} stands there twice; give each object its own")
    unnamed = sorted({int(number) for number in np.unique(index)} - set(ids) - {0})
    if unnamed:
        raise ConfigError(
            f"{INDEX_PICTURE}: the picture has the number {unnamed[0]}, which {INDEX_DOCUMENT} does not list; add it"
        )
    labels = [clean_label(entry.label, f"{INDEX_DOCUMENT}: objects[{i}]") for i, entry in enumerate(entries)]
    instances, notes = [], []
    for entry, label, numbered in zip(entries, labels, instance_names(labels), strict=True):
        name = numbered if entry.name is None else _checked_name(entry.name)
        mask = index == entry.id
        if mask.any():
            instances.append(Instance(name=name, label=label, score=1.0, mask=mask))
        else:
            notes.append(f"{name} has no visible pixel in {INDEX_PICTURE} and was left out.")
    supports = {
        name if entry.name is None else _checked_name(entry.name): entry.support
        for entry, name in zip(entries, instance_names(labels), strict=True)
        if entry.support is not None
    }
    check_supports(supports, [item.name for item in instances], INDEX_DOCUMENT)
    return GivenMasks(instances=tuple(instances), notes=tuple(notes), supports=supports)


def _checked_name(given: str) -> str:
    name = re.sub(r"[_ ]+", "-", given.strip().lower())
    if not is_safe_name(name):
        raise ConfigError(
            f"{INDEX_DOCUMENT}: {given[:40]!r} cannot be the name of an object; use letters, digits and hyphens"
        )
    return name


def _without_overlaps(given: list[Instance], source: str) -> tuple[tuple[Instance, ...], tuple[str, ...]]:
    """The same objects with every pixel given to the smallest mask that claims it, and notes on what changed."""
    _check(given, source)
    areas = [int(instance.mask.sum()) for instance in given]
    owner = np.full(given[0].mask.shape if given else (0, 0), -1, dtype=np.int64)
    for i in sorted(range(len(given)), key=lambda k: -areas[k]):
        owner[given[i].mask] = i
    instances, notes = [], []
    for i, instance in enumerate(given):
        mask = owner == i
        lost = areas[i] - int(mask.sum())
        if lost == areas[i]:
            raise ConfigError(f"{source}: the mask {instance.name} lies wholly under smaller ones; remove one of them")
        if lost:
            notes.append(f"The mask {instance.name} gave {lost} pixels to smaller masks that overlap it.")
        instances.append(Instance(name=instance.name, label=instance.label, score=instance.score, mask=mask))
    return tuple(instances), tuple(notes)


def _check(given: list[Instance], source: str) -> None:
    names: set[str] = set()
    for instance in given:
        if instance.name in names:
            raise ConfigError(f"{source}: two masks have the name {instance.name}; number them differently")
        names.add(instance.name)
        if not instance.mask.any():
            raise ConfigError(f"{source}: the mask {instance.name} is empty; paint the object white")
        if instance.mask.all():
            raise ConfigError(
                f"{source}: the mask {instance.name} covers the whole picture; paint the object white, the rest black"
            )
