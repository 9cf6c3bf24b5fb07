"""``<model>_selftest`` on the emulated boards: it passes on every core, and fails where a byte is wrong."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from tinyc.ir.errors import VerificationError
from tinyc.targets import load_target

from .subjects import CORES, MLPERF, Subject, compiled, device, toolchain_for

ENTRY = """
#include "{name}.h"

{name}_status {name}_run(void *arena, const {name}_inputs *in, const {name}_outputs *out)
{{
    const int wrong = {name}_selftest(arena);

    (void)in;
    (void)out;
    return ({name}_status)(wrong < 100 ? wrong : 100); /* an enum may be one byte */
}}
"""


def entered_by_selftest(model: Subject) -> Subject:
    """The library with its self-test in the place where boards enter it, and the model under another name.

    The status that a board gets is the self-test's answer, or 100 where that is larger.
    """
    name = model.program.name
    switch = f"#define {name.upper()}_SELFTEST\n"
    renamed = f"{switch}#define {name}_run {name}_inference\n"
    sources = {file: renamed + text for file, text in model.files.items() if file.endswith(".c")}
    return replace(model, files={**model.files, **sources, "entry.c": switch + ENTRY.format(name=name)})


def falsified(model: Subject) -> Subject:
    """The last byte of the golden output off by one."""
    name = f"{model.program.name}_selftest.c"
    text, count = re.subn(
        r"(golden_out_.*?)(-?\d+)(,?\s*\};)",
        lambda found: f"{found[1]}{int(found[2]) ^ 1}{found[3]}",
        model.files[name],
        count=1,
        flags=re.DOTALL,
    )
    assert count == 1 and text != model.files[name]
    return replace(model, files={**model.files, name: text})


def run_selftest(model: Subject, core: str) -> None:
    target = load_target(CORES[core])
    run = device(entered_by_selftest(model), target, toolchain_for(target)).run(model.given)
    assert all(layer.instructions > 0 for layer in run.layers), "a layer did not run"


@pytest.mark.parametrize("core", CORES)
def test_the_selftest_passes_on_every_core(core: str) -> None:
    run_selftest(compiled("digits", CORES[core]), core)


@pytest.mark.parametrize("core", CORES)
def test_a_falsified_golden_vector_fails_on_every_core(core: str) -> None:
    model = compiled("digits", CORES[core])
    count = model.program.buffers[model.program.outputs[0]].elements
    with pytest.raises(VerificationError, match=rf"returned status {count}\n"):
        run_selftest(falsified(model), core)


@pytest.mark.slow
@pytest.mark.parametrize("name", MLPERF)
def test_the_selftest_of_the_mlperf_networks_passes(name: str) -> None:
    run_selftest(compiled(name, CORES["M4F"]), "M4F")
