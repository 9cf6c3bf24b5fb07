"""Gather along every axis, by constants and at run time; embeddings in flash."""

from __future__ import annotations

import numpy as np
import pytest
from onnx import TensorProto, helper

from tinyc.ir.errors import ModelError
from tinyc.kernels.gather import Gather
from tinyc.kernels.remap import Remap

from .checks import check, float_model, lowered, qdq_model

# data, axis, shape of the indices
CASES = {
    "rows": ((5, 3), 0, (4,)),
    "last axis": ((2, 3, 6), -1, (3,)),
    "middle axis": ((2, 5, 3), 1, (4,)),
    "a matrix of indices": ((4, 5, 2), 1, (2, 3)),
    "one index": ((3, 4, 5), 1, ()),
    "image channels": ((1, 6, 3, 4), 1, (3,)),
    "vector": ((7,), 0, (2, 2)),
}


def _node(axis: int, data: str = "x", out: str = "y") -> helper.NodeProto:
    return helper.make_node("Gather", [data, "i"], [out], "gather", axis=axis)


@pytest.mark.parametrize(("axis", "indices"), [(0, (2,)), (1, (3,)), (2, ()), (-1, (2, 2)), (1, ())])
def test_channel_last(axis: int, indices: tuple[int, ...]) -> None:
    """Data is taken as it lies, and the result lies in the same order of axes."""
    shape = (1, 5, 3, 4)
    values = np.random.default_rng(axis + 1).integers(0, shape[axis], indices)
    pool = helper.make_node("MaxPool", ["x"], ["pooled"], "pool", kernel_shape=[1, 1])
    program = check(float_model([pool, _node(axis, "pooled")], {"x": shape}, ["y"], {"i": values}))
    assert [step.operator for step in program.steps][:2] == ["MaxPool", "Gather"]
    model = float_model(
        [pool, _node(axis, "pooled")], {"x": shape, "i": indices}, ["y"], dtypes={"i": TensorProto.INT64}
    )
    check(model, samples=[{"x": np.random.default_rng(0).normal(size=shape).astype(np.float32), "i": values}])


def _indices(case: str, seed: int = 0) -> np.ndarray:
    data, axis, shape = CASES[case]
    length = data[axis]
    return np.random.default_rng(seed + len(case)).integers(-length, length, shape)


@pytest.mark.parametrize("case", CASES)
def test_constant_indices(case: str) -> None:
    shape, axis, _ = CASES[case]
    constants = {"i": _indices(case)}
    program = check(float_model([_node(axis)], {"x": shape}, ["y"], constants))
    assert isinstance(program.steps[0].kernel, Remap)
    check(
        qdq_model([_node(axis)], {"x": shape}, ["y"], {"x": (0.05, 9), "y": (0.05, 9)}, constants, stage=True)
    )
    check(qdq_model([_node(axis)], {"x": shape}, ["y"], {"x": (0.05, 9), "y": (0.07, -4)}, constants))


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("kind", [TensorProto.INT32, TensorProto.INT64])
def test_run_time_indices(case: str, kind: int) -> None:
    shape, axis, indices = CASES[case]
    rng = np.random.default_rng(len(case))
    dtype = helper.tensor_dtype_to_np_dtype(kind)
    samples = [
        {"x": rng.normal(size=shape).astype(np.float32), "i": _indices(case, seed).astype(dtype)}
        for seed in range(3)
    ]
    model = float_model([_node(axis)], {"x": shape, "i": indices}, ["y"], dtypes={"i": kind})
    program = check(model, samples=samples)
    assert isinstance(program.steps[0].kernel, Gather)


@pytest.mark.parametrize("scale", [0.05, 0.08])
def test_run_time_indices_of_int8(scale: float) -> None:
    model = qdq_model([_node(1)], {"x": (2, 5, 3)}, ["y"], {"x": (0.05, 9), "y": (scale, 9)})
    model.graph.input.append(helper.make_tensor_value_info("i", TensorProto.INT64, (4,)))
    rng = np.random.default_rng(0)
    samples = [
        {"x_q": rng.integers(-128, 128, (2, 5, 3)).astype(np.int8), "i": rng.integers(-5, 5, (4,))}
        for _ in range(3)
    ]
    _infer(model, (2, 4, 3))
    program = check(model, samples=samples)
    assert len(program.steps) == 1


def test_an_embedding_stays_in_flash() -> None:
    table = np.random.default_rng(0).normal(size=(20, 6)).astype(np.float32)
    model = float_model([_node(0, "table")], {"i": (1, 7)}, ["y"], {"table": table}, {"i": TensorProto.INT64})
    program = check(
        model, samples=[{"i": np.random.default_rng(s).integers(0, 20, (1, 7))} for s in range(3)]
    )
    assert program.steps[0].kernel.constants()["data"].nbytes == table.nbytes
    assert program.plan is not None and program.plan.arena_bytes < table.nbytes


def test_a_quantized_embedding_stays_int8() -> None:
    rng = np.random.default_rng(0)
    model = qdq_model(
        [_node(0, "table")], {}, ["y"], {"y": (0.04, 3)},
        dequantized={"table": (rng.integers(-127, 128, (20, 6)).astype(np.int8), np.float32(0.05), 0)},
    )  # fmt: skip
    model.graph.input.append(helper.make_tensor_value_info("i", TensorProto.INT64, (1, 7)))
    _infer(model, (1, 7, 6))
    program = check(model, samples=[{"i": rng.integers(0, 20, (1, 7))} for _ in range(3)])
    assert [step.kernel.constants()["data"].dtype for step in program.steps] == [np.int8]


def test_run_time_indices_never_leave_the_axis() -> None:
    """ONNX leaves such indices undefined; firmware must not read elsewhere."""
    from tinyc.codegen.emit import Facts, emit
    from tinyc.emulator.host import HostModel
    from tinyc.emulator.machine import Machine
    from tinyc.targets import load_target

    table = np.arange(12, dtype=np.float32).reshape(4, 3)
    model = float_model([_node(0, "table")], {"i": (5,)}, ["y"], {"table": table}, {"i": TensorProto.INT64})
    program = check(model, samples=[{"i": np.array([0, 1, 2, 3, -1])}])
    wild = {"i": np.array([4, -5, 2**40, -(2**63), 2**63 - 1])}
    emulated = Machine(program).run(wild)["y"]
    np.testing.assert_array_equal(emulated, table[[3, 0, 3, 0, 3]])
    with HostModel(program, emit(program, load_target("host"), Facts("0", "m", "0", 25, 0, 0, ""))) as host:
        np.testing.assert_array_equal(host.run([wild])[0]["y"], emulated)


def test_constant_indices_beyond_the_axis_are_refused() -> None:
    model = float_model([_node(0)], {"x": (4, 2)}, ["y"], {"i": np.int64([1, 4])})
    with pytest.raises(ModelError, match="index 4 is outside axis 0, which has 4"):
        lowered(model)


def _infer(model: object, shape: tuple[int, ...]) -> None:
    """Shapes that an input which was added later makes known."""
    import onnx

    inferred = onnx.shape_inference.infer_shapes(model, strict_mode=True)  # type: ignore[arg-type]
    model.CopyFrom(inferred)  # type: ignore[attr-defined]
    dims = model.graph.output[0].type.tensor_type.shape  # type: ignore[attr-defined]
    assert tuple(d.dim_value for d in dims.dim) == shape
