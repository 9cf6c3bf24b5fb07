"""Dead-channel removal on the MLPerf Tiny networks, and on random QDQ networks."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import onnx_ir as oir
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tinyc.passes.dead_channels import CHANNELS_KEY, remove_dead_channels
from tinyc.passes.macs import count_macs

from .qdq_net import Net, draw, runner, same_bytes_after

MODELS = [f"{name}_{kind}" for name in ("ad01", "ic01", "kws01", "vww01") for kind in ("float", "qdq")]
ALL_ZERO_WEIGHTS = 3_733_073
"""Multiplications of vww01_qdq without the channels whose int8 weights are all zero."""
VWW_DEAD = 3_727_313
"""The same without those, too, whose sums never reach half an output step."""


def load(folder: Path, name: str) -> onnx.ModelProto:
    return onnx.shape_inference.infer_shapes(onnx.load(folder / f"{name}.onnx"))


def golden(folder: Path, name: str) -> list[np.ndarray]:
    with np.load(folder / "golden" / f"{name}.npz") as arrays:
        return [arrays[key] for key in sorted(arrays.files) if key.startswith("in")]


@pytest.mark.parametrize("name", MODELS)
def test_golden_vectors(shared_models: Path, name: str) -> None:
    """Only vww01 has dead channels. Quantized outputs keep every byte, float ones 1e-7."""
    before = load(shared_models, name)
    after = remove_dead_channels(oir.from_proto(before))
    proto = oir.to_proto(after)
    onnx.checker.check_model(proto, full_check=True)
    assert (int(after.metadata_props[CHANNELS_KEY]) > 0) == name.startswith("vww01")
    old, new = runner(before), runner(proto)
    for x in golden(shared_models, name):
        (expected,), (result,) = old(x), new(x)
        if name == "vww01_float":
            np.testing.assert_allclose(result, expected, rtol=0, atol=1e-7)
        else:
            assert result.tobytes() == expected.tobytes()


def test_vww_halves(shared_models: Path) -> None:
    """Half of all multiplications go, and photographs give the same bytes."""
    before = load(shared_models, "vww01_qdq")
    after = remove_dead_channels(oir.from_proto(before))
    assert count_macs(after) == VWW_DEAD < ALL_ZERO_WEIGHTS
    with np.load(shared_models / "samples" / "vww01_eval.npz") as arrays:
        photographs = (arrays["x_uint8"][:50].astype(np.int16) - 128).astype(np.int8)
    old, new = runner(before), runner(oir.to_proto(after))
    for x in photographs:
        (expected,), (result,) = old(x[None]), new(x[None])
        assert result.tobytes() == expected.tobytes()


def test_vww_float(shared_models: Path) -> None:
    """In the float network the same channels have weights of about 1e-30."""
    after = remove_dead_channels(oir.from_proto(load(shared_models, "vww01_float")))
    assert count_macs(after) <= 3_800_000


def test_second_run_finds_nothing(shared_models: Path) -> None:
    once = remove_dead_channels(oir.from_proto(load(shared_models, "vww01_qdq")))
    first = oir.to_proto(once).SerializeToString()
    assert oir.to_proto(remove_dead_channels(once)).SerializeToString() == first


@st.composite
def networks(draws: st.DrawFn) -> onnx.ModelProto:
    """Chains of 2 to 5 layers with random dead channels, activations, padding and residual sums."""
    net = Net((1, 3, 5, 5), zero=draws(st.integers(-20, 20)))
    x, channels = net.x, 3
    for index in range(draws(st.integers(2, 5))):
        kind = draws(st.sampled_from(["pointwise", "padded", "valid", "depthwise"]))
        outputs = channels if kind == "depthwise" else draws(st.integers(1, 5))
        dead = draws(st.sets(st.integers(0, outputs - 1)))
        kernel = 1 if kind == "pointwise" else 3
        pads = [0] * 4 if kind in ("pointwise", "valid") and index < 2 else [kernel // 2] * 4
        shape = (outputs, 1 if kind == "depthwise" else channels, kernel, kernel)
        weight = draw(*shape, dead=tuple(dead), seed=index)
        for channel in draws(st.sets(st.integers(0, shape[1] - 1))):
            weight[:, channel] = 0
        values = st.sampled_from([0, 33, 640, -640, 2**17, -(2**17)])
        bias = draws(st.lists(values, min_size=outputs, max_size=outputs))
        y = net.conv(
            f"layer{index}", x, weight, draws(st.sampled_from([bias, None])), pads=pads,
            group=channels if kind == "depthwise" else 1, act=draws(st.sampled_from(["", "Relu"])),
        )  # fmt: skip
        same = kind != "valid" and outputs == channels
        residual = same and pads == [kernel // 2] * 4 and draws(st.booleans())
        x, channels = (net.requantize(net.node("Add", [x, y])) if residual else y), outputs
    return net.output(net.conv("last", x, draw(2, channels, 1, 1), [5, 6])).proto()


@settings(max_examples=60, deadline=None, derandomize=True)
@given(networks())
def test_random_networks(model: onnx.ModelProto) -> None:
    after = same_bytes_after(remove_dead_channels, model)
    assert count_macs(after) <= count_macs(oir.from_proto(model))
