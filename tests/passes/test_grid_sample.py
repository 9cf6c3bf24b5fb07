"""GridSample as Gathers of pixels, against ONNX Runtime, with coordinates inside of the image and outside."""

from __future__ import annotations

import numpy as np
import onnx
import pytest

from tinyc.passes.canonicalize import canonicalize
from tinyc.passes.import_onnx import import_model
from tinyc.passes.lower.unsupported import unsupported_operators

from .onnx_text import assert_same, build, operators, random_feeds, run

MODES = [("linear", 3), ("linear", 2), ("nearest", 3), ("nearest", 2), ("cubic", 2)]
IMAGES = {2: ("2,3,4,5", "2,3,2,2"), 3: ("1,2,3,4,2", "1,2,3,1,3")}
"""Shapes of images and grids, by axes."""


def model(
    mode: str, padding: str, aligned: int, axes: int, grid: np.ndarray | None = None
) -> onnx.ModelProto:
    image, points = IMAGES[axes]
    inputs = f"float[{image}] x" + ("" if grid is not None else f", float[{points}] g")
    call = f'y = GridSample<mode="{mode}", padding_mode="{padding}", align_corners={aligned}>(x, g)'
    return build(inputs, call, {} if grid is None else {"g": grid}, opset=20)


@pytest.mark.parametrize(("mode", "axes"), MODES)
@pytest.mark.parametrize("padding", ["zeros", "border", "reflection"])
@pytest.mark.parametrize("aligned", [0, 1])
def test_grids_of_run_time(mode: str, axes: int, padding: str, aligned: int) -> None:
    proto = model(mode, padding, aligned, axes)
    imported = import_model(proto)
    assert unsupported_operators(canonicalize(imported.clone())) == []
    assert_same(imported, proto)


@pytest.mark.parametrize("aligned", [0, 1])
@pytest.mark.parametrize("padding", ["zeros", "border", "reflection"])
def test_the_borders_themselves(padding: str, aligned: int) -> None:
    """Centres of pixels, the middle between two, and both ends."""
    steps = np.linspace(-1, 1, 6, dtype=np.float32)
    grid = np.stack(np.meshgrid(steps, steps), -1).reshape(2, 3, 6, 2)
    for mode in ("linear", "cubic", "nearest"):
        proto = model(mode, padding, aligned, 2, grid)
        assert_same(import_model(proto), proto)


def test_a_constant_grid_leaves_indices_and_weights() -> None:
    grid = np.random.default_rng(0).uniform(-1.2, 1.2, (2, 3, 2, 2)).astype(np.float32)
    imported = import_model(model("linear", "zeros", 0, 2, grid))
    found = operators(imported).split()
    assert set(found) == {"Transpose", "Reshape", "Gather", "Mul", "Add", "Identity"}
    assert found.count("Gather") == found.count("Mul") == 4


def test_opset_16_has_other_names() -> None:
    proto = build("float[1,2,3,4] x, float[1,2,2,2] g", 'y = GridSample<mode="bicubic">(x, g)', opset=16)
    assert_same(import_model(proto), proto)


def test_an_image_of_one_pixel() -> None:
    call = 'y = GridSample<align_corners=1, padding_mode="reflection">(x, g)'
    imported = import_model(build("float[1,2,1,1] x, float[1,2,2,2] g", call))
    feeds = random_feeds(imported)
    (found,) = run(imported, feeds)
    np.testing.assert_array_equal(found, np.broadcast_to(feeds["x"], (1, 2, 2, 2)))
