"""ONNX's own tests of its operators through the whole compiler: what passes, and why the rest does not.

    python -m tinyc.benchmarks.operators [--match REGEX] [--json] [--page docs/operators.md]

The cases are those that come with the package ``onnx``. Each is compiled for a board with a floating-point
unit, its C is built and run on this machine, and every output is held against the expected one. Without
``--page`` the table is only printed.
"""

from __future__ import annotations

import argparse
import json
import re
import warnings
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnx_ir as oir

from ..compiler.feeding import stored_inputs
from ..compiler.options import CompileOptions
from ..compiler.pipeline import Compiled, compile_model
from ..emulator.host import HostModel
from ..ir.errors import ModelError, TinycError
from ..ir.program import Buffer
from ..ir.values import to_real
from . import operators_page

BOARD = "corstone-300"
PROCESSES = 2
DISPUTED = ("downsample_scales_linear_align_corners", "downsample_scales_cubic_align_corners")
"""In the names of cases on which ONNX Runtime disagrees with ONNX; tinyc goes with ONNX Runtime."""
_ROUNDED = {np.dtype(np.float16): 2e-3, oir.DataType.BFLOAT16.numpy(): 2e-2}
"""Tolerances, relative and absolute, for types that ONNX's reference rounds to after each operation."""


@dataclass(frozen=True, eq=False)
class Case:
    """A test: a model of one operator (or of what it is expanded into), operands and expected results, arrays
    but for sequences and the like."""

    name: str
    model: onnx.ModelProto
    operands: Sequence[Any]
    results: Sequence[Any]
    rtol: float


@dataclass(frozen=True)
class Outcome:
    """What became of one case. ``verdict`` is ``passed``, ``refused`` (``reason`` tells why), ``disputed``
    (see ``DISPUTED``) or ``failed`` (wrong numbers, or a crash). ``types`` are the element types of its
    inputs."""

    case: str
    operator: str
    types: tuple[str, ...]
    verdict: str
    reason: str = ""


@cache
def cases() -> dict[str, Case]:
    """All cases by name, in the order of their names. Those with random operands have them from one seed."""
    np.random.seed(0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from onnx.backend.test.case.node import collect_testcases

        found = collect_testcases(None)
    made: dict[str, Case] = {}
    for case in sorted(found, key=lambda case: case.name):
        assert case.model is not None and case.data_sets
        operands, results = map(_arrays, case.data_sets[0])
        made[case.name] = Case(case.name, case.model, operands, results, case.rtol)
    return made


def operator_of(case: Case) -> str:
    """The operator that a case tests; ONNX's expansion of an operator into others tests that one."""
    whole = cases()[re.sub(r"_expanded(_ver\d+)?$", "", case.name)]
    return str(whole.model.graph.node[0].op_type)


def types_of(case: Case) -> tuple[str, ...]:
    """Names of the element types of the case's inputs, each once; ``other`` for what is no tensor."""
    tensors = [value.type for value in case.model.graph.input]
    names = [
        oir.DataType(kind.tensor_type.elem_type).name.lower() if kind.HasField("tensor_type") else "other"
        for kind in tensors
    ]
    return tuple(dict.fromkeys(names))


def with_constants(
    proto: onnx.ModelProto, arrays: Sequence[Any], max_rank: int
) -> tuple[onnx.ModelProto, dict[str, Any]]:
    """The model with operands behind the first, up to a rank, as initializers: they are axes, shapes, scales
    or weights, which are constants in every trained model; so are operands without elements. The other inputs
    by name."""
    model = onnx.ModelProto.FromString(proto.SerializeToString())
    feeds: dict[str, Any] = {}
    for index, (value, array) in enumerate(zip(list(model.graph.input), arrays, strict=True)):
        known = isinstance(array, np.ndarray | np.generic) and array.dtype != object
        if known and (array.size == 0 or (index > 0 and array.ndim <= max_rank)):
            model.graph.initializer.append(onnx.numpy_helper.from_array(np.asarray(array), value.name))
            model.graph.input.remove(value)
        else:
            feeds[value.name] = array
    return model, feeds


def _arrays(group: Sequence[Any]) -> list[Any]:
    return [onnx.numpy_helper.to_array(a) if isinstance(a, onnx.TensorProto) else a for a in group]


def _compiled(case: Case) -> tuple[Compiled, dict[str, Any]]:
    """The case compiled, and what to feed: all operands at run time where that can be compiled, else with
    one-dimensional operands as constants, else with all but the first. Raises ModelError of the last."""
    refusal: ModelError | None = None
    for max_rank in (-1, 1, 8):
        model, feeds = with_constants(case.model, case.operands, max_rank)
        try:
            return compile_model(model, CompileOptions(BOARD, name="net", verify=False)), feeds
        except ModelError as error:
            refusal = error
    assert refusal is not None
    raise refusal


def _given(result: np.ndarray, buffer: Buffer, wanted: np.ndarray) -> np.ndarray:
    """A result in the model's order of axes; real where ``wanted`` is, though its buffer may be quantized."""
    real = oir.DataType.from_numpy(wanted.dtype).is_floating_point()
    return to_real(result, buffer) if real else buffer.from_memory(result)


def _difference(found: np.ndarray, wanted: np.ndarray, rtol: float) -> str:
    """How an output differs from the expected one; empty where it does not."""
    if found.shape != wanted.shape:
        return f"shape {list(found.shape)} instead of {list(wanted.shape)}"
    rtol = _ROUNDED.get(wanted.dtype, rtol)
    atol = _ROUNDED.get(wanted.dtype, 1e-5)
    real, expected = found.astype(np.float64), wanted.astype(np.float64)
    if np.allclose(real, expected, rtol=rtol, atol=atol, equal_nan=True):
        return ""
    return f"{real.reshape(-1)[:6].tolist()} instead of {expected.reshape(-1)[:6].tolist()}"


def outcome(
    case: Case, compiler: Sequence[str] | None = None, flags: Sequence[str] = ()
) -> Outcome:
    """Compile the case, run its C (built by ``compiler`` with ``flags``), compare."""
    told = (case.name, operator_of(case), types_of(case))
    try:
        compiled, feeds = _compiled(case)
        with HostModel(compiled.program, compiled.files, compiler, flags) as host:
            results = host.run([stored_inputs(compiled.program, feeds)])[0]
        buffers = [compiled.program.buffers[name] for name in compiled.program.outputs]
        wanted = [np.asarray(array) for array in case.results]
        texts = [
            _difference(_given(results[buffer.name], buffer, array), array, case.rtol)
            for buffer, array in zip(buffers, wanted, strict=True)
        ]
    except ModelError as error:
        return Outcome(*told, "refused", f"{error.what}: {error.why}")
    except TinycError as error:
        return Outcome(*told, "failed", f"{error.what}: {error.why[:300]}")
    except Exception as error:  # whatever it is, it is the crash that this command looks for
        return Outcome(*told, "failed", f"{type(error).__name__}: {error}")
    if any(texts) and any(word in case.name for word in DISPUTED):
        return Outcome(*told, "disputed", "ONNX Runtime computes something else than ONNX expects")
    return Outcome(*told, "failed" if any(texts) else "passed", next(filter(None, texts), ""))


def _outcome(name: str) -> Outcome:
    warnings.simplefilter("ignore")
    return outcome(cases()[name])


def outcomes(match: str = "") -> list[Outcome]:
    """Of all cases whose names ``match`` is found in, computed by ``PROCESSES`` processes."""
    names = [name for name in cases() if re.search(match, name)]
    with ProcessPoolExecutor(PROCESSES) as pool:
        return list(pool.map(_outcome, names, chunksize=8))


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--match", default="", help="only cases whose names this expression is found in")
    parser.add_argument("--json", action="store_true", help="print every case's outcome")
    parser.add_argument("--page", type=Path, help="write the documentation page there")
    arguments = parser.parse_args()
    found = outcomes(arguments.match)
    page = operators_page.page(found, onnx.__version__)
    if arguments.page is not None:
        arguments.page.write_text(page, encoding="utf-8")
    print(json.dumps([asdict(one) for one in found], indent=1) if arguments.json else page)


if __name__ == "__main__":
    main()
