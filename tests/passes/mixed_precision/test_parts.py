"""BitOPs, entropy, the score's order, the front, and the classes of patches."""

from __future__ import annotations

import math

import numpy as np
import pytest

from tinyc.ir.errors import UsageError
from tinyc.passes.mixed_precision import vdqs, weights
from tinyc.passes.mixed_precision.bitops import Layer, bitops, weight_bytes
from tinyc.passes.mixed_precision.entropy import entropy, entropy_lost
from tinyc.passes.mixed_precision.front import Point, undominated
from tinyc.passes.mixed_precision.vdpc import classify, z_score
from tinyc.passes.mixed_precision.widths import Step, Widths
from tinyc.passes.quantize.affine import quant_of
from tinyc.passes.quantize.observers import Histogram

from ..onnx_text import normal

LAYERS = (
    Layer("a", "conv a", "x", macs=1000, parameters=11),
    Layer("b", "conv b", "r", macs=500, parameters=100),
    Layer("c", "conv c", "r", macs=300, parameters=7),
)


def test_bitops_are_macs_by_both_widths() -> None:
    assert bitops(LAYERS, Widths()) == 64 * 1800
    widths = Widths({"r": 4}, {"b": 2})
    assert bitops(LAYERS, widths) == 1000 * 64 + 500 * 4 * 2 + 300 * 4 * 8
    assert weight_bytes(LAYERS, Widths({}, {"a": 4, "b": 2})) == 6 + 25 + 7


def test_entropy_of_equal_shares_is_their_logarithm() -> None:
    assert entropy(np.array([5.0, 5, 0, 5, 5])) == pytest.approx(2)
    assert entropy(np.zeros(4)) == entropy(np.array([7.0])) == 0


def test_lost_entropy_grows_as_bits_fall_and_is_all_where_one_value_is_left() -> None:
    values = normal(20_000)
    histogram = Histogram((float(values.min()), float(values.max())))
    histogram.add(values)
    lost = [entropy_lost(histogram, quant_of(-4, 4, bits)) for bits in (16, 8, 4, 2)]
    assert lost == sorted(lost) and lost[0] < 0.01 < lost[1] < lost[3] < 1
    assert entropy_lost(histogram, quant_of(-1e4, 1e4, 2)) == pytest.approx(1)


def test_a_map_gives_up_bits_where_the_score_rises_most() -> None:
    loss = {(name, bits): lost for name in "xr" for bits, lost in ((8, 0.0), (4, 0.3), (2, 0.6))}
    loss["r", 4] = 0.01
    order = vdqs.narrowing(("x", "r", "unread"), LAYERS, loss, Widths(), lam=0.5)
    gains = {"x": 1000 * 8 * 4 / (64 * 1800), "r": 800 * 8 * 4 / (64 * 1800)}
    assert vdqs.score(0.3, gains["x"], 0.5) < vdqs.score(0.01, gains["r"], 0.5)
    assert order == [Step("r", 4), Step("x", 4), Step("x", 2), Step("r", 2)]


def test_work_alone_decides_without_lambda_and_entropy_alone_with_one() -> None:
    loss = {(name, bits): 0.0 for name in "xr" for bits in (8, 4, 2)} | {("x", 4): 0.5, ("x", 2): 0.5}
    assert vdqs.narrowing(("x", "r"), LAYERS, loss, Widths(), lam=0.0)[0] == Step("x", 4)
    assert vdqs.narrowing(("x", "r"), LAYERS, loss, Widths(), lam=1.0)[0] == Step("r", 4)


def test_weights_go_by_noise_for_what_they_save() -> None:
    noise = {("a", 4): 1.0, ("a", 2): 9.0, ("b", 4): 1.0, ("b", 2): 2.0, ("c", 4): 0.01, ("c", 2): 8.0}
    order = weights.narrowing(LAYERS, lambda step: noise[step.name, step.bits], Widths({}, {"a": 2}))
    assert order == [Step(*key, of_weights=True) for key in (("c", 4), ("b", 4), ("b", 2), ("c", 2))]


@pytest.mark.parametrize(
    ("budget", "expected"),
    [
        (118, []),
        (117, [("b", 4)]),
        (65, [("b", 4), ("c", 4)]),
        (63, [("b", 4), ("a", 4)]),
        (60, [("b", 4), ("a", 4), ("c", 4)]),
        (59, [("b", 4), ("b", 2)]),
        (40, [("b", 4), ("b", 2), ("c", 4)]),
        (1, [("a", 4), ("a", 2), ("b", 4), ("b", 2), ("c", 4), ("c", 2)]),
    ],
)
def test_flash_takes_no_more_steps_than_it_needs(budget: int, expected: list[tuple[str, int]]) -> None:
    """Of 11, 100 and 7 weights."""
    noise = {("a", 4): 2.0, ("a", 2): 9.0, ("b", 4): 3.0, ("b", 2): 4.0, ("c", 4): 0.9, ("c", 2): 8.0}

    def added(step: Step) -> float:
        return noise[step.name, step.bits]

    steps = weights.narrowing(LAYERS, added, Widths())
    found = weights.enough(steps, LAYERS, added, Widths(), budget)
    assert sorted((step.name, step.bits) for step in found) == sorted(expected)


def point(sram: int, work: int, accuracy: float) -> Point:
    return Point(Widths(), sram, 10, work, 5.0, accuracy, 0.0)


def test_the_front_holds_what_nothing_beats() -> None:
    best, small, beaten, same = point(9, 100, 0.9), point(5, 50, 0.8), point(9, 101, 0.9), point(9, 100, 0.9)
    assert undominated([beaten, small, best, same]) == (best, small)


def test_z_score_covers_what_it_says() -> None:
    assert z_score(0.96) == pytest.approx(2.0537, abs=1e-3)
    assert math.erf(z_score(0.5) / math.sqrt(2)) == pytest.approx(0.5)


def patched(outliers: dict[tuple[int, int], int], samples: int = 10) -> list[np.ndarray]:
    """Maps of 2 channels on 5 rows and 7 columns; each pixel named has an outlier in so many samples."""
    maps = [normal(2, 5, 7, seed=index, scale=0.1).clip(-0.2, 0.2) for index in range(samples)]
    for (y, x), count in outliers.items():
        for array in maps[:count]:
            array[1, y, x] = 9.0
    return maps


def test_positions_with_outliers_in_enough_samples_keep_their_bits() -> None:
    found = classify(patched({(0, 0): 6, (4, 6): 5, (2, 3): 10}), (2, 3), threshold=0.5)
    # rows 0-1 and 2-4; columns 0-1, 2-3 and 4-6
    assert found.drawn() == "#··\n·#·"
    assert found.shares == ((0.6, 0.0, 0.0), (0.0, 1.0, 0.5))
    assert classify(patched({(4, 6): 5}), (2, 3), threshold=0.4).outliers[1] == (False, False, True)


def test_the_map_knows_mean_and_deviation_of_all_values() -> None:
    maps = patched({(1, 1): 3})
    found = classify(maps, (1, 1))
    values = np.stack(maps).astype(np.float64)
    assert found.mean == pytest.approx(values.mean()) and found.deviation == pytest.approx(values.std())


def test_less_coverage_means_more_outliers() -> None:
    maps = [normal(3, 6, 6, seed=index) for index in range(20)]
    shares = [np.mean(classify(maps, (3, 3), coverage=c).shares) for c in (0.999, 0.99, 0.96, 0.5)]
    assert shares == sorted(shares) and shares[0] < 0.1 < 0.9 < shares[-1]


@pytest.mark.parametrize(
    ("grid", "coverage", "threshold", "message"),
    [
        ((6, 1), 0.96, 0.5, "5×7 cannot be cut into 6×1"),
        ((0, 1), 0.96, 0.5, "cannot be cut"),
        ((1, 1), 1.0, 0.5, "coverage of 1"),
        ((1, 1), 0.9, 1.5, "threshold of 1.5"),
    ],
)
def test_classes_are_refused(grid: tuple[int, int], coverage: float, threshold: float, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        classify(patched({}), grid, coverage, threshold)
    with pytest.raises(UsageError, match="without samples"):
        classify([], (1, 1))
