"""A small float ONNX graph that grows node by node, its shapes known at every moment."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import prod
from typing import Any, TypeVar

import numpy as np
import onnx
import onnx_ir as oir
from onnx import TensorProto, defs, helper, numpy_helper
from onnx.shape_inference import infer_node_outputs

from tinyc.passes.spiking.linear_memory import add_memory
from tinyc.passes.spiking.neurons import add_neurons
from tinyc.passes.state_pairs import STATES_KEY

OPSET = 21
LARGEST = 2500
"""Elements of a tensor; recipes that would make a bigger one do something else."""

Draw = Callable[[Any], Any]
"""Hypothesis' ``draw``."""

T = TypeVar("T")

HOSTILE = (
    "t", "t in order (0, 2, 3, 1)", "t as float32", "t in memory", "t for the caller", "in", "out", "arena",
    "int", "conv2d_1_out", "copy_1", "*/", "Ä/ö:0", "a b", "a_b", "A_B", "input", "output",
)  # fmt: skip
"""Names that tinyc makes up itself, and others that C would not like."""


class Sketch:
    """Names of tensors go in and out of its methods. ``ready`` are the computed float tensors that later
    nodes may read; ``draw`` decides about structure and ``rng`` about weights."""

    def __init__(self, draw: Draw) -> None:
        from hypothesis import strategies as st

        self._st = st
        self._draw = draw
        self.rng = np.random.default_rng(draw(st.integers(0, 2**16)))
        self.nodes: list[onnx.NodeProto] = []
        self.shapes: dict[str, tuple[int, ...]] = {}
        self.types: dict[str, int] = {}
        self.constants: dict[str, np.ndarray] = {}
        self.inputs: list[str] = []
        self.ready: list[str] = []
        self.kept: dict[str, str] = {}
        """States, which are inputs too, and their next values."""
        self.terminal: list[str] = []
        """Tensors that are not float32: graph outputs, nobody reads them."""

    # ---- decisions ----

    def pick(self, *choices: T) -> T:
        return self._draw(self._st.sampled_from(choices))

    def whole(self, low: int, high: int) -> int:
        return self._draw(self._st.integers(low, high))

    def chance(self, one_in: int) -> bool:
        return self.whole(1, one_in) == one_in

    def order(self, rank: int) -> list[int]:
        return list(self._draw(self._st.permutations(range(rank))))

    # ---- growing ----

    def _name(self, plain: str) -> str:
        if self.chance(12):
            hostile = self.pick(*HOSTILE)
            if hostile not in self.shapes and hostile not in self.constants:
                return hostile
        return f"{plain}_{len(self.nodes)}_{len(self.constants)}"

    def input(self, shape: Sequence[int]) -> str:
        return self._input(self._name(f"x{len(self.inputs)}"), shape)

    def _input(self, name: str, shape: Sequence[int]) -> str:
        self.shapes[name], self.types[name] = tuple(shape), TensorProto.FLOAT
        self.inputs.append(name)
        self.ready.append(name)
        return name

    def state(self, shape: Sequence[int]) -> str:
        """An input that persists: see ``keep``."""
        return self._input(f"h{len(self.inputs)}", shape)

    def keep(self, state: str, after: str) -> None:
        """Makes ``after`` the value of the state at the next step, by a name that can stand in a list."""
        while set(after) & set(",:") or after in self.kept.values():
            after = self.one("Identity", after)
        self.kept[state] = after

    def constant(self, array: Any, dtype: type = np.float32) -> str:
        """An initializer."""
        name = self._name("c")
        self.constants[name] = np.asarray(array, dtype)
        return name

    def shared(self, array: Any) -> str:
        """An initializer of float32; now and then one that exists already, if it has the same shape."""
        array = np.asarray(array, np.float32)
        twins = [n for n, a in self.constants.items() if a.shape == array.shape and a.dtype == array.dtype]
        return self.pick(*twins) if twins and self.chance(3) else self.constant(array)

    def integers(self, *values: int) -> str:
        return self.constant(values, np.int64)

    def weights(self, *shape: int, scale: float | None = None) -> str:
        """Normal numbers, by default so small that a product with them keeps the size of its operand."""
        fan_in = prod(shape[1:]) if len(shape) > 1 else 1
        return self.shared(self.rng.normal(size=shape) * (fan_in**-0.5 if scale is None else scale))

    def add(self, operator: str, inputs: Sequence[str], outputs: int = 1, **attributes: Any) -> list[str]:
        """Appends a node and returns the names of its outputs, shapes inferred."""
        plain = self._name(operator.lower())
        names = [plain, *(f"{plain}_and_{index}" for index in range(1, outputs))]
        node = helper.make_node(operator, list(inputs), names, f"{operator}_{len(self.nodes)}", **attributes)
        inferred = infer_node_outputs(
            defs.get_schema(operator, OPSET, ""), node,
            {n: self._type(n) for n in inputs if n},
            {n: numpy_helper.from_array(self.constants[n], n) for n in inputs if n in self.constants},
            opset_imports=[helper.make_opsetid("", OPSET)], ir_version=10,
        )  # fmt: skip
        self.nodes.append(node)
        for name in names:
            tensor = inferred[name].tensor_type
            self.shapes[name] = tuple(d.dim_value for d in tensor.shape.dim)
            self.types[name] = tensor.elem_type
        return names

    def call(
        self, domain: str, operator: str, inputs: Sequence[str], shapes: Sequence[tuple[int, ...]],
        **attributes: Any,
    ) -> list[str]:  # fmt: skip
        """Appends a call of a function whose results are float32 of ``shapes``; returns their names."""
        plain = self._name(operator.lower())
        names = [f"{plain}_{len(self.nodes)}_{index}" for index in range(len(shapes))]
        name = f"{operator}_{len(self.nodes)}"
        self.nodes.append(helper.make_node(operator, list(inputs), names, name, domain=domain, **attributes))
        for result, shape in zip(names, shapes, strict=True):
            self.shapes[result], self.types[result] = shape, TensorProto.FLOAT
        return names

    def one(self, operator: str, *inputs: str, **attributes: Any) -> str:
        """``add`` for a node with one output."""
        return self.add(operator, inputs, **attributes)[0]

    def _type(self, name: str) -> onnx.TypeProto:
        if name in self.constants:
            array = self.constants[name]
            return helper.make_tensor_type_proto(helper.np_dtype_to_tensor_dtype(array.dtype), array.shape)
        return helper.make_tensor_type_proto(self.types[name], self.shapes[name])

    def shape(self, name: str) -> tuple[int, ...]:
        return self.constants[name].shape if name in self.constants else self.shapes[name]

    # ---- the result ----

    def model(self, outputs: Sequence[str]) -> onnx.ModelProto:
        def info(name: str) -> onnx.ValueInfoProto:
            return helper.make_tensor_value_info(name, self.types[name], self.shapes[name])

        outputs = [*outputs, *self.kept.values()]
        read = {name for node in self.nodes for name in node.input}
        graph = helper.make_graph(
            self.nodes, "random", [info(n) for n in self.inputs], [info(n) for n in outputs],
            [numpy_helper.from_array(a, n) for n, a in self.constants.items() if n in read],
            value_info=[info(n) for node in self.nodes for n in node.output if n not in outputs],
        )  # fmt: skip
        made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=10)
        if not self.kept:
            return made
        helper.set_model_props(made, {STATES_KEY: ",".join(f"{old}:{new}" for old, new in self.kept.items())})
        model = oir.serde.deserialize_model(made)
        add_neurons(model)
        add_memory(model)
        return oir.to_proto(model)
