"""Inputs as spikes: the ONNX functions, the emulator, C here and on boards give the same ones."""

from __future__ import annotations

import numpy as np
import onnx
import onnx_ir as oir
import pytest
from onnx import TensorProto, helper

from tinyc.emulator.machine import Machine
from tinyc.ir.dtype import SPIKE, DType, Quant
from tinyc.ir.errors import ModelError
from tinyc.ir.program import Alias, Buffer, Program, Role, Step, Task
from tinyc.kernels.encoder import resolve_latency, resolve_poisson
from tinyc.kernels.event_pool import SpikeSumPool
from tinyc.kernels.node import Constant, Node, Tensor
from tinyc.kernels.sliding import Sliding
from tinyc.passes.lower.layout import channel_last
from tinyc.passes.onnx_graph import SPIKING_DOMAIN
from tinyc.passes.place import place
from tinyc.passes.quantize.running import Runner
from tinyc.passes.spiking.encoders import add_encoders

from .boards import M0, M4, RV32, check_on_board
from .checks import OPSET, agree, check
from .spiking import every_schedule

STEPS = 6
SHAPES: dict[str, tuple[int, ...]] = {
    "one channel": (1, 1, 5, 3),
    "three channels": (1, 3, 4, 7),
    "a byte and more": (1, 11, 3, 2),
    "batch of 2": (2, 2, 3, 4),
    "sequence": (1, 9, 13),
    "vector": (1, 21),
    "rows": (3, 10),
}
RESOLVE = {"Poisson": resolve_poisson, "Latency": resolve_latency}
Q8, Q16 = (DType.INT8, Quant(0.0041, -120)), (DType.INT16, Quant(0.00007, 300))
U8 = DType.UINT8, Quant(1 / 255, 0)


def _constants(operator: str, shape: tuple[int, ...]) -> dict[str, np.ndarray]:
    if operator == "Latency":
        return {"steps": np.array(STEPS, np.float32), "unit": np.array(1 / STEPS, np.float32)}
    numbers = np.arange(np.prod(shape), dtype=np.int64).reshape(shape)
    return {"places": numbers, "unit": np.array(1 / 256, np.float32)}


def _model(operator: str, shape: tuple[int, ...]) -> onnx.ModelProto:
    """The function alone, of float32 ``x``."""
    constants = _constants(operator, shape)
    node = helper.make_node(operator, ["x", "time", *constants], ["y"], "coded", domain=SPIKING_DOMAIN)
    given = [helper.make_tensor_value_info("x", TensorProto.FLOAT, shape),
             helper.make_tensor_value_info("time", TensorProto.INT32, [1])]  # fmt: skip
    graph = helper.make_graph(
        [node], "test", given, [helper.make_tensor_value_info("y", TensorProto.FLOAT, shape)],
        [onnx.numpy_helper.from_array(array, name) for name, array in constants.items()],
    )  # fmt: skip
    opsets = [helper.make_opsetid("", OPSET), helper.make_opsetid(SPIKING_DOMAIN, 1)]
    model = oir.serde.deserialize_model(helper.make_model(graph, opset_imports=opsets, ir_version=13))
    add_encoders(model)
    return oir.to_proto(model)


def _times(last: int) -> list[dict[str, np.ndarray]]:
    return [{"time": np.array([step], np.int32)} for step in range(last)]


def _program(operator: str, shape: tuple[int, ...], stored: tuple[DType, Quant]) -> Program:
    """Integers x → spikes, which a sum of one tap turns into numbers y; what has no pixels is one row."""
    dtype, quant = stored
    values = Tensor("x", shape, dtype, channel_last(len(shape)), quant)
    others = [Tensor(name, array.shape, DType.FLOAT32, tuple(range(array.ndim)), constant=Constant(array))
              for name, array in _constants(operator, shape).items()]  # fmt: skip
    node = Node(operator, "coded", {}, (values, Tensor("time", (1,), DType.INT32, (0,)), *others),
                (Tensor("s", shape, DType.BIT, values.order, SPIKE),))  # fmt: skip
    kernel = RESOLVE[operator](node)
    batch, *size, channels = values.physical if len(shape) > 2 else (1, *values.physical)
    rows, columns = [*size, 1][:2]
    sliding = Sliding((1, 1), (1, 1), (1, 1), (0, 0), (rows, columns), (rows, columns), batch)
    grid = kernel.shape if len(shape) > 2 else (1, rows, channels)
    buffers = [
        Buffer("x", kernel.shape, dtype, role=Role.INPUT),
        Buffer("time", (1,), DType.INT32, role=Role.INPUT),
        Buffer("spikes", kernel.shape, DType.BIT),
        Buffer("pixels", grid, DType.BIT, alias=Alias("spikes")),
        Buffer("y", grid, DType.INT8, role=Role.OUTPUT),
    ]
    one = Step("numbers", SpikeSumPool.of(sliding, channels), ("pixels",), ("y",))
    steps = Step("coded", kernel, ("x", "time"), ("spikes",)), one
    named = {buffer.name: buffer for buffer in buffers}
    return Program("inputs", named, steps, (Task(0), Task(1)), ("x", "time"), ("y",))


def _integers(shape: tuple[int, ...], dtype: DType) -> np.ndarray:
    low, high = int(dtype.lowest), int(dtype.highest)
    return np.random.default_rng(3).integers(low, high + 1, shape).astype(dtype.numpy)


@pytest.mark.parametrize("operator", RESOLVE)
@pytest.mark.parametrize("shape", SHAPES)
def test_integers_spike_as_the_function_of_their_real_values(operator: str, shape: str) -> None:
    size = SHAPES[shape]
    order = channel_last(len(size))
    runner = Runner(oir.serde.deserialize_model(_model(operator, size)))
    for dtype, quant in (Q8, Q16, U8) if shape == "three channels" else (Q8,):
        integers = _integers(size, dtype)
        real = (integers.astype(np.int32) - quant.zero_point).astype(np.float32) * np.float32(quant.scale)
        samples = [{"x": integers.transpose(order), **time} for time in _times(STEPS + 2)]
        found = [runner.run({**sample, "x": real})["y"].transpose(order) for sample in samples]
        program = _program(operator, size, (dtype, quant))
        wanted = [[spikes.reshape(program.buffers["y"].shape).astype(np.int8)] for spikes in found]
        for variant in every_schedule(program) if shape == "a byte and more" else [program]:
            agree(variant, samples, wanted, lsb=0)


@pytest.mark.parametrize("operator", RESOLVE)
@pytest.mark.parametrize("shape", ["three channels", "sequence", "vector"])
def test_floats_spike_as_the_function_says(operator: str, shape: str) -> None:
    values = np.random.default_rng(5).uniform(-0.1, 1.1, SHAPES[shape]).astype(np.float32)
    check(_model(operator, SHAPES[shape]), samples=[{"x": values, **time} for time in _times(STEPS + 2)])


@pytest.mark.parametrize("board", [M0, M4, RV32])
@pytest.mark.parametrize("operator", RESOLVE)
def test_on_boards(operator: str, board: str) -> None:
    check_on_board(_program(operator, SHAPES["a byte and more"], Q8), board)


def _trains(operator: str, values: np.ndarray, steps: int) -> np.ndarray:
    """[steps, elements] spikes of real ``values``."""
    quant = Quant(1 / 256, -128)
    machine = Machine(place(_program(operator, values.shape, (DType.INT8, quant))))
    stored = np.round(values / quant.scale + quant.zero_point).astype(np.int8)
    return np.stack([machine.run({"x": stored, **time})["y"].reshape(-1) for time in _times(steps)])


def test_rates_are_values_and_steps_do_not_repeat() -> None:
    values = np.repeat(np.array([0.0, 0.25, 0.5, 0.75, 255 / 256], np.float32), 40)[None]
    trains = _trains("Poisson", values, 400)
    rates = trains.mean(axis=0).reshape(5, 40)
    assert rates[0].max() == 0 and rates[4].min() > 0.98
    assert np.abs(rates.mean(axis=1) - values.reshape(5, 40)[:, 0]).max() < 0.01
    for spread, mean in zip(rates.std(axis=1)[1:4], values.reshape(5, 40)[1:4, 0], strict=True):
        assert spread == pytest.approx(np.sqrt(mean * (1 - mean) / 400), rel=0.4)  # as independent draws have
    halves = trains[:, 80:120].astype(float) - 0.5
    assert np.abs(halves[:-1].T @ halves[1:] / 400).max() < 0.25 * 0.25


def test_the_greater_a_value_is_the_earlier_it_spikes_once() -> None:
    values = np.array([[0.0, 0.07, 0.1, 0.5, 0.9, 0.95, 255 / 256]], np.float32)
    trains = _trains("Latency", values, STEPS + 3)
    counts = np.floor(values * STEPS + 0.5).astype(int).reshape(-1)
    assert trains.sum(axis=0).tolist() == [0, 0, 1, 1, 1, 1, 1]
    for train, count in zip(trains.T[2:], counts[2:], strict=True):
        assert train.argmax() == STEPS - count


@pytest.mark.parametrize(
    ("operator", "changed", "says"),
    [
        ("Poisson", {"places": np.arange(6)[::-1].reshape(1, 6)}, "places are not 0, 1, 2"),
        ("Poisson", {"unit": np.float32(0)}, "one positive number"),
        ("Latency", {"steps": np.float32(2.5)}, "whole number"),
    ],
)
def test_refused(operator: str, changed: dict[str, np.ndarray], says: str) -> None:
    constants = _constants(operator, (1, 6)) | changed
    values = Tensor("x", (1, 6), DType.FLOAT32, (0, 1))
    others = [Tensor(name, array.shape, DType.FLOAT32, (), constant=Constant(np.asarray(array)))
              for name, array in constants.items()]  # fmt: skip
    node = Node(operator, "coded", {}, (values, values, *others), (values,))
    with pytest.raises(ModelError, match=says):
        RESOLVE[operator](node)


def test_a_function_with_an_encoders_name_and_another_body_is_refused() -> None:
    from tinyc.passes.import_onnx import import_model

    model = _model("Poisson", (1, 6))
    import_model(model)
    model.functions[0].node[0].attribute[0].i += 1
    with pytest.raises(ModelError, match="is not tinyc's of that name"):
        import_model(model)
