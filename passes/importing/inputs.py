"""Fixing the shapes of the model's inputs: `--input-shape name=1,3,96,96`, batch 1 by default."""

from __future__ import annotations

import difflib
import shlex
from collections.abc import Mapping, Sequence

import onnx_ir as oir

from ...ir.errors import ModelError
from ..onnx_graph import quoted
from ..onnx_infer import check_size

_EXAMPLE = 96
"""What an error message proposes for a dimension that only the user can know."""


def fix_inputs(graph: oir.Graph, input_shapes: Mapping[str, Sequence[int]]) -> None:
    """Make every input's shape static.

    A dimension comes from ``input_shapes``, else from another input whose dimension has the same
    symbol, else it is 1 where it is the first (batch). Raises ModelError for an unknown input, a shape
    that contradicts the model, an input that is no tensor, and a dimension that stays open.
    """
    _check_names(graph, input_shapes)
    _check_elements(graph)
    symbols: dict[str, int] = {}
    for value in graph.inputs:
        if not isinstance(value.type, oir.TensorType) or value.dtype == oir.DataType.UNDEFINED:
            raise ModelError(
                f"Input {quoted(value.name)} is not a tensor",
                where=f"graph input {quoted(value.name)}",
                why=f"its type is {value.type}",
                remedy="export the model with plain tensors as inputs",
            )
        if value.dtype == oir.DataType.STRING:
            raise ModelError(
                f"Input {quoted(value.name)} holds text",
                where=f"graph input {quoted(value.name)}",
                why="no operator for text is compiled",
                remedy="cut the model behind the part that turns text into numbers",
            )
        if value.name in input_shapes:
            _apply(value, [int(dim) for dim in input_shapes[str(value.name)]], symbols)
    for value in graph.inputs:
        _complete(value, symbols)
        check_size(value, f"graph input {quoted(value.name)}")


_NARROW = (oir.DataType.INT4, oir.DataType.UINT4, oir.DataType.INT2, oir.DataType.UINT2)


_SHORT_FLOATS = (
    oir.DataType.FLOAT8E4M3FN, oir.DataType.FLOAT8E4M3FNUZ, oir.DataType.FLOAT8E5M2,
    oir.DataType.FLOAT8E5M2FNUZ, oir.DataType.FLOAT8E8M0, oir.DataType.FLOAT4E2M1,
)  # fmt: skip


def _check_elements(graph: oir.Graph) -> None:
    """Inputs and outputs have elements of whole bytes: no other can be exchanged with ONNX Runtime. Floating
    point of 8 and 4 bits is computed nowhere."""
    for kind, values in (("input", graph.inputs), ("output", graph.outputs)):
        for value in values:
            if value.dtype in _NARROW:
                raise ModelError(
                    f"An {kind} of the model has elements of less than a byte",
                    where=f"graph {kind} {quoted(value.name)}",
                    why=f"its type is {value.dtype}",
                    remedy="let the model quantize and dequantize itself: QuantizeLinear behind a float "
                    "input, DequantizeLinear before an output",
                )
            if value.dtype in _SHORT_FLOATS:
                raise ModelError(
                    f"An {kind} of the model is floating point of 8 or 4 bits",
                    where=f"graph {kind} {quoted(value.name)}",
                    why=f"its type is {value.dtype}; no kernel computes it",
                    remedy="export the model with float32, float16 or int8 tensors",
                )


def _check_names(graph: oir.Graph, input_shapes: Mapping[str, Sequence[int]]) -> None:
    names = [str(value.name) for value in graph.inputs]
    for wanted in input_shapes:
        if wanted in names:
            continue
        near = difflib.get_close_matches(wanted, names, n=1, cutoff=0.4) or names[:1]
        shape = ",".join(map(str, input_shapes[wanted]))
        raise ModelError(
            f"--input-shape names {quoted(wanted)}, which is not an input of the model",
            why="the inputs are " + (", ".join(map(quoted, names)) or "none at all"),
            remedy=f"name an input: {_option(near[0], shape)}" if near else "leave --input-shape out",
        )


def _apply(value: oir.Value, dims: list[int], symbols: dict[str, int]) -> None:
    """Set the shape that the user gave, after holding it against what the model says."""
    where = f"graph input {quoted(value.name)}"
    declared = None if value.shape is None else list(value.shape)
    if any(dim < 1 for dim in dims):
        raise ModelError(
            "--input-shape has a dimension below 1",
            where=where,
            why=f"it says {_text(dims)}",
            remedy="give every dimension a size of at least 1",
        )
    if declared is not None:
        if len(declared) != len(dims):
            raise ModelError(
                f"--input-shape gives {len(dims)} dimensions to an input that has {len(declared)}",
                where=where,
                why=f"the model says [{_text(declared)}], --input-shape says [{_text(dims)}]",
                remedy=f"give {_option(value.name, _proposal(declared))}",
            )
        for index, (old, new) in enumerate(zip(declared, dims, strict=True)):
            symbol = _symbol(old)
            known = symbols.get(symbol, new) if symbol else old
            if isinstance(known, int) and known > 0 and known != new:
                raise ModelError(
                    f"--input-shape contradicts the model: dimension {index} is {known}, not {new}",
                    where=where,
                    why=f"the model says [{_text(declared)}], --input-shape says [{_text(dims)}]",
                    remedy=f"give {_option(value.name, _proposal(declared))}",
                )
            if symbol:
                symbols[symbol] = new
    value.shape = oir.Shape(dims)


def _complete(value: oir.Value, symbols: dict[str, int]) -> None:
    """Fill what is still open from ``symbols`` and the batch of 1; refuse what remains."""
    where = f"graph input {quoted(value.name)}"
    if value.shape is None:
        raise ModelError(
            f"The shape of input {quoted(value.name)} is not fixed",
            where=where,
            why="the model does not even say how many dimensions it has",
            remedy="add, for example, " + _option(value.name, f"1,3,{_EXAMPLE},{_EXAMPLE}"),
        )
    declared, fixed = list(value.shape), list[int]()
    for index, dim in enumerate(declared):
        symbol = _symbol(dim)
        if isinstance(dim, int) and dim > 0:
            fixed.append(dim)
        elif symbol and symbol in symbols:
            fixed.append(symbols[symbol])
        elif index == 0:
            fixed.append(1)
            symbols.update({symbol: 1} if symbol else {})
        else:
            raise ModelError(
                f"The shape of input {quoted(value.name)} is not fixed",
                where=where,
                why=f"dimension {index} of [{_text(declared)}] is {quoted(symbol) if symbol else 'unknown'}",
                remedy="add, for example, " + _option(value.name, _proposal(declared)),
            )
    value.shape = oir.Shape(fixed)


def _symbol(dim: int | oir.SymbolicDim) -> str | None:
    return None if isinstance(dim, int) else dim.value


def _text(dims: Sequence[int | oir.SymbolicDim]) -> str:
    return ", ".join(str(dim) if isinstance(dim, int) else (dim.value or "?") for dim in dims)


def _option(name: str | None, dims: str) -> str:
    """The option as it is typed into a shell."""
    shown = name if name and name.isprintable() and len(name) < 80 else "NAME"
    return "--input-shape " + shlex.quote(f"{shown}={dims}")


def _proposal(dims: Sequence[int | oir.SymbolicDim]) -> str:
    """The shape as it is typed, open dimensions filled with plausible numbers."""
    fill = [1] + [_EXAMPLE] * len(dims)
    return ",".join(str(d if isinstance(d, int) and d > 0 else fill[i]) for i, d in enumerate(dims))
