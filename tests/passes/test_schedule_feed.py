"""Inputs that are fed row by row, in the schedules that ask for them."""

from __future__ import annotations

import numpy as np
import pytest
from onnx import helper

from tinyc.ir.program import Program, Rows
from tinyc.passes.schedule import Grid, Segment, build, layer_by_layer
from tinyc.passes.schedule.feed import feed_by_rows
from tinyc.passes.schedule.front import Point

from ..kernels.checks import lowered, qdq_model

SHAPE = (1, 4, 9, 12)


def negated_and_convolved() -> Program:
    """int8: a function of each element, which may run in place, and a 3x3 convolution of what it gives."""
    nodes = [
        helper.make_node("Neg", ["x"], ["n"], "neg"),
        helper.make_node("QuantizeLinear", ["n", "s", "z"], ["n_q"], "quantize"),
        helper.make_node("DequantizeLinear", ["n_q", "s", "z"], ["n_f"], "dequantize"),
        helper.make_node("Conv", ["n_f", "w"], ["y"], "conv", pads=[1, 1, 1, 1]),
    ]
    weights = {"w": (np.ones((4, 4, 3, 3), np.int8), np.full(4, 0.01, np.float32), 0)}
    constants = {"s": np.float32(0.02), "z": np.int8(0)}
    quants = {"x": (0.02, 3), "y": (0.1, 0)}
    return lowered(qdq_model(nodes, {"x": SHAPE}, ["y"], quants, constants, weights))


def test_rows_of_an_input_are_never_narrower_than_the_caller_delivers() -> None:
    program = feed_by_rows(negated_and_convolved(), again=True)
    (name,) = program.fed
    tiled = build(program, [Segment(0, len(program.steps), Grid(1, 3))])
    assert isinstance(tiled.buffers[name].storage, Rows)
    feeds = [task.window for task in tiled.tasks if task.step == 0]
    assert {(window.x0, window.x1) for window in feeds if window} == {(0, SHAPE[3])}


@pytest.mark.parametrize("regions, passes", [(1, 1), (3, 3)])
def test_passes_are_how_often_a_row_is_asked_for(regions: int, passes: int) -> None:
    program = feed_by_rows(negated_and_convolved(), again=True)
    segment = Segment(0, len(program.steps), Grid(1, regions))
    assert Point(build(program, [segment]), (segment,), macs=0, cycles=0.0).input_passes == passes


def test_an_input_fed_as_a_whole_is_asked_for_once() -> None:
    assert layer_by_layer(negated_and_convolved()).input_passes == 0
    assert layer_by_layer(feed_by_rows(negated_and_convolved(), again=False)).input_passes == 1
