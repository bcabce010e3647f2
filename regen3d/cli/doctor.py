"""`regen3d doctor`: what is installed, which adapters could run, what is missing and how to get it."""

import importlib.metadata
import platform
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from rich.table import Table

PARTS: tuple[tuple[str, str, str], ...] = (
    ("prefect", "prefect", "pip install ."),
    ("torch", "torch", "pip install ."),
    ("onnxruntime", "onnxruntime", "pip install ."),
    ("opencv", "opencv-python-headless", "pip install ."),
    ("trimesh", "trimesh", "pip install ."),
    ("ray", "ray", "pip install '.[ray]'"),
    ("s3fs", "s3fs", "pip install '.[s3]'"),
    ("google-genai", "google-genai", "pip install '.[gemini]'"),
    ("diffusers (FLUX.2 klein, Qwen-Image-Edit)", "diffusers", "pip install '.[diffusion]'"),
    ("transformers (SAM, GroundingDINO)", "transformers", "pip install '.[grounded-sam]'"),
    ("vggt", "vggt", "pip install '.[vggt]' and the vggt repository, see README"),
    ("hunyuan3d", "hy3dgen", "pip install '.[hunyuan3d]' && pip install --no-deps hy3dgen==2.0.2"),
    ("pytorch3d", "pytorch3d", "pip install '.[pytorch3d]' and PyTorch3D's own guide"),
    ("open3d", "open3d", "pip install '.[open3d]'"),
    ("usd-core", "usd-core", "pip install '.[usd]'"),
    ("bpy (FBX, .blend)", "bpy", "pip install '.[blender]'"),
    ("mujoco, coacd (drop test)", "mujoco", "pip install '.[evaluate]'"),
    ("mkdocs-material (documentation)", "mkdocs-material", "pip install '.[docs]'"),
)
"""Named part, distribution that carries it, command that installs it."""


def doctor() -> None:
    """Show what is installed, which adapters could run, and the command for what is missing.

    Exit codes: 0 when the embedded profile can run, 1 when it cannot.

    Example: regen3d doctor
    """
    from rich.console import Console

    from models import registry
    from regen3d.config import MODEL_STAGES, PROFILES

    console = Console(soft_wrap=True)
    console.print(f"regen3d {_version('regen3d')} on Python {platform.python_version()}, {platform.system()}")
    console.print(_parts())
    console.print(_adapters())
    console.print(f"GPU: {_gpu()}")
    embedded = [registry.find(stage, PROFILES["embedded"][stage]) for stage in MODEL_STAGES]
    if any(adapter.missing for adapter in embedded):
        console.print("The embedded profile cannot run: install what is missing above.")
        raise typer.Exit(1)
    console.print("The embedded profile can run: try `regen3d run PICTURE --out FOLDER`.")


def _version(distribution: str) -> str | None:
    try:
        return importlib.metadata.version(distribution)
    except importlib.metadata.PackageNotFoundError:
        return None


def _parts() -> "Table":
    from rich.markup import escape
    from rich.table import Table

    table = Table("part", "version", "install with", title="Packages")
    for part, distribution, command in PARTS:
        version = _version(distribution)
        table.add_row(part, version or "not installed", "" if version else escape(command))
    return table


def _adapters() -> "Table":
    from rich.markup import escape
    from rich.table import Table

    from models import registry

    table = Table("stage", "adapter", "model", "licence", "ready", title="Adapters")
    for adapter in registry.ADAPTERS:
        ready = "yes" if not adapter.missing else f"needs {', '.join(adapter.missing)}: {adapter.install}"
        table.add_row(adapter.stage, adapter.name, adapter.model, adapter.licence, escape(ready))
    return table


def _gpu() -> str:
    if _version("torch") is None:
        return "unknown, torch is not installed"
    import torch

    return torch.cuda.get_device_name(0) if torch.cuda.is_available() else "none; the embedded profile needs none"
