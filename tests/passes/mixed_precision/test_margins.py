"""What noise is expected to turn, against what it turns, and how sure few samples are of it."""

from __future__ import annotations

from statistics import NormalDist

import numpy as np
import pytest

from tinyc.passes.mixed_precision.margins import Margins, margins_of


def drawn(count: int, mean: float, deviation: float = 1.0, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(mean, deviation, count)


def test_margins_are_leads_over_the_best_of_the_others() -> None:
    scores = np.array([[1.0, 5, 3], [2, 0, -1]])
    np.testing.assert_array_equal(margins_of(scores, np.array([1, 2])), [2, -3])


def even(mean: float) -> np.ndarray:
    """Margins that are normal without luck."""
    return np.array([NormalDist(mean).inv_cdf((i + 0.5) / 4000) for i in range(4000)])


@pytest.mark.parametrize(("mean", "noise"), [(1.2, 0.2), (1.2, 0.5), (2.0, 0.5), (0.3, 0.4)])
def test_of_normal_margins_it_is_what_is_lost_less_half_of_what_is_won(mean: float, noise: float) -> None:
    margins = even(mean)
    expected, bound = Margins(margins, labelled=True).drop(np.zeros(4000), drawn(4000, 0, noise, seed=1))
    turned: list[float] = []
    for seed in range(60):
        after = margins + drawn(4000, 0, noise, seed)
        turned.append(np.mean((margins > 0) & (after <= 0)) - 0.5 * np.mean((margins <= 0) & (after > 0)))
    assert expected == pytest.approx(np.mean(turned), rel=0.08) and expected < bound < expected + 0.004


def test_of_own_classes_none_can_be_won() -> None:
    margins = np.random.default_rng(0).uniform(0, 2, 4000)
    expected, _ = Margins(margins, labelled=False).drop(np.zeros(4000), drawn(4000, 0.0, 0.2, seed=1))
    turned = np.mean([np.mean(margins + drawn(4000, 0, 0.2, s) <= 0) for s in range(60)])
    assert expected == pytest.approx(turned, abs=0.002) and turned > 0.03


def test_what_8_bits_lose_is_not_counted_again() -> None:
    margins, errors = drawn(4000, 1.5), drawn(4000, 0, 0.3, seed=2)
    assert Margins(margins, labelled=True).drop(errors, errors) == (0.0, 0.0)


@pytest.mark.parametrize("labelled", [True, False])
def test_few_samples_are_less_sure(labelled: bool) -> None:
    reach: list[float] = []
    for count in (25, 100, 400, 1600):
        margins = np.abs(drawn(count, 1.3)) if not labelled else drawn(count, 1.3)
        expected, bound = Margins(margins, labelled).drop(np.zeros(count), drawn(count, 0, 0.4, seed=3))
        reach.append((bound - expected) / expected)
    assert reach == sorted(reach, reverse=True) and reach[0] > 3 * reach[-1] > 0


def test_the_bound_holds_for_most_sets_of_64_samples() -> None:
    """And the plain expectation for about half of them."""
    truth = Margins(even(1.3), labelled=True).drop(np.zeros(4000), np.full(4000, 0.4))[0]
    found = [
        Margins(drawn(64, 1.3, seed=s), labelled=True).drop(np.zeros(64), drawn(64, 0, 0.4, seed=1000 + s))
        for s in range(2, 202)
    ]
    below, bounded = np.mean([[e < truth, b < truth] for e, b in found], axis=0)
    assert 0.35 < below < 0.65 and bounded <= 0.16


@pytest.mark.parametrize("labelled", [True, False])
def test_bearable_noise_is_where_the_bound_meets_the_limit(labelled: bool) -> None:
    margins, before = np.abs(drawn(200, 1.3)), drawn(200, 0, 0.05, seed=4)
    judge = Margins(margins, labelled)
    noise = judge.bearable(before, 0.02)
    scale = np.sqrt(noise / judge.noise(before, np.arange(200)))
    assert judge.drop(before, before * scale)[1] == pytest.approx(0.02, abs=1e-4)
    assert judge.bearable(before, 0.0) == pytest.approx(judge.noise(before, np.arange(200)))
    assert judge.bearable(np.zeros(200), 0.02) > 0


@pytest.mark.parametrize("labelled", [True, False])
def test_one_sample_and_equal_margins_are_no_obstacle(labelled: bool) -> None:
    for margins in (np.array([0.5]), np.zeros(3), np.full(5, 2.0)):
        expected, bound = Margins(margins, labelled).drop(np.zeros(len(margins)), np.ones(len(margins)))
        assert 0 <= expected <= bound <= 1
