"""Rounds weights to integers so that a layer's outputs change least."""

from __future__ import annotations

import numpy as np

from .affine import weight_limits
from .moments import Moments

_DAMPING, _NARROW_DAMPING = 1.0, 0.25
"""Share, for weights of 8 bits and for narrower ones, of the mean variance that is added to every input's
variance: it makes the covariance invertible and keeps the rounding from fitting the calibration data too
closely."""

_SWEEPS = 2
"""Times that every integer is looked at again."""

_BLOCK = 64
"""Terms that are rounded before all others learn of it, at once: one product of matrices."""


def damped(covariance: np.ndarray, bits: int = 8) -> np.ndarray:
    """[groups, terms, terms] with the diagonal raised, so that it is positive definite."""
    terms = covariance.shape[-1]
    level = np.trace(covariance, axis1=1, axis2=2) / terms
    level = np.where(level > 0, level, 1.0)
    return covariance + ((_DAMPING if bits == 8 else _NARROW_DAMPING) * level)[:, None, None] * np.eye(terms)


def target(weights: np.ndarray, moments: Moments, stable: np.ndarray) -> np.ndarray:
    """The weights that, applied to quantized inputs, come closest to ``weights`` applied to float ones.

    A ridge regression towards ``weights`` itself: W (C_fq + λ) (C_qq + λ)⁻¹, with C_qq the covariance of
    quantized inputs, C_qq + λ = ``stable``, and C_fq their covariance with float ones.
    """
    moved = weights @ (moments.cross + stable - moments.covariance)
    return np.swapaxes(np.linalg.solve(stable, np.swapaxes(moved, 1, 2)), 1, 2)


def nearest(weights: np.ndarray, scales: np.ndarray, bits: int = 8) -> np.ndarray:
    """[groups, channels, terms] divided by ``scales`` [groups, channels], rounded and clipped to ``bits``."""
    return np.clip(np.rint(weights / scales[:, :, None]), *weight_limits(bits))


def compensated(
    weights: np.ndarray, scales: np.ndarray, covariance: np.ndarray, bits: int = 8
) -> np.ndarray:
    """Rounds one term after another and lets the terms still to come make up for the error.

    GPTQ: Frantar et al., "Accurate post-training quantization for generative pre-trained transformers"
    (ICLR 2023). The terms with the largest variance go first. ``covariance`` must be positive definite.
    """
    order = np.argsort(-np.diagonal(covariance, axis1=1, axis2=2), axis=1, kind="stable")
    ordered = np.take_along_axis(covariance, order[:, :, None], axis=1)
    ordered = np.take_along_axis(ordered, order[:, None, :], axis=2)
    inverse = np.linalg.inv(ordered)
    upper = np.swapaxes(np.linalg.cholesky((inverse + np.swapaxes(inverse, 1, 2)) / 2), 1, 2)
    left = np.swapaxes(np.take_along_axis(weights, order[:, None, :], axis=2), 1, 2).copy()
    result = np.zeros_like(left)  # [groups, terms, channels]: what is taken together lies together
    least, most = weight_limits(bits)
    for begin in range(0, left.shape[1], _BLOCK):
        end = min(begin + _BLOCK, left.shape[1])
        errors = np.empty_like(left[:, begin:end])
        for term in range(begin, end):
            row = left[:, term]
            result[:, term] = _within(np.rint(row / scales), least, most)
            error = (row - result[:, term] * scales) / upper[:, term, term][:, None]
            left[:, term + 1 : end] -= upper[:, term, term + 1 : end][:, :, None] * error[:, None, :]
            errors[:, term - begin] = error
        left[:, end:] -= np.swapaxes(upper[:, begin:end, end:], 1, 2) @ errors
    back = np.argsort(order, axis=1, kind="stable")
    return np.swapaxes(np.take_along_axis(result, back[:, :, None], axis=1), 1, 2)


def _within(values: np.ndarray, least: int, most: int) -> np.ndarray:
    """``np.clip``, which takes longer to be called than to run on the few numbers of one term."""
    return np.minimum(np.maximum(values, least), most)


def output_error(difference: np.ndarray, covariance: np.ndarray) -> np.ndarray:
    """Variance [groups, channels] that a change of the weights makes in the layer's outputs."""
    return np.sum((difference @ covariance) * difference, axis=2)


def refined(
    integers: np.ndarray, weights: np.ndarray, scales: np.ndarray, covariance: np.ndarray, bits: int
) -> np.ndarray:
    """``integers`` after each was moved in turn to where the layer's outputs change least, given all others.

    Cyclic coordinate descent: Behdin et al., "QuantEase" (arXiv 2309.01885). It never makes the output's
    error larger.
    """
    least, most = weight_limits(bits)
    result = np.swapaxes(integers, 1, 2).copy()  # [groups, terms, channels], as in compensated
    pull = covariance @ np.swapaxes(weights - integers * scales[:, :, None], 1, 2)
    for begin in [begin for _ in range(_SWEEPS) for begin in range(0, result.shape[1], _BLOCK)]:
        end = min(begin + _BLOCK, result.shape[1])
        near, changes = pull[:, begin:end].copy(), np.empty_like(result[:, begin:end])
        for term in range(begin, end):
            variance = covariance[:, term, term][:, None]
            wanted = result[:, term] + near[:, term - begin] / (variance * scales)
            moved = _within(np.rint(wanted), least, most)
            change = (moved - result[:, term]) * scales
            near -= covariance[:, begin:end, term][:, :, None] * change[:, None, :]
            result[:, term], changes[:, term - begin] = moved, change
        pull -= covariance[:, :, begin:end] @ changes
    return np.swapaxes(result, 1, 2)


def fitted(
    integers: np.ndarray, weights: np.ndarray, covariance: np.ndarray, scales: np.ndarray
) -> np.ndarray:
    """The scales [groups, channels] under which ``integers`` come closest to ``weights`` in the layer's
    outputs; the one given where they are all zero, or where the best is not positive."""
    pulled = np.einsum("gok,gok->go", integers @ covariance, weights)
    weight = output_error(integers, covariance)
    best = pulled / np.where(weight > 0, weight, 1.0)
    return np.where((weight > 0) & (best > 0), best, scales)
