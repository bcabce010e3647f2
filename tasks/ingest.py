"""What the user gave, read, validated and kept in the store before any stage runs."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from models.base import Plate, Segmentation
from regen3d import codec
from regen3d.align.settings import AlignSettings
from regen3d.config import SceneRequest
from regen3d.corrections import FOLDER, corrections_folder
from regen3d.errors import ConfigError, InvalidMeshError
from regen3d.frames import intrinsics_from_focal
from regen3d.inputs.boxes import LabelledPolygon, Mark, read_boxes
from regen3d.inputs.camera import read_camera
from regen3d.inputs.drawn import marks_document, with_polygons
from regen3d.inputs.image import Picture, read_image
from regen3d.inputs.length import check_measured, parse_length
from regen3d.inputs.masks import read_masks
from regen3d.inputs.meshes import read_mesh_glb
from regen3d.inputs.plate import read_plate
from regen3d.inputs.points import geometry_of, read_points
from regen3d.manifest import Entry, ImageEntry
from regen3d.store import Ref, Store
from regen3d.types import Asset, Geometry, KnownCamera

codec.register(Segmentation, Plate)


class SceneInputs(Entry):
    """Everything that the user gave, as values in the store."""

    name: str
    """Name of the scene."""
    image_name: str
    """File name of the picture."""
    image: Ref
    """The working picture."""
    wh: tuple[int, int]
    """Its width and height in pixels."""
    labels: tuple[str, ...]
    """What to look for."""
    boxes: tuple[dict[str, Any], ...]
    """Boxes, points and polygons in pixels of the working picture."""
    masks: Ref | None
    """The user's `Segmentation`."""
    camera: Ref | None
    """What the user, or the picture's EXIF data, says of the camera: a `KnownCamera`."""
    plate: Ref | None
    """The user's `Plate`."""
    geometry: Ref | None
    """The user's point maps and camera: a `Geometry`."""
    measure: dict[str, Any]
    """What says how long a metre is, as options of the geometry's call; nothing where nothing does."""
    meshes: dict[str, Ref]
    """Object name -> the user's `Asset`."""
    support: dict[str, Any]
    """By which rule supports are found, and those that the user gave, as options of that call; nothing as a rule."""
    align: dict[str, Any]
    """What of the alignment is not as usual, as an option of its calls; nothing where all is."""
    notes: tuple[str, ...]
    """How the picture was read."""

    @property
    def entry(self) -> ImageEntry:
        """The picture, as the manifest tells it."""
        return ImageEntry(name=self.image_name, pixels=self.image, width=self.wh[0], height=self.wh[1])


@dataclass(frozen=True, slots=True, kw_only=True)
class _Given:
    picture: Picture
    boxes: tuple[Mark, ...]
    masks: Segmentation | None
    supports: dict[str, str]
    camera: KnownCamera | None
    plate: Plate | None
    geometry: Geometry | None
    meshes: dict[str, Asset]


def check_inputs(request: SceneRequest) -> None:
    """Read all files of a request and keep nothing.

    Raises:
        InputError: one of them cannot be used.
    """
    _read(request)


def read_inputs(request: SceneRequest) -> SceneInputs:
    """Read all files of a request into its store.

    Raises:
        InputError: one of them cannot be used; nothing is written then.
    """
    given = _read(request)
    store = Store(request.store_uri)

    def keep(value: Any) -> Ref | None:
        return None if value is None else codec.put_value(store, value)

    return SceneInputs(
        name=request.name,
        image_name=Path(request.image).name,
        image=codec.put_value(store, given.picture.pixels),
        wh=given.picture.wh,
        labels=request.labels,
        boxes=marks_document(given.boxes),
        masks=keep(given.masks),
        camera=keep(given.camera),
        plate=keep(given.plate),
        geometry=keep(given.geometry),
        measure=_measure(request, given.picture),
        meshes={name: codec.put_value(store, asset) for name, asset in given.meshes.items()},
        support=({} if request.align.support == "inferred" else {"support": request.align.support})
        | ({"supports": given.supports} if given.supports else {}),
        align=_unusual(request.align),
        notes=given.picture.notes,
    )


def _measure(request: SceneRequest, picture: Picture) -> dict[str, Any]:
    """Only what is known, so that calls of scenes without it stay as they are."""
    length = {"scale": request.scale} if request.scale else {}
    return length | ({"focus_m": picture.focus_m} if picture.focus_m else {})


def _unusual(settings: AlignSettings) -> dict[str, Any]:
    """Only what differs, so that a setting that is added later leaves finished calls as they are."""
    usual = asdict(AlignSettings())
    chosen = {name: value for name, value in asdict(settings).items() if value != usual[name]}
    return {"settings": chosen} if chosen else {}


def _read(request: SceneRequest) -> _Given:
    if request.labels and (request.boxes or request.masks):
        raise ConfigError("--labels says what to look for, but --boxes or --masks already say it: give one of them")
    picture = read_image(Path(request.image))
    marks = read_boxes(Path(request.boxes), picture) if request.boxes else ()
    masks, supports = _segmentation(request, picture, marks)
    if masks is not None:
        check_mesh_names(request.meshes, [instance.name for instance in masks.instances])
    camera = _camera(request, picture)
    _check_scale(request, camera, masks)
    return _Given(
        picture=picture,
        boxes=marks,
        masks=masks,
        supports=supports,
        camera=camera,
        plate=_plate(request, picture),
        geometry=_geometry(request, picture, camera),
        meshes={name: _asset(Path(path)) for name, path in request.meshes.items()},
    )


def _check_scale(request: SceneRequest, camera: KnownCamera | None, masks: Segmentation | None) -> None:
    if request.scale is None:
        return
    length = parse_length(request.scale)
    if masks is not None:
        check_measured(length, [instance.name for instance in masks.instances])
    if camera is not None and camera.height_m is not None:
        raise ConfigError("--scale and the height_m of --camera both say how long a metre is: give one of them")


def check_mesh_names(meshes: Mapping[str, object], objects: Sequence[str]) -> None:
    """Make sure that every mesh of the user belongs to an object.

    Raises:
        ConfigError: a name is that of no object.
    """
    for name in sorted(set(meshes) - set(objects)):
        found = ", ".join(objects) or "none"
        raise ConfigError(f"--mesh names '{name}', which is no object of this scene: the objects are {found}")


def _segmentation(
    request: SceneRequest, picture: Picture, marks: tuple[Mark, ...]
) -> tuple[Segmentation | None, dict[str, str]]:
    """What the user painted or drew, and what he says that it stands on; None where a model has to look."""
    if request.masks is None:
        polygons = [mark for mark in marks if isinstance(mark, LabelledPolygon)]
        if not polygons or len(polygons) < len(marks):
            return None, {}
        instances, notes = with_polygons((), polygons, (picture.wh[1], picture.wh[0]))
        return Segmentation(instances=instances, floor=None, notes=notes), {}
    if request.boxes is not None:
        raise ConfigError("--masks and --boxes both say where the objects are: give one of them")
    given = read_masks(Path(request.masks), picture)
    notes = given.notes
    if Path(request.masks) == corrections_folder(Path(request.out)):
        notes = (f"The masks are those that were mended in the editor ({FOLDER}).", *notes)
    return Segmentation(instances=given.instances, floor=None, notes=notes), given.supports


def _camera(request: SceneRequest, picture: Picture) -> KnownCamera | None:
    if request.camera is not None:
        return read_camera(Path(request.camera), picture)
    if picture.focal_px is None:
        return None
    width, height = picture.wh
    return KnownCamera(intrinsics=intrinsics_from_focal(picture.focal_px, picture.wh), width=width, height=height)


def _plate(request: SceneRequest, picture: Picture) -> Plate | None:
    if request.plate is None:
        return None
    given = read_plate(Path(request.plate), picture)
    filled = np.any(given.pixels != picture.pixels, axis=2)
    return Plate(image=given.pixels, filled=filled, notes=given.notes)


def _geometry(request: SceneRequest, picture: Picture, known: KnownCamera | None) -> Geometry | None:
    if request.points is None:
        return None
    given = read_points(Path(request.points), picture)
    if request.camera is None and given.camera is not None:
        # What comes with the points knows more than EXIF data.
        known = given.camera
    return geometry_of(given, known, request.seed)


def _asset(path: Path) -> Asset:
    try:
        mesh = read_mesh_glb(path)
    except InvalidMeshError as error:
        # What a stage may drop from a scene is the user's mistake to mend here.
        raise ConfigError(str(error)) from error
    # A mesh from elsewhere has no trustworthy unit: alignment finds its size.
    return Asset(mesh=mesh, scale="relative", kind=f"mesh {path.name}")
