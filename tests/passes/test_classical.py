"""Operators of ai.onnx.ml are operators of ONNX, and give what ONNX Runtime gives for them."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from tinyc.ir.errors import ModelError
from tinyc.passes.import_onnx import import_model
from tinyc.passes.onnx_graph import OPSET

from .onnx_text import assert_same, normal, operators, run

DOMAIN = "ai.onnx.ml"
FLOAT, INT64, TEXT = TensorProto.FLOAT, TensorProto.INT64, TensorProto.STRING
ROWS = normal(3, 4).reshape(-1).tolist()


def model(
    operator: str,
    kinds: list[int] | int,
    kind: int = FLOAT,
    shape: tuple[int, ...] = (2, 4),
    **attributes: Any,
) -> onnx.ModelProto:
    """One node of ``x``, its outputs of element types ``kinds``."""
    kinds = [kinds] if isinstance(kinds, int) else kinds
    names = [f"y{index}" for index in range(len(kinds))]
    node = helper.make_node(operator, ["x"], names, domain=DOMAIN, **attributes)
    outputs = [helper.make_tensor_value_info(name, k, None) for name, k in zip(names, kinds, strict=True)]
    graph = helper.make_graph([node], "g", [helper.make_tensor_value_info("x", kind, shape)], outputs)
    imports = [helper.make_opsetid("", OPSET - 4), helper.make_opsetid(DOMAIN, 3)]
    return helper.make_model(graph, opset_imports=imports, ir_version=9)


CASES = {
    "Scaler of each feature":
        (model("Scaler", FLOAT, offset=[1.0, -2.0, 0.5, 3.0], scale=[2.0, 0.5, 1.0, -1.0]), "Sub Mul"),
    "Scaler of all": (model("Scaler", FLOAT, offset=[1.0], scale=[2.0]), "Sub Mul"),
    "Scaler of integers":
        (model("Scaler", FLOAT, INT64, offset=[1.0], scale=[0.5]), "Cast Sub Mul"),
    "Normalizer L1": (model("Normalizer", FLOAT, norm="L1"), "LpNormalization"),
    "Normalizer L2": (model("Normalizer", FLOAT, norm="L2"), "LpNormalization"),
    "LinearRegressor of one": (
        model("LinearRegressor", FLOAT, coefficients=ROWS[:4], intercepts=[0.5]), "Gemm",
    ),
    "LinearRegressor of three without intercepts":
        (model("LinearRegressor", FLOAT, coefficients=ROWS, targets=3), "Gemm"),
    "LinearClassifier": (
        model("LinearClassifier", [INT64, FLOAT], coefficients=ROWS, intercepts=[0.1, -0.2, 0.3],
              classlabels_ints=[0, 1, 2], post_transform="SOFTMAX"), "Gemm ArgMax Softmax",
    ),
    "LinearClassifier whose labels do not count up": (
        model("LinearClassifier", [INT64, FLOAT], coefficients=ROWS, intercepts=[0.1, -0.2, 0.3],
              classlabels_ints=[7, -1, 30], post_transform="LOGISTIC"), "Gemm ArgMax Gather Sigmoid",
    ),
    "Binarizer": (model("Binarizer", FLOAT, threshold=0.5), "Greater Cast"),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_it_is_what_onnx_runtime_computes(name: str) -> None:
    proto, expected = CASES[name]
    imported = import_model(proto)
    assert sorted(operators(imported).replace("Identity", "").split()) == sorted(expected.split())
    if "of integers" in name:
        x = np.arange(8).reshape(2, 4)
        np.testing.assert_array_equal(run(imported, {"x": x})[0], (x - 1) * np.float32(0.5))
    else:
        assert_same(imported, proto)


def test_names_of_classes_are_indices() -> None:
    proto = model(
        "LinearClassifier", [TEXT, FLOAT], coefficients=ROWS, intercepts=[0.1, -0.2, 0.3],
        classlabels_strings=["cat", "dog", "eel"], post_transform="NONE",
    )  # fmt: skip
    x = normal(2, 4)
    names, scores = run(proto, {"x": x})
    index, found = run(import_model(proto), {"x": x})
    np.testing.assert_allclose(found, scores, atol=1e-5)
    assert [["cat", "dog", "eel"][i] for i in index] == names.tolist()


@pytest.mark.parametrize("labels", [[0, 1, 2], [5, 3, 9], ["a", "b", "c"]])
def test_labels_that_are_looked_up(labels: list[int] | list[str]) -> None:
    """As skl2onnx writes it: ArrayFeatureExtractor, then a Cast where labels are numbers."""
    text = isinstance(labels[0], str)
    array = np.array(labels, object if text else np.int32)
    to = {} if text else {"to": INT64}
    nodes = [
        helper.make_node("ArgMax", ["x"], ["i"], axis=1),
        helper.make_node("ArrayFeatureExtractor", ["labels", "i"], ["l"], domain=DOMAIN),
        helper.make_node("Reshape", ["l", "all"], ["r"]),
        helper.make_node(*(("Identity", ["r"], ["y"]) if text else ("Cast", ["r"], ["y"])), **to),
    ]
    weights = [numpy_helper.from_array(array, "labels"), numpy_helper.from_array(np.array([-1]), "all")]
    graph = helper.make_graph(
        nodes, "g", [helper.make_tensor_value_info("x", FLOAT, [2, 3])],
        [helper.make_tensor_value_info("y", TEXT if text else INT64, [2])], weights,
    )  # fmt: skip
    imports = [helper.make_opsetid("", OPSET - 4), helper.make_opsetid(DOMAIN, 1)]
    imported = import_model(helper.make_model(graph, opset_imports=imports, ir_version=9))
    x = np.array([[0, 1, 3], [2, 0, 1]], np.float32)
    wanted = [2, 0] if text else [labels[2], labels[0]]
    assert run(imported, {"x": x})[0].tolist() == wanted
    assert ("Gather" in operators(imported)) == (labels == [5, 3, 9])


@pytest.mark.parametrize(
    ("proto", "why"),
    [
        (model("Scaler", FLOAT, offset=[1.0, 2.0, 3.0], scale=[1.0]), "3 offsets"),
        (model("LinearRegressor", FLOAT, coefficients=ROWS, targets=2), "12 coefficients"),
        (model("LinearRegressor", FLOAT, coefficients=ROWS[:4], post_transform="PROBIT"), "PROBIT"),
        (model("LinearRegressor", FLOAT, shape=(2, 2, 4), coefficients=ROWS[:4]), "(samples, features)"),
        (model("LabelEncoder", INT64, INT64, keys_int64s=[3, 7], values_int64s=[1, 2]), "keys"),
        (model("LinearRegressor", FLOAT, coefficients="x"), "coefficients"),
    ],
)  # fmt: skip
def test_refused(proto: onnx.ModelProto, why: str) -> None:
    with pytest.raises(ModelError) as caught:
        import_model(proto)
    assert why in str(caught.value) and caught.value.remedy


@pytest.mark.parametrize(("values", "wanted"), [({"values_int64s": [4, 2, 9]}, [9, 4]),
                         ({"values_floats": [0.5, 1.5, 2.5]}, [2.5, 0.5]),
                         ({"values_strings": ["a", "b", "c"]}, [2, 0])])  # fmt: skip
def test_label_encoder(values: dict[str, list[object]], wanted: list[float]) -> None:
    kind = {"values_int64s": INT64, "values_floats": FLOAT, "values_strings": TEXT}[next(iter(values))]
    proto = model("LabelEncoder", kind, INT64, (2,), keys_int64s=[0, 1, 2], **values)
    assert run(import_model(proto), {"x": np.array([2, 0])})[0].tolist() == wanted
