"""Means and maxima over whole images, row by row: the bytes of the pool that does it at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import helper

from tinyc.codegen.emit import Facts, emit
from tinyc.emulator.host import HostModel
from tinyc.emulator.machine import Machine
from tinyc.ir.dtype import DType
from tinyc.ir.program import Full, Program, Rows, Task
from tinyc.ir.window import Window
from tinyc.kernels.running import Running
from tinyc.passes.place import place
from tinyc.passes.schedule.reductions import split_reductions
from tinyc.passes.validate import validate
from tinyc.targets import load_target

from .checks import OPSET, float_model, lowered, qdq_model, samples_of
from .widths import model_of

# input NCHW, attributes of the pool, type of the sums of 8-bit elements
CASES: dict[str, tuple[tuple[int, ...], dict[str, Any], DType]] = {
    "5x3": ((1, 7, 5, 3), {"kernel_shape": [5, 3]}, DType.INT16),
    "16x16, the most that 16 bits hold": ((1, 2, 16, 16), {"kernel_shape": [16, 16]}, DType.INT16),
    "16x17": ((1, 2, 16, 17), {"kernel_shape": [16, 17]}, DType.INT32),
    "one channel": ((1, 1, 4, 5), {"kernel_shape": [4, 5]}, DType.INT16),
    "one column": ((1, 3, 6, 1), {"kernel_shape": [6, 1]}, DType.INT16),
    "one of both": ((1, 1, 6, 1), {"kernel_shape": [6, 1]}, DType.INT16),
    "1-D": ((1, 3, 11), {"kernel_shape": [11]}, DType.INT16),
    "padded": ((1, 3, 4, 3), {"kernel_shape": [6, 4], "pads": [1, 1, 1, 0]}, DType.INT16),
}


RUNNING = [
    ("packed_running_sum", "packed_finished_mean"),
    ("packed_running_max", "packed_finished_max"),
]


def pool(operator: str, attributes: dict[str, Any]) -> list[onnx.NodeProto]:
    counted = {"count_include_pad": 1} if operator == "AveragePool" and "pads" in attributes else {}
    return [
        helper.make_node(operator, ["x"], ["p"], "pool", **attributes, **counted),
        helper.make_node("Relu", ["p"], ["y"], "relu"),
    ]


def outputs(program: Program, samples: Sequence[dict[str, np.ndarray]]) -> list[list[bytes]]:
    """What emulator and C compute of ``samples``, which is the same."""
    placed = place(program)
    validate(placed)
    fed = [
        {n: program.buffers[n].to_memory(a) for n, a in zip(program.inputs, s.values(), strict=True)}
        for s in samples
    ]
    emulated = [Machine(placed).run(sample) for sample in fed]
    files = emit(placed, load_target("host"), Facts("0", "test.onnx", "0", OPSET, 0, 0, ""))
    with HostModel(placed, files) as host:
        compiled = host.run(fed)
    mine, theirs = (
        [[run[name].tobytes() for name in program.outputs] for run in runs] for runs in (emulated, compiled)
    )
    assert mine == theirs
    return mine


def check_split(model: onnx.ModelProto) -> Program:
    """The split program, which computes the same bytes row by row, and three rows at a time."""
    program = lowered(model)
    split = split_reductions(program)
    samples = samples_of(model)
    expected = outputs(program, samples)
    assert outputs(split, samples) == expected
    assert outputs(with_rows(split, 3), samples) == expected
    return split


def with_rows(program: Program, rows: int) -> Program:
    """The running steps compute up to ``rows`` rows in a task, and all are kept."""
    running = {step.outputs[0] for step in program.steps if isinstance(step.kernel, Running)}
    buffers = {
        name: replace(buffer, storage=Full()) if name in running else buffer
        for name, buffer in program.buffers.items()
    }
    tasks: list[Task] = []
    for index, step in enumerate(program.steps):
        if step.outputs[0] in running:
            height = buffers[step.outputs[0]].grid[0]
            tasks += [Task(index, Window(y, min(y + rows, height), 0, 1)) for y in range(0, height, rows)]
        else:
            tasks += [task for task in program.tasks if task.step == index]
    return replace(program, buffers=buffers, tasks=tuple(tasks))


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("operator", ["AveragePool", "MaxPool"])
def test_int8(operator: str, case: str) -> None:
    shape, attributes, dtype = CASES[case]
    quants = {"x": (0.05, 9), "y": (0.05, 9) if operator == "MaxPool" else (0.031, -5)}
    program = check_split(qdq_model(pool(operator, attributes), {"x": shape}, ["y"], quants, stage=True))
    assert len(program.steps) == 4
    (held,) = (b for b in program.buffers.values() if b.name.endswith("so_far"))
    assert held.dtype is (dtype if operator == "AveragePool" else DType.INT8)
    assert held.storage == Rows(1)
    assert held.nbytes == shape[1] * held.dtype.size


@pytest.mark.parametrize("case", ["5x3", "one of both", "one channel"])
@pytest.mark.parametrize("bits", [(4, 4), (2, 2), (8, 4), (4, 8)], ids=str)
@pytest.mark.parametrize("operator", ["AveragePool", "MaxPool"])
def test_packed(operator: str, bits: tuple[int, int], case: str) -> None:
    shape, attributes, _ = CASES[case]
    node = helper.make_node(operator, ["x"], ["y"], "pool", **attributes)
    program = check_split(model_of([node], shape, {"x": bits[0], "y": bits[1]}))
    running, finished = (step.kernel.template for step in program.steps[1:3])
    assert (running, finished) in RUNNING
    (held,) = (b for b in program.buffers.values() if b.name.endswith("so_far"))
    assert held.storage == Rows(1)
    assert held.dtype.bits == (16 if operator == "AveragePool" else bits[0])


@pytest.mark.parametrize("case", ["5x3", "one of both", "padded"])
@pytest.mark.parametrize("operator", ["AveragePool", "MaxPool"])
def test_float(operator: str, case: str) -> None:
    shape, attributes, _ = CASES[case]
    program = check_split(float_model(pool(operator, attributes), {"x": shape}, ["y"]))
    assert len(program.steps) == 2


@pytest.mark.parametrize(
    "kind, dtype", [(np.uint8, DType.INT16), (np.int16, DType.INT32), (np.uint16, DType.INT32)]
)
def test_other_types(kind: type[np.integer], dtype: DType) -> None:
    """All elements as small, and as large, as they can be."""
    info = np.iinfo(kind)
    ends = [np.full((1, 2, 16, 16), end, kind) for end in (info.min, info.max)]
    zero = int(info.min) + 3
    nodes = [
        helper.make_node("DequantizeLinear", ["q", "s", "z"], ["x"], "dq"),
        helper.make_node("AveragePool", ["x"], ["y"], "pool", kernel_shape=[16, 16]),
        helper.make_node("QuantizeLinear", ["y", "s", "z"], ["r"], "q"),
    ]
    number = helper.np_dtype_to_tensor_dtype(np.dtype(kind))
    constants = {"s": np.float32(0.01), "z": np.array(zero, kind)}
    model = float_model(nodes, {"q": ends[0].shape}, ["r"], constants, {"q": number, "r": number})
    program = lowered(model)
    split = split_reductions(program)
    samples = [{"q": end} for end in ends]
    expected = [np.full((1, 1, 1, 2), end.flat[0], kind).tobytes() for end in ends]
    assert outputs(program, samples) == outputs(split, samples) == [[e] for e in expected]
    assert split.buffers[split.steps[0].outputs[0]].dtype is dtype


@pytest.mark.parametrize(
    ("shape", "attributes"),
    [
        ((1, 2, 4, 4), {"kernel_shape": [4, 3]}),
        ((1, 2, 4, 4), {"kernel_shape": [2, 4], "strides": [2, 1]}),
        ((1, 2, 4, 4), {"kernel_shape": [2, 2], "dilations": [3, 3]}),
        ((1, 2, 1, 6), {"kernel_shape": [1, 6]}),
        ((2, 2, 4, 4), {"kernel_shape": [4, 4]}),
    ],
)
def test_pools_that_are_left_alone(shape: tuple[int, ...], attributes: dict[str, Any]) -> None:
    for operator in ("AveragePool", "MaxPool"):
        program = lowered(float_model(pool(operator, attributes), {"x": shape}, ["y"]))
        assert split_reductions(program) == program


def test_programs_that_run_by_windows_are_refused() -> None:
    program = lowered(float_model(pool("MaxPool", CASES["5x3"][1]), {"x": (1, 7, 5, 3)}, ["y"]))
    with pytest.raises(ValueError, match="layer by layer"):
        split_reductions(split_reductions(program))
