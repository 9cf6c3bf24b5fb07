"""Max pools of rates of spikes: plain loops, ONNX Runtime, the emulator and compiled C count the same."""

from __future__ import annotations

import numpy as np
import onnx_ir as oir
import pytest
from onnx import TensorProto, helper, shape_inference

from tinyc.ir.dtype import DType
from tinyc.ir.program import Buffer, Program, Role, Step, Task
from tinyc.kernels.event_pool import SpikeSumPool
from tinyc.kernels.rate_max_pool import RateMaxPool
from tinyc.kernels.sliding import Sliding
from tinyc.kernels.threshold import Threshold
from tinyc.passes.onnx_graph import SPIKING_DOMAIN
from tinyc.passes.spiking.rate_pool import add_rate_pool

from .boards import M0, M4, RV32, check_on_board
from .checks import OPSET, agree, check
from .layers import Convolution
from .spiking import sliding_of

CASES: dict[str, Convolution] = {
    "2x2": ((1, 8, 6, 4), (1, 1, 2, 2), {"strides": [2, 2]}),
    "overlapping": ((1, 9, 5, 7), (1, 1, 3, 2), {}),
    "one channel": ((1, 1, 4, 5), (1, 1, 2, 2), {}),
    "padded on one side": ((1, 33, 5, 4), (1, 1, 3, 3), {"pads": [0, 1, 1, 0], "strides": [2, 1]}),
    "dilated": ((1, 7, 7, 6), (1, 1, 2, 2), {"dilations": [3, 2]}),
    "batch of 2": ((2, 17, 4, 4), (1, 1, 2, 2), {"strides": [2, 2]}),
}


def pooling(case: Convolution) -> Program:
    """int8 x → spikes → the pool, whose bits a sum of one tap turns into numbers."""
    (batch, channels, *size), _, _ = case
    sliding = sliding_of(case)
    shape, out = (batch, *size, channels), (batch, *sliding.output, channels)
    one = SpikeSumPool.of(
        Sliding((1, 1), (1, 1), (1, 1), (0, 0), sliding.output, sliding.output, batch), channels
    )
    buffers = [
        Buffer("x", shape, DType.INT8, role=Role.INPUT),
        Buffer("counts", shape, DType.INT16, role=Role.INPUT),
        Buffer("peaks", out, DType.INT16, role=Role.INPUT),
        Buffer("spikes", shape, DType.BIT),
        Buffer("pooled", out, DType.BIT),
        Buffer("counts_next", shape, DType.INT16, role=Role.OUTPUT),
        Buffer("peaks_next", out, DType.INT16, role=Role.OUTPUT),
        Buffer("y", out, DType.INT8, role=Role.OUTPUT),
    ]
    pool = RateMaxPool(sliding, channels, DType.INT16)
    steps = (
        Step("threshold", Threshold(shape, 0), ("x",), ("spikes",)),
        Step("pool", pool, ("spikes", "counts", "peaks"), ("pooled", "counts_next", "peaks_next")),
        Step("unpacked", one, ("pooled",), ("y",)),
    )
    named = {buffer.name: buffer for buffer in buffers}
    return Program(
        "rates", named, steps, tuple(map(Task, range(3))), ("x", "counts", "peaks"),
        ("y", "counts_next", "peaks_next"),
    )  # fmt: skip


def _given(case: Convolution, seed: int) -> dict[str, np.ndarray]:
    """Spikes, numbers of earlier ones, and their greatest."""
    (batch, channels, *size), _, _ = case
    random = np.random.default_rng(seed)
    counts = random.integers(0, 40, (batch, *size, channels)).astype(np.int16)
    x = random.integers(0, 2, counts.shape).astype(np.int8)
    return {"x": x, "counts": counts, "peaks": _greatest(case, counts)}


def _greatest(case: Convolution, counts: np.ndarray) -> np.ndarray:
    sliding = sliding_of(case)
    out = np.zeros((counts.shape[0], *sliding.output, counts.shape[-1]), counts.dtype)
    for y, x, ky, kx in np.ndindex(*sliding.output, *sliding.kernel):
        row = y * sliding.stride[0] - sliding.pads[0] + ky * sliding.dilation[0]
        column = x * sliding.stride[1] - sliding.pads[1] + kx * sliding.dilation[1]
        if 0 <= row < sliding.input[0] and 0 <= column < sliding.input[1]:
            out[:, y, x] = np.maximum(out[:, y, x], counts[:, row, column])
    return out


@pytest.mark.parametrize("case", CASES)
def test_a_spike_where_the_greatest_number_grows(case: str) -> None:
    samples = [_given(CASES[case], seed) for seed in range(3)]
    wanted: list[list[np.ndarray]] = []
    for sample in samples:
        counted = (sample["counts"] + sample["x"]).astype(np.int16)
        greatest = _greatest(CASES[case], counted)
        wanted.append([(greatest > sample["peaks"]).astype(np.int8), counted, greatest])
    agree(pooling(CASES[case]), samples, wanted, lsb=0)


@pytest.mark.parametrize("board", [M0, M4, RV32])
@pytest.mark.parametrize("case", ["overlapping", "padded on one side"])
def test_on_boards(case: str, board: str) -> None:
    check_on_board(pooling(CASES[case]), board)


@pytest.mark.parametrize("case", ["2x2", "overlapping", "one channel", "dilated"])
def test_float_model(case: str) -> None:
    """The function of standard operators, and the kernel on float32."""
    shape, kernel, attributes = CASES[case]
    given = {"pads": [0] * 4, "strides": [1, 1], "dilations": [1, 1], "ceil_mode": 0, "storage_order": 0}
    node = helper.make_node(
        "RateMaxPool", ["S", "counts", "peaks"], ["y", "counts_next", "peaks_next"], "pool",
        domain=SPIKING_DOMAIN, kernel_shape=kernel[2:], **(given | attributes),
    )  # fmt: skip
    out = (*shape[:2], *sliding_of(CASES[case]).output)
    graph = helper.make_graph(
        [node], "test",
        [helper.make_tensor_value_info(n, TensorProto.FLOAT, s) for n, s in
         (("S", shape), ("counts", shape), ("peaks", out))],
        [helper.make_tensor_value_info(n, TensorProto.FLOAT, None) for n in node.output],
    )  # fmt: skip
    opsets = [helper.make_opsetid("", OPSET), helper.make_opsetid(SPIKING_DOMAIN, 1)]
    model = oir.serde.deserialize_model(helper.make_model(graph, opset_imports=opsets, ir_version=13))
    add_rate_pool(model)
    proto = shape_inference.infer_shapes(oir.to_proto(model), strict_mode=True)
    channel_last = _given(CASES[case], 5)
    moved = {n: np.moveaxis(a, -1, 1).astype(np.float32) for n, a in channel_last.items()}
    check(proto, samples=[{"S": moved["x"], "counts": moved["counts"], "peaks": moved["peaks"]}])
