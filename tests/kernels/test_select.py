"""Selection by a constant mask: ranks, types, masks that are none of pixels, and what windows need."""

from __future__ import annotations

import ml_dtypes
import numpy as np
import onnx
import pytest
from onnx import helper

from tinyc.ir.program import Program
from tinyc.ir.window import Window
from tinyc.kernels.select import Select

from ..passes.branches import branches
from .checks import agree, check, float_model, lowered, reference, samples_of

SHAPES = {"image": (1, 3, 5, 7), "one row": (1, 2, 1, 6), "one channel": (1, 1, 4, 3), "series": (1, 3, 9)}


def mask_for(shape: tuple[int, ...]) -> np.ndarray:
    """Over rows and columns, with both values."""
    mask = np.random.default_rng(7).integers(0, 2, (1, 1, *shape[2:])).astype(bool)
    mask.reshape(-1)[:2] = True, False
    return mask


def model_of(shape: tuple[int, ...], mask: np.ndarray) -> onnx.ModelProto:
    """Pools in front, so that operands lie channel-last."""
    ones = [1] * (len(shape) - 2)
    nodes = [helper.make_node("MaxPool", [name], [f"p{name}"], kernel_shape=ones) for name in "ab"]
    nodes.append(helper.make_node("Where", ["m", "pa", "pb"], ["y"], "where"))
    return float_model(nodes, {"a": shape, "b": shape}, ["y"], {"m": mask})


def selects(program: Program) -> bool:
    return any(isinstance(step.kernel, Select) for step in program.steps)


@pytest.mark.parametrize("case", SHAPES)
def test_floats(case: str) -> None:
    assert selects(check(model_of(SHAPES[case], mask_for(SHAPES[case])), lsb=0))


@pytest.mark.parametrize("out", [np.int8, ml_dtypes.int4, ml_dtypes.int2])
def test_integers(out: type) -> None:
    """Pixels of 5 channels, packed or not, are moved as they are."""
    model = branches([".#.", "##."], (6, 8), 1, out=np.dtype(out))
    samples, program = samples_of(model), lowered(model)
    assert selects(program)
    agree(program, samples, reference(model, samples))


@pytest.mark.parametrize("mask", [np.ones((1, 1, 5, 7), bool), np.array([[[True]], [[False]], [[True]]])])
def test_other_masks_are_no_selections_of_pixels(mask: np.ndarray) -> None:
    assert not selects(check(model_of(SHAPES["image"], mask), lsb=0))


def test_a_window_needs_what_it_takes() -> None:
    mask = np.zeros((4, 6), bool)
    mask[1, 2], mask[2, 4] = True, True
    kernel = Select(mask, 3)
    assert kernel.needs(0, Window(0, 4, 0, 6)) == Window(1, 3, 2, 5)
    assert kernel.needs(0, Window(2, 4, 0, 6)) == Window(2, 3, 4, 5)
    assert kernel.needs(1, Window(1, 2, 2, 4)) == Window(1, 2, 3, 4)
    assert not kernel.needs(0, Window(0, 4, 0, 2)).pixels
    assert not kernel.needs(1, Window(1, 2, 2, 3)).pixels
