"""LSTM, GRU and RNN: ONNX's semantics on float32."""

from __future__ import annotations

import warnings
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnx_ir as oir
import pytest
from onnx import helper, numpy_helper

from tinyc.ir.errors import ModelError
from tinyc.passes.canonicalize import canonicalize
from tinyc.passes.import_onnx import import_model
from tinyc.passes.lower import lower

from .checks import agree, float_model, reference, samples_of
from .recurrent_models import recurrent_model

ALL = ("Y", "Y_h", "Y_c")
DIRECTIONS = ("forward", "reverse", "bidirectional")
HALVES = ["HardSigmoid", "ScaledTanh", "Affine"]

CASES: dict[str, dict[str, Any]] = {
    "one step": dict(operator="LSTM", sizes=(1, 1, 3, 4), results=ALL),
    "cell state alone": dict(operator="LSTM", sizes=(5, 2, 3, 4), results=("Y_c",)),
    "no bias": dict(operator="GRU", sizes=(4, 1, 2, 5), bias=False),
    "peepholes": dict(operator="LSTM", sizes=(5, 2, 3, 4), peepholes=True, results=ALL),
    "coupled gates": dict(operator="LSTM", sizes=(5, 1, 3, 4), input_forget=1, peepholes=True),
    "clip": dict(operator="LSTM", sizes=(5, 1, 3, 4), clip=0.5, initial=True),
    "reset behind the product": dict(operator="GRU", sizes=(5, 2, 3, 4), linear_before_reset=1),
    "reset behind the product, no bias": dict(
        operator="GRU", sizes=(5, 1, 3, 4), linear_before_reset=1, bias=False, clip=0.6
    ),
    "other functions": dict(
        operator="LSTM", sizes=(4, 1, 3, 4), activations=HALVES,
        activation_alpha=[0.3, 0.9, 1.1], activation_beta=[0.4, 0.7, 0.1],
    ),
    "functions of two directions": dict(
        operator="GRU", sizes=(4, 1, 3, 4), direction="bidirectional",
        activations=["HardSigmoid", "Softsign", "Sigmoid", "ScaledTanh"],
        activation_alpha=[0.3, 0.8], activation_beta=[0.4, 0.6],
    ),
    "relu": dict(operator="RNN", sizes=(4, 2, 3, 4), activations=["Relu"]),
    **{
        op: dict(operator="RNN", sizes=(3, 1, 2, 3), activations=[op], activation_alpha=[0.2])
        for op in ("Softplus", "LeakyRelu", "ThresholdedRelu")
    },
    **{
        f"{operator}, {direction}, initial states": dict(
            operator=operator, sizes=(5, 2, 3, 4), direction=direction, results=ALL, initial=True
        )
        for operator in ("LSTM", "GRU", "RNN")
        for direction in DIRECTIONS
    },
    **{
        f"{operator}, {direction}, lengths": dict(
            operator=operator, sizes=(5, 3, 3, 4), direction=direction, results=ALL, lengths=(5, 2, 3)
        )
        for operator in ("LSTM", "GRU")
        for direction in DIRECTIONS
    },
}  # fmt: skip


def compare(model: onnx.ModelProto) -> None:
    """ONNX Runtime on the model as it is, emulator and C on what canonicalize makes of it."""
    samples = samples_of(model)
    program = lower(canonicalize(oir.serde.deserialize_model(model)), "test")
    agree(program, samples, reference(model, samples))


@pytest.mark.parametrize("case", CASES)
def test_semantics(case: str) -> None:
    compare(recurrent_model(**CASES[case]))


def test_weights_computed_at_run_time() -> None:
    compare(recurrent_model("LSTM", (3, 1, 2, 3), direction="bidirectional", given=True, results=ALL))


@cache
def node_tests() -> dict[str, Any]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from onnx.backend.test.loader import load_model_tests

        found = load_model_tests(kind="node")
    kinds = {"LSTM", "GRU", "RNN"}
    return {
        t.name: t for t in found if t.model and kinds & {node.op_type for node in t.model.graph.node}
    }


@pytest.mark.slow
def test_backend_node_tests(tmp_path: Path) -> None:
    """All that come with the onnx package; their weights are inputs."""
    assert len(node_tests()) >= 18
    for name, test in node_tests().items():
        path = tmp_path / f"{name}.onnx"
        onnx.save(test.model, path)
        program = lower(canonicalize(import_model(path)), "test")
        arrays, wanted = test.data_sets[0]
        given = {value.name: array for value, array in zip(test.model.graph.input, arrays, strict=True)}
        agree(program, [given], [wanted])


@pytest.mark.parametrize(
    ("attributes", "said"),
    [
        (dict(activations=["Tanh", "Tanh"]), "2 activations, not 3"),
        (dict(activations=["Sigmoid", "Tanh", "Sine"]), "'Sine'"),
    ],
)
def test_refusals(attributes: dict[str, Any], said: str) -> None:
    model = oir.serde.deserialize_model(recurrent_model("LSTM", (3, 1, 2, 3), **attributes))
    with pytest.raises(ModelError, match=said):
        lower(canonicalize(model), "test")


@pytest.mark.parametrize(
    ("nodes", "constants"),
    [
        ([("Gather", ["Y", "index"], {"axis": 0})], {"index": np.array(-1)}),
        (
            [("Squeeze", ["Y", "axis"], {}), ("Transpose", ["1"], {"perm": [1, 0, 2]}),
             ("Gather", ["2", "index"], {"axis": 1})],
            {"axis": np.array([1]), "index": np.array(4)},
        ),
        (
            [("Slice", ["Y", "start", "end"], {}), ("Flatten", ["1"], {"axis": 1})],
            {"start": np.array([-1]), "end": np.array([9])},
        ),
    ],
)  # fmt: skip
def test_the_last_step_alone_needs_no_sequence(nodes: list[Any], constants: dict[str, np.ndarray]) -> None:
    layer = recurrent_model("GRU", (5, 2, 3, 4), results=("Y",))
    (node,) = layer.graph.node
    behind = [
        helper.make_node(operator, operands, [str(number)], f"n{number}", **attributes)
        for number, (operator, operands, attributes) in enumerate(nodes, start=1)
    ]
    values = {t.name: numpy_helper.to_array(t) for t in layer.graph.initializer}
    model = float_model([node, *behind], {"x": (5, 2, 3)}, [str(len(behind))], {**values, **constants})
    made = canonicalize(oir.serde.deserialize_model(model))
    (recurrent,) = (node for node in made.graph if node.op_type == "GRU")
    assert not recurrent.outputs[0].name and recurrent.outputs[1].name
    compare(model)
