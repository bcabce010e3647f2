"""Two small object detectors, run by onnxruntime: picture in, boxes with classes and scores out.

Sources: NanoDet (github.com/RangiLyu/nanodet), boxes as distributions over distances to the four edges (Li et al.
2020, Generalized Focal Loss, eq. 5); SSD (Liu et al. 2016, Single Shot MultiBox Detector) as MediaPipe Objectron
configures it. `weights/NOTICE.md` says where the weights come from.
"""

import hashlib
from dataclasses import dataclass
from importlib import resources
from typing import TYPE_CHECKING, Protocol, runtime_checkable

import cv2
import numpy as np
from jaxtyping import Float

from models.segmentation.vocabulary import COCO, OPEN_IMAGES
from regen3d.errors import ModelOutputError, NotInstalledError, WeightsMissingError
from regen3d.types import Rgb

if TYPE_CHECKING:
    import onnxruntime

THREADS = 2
"""Threads of one session: the networks are too small to gain from more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposals:
    """What a detector says of one picture, before the choice among overlapping boxes."""

    boxes: Float[np.ndarray, "n 4"]
    """(x0, y0, x1, y1) in pixels, clipped to the picture."""
    scores: Float[np.ndarray, "n c"]
    """Confidence of each class, 0..1; classes are independent of one another."""


@runtime_checkable
class Detector(Protocol):
    """A network that proposes boxes."""

    classes: tuple[str, ...]
    """Names of the classes, in the order of the scores."""

    def load(self) -> None:
        """Bring the weights into memory."""
        ...

    def propose(self, image: Rgb, *, letterbox: bool) -> Proposals:
        """Look at a picture, stretched to the square that the network takes or fitted into it."""
        ...

    def close(self) -> None:
        """Give memory back."""
        ...


class NanoDet:
    """NanoDet-g: COCO classes, 416 x 416, about 40 ms a picture on two cores."""

    classes: tuple[str, ...] = COCO
    _SIZE = 416
    _STRIDES = (8, 16, 32)
    _BINS = 11
    # Statistics of ImageNet in the order blue, green, red, as in training.
    _MEAN = np.array([103.53, 116.28, 123.675], dtype=np.float32)
    _STD = np.array([57.375, 57.12, 58.395], dtype=np.float32)

    def __init__(self) -> None:
        self._session: onnxruntime.InferenceSession | None = None
        centres = [_grid(self._SIZE // stride) * self._SIZE for stride in self._STRIDES]
        self._centres = np.concatenate(centres)
        self._steps = np.repeat(self._STRIDES, [len(grid) for grid in centres]).astype(np.float64)

    def load(self) -> None:
        """Bring the weights into memory."""
        self._session = open_session("nanodet.onnx")

    def propose(self, image: Rgb, *, letterbox: bool) -> Proposals:
        """Look at a picture, stretched to 416 x 416 or fitted into it."""
        canvas, scale = _fit(image, self._SIZE, letterbox)
        blob = ((canvas[..., ::-1] - self._MEAN) / self._STD).transpose(2, 0, 1)[None]
        outputs = _run(self._session, np.ascontiguousarray(blob))
        scores, edges = np.concatenate(outputs[:3], axis=1)[0], np.concatenate(outputs[3:], axis=1)[0]
        weights = np.exp(edges.reshape(-1, 4, self._BINS).astype(np.float64))
        weights /= weights.sum(axis=-1, keepdims=True)
        distances = weights @ np.arange(self._BINS) * self._steps[:, None]
        boxes = np.concatenate([self._centres - distances[:, :2], self._centres + distances[:, 2:]], axis=1)
        return _proposals(boxes, scores, scale, image)

    def close(self) -> None:
        """Give memory back."""
        self._session = None


class OpenImagesSsd:
    """SSD-MobileNetV2: 23 classes of Open Images, 300 x 300, about 15 ms a picture on two cores."""

    classes: tuple[str, ...] = OPEN_IMAGES
    _SIZE = 300
    _GRIDS = (19, 10, 5, 3, 2, 1)
    _SMALLEST, _LARGEST = 0.2, 0.95
    # Factors by which training scaled the offsets of centres and of sizes.
    _CENTRE_SCALE, _SIZE_SCALE = 10.0, 5.0

    def __init__(self) -> None:
        self._session: onnxruntime.InferenceSession | None = None
        self._anchors = self._make_anchors()

    def load(self) -> None:
        """Bring the weights into memory."""
        self._session = open_session("ssd_open_images.onnx")

    def propose(self, image: Rgb, *, letterbox: bool) -> Proposals:
        """Look at a picture, stretched to 300 x 300 or fitted into it."""
        canvas, scale = _fit(image, self._SIZE, letterbox)
        offsets, logits = _run(self._session, (canvas / 127.5 - 1.0)[None])
        centre_size = offsets[0].astype(np.float64)[:, [1, 0, 3, 2]]
        centres = centre_size[:, :2] / self._CENTRE_SCALE * self._anchors[:, 2:] + self._anchors[:, :2]
        halves = np.exp(centre_size[:, 2:] / self._SIZE_SCALE) * self._anchors[:, 2:] / 2
        scores = 1.0 / (1.0 + np.exp(-logits[0].astype(np.float64)))
        boxes = np.concatenate([centres - halves, centres + halves], axis=1) * self._SIZE
        return _proposals(boxes, scores, scale, image)

    def close(self) -> None:
        """Give memory back."""
        self._session = None

    def _make_anchors(self) -> Float[np.ndarray, "n 4"]:
        """(x, y, width, height) of the default boxes, picture = unit square; Liu et al. 2016, section 2.2."""
        scales = [*np.linspace(self._SMALLEST, self._LARGEST, len(self._GRIDS)), 1.0]
        anchors = []
        for level, grid in enumerate(self._GRIDS):
            size, between = scales[level], np.sqrt(scales[level] * scales[level + 1])
            pairs = [(1.0, size), (2.0, size), (0.5, size), (3.0, size), (1 / 3, size), (1.0, between)]
            if level == 0:  # the finest level has three boxes only, the first of them small
                pairs = [(1.0, 0.1), (2.0, size), (0.5, size)]
            shapes = np.array([(width * np.sqrt(ratio), width / np.sqrt(ratio)) for ratio, width in pairs])
            centres = np.repeat(_grid(grid), len(shapes), axis=0)
            anchors.append(np.concatenate([centres, np.tile(shapes, (grid * grid, 1))], axis=1))
        return np.concatenate(anchors)


def open_session(file: str) -> "onnxruntime.InferenceSession":
    """Open a network that ships with the package, once its digest is found to be the one in `SHA256SUMS`.

    Raises:
        NotInstalledError: onnxruntime is missing.
        WeightsMissingError: the file is missing or is not the one that was shipped.
    """
    try:
        import onnxruntime
    except ImportError as error:
        raise NotInstalledError("onnxruntime is not installed: run `pip install onnxruntime`") from error
    folder = resources.files("models.segmentation.weights")
    digests = dict(line.split()[::-1] for line in (folder / "SHA256SUMS").read_text().splitlines())
    path = folder / file
    if not path.is_file():
        raise WeightsMissingError(f"{path} is missing: run `pip install --force-reinstall regen3d`")
    content = path.read_bytes()
    found = hashlib.sha256(content).hexdigest()
    if found != digests[file]:
        raise WeightsMissingError(
            f"{path} has the sha256 {found} instead of {digests[file]}: run `pip install --force-reinstall regen3d`"
        )
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = THREADS
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])


def _run(session: "onnxruntime.InferenceSession | None", blob: Float[np.ndarray, "..."]) -> list[np.ndarray]:
    """The outputs of a network; finite, or it is an error."""
    if session is None:
        raise WeightsMissingError("the detector is not loaded: call load() before the first request")
    outputs = [np.asarray(output) for output in session.run(None, {"image": blob.astype(np.float32)})]
    if not all(np.isfinite(output).all() for output in outputs):
        raise ModelOutputError("the detector must answer finite numbers, but some are not: report the picture")
    return outputs


def _grid(size: int) -> Float[np.ndarray, "n 2"]:
    """(x, y) of the centres of the cells of a square grid, row by row, grid = unit square."""
    y, x = np.meshgrid((np.arange(size) + 0.5) / size, (np.arange(size) + 0.5) / size, indexing="ij")
    return np.stack([x, y], axis=-1).reshape(-1, 2)


def _fit(image: Rgb, size: int, letterbox: bool) -> tuple[Float[np.ndarray, "s s 3"], Float[np.ndarray, " 2"]]:
    """A picture as a square of a given side, and the factors (x, y) by which it was scaled.

    A picture that is fitted in lies at the upper left; the rest is black, as in training.
    """
    wh = np.array([image.shape[1], image.shape[0]], dtype=np.float64)
    scaled = np.maximum(np.rint(wh * size / wh.max()), 1) if letterbox else np.array([size, size], dtype=np.float64)
    interpolation = cv2.INTER_AREA if wh.max() > size else cv2.INTER_LINEAR
    width, height = int(scaled[0]), int(scaled[1])
    canvas = np.zeros((size, size, 3), dtype=np.float32)
    canvas[:height, :width] = cv2.resize(image, (width, height), interpolation=interpolation)
    return canvas, scaled / wh


def _proposals(boxes: np.ndarray, scores: np.ndarray, scale: np.ndarray, image: Rgb) -> Proposals:
    """Boxes in pixels of the picture instead of the network's square."""
    height, width = image.shape[:2]
    limits = np.array([width, height, width, height], dtype=np.float64)
    return Proposals(boxes=np.clip(boxes / np.tile(scale, 2), 0.0, limits), scores=scores.astype(np.float64))
