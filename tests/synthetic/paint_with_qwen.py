"""Paints with a tiny Qwen-Image-Edit in a process of its own: torchvision must be there before transformers is.

Run: python -m tests.synthetic.paint_with_qwen FOLDER; writes the checkpoint to FOLDER, and FOLDER/answers.npy.
"""

import os
import sys
from pathlib import Path

import numpy as np

from models.weights import FOLDER_VARIABLE
from tests.synthetic.beside import import_beside


def main(folder: Path) -> None:
    """The same question twice."""
    import_beside("torchvision")
    from diffusers.pipelines.qwenimage import pipeline_qwenimage_edit_plus as library

    from models.editing.diffusion import DiffusionOptions, DiffusionPainter
    from tests.synthetic.tiny_editors import write_qwen

    # The library asks with a megapixel, whatever it is given.
    library.VAE_IMAGE_SIZE = 128 * 128
    library.CONDITION_IMAGE_SIZE = 56 * 56
    os.environ[FOLDER_VARIABLE] = str(folder)
    write_qwen(folder)
    painter = DiffusionPainter(DiffusionOptions(model="qwen-image-edit", device="cpu", steps=1, megapixels=0.01))
    query = np.random.default_rng(0).integers(0, 256, (888, 1184, 3), dtype=np.uint8)
    np.save(folder / "answers.npy", np.stack([painter.paint(query, "a chair", "4:3", 1) for _ in range(2)]))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
