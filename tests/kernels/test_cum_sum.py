"""Running sums: exclusive, reverse, any axis; float32 and int8."""

from __future__ import annotations

import numpy as np
import pytest
from onnx import TensorProto, helper

from tinyc.ir.errors import ModelError

from .checks import check, float_model, lowered, qdq_model

CASES = {"vector": ((9,), 0), "last": ((3, 7), -1), "first": ((5, 4), 0), "middle": ((2, 5, 3), 1)}


def _cum_sum(exclusive: int, reverse: int):
    return [helper.make_node("CumSum", ["x", "axis"], ["y"], "sums", exclusive=exclusive, reverse=reverse)]


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("exclusive", [0, 1])
@pytest.mark.parametrize("reverse", [0, 1])
def test_running_sums(case: str, exclusive: int, reverse: int) -> None:
    shape, axis = CASES[case]
    nodes, constants = _cum_sum(exclusive, reverse), {"axis": np.int64(axis)}
    check(float_model(nodes, {"x": shape}, ["y"], constants))
    check(qdq_model(nodes, {"x": shape}, ["y"], {"x": (0.05, 9), "y": (0.11, -3)}, constants))


def test_axis_computed_at_run_time_is_refused() -> None:
    model = float_model(_cum_sum(0, 0), {"x": (3, 4), "axis": ()}, ["y"], dtypes={"axis": TensorProto.INT64})
    with pytest.raises(ModelError, match="axis operand"):
        lowered(model)
