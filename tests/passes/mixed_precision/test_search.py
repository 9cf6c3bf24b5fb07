"""The guard and the search, on a small network whose classes its samples know."""

from __future__ import annotations

from functools import cache

import numpy as np
import onnx
import onnx_ir as oir
import pytest

from tinyc.passes.canonicalize import canonicalize
from tinyc.passes.dead_channels import remove_dead_channels
from tinyc.passes.import_onnx import import_model
from tinyc.passes.lower import lower
from tinyc.passes.mixed_precision import Mixed, MixedOptions, search
from tinyc.passes.mixed_precision.bitops import model_bitops, model_weight_bytes
from tinyc.passes.mixed_precision.branches import WHOLE
from tinyc.passes.mixed_precision.facts import Facts, constant_bytes
from tinyc.passes.mixed_precision.guard import Guard, paired_interval, scores_of
from tinyc.passes.mixed_precision.memory import Memory
from tinyc.passes.mixed_precision.options import Objective
from tinyc.passes.mixed_precision.widths import Widths
from tinyc.passes.quantize import quantize
from tinyc.passes.quantize.options import silent
from tinyc.passes.quantize.pipeline import Quantizer
from tinyc.passes.schedule import layer_by_layer
from tinyc.targets import Target, load_target

from ..onnx_text import build, normal
from ..spiking.test_import import two_layers

CLASSES = 4
BOARD = load_target("nucleo-f446re")


@cache
def network() -> oir.Model:
    """A classifier of 12×12 images: two convolutions, a mean, a dense layer, Softmax."""
    weights = {
        "w": normal(8, 1, 3, 3, scale=0.5),
        "b": normal(8, scale=0.1),
        "v": normal(16, 8, 3, 3, scale=0.2),
        "c": normal(16, scale=0.1),
        "u": normal(16, CLASSES, scale=0.8),
        "d": normal(CLASSES, scale=0.1),
    }
    body = """
    h = Conv<pads=[1,1,1,1]>(x, w, b) r = Relu(h)
    i = Conv<pads=[1,1,1,1]>(r, v, c) s = Relu(i)
    m = GlobalAveragePool(s) f = Flatten(m) g = MatMul(f, u) a = Add(g, d) y = Softmax(a)
    """
    return canonicalize(import_model(build("float[1,1,12,12] x", body, weights)))


def samples(count: int = 64) -> dict[str, np.ndarray]:
    """Images of four kinds of stripes, with noise."""
    rng = np.random.default_rng(3)
    y, x = np.mgrid[:12, :12]
    kinds = [np.sin(x), np.sin(y), np.sin(x + y), np.cos(2 * x) * np.sin(y)]
    images = [kinds[i % 4] * rng.uniform(0.5, 2) + 0.2 * rng.standard_normal((12, 12)) for i in range(count)]
    return {"x": np.stack(images)[:, None, None].astype(np.float32)}


@cache
def found(
    max_drop: float = 0.01, sram_budget: int = 1 << 40, flash_budget: int = 1 << 40,
    objective: Objective = "bitops", board: Target | None = BOARD,
) -> Mixed:  # fmt: skip
    options = MixedOptions(
        max_drop, 0.5, "fast", sram_budget, flash_budget, evaluations=6, objective=objective, target=board
    )
    return search(network(), samples(), None, lambda model: lower(model, "net"), options)


def test_the_search_saves_work_and_memory_within_the_limit() -> None:
    mixed = found(0.05)
    assert mixed.chosen.bitops * 1.5 < mixed.baseline.bitops
    assert mixed.chosen.flash < 0.8 * mixed.baseline.flash
    assert mixed.judgement.expected <= mixed.judgement.bound <= 0.05
    assert mixed.judgement.metric == "agreement" and mixed.judgement.samples == 64


def test_the_model_has_the_widths_that_are_reported() -> None:
    mixed = found(0.05)
    onnx.checker.check_model(oir.to_proto(mixed.model), full_check=True)
    slim = remove_dead_channels(mixed.model.clone())
    assert model_bitops(slim) == mixed.chosen.bitops
    assert model_weight_bytes(slim) == mixed.chosen.flash


def test_no_drop_allowed_is_no_worse_than_8_bits() -> None:
    mixed = found(0.0)
    assert mixed.judgement.bound <= 0 and mixed.chosen.bitops <= mixed.baseline.bitops


def test_for_cycles_only_what_is_faster_or_what_memory_needs() -> None:
    """A Cortex-M4 is no faster with fewer bits, neither of weights nor of feature maps; portable kernels are
    with both."""
    fast = found(0.05, objective="cycles")
    assert fast.chosen == fast.baseline and not fast.slower
    portable = found(0.05, objective="cycles", board=None)
    assert portable.chosen.cycles < portable.baseline.cycles and portable.chosen.bitops < fast.chosen.bitops
    constants = constant_bytes(lower(_in_8_bits(), "net"))
    small = found(0.05, flash_budget=constants - 500, objective="cycles")
    assert small.chosen.flash <= fast.chosen.flash - 500
    assert len(small.chosen.widths.weights) == 1, "the largest layer is enough"
    tight = found(1.0, sram_budget=fast.baseline.sram * 3 // 4, objective="cycles")
    assert tight.slower and min(tight.slower.values()) > 0 and tight.chosen.cycles > fast.baseline.cycles
    assert found(0.05).slower, "for BitOPs, time does not matter"


def test_the_front_holds_the_chosen_point_and_none_that_is_beaten() -> None:
    front = found(0.05).front
    assert found(0.05).chosen in front and not any(p.beats(q) for p in front for q in front)
    assert [p.bitops for p in front] == sorted((p.bitops for p in front), reverse=True)


def test_the_peak_is_lowered_until_the_budget_holds() -> None:
    base = found(0.05).baseline.sram
    mixed = found(1.0, sram_budget=base * 3 // 4)
    assert mixed.chosen.sram <= base * 3 // 4 < base
    placed = layer_by_layer(lower(remove_dead_channels(mixed.model.clone()), "net"))
    assert placed.arena <= layer_by_layer(lower(_in_8_bits(), "net")).arena * 3 // 4 + 64


def _in_8_bits() -> oir.Model:
    return remove_dead_channels(quantize(network(), samples()))


def test_spikes_and_membranes_keep_their_bits() -> None:
    model = canonicalize(import_model(two_layers()))
    sizes = {str(value.name): value.shape.numpy() for value in model.graph.inputs if value.shape is not None}
    arrays = {name: (name == "x") * normal(12, *size) for name, size in sizes.items()}
    quantizer = Quantizer(model, arrays)
    whole = quantizer.quantized({}, {})
    facts = Facts(quantizer, whole, lambda found: lower(found, "net"), MixedOptions(), silent, WHOLE)
    assert facts.maps == ["a"] and {"S", "u", "u_next", "h"} <= set(quantizer.parts.tensors)


@cache
def stateful(kept: int) -> tuple[oir.Model, dict[str, np.ndarray]]:
    """A classifier that keeps ``kept`` numbers, and samples of its only input with the state at zero."""
    weights = {
        "w": normal(24, 8, scale=0.5), "v": normal(4, 24, scale=0.4), "u": normal(kept, 8, scale=0.3),
        "half": np.full(1, 0.5, np.float32), "o": normal(4, kept, scale=0.1),
    }  # fmt: skip
    body = """
    a = Gemm<transB=1>(x, w) r = Relu(a) b = Gemm<transB=1>(r, v) c = Gemm<transB=1>(x, u)
    k = Mul(h, half) hn = Add(k, c) d = Gemm<transB=1>(h, o) y = Add(b, d)
    """
    state = f"float[1,{kept}] h"
    proto = build(f"float[1,8] x, {state}", body, weights, outputs=f"float[1,4] y, {state}n")
    model = canonicalize(import_model(proto, states=["h:hn"]))
    return model, {"x": normal(32, 1, 8), "h": np.zeros((32, 1, kept), np.float32)}


@pytest.mark.parametrize("kept", [3, 40])
def test_what_persists_takes_part_of_the_budget(kept: int) -> None:
    """The same network in the same budget: where its state takes that, feature maps have to be narrowed."""
    model, arrays = stateful(kept)
    whole = search(model, arrays, None, lambda m: lower(m, "net"), MixedOptions(objective="cycles"))
    arena = whole.baseline.sram - kept
    limits = MixedOptions(1.0, 0.5, "fast", arena + 20, objective="cycles", target=BOARD)
    found = search(model, arrays, None, lambda m: lower(m, "net"), limits)
    assert (found.chosen == found.baseline) == (kept <= 20)
    assert found.baseline.sram == arena + kept


def test_event_driven_layers_keep_8_bits() -> None:
    """They have no form for fewer: narrowing them would spare no byte."""
    model = canonicalize(import_model(two_layers()))
    sizes = {str(value.name): value.shape.numpy() for value in model.graph.inputs if value.shape is not None}
    arrays = {name: (name == "x") * normal(12, *size) for name, size in sizes.items()}
    limits = MixedOptions(1.0, 0.5, "fast", flash_budget=1, target=None)
    found = search(model, arrays, None, lambda m: lower(m, "net"), limits)
    events = Quantizer(model, arrays).parts.spiking.currents
    assert events and events.isdisjoint(found.chosen.widths.weights)


def test_the_search_is_deterministic() -> None:
    again = found.__wrapped__(0.05)
    first, second = (oir.to_proto(m.model).SerializeToString() for m in (found(0.05), again))
    assert first == second


def test_memory_counts_narrow_elements() -> None:
    program = lower(_in_8_bits(), "net")
    memory = Memory(program, {"r_quantized": "r", "s_quantized": "s"}, "fast", 1 << 40)
    whole, half = memory.best(Widths()).nbytes, memory.best(Widths({"s": 4, "r": 4})).nbytes
    assert whole == 12 * 12 * (8 + 16) and half == whole // 2
    assert memory.at_the_peak(Widths()) == ["s", "r"]


def feeds() -> list[dict[str, np.ndarray]]:
    return [{"x": image} for image in samples()["x"]]


def test_the_guard_finds_nothing_wrong_with_the_model_it_compares_with() -> None:
    whole = quantize(network(), samples())
    guard = Guard(network(), [whole], feeds(), None)
    judged = guard.judge([whole])
    assert (judged.drop, judged.expected) == (0, 0) and judged.passes(0.0)
    assert judged.low < 0 < judged.high
    assert guard.bearable(0.01) > judged.noise


def test_labels_make_it_accuracy_and_wrong_ones_are_not_taken() -> None:
    whole = quantize(network(), samples())
    right = Guard(network(), [whole], feeds(), np.arange(64) % 4)
    assert right.metric == "top-1"
    assert Guard(network(), [whole], feeds(), np.arange(64)).metric == "agreement"


def test_scores_are_taken_before_softmax_in_both_forms() -> None:
    assert scores_of(network()) == "a"
    assert scores_of(quantize(network(), samples())) == "a_dequantized"


def test_outputs_that_are_no_classes_are_judged_by_their_error() -> None:
    model = canonicalize(import_model(build("float[1,6] x", "y = MatMul(x, w)", {"w": normal(6, 6)})))
    arrays = {"x": normal(40, 1, 6)}
    whole = quantize(model, arrays)
    guard = Guard(model, [whole], [{"x": array} for array in arrays["x"]], None)
    judged = guard.judge([whole])
    assert guard.metric == judged.metric == "fidelity" and 0.95 < judged.value < 1 and judged.drop == 0
    assert guard.bearable(0.05) == pytest.approx(((1 - judged.value) + 0.05) ** 2)


def test_the_interval_holds_the_drop_and_shrinks_with_samples() -> None:
    few, many = paired_interval(3, 1, 50), paired_interval(60, 20, 1000)
    assert few[0] < 0.04 < few[1] and many[0] < 0.04 < many[1]
    assert many[1] - many[0] < 0.6 * (few[1] - few[0])
