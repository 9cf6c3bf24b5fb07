"""Neurons on integers: emulator and C agree to the bit, and mean what the recurrence of real numbers says."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tinyc.ir.dtype import DType, Quant
from tinyc.ir.errors import ModelError
from tinyc.ir.program import Buffer, Program, Role, Step, Task
from tinyc.kernels.integer_neuron import Current, Decay, Drive, IntegerNeuron, resolve_integer
from tinyc.kernels.node import Constant, Node, Tensor
from tinyc.kernels.packed_table import PackedTable
from tinyc.passes.spiking.neurons import NEURONS

from ..passes.spiking.recurrences import step
from .boards import M0, M4, RV32, check_on_board
from .checks import agree
from .neurons import DECAYS, VARIANTS, in_windows, per_channel

SCALE = 2.0**-12
"""Of membranes."""
CLOSE = 5 * SCALE
"""A current of 300,000 steps leaves 16 bits to multipliers: that makes up to 2.3, roundings the rest."""
Parameters = Mapping[str, object]


def current_of(dtype: DType, channels: int, own: bool = True, zero_point: int = 0) -> Current:
    """A current whose integers reach twice the largest threshold."""
    most = {DType.INT8: 127, DType.INT16: 2000, DType.INT32: 300_000}[dtype]
    scales = np.random.default_rng(channels).uniform(0.5, 1, channels if own else 1) * 2 / most
    return Current(scales, most + abs(zero_point), zero_point)


def kernel_of(
    operator: str, reset: int, delayed: int, shape: Sequence[int], parameters: Parameters,
    currents: Sequence[Current], scale: float = SCALE,
) -> IntegerNeuron:  # fmt: skip
    """The kernel for memory of ``shape``."""
    neuron, order = NEURONS[operator], tuple(range(len(shape)))

    def constant(name: str) -> Tensor:
        values = np.asarray(parameters[name], np.float32)
        return Tensor(name, values.shape, DType.FLOAT32, tuple(range(values.ndim)), constant=Constant(values))

    inputs = [Tensor("I", tuple(shape), DType.INT16, order)]
    inputs += [Tensor(n, tuple(shape), DType.INT16, order, Quant(scale, 0)) for n in neuron.state]
    inputs += [constant(name) for name in neuron.parameters]
    outputs = [Tensor(name, tuple(shape), DType.INT16, order) for name in neuron.outputs]
    attributes = {"reset": reset, "delayed": delayed} if neuron.spikes else {}
    return resolve_integer(Node(operator, "neuron", attributes, tuple(inputs), tuple(outputs)), currents)


def program_of(kernel: IntegerNeuron, types: Sequence[DType]) -> Program:
    """The kernel alone: currents of ``types`` and states in, spikes and states out."""
    neuron = NEURONS[kernel.recurrence.operator]
    inputs = {f"I{n}": dtype for n, dtype in enumerate(types)} | dict.fromkeys(neuron.state, DType.INT16)
    outputs = {name: DType.INT8 if name == "S" else DType.INT16 for name in neuron.outputs}
    buffers = {n: Buffer(n, kernel.shape, dtype, role=Role.INPUT) for n, dtype in inputs.items()}
    buffers |= {n: Buffer(n, kernel.shape, dtype, role=Role.OUTPUT) for n, dtype in outputs.items()}
    made = tuple("bits" if name == "S" else name for name in outputs)
    steps = [Step("neuron", kernel, tuple(inputs), made)]
    if "S" in outputs:  # callers get whole bytes
        buffers["bits"] = Buffer("bits", kernel.shape, DType.BIT)
        unpacked = PackedTable.conversion(kernel.shape, DType.BIT, DType.INT8)
        steps.append(Step("unpack", unpacked, ("bits",), ("S",)))
    tasks = tuple(Task(index) for index in range(len(steps)))
    return Program("neurons", buffers, tuple(steps), tasks, tuple(inputs), tuple(outputs))


def samples_of(
    program: Program, currents: Sequence[Current], count: int = 3, seed: int = 0
) -> list[dict[str, np.ndarray]]:
    """Random integers in the range of each operand; states beyond their usual range too."""
    random = np.random.default_rng(seed)
    bounds = [(-c.bound + c.zero_point, c.bound + c.zero_point) for c in currents]
    bounds += [(-32768, 32767)] * (len(program.inputs) - len(currents))
    samples: list[dict[str, np.ndarray]] = []
    for number in range(count):
        sample: dict[str, np.ndarray] = {}
        for name, (low, high) in zip(program.inputs, bounds, strict=True):
            dtype = program.buffers[name].dtype
            low, high = max(low, int(dtype.lowest)), min(high, int(dtype.highest))
            spread = 1 if number == 0 or name.startswith("I") else 4
            shape = program.buffers[name].shape
            sample[name] = random.integers(low // spread, high // spread + 1, shape).astype(dtype.numpy)
        samples.append(sample)
    return samples


def check(
    kernel: IntegerNeuron, types: Sequence[DType], currents: Sequence[Current], boards: Sequence[str] = ()
) -> None:
    program = program_of(kernel, types)
    samples = samples_of(program, currents)
    whole = program.buffers[program.outputs[0]].whole
    expected = [list(kernel.compute(list(sample.values()), whole)) for sample in samples]
    for variant in in_windows(program):
        agree(variant, samples, expected, lsb=0)
    for board in boards:
        check_on_board(program, board)


@pytest.mark.parametrize(("operator", "reset", "delayed"), VARIANTS)
@pytest.mark.parametrize("own", [False, True], ids=["for all", "per channel"])
def test_variants(operator: str, reset: int, delayed: int, own: bool) -> None:
    shape = (1, 4, 3, 9)
    currents = [current_of(DType.INT16, 9, own)]
    parameters = per_channel(9) if own else DECAYS
    check(kernel_of(operator, reset, delayed, shape, parameters, currents), [DType.INT16], currents)


@pytest.mark.parametrize("shape", [(5,), (1, 1), (1, 7), (3, 8), (1, 33), (1, 16), (1, 6, 5), (2, 5, 2, 3)])
def test_shapes(shape: Sequence[int]) -> None:
    currents = [current_of(DType.INT32, shape[-1])]
    check(kernel_of("LIF", 0, 0, shape, per_channel(shape[-1]), currents), [DType.INT32], currents)


@pytest.mark.parametrize(
    "types", [[DType.INT8], [DType.INT16, DType.INT32], [DType.INT32, DType.INT8, DType.INT16]]
)
def test_several_currents(types: Sequence[DType]) -> None:
    currents = [current_of(t, 10, t is not DType.INT8, 5 if t is DType.INT8 else 0) for t in types]
    check(kernel_of("LIF", 0, 1, (1, 10), DECAYS, currents), types, currents)


@pytest.mark.parametrize("board", [M4, M0, RV32])
@pytest.mark.parametrize(("operator", "reset", "delayed"), [("LIF", 0, 0), ("CubaLIF", 1, 1), ("LI", 0, 0)])
def test_on_boards(board: str, operator: str, reset: int, delayed: int) -> None:
    currents = [current_of(DType.INT16, 33)]
    kernel = kernel_of(operator, reset, delayed, (1, 33), per_channel(33), currents, 2.0**-5)
    check_on_board(program_of(kernel, [DType.INT16]), board)


@pytest.mark.parametrize(("operator", "reset", "delayed"), VARIANTS)
@given(data=st.data())
@settings(max_examples=40, deadline=None)
def test_the_integers_mean_what_the_recurrence_says(
    operator: str, reset: int, delayed: int, data: st.DataObject
) -> None:
    """From any state that does not saturate: membranes within 5 steps of the real ones, and the same spikes
    wherever the real membrane is not that close to its threshold."""
    channels = data.draw(st.sampled_from([1, 7, 8, 33]))
    seed = data.draw(st.integers(0, 2**32 - 1))
    kinds = st.sampled_from([DType.INT8, DType.INT16, DType.INT32])
    types = data.draw(st.lists(kinds, min_size=1, max_size=2))
    parameters = per_channel(channels, seed) if data.draw(st.booleans()) else DECAYS
    currents = [current_of(t, channels, zero_point=3 if t is DType.INT8 else 0) for t in types]
    kernel = kernel_of(operator, reset, delayed, (1, channels), parameters, currents)
    program = program_of(kernel, types)
    (sample,) = samples_of(program, currents, 1, seed)
    states = {name: sample[name] // 8 for name in NEURONS[operator].state}
    integers = {**sample, **states}
    current = sum(
        (integers[f"I{n}"].astype(np.float64) - c.zero_point) * c.scales for n, c in enumerate(currents)
    )
    real = {name: values * SCALE for name, values in states.items()} | {"I": np.asarray(current)}
    threshold = np.rint(np.asarray(parameters["threshold"], np.float64) / SCALE) * SCALE
    constants = {name: np.asarray(parameters[name], np.float64) for name in NEURONS[operator].parameters}
    wanted = step(operator, {**real, **constants, "threshold": threshold}, reset, delayed)
    made = kernel.compute(list(integers.values()), program.buffers["U"].whole)
    found = dict(zip(NEURONS[operator].outputs, made, strict=True))
    clear = np.abs(wanted.get("V", np.inf) - threshold) > CLOSE
    clear = np.broadcast_to(clear, (1, channels))
    if "S" in wanted:
        np.testing.assert_array_equal(found["S"][clear], wanted["S"][clear] > 0)
    for name in NEURONS[operator].state:
        error = np.abs(found[f"{name}_next"] * SCALE - wanted[f"{name}_next"])
        assert error[clear].max(initial=0) <= CLOSE


def test_membranes_saturate() -> None:
    currents = [Current(np.array([SCALE]), 30_000)]
    kernel = kernel_of("LI", 0, 0, (1, 2), {"beta": 1.0}, currents)
    whole = program_of(kernel, [DType.INT16]).buffers["U"].whole
    (made,) = kernel.compute([np.array([[30_000, -30_000]]), np.array([[20_000, -20_000]])], whole)
    assert made.tolist() == [[32_767, -32_768]]


@pytest.mark.parametrize(
    ("beta", "shift", "factor"),
    [
        (0.5, 1, None), (0.875, 3, None), (1 - 2.0**-15, 15, None), (1.0, None, None),
        (0.9, None, 29_491), (0.0, None, 0),
    ],
)
def test_decays(beta: float, shift: int | None, factor: int | None) -> None:
    """A shift where it is exact, else Q15; both are within a step of the real decay."""
    decay = Decay.of(np.array([beta], np.float32))
    assert decay.shift == shift
    assert (None if decay.factors is None else decay.factors.item()) == factor
    state = np.arange(-(2**15), 2**15, dtype=np.int64)
    assert np.abs(decay.apply(state) - np.float32(beta).astype(np.float64) * state).max() <= 1.0


def test_decays_that_differ_are_factors() -> None:
    assert Decay.of(np.array([0.5, 0.75])).shift is None


@pytest.mark.parametrize(
    ("scales", "multipliers", "shift"),
    [([0.25], [1], 2), ([4.0], [4], 0), ([1.0, 0.5], [2, 1], 1), ([0.3], [307], 10)],
)
def test_drives(scales: list[float], multipliers: list[int], shift: int) -> None:
    """Ratios that are powers of two are exact."""
    drive = Drive.of([Current(np.array(scales), 1000)], 1.0)
    assert drive is not None
    assert (drive.multipliers[0].tolist(), drive.shift) == (multipliers, shift)


def test_refused_currents_and_thresholds() -> None:
    with pytest.raises(ModelError, match="current is too large"):
        kernel_of("LI", 0, 0, (1, 2), DECAYS, [Current(np.array([1.0]), 2**31 - 1)], 2.0**-12)
    with pytest.raises(ModelError, match="its threshold is 64000 steps"):
        kernel_of("IF", 0, 0, (1, 2), {"threshold": 0.5}, [Current(np.array([1e-4]), 100)], 0.5 / 64_000)
