"""Networks as exporters write them, compiled in float32 and in int8, compared with ONNX Runtime."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import onnxruntime as ort
import pytest
from onnx import TensorProto, helper

from tinyc.compiler.options import CompileOptions
from tinyc.compiler.pipeline import Compiled, compile_model
from tinyc.compiler.sessions import Reference
from tinyc.ir.errors import ModelError
from tinyc.ir.values import to_real
from tinyc.kernels.table import Table
from tinyc.kernels.unary import Unary
from tinyc.passes.import_onnx import import_model

from .agreement import near, run, samples_of
from .exporters import NETWORKS, silu_cnn

SAMPLES = 8
INT8_ERROR = 0.1
"""Root mean square error of int8 outputs, as a share of the outputs' standard deviation, with calibration on
random numbers."""


def outputs(compiled: Compiled, proto: onnx.ModelProto) -> list[tuple[np.ndarray, np.ndarray]]:
    """Of each output, for all samples: what the emulator computed and what ONNX Runtime does."""
    model = import_model(proto)
    samples = samples_of(model, SAMPLES)
    found = run(compiled.program, samples)
    wanted = Reference(model).run_all(samples)
    pairs: list[tuple[np.ndarray, np.ndarray]] = []
    for name, value in zip(compiled.program.outputs, model.graph.outputs, strict=True):
        buffer = compiled.program.buffers[name]
        mine = np.stack([to_real(result[name], buffer) for result in found])
        pairs.append((mine, np.stack([want[value.name or ""] for want in wanted])))
    return pairs


@pytest.mark.parametrize("network", NETWORKS)
def test_float32(network: Callable[[], onnx.ModelProto]):
    proto = network()
    compiled = compile_model(proto, CompileOptions("host", precision="float32", name="net"))
    assert compiled.report.verification is not None
    for error in compiled.report.verification.errors:
        assert (error.lsb or 0) == 0 and (error.relative or 0.0) <= 1e-5, error
    for mine, want in outputs(compiled, proto):
        near(mine.astype(want.dtype), want)


@pytest.mark.parametrize("network", NETWORKS)
def test_int8(network: Callable[[], onnx.ModelProto]):
    proto = network()
    compiled = compile_model(
        proto, CompileOptions("host", precision="int8", calibration="random", name="net")
    )
    assert compiled.report.verification is not None
    for error in compiled.report.verification.errors:
        assert (error.lsb or 0) <= 1 and (error.relative or 0.0) <= 1e-5, error
    layers = [dict(step.kernel.constants()) for step in compiled.program.steps]
    assert {layer["weights"].dtype for layer in layers if "weights" in layer} == {np.dtype(np.int8)}
    for mine, want in outputs(compiled, proto):
        if want.dtype.kind == "f":
            assert np.sqrt(np.mean((mine - want) ** 2)) <= INT8_ERROR * want.std()
        else:
            assert np.mean(mine == want) >= 0.75


@pytest.mark.parametrize("precision", ["float32", "int8"])
def test_silu_is_one_step_and_every_pass_leaves_a_model_that_runs(precision: str, tmp_path: Path):
    proto = silu_cnn()
    options = CompileOptions(
        "host", precision=precision, calibration="random", name="net", dump_passes=tmp_path, check_passes=True
    )
    compiled = compile_model(proto, options)
    kernels = [step.kernel for step in compiled.program.steps]
    activations = [kernel for kernel in kernels if isinstance(kernel, Unary | Table)]
    sums = 1
    assert len(kernels) == 4 + len(activations) + sums
    assert len(activations) == 3
    if precision == "int8":
        assert all(isinstance(k, Table) and dict(k.constants())["table"].nbytes == 256 for k in activations)
    else:
        assert [k.function.parameters["alpha"] for k in activations if isinstance(k, Unary)] == [
            1.0, 1.0, pytest.approx(1.702),
        ]  # fmt: skip
        assert all(effect.error <= 1e-6 for effect in compiled.effects)
    (sample,) = samples_of(import_model(proto), 1)
    dumps = sorted(tmp_path.glob("*.onnx"))
    assert len(dumps) == len(compiled.effects) >= 3
    for path in dumps:
        onnx.checker.check_model(path, full_check=True)
        session = ort.InferenceSession(path, providers=["CPUExecutionProvider"])
        (found,) = session.run(None, sample)
        assert np.asarray(found).shape == (1, 4, 7, 6)


def test_operators_of_other_domains_are_refused_by_name():
    x, y = (helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, 4]) for name in "xy")
    node = helper.make_node("SVMRegressor", ["x"], ["y"], "support", domain="ai.onnx.ml")
    imports = [helper.make_opsetid("", 17), helper.make_opsetid("ai.onnx.ml", 3)]
    model = helper.make_model(helper.make_graph([node], "g", [x], [y]), opset_imports=imports, ir_version=8)
    with pytest.raises(ModelError, match="SVMRegressor") as caught:
        compile_model(model, CompileOptions("host", precision="float32"))
    assert "support" in caught.value.where
