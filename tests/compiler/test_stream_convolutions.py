"""--stream of causal convolutional models, in C on this machine and on the emulated board."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import numpy_helper

from tinyc.benchmarks.streaming import same_bits, whole_and_call
from tinyc.compiler.options import AUTO, CompileOptions
from tinyc.compiler.pipeline import Compiled
from tinyc.models import wakeword
from tinyc.passes.onnx_builder import GraphBuilder

from .test_stream import TARGET, compiled


@pytest.fixture(scope="module")
def streamed(tmp_path_factory: pytest.TempPathFactory) -> tuple[Compiled, Compiled]:
    """The wake-word network whole and by frames."""
    samples = tmp_path_factory.mktemp("wakeword") / "samples.npz"
    shape = 16, 1, wakeword.BINS, wakeword.FRAMES
    np.savez(samples, x=np.random.default_rng(0).normal(size=shape).astype(np.float32))
    return whole_and_call(wakeword.build_model(), CompileOptions(TARGET, calibration=samples))


def test_a_wake_word_network_takes_a_twentieth(streamed: tuple[Compiled, Compiled]) -> None:
    whole, call = streamed
    assert same_bits(whole, call)
    verification = call.report.verification
    assert verification is not None and verification.host_bit_exact and verification.board_bit_exact
    instructions, fewer = (each.report.to_dict()["compute"]["instructions"] for each in streamed)
    assert instructions >= 20 * fewer
    kept = [call.program.buffers[state.before] for state in call.program.states]
    assert [(b.dtype.value[0], b.shape) for b in kept] == [
        ("int8", (1, frames, channels))
        for frames, channels in ((5, 40), (5, 64), (9, 64), (17, 64), (wakeword.FRAMES, 64))
    ]
    assert [step.kernel.template for step in call.program.steps].count("shift") == len(kept)


def test_same_bits_can_tell(streamed: tuple[Compiled, Compiled], tmp_path: Path) -> None:
    """A window of another network differs."""
    model = wakeword.build_model()
    (bias,) = (tensor for tensor in model.graph.initializer if tensor.name == "head.bias")
    bias.CopyFrom(numpy_helper.from_array(np.float32([1, -1, 0]), "head.bias"))
    assert not same_bits(compiled(model, tmp_path, verify=False), streamed[1])


def strided() -> onnx.ModelProto:
    """(1, 3, 12) to (1, 2, 6): two frames for a call, the first of warm-up."""
    graph, rng = GraphBuilder("strided"), np.random.default_rng(0)
    x = graph.input("x", [1, 3, 12])
    weights = graph.weight("w", rng.normal(size=(2, 3, 4)).astype(np.float32))
    return graph.model({"y": graph.op("Conv", "conv", [x, weights], strides=[2])}, 17)


@pytest.mark.parametrize("options", [dict(), dict(precision="float32")])
def test_calls_of_several_frames(options: dict[str, Any], tmp_path: Path) -> None:
    call = compiled(strided(), tmp_path, stream=AUTO, **options)
    header = call.files["strided.h"]
    assert "Each run takes 2 frames" in header and "until 2 runs have been made" in header
    assert call.program.buffers[call.program.inputs[0]].shape == (1, 2, 3)
    report = call.report.to_dict()
    assert report["verification"]["board_bit_exact"] or options
    assert report["accuracy"]["samples"] == 16 * 6
