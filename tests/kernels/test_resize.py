"""Resize: every coordinate and rounding rule for the nearest element, linear in one and two dimensions."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from onnx import helper

from tinyc.ir.errors import ModelError
from tinyc.kernels.interpolate import Interpolate
from tinyc.kernels.remap import Remap

from .checks import check, float_model, lowered, qdq_model

COORDINATES = ["half_pixel", "half_pixel_symmetric", "pytorch_half_pixel", "align_corners", "asymmetric"]
ROUNDING = ["round_prefer_floor", "round_prefer_ceil", "floor", "ceil"]

# shape, scales
SCALES: dict[str, tuple[tuple[int, ...], tuple[float, ...]]] = {
    "twice": ((1, 3, 4, 5), (1, 1, 2, 2)),
    "odd factors": ((1, 2, 5, 4), (1, 1, 1.5, 2.3)),
    "smaller": ((1, 3, 9, 8), (1, 1, 0.5, 0.4)),
    "rows only": ((1, 3, 4, 5), (1, 1, 3, 1)),
    "columns only": ((1, 3, 4, 5), (1, 1, 1, 0.6)),
    "one row": ((1, 2, 1, 5), (1, 1, 3, 2)),
    "to one row": ((1, 2, 4, 5), (1, 1, 0.3, 1.7)),
    "batch": ((2, 3, 3, 4), (1, 1, 2, 1.5)),
}


def _by_scales(
    scales: tuple[float, ...], **attributes: Any
) -> tuple[helper.NodeProto, dict[str, np.ndarray]]:
    node = helper.make_node("Resize", ["x", "", "scales"], ["y"], "resize", **attributes)
    return node, {"scales": np.float32(scales)}


def _by_sizes(sizes: tuple[int, ...], **attributes: Any) -> tuple[helper.NodeProto, dict[str, np.ndarray]]:
    node = helper.make_node("Resize", ["x", "", "", "sizes"], ["y"], "resize", **attributes)
    return node, {"sizes": np.int64(sizes)}


def _check_float(made: tuple[helper.NodeProto, dict[str, np.ndarray]], shape: tuple[int, ...]) -> type:
    node, constants = made
    return type(check(float_model([node], {"x": shape}, ["y"], constants)).steps[-1].kernel)


def _check_int8(
    made: tuple[helper.NodeProto, dict[str, np.ndarray]],
    shape: tuple[int, ...],
    y: tuple[float, int] = (0.05, 9),
) -> list[type]:
    node, constants = made
    program = check(qdq_model([node], {"x": shape}, ["y"], {"x": (0.05, 9), "y": y}, constants, stage=True))
    return [type(step.kernel) for step in program.steps]


@pytest.mark.parametrize("coordinates", COORDINATES)
@pytest.mark.parametrize("rounding", ROUNDING)
def test_nearest(coordinates: str, rounding: str) -> None:
    shape, scales = SCALES["odd factors" if len(rounding) > 5 else "smaller"]
    made = _by_scales(
        scales, mode="nearest", coordinate_transformation_mode=coordinates, nearest_mode=rounding
    )
    assert _check_float(made, shape) is Remap


@pytest.mark.parametrize("case", SCALES)
def test_nearest_int8(case: str) -> None:
    shape, scales = SCALES[case]
    assert _check_int8(_by_scales(scales, mode="nearest"), shape)[1:2] == [Remap]


def test_nearest_to_another_scale() -> None:
    shape, scales = SCALES["twice"]
    made = _by_scales(
        scales, mode="nearest", coordinate_transformation_mode="asymmetric", nearest_mode="floor"
    )
    assert len(_check_int8(made, shape, (0.07, -20))) == 3


@pytest.mark.parametrize("coordinates", COORDINATES)
def test_linear(coordinates: str) -> None:
    attributes = {"mode": "linear", "coordinate_transformation_mode": coordinates}
    for case in ("smaller", "to one row"):
        shape, scales = SCALES[case]
        assert _check_float(_by_scales(scales, **attributes), shape) is Interpolate
    shape, scales = SCALES["odd factors"]
    assert _check_int8(_by_scales(scales, **attributes), shape)[1] is Interpolate


@pytest.mark.parametrize("case", ["twice", "rows only", "columns only", "one row", "batch"])
def test_linear_shapes(case: str) -> None:
    shape, scales = SCALES[case]
    assert _check_float(_by_scales(scales, mode="linear"), shape) is Interpolate
    assert _check_int8(_by_scales(scales, mode="linear"), shape)[1] is Interpolate


@pytest.mark.parametrize("quant", [(0.11, -3), (0.03, 40), (0.02, -128)])
def test_linear_to_another_scale(quant: tuple[float, int]) -> None:
    shape, scales = SCALES["odd factors"]
    assert _check_int8(_by_scales(scales, mode="linear"), shape, quant)[1] is Interpolate


def test_a_scale_too_fine_for_the_weights_is_computed_in_float() -> None:
    shape, scales = SCALES["odd factors"]
    assert Interpolate in _check_int8(_by_scales(scales, mode="linear"), shape, (0.001, 0))


@pytest.mark.parametrize("mode", ["nearest", "linear"])
@pytest.mark.parametrize("policy", ["stretch", "not_larger", "not_smaller"])
def test_sizes(mode: str, policy: str) -> None:
    made = _by_sizes((7, 11), mode=mode, axes=[2, 3], keep_aspect_ratio_policy=policy)
    _check_float(made, (1, 2, 5, 6))


def test_axes_and_series() -> None:
    _check_float(_by_scales((2.5,), mode="nearest", axes=[2]), (1, 3, 7))
    _check_float(_by_scales((2.5,), mode="linear", axes=[-1]), (1, 3, 7))
    _check_int8(_by_scales((1, 1, 1.7), mode="linear"), (1, 3, 7))
    _check_float(_by_scales((2, 3), mode="nearest"), (4, 3))
    _check_float(_by_scales((1, 2, 2, 2), mode="nearest"), (1, 2, 3, 4))


def test_region_with_extrapolation() -> None:
    node = helper.make_node(
        "Resize", ["x", "roi", "", "sizes"], ["y"], "crop", mode="nearest",
        coordinate_transformation_mode="tf_crop_and_resize", extrapolation_value=2.5,
    )  # fmt: skip
    constants = {"roi": np.float32([0, 0, -0.3, 0.2, 1, 1, 0.8, 1.4]), "sizes": np.int64([1, 2, 6, 7])}
    check(float_model([node], {"x": (1, 2, 5, 6)}, ["y"], constants))
    check(
        qdq_model([node], {"x": (1, 2, 5, 6)}, ["y"], {"x": (0.05, 9), "y": (0.05, 9)}, constants, stage=True)
    )


@pytest.mark.parametrize(
    ("attributes", "why"),
    [
        ({"mode": "cubic"}, "its mode is 'cubic'"),
        ({"mode": "linear", "antialias": 1}, "antialias"),
        ({"mode": "linear", "axes": [1, 2]}, "interpolates along axes 1, 2"),
    ],
)
def test_refusals(attributes: dict[str, Any], why: str) -> None:
    scales = (2.0, 2.0) if "axes" in attributes else (1, 1, 2, 2)
    node, constants = _by_scales(scales, **attributes)
    with pytest.raises(ModelError, match=why):
        lowered(float_model([node], {"x": (1, 2, 3, 4)}, ["y"], constants))
