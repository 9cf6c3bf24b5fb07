"""16 bits where 8 are not enough: the search on a regression, and what is left out of a list of steps."""

from __future__ import annotations

from collections.abc import Collection
from functools import cache

import numpy as np
import onnx_ir as oir
import pytest

from tinyc.emulator.machine import Machine
from tinyc.ir.dtype import DType
from tinyc.ir.values import to_stored
from tinyc.kernels.interpolated import Interpolated
from tinyc.passes.canonicalize import canonicalize
from tinyc.passes.dead_channels import remove_dead_channels
from tinyc.passes.import_onnx import import_model
from tinyc.passes.lower import lower
from tinyc.passes.mixed_precision import Mixed, MixedOptions, search
from tinyc.passes.mixed_precision.branches import WHOLE
from tinyc.passes.mixed_precision.facts import Facts
from tinyc.passes.mixed_precision.guard import Judgement, outputs_of
from tinyc.passes.mixed_precision.vdqs import widening
from tinyc.passes.mixed_precision.widening import widened
from tinyc.passes.mixed_precision.widths import Step, Widths
from tinyc.passes.place import place
from tinyc.passes.quantize import quantize
from tinyc.passes.quantize.options import silent
from tinyc.passes.quantize.pipeline import Quantizer

from ..onnx_text import build, normal
from .regression import network, points

MAPS = {"x", "a", "h", "c", "g", "y"}


@cache
def found(max_drop: float, sram_budget: int = 1 << 40, kept: frozenset[str] = frozenset()) -> Mixed:
    options = MixedOptions(max_drop, sram_budget=sram_budget, kept=kept)
    return search(network(), {"x": points()}, None, lambda model: lower(model, "net"), options)


def error(model: oir.Model) -> float:
    """Root mean square error on fresh points, as a share of the deviation of the float model's output."""
    fresh = [{"x": x} for x in points(200, seed=9)]
    exact, actual = (outputs_of(each, fresh) for each in (network(), model))
    return float(np.sqrt(np.mean((actual - exact) ** 2)) / exact.std())


def wide(mixed: Mixed) -> set[str]:
    return {name for name, bits in mixed.chosen.widths.activations.items() if bits == 16}


def test_as_many_maps_get_16_bits_as_the_limit_needs() -> None:
    int8 = error(quantize(network(), {"x": points()}))
    assert int8 > 0.02 and wide(found(0.05)) == set()
    counts = [len(wide(found(limit))) for limit in (0.02, 0.01, 0.005)]
    assert 0 < counts[0] < counts[1] < counts[2] <= len(MAPS)
    for limit in (0.02, 0.01, 0.005):
        assert error(found(limit).model) < 1.1 * limit, "on points that nothing was chosen on"


def test_the_drop_is_told_against_8_bits() -> None:
    mixed = found(0.005)
    assert mixed.judgement.metric == "fidelity" and mixed.judgement.drop < -0.015
    assert mixed.baseline.widths == Widths() and mixed.chosen.bitops == 2 * mixed.baseline.bitops
    assert mixed.chosen in mixed.front and mixed.baseline in mixed.front


def test_the_model_is_computed_in_integers_and_hands_out_16_bits() -> None:
    program = place(lower(remove_dead_channels(found(0.005).model.clone()), "net"))
    ends = [program.buffers[name] for name in (*program.inputs, *program.outputs)]
    assert [buffer.dtype for buffer in ends] == [DType.INT16, DType.INT16]
    assert not any(buffer.dtype.is_float for buffer in program.buffers.values())
    assert sum(isinstance(step.kernel, Interpolated) for step in program.steps) == 2
    (result,), fresh = program.outputs, points(50, seed=9)
    made = ends[1].quant
    assert made is not None
    machine = Machine(program)
    fed = [{ends[0].name: to_stored(x, ends[0])} for x in fresh]
    real = [(machine.run(x)[result].astype(float) - made.zero_point) * made.scale for x in fed]
    exact = outputs_of(network(), [{"x": x} for x in fresh])
    assert np.sqrt(np.mean((np.stack(real).reshape(exact.shape) - exact) ** 2)) < 0.006 * exact.std()


def test_nothing_is_widened_beyond_the_budget_or_against_the_callers_will() -> None:
    arena = found(0.05).baseline.sram
    assert wide(found(0.005, sram_budget=arena)) <= {"x", "y"}, "others need two bytes for 24 elements"
    assert "x" not in wide(found(0.005, kept=frozenset({"x"})))


def test_what_would_be_computed_in_floats_keeps_8_bits() -> None:
    """A Softmax has no form for 16 bits: neither its scores nor its result may have them."""
    weights = {"w": normal(6, 7), "v": normal(7, 5)}
    body = "h = MatMul(x, w) r = Relu(h) s = MatMul(r, v) y = Softmax(s)"
    model = canonicalize(import_model(build("float[1,6] x", body, weights)))
    quantizer = Quantizer(model, {"x": normal(12, 1, 6)})
    whole = quantizer.quantized({}, {})
    facts = Facts(quantizer, whole, lambda made: lower(made, "net"), MixedOptions(), silent, WHOLE)
    assert facts.wideable == ["x", "r"]


def test_the_score_asks_for_entropy_and_for_bitops() -> None:
    loss = {(name, 8): lost for name, lost in (("much", 0.3), ("little", 0.1))} | {
        (name, 16): 0.0 for name in ("much", "little")
    }
    assert [step.name for step in widening(["little", "much"], [], loss, 0.5)] == ["much", "little"]


class _Judge:
    """Models that are off by what is in ``costs`` and is not widened."""

    def __init__(self, costs: dict[str, float], always: float = 0.0) -> None:
        self.costs, self.always, self.asked = costs, always, 0

    def __call__(self, widths: Widths) -> Judgement:
        self.asked += 1
        off = self.always + sum(cost for name, cost in self.costs.items() if widths.of(name) == 8)
        return Judgement("fidelity", 100, 1 - off, off, off - 1e-4, off + 1e-4, off, off + 1e-4, off)


@pytest.mark.parametrize(
    ("costs", "always", "expected"),
    [
        ({"a": 0.001, "b": 0.002, "c": 0.001}, 0.0, ""),
        ({"a": 0.02, "b": 0.0, "c": 0.02, "d": 0.002}, 0.0, "ac"),
        ({"a": 0.0, "b": 0.02, "c": 0.0, "d": 0.0}, 0.0, "b"),
        ({"a": 0.0, "b": 0.02, "c": 0.0}, 0.03, "b"),
        ({"a": 0.001, "b": 0.002}, 0.5, ""),
    ],
    ids=["good enough", "two", "one", "a limit out of reach", "others are to blame"],
)
def test_no_more_is_widened_than_helps(
    costs: dict[str, float], always: float, expected: Collection[str]
) -> None:
    judge = _Judge(costs, always)
    taken = widened(judge, lambda: [Step(name, 16) for name in costs], max_drop=0.01, evaluations=10)
    assert taken == Widths(dict.fromkeys(expected, 16))
    assert judge.asked <= 2 + 2 + len(costs)
