"""Writes a small convolutional network as an ONNX file whose weights stay in half precision.

Needs the package `onnx`, which only the conversion scripts beside this file use.
"""

from pathlib import Path

import numpy as np
import onnx  # pyright: ignore[reportMissingImports]  # needed by conversion alone, so not installed by default
from onnx import TensorProto, helper, numpy_helper  # pyright: ignore[reportMissingImports]

OPSET = 13
"""Has every operator that is written here, and any runtime since 2021 reads it."""

CHANNELS_FIRST = (0, 3, 1, 2)
"""Order of axes that takes a channels-last picture to a channels-first one."""
CHANNELS_LAST = (0, 2, 3, 1)
"""The inverse of `CHANNELS_FIRST`."""


class OnnxWriter:
    """Collects nodes and weights in order of execution."""

    def __init__(self) -> None:
        self._nodes: list[onnx.NodeProto] = []
        self._constants: list[onnx.TensorProto] = []
        self._inputs: list[onnx.ValueInfoProto] = []
        self._transposed: dict[str, tuple[str, tuple[int, ...]]] = {}

    def input(self, name: str, shape: list[int]) -> str:
        """Declare a float32 input of the network."""
        self._inputs.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, shape))
        return name

    def constant(self, values: np.ndarray) -> str:
        """Store an array as it is; half precision is widened when the network is loaded."""
        name = f"constant_{len(self._constants)}"
        self._constants.append(numpy_helper.from_array(np.ascontiguousarray(values), name))
        return self.node("Cast", [name], to=TensorProto.FLOAT) if values.dtype == np.float16 else name

    def node(self, operator: str, inputs: list[str], **attributes: object) -> str:
        """Append a node with one output and give the output's name."""
        return self.nodes(operator, inputs, 1, **attributes)[0]

    def nodes(self, operator: str, inputs: list[str], outputs: int, **attributes: object) -> list[str]:
        """Append a node and give the names of its outputs."""
        names = [f"{operator.lower()}_{len(self._nodes)}_{index}" for index in range(outputs)]
        self._nodes.append(helper.make_node(operator, inputs, names, **attributes))
        return names

    def transpose(self, name: str, order: tuple[int, ...]) -> str:
        """Permute the axes; permutations in a row become one, and none where they cancel."""
        source, before = self._transposed.get(name, (name, tuple(range(len(order)))))
        order = tuple(before[axis] for axis in order)
        if order == tuple(range(len(order))):
            return source
        result = self.node("Transpose", [source], perm=list(order))
        self._transposed[result] = (source, order)
        return result

    def save(self, path: Path, outputs: dict[str, str], note: str) -> None:
        """Check the network and write what the outputs need.

        Args:
            path: the file.
            outputs: name that each output gets -> name of the tensor, which has three axes; the order is kept.
            note: where the weights come from, stored in the file.
        """
        ends = [helper.make_node("Identity", [inner], [public]) for public, inner in outputs.items()]
        needed, nodes = set(outputs), []
        for node in reversed([*self._nodes, *ends]):
            if needed.intersection(node.output):
                needed.update(node.input)
                nodes.insert(0, node)
        constants = [constant for constant in self._constants if constant.name in needed]
        values = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [None] * 3) for name in outputs]
        graph = helper.make_graph(nodes, path.stem, self._inputs, values, constants, doc_string=note)
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=8)
        onnx.checker.check_model(model)
        path.write_bytes(model.SerializeToString(deterministic=True))
