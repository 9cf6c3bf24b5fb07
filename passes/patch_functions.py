"""Patches that are classified at run time, as ONNX functions: which hold outliers, and what follows from it.

All three are made of standard operators, so that ONNX Runtime runs a model that calls them. An image has axes
in the model's order; ``rows`` and ``columns`` say for each of its rows and columns which row and column of
patches it belongs to. Flags are bool, [1, 1, rows, columns] of patches; those of a series, whose patches are
one column, [1, 1, rows].
"""

from __future__ import annotations

from functools import cache

import onnx
import onnx.parser
import onnx_ir as oir

from .onnx_functions import add_functions, require_same
from .onnx_graph import OPSET, PATCH_DOMAIN

HAS_OUTLIERS, SELECT_PATCHES, HIDE_PATCHES = "HasOutliers", "SelectPatches", "HidePatches"

_FUNCTIONS = {
    # ``order`` are the axes of x in the order rows, columns, channels behind those of length 1, ``shape`` the
    # sizes of these three, ``grid`` the shape of the flags; a value is an outlier below ``low`` or above
    # ``high``. ``shares`` is how often each patch has held one: for the cost of schedules
    HAS_OUTLIERS: """
    <low, high, order, shape, rows, columns, grid, shares> (x) => (flags) {
        least = Constant <value_float: float = @low> ()
        most = Constant <value_float: float = @high> ()
        below = Less (x, least)
        above = Greater (x, most)
        beyond = Or (below, above)
        hits = Cast <to: int = 1> (beyond)
        turned = Transpose <perm: ints = @order> (hits)
        sizes = Constant <value_ints: ints = @shape> ()
        pixels = Reshape (turned, sizes)
        last = Constant <value_ints: ints = [2]> ()
        plane = ReduceMax <keepdims: int = 0> (pixels, last)
        one = Constant <value_int: int = 1> ()
        no_yes = Constant <value_floats: floats = [0.0, 1.0]> ()
        row = Constant <value_ints: ints = @rows> ()
        column = Constant <value_ints: ints = @columns> ()
        last_row = ReduceMax <keepdims: int = 0> (row)
        last_column = ReduceMax <keepdims: int = 0> (column)
        down = Add (last_row, one)
        across = Add (last_column, one)
        in_row = OneHot <axis: int = 0> (row, down, no_yes)
        in_column = OneHot <axis: int = 1> (column, across, no_yes)
        by_row = MatMul (in_row, plane)
        counts = MatMul (by_row, in_column)
        found = Cast <to: int = 9> (counts)
        cells = Constant <value_ints: ints = @grid> ()
        flags = Reshape (found, cells)
    }""",
    # pixels of ``one`` in patches whose flag is set, elsewhere of ``other``; of a series each of its columns
    # (the last axis) is one by itself
    SELECT_PATCHES: """
    <rows, columns> (flags, one, other) => (selected) {
        row = Constant <value_ints: ints = @rows> ()
        column = Constant <value_ints: ints = @columns> ()
        by_row = Gather <axis: int = 2> (flags, row)
        mask = Gather <axis: int = -1> (by_row, column)
        selected = Where (mask, one, other)
    }""",
    # x where patches without outliers need it, elsewhere ``rest``: ``row_need`` is [rows of x, rows of
    # patches], above 0 where the one is needed by the other, ``column_need`` [columns of patches, columns of
    # x]. ``cells`` is [rows, columns] of patches, ``plane`` the shape of x in memory with one channel,
    # ``back`` the axes that bring it into the model's order
    HIDE_PATCHES: """
    <cells, plane, back> (flags, x, row_need, column_need, rest) => (shown) {
        without = Not (flags)
        kept = Cast <to: int = 1> (without)
        sizes = Constant <value_ints: ints = @cells> ()
        patches = Reshape (kept, sizes)
        by_row = MatMul (row_need, patches)
        counts = MatMul (by_row, column_need)
        needed = Cast <to: int = 9> (counts)
        pixels = Constant <value_ints: ints = @plane> ()
        stored = Reshape (needed, pixels)
        mask = Transpose <perm: ints = @back> (stored)
        shown = Where (mask, x, rest)
    }""",
}
"""Signature and body of each."""


@cache
def patch_function(operator: str) -> onnx.FunctionProto:
    """The function of that name."""
    return onnx.parser.parse_function(
        f'<domain: "{PATCH_DOMAIN}", opset_import: ["" : {OPSET}]> {operator} {_FUNCTIONS[operator]}'
    )


def add_patch_functions(model: oir.Model) -> None:
    """Gives ``model`` those functions that its nodes call."""
    add_functions(model, PATCH_DOMAIN, _FUNCTIONS, patch_function)


def with_patch_functions(model: onnx.ModelProto) -> onnx.ModelProto:
    """``model`` with those functions that its nodes call."""
    graph_model = oir.serde.deserialize_model(model)
    add_patch_functions(graph_model)
    return oir.to_proto(graph_model)


def check_patch_function(function: oir.Function) -> None:
    """ModelError for one that has the name of a function of patches and computes something else."""
    if function.name in _FUNCTIONS:
        require_same(function, patch_function(function.name))
