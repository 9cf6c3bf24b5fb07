"""Random graphs with states: the emulator and the C give, step by step, what ONNX Runtime gives."""

from __future__ import annotations

import numpy as np
import onnx
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tinyc.codegen.emit import Facts, emit
from tinyc.compiler.scheduling import ordered
from tinyc.compiler.stepping import Stepper
from tinyc.emulator.host import HostModel
from tinyc.emulator.machine import Machine
from tinyc.ir.program import Program
from tinyc.passes.canonicalize import canonicalize
from tinyc.passes.import_onnx import import_model
from tinyc.passes.lower import lower
from tinyc.passes.samples import Sequences
from tinyc.passes.schedule import placed_front
from tinyc.passes.validate import validate
from tinyc.targets import load_target

from ..passes.onnx_text import build, normal

STEPS = 5
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


def near(program: Program, runs: list[dict[str, np.ndarray]], want: list[np.ndarray]) -> None:
    (name,) = program.outputs
    for run, expected in zip(runs, want, strict=True):
        np.testing.assert_allclose(program.buffers[name].from_memory(run[name]), expected, rtol=0, atol=1e-5)


@settings(max_examples=40, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(stateful())
def test_random_states_step_by_step(drawn: tuple[onnx.ModelProto, list[str]]) -> None:
    proto, states = drawn
    model = import_model(proto, states=states)
    shape = model.graph.inputs[0].shape
    assert shape is not None
    xs = normal(1, STEPS, *shape.numpy(), seed=len(states))
    (sequence,) = Sequences({"x": xs})
    want = [step["y"] for step in Stepper(model).run(sequence)[1]]
    layers = ordered(lower(canonicalize(model), "net"))
    front = placed_front(layers, count=3)
    for point in front:
        validate(point.program)
        machine, source = Machine(point.program), point.program.buffers["x"]
        near(point.program, [machine.run({"x": source.to_memory(step["x"])}) for step in sequence], want)
    last = front[-1].program
    files = emit(last, load_target("host"), Facts("0", "net.onnx", "0", 25, 0, 0, ""))
    with HostModel(last, files) as host:
        near(last, host.run([{"x": last.buffers["x"].to_memory(step["x"])} for step in sequence]), want)
