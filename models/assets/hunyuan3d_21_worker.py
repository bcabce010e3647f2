"""What runs inside the environment of Hunyuan3D 2.1: pictures in, GLB files out; knows nothing of regen3d.

Called as `python hunyuan3d_21_worker.py job.json` in the folder of its source; nothing of this project is imported.
"""

import json
import shutil
import sys
from pathlib import Path
from typing import Any

NOT_INSTALLED, NO_WEIGHTS, OUT_OF_MEMORY = 3, 4, 5
"""Exit codes; the last line of the error stream says more."""
LOW_OCTREE = 192
"""Cells a side when memory ran out."""


def main(path: str) -> int:
    """Work through a job; returns the exit code."""
    job = json.loads(Path(path).read_text(encoding="utf-8"))
    source = Path.cwd()
    sys.path[:0] = [str(source / "hy3dshape"), str(source / "hy3dpaint"), str(source)]
    try:
        shape, paint = _pipelines(job, source)
        import torch
    except ImportError as error:
        sys.stderr.write(f"{error}\n")
        return NOT_INSTALLED
    except OSError as error:
        sys.stderr.write(f"{error}\n")
        return NO_WEIGHTS
    try:
        answers = [_make(job, k, shape, paint) for k in range(len(job["seeds"]))]
    except torch.cuda.OutOfMemoryError as error:
        sys.stderr.write(str(error).splitlines()[0] + "\n")
        return OUT_OF_MEMORY
    (Path(job["folder"]) / "answers.json").write_text(json.dumps(answers), encoding="utf-8")
    return 0


def _pipelines(job: dict[str, Any], source: Path) -> tuple[Any, Any]:
    from hy3dshape.pipelines import Hunyuan3DDiTFlowMatchingPipeline  # pyright: ignore[reportMissingImports]
    from textureGenPipeline import Hunyuan3DPaintConfig, Hunyuan3DPaintPipeline  # pyright: ignore[reportMissingImports]

    shape = Hunyuan3DDiTFlowMatchingPipeline.from_pretrained(job["weights"])
    if job["options"]["flashvdm"]:
        shape.enable_flashvdm(replace_vae=False, mc_algo="mc")
    config = Hunyuan3DPaintConfig(job["options"]["views"], job["options"]["view_px"])
    config.multiview_pretrained_path = job["weights"]
    config.multiview_cfg_path = str(source / "hy3dpaint/cfgs/hunyuan-paint-pbr.yaml")
    config.custom_pipeline = str(source / "hy3dpaint/hunyuanpaintpbr")
    config.realesrgan_ckpt_path = str(source / "hy3dpaint/ckpt/RealESRGAN_x4plus.pth")
    return shape, Hunyuan3DPaintPipeline(config)


def _make(job: dict[str, Any], k: int, shape: Any, paint: Any) -> dict[str, str]:
    """One object: its GLB file, and what happened on the way."""
    import torch
    from PIL import Image

    folder, options = Path(job["folder"]), job["options"]
    picture = Image.open(folder / f"{k}.png").convert("RGBA")
    note = ""
    try:
        mesh = _shape(shape, picture, options, options["octree"], job["seeds"][k])
    except torch.cuda.OutOfMemoryError:
        torch.cuda.empty_cache()
        octree = min(options["octree"], LOW_OCTREE)
        note = f"GPU memory ran out: the shape was made at octree {octree}."
        mesh = _shape(shape, picture, options, octree, job["seeds"][k])
    if mesh is None or len(mesh.faces) == 0:
        return {"error": "its field has no surface", "note": note}
    bare, painted = folder / f"{k}-bare.glb", folder / f"{k}-painted.obj"
    mesh.export(bare)
    paint(mesh_path=str(bare), image_path=picture, output_mesh_path=str(painted), use_remesh=True, save_glb=True)
    shutil.move(painted.with_suffix(".glb"), folder / f"{k}.glb")
    return {"error": "", "note": note}


def _shape(pipeline: Any, picture: Any, options: dict[str, Any], octree: int, seed: int) -> Any:
    import torch

    return pipeline(
        image=picture,
        num_inference_steps=options["steps"],
        guidance_scale=options["guidance"],
        octree_resolution=octree,
        num_chunks=options["chunks"],
        generator=torch.Generator(device=pipeline.device).manual_seed(seed),
    )[0]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
