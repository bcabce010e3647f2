"""Every adapter by name: where its class is, what it needs, and under which licence it stands.

The table holds strings and numbers; a module is imported when its adapter is first used.
"""

import importlib
import importlib.util
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from pydantic import TypeAdapter, ValidationError

from models.weights import Weights
from regen3d.errors import ConfigError, NotInstalledError


@dataclass(frozen=True, slots=True, kw_only=True)
class Resources:
    """What one loaded copy of a model holds while it works."""

    cpus: float = 1.0
    """Cores."""
    gpus: float = 0.0
    """Share of one GPU; 0 for a model that needs none."""
    vram_gb: float = 0.0
    """Peak memory on the GPU, gigabytes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Adapter:
    """What is known of an adapter without importing it."""

    stage: str
    """The stage it can run."""
    name: str
    """Its name on the command line."""
    target: str
    """`module:Class`."""
    model: str
    """Model or method, for people."""
    revision: str
    """Version of the weights, or of the method; part of the key of every result."""
    licence: str
    """Name in `models.licences.LICENCES`: the strictest of code and weights."""
    packages: tuple[str, ...] = ()
    """Import names that must be there."""
    install: str = "pip install ."
    """The command that installs them."""
    weights: tuple[Weights, ...] = ()
    """Checkpoints that it loads with its default options; empty where they are part of the package, or of a service."""
    spare: tuple[Weights, ...] = ()
    """Checkpoints that it falls back on where they are there."""
    keys: tuple[str, ...] = ()
    """Environment variables of which one must hold the key of a service."""
    resources: Resources = Resources()
    """What one copy holds."""
    paid: bool = False
    """Whether its calls go to a service that charges."""
    queried: bool = False
    """Whether it is shown a composed query (`regen3d.query.layout.application_query`) rather than the object's view."""

    @property
    def missing(self) -> tuple[str, ...]:
        """Packages that are not installed."""
        return tuple(name for name in self.packages if importlib.util.find_spec(name) is None)


GEMINI_KEYS = ("GEMINI_API_KEY", "GOOGLE_API_KEY")
"""Where the key of Gemini is read from, in this order, and nowhere else; it is kept nowhere."""
GROUNDING_DINO = {
    "base": Weights(
        repo="IDEA-Research/grounding-dino-base", revision="12bdfa3120f3e7ec7b434d90674b3396eccf88eb", size_gb=0.93
    ),
    "tiny": Weights(
        repo="IDEA-Research/grounding-dino-tiny", revision="a2bb814dd30d776dcf7e30523b00659f4f141c71", size_gb=0.69
    ),
}
"""GroundingDINO by option `detector`."""
SAM = {
    "base": Weights(repo="facebook/sam-vit-base", revision="70c1a07f894ebb5b307fd9eaaee97b9dfc16068f", size_gb=0.38),
    "huge": Weights(repo="facebook/sam-vit-huge", revision="87aecf0df4ce6b30cd7de76e87673c49644bdf67", size_gb=2.56),
}
"""SAM by option `segmenter`."""
SAM3 = Weights(repo="facebook/sam3", revision="3c879f39826c281e95690f02c7821c4de09afae7", size_gb=3.44)
"""SAM 3; gated."""
HUNYUAN_2 = Weights(
    repo="tencent/Hunyuan3D-2",
    revision="9cd649ba6913f7a852e3286bad86bfa9a2d83dcf",
    size_gb=16.0,
    patterns=(
        "hunyuan3d-dit-v2-0/config.yaml",
        "hunyuan3d-dit-v2-0/model.fp16.safetensors",
        "hunyuan3d-vae-v2-0-turbo/config.yaml",
        "hunyuan3d-vae-v2-0-turbo/model.fp16.safetensors",
        "hunyuan3d-delight-v2-0/*",
        "hunyuan3d-paint-v2-0/*",
    ),
)
"""Hunyuan3D 2.0: shape, the decoder of FlashVDM, and paint."""
HUNYUAN_2_MINI = Weights(
    repo="tencent/Hunyuan3D-2mini",
    revision="f90a0f7df7d5e6f71109cf333f6a95a0ae3194a6",
    size_gb=4.5,
    patterns=(
        "hunyuan3d-dit-v2-mini/config.yaml",
        "hunyuan3d-dit-v2-mini/model.fp16.safetensors",
        "hunyuan3d-vae-v2-mini-turbo/config.yaml",
        "hunyuan3d-vae-v2-mini-turbo/model.fp16.safetensors",
    ),
)
"""The small shape network of Hunyuan3D 2.0."""
HUNYUAN_21 = Weights(repo="tencent/Hunyuan3D-2.1", revision="0b94677654c57bb9a6b6845cd7b704ccf551d327", size_gb=14.0)
"""Hunyuan3D 2.1: shape and physically based paint."""
MOGE = Weights(
    repo="Ruicheng/moge-2-vitl-normal",
    revision="b135031bae30b5ac2ae141a0e68717795ce38340",
    size_gb=1.3,
    patterns=("model.pt",),
)
"""MoGe-2, large, with normals."""
VGGT = Weights(
    repo="facebook/VGGT-1B",
    revision="860abec7937da0a4c03c41d3c269c366e82abdf9",
    size_gb=5.1,
    patterns=("config.json", "model.safetensors"),
)
"""The research weights of VGGT; those of `facebook/VGGT-1B-Commercial` are gated."""
FLUX2_KLEIN = Weights(
    repo="black-forest-labs/FLUX.2-klein-4B", revision="e7b7dc27f91deacad38e78976d1f2b499d76a294", size_gb=15.5
)
"""FLUX.2 klein of 4 billion weights, distilled to four steps, with its text encoder; that of 9 billion is not free."""
QWEN_EDIT = Weights(repo="Qwen/Qwen-Image-Edit-2511", revision="6f3ccc0b56e431dc6a0c2b2039706d7d26f22cb9", size_gb=57.7)
"""Qwen-Image-Edit of 20 billion weights, with its image-language encoder."""

ADAPTERS: tuple[Adapter, ...] = (
    Adapter(
        stage="complete",
        name="diffusion",
        target="models.editing.diffusion:DiffusionEditor",
        model="FLUX.2 klein 4B, or Qwen-Image-Edit by the option `model`",
        revision="e7b7dc27",
        licence="Apache-2.0",
        packages=("accelerate", "cv2", "diffusers", "transformers"),
        install="pip install 'regen3d[diffusion]'",
        queried=True,
        weights=(FLUX2_KLEIN,),
        resources=Resources(gpus=1.0, vram_gb=20.0),
    ),
    Adapter(
        stage="complete",
        name="embedded",
        target="models.editing.complete_embedded:EmbeddedCompletion",
        model="mirror and fill inside a fitted box",
        revision="1",
        licence="MIT",
        packages=("cv2",),
    ),
    Adapter(
        stage="complete",
        name="gemini",
        target="models.editing.gemini:GeminiEditor",
        model="gemini-3.1-flash-image, or the option `model`",
        revision="gemini-3.1-flash-image",
        licence="Gemini API Terms",
        packages=("cv2", "google"),
        install="pip install 'regen3d[gemini]'",
        keys=GEMINI_KEYS,
        paid=True,
        queried=True,
        resources=Resources(cpus=0.1),
    ),
    Adapter(
        stage="complete",
        name="visible",
        target="models.editing.complete_visible:VisiblePart",
        model="none: the visible part alone",
        revision="1",
        licence="MIT",
    ),
    Adapter(
        stage="generate",
        name="embedded",
        target="models.assets.embedded:EmbeddedAssets",
        model="parametric furniture with projected texture",
        revision="1",
        licence="MIT",
        packages=("cv2", "torch"),
    ),
    Adapter(
        stage="generate",
        name="hunyuan3d",
        target="models.assets.hunyuan3d:HunyuanAssets",
        model="Hunyuan3D 2.0",
        revision="9cd649ba6913f7a852e3286bad86bfa9a2d83dcf",
        licence="Tencent Hunyuan 3D 2.0 Community License",
        packages=("diffusers", "einops", "hy3dgen", "pymeshlab", "skimage", "torchvision", "transformers", "yaml"),
        install="pip install 'regen3d[hunyuan3d]' torchvision && pip install --no-deps hy3dgen==2.0.2",
        weights=(HUNYUAN_2,),
        spare=(HUNYUAN_2_MINI,),
        resources=Resources(gpus=1.0, vram_gb=16.0),
    ),
    Adapter(
        stage="generate",
        name="hunyuan3d-2.1",
        target="models.assets.hunyuan3d_21:Hunyuan21Assets",
        model="Hunyuan3D 2.1",
        revision="0b94677654c57bb9a6b6845cd7b704ccf551d327",
        licence="Tencent Hunyuan 3D 2.1 Community License",
        install="pip install -r requirements.txt, in an environment of its own inside a clone of "
        "github.com/Tencent-Hunyuan/Hunyuan3D-2.1",
        weights=(HUNYUAN_21,),
        resources=Resources(gpus=1.0, vram_gb=29.0),
    ),
    Adapter(
        stage="geometry",
        name="embedded",
        target="models.geometry.embedded:EmbeddedGeometry",
        model="vanishing points and room box",
        revision="1",
        licence="MIT",
        packages=("cv2", "scipy"),
    ),
    Adapter(
        stage="geometry",
        name="moge",
        target="models.geometry.moge:MogeGeometry",
        model="MoGe-2",
        revision="b135031b",
        licence="MIT",
        packages=("moge",),
        install="pip install git+https://github.com/microsoft/MoGe.git",
        weights=(MOGE,),
        resources=Resources(gpus=1.0, vram_gb=4.0),
    ),
    Adapter(
        stage="geometry",
        name="vggt",
        target="models.geometry.vggt:VggtGeometry",
        model="VGGT-1B",
        revision="860abec7",
        licence="CC-BY-NC-4.0",
        packages=("vggt",),
        install="pip install 'regen3d[vggt]' git+https://github.com/facebookresearch/vggt.git",
        weights=(VGGT,),
        resources=Resources(gpus=1.0, vram_gb=8.0),
    ),
    Adapter(
        stage="geometry",
        name="vggt+moge",
        target="models.geometry.fusion:VggtWithMoge",
        model="VGGT-1B in the metres of MoGe-2",
        revision="860abec7+b135031b",
        licence="CC-BY-NC-4.0",
        packages=("moge", "vggt"),
        install="pip install 'regen3d[vggt]' git+https://github.com/facebookresearch/vggt.git "
        "git+https://github.com/microsoft/MoGe.git",
        weights=(MOGE, VGGT),
        resources=Resources(gpus=1.0, vram_gb=12.0),
    ),
    Adapter(
        stage="plate",
        name="diffusion",
        target="models.editing.diffusion:DiffusionEditor",
        model="FLUX.2 klein 4B, or Qwen-Image-Edit by the option `model`",
        revision="e7b7dc27",
        licence="Apache-2.0",
        packages=("accelerate", "cv2", "diffusers", "transformers"),
        install="pip install 'regen3d[diffusion]'",
        weights=(FLUX2_KLEIN,),
        resources=Resources(gpus=1.0, vram_gb=20.0),
    ),
    Adapter(
        stage="plate",
        name="embedded",
        target="models.editing.plate_embedded:EmbeddedPlate",
        model="fill per rectified room plane",
        revision="1",
        licence="MIT",
        packages=("cv2",),
    ),
    Adapter(
        stage="plate",
        name="gemini",
        target="models.editing.gemini:GeminiEditor",
        model="gemini-3.1-flash-image, or the option `model`",
        revision="gemini-3.1-flash-image",
        licence="Gemini API Terms",
        packages=("cv2", "google"),
        install="pip install 'regen3d[gemini]'",
        keys=GEMINI_KEYS,
        paid=True,
        resources=Resources(cpus=0.1),
    ),
    Adapter(
        stage="segment",
        name="embedded",
        target="models.segmentation.embedded:EmbeddedSegmenter",
        model="small detector and GrabCut",
        revision="1",
        licence="Apache-2.0",
        packages=("cv2", "onnxruntime"),
    ),
    Adapter(
        stage="segment",
        name="grounded-sam",
        target="models.segmentation.grounded_sam:GroundedSam",
        model="GroundingDINO and SAM",
        revision="12bdfa31+87aecf0d",
        licence="Apache-2.0",
        packages=("torch", "transformers"),
        install="pip install 'regen3d[grounded-sam]'",
        weights=(GROUNDING_DINO["base"], SAM["huge"]),
        resources=Resources(gpus=1.0, vram_gb=6.0),
    ),
    Adapter(
        stage="segment",
        name="sam3",
        target="models.segmentation.sam3:Sam3Segmenter",
        model="SAM 3",
        revision="3c879f39",
        licence="SAM License",
        packages=("torch", "transformers"),
        install="pip install 'regen3d[grounded-sam]'",
        weights=(SAM3,),
        resources=Resources(gpus=1.0, vram_gb=8.0),
    ),
)
"""In alphabetical order of stage and name."""


def find(stage: str, name: str) -> Adapter:
    """The adapter of that name for a stage.

    Raises:
        ConfigError: there is none.
    """
    names = [adapter.name for adapter in ADAPTERS if adapter.stage == stage]
    for adapter in ADAPTERS:
        if (adapter.stage, adapter.name) == (stage, name):
            return adapter
    raise ConfigError(f"no adapter '{name}' for stage '{stage}': choose one of {', '.join(names)}")


def construct(adapter: Adapter, options: Mapping[str, str | int | float | bool] | None = None) -> Any:
    """Make the adapter's object without loading its weights.

    Args:
        adapter: what to make.
        options: fields of the class's `Options`, as text or as values; the others keep their defaults.

    Raises:
        NotInstalledError: a package is missing.
        ConfigError: an option is unknown, or its value cannot be read.
    """
    if adapter.missing:
        packages = ", ".join(adapter.missing)
        raise NotInstalledError(f"'{adapter.name}' needs {packages}: install with `{adapter.install}`")
    module, name = adapter.target.split(":")
    made = getattr(importlib.import_module(module), name)
    return made(read_options(adapter, made, options)) if options else made()


def read_options(adapter: Adapter, made: type, options: Mapping[str, str | int | float | bool]) -> Any:
    """Options of an adapter as the frozen dataclass `Options` of its class.

    Raises:
        ConfigError: the adapter has no options, one is unknown, or its value cannot be read.
    """
    kind: Any = getattr(made, "Options", None)
    known = [field.name for field in fields(kind)] if kind else []
    for name in options:
        if name not in known:
            offered = ", ".join(known) or "none"
            raise ConfigError(f"'{adapter.name}' for {adapter.stage} has no option '{name}': it knows {offered}")
    try:
        return TypeAdapter(kind).validate_python(dict(options))
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        raise ConfigError(
            f"option '{place}' of '{adapter.name}' for {adapter.stage} cannot be read: {first['msg'].lower()}"
        ) from error
