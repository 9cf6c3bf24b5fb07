"""Every network on every core by both compilers: the NumPy emulator's bytes, the same counts each time."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from tinyc.emulator.board import aligned
from tinyc.emulator.qemu import CPUS
from tinyc.emulator.toolchain import Toolchain, gcc, zig
from tinyc.targets import Target, load_target

from .subjects import CORES, MLPERF, compiled, device, toolchain_for

Find = Callable[[Target], Toolchain | None]
QUICK = {("kws01", "M4F")} | {("digits", core) for core in CORES}


def cases() -> list[object]:
    return [
        pytest.param(
            model, core, find, id=f"{model}-{core}-{find.__name__}",
            marks=() if (model, core) in QUICK else pytest.mark.slow,
        )
        for model in ("digits", *MLPERF)
        for core in CORES
        for find in (gcc, zig)
    ]  # fmt: skip


@pytest.mark.parametrize(("model", "core", "find"), cases())
def test_outputs_are_the_emulators_and_counts_repeat(model: str, core: str, find: Find) -> None:
    target = load_target(CORES[core])
    toolchain = toolchain_for(target, find)
    network = compiled(model, CORES[core])
    board = device(network, target, toolchain)
    first, again = board.run(network.given), board.run(network.given)
    for output, wanted in network.wanted.items():
        np.testing.assert_array_equal(first.outputs[output], wanted)
        np.testing.assert_array_equal(again.outputs[output], wanted)
    assert (first.instructions, first.cycles, first.stack) == (again.instructions, again.cycles, again.stack)
    assert [layer.instructions for layer in first.layers] == [layer.instructions for layer in again.layers]
    assert all(layer.instructions > 0 for layer in first.layers), "a layer's work was not counted"
    assert sum(layer.instructions for layer in first.layers) <= first.instructions
    assert 0 < first.stack < 1024
    assert network.program.plan is not None
    arena = aligned(network.program.plan.arena_bytes)
    # start-up code that runs in the whole machine has variables of its own
    assert first.variables == arena or (target.cpu in CPUS and arena <= first.variables < arena + 64)
    assert first.touched == first.variables + first.stack
