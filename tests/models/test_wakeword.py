"""The wake-word network: what its builder writes, and that it is causal."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
from click.testing import CliRunner

from tinyc.models import wakeword
from tinyc.passes.streaming import stream

from ..kernels.checks import reference
from ..passes.test_streaming_convolutions import canonical


def test_the_builder_writes_a_model_that_scores_a_window(tmp_path: Path) -> None:
    path = tmp_path / "wakeword.onnx"
    done = CliRunner().invoke(wakeword.main, ["-o", str(path)])
    assert done.exit_code == 0 and "30 frames × 40 bins" in done.output
    model = onnx.load(path)
    assert model == wakeword.build_model()
    x = np.random.default_rng(0).normal(size=(1, wakeword.BINS, wakeword.FRAMES)).astype(np.float32)
    (scores,) = reference(model, [{"x": x}])[0]
    assert scores.shape == (1, len(wakeword.CLASSES)) and np.ptp(scores) > 0


def test_states_are_those_of_its_kernels() -> None:
    """(kernel − 1) · dilation frames and the new one for each layer over time, and all for the mean."""
    streamed = stream(canonical(wakeword.build_model()))
    shapes = {tuple(v.shape.numpy()) for v in streamed.model.graph.inputs if v.shape is not None}
    kept = {(1, wakeword.CHANNELS, (wakeword.KERNEL - 1) * dilation + 1) for dilation in wakeword.DILATIONS}
    window = (1, wakeword.CHANNELS, wakeword.FRAMES)
    assert shapes == {(1, wakeword.BINS, 1), (1, wakeword.BINS, wakeword.KERNEL), window, *kept}
