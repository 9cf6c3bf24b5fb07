"""The residual sums of a real network: Add, Relu and requantization in one integer step."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from tinyc.compiler.fidelity import step_errors
from tinyc.kernels.scaled_sum import ScaledSum
from tinyc.passes.canonicalize import canonicalize
from tinyc.passes.import_onnx import import_model
from tinyc.passes.lower import lower


def test_resnet(shared_models: Path) -> None:
    model = canonicalize(import_model(str(shared_models / "ic01_qdq.onnx"), {}))
    program = lower(model, "ic01")
    sums = [step for step in program.steps if isinstance(step.kernel, ScaledSum)]
    assert [step.operator for step in sums] == ["Add + Relu"] * 3
    (image,) = model.graph.inputs
    assert image.name is not None and image.shape is not None
    rng = np.random.default_rng(0)
    samples = [{image.name: rng.integers(-128, 128, image.shape.numpy()).astype(np.int8)} for _ in range(3)]
    errors = {error.step: error.lsb for error in step_errors(program, model, samples)}
    assert all(errors[step.name] in (0, 1) for step in sums)
