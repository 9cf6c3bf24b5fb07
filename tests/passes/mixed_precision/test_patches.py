"""Patches: which layers are cut, what each branch sees, and models whose positions differ in bits."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from functools import cache

import numpy as np
import onnx_ir as oir
import pytest

from tinyc.emulator.machine import Machine
from tinyc.ir.errors import UsageError
from tinyc.ir.program import Program
from tinyc.kernels.select import Select
from tinyc.passes.canonicalize import canonicalize
from tinyc.passes.dead_channels import remove_dead_channels
from tinyc.passes.import_onnx import import_model
from tinyc.passes.lower import lower
from tinyc.passes.mixed_precision import (
    Mixed,
    MixedOptions,
    Patches,
    PatchOptions,
    patches_of,
    scheduled_stage,
    search,
    stage_of,
)
from tinyc.passes.place import place
from tinyc.passes.quantize import quantize
from tinyc.passes.quantize.graphs import exposing
from tinyc.passes.quantize.pipeline import Quantizer
from tinyc.passes.quantize.running import Runner
from tinyc.passes.schedule import build
from tinyc.passes.schedule.cost import executed
from tinyc.passes.schedule.search import Candidate, candidates
from tinyc.passes.schedule.segment import Grid, Segment
from tinyc.passes.schedule.selection import model_macs
from tinyc.passes.validate import validate

from ..onnx_text import build as built
from ..onnx_text import normal
from . import test_search

SIZE = (48, 40)


def network(size: tuple[int, int] = SIZE) -> oir.Model:
    """A classifier whose image is worth cutting: three convolutions with stride 2 in all, a mean, a dense
    layer."""
    weights = {
        "w": normal(8, 1, 3, 3, scale=0.5, seed=1),
        "v": normal(8, 1, 3, 3, scale=0.5, seed=2),
        "p": normal(12, 8, 1, 1, scale=0.4, seed=3),
        "q": normal(12, 12, 3, 3, scale=0.15, seed=4),
        "u": normal(12, 4, scale=0.8, seed=5),
        "d": normal(4, scale=0.1, seed=6),
    }
    body = """
    h = Conv<pads=[1,1,1,1], strides=[2,2]>(x, w) r = Relu(h)
    i = Conv<pads=[1,1,1,1], group=8>(r, v) s = Relu(i)
    j = Conv(s, p) t = Relu(j)
    k = Conv<pads=[1,1,1,1], strides=[2,2]>(t, q) o = Relu(k)
    m = GlobalAveragePool(o) f = Flatten(m) g = MatMul(f, u) y = Add(g, d)
    """
    return canonicalize(import_model(built(f"float[1,1,{size[0]},{size[1]}] x", body, weights)))


def samples(size: tuple[int, int] = SIZE, count: int = 32) -> dict[str, np.ndarray]:
    """Images of noise; most have outliers in the upper left, some in the lower right."""
    rng = np.random.default_rng(3)
    images = rng.standard_normal((count, 1, 1, *size)).clip(-1.5, 1.5).astype(np.float32)
    images[: count * 3 // 4, :, :, :3, :3] = 9.0
    images[: count // 4, :, :, -3:, -3:] = -9.0
    return {"x": images}


def program_of(model: oir.Model) -> Program:
    return lower(model, "net")


@cache
def patches(down: int = 3, across: int = 3, threshold: float = 0.5, coverage: float = 0.96) -> Patches:
    stage = stage_of(program_of(network()), down, across)
    return patches_of(network(), samples(), stage, PatchOptions(coverage, threshold))


def outputs(model: oir.Model, count: int = 6) -> np.ndarray:
    runner = Runner(model, optimized=False)
    return np.stack([runner.run({"x": image})["y"] for image in samples()["x"][-count:]])


def test_positions_with_outliers_are_those_of_the_image() -> None:
    assert patches().classes.drawn() == "#··\n···\n···"
    assert patches(threshold=0.2).classes.drawn() == "#··\n···\n··#"
    assert patches(3, 3, 0.8).classes.drawn() == "···\n···\n···"


@pytest.mark.parametrize(("down", "across"), [(3, 3), (2, 2), (1, 3), (4, 1), (3, 5)])
def test_the_split_model_computes_the_same(down: int, across: int) -> None:
    """In float, and although the second branch sees only its part of the image."""
    made = patches(down, across)
    assert any(node.name and node.name.endswith("_narrow") for node in made.model.graph)
    np.testing.assert_allclose(outputs(made.model), outputs(network()), rtol=1e-4, atol=1e-5)


def test_the_second_branch_sees_no_more_than_its_halo() -> None:
    """Outliers of a position that keeps 8 bits are hidden from it, as far as its neighbours do not reach."""
    limited = exposing(patches().model, ["x_limited"])
    seen = Runner(limited).run({"x": samples()["x"][0]})["x_limited"]
    image = samples()["x"][0]
    hidden = np.zeros(SIZE, bool)
    hidden[:11, :7] = True  # the patch is [0, 16) x [0, 12); its neighbours reach 5 rows and columns into it
    np.testing.assert_array_equal(seen[..., ~hidden], image[..., ~hidden])
    assert np.abs(seen[..., hidden]).max() < 1.5 < np.abs(image[..., hidden]).max()


def test_one_class_has_one_branch() -> None:
    none, every = patches(threshold=1.0), patches(1, 1)
    for made in (none, every):
        assert not any(node.op_type == "Where" for node in made.model.graph)
    assert not none.branches.kept
    assert every.classes.drawn() == "#" and every.branches.kept


def test_shares_are_of_pixels_computed_with_halo() -> None:
    """3 x 3 patches of 12 x 10 pixels: one wide position, eight narrow ones."""
    made = patches()
    assert made.stage.result.grid[:2] == (12, 10)
    names = [step.source for _, step in made.stage.scope.steps]
    shares = made.branches.shares
    assert set(shares) == {*names, *(f"{name}_narrow" for name in names)}
    last, first = names[-1], names[0]
    assert shares[last] + shares[f"{last}_narrow"] == 1
    assert shares[last] == Fraction(4 * 3, 12 * 10)
    assert 1 < shares[first] + shares[f"{first}_narrow"] < 2


def test_calibration_masks_leave_the_quantized_model() -> None:
    made = patches()
    quantized = quantize(made.model, samples())
    selections = [node for node in quantized.graph if node.op_type == "Where"]
    assert [node.name for node in selections] == [f"{made.stage.result.source}_select"]
    assert not any("x_limited" in str(value.name) for node in quantized.graph for value in node.outputs)


def test_ranges_of_the_second_branch_are_without_outliers() -> None:
    quantizer = Quantizer(patches(threshold=0.2).model, samples())
    quants = quantizer.choose([8] * len(quantizer.groups))
    scales = {group.members[0]: q.scale for group, q in zip(quantizer.groups, quants, strict=True)}
    assert scales["r_narrow"] < 0.5 * scales["r"]


@cache
def found() -> Mixed:
    made = patches()
    options = MixedOptions(max_drop=0.2, goal="fast", evaluations=4, objective="bitops")
    return search(made.model, samples(), None, program_of, options, branches=made.branches)


def test_only_the_second_branch_is_narrowed() -> None:
    mixed, made = found(), patches()
    bits = mixed.chosen.widths.activations
    assert not made.branches.kept & set(bits)
    assert any(name.endswith("_narrow") for name in bits)
    assert mixed.chosen.bitops < mixed.baseline.bitops


def test_the_baseline_is_patch_based_and_counted_from_the_schedule() -> None:
    """BitOPs of the search's 8-bit model are those of the tasks in its patches, halo included."""
    made = patches()
    layers = program_of(remove_dead_channels(quantize(made.model, samples())))
    end = next(i for i, step in enumerate(layers.steps) if isinstance(step.kernel, Select)) + 1
    rest = [Segment(index, index + 1) for index in range(end, len(layers.steps))]
    cut = build(layers, [Segment(0, end, Grid(3, 3)), *rest])
    assert found().baseline.bitops == 64 * executed(cut).macs
    whole = program_of(remove_dead_channels(quantize(network(), samples())))
    assert model_macs(layers) == executed(whole).macs < executed(cut).macs


def test_emulator_agrees_with_onnx_runtime_under_all_schedules() -> None:
    slim = remove_dead_channels(found().model.clone())
    layers = program_of(slim)
    (name,), (out,) = layers.inputs, layers.outputs
    runner, buffer = Runner(slim, optimized=False), layers.buffers[name]
    assert buffer.quant is not None
    for candidate in candidates(layers):
        placed = place(build(candidate.program, candidate.segments), seconds=0)
        validate(placed)
        machine = Machine(placed)
        for image in samples()["x"][-4:]:
            wanted = runner.run({"x": image})["y"]
            steps = np.rint(image / np.float32(buffer.quant.scale)) + buffer.quant.zero_point
            given: Mapping[str, np.ndarray] = {name: buffer.to_memory(steps.clip(-128, 127).astype(np.int8))}
            result, quant = machine.run(given)[out], layers.buffers[out].quant
            assert quant is not None
            real = (result.astype(np.float64) - quant.zero_point) * quant.scale
            np.testing.assert_allclose(real.reshape(-1), wanted.reshape(-1), atol=2.01 * quant.scale)


def test_a_schedule_has_a_stage_where_it_begins_with_regions() -> None:
    layers = program_of(quantize(network(), samples()))
    ends = {layers.buffers[step.outputs[0]].source: index + 1 for index, step in enumerate(layers.steps)}
    end, count = ends["t_quantized"], len(layers.steps)
    rest = tuple(Segment(index, index + 1) for index in range(end, count))
    cut = Candidate(layers, (Segment(0, end, Grid(2, 3)), *rest), 0, 0.0)
    found = scheduled_stage(program_of(network()), cut)
    assert found is not None and (found.result.source, found.grid) == ("t", Grid(2, 3))
    for grid in (None, Grid()):
        whole = Candidate(layers, (Segment(0, end, grid), *rest), 0, 0.0)
        assert scheduled_stage(program_of(network()), whole) is None


def test_models_without_a_stage_are_refused() -> None:
    with pytest.raises(UsageError, match="13x13 patches"):
        stage_of(program_of(test_search.network()), 13, 13)
