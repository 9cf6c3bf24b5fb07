"""Patches classified in each inference: the graph with both branches, what calibration sees, and widths."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from functools import cache

import numpy as np
import onnx_ir as oir
import pytest

from tinyc.emulator.machine import Machine
from tinyc.ir.errors import UsageError
from tinyc.passes.canonicalize import canonicalize
from tinyc.passes.dead_channels import remove_dead_channels
from tinyc.passes.import_onnx import import_model
from tinyc.passes.lower import lower
from tinyc.passes.mixed_precision import (
    Mixed,
    MixedOptions,
    Patches,
    PatchOptions,
    Stage,
    patches_of,
    search,
    stage_of,
)
from tinyc.passes.onnx_graph import PATCH_DOMAIN
from tinyc.passes.place import place
from tinyc.passes.quantize import quantize
from tinyc.passes.quantize.graphs import exposing
from tinyc.passes.quantize.pipeline import Quantizer
from tinyc.passes.quantize.running import Runner
from tinyc.passes.schedule import Grid, Segment, build
from tinyc.passes.schedule.reads import Reads
from tinyc.passes.schedule.segment import Scope
from tinyc.passes.validate import validate

from ..onnx_text import build as built
from ..onnx_text import normal
from ..test_schedule_fork import selection
from .test_patches import network, outputs, program_of, samples


@cache
def patches(down: int = 3, across: int = 3) -> Patches:
    stage = stage_of(program_of(network()), down, across)
    return patches_of(network(), samples(), stage, PatchOptions(decided="runtime"))


def shown(model: oir.Model, tensor: str, sample: int) -> np.ndarray:
    return Runner(exposing(model, [tensor])).run({"x": samples()["x"][sample]})[tensor]


@pytest.mark.parametrize(("down", "across"), [(3, 3), (1, 3), (4, 1), (3, 5)])
def test_the_model_with_both_branches_computes_the_same(down: int, across: int) -> None:
    """In float, of samples without outliers and with some, although calibration hides what others compute."""
    made = patches(down, across)
    assert made.flags == "x_outliers"
    np.testing.assert_allclose(outputs(made.model, 12), outputs(network(), 12), rtol=1e-4, atol=1e-5)


def test_flags_are_those_of_the_classification() -> None:
    """The share of samples in which each is set is what compile time counted."""
    flags = np.stack([shown(patches().model, "x_outliers", index)[0, 0] for index in range(32)])
    assert flags.mean(axis=0).tolist() == [list(row) for row in patches().classes.shares]
    assert flags.any(axis=0).tolist() == [[True, False, False], [False, False, False], [False, False, True]]


@pytest.mark.parametrize(("sample", "corners"), [(0, "both"), (12, "upper"), (30, "none")])
def test_the_second_branch_sees_what_its_patches_need(sample: int, corners: str) -> None:
    """In each sample by itself: the middle of a patch with outliers is hidden, no other pixel."""
    seen, image = shown(patches().model, "x_limited", sample), samples()["x"][sample]
    hidden = np.zeros(image.shape[-2:], bool)
    if corners != "none":
        hidden[:11, :7] = True
    if corners == "both":
        hidden[-14:, -14:] = True
    np.testing.assert_array_equal(seen[..., ~hidden], image[..., ~hidden])
    assert (seen[..., hidden] == np.float32(patches().classes.mean)).all()


def test_ranges_of_the_second_branch_are_without_outliers() -> None:
    quantizer = Quantizer(patches().model, samples())
    quants = quantizer.choose([8] * len(quantizer.groups))
    scales = {group.members[0]: q.scale for group, q in zip(quantizer.groups, quants, strict=True)}
    assert scales["r_narrow"] < 0.5 * scales["r"]


def test_what_calibration_saw_leaves_the_quantized_model() -> None:
    quantized = quantize(patches().model, samples())
    called = [node.op_type for node in quantized.graph if node.domain == PATCH_DOMAIN]
    assert sorted(called) == sorted(function.name for function in quantized.functions.values())
    assert sorted(called) == ["HasOutliers", "SelectPatches"]


def test_shares_are_as_expected() -> None:
    """Both branches together are every pixel once, but for halos, whatever values are."""
    made = patches()
    last = [step.source for _, step in made.stage.scope.steps][-1]
    shares = made.branches.shares
    assert shares[last] + shares[f"{last}_narrow"] == 1
    assert shares[last] == (Fraction(3, 4) * 4 * 3 + Fraction(1, 4) * 4 * 4) / (12 * 10)


@cache
def found() -> Mixed:
    options = MixedOptions(max_drop=0.2, goal="fast", evaluations=4, objective="bitops")
    return search(patches().model, samples(), None, program_of, options, branches=patches().branches)


def test_only_the_second_branch_is_narrowed() -> None:
    bits = found().chosen.widths.activations
    assert not patches().branches.kept & set(bits)
    assert any(name.endswith("_narrow") for name in bits)


def test_emulator_agrees_with_onnx_runtime_whatever_the_patches_hold() -> None:
    slim = remove_dead_channels(found().model.clone())
    layers = program_of(slim)
    end = selection(layers) + 1
    rest = [Segment(index, index + 1) for index in range(end, len(layers.steps))]
    placed = place(build(layers, [Segment(0, end, Grid(3, 3)), *rest]), seconds=0)
    validate(placed)
    (name,), (out,), machine = layers.inputs, layers.outputs, Machine(placed)
    given, result = layers.buffers[name].quant, layers.buffers[out].quant
    assert given is not None and result is not None
    runner = Runner(slim, optimized=False)
    for image in samples()["x"][::4]:
        wanted = runner.run({"x": image})["y"]
        steps = (np.rint(image / np.float32(given.scale)) + given.zero_point).clip(-128, 127)
        run = machine.run({name: layers.buffers[name].to_memory(steps.astype(np.int8))})
        real = (run[out].astype(np.float64) - result.zero_point) * result.scale
        np.testing.assert_allclose(real.reshape(-1), wanted.reshape(-1), atol=2.01 * result.scale)


def test_patches_that_always_hold_outliers_have_one_branch() -> None:
    images = {"x": np.where(np.arange(40) % 10 == 0, np.float32(9), samples()["x"].clip(-1, 1))}
    stage = stage_of(program_of(network()), 2, 2)
    made = patches_of(network(), images, stage, PatchOptions(decided="runtime"))
    assert made.flags is None and not made.branches.shares and made.branches.kept


def test_series() -> None:
    """Patches of a series are stretches of time."""
    weights = {"w": normal(6, 2, 5, scale=0.3, seed=1), "v": normal(6, 6, 3, scale=0.3, seed=2)}
    body = """
    h = Conv<strides=[2], pads=[2,2]>(x, w) r = Relu(h) i = Conv<pads=[1,1]>(r, v) s = Relu(i)
    m = GlobalAveragePool(s) y = Flatten(m)
    """
    model = canonicalize(import_model(built("float[1,2,46] x", body, weights)))
    images = np.random.default_rng(1).standard_normal((24, 1, 2, 46)).clip(-1.5, 1.5).astype(np.float32)
    images[:12, :, :, :5] = 7.0
    stage = stage_of(lower(model, "net"), 3, 1)
    made = patches_of(model, {"x": images}, stage, PatchOptions(decided="runtime"))
    for image in images[::6]:
        one, two = (Runner(m).run({"x": image})["y"] for m in (model, made.model))
        np.testing.assert_allclose(one, two, rtol=1e-4, atol=1e-5)
    layers = lower(remove_dead_channels(quantize(made.model, {"x": images})), "net")
    assert layers.buffers[layers.steps[selection(layers)].inputs[0]].shape == (1, 3, 1)


def test_axes_that_do_not_come_last_are_refused() -> None:
    stage = patches().stage
    program, result = stage.scope.program, stage.result
    buffers = {**program.buffers, result.name: replace(result, order=(0, 1, 2, 3))}
    scope = Scope(Reads(replace(program, buffers=buffers)), 0, stage.end)
    with pytest.raises(UsageError, match="not the last axes"):
        patches_of(network(), samples(), Stage(scope, stage.grid), PatchOptions(decided="runtime"))
