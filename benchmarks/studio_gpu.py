"""What the networks of the studio profile cost on this GPU: seconds and peak memory, full size, with random weights.

Run: python -m benchmarks.studio_gpu [--parts sam-huge,flux2-klein] [--seconds 200] [--out FILE.json] [--tiny]

Weights are random, so what the networks answer is nonsense; what they cost is what trained ones cost, but for steps
whose work depends on the answer, which are left out (reading boxes, the surface of a field). Each network is built from
its configuration, saved, and loaded by the adapter that regen3d runs, where that reads a folder; then one warm worker
asks it again and again. `--tiny` runs tiny networks on a CPU, to see that all this works.
"""

import argparse
import gc
import importlib.util
import json
import statistics
import sys
import tempfile
import time
import types
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmarks import studio_shapes as full
from benchmarks.tables import number, table
from models.editing.diffusion import DiffusionOptions, DiffusionPainter
from models.registry import GROUNDING_DINO, SAM
from models.segmentation.concepts import Sam3
from models.segmentation.grounding import GroundingDino
from models.segmentation.sam import Sam
from regen3d.query.layout import canvas_wh
from regen3d.types import Rgb
from tests.synthetic import hunyuan, tiny_editors, tiny_models
from tests.synthetic.beside import import_beside

HW = (960, 1280)
"""Height and width of the picture."""
LABELS = (
    "armchair",
    "bed",
    "bookcase",
    "cabinet",
    "chair",
    "coffee table",
    "desk",
    "lamp",
    "plant",
    "sofa",
    "table",
    "vase",
)
"""Looked for."""
BATCHES = (1, 2, 4, 8, 16)
"""Pictures at once."""
OBJECTS = 16
"""Boxes that are cut out of a picture."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """One line of the table."""

    part: str
    """Network."""
    work: str
    """What one item is."""
    batch: int
    """Items at once."""
    seconds: float
    """Of one item, median."""
    load_seconds: float | None = None
    """From files to the first answer, where it was loaded from files."""
    peak_gb: float | None = None
    """Greatest memory of the GPU while it worked, weights included, 10^9 bytes; None on a CPU."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bench:
    """Where networks run."""

    device: torch.device
    """GPU or CPU."""
    tiny: bool
    """Tiny networks, few repeats."""
    root: Path
    """Checkpoints are written below it."""

    @property
    def batches(self) -> tuple[int, ...]:
        """Batches that are tried."""
        return BATCHES[:2] if self.tiny else BATCHES

    def seconds(self, work: Callable[[], Any], items: int = 1, repeats: int = 5) -> float:
        """Median time of an item, after one run that does not count."""
        times = []
        for _ in range(2 if self.tiny else repeats + 1):
            self.wait()
            started = time.perf_counter()
            work()
            self.wait()
            times.append((time.perf_counter() - started) / items)
        return statistics.median(times[1:])

    def wait(self) -> None:
        """Until the GPU is done."""
        if self.device.type == "cuda":
            torch.cuda.synchronize()

    def forget(self) -> None:
        """Begin to measure memory anew."""
        gc.collect()
        if self.device.type == "cuda":
            torch.cuda.empty_cache()
            torch.cuda.reset_peak_memory_stats()

    @property
    def peak_gb(self) -> float | None:
        """Since `forget`."""
        return torch.cuda.max_memory_allocated() / 1e9 if self.device.type == "cuda" else None


def detector(bench: Bench, size: str) -> list[Cost]:
    """GroundingDINO: one prompt of twelve labels for a picture, and its network alone in batches."""
    part, weights = f"grounding-dino-{size}", GROUNDING_DINO[size]
    sizes = tiny_models.DINO if bench.tiny else full.GROUNDING_DINO[size]
    with torch.device(bench.device):
        folder = tiny_models.write_grounding_dino(bench.root, weights, sizes)
    bench.forget()
    started = time.perf_counter()
    model = GroundingDino(folder, bench.device)
    # Above what random weights reach: reading thousands of boxes of nonsense is no part of the cost.
    work = lambda: model.find(picture(), LABELS, 0.99, 0.25)  # noqa: E731 - as short as its use
    work()
    load = time.perf_counter() - started
    costs = [
        Cost(
            part=part,
            work="picture, as regen3d asks",
            batch=1,
            seconds=bench.seconds(work),
            load_seconds=load,
            peak_gb=bench.peak_gb,
        )
    ]
    inputs = model._processor(
        images=picture(), text=". ".join(LABELS) + ".", input_data_format="channels_last", return_tensors="pt"
    ).to(bench.device)
    return costs + batched(bench, part, "picture, network alone", lambda n: _forward(model._model, inputs, n, bench))


def _forward(model: Any, inputs: Any, n: int, bench: Bench) -> None:
    many = {name: tensor.expand(n, *tensor.shape[1:]) for name, tensor in inputs.items()}
    with torch.inference_mode(), torch.autocast("cuda", torch.float16, enabled=bench.device.type == "cuda"):
        model(**many)


def cutter(bench: Bench, size: str) -> list[Cost]:
    """SAM: sixteen boxes of a picture, and its encoder alone in batches."""
    part, weights = f"sam-vit-{size}", SAM[size]
    with torch.device(bench.device):
        folder = tiny_models.write_sam(bench.root, weights, tiny_models.VIT_SAM if bench.tiny else full.SAM[size])
    bench.forget()
    started = time.perf_counter()
    model = Sam(folder, bench.device)
    model.cut(picture(), boxes(), OBJECTS)
    load = time.perf_counter() - started
    costs = []
    for chunk in (1, OBJECTS):
        bench.forget()
        seconds = bench.seconds(lambda chunk=chunk: model.cut(picture(), boxes(), chunk))
        costs.append(
            Cost(
                part=part,
                work=f"picture with {OBJECTS} boxes",
                batch=chunk,
                seconds=seconds,
                load_seconds=load,
                peak_gb=bench.peak_gb,
            )
        )
    side = int(model._model.config.vision_config.image_size)
    pixels = torch.zeros(1, 3, side, side, device=bench.device, dtype=model._dtype)

    def encode(n: int) -> None:
        with torch.inference_mode():
            model._model.get_image_embeddings(pixels.expand(n, -1, -1, -1))

    return costs + batched(bench, part, "picture, encoder alone", encode)


def concepts(bench: Bench) -> list[Cost]:
    """SAM 3: twelve phrases of a picture."""
    with torch.device(bench.device):
        folder = tiny_models.write_sam3(bench.root, sizes=tiny_models.CONCEPTS if bench.tiny else full.SAM3)
    bench.forget()
    started = time.perf_counter()
    model = Sam3(folder, bench.device)
    work = lambda: model.find(picture(), LABELS, 0.99)  # noqa: E731 - as short as its use
    work()
    load = time.perf_counter() - started
    seconds = bench.seconds(work)
    return [
        Cost(
            part="sam3",
            work=f"picture with {len(LABELS)} phrases",
            batch=1,
            seconds=seconds,
            load_seconds=load,
            peak_gb=bench.peak_gb,
        )
    ]


def trunk(bench: Bench) -> list[Cost]:
    """DINOv2-L, the trunk of VGGT and MoGe-2."""
    from transformers import Dinov2Config, Dinov2Model

    tiny: dict[str, Any] = {
        "hidden_size": 16,
        "num_hidden_layers": 1,
        "num_attention_heads": 2,
        "image_size": 28,
        "patch_size": 14,
    }
    sizes = tiny if bench.tiny else full.DINOV2_LARGE
    with torch.device(bench.device):
        model: Any = Dinov2Model(Dinov2Config(**sizes)).eval()
    model = model.to(torch.bfloat16)
    pixels = torch.zeros(1, 3, sizes["image_size"], sizes["image_size"], device=bench.device, dtype=torch.bfloat16)

    def encode(n: int) -> None:
        with torch.inference_mode():
            model(pixels.expand(n, -1, -1, -1))

    return batched(bench, "dinov2-large (trunk of VGGT, MoGe-2)", "picture of 518 px", encode)


def shape(bench: Bench) -> list[Cost]:
    """Hunyuan3D 2.0: 50 guided steps for an object, and the field on the grid; no surface is drawn from noise."""
    if importlib.util.find_spec("hy3dgen") is None:
        import_beside("hy3dgen", "pymeshlab", "torchvision")
    if importlib.util.find_spec("pymeshlab") is None:
        # Its post-processing names a class of this package as soon as it is imported, and is not used here.
        absent = types.ModuleType("pymeshlab")
        absent.__dict__["MeshSet"] = object
        sys.modules["pymeshlab"] = absent
    from hy3dgen.shapegen import Hunyuan3DDiTFlowMatchingPipeline  # pyright: ignore[reportMissingImports]
    from hy3dgen.shapegen.pipelines import instantiate_from_config  # pyright: ignore[reportMissingImports]
    from PIL import Image

    config = hunyuan.CONFIG if bench.tiny else full.HUNYUAN
    with torch.device(bench.device):
        parts = {name: instantiate_from_config(config[name]) for name in ("model", "vae", "conditioner")}
    rest = {name: instantiate_from_config(config[name]) for name in ("scheduler", "image_processor")}
    precision = torch.float16 if bench.device.type == "cuda" else torch.float32
    pipeline = Hunyuan3DDiTFlowMatchingPipeline(**parts, **rest, device=bench.device, dtype=precision)
    pipeline.to(bench.device, precision)
    steps, octree = (2, 16) if bench.tiny else (50, 384)
    part, rgba = "hunyuan3d-2.0 shape", np.dstack([picture(), np.full(HW, 255, np.uint8)])
    costs: list[Cost] = []

    def denoise(n: int) -> Any:
        return pipeline(
            image=[Image.fromarray(rgba, "RGBA")] * n,
            num_inference_steps=steps,
            output_type="latent",
            enable_pbar=False,
        )

    for n in bench.batches[:3]:
        bench.forget()
        seconds = bench.seconds(lambda n=n: denoise(n), n, repeats=1)
        costs.append(Cost(part=part, work=f"object, {steps} steps", batch=n, seconds=seconds, peak_gb=bench.peak_gb))
    latents = pipeline.vae(denoise(1) / pipeline.vae.scale_factor)
    for chunks in (8000, 64000):
        bench.forget()

        def decode(chunks: int = chunks) -> None:
            with torch.inference_mode():
                pipeline.vae.volume_decoder(
                    latents, pipeline.vae.geo_decoder, num_chunks=chunks, octree_resolution=octree, enable_pbar=False
                )

        seconds = bench.seconds(decode, repeats=1)
        work = f"object, field of octree {octree}, {chunks} points at once"
        costs.append(Cost(part=part, work=work, batch=1, seconds=seconds, peak_gb=bench.peak_gb))
    return costs


def painter(bench: Bench) -> list[Cost]:
    """FLUX.2 klein 4B: one query of a megapixel in four steps."""
    precision = torch.bfloat16 if bench.device.type == "cuda" else torch.float32
    with torch.device(bench.device):
        pipeline = tiny_editors.klein_pipeline(tiny_editors.KLEIN if bench.tiny else full.KLEIN)
    pipeline.to(bench.device, precision)
    pipeline.set_progress_bar_config(disable=True)
    options = DiffusionOptions(device=str(bench.device), megapixels=0.02 if bench.tiny else 1.0)
    width, height = canvas_wh("4:3")
    query = np.full((height, width, 3), 200, np.uint8)

    class Built(DiffusionPainter):
        def _read(self) -> Any:
            return pipeline

    made = Built(options)
    bench.forget()
    seconds = bench.seconds(lambda: made.paint(query, "Complete the chair on the card.", "4:3", 0), repeats=3)
    work = f"query of {width} x {height}, {made._family.steps} steps"
    return [Cost(part="flux2-klein-4b", work=work, batch=1, seconds=seconds, peak_gb=bench.peak_gb)]


PARTS: dict[str, Callable[[Bench], list[Cost]]] = {
    "grounding-dino-base": lambda bench: detector(bench, "base"),
    "sam-huge": lambda bench: cutter(bench, "huge"),
    "hunyuan3d": shape,
    "flux2-klein": painter,
    "sam3": concepts,
    "dinov2": trunk,
    "grounding-dino-tiny": lambda bench: detector(bench, "tiny"),
    "sam-base": lambda bench: cutter(bench, "base"),
}
"""In the order of what one wants to know most."""


def batched(bench: Bench, part: str, work: str, run: Callable[[int], None]) -> list[Cost]:
    """One item at a time, and the batch with the least time an item."""
    costs = []
    for n in bench.batches:
        bench.forget()
        try:
            seconds = bench.seconds(lambda n=n: run(n), n, repeats=3)
        except torch.OutOfMemoryError:
            break
        costs.append(Cost(part=part, work=work, batch=n, seconds=seconds, peak_gb=bench.peak_gb))
    best = min(costs, key=lambda cost: cost.seconds)
    return [costs[0]] if best is costs[0] else [costs[0], best]


def picture() -> Rgb:
    """Noise of the size of a photograph."""
    return np.random.default_rng(0).integers(0, 256, (*HW, 3), dtype=np.uint8)


def boxes() -> list[tuple[float, float, float, float]]:
    """Sixteen boxes of a quarter of the picture's sides."""
    height, width = HW
    return [
        (x * width / 4, y * height / 4, (x + 1) * width / 4, (y + 1) * height / 4) for y in range(4) for x in range(4)
    ]


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure part by part and print a table; a part that fails is said, and the others go on."""
    options = _options(arguments)
    device = torch.device("cuda" if torch.cuda.is_available() and not options.tiny else "cpu")
    name = torch.cuda.get_device_name() if device.type == "cuda" else "CPU"
    if device.type == "cpu" and not options.tiny:
        sys.stderr.write("no GPU is here: say --tiny to try the script with tiny networks\n")
        return 2
    costs: list[Cost] = []
    failed: dict[str, str] = {}
    started = time.perf_counter()
    for part in options.parts.split(",") if options.parts else PARTS:
        if time.perf_counter() - started > options.seconds:
            failed[part] = "no time left"
            continue
        try:
            with tempfile.TemporaryDirectory() as root:
                costs += PARTS[part](Bench(device=device, tiny=options.tiny, root=Path(root)))
        except Exception as error:  # noqa: BLE001 - the other parts are worth having
            failed[part] = f"{type(error).__name__}: {error}"
        print(f"{part}: {time.perf_counter() - started:.0f} s", failed.get(part, ""), flush=True)
        _keep(options.out, name, costs, failed)
    print(_table(name, costs))
    return 1 if failed else 0


def _keep(out: str | None, name: str, costs: list[Cost], failed: dict[str, str]) -> None:
    if out:
        document = {
            "device": name,
            "torch": torch.__version__,
            "costs": [asdict(cost) for cost in costs],
            "failed": failed,
        }
        Path(out).write_text(json.dumps(document, indent=1), encoding="utf-8")


def _table(name: str, costs: list[Cost]) -> str:
    rows = [
        [
            cost.part,
            cost.work,
            str(cost.batch),
            f"{cost.seconds:.3f}",
            number(cost.peak_gb, ".1f"),
            number(cost.load_seconds, ".1f"),
        ]
        for cost in costs
    ]
    return table(f"{name}, random weights", ["network", "item", "at once", "s/item", "peak GB", "load s"], rows)


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--parts", default="", help=f"of {', '.join(PARTS)}; default: all")
    parser.add_argument("--seconds", type=float, default=200.0, help="no part begins later")
    parser.add_argument("--out", help="JSON file")
    parser.add_argument("--tiny", action="store_true", help="tiny networks on the CPU")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
