"""Blender in a process of its own: its Python module wants one, and a crash of it must not take a scene along."""

import importlib.util
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from regen3d import codec
from regen3d.errors import StageError
from regen3d.export.formats import BLENDER_PYTHON
from regen3d.export.glb import scene_glb
from regen3d.export.look import with_look
from regen3d.export.scene import ExportScene
from regen3d.export.settings import Look
from regen3d.light.environment import hdr_bytes

TIMEOUT_S = 600
"""A scene of a hundred megabytes is written in a tenth of this."""

_WORKER = Path(__file__).with_name("worker.py")


def in_blender(scene: ExportScene, look: Look, wanted: Mapping[str, str], **options: Any) -> dict[str, bytes]:
    """Open a scene in Blender and bring back the files that it wrote.

    Args:
        scene: what to open.
        look: which colours it wears; those as photographed shine by themselves, so that no light changes them.
        wanted: what to write (`blend`, `fbx`, `render`) -> file name.
        options: further entries of the job, see `worker`.

    Returns:
        File name -> content.

    Raises:
        ConfigError: two nodes would have the same name, or the look needs a light that was not estimated.
        StageError: Blender failed.
    """
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        (folder / "scene.glb").write_bytes(scene_glb(with_look(scene, look)))
        (folder / "photo.png").write_bytes(codec.png_bytes(scene.photo))
        job = {
            "glb": str(folder / "scene.glb"),
            "photo": str(folder / "photo.png"),
            "camera": {
                "K": scene.camera.intrinsics.tolist(),
                "width": scene.camera.width,
                "height": scene.camera.height,
            },
            "sides": sorted(scene.room.parts),
            "bounds": {
                "low": scene.room.layout.bounds_min[[0, 2]].tolist(),
                "high": scene.room.layout.bounds_max[[0, 2]].tolist(),
                "yaw_rad": scene.room.layout.yaw_rad,
            },
            "emit": look == "baked",
            **options,
            **{kind: str(folder / name) for kind, name in wanted.items()},
        }
        if scene.light is not None:
            (folder / "environment.hdr").write_bytes(hdr_bytes(scene.light.environment))
            job["environment"] = str(folder / "environment.hdr")
        (folder / "job.json").write_text(json.dumps(job), encoding="utf-8")
        _run(folder / "job.json")
        missing = [name for name in wanted.values() if not (folder / name).is_file()]
        if missing:
            raise StageError(f"Blender did not write {', '.join(missing)}, and did not say why")
        return {name: (folder / name).read_bytes() for name in wanted.values()}


def _run(job: Path) -> None:
    python = os.environ.get(BLENDER_PYTHON) or sys.executable
    if BLENDER_PYTHON not in os.environ and importlib.util.find_spec("bpy") is None:
        raise StageError(f"there is no Blender: name a Python that has bpy in {BLENDER_PYTHON}")
    try:
        done = subprocess.run(
            # Isolated: the worker's neighbours and the caller's paths are none of Blender's business.
            [python, "-I", str(_WORKER), str(job)],
            capture_output=True,
            text=True,
            timeout=TIMEOUT_S,
            check=False,
        )
    except OSError as error:
        raise StageError(f"{BLENDER_PYTHON} names '{python}', which does not run: {error.strerror}") from error
    except subprocess.TimeoutExpired as error:
        raise StageError(f"Blender did not finish within {TIMEOUT_S} s") from error
    if done.returncode != 0:
        said = (done.stderr or done.stdout).strip().splitlines()
        raise StageError(f"Blender failed: {said[-1] if said else f'exit code {done.returncode}'}")
