"""Random graphs with states: the emulator and the C give, step by step, what ONNX Runtime gives."""

from __future__ import annotations

import numpy as np
import onnx
import onnx.printer
from hypothesis import HealthCheck, given, note, settings
from hypothesis import strategies as st

from ..passes.onnx_text import build, normal
from . import agreement
from .random_graphs import stateful_graphs

_SHAPES = ("1,5", "1,2,6,3")
_BINARY = ("Add", "Sub", "Max", "Min")
_UNARY = ("Relu", "Tanh", "Neg", "Abs")


@st.composite
def stateful(draw: st.DrawFn) -> tuple[onnx.ModelProto, list[str]]:
    """A graph of x and one to three states, all of one shape, whose values stay within bounds."""
    shape = draw(st.sampled_from(_SHAPES))
    count = draw(st.integers(1, 3))
    states = [f"h{index}" for index in range(count)]
    values, nodes = ["x", *states], list[str]()
    for index in range(draw(st.integers(1, 7))):
        kind = draw(st.sampled_from(("binary", "unary", "shift", "mix")))
        one, other = (draw(st.sampled_from(values)) for _ in range(2))
        match kind:
            case "binary":
                nodes.append(f"b{index} = {draw(st.sampled_from(_BINARY))}({one}, {other})")
                nodes.append(f"v{index} = Mul(b{index}, half)")
            case "unary":
                nodes.append(f"v{index} = {draw(st.sampled_from(_UNARY))}({one})")
            case "shift":  # a window that slides along the rows of an image
                nodes.append(f"c{index} = Concat<axis={len(shape.split(',')) // 2}>({one}, {other})")
                nodes.append(f"v{index} = Slice(c{index}, begin, end, axis)")
            case _:
                operator = "MatMul" if shape == "1,5" else "Conv<pads=[1,1,1,1]>"
                nodes += [f"m{index} = {operator}({one}, taps)", f"v{index} = Tanh(m{index})"]
        values.append(f"v{index}")
    nodes += [f"{state}n = Identity({draw(st.sampled_from(values))})" for state in states]
    nodes.append(f"y = Abs({draw(st.sampled_from(values))})")
    axis = len(shape.split(",")) // 2
    length = int(shape.split(",")[axis])
    weights = {
        "half": np.full(1, 0.5, np.float32), "axis": np.array([axis]),
        "begin": np.array([2]), "end": np.array([2 + length]),
        "taps": normal(5, 5, scale=0.5) if shape == "1,5" else normal(2, 2, 3, 3, scale=0.3),
    }  # fmt: skip
    inputs = ", ".join(f"float[{shape}] {name}" for name in ("x", *states))
    outputs = ", ".join(f"float[{shape}] {name}" for name in ("y", *(f"{state}n" for state in states)))
    return build(inputs, " ".join(nodes), weights, outputs=outputs), [f"{s}:{s}n" for s in states]


_few = settings(max_examples=25, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))


@_few
@given(stateful())
def test_random_states_step_by_step(drawn: tuple[onnx.ModelProto, list[str]]) -> None:
    agreement.steps_agree(*drawn)


@_few
@given(stateful_graphs())
def test_random_neurons_and_memories_step_by_step(proto: onnx.ModelProto) -> None:
    note(onnx.printer.to_text(proto.graph))
    agreement.steps_agree(proto)


@_few
@given(stateful_graphs())
def test_random_neurons_and_memories_that_tinyc_quantizes(proto: onnx.ModelProto) -> None:
    note(onnx.printer.to_text(proto.graph))
    agreement.quantized_steps_agree(proto)
