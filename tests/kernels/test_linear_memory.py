"""Linear memories: ONNX Runtime, the emulator and compiled C agree, and 16 bits remember what floats do."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tinyc.ir.dtype import DType, Quant
from tinyc.ir.errors import ModelError
from tinyc.ir.program import Buffer, Program, Role, Step, Task
from tinyc.kernels.linear_memory import IntegerLinearMemory, resolve_integer
from tinyc.kernels.node import Constant, Node, Tensor
from tinyc.passes.onnx_builder import GraphBuilder

from .boards import M0, M4, RV32, check_on_board
from .checks import OPSET, agree, lowered, reference, samples_of

signal = pytest.importorskip("scipy.signal", reason="discretisation needs SciPy, of the extra `test`")

CASES = [
    # order, θ, memory units, inputs of each
    (1, 3.0, (1,), 1),
    (2, 8.0, (1, 3), 1),
    (7, 10.5, (1, 5), 1),
    (8, 8.0, (2, 3), 1),
    (13, 40.0, (1,), 2),
    (32, 128.0, (1,), 3),
]
U, STATE, READ = Quant(1 / 64, -5), Quant(4 / 2**15, 0), Quant(4 / 128, 3)


def matrices(order: int, theta: float, inputs: int = 1) -> tuple[np.ndarray, np.ndarray]:
    """A and B by SciPy, from the equations of the paper; B has gains of its own for each input."""
    i, j = np.ogrid[:order, :order]
    a = (2 * i + 1) / theta * np.where(i < j, -1.0, (-1.0) ** (i - j + 1))
    b = (2 * i + 1) / theta * (-1.0) ** i
    system = (a, b, np.eye(order), np.zeros((order, 1)))
    step, drive, *_ = signal.cont2discrete(system, dt=1.0, method="zoh")
    return step, drive * np.linspace(1, -0.5, inputs)


def kernel_of(
    a: np.ndarray, b: np.ndarray, units: tuple[int, ...], u: Quant = U, state: Quant = STATE,
    out: Quant = READ,
) -> IntegerLinearMemory:  # fmt: skip
    order, inputs = b.shape

    def tensor(name: str, last: int, dtype: DType, quant: Quant) -> Tensor:
        return Tensor(name, (*units, last), dtype, tuple(range(len(units) + 1)), quant)

    constants = [
        Tensor(name, matrix.shape, DType.FLOAT32, (0, 1), constant=Constant(matrix.astype(np.float32)))
        for name, matrix in (("A", a), ("B", b))
    ]
    before = tensor("M", order, DType.INT16, state)
    operands = (tensor("u", inputs, DType.INT8, u), before, *constants)
    return resolve_integer(
        Node("LinearMemory", "memory", {}, operands, (tensor("m", order, DType.INT8, out), before))
    )


def program_of(kernel: IntegerLinearMemory) -> Program:
    inputs = (*kernel.shape[:-1], kernel.b.shape[1])
    buffers = [
        Buffer("u", inputs, DType.INT8, role=Role.INPUT),
        Buffer("M", kernel.shape, DType.INT16, role=Role.INPUT),
        Buffer("m", kernel.shape, DType.INT8, role=Role.OUTPUT),
        Buffer("M_next", kernel.shape, DType.INT16, role=Role.OUTPUT),
    ]
    step = Step("memory", kernel, ("u", "M"), ("m", "M_next"))
    return Program("memories", {b.name: b for b in buffers}, (step,), (Task(0),), ("u", "M"), ("m", "M_next"))


@pytest.mark.parametrize(("order", "theta", "units", "inputs"), CASES)
def test_float_memories_are_onnx_runtimes(
    order: int, theta: float, units: tuple[int, ...], inputs: int
) -> None:
    graph = GraphBuilder("memory")
    u, before = graph.input("u", [*units, inputs]), graph.input("M", [*units, order])
    m = graph.memory("lmu", u, before, *matrices(order, theta, inputs))
    model = graph.model({"m": m}, OPSET)
    del model.metadata_props[:]  # what persists is an input and an output here
    program, samples = lowered(model), samples_of(model)
    assert "float_linear_memory" in [step.kernel.template for step in program.steps]
    agree(program, samples, reference(model, samples))


def bounds(dtype: DType) -> tuple[int, int]:
    return int(dtype.lowest), int(dtype.highest) + 1


@pytest.mark.parametrize(("order", "theta", "units", "inputs"), CASES)
def test_emulator_and_c_agree(order: int, theta: float, units: tuple[int, ...], inputs: int) -> None:
    """On all integers that there are, so that saturation is met too."""
    kernel = kernel_of(*matrices(order, theta, inputs), units)
    program, random = program_of(kernel), np.random.default_rng(order)
    samples = [
        {
            name: random.integers(*bounds(b.dtype), b.shape).astype(b.dtype.numpy)
            for name, b in program.buffers.items() if b.role is Role.INPUT
        }
        for _ in range(4)
    ]  # fmt: skip
    whole = program.buffers["m"].whole
    expected = [list(kernel.compute([s["u"], s["M"]], whole)) for s in samples]
    agree(program, samples, expected, lsb=0)


@pytest.mark.parametrize("board", [M4, M0, RV32])
def test_on_boards(board: str) -> None:
    check_on_board(program_of(kernel_of(*matrices(9, 20.0, 2), (1, 3))), board)


@given(
    order=st.integers(1, 40), theta=st.floats(2, 150), inputs=st.integers(1, 3),
    seed=st.integers(0, 2**32 - 1),
)  # fmt: skip
@settings(max_examples=25, deadline=None)
def test_integers_remember_what_floats_do(order: int, theta: float, inputs: int, seed: int) -> None:
    """Over twice θ: the memory within a 300th of its range, what is read within a step besides."""
    a, b = matrices(order, theta, inputs)
    steps = np.random.default_rng(seed).integers(-128, 128, (int(2 * theta) + 1, 1, inputs)).astype(np.int8)
    real, memories = np.zeros((1, order)), []
    for u in (steps.astype(np.float64) - U.zero_point) * U.scale:
        real = real @ a.T + u @ b.T
        memories.append(real)
    reach = float(np.abs(memories).max())
    state, out = Quant(1.25 * reach / 2**15, 0), Quant(1.25 * reach / 128, 3)
    kernel, held = kernel_of(a, b, (1,), state=state, out=out), np.zeros((1, order), np.int16)
    for u, wanted in zip(steps, memories, strict=True):
        read, held = kernel.compute([u, held], program_of(kernel).buffers["m"].whole)
        np.testing.assert_allclose(held * state.scale, wanted, rtol=0, atol=reach / 300)
        shown = (read.astype(np.int64) - out.zero_point) * out.scale
        np.testing.assert_allclose(shown, held * state.scale, rtol=0, atol=0.51 * out.scale)


def test_spikes_drive_a_memory() -> None:
    """They are 0 and 1 as they are."""
    a, b = matrices(6, 12.0)
    kernel = kernel_of(a, b, (1, 2), u=Quant(1.0, 0), state=Quant(2.0**-13, 0))
    spikes = np.array([[[1], [0]]], np.int8)
    _, after = kernel.compute([spikes, np.zeros((1, 2, 6), np.int16)], program_of(kernel).buffers["m"].whole)
    np.testing.assert_array_equal(after[0, 1], 0)
    np.testing.assert_allclose(after[0, 0] * 2.0**-13, b[:, 0], rtol=0, atol=2.0**-14)


def test_matrices_that_do_not_fit_are_refused() -> None:
    a, b = matrices(4, 8.0)
    with pytest.raises(ModelError, match=r"A has the shape \[4, 4\] and B \[3, 1\]"):
        kernel_of(a, b[:3], (1,))


def test_a_memory_whose_scale_is_too_small_is_refused() -> None:
    """A step of u would be more steps of the memory than 32 bits hold."""
    with pytest.raises(ModelError, match="larger scale"):
        kernel_of(*matrices(4, 8.0), (1,), state=Quant(1e-10, 0), out=Quant(1e-10, 0))
