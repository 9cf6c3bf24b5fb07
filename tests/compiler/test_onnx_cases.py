"""ONNX's own tests of its operators, through the whole compiler: C here against the expected outputs."""

from __future__ import annotations

import shutil
import warnings
from functools import cache
from typing import Any

import numpy as np
import onnx
import pytest

from tinyc.compiler.feeding import stored_inputs
from tinyc.compiler.options import CompileOptions
from tinyc.compiler.pipeline import compile_model
from tinyc.emulator.host import HostModel
from tinyc.ir.errors import ModelError

from ..passes.test_onnx_suite import DISPUTED, TYPES, with_constant_shapes

PARTS = 8
SANITIZERS = ("-fsanitize=address,undefined", "-fno-sanitize-recover=all")


@cache
def cases() -> list[Any]:
    """The cases on types that C can store, in the order of their names."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from onnx.backend.test.case.node import collect_testcases

        found = collect_testcases(None)
    return sorted((case for case in found if _is_plain(case)), key=lambda case: case.name)


def _is_plain(case: Any) -> bool:
    if "_expanded" in case.name or not case.data_sets or any(word in case.name for word in DISPUTED):
        return False
    arrays = [array for group in case.data_sets[0] for array in group]
    return all(isinstance(array, np.ndarray) and array.dtype in TYPES for array in arrays)


def outcome(case: Any) -> str:
    """``right``, ``refused``, or what went wrong."""
    inputs, expected = case.data_sets[0]
    proto = onnx.ModelProto.FromString(case.model.SerializeToString())
    feeds = with_constant_shapes(proto, inputs)
    try:
        compiled = compile_model(proto, CompileOptions("corstone-300", name="net", verify=False))
    except ModelError:
        return "refused"
    clang = shutil.which("clang")
    with HostModel(compiled.program, compiled.files, clang and (clang,), SANITIZERS) as host:
        results = host.run([stored_inputs(compiled.program, feeds)])[0]
    for name, want in zip(compiled.program.outputs, expected, strict=True):
        found = compiled.program.buffers[name].from_memory(results[name])
        if found.shape != want.shape:
            return f"shape {found.shape} instead of {want.shape}"
        if not np.allclose(found.astype(float), want.astype(float), rtol=1e-3, atol=1e-4, equal_nan=True):
            return f"{name} is {found.reshape(-1)[:8]} instead of {want.reshape(-1)[:8]}"
    return "right"


@pytest.mark.slow
@pytest.mark.parametrize("part", range(PARTS))
def test_compiled_c_does_what_onnx_says(part: int) -> None:
    """Refusals are fine, wrong results and crashes are not; nearly half of all cases compile."""
    found = {case.name: outcome(case) for case in cases()[part::PARTS]}
    assert {name: text for name, text in found.items() if text not in ("right", "refused")} == {}
    assert list(found.values()).count("right") > 0.4 * len(found)
