"""Converts the SSD-MobileNetV2 detector of MediaPipe Objectron (Open Images, 300 x 300) from TFLite to ONNX.

```
pip install onnx ai-edge-litert
npm pack @mediapipe/objectron@0.4.1675468480 && tar xzf mediapipe-objectron-0.4.1675468480.tgz
python -m models.segmentation.weights.convert_ssd package/objectron_solution_packed_assets.data ssd_open_images.onnx
```

The packed assets are the label map (184 bytes) and the network. Anchors and the choice among overlapping boxes are no
part of it: `models.segmentation.detection` holds them.
"""

import argparse
from pathlib import Path
from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema  # pyright: ignore[reportMissingImports]

from models.segmentation.weights.onnx_writer import CHANNELS_FIRST, CHANNELS_LAST, OnnxWriter

LABEL_MAP_BYTES = 184
"""Where the network begins in the packed assets."""
OUTPUTS = {"boxes": b"raw_outputs/box_encodings", "logits": b"raw_outputs/class_predictions"}
"""Name of an output -> its name upstream."""
DTYPES = {schema.TensorType.FLOAT16: np.float16, schema.TensorType.INT32: np.int32}
"""Types of the stored arrays."""


class Converter:
    """Translates the operators of a TFLite graph, a `ModelT`, which come in order of execution.

    The generated classes declare every field as a union of everything, hence `Any`.
    """

    def __init__(self, model: Any) -> None:
        self.writer = OnnxWriter()
        self._model = model
        self._graph = model.subgraphs[0]
        self._weights: dict[int, np.ndarray] = {}
        self._tensors: dict[int, str] = {}
        operators = vars(schema.BuiltinOperator).items()
        self._operators = {code: name for name, code in operators if isinstance(code, int)}

    def convert(self) -> dict[str, str]:
        """Write the whole graph and give name of an output -> name of its tensor."""
        for index, tensor in enumerate(self._graph.tensors):
            content = self._model.buffers[tensor.buffer].data
            if content is not None and tensor.type in DTYPES:
                self._weights[index] = np.frombuffer(bytes(content), DTYPES[tensor.type]).reshape(tensor.shape)
        self._tensors[self._graph.inputs[0]] = self.writer.input("image", [1, 300, 300, 3])
        for operator in self._graph.operators:
            self._convert(operator)
        named = {self._graph.tensors[index].name: index for index in self._graph.outputs}
        return {name: self._tensors[named[upstream]] for name, upstream in OUTPUTS.items()}

    def _convert(self, operator: Any) -> None:
        kind = self._operators[self._model.operatorCodes[operator.opcodeIndex].deprecatedBuiltinCode]
        inputs, output = operator.inputs.tolist(), operator.outputs[0]
        match kind:
            case "DEQUANTIZE":
                self._weights[output] = self._weights[inputs[0]]
            case "CONV_2D" | "DEPTHWISE_CONV_2D":
                self._tensors[output] = self._convolution(kind, operator)
            case "ADD":
                self._tensors[output] = self.writer.node("Add", [self._tensors[index] for index in inputs])
            case "CONCATENATION":
                operands, axis = [self._tensors[index] for index in inputs], operator.builtinOptions.axis
                self._tensors[output] = self.writer.node("Concat", operands, axis=axis)
            case "RESHAPE":
                shape = self.writer.constant(np.asarray(self._graph.tensors[output].shape, dtype=np.int64))
                self._tensors[output] = self.writer.node("Reshape", [self._tensors[inputs[0]], shape])
            case _:
                raise ValueError(f"no rule converts {kind}: extend the converter")

    def _convolution(self, kind: str, operator: Any) -> str:
        source, kernel, bias = operator.inputs.tolist()
        options, weights, groups = operator.builtinOptions, self._weights[kernel], 1
        if kind == "CONV_2D":
            weights = weights.transpose(0, 3, 1, 2)
        else:
            weights, groups = weights.transpose(3, 0, 1, 2), weights.shape[-1]
        operands = [
            self.writer.transpose(self._tensors[source], CHANNELS_FIRST),
            self.writer.constant(weights),
            self.writer.constant(self._weights[bias]),
        ]
        strides = [options.strideH, options.strideW]
        # Every convolution of this network pads with zeros to ceil(size / stride).
        result = self.writer.node("Conv", operands, group=groups, strides=strides, auto_pad="SAME_UPPER")
        if options.fusedActivationFunction == schema.ActivationFunctionType.RELU6:
            limits = [self.writer.constant(np.array(limit, dtype=np.float32)) for limit in (0.0, 6.0)]
            result = self.writer.node("Clip", [result, *limits])
        return self.writer.transpose(result, CHANNELS_LAST)


def main() -> None:
    """Convert the file that the command line names."""
    parser = argparse.ArgumentParser(description="Convert the Objectron detector from TFLite to ONNX.")
    parser.add_argument("source", type=Path, help="objectron_solution_packed_assets.data")
    parser.add_argument("target", type=Path, help="the ONNX file to write")
    options = parser.parse_args()
    content = options.source.read_bytes()[LABEL_MAP_BYTES:]
    converter = Converter(schema.ModelT.InitFromObj(schema.Model.GetRootAs(content, 0)))
    converter.writer.save(options.target, converter.convert(), "SSD-MobileNetV2, @mediapipe/objectron (Apache-2.0)")


if __name__ == "__main__":
    main()
