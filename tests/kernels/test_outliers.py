"""Patches with outliers: bounds, cuts that are not even, ranks, types, and what windows need."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from tinyc.ir.errors import ModelError
from tinyc.ir.program import Program
from tinyc.ir.window import Window
from tinyc.kernels.outliers import Outliers
from tinyc.passes.import_onnx import import_model
from tinyc.passes.onnx_graph import PATCH_DOMAIN
from tinyc.passes.patch_functions import HAS_OUTLIERS, with_patch_functions

from ..passes.branches import patch_of
from .boards import M0, M4, RV32, check_on_board
from .checks import OPSET, agree, lowered, reference, samples_of
from .schedules import rows_alone

QUANT = 0.05, 3


def model_of(
    shape: Sequence[int], grid: tuple[int, int], bounds: tuple[float, float] = (-5.0, 5.7),
    dtype: type = np.int8, **changed: object,
) -> onnx.ModelProto:  # fmt: skip
    """The function alone, on a quantized image of ``shape`` in the model's order."""
    rank, (scale, zero) = len(shape), QUANT
    order = [0, *range(2, rank), 1]
    height, width = shape[2], shape[3] if rank == 4 else 1
    attributes: dict[str, object] = {
        "low": bounds[0], "high": bounds[1], "order": order, "shape": [height, width, shape[1]],
        "rows": patch_of(height, grid[0]).tolist(), "columns": patch_of(width, grid[1]).tolist(),
        "grid": [1, 1, *grid][:rank], "shares": [0.5] * (grid[0] * grid[1]),
    }  # fmt: skip
    classify = helper.make_node(
        HAS_OUTLIERS, ["x"], ["y"], "classify", domain=PATCH_DOMAIN, **(attributes | changed)
    )
    pool = helper.make_node("MaxPool", ["real"], ["pooled"], "pool", kernel_shape=[1] * (rank - 2))
    nodes = [
        helper.make_node("DequantizeLinear", ["x_q", "scale", "zero"], ["real"], "dequantize"),
        pool,  # so that the image lies channel-last
        helper.make_node("QuantizeLinear", ["pooled", "scale", "zero"], ["pooled_q"], "quantize"),
        helper.make_node("DequantizeLinear", ["pooled_q", "scale", "zero"], ["x"], "back"),
        classify,
    ]
    constants = {"scale": np.float32(scale), "zero": np.array(zero, dtype)}
    graph = helper.make_graph(
        nodes, "test",
        [helper.make_tensor_value_info("x_q", helper.np_dtype_to_tensor_dtype(np.dtype(dtype)), shape)],
        [helper.make_tensor_value_info("y", TensorProto.BOOL, None)],
        [numpy_helper.from_array(np.asarray(v), n) for n, v in constants.items()],
    )  # fmt: skip
    opsets = [helper.make_opsetid("", OPSET), helper.make_opsetid(PATCH_DOMAIN, 1)]
    made = with_patch_functions(helper.make_model(graph, opset_imports=opsets, ir_version=13))
    return onnx.shape_inference.infer_shapes(made, strict_mode=True)


def images(model: onnx.ModelProto) -> list[dict[str, np.ndarray]]:
    """Without outliers, with some, and all over."""
    calm, wild = samples_of(model, 2)
    calm = {name: (image // 2 + image // 4).astype(image.dtype) for name, image in calm.items()}
    rng = np.random.default_rng(2)
    some = {n: np.where(rng.random(a.shape) < 0.02, wild[n], a).astype(a.dtype) for n, a in calm.items()}
    return [calm, some, wild]


def classifier(program: Program) -> Outliers:
    return next(step.kernel for step in program.steps if isinstance(step.kernel, Outliers))


CASES = {
    "image": ((1, 3, 9, 7), (3, 2)),
    "uneven": ((1, 2, 11, 13), (4, 5)),
    "one patch": ((1, 1, 5, 6), (1, 1)),
    "pixels": ((1, 3, 2, 3), (2, 3)),
    "series": ((1, 4, 10), (3, 1)),
}


@pytest.mark.parametrize("case", CASES)
def test_emulator_and_c_agree_with_onnx_runtime(case: str) -> None:
    model = model_of(*CASES[case])
    samples, program = images(model), lowered(model)
    wanted = reference(model, samples)
    assert not wanted[0][0].any() and wanted[2][0].any()
    for variant in (program, rows_alone(program), rows_alone(program, upward=True)):
        agree(variant, samples, wanted, lsb=0)


@pytest.mark.parametrize(
    ("bounds", "stored"),
    [
        ((-5.0, 5.71), (-97, 117)),
        ((-5.0001, 5.6999), (-97, 116)),
        ((-100.0, 5.7), (-128, 116)),  # float32: 114 · 0.05 > 5.7
        ((-5.0, 100.0), (-97, 127)),
        ((0.011, 0.039), (128, 127)),
    ],
)
def test_stored_bounds_are_those_that_onnx_runtime_finds(
    bounds: tuple[float, float], stored: tuple[int, int]
) -> None:
    """Every stored value by itself: one patch each."""
    model = model_of((1, 1, 16, 16), (16, 16), bounds)
    every = [{"x_q": np.arange(-128, 128).astype(np.int8).reshape(1, 1, 16, 16)}]
    program = lowered(model)
    kernel = classifier(program)
    assert (kernel.low, kernel.high) == stored
    agree(program, every, reference(model, every), lsb=0)


def test_unsigned_images() -> None:
    model = model_of((1, 3, 9, 7), (3, 2), (2.0, 10.0), np.uint8)
    samples = images(model)
    agree(lowered(model), samples, reference(model, samples), lsb=0)


def test_a_window_needs_its_patches() -> None:
    kernel = Outliers(-5, 5, (0, 2, 5, 7), (0, 4, 9), 3, 4, ((0.5, 0.5),) * 3)
    assert kernel.needs(0, Window(1, 3, 0, 1)) == Window(2, 7, 0, 4)
    assert kernel.cost(Window(0, 1, 1, 2)).operations == 2 * 5 * 3


@pytest.mark.parametrize("board", [M0, M4, RV32])
def test_on_boards(board: str) -> None:
    check_on_board(lowered(model_of((1, 3, 11, 7), (3, 2))), board)


def test_other_cuts_and_orders_are_refused() -> None:
    with pytest.raises(ModelError, match="do not belong to patch 0, 1"):
        lowered(model_of((1, 1, 4, 4), (2, 2), rows=[0, 1, 0, 1]))
    with pytest.raises(ModelError, match="another order of axes"):
        lowered(model_of((1, 3, 9, 7), (3, 2), order=[0, 1, 2, 3]))


def test_a_function_of_that_name_that_is_another_is_refused() -> None:
    model = model_of((1, 3, 9, 7), (3, 2))
    assert [node.op_type for node in import_model(model).graph].count(HAS_OUTLIERS) == 1
    less = next(node for node in model.functions[0].node if node.op_type == "Less")
    less.op_type = "LessOrEqual"
    with pytest.raises(ModelError, match="is not tinyc's of that name"):
        import_model(model)
