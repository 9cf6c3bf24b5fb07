"""Differences from ONNX Runtime: spikes that flipped are counted, and leave their membranes out."""

from __future__ import annotations

import numpy as np

from tinyc.compiler.fidelity import Flips, StepError, _compare, _worse
from tinyc.ir.dtype import DType
from tinyc.ir.program import Buffer

SPIKES, MEMBRANE = Buffer("s", (1, 4), DType.BIT), Buffer("u", (1, 4), DType.INT16)
RATE = Buffer("counts", (1, 2), DType.INT16)


def test_a_membrane_a_threshold_apart_counts_as_a_spike() -> None:
    apart = np.array([[False, True, False, False]])
    spikes = np.array([[True, True, False, False]])
    assert _compare("n", SPIKES, spikes, spikes ^ apart, apart) == StepError("n", flipped=Flips(1, 4))
    mine, theirs = np.array([[5, 400, 7, -3]], np.int16), np.array([[5, 1, 8, -3]], np.int16)
    assert _compare("n", MEMBRANE, mine, theirs, apart) == StepError("n", lsb=1)
    assert _compare("n", MEMBRANE, mine, theirs, None) == StepError("n", lsb=399)
    assert _compare("n", RATE, mine[:, :2], theirs[:, :2], apart) == StepError("n", lsb=399)


def test_flips_add_up_and_differences_do_not() -> None:
    one, two = StepError("n", lsb=1, flipped=Flips(1, 4)), StepError("n", lsb=3, flipped=Flips(2, 4))
    assert _worse(_worse(StepError("n"), one), two) == StepError("n", lsb=3, flipped=Flips(3, 8))
    assert _worse(two, StepError("n", relative=0.5)) == StepError("n", 3, 0.5, Flips(2, 4))
