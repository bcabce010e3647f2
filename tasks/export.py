"""Export: the scene as files that a studio opens."""

from dataclasses import dataclass, field

from regen3d import codec
from regen3d.errors import Regen3dError
from regen3d.export.camera_file import camera_json
from regen3d.export.formats import write_format
from regen3d.export.light_files import light_files
from regen3d.export.scene import ExportScene, SceneObject, object_extras
from regen3d.export.settings import ExportSettings
from regen3d.store import Ref
from regen3d.types import Geometry, Room
from tasks.artifacts import Preview
from tasks.assemble import Assembly
from tasks.log import run_log
from tasks.stage import stage_task
from tasks.work import Stage, StageWork


@dataclass(frozen=True, slots=True, kw_only=True)
class Exported:
    """The files of a scene."""

    files: dict[str, Ref]
    """Path in the scene's folder -> file."""
    missing: dict[str, str] = field(default_factory=dict)
    """Formats that could not be written -> why."""


codec.register(Exported)


def compute(work: StageWork) -> Exported:
    """Every format that was asked for; one that fails, for whatever reason, leaves the scene and the others alone.

    GLB is always asked for: the report and the viewer show it.
    """
    settings = ExportSettings(**{**work.call.params["settings"], "formats": ()})
    asked = ("glb", *work.call.params["settings"]["formats"])
    assembly = work.value("assemble", Assembly)
    scene = _scene(work, assembly)
    files = {"camera.json": camera_json(scene.camera), **light_files(assembly.light, scene.room)}
    files |= {f"masks/{item.instance.name}.png": codec.png_bytes(item.instance.mask) for item in assembly.objects}
    missing: dict[str, str] = {}
    for name in dict.fromkeys(asked):
        try:
            files |= write_format(name, scene, settings)
        except Regen3dError as error:
            missing[name] = str(error)
            # The command line says the sentence; where a writer stumbled is in the log of the run.
            run_log("regen3d.export").warning("the format %s was not written", name, exc_info=error)
    kept = {path: work.store.put_bytes(content, f".{path.rsplit('.', 1)[1]}") for path, content in files.items()}
    return Exported(files=kept, missing=missing)


def _scene(work: StageWork, assembly: Assembly) -> ExportScene:
    made_by = work.call.params["made_by"]
    return ExportScene(
        name=work.call.params["scene"],
        objects=tuple(
            SceneObject(
                name=item.instance.name,
                mesh=item.placed.mesh,
                world_from_object=item.placed.alignment.world_from_object,
                extras=object_extras(item.instance.label, item.status, made_by.get(item.instance.name)),
            )
            for item in assembly.objects
            if item.placed is not None
        ),
        room=work.value("room", Room),
        camera=work.value("geometry", Geometry).camera,
        photo=work.image(),
        light=assembly.light,
    )


def _preview(value: Exported, work: StageWork) -> Preview:
    rows = tuple({"file": path, "bytes": ref.size} for path, ref in sorted(value.files.items()))
    return Preview(table=rows, caption="The scene's files")


STAGE = Stage(
    name="export", produces=Exported, compute=compute, preview=_preview, lasts=lambda value: not value.missing
)
export = stage_task(STAGE)
