"""Hunyuan3D 2.0 (Zhao et al. 2025) through the package hy3dgen: the shape of an object from its picture, then paint."""

import gc
import importlib.util
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal, TypeVar

import numpy as np
import torch
import trimesh
from jaxtyping import Float, Integer
from PIL import Image

from models.assets.generated import finished, projected
from models.base import AssetRequest
from models.devices import device_of, free_memory
from models.registry import HUNYUAN_2, HUNYUAN_2_MINI, find
from models.weights import Weights, locate
from regen3d.errors import ConfigError, InvalidMeshError, NotInstalledError, OutOfMemoryError, WeightsMissingError
from regen3d.inputs.meshes import read_mesh_glb
from regen3d.meshes.hygiene import FACE_BUDGET, cleaned
from regen3d.types import Asset, Mesh

T = TypeVar("T")

SIZES: dict[str, tuple[Weights, str, str]] = {
    "full": (HUNYUAN_2, "hunyuan3d-dit-v2-0", "hunyuan3d-vae-v2-0-turbo"),
    "mini": (HUNYUAN_2_MINI, "hunyuan3d-dit-v2-mini", "hunyuan3d-vae-v2-mini-turbo"),
}
"""Size -> checkpoint, folder of the shape network in it, folder of the decoder that FlashVDM was distilled into."""
LOW_OCTREE, LOW_CHUNKS = 192, 4000
"""Grid and points at once when memory is short: a seventh of the cells of the default, half of its points."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HunyuanOptions:
    """What can be chosen; the defaults are those of hy3dgen."""

    device: str = "auto"
    """`auto`, `cpu`, `cuda`, `cuda:1`."""
    size: Literal["full", "mini"] = "full"
    """`mini` has 0.6 instead of 1.1 billion weights."""
    steps: int = 50
    """Denoising steps."""
    guidance: float = 5.0
    """How strictly the shape keeps to the picture."""
    octree: int = 384
    """Cells a side of the grid in which the surface is found."""
    chunks: int = 8000
    """Points of the grid that are decoded at once."""
    cpu_offload: bool = False
    """Whether only the part that computes is on the GPU."""
    flashvdm: bool = False
    """Whether the surface is decoded coarse to fine (Lai et al. 2025): faster, with less memory."""
    texture: Literal["paint", "projected"] = "paint"
    """`paint` needs a GPU and the rasteriser of Hunyuan3D; `projected` takes colours from the picture alone."""
    faces: int = FACE_BUDGET
    """Most faces of an asset."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rung:
    """One way to make a shape, on the ladder from what was asked to what needs least memory."""

    size: Literal["full", "mini"]
    """See `HunyuanOptions`, as the others."""
    offload: bool
    """Whether parts wait on the CPU."""
    octree: int
    """Cells a side."""
    chunks: int
    """Points at once."""

    @property
    def sentence(self) -> str:
        """How the shape was made, for the report."""
        how = ", parts waiting on the CPU" if self.offload else ""
        return f"GPU memory ran out: the shape was made by the {self.size} model at octree {self.octree}{how}."


def ladder(options: HunyuanOptions, *, on_gpu: bool, has_mini: bool) -> tuple[Rung, ...]:
    """What is tried in turn when memory runs out: as asked, offloaded, on a coarser grid, by the mini model."""
    rungs = [Rung(size=options.size, offload=options.cpu_offload, octree=options.octree, chunks=options.chunks)]
    if on_gpu and not options.cpu_offload:
        rungs.append(replace(rungs[-1], offload=True))
    low = replace(rungs[-1], octree=min(options.octree, LOW_OCTREE), chunks=min(options.chunks, LOW_CHUNKS))
    if low != rungs[-1]:
        rungs.append(low)
    if options.size == "full" and has_mini:
        rungs.append(replace(rungs[-1], size="mini"))
    return tuple(rungs)


class HunyuanAssets:
    """An `AssetGenerator` of shapes that fit the picture, of relative scale."""

    Options = HunyuanOptions

    def __init__(self, options: HunyuanOptions | None = None) -> None:
        self.options = options or HunyuanOptions()
        self._rungs: tuple[Rung, ...] = ()
        self._held: tuple[Rung, Any, Any] | None = None

    def load(self) -> None:
        """Import hy3dgen and read the weights.

        Raises:
            NotInstalledError: hy3dgen, or what it needs, is missing.
            WeightsMissingError: the weights are not on this machine.
            ConfigError: painting is asked for without a GPU.
            OutOfMemoryError: the memory of the GPU is too small for the last rung of the ladder.
        """
        on_gpu = device_of(self.options.device).type == "cuda"
        _check_installed(self.options.texture == "paint")
        if self.options.texture == "paint" and not on_gpu:
            raise ConfigError(
                "Hunyuan3D paints on a GPU only, and none is used: say --option generate.texture=projected"
            )
        self._rungs = ladder(self.options, on_gpu=on_gpu, has_mini=_is_there(HUNYUAN_2_MINI))
        self._first_that_fits(self._pipelines)

    def close(self) -> None:
        """Give the weights back."""
        self._held = None
        gc.collect()
        free_memory()

    def generate(self, requests: Sequence[AssetRequest]) -> list[Asset]:
        """An asset for each request, one after the other.

        Raises:
            InvalidMeshError: no surface came out, or one that cannot be used.
            OutOfMemoryError: the memory of the GPU is too small for the last rung of the ladder.
        """
        return [self._generate(request) for request in requests]

    def _generate(self, request: AssetRequest) -> Asset:
        if not self._rungs:
            self.load()
        rung, mesh = self._first_that_fits(lambda rung: self._mesh(rung, request))
        notes = () if rung == _asked(self.options) else (rung.sentence,)
        if self.options.texture == "projected":
            notes = (*notes, "Colours come from the picture; the back mirrors the front.")
        return finished(mesh, kind="hunyuan3d", budget=self.options.faces, seed=request.seed, notes=notes)

    def _first_that_fits(self, work: Callable[[Rung], T]) -> tuple[Rung, T]:
        """The first rung for which memory does, and what the work gave there."""
        for k, rung in enumerate(self._rungs):
            try:
                made = work(rung)
            except torch.OutOfMemoryError:
                self.close()
                continue
            # What ran out once would run out again: the next object starts here.
            self._rungs = self._rungs[k:]
            return rung, made
        self._rungs = self._rungs[-1:]
        raise OutOfMemoryError(
            f"{self._rungs[-1].sentence} It ran out even so: free the GPU, choose a smaller octree, "
            "or texture=projected"
        )

    def _mesh(self, rung: Rung, request: AssetRequest) -> Mesh:
        shape, paint = self._pipelines(rung)
        picture = Image.fromarray(request.completion.picture, "RGBA")
        answer = shape(
            image=picture,
            num_inference_steps=self.options.steps,
            guidance_scale=self.options.guidance,
            octree_resolution=rung.octree,
            num_chunks=rung.chunks,
            generator=torch.Generator(device=shape.device).manual_seed(request.seed),
            enable_pbar=False,
        )
        mesh = projected(*_arrays(answer[0]), request.completion.picture)
        if paint is None:
            return mesh
        # Laying out a million faces takes xatlas an hour: the surface is simplified first.
        light = cleaned(mesh, budget=self.options.faces, seed=request.seed)[0]
        return _read(paint(trimesh.Trimesh(light.vertices, light.faces), image=picture))

    def _pipelines(self, rung: Rung) -> tuple[Any, Any]:
        """Shape and paint pipelines of a rung; those of another one are given back first."""
        if self._held is None or (self._held[0].size, self._held[0].offload) != (rung.size, rung.offload):
            self.close()
            device = device_of(self.options.device)
            shape = _shape_pipeline(rung, self.options.flashvdm, device)
            paint = _paint_pipeline(rung, device) if self.options.texture == "paint" else None
            self._held = (rung, shape, paint)
        return self._held[1], self._held[2]


def _asked(options: HunyuanOptions) -> Rung:
    return ladder(options, on_gpu=False, has_mini=False)[0]


def _check_installed(paints: bool) -> None:
    install = find("generate", "hunyuan3d").install
    try:
        import hy3dgen.shapegen  # pyright: ignore[reportMissingImports]  # noqa: F401 - says what is missing
    except ImportError as error:
        raise NotInstalledError(f"Hunyuan3D 2.0 needs hy3dgen ({error}): install with `{install}`") from error
    if paints and importlib.util.find_spec("custom_rasterizer") is None:
        raise NotInstalledError(
            "painting needs custom_rasterizer, which is built from the source of Hunyuan3D-2: "
            "`pip install ./hy3dgen/texgen/custom_rasterizer` there, or say --option generate.texture=projected"
        )


def _is_there(weights: Weights) -> bool:
    try:
        locate(weights, "hunyuan3d")
    except WeightsMissingError:
        return False
    return True


def _shape_pipeline(rung: Rung, flashvdm: bool, device: torch.device) -> Any:
    from hy3dgen.shapegen import Hunyuan3DDiTFlowMatchingPipeline  # pyright: ignore[reportMissingImports]
    from hy3dgen.shapegen.models import ShapeVAE  # pyright: ignore[reportMissingImports]

    weights, subfolder, turbo = SIZES[rung.size]
    folder = locate(weights, "hunyuan3d")
    precision = torch.float16 if device.type == "cuda" else torch.float32
    start = torch.device("cpu") if rung.offload else device
    pipeline = Hunyuan3DDiTFlowMatchingPipeline.from_pretrained(
        str(folder), subfolder=subfolder, device=start, dtype=precision, use_safetensors=True, variant="fp16"
    )
    if flashvdm:
        if (folder / turbo).is_dir():
            pipeline.vae = ShapeVAE.from_pretrained(str(folder), subfolder=turbo, device=start, dtype=precision)
        pipeline.enable_flashvdm(replace_vae=False)
    if rung.offload:
        # hy3dgen 2.0.2 reads `components` without ever setting it, and takes the waiting place for the working one.
        pipeline.components = {name: getattr(pipeline, name) for name in ("conditioner", "model", "vae")}
        pipeline.enable_model_cpu_offload(device=device)
        pipeline.device = device
    return pipeline


def _paint_pipeline(rung: Rung, device: torch.device) -> Any:
    from hy3dgen.texgen import Hunyuan3DPaintPipeline  # pyright: ignore[reportMissingImports]

    pipeline = Hunyuan3DPaintPipeline.from_pretrained(str(locate(HUNYUAN_2, "hunyuan3d")))
    if rung.offload:
        pipeline.enable_model_cpu_offload(device=device)
    return pipeline


def _arrays(mesh: Any) -> tuple[Float[np.ndarray, "v 3"], Integer[np.ndarray, "f 3"]]:
    """Vertices and faces; hy3dgen answers None where its field has no surface."""
    if mesh is None:
        raise InvalidMeshError("Hunyuan3D found no surface in its field: use another seed, or more steps")
    return np.asarray(mesh.vertices, dtype=np.float64), np.asarray(mesh.faces, dtype=np.int64)


def _read(painted: Any) -> Mesh:
    """A painted mesh with all that its material says."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "painted.glb"
        painted.export(path)
        return read_mesh_glb(path)
