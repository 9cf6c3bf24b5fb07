"""A float16 model, with samples in float16, from compile to evaluation: it is computed as float32."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from tinyc.compiler.options import CompileOptions
from tinyc.compiler.pipeline import compile_model
from tinyc.ir.dtype import DType


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """``half.onnx``, and ``samples.npz`` with labels that the model gets right in float32."""
    random, made = np.random.default_rng(0), tmp_path_factory.mktemp("half")
    weights = (random.normal(size=(6, 4)) * 0.3).astype(np.float16)
    nodes = [helper.make_node("MatMul", ["x", "w"], ["h"]), helper.make_node("Relu", ["h"], ["y"])]
    inputs, outputs = (
        [helper.make_tensor_value_info(name, TensorProto.FLOAT16, shape)]
        for name, shape in (("x", ["n", 6]), ("y", ["n", 4]))
    )
    graph = helper.make_graph(nodes, "half", inputs, outputs, [numpy_helper.from_array(weights, "w")])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.save(model, made / "half.onnx")
    samples = random.normal(size=(20, 6)).astype(np.float16)
    labels = np.maximum(samples.astype(np.float32) @ weights.astype(np.float32), 0).argmax(-1)
    np.savez(made / "samples.npz", x=samples, y=labels)
    return made


@pytest.mark.parametrize("quantized", [False, True])
def test_evaluation(folder: Path, quantized: bool) -> None:
    samples = folder / "samples.npz"
    options = CompileOptions(
        "corstone-300", calibration=samples if quantized else None, evaluate=samples
    )
    compiled = compile_model(folder / "half.onnx", options)
    accuracy = compiled.report.to_dict()["accuracy"]
    assert accuracy["samples"] == 20 and accuracy["reference"] == 1.0 and accuracy["compiled"] == 1.0
    kinds = {compiled.program.buffers[name].dtype for name in compiled.program.inputs}
    assert kinds == {DType.INT8 if quantized else DType.FLOAT32}
