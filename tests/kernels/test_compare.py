"""Comparisons of floats, raw integers and quantized data; Where and Cast between types."""

from __future__ import annotations

import numpy as np
import pytest
from onnx import TensorProto, helper
from onnx.shape_inference import infer_shapes

from tinyc.ir.errors import ModelError
from tinyc.kernels.cast import Cast
from tinyc.kernels.elementwise import Elementwise

from .broadcasts import CONSTANT, RUN_TIME
from .checks import Quant, agree, check, float_model, lowered, qdq_model

COMPARISONS = ("Equal", "Greater", "GreaterOrEqual", "Less", "LessOrEqual")


def _quantized(nodes, inputs, outputs, quants, constants=None):
    """A model of quantized inputs whose outputs are bool."""
    placeholder = {**quants, **dict.fromkeys(outputs, (1.0, 0))}
    casts = [helper.make_node("Cast", [f"{o}_bool"], [o], to=TensorProto.FLOAT) for o in outputs]
    model = qdq_model([*nodes, *casts], inputs, outputs, placeholder, constants)
    kept = [n for n in model.graph.node if n.op_type != "Cast" and n.name not in {f"q_{o}" for o in outputs}]
    del model.graph.node[:], model.graph.output[:], model.graph.value_info[:]
    model.graph.node.extend(kept)
    model.graph.output.extend(
        helper.make_tensor_value_info(f"{o}_bool", TensorProto.BOOL, None) for o in outputs
    )
    return infer_shapes(model, strict_mode=True)


@pytest.mark.parametrize("kind", ["FLOAT", "INT32", "INT64"])
@pytest.mark.parametrize("case", ["same shape", "one value per channel", "both grow", "scalar"])
def test_raw(kind: str, case: str) -> None:
    number = getattr(TensorProto, kind)
    a, b = RUN_TIME[case]
    kinds = {"a": number, "b": number, "y": TensorProto.BOOL}
    rng = np.random.default_rng(0)
    dtype = helper.tensor_dtype_to_np_dtype(number)
    samples = [
        {"a": np.asarray(rng.integers(-2, 3, a), dtype), "b": np.asarray(rng.integers(-2, 3, b), dtype)}
    ]
    operator = COMPARISONS[len(case) % 5]
    model = float_model(
        [helper.make_node(operator, ["a", "b"], ["y"])], {"a": a, "b": b}, ["y"], dtypes=kinds
    )
    check(model, lsb=0, samples=samples)


def test_all_comparisons_of_floats() -> None:
    nodes = [helper.make_node(op, ["a", "b"], [op]) for op in COMPARISONS]
    nodes += [helper.make_node(op, ["c", "a"], [f"constant {op}"]) for op in COMPARISONS]
    outputs = [node.output[0] for node in nodes]
    grid = np.array([-np.inf, -1.0, 0.0, 0.5, 1.0, np.nan], np.float32)
    a, b = (g.reshape(-1) for g in np.meshgrid(grid, grid))
    kinds = dict.fromkeys(outputs, TensorProto.BOOL)
    model = float_model(nodes, {"a": a.shape, "b": b.shape}, outputs, {"c": np.float32(0.5)}, kinds)
    check(model, lsb=0, samples=[{"a": a, "b": b}])


@pytest.mark.parametrize("alike", [True, False])
def test_quantized(alike: bool) -> None:
    """Integers of one scale are compared as they are, others as float32."""
    nodes = [helper.make_node(op, ["a", "b"], [f"{op}_bool"]) for op in COMPARISONS]
    quants = {"a": (0.05, 3), "b": (0.05, 3) if alike else (0.02, -9)}
    integers = np.arange(-128, 128).astype(np.int8)
    a, b = np.meshgrid(integers, integers)
    model = _quantized(nodes, {"a": a.shape, "b": b.shape}, COMPARISONS, quants)
    program = check(model, lsb=0, samples=[{"a_q": a, "b_q": b}])
    assert (len(program.steps) == len(COMPARISONS)) == alike


@pytest.mark.parametrize("left", [True, False])
def test_quantized_with_constants(left: bool) -> None:
    """At, between and beyond the values that integers stand for."""
    scale, zero = np.float32(0.05), 3
    constants = np.concatenate([
        (np.array([-100, 0, 3, 57], np.float32) - zero) * scale,
        np.array([0.01, -0.077, 1.2345, 1e9, -1e9, 6.2, -6.55], np.float32),
    ])[:, None]  # fmt: skip
    order = ["c", "x"] if left else ["x", "c"]
    nodes = [helper.make_node(op, order, [f"{op}_bool"]) for op in COMPARISONS]
    x = np.tile(np.arange(-128, 128), (len(constants), 1)).astype(np.int8)
    model = _quantized(nodes, {"x": x.shape}, COMPARISONS, {"x": (float(scale), zero)}, {"c": constants})
    program = check(model, lsb=0, samples=[{"x_q": x}])
    assert [type(step.kernel) for step in program.steps] == [Elementwise] * len(COMPARISONS)


@pytest.mark.parametrize("threshold", [0.4, 1e9])
def test_quantized_with_a_scalar(threshold: float) -> None:
    nodes = [helper.make_node("Greater", ["x", "c"], ["y_bool"])]
    x = np.arange(-128, 128).reshape(4, 64).astype(np.int8)
    model = _quantized(nodes, {"x": x.shape}, ["y"], {"x": (0.05, 3)}, {"c": np.float32(threshold)})
    check(model, lsb=0, samples=[{"x_q": x}])


@pytest.mark.parametrize("case", ["same shape", "one value per channel", "both grow", "lower rank"])
def test_where(case: str) -> None:
    a, b = RUN_TIME[case]
    model = float_model(
        [helper.make_node("Where", ["m", "a", "b"], ["y"])], {"m": b, "a": a, "b": b}, ["y"],
        dtypes={"m": TensorProto.BOOL},
    )  # fmt: skip
    check(model, tolerance=0.0)


def test_where_on_quantized_data() -> None:
    """A comparison chooses: x where it is above a threshold, else the other operand or a constant."""
    nodes = [
        helper.make_node("Greater", ["a", "c"], ["m"]),
        helper.make_node("Where", ["m", "a", "b"], ["y"]),
        helper.make_node("Where", ["m", "low", "b"], ["z"]),
    ]
    quants: dict[str, Quant] = dict.fromkeys(("a", "b", "y", "z"), (0.05, 3))
    constants = {"c": np.array([[[0.3]], [[-1.0]], [[2.0]]], np.float32), "low": np.float32(-np.inf)}
    inputs = dict.fromkeys("ab", (1, 3, 4, 5))
    program = check(qdq_model(nodes[:2], inputs, ["y"], quants, constants), lsb=0)
    assert [type(step.kernel) for step in program.steps] == [Elementwise] * 2
    program = check(qdq_model([nodes[0], nodes[2]], inputs, ["z"], quants, constants), lsb=0)
    assert [type(step.kernel) for step in program.steps] == [Elementwise] * 2


def test_where_of_different_scales() -> None:
    quants = {"a": (0.05, 3), "b": (0.02, 0), "y": (0.06, 1)}
    nodes = [
        helper.make_node("Greater", ["a", "b"], ["m"]),
        helper.make_node("Where", ["m", "a", "b"], ["y"]),
    ]
    check(qdq_model(nodes, dict.fromkeys("ab", (3, 40)), ["y"], quants))


def test_where_of_integers() -> None:
    kinds = dict.fromkeys(["a", "y"], TensorProto.INT64) | {"m": TensorProto.BOOL}
    constant = np.array([-(2**63), 2**40, 7, 2**63 - 1], np.int64)
    nodes = [helper.make_node("Where", ["m", "a", "c"], ["y"])]
    model = float_model(nodes, {"m": (3, 4), "a": (3, 1)}, ["y"], {"c": constant}, kinds)
    check(model, lsb=0)


TYPES = ("FLOAT", "INT8", "UINT8", "INT16", "INT32", "INT64", "UINT32", "BOOL")


@pytest.mark.parametrize("source", TYPES)
def test_cast(source: str) -> None:
    """From one type to all others, with what both can hold; integers lose their upper bits."""
    number = getattr(TensorProto, source)
    dtype = helper.tensor_dtype_to_np_dtype(number)
    if source == "FLOAT":
        x = np.array([[0.0, -0.0, 0.4, 0.99, 1.5, 2.0, 99.9, 127.0]], np.float32)
    elif source == "BOOL":
        x = np.array([[True, False, True]])
    else:
        info = np.iinfo(dtype)
        x = np.array([[0, 1, 2, 127, info.max, info.max - 1, info.min, info.min + 1]], dtype)
    targets = [t for t in TYPES if not (source == "FLOAT" and t == "FLOAT")]
    nodes = [helper.make_node("Cast", ["x"], [t], to=getattr(TensorProto, t)) for t in targets]
    kinds = {"x": number} | {t: getattr(TensorProto, t) for t in targets}
    program = check(float_model(nodes, {"x": x.shape}, targets, dtypes=kinds), lsb=0, samples=[{"x": x}])
    assert all(isinstance(step.kernel, Cast) for step in program.steps)


def test_cast_of_floats_that_integers_do_not_hold() -> None:
    """ONNX leaves the result open; here it saturates, and what is not a number gives the least."""
    x = np.array(
        [-np.inf, -3e38, -1e10, -200.7, -128.9, 127.9, 128.0, 255.5, 256.0, 3e9, 3e38, np.inf, np.nan],
        np.float32,
    )
    targets = ["INT8", "UINT8", "INT16", "INT32", "INT64", "UINT32"]
    nodes = [helper.make_node("Cast", ["x"], [t], to=getattr(TensorProto, t)) for t in targets]
    model = float_model(nodes, {"x": x.shape}, targets, dtypes={t: getattr(TensorProto, t) for t in targets})
    expected = []
    for target in targets:
        info = np.iinfo(helper.tensor_dtype_to_np_dtype(getattr(TensorProto, target)))
        exact = [
            info.min if np.isnan(v) else info.max if v > info.max else info.min if v < info.min else int(v)
            for v in x.tolist()
        ]
        expected.append(np.array(exact, info.dtype))
    agree(lowered(model), [{"x": x}], [expected], lsb=0)


def test_windows_of_casts() -> None:
    nodes = [
        helper.make_node("Cast", ["x"], ["i"], to=TensorProto.INT32),
        helper.make_node("Cast", ["i"], ["s"], to=TensorProto.INT8),
        helper.make_node("Cast", ["s"], ["y"], to=TensorProto.FLOAT),
    ]
    check(float_model(nodes, {"x": (1, 3, 5, 7)}, ["y"]))


def test_cast_to_a_type_that_c_cannot_store() -> None:
    nodes = [helper.make_node("Cast", ["x"], ["y"], to=TensorProto.FLOAT16)]
    model = float_model(nodes, {"x": (3,)}, ["y"], dtypes={"y": TensorProto.FLOAT16})
    with pytest.raises(ModelError, match="element type that tinyc does not compile"):
        lowered(model)


@pytest.mark.parametrize("case", CONSTANT)
def test_constant_conditions(case: str) -> None:
    shape, other = CONSTANT[case]
    condition = np.random.default_rng(0).integers(0, 2, other).astype(bool)
    model = float_model(
        [helper.make_node("Where", ["m", "x", "c"], ["y"])],
        {"x": shape},
        ["y"],
        {"m": condition, "c": np.float32(-2)},
    )
    check(model, tolerance=0.0)
