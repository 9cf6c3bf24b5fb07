"""The MLPerf Tiny networks: accuracy in 8 bits, determinism, dead channels, time of a pass over each."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np
import onnx
import onnx_ir as oir
import pytest

from tinyc.passes.canonicalize import canonicalize
from tinyc.passes.import_onnx import import_model
from tinyc.passes.quantize import quantize

from .nets import constants, outputs


def _images(folder: Path, name: str, part: str) -> tuple[np.ndarray, np.ndarray]:
    """Inputs of the float model, and labels."""
    with np.load(folder / "samples" / f"{name}_{part}.npz") as data:
        x = data["x"] if "x" in data else (data["x_uint8"] / 255).astype(np.float32)
        return x, data["y"]


def _quantized(folder: Path, name: str) -> oir.Model:
    model = canonicalize(import_model(folder / f"{name}_float.onnx"))
    x, _ = _images(folder, name, "calib")
    return quantize(model, {str(model.graph.inputs[0].name): x})


_once = cache(_quantized)


@pytest.mark.parametrize(("name", "least"), [("kws01", 0.918), ("vww01", 0.880)])
def test_accuracy_on_real_samples(shared_models: Path, name: str, least: float) -> None:
    model = _once(shared_models, name)
    onnx.checker.check_model(oir.to_proto(model), full_check=True)
    x, labels = _images(shared_models, name, "eval")
    scores = outputs(model, {str(model.graph.inputs[0].name): x[:, None]})[0]
    assert np.mean(scores.reshape(len(labels), -1).argmax(axis=1) == labels) >= least


def test_the_same_input_gives_the_same_bytes(shared_models: Path) -> None:
    first, second = (oir.to_proto(make(shared_models, "kws01")) for make in (_once, _quantized))
    assert first.SerializeToString() == second.SerializeToString()


def test_pixels_are_taken_as_they_are(shared_models: Path) -> None:
    model = _once(shared_models, "vww01")
    first = next(node for node in model.graph if node.op_type == "QuantizeLinear")
    scale, zero_point = constants(first)
    assert scale == np.float32(1 / 255) and zero_point == -128


def test_channels_of_weight_decay_are_zero(shared_models: Path) -> None:
    """The float network has 979 channels whose weights are about 1e-30."""
    model = _once(shared_models, "vww01")
    dead = 0
    for node in model.graph:
        if node.op_type == "Conv" and node.inputs[1] is not None:
            layer = node.inputs[1].producer()
            assert layer is not None
            values, scales, _ = constants(layer)
            dead += int((~values.any(axis=(1, 2, 3))).sum())
            assert scales.min() > 1e-9
    assert dead >= 970
