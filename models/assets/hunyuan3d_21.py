"""Hunyuan3D 2.1 (Tencent 2025): shape and physically based paint, in a Python environment of its own.

It pins other versions of PyTorch and its friends than regen3d runs with, and reads folders relative to its own source.
So each batch is one process of that environment's Python, which gets pictures and answers GLB files.
"""

import json
import os
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from PIL import Image

from models.assets import hunyuan3d_21_worker as worker
from models.assets.generated import finished
from models.base import AssetRequest
from models.registry import HUNYUAN_21, find
from models.weights import locate
from regen3d.errors import (
    ConfigError,
    InvalidMeshError,
    ModelOutputError,
    NotInstalledError,
    OutOfMemoryError,
    WeightsMissingError,
)
from regen3d.inputs.meshes import read_mesh_glb
from regen3d.meshes.hygiene import FACE_BUDGET
from regen3d.types import Asset


@dataclass(frozen=True, slots=True, kw_only=True)
class Hunyuan21Options:
    """What can be chosen; the defaults are those of Hunyuan3D 2.1."""

    source: str = ""
    """Folder of a clone of Hunyuan3D-2.1 with its extensions built."""
    python: str = ""
    """Its Python; empty: `.venv/bin/python` in that folder."""
    steps: int = 50
    """Denoising steps."""
    guidance: float = 5.0
    """How strictly the shape keeps to the picture."""
    octree: int = 384
    """Cells a side of the grid in which the surface is found."""
    chunks: int = 8000
    """Points of the grid that are decoded at once."""
    flashvdm: bool = False
    """Whether the surface is decoded coarse to fine: faster, with less memory."""
    views: int = 6
    """Views that are painted, 6..9."""
    view_px: int = 512
    """Side of a painted view, 512 or 768."""
    faces: int = FACE_BUDGET
    """Most faces of an asset."""
    timeout_s: float = 1200.0
    """Longest time for one object, seconds."""


class Hunyuan21Assets:
    """An `AssetGenerator` of shapes with their materials, of relative scale."""

    Options = Hunyuan21Options

    def __init__(self, options: Hunyuan21Options | None = None) -> None:
        self.options = options or Hunyuan21Options()
        self._weights: Path | None = None

    def load(self) -> None:
        """See that environment and weights are there; the weights are read by the process of a batch.

        Raises:
            NotInstalledError: there is no such environment.
            WeightsMissingError: the weights are not on this machine.
        """
        source, python = Path(self.options.source), self._python()
        if not self.options.source or not (source / "hy3dshape").is_dir() or not python.is_file():
            raise NotInstalledError(
                f"Hunyuan3D 2.1 needs an environment of its own (source '{self.options.source}', python '{python}'): "
                f"{find('generate', 'hunyuan3d-2.1').install}; then name the clone with "
                "--option generate.source=FOLDER"
            )
        self._weights = locate(HUNYUAN_21, "hunyuan3d-2.1")

    def close(self) -> None:
        """Nothing is held between batches."""
        self._weights = None

    def generate(self, requests: Sequence[AssetRequest]) -> list[Asset]:
        """An asset for each request.

        Raises:
            InvalidMeshError: no surface came out, or one that cannot be used.
            OutOfMemoryError: memory ran out, even on the coarse grid.
            NotInstalledError: the environment lacks a package.
            ModelOutputError: its process broke off.
        """
        if not requests:
            return []
        if self._weights is None:
            self.load()
        with tempfile.TemporaryDirectory() as folder:
            return self._run(Path(folder), requests)

    def _run(self, folder: Path, requests: Sequence[AssetRequest]) -> list[Asset]:
        for k, request in enumerate(requests):
            Image.fromarray(request.completion.picture, "RGBA").save(folder / f"{k}.png")
        seeds = [request.seed for request in requests]
        job = {"options": asdict(self.options), "weights": str(self._weights), "seeds": seeds, "folder": str(folder)}
        (folder / "job.json").write_text(json.dumps(job), encoding="utf-8")
        self._call(folder / "job.json", len(requests))
        answers = json.loads((folder / "answers.json").read_text(encoding="utf-8"))
        return [
            self._asset(folder / f"{k}.glb", answer, request.seed)
            for k, (answer, request) in enumerate(zip(answers, requests, strict=True))
        ]

    def _call(self, job: Path, count: int) -> None:
        # A path of this project's packages would shadow those of the environment.
        environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
        try:
            done = subprocess.run(
                [str(self._python()), str(Path(worker.__file__)), str(job)],
                cwd=self.options.source,
                env=environment,
                capture_output=True,
                text=True,
                timeout=self.options.timeout_s * count,
                check=False,
            )
        except subprocess.TimeoutExpired as error:
            raise ModelOutputError(
                f"Hunyuan3D 2.1 took longer than {error.timeout:.0f} s for {count} objects: raise timeout_s"
            ) from error
        if done.returncode:
            last = (done.stderr.strip().splitlines() or ["it said nothing"])[-1]
            raise _error_of(done.returncode, last)

    def _asset(self, path: Path, answer: Mapping[str, str], seed: int) -> Asset:
        if answer["error"]:
            raise InvalidMeshError(f"Hunyuan3D 2.1 made no mesh ({answer['error']}): use another seed, or more steps")
        try:
            mesh = read_mesh_glb(path)
        except ConfigError as error:
            raise ModelOutputError(f"Hunyuan3D 2.1 answered a file that cannot be read: {error}") from error
        notes = (answer["note"],) if answer["note"] else ()
        return finished(mesh, kind="hunyuan3d-2.1", budget=self.options.faces, seed=seed, notes=notes)

    def _python(self) -> Path:
        return Path(self.options.python or Path(self.options.source) / ".venv" / "bin" / "python")


def _error_of(code: int, last: str) -> Exception:
    if code == worker.NOT_INSTALLED:
        return NotInstalledError(
            f"the environment of Hunyuan3D 2.1 is not complete ({last}): {find('generate', 'hunyuan3d-2.1').install}"
        )
    if code == worker.NO_WEIGHTS:
        return WeightsMissingError(
            f"Hunyuan3D 2.1 cannot read its weights ({last}): get them with `regen3d models fetch hunyuan3d-2.1`"
        )
    if code == worker.OUT_OF_MEMORY:
        return OutOfMemoryError(f"Hunyuan3D 2.1 ran out of GPU memory even on the coarse grid ({last}): free the GPU")
    return ModelOutputError(f"the process of Hunyuan3D 2.1 broke off with code {code}: {last}")
