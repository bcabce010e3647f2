"""The report of a scene: one HTML file that needs no other file and no network, and is whole without its 3D view."""

import base64
import shlex
from dataclasses import dataclass, fields

import numpy as np
from jaxtyping import UInt8
from jinja2 import Environment, PackageLoader, PrefixLoader, StrictUndefined

from regen3d.export.pictures import jpeg_data_uri
from regen3d.manifest import CameraEntry, LightEntry, Manifest, RoomEntry
from regen3d.viewer.facts import doubts, script_json, viewer_facts
from regen3d.viewer.page import asset, script_policy

Picture = UInt8[np.ndarray, "_ _ 3"]
"""sRGB, 8 bit, of a size of its own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportPictures:
    """What the report shows."""

    photo: Picture
    """The picture that the scene was made from."""
    masks: Picture
    """Found objects (`regen3d.export.overlay.mask_sheet`)."""
    overlay: Picture
    """Scene over photograph (`regen3d.export.overlay.overlay`)."""
    rendering: Picture
    """The scene through the camera of the photograph."""
    plate: Picture
    """The empty room."""
    dollhouse: Picture
    """The scene from above."""
    contact_sheet: Picture
    """Every object from two sides."""


def report_html(manifest: Manifest, pictures: ReportPictures, scene_glb: bytes | None = None) -> str:
    """The report as an HTML document.

    Links to exports are relative, so the file belongs into the scene's folder; everything else works from anywhere.

    Args:
        manifest: the scene.
        pictures: what it shows.
        scene_glb: the scene file for the 3D view; None leaves the view out.
    """
    loaders = {"export": PackageLoader("regen3d", "export"), "viewer": PackageLoader("regen3d", "viewer")}
    photo = jpeg_data_uri(pictures.photo)
    environment = Environment(
        loader=PrefixLoader(loaders),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("export/report.html.j2").render(
        manifest=manifest,
        pictures={field.name: jpeg_data_uri(getattr(pictures, field.name)) for field in fields(pictures)},
        objects=[(entry, doubts(entry)) for entry in manifest.objects],
        shortfalls=shortfalls(manifest),
        camera=_camera_rows(manifest.camera),
        room=_room_rows(manifest.room),
        light=_light_rows(manifest.light),
        licences=sorted({(entry.provenance.licence, entry.provenance.model) for entry in manifest.stages}),
        image_argument=shlex.quote(manifest.image.name),
        redo=_first_to_redo(manifest),
        links=_links(list(manifest.exports)),
        seconds=sum(entry.seconds for entry in manifest.stages),
        scene_glb=None if scene_glb is None else base64.b64encode(scene_glb).decode("ascii"),
        facts=script_json(viewer_facts(manifest, photo=photo, glb="#viewer-glb")),
        style=asset("viewer.css"),
        script=asset("viewer.js"),
        policy=script_policy(),
    )


def shortfalls(manifest: Manifest) -> list[str]:
    """Why a scene is partial, in sentences; empty for a whole one."""
    sentences = [
        f"{entry.name} is {'a placeholder' if entry.status == 'placeholder' else 'missing'}: "
        f"{entry.reason or 'no reason was given'}"
        for entry in manifest.objects
        if entry.status != "ok"
    ]
    if not manifest.room.believable:
        sentences.append(
            f"The room is not believable (confidence {manifest.room.confidence:.2f}): "
            "walls and scale may be wrong. Give the camera by hand, or a picture that shows more of the floor."
        )
    sentences += [f"The format {name} was not written: {reason}" for name, reason in manifest.missing_formats.items()]
    return sentences


def _first_to_redo(manifest: Manifest) -> str | None:
    """The object that the examples of commands name: the first doubtful one, else the first."""
    doubtful = [entry.name for entry in manifest.objects if doubts(entry)]
    return next(iter([*doubtful, *(entry.name for entry in manifest.objects)]), None)


def _links(paths: list[str]) -> list[str]:
    """Files at the top of the scene's folder, and the folders beside them with a slash at the end."""
    return sorted({first + slash for first, slash, _ in (path.partition("/") for path in paths)})


def _camera_rows(camera: CameraEntry) -> list[tuple[str, str]]:
    intrinsics, world_from_camera = np.array(camera.intrinsics), np.array(camera.world_from_camera)
    pitch_deg = float(np.degrees(np.arcsin(np.clip(world_from_camera[1, 2], -1.0, 1.0))))
    return [
        ("Field of view", f"{camera.hfov_deg:.1f}° horizontal"),
        ("Focal length", f"{intrinsics[0, 0]:.0f} px"),
        ("Height", f"{camera.height_m:.2f} m above the floor"),
        ("Pitch", f"{abs(pitch_deg):.1f}° {'up' if pitch_deg > 0 else 'down'}"),
        ("Confidence", f"{camera.confidence:.2f}"),
    ]


def _light_rows(light: LightEntry | None) -> list[tuple[str, str]]:
    if light is None:
        return []
    x, y, z = light.direction
    side = "right" if x > 0 else "left"
    around = abs(float(np.degrees(np.arctan2(x, -z))))
    spread = "" if light.direction_spread_deg is None else f", give or take {light.direction_spread_deg:.0f}°"
    return [
        (
            "Comes from",
            f"{np.degrees(np.arcsin(np.clip(y, -1, 1))):.0f}° up, {around:.0f}° to the {side} of ahead{spread}",
        ),
        ("Misfit", f"{100 * light.error:.0f} % of the empty room's brightness"),
        ("Estimated", ", ".join(light.estimated)),
    ]


def _room_rows(room: RoomEntry) -> list[tuple[str, str]]:
    width, height, depth = np.array(room.bounds_max) - np.array(room.bounds_min)
    return [
        ("Size", f"{width:.2f} by {depth:.2f} m, {height:.2f} m high"),
        ("Turned by", f"{room.yaw_deg:.1f}°"),
        ("Seen", ", ".join(side.replace("_", " ") for side in room.seen) or "nothing"),
        ("Confidence", f"{room.confidence:.2f}{'' if room.believable else ' (not believable)'}"),
        ("Scale from", room.scale_source),
    ]
