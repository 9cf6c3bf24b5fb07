"""A linear memory as an ONNX function: the recurrence of a Legendre Memory Unit.

    m' = A m + B u

for the last axis: M (…, order), u (…, inputs), A (order, order), B (order, inputs), all float32. ``m`` and
``M_next`` are the same numbers: what the network reads may be rounded further than what persists.
"""

from __future__ import annotations

from functools import cache

import onnx
import onnx.parser
import onnx_ir as oir

from ..onnx_functions import add_functions, require_same
from ..onnx_graph import OPSET, SPIKING_DOMAIN

LINEAR_MEMORY = "LinearMemory"


def is_memory(node: oir.Node) -> bool:
    """True for a call of the function."""
    return node.domain == SPIKING_DOMAIN and node.op_type == LINEAR_MEMORY


def remembered(node: oir.Node) -> tuple[oir.Value, oir.Value]:
    """The memory that a call keeps, before and after a time step."""
    before, after = node.inputs[1], node.outputs[1]
    assert before is not None
    return before, after


def add_memory(model: oir.Model) -> None:
    """Gives ``model`` the function, of the model's own opset, where a node calls it."""
    opset = model.opset_imports.get("", OPSET)
    add_functions(model, SPIKING_DOMAIN, (LINEAR_MEMORY,), lambda _: memory_function(opset))


@cache
def memory_function(opset: int = OPSET) -> onnx.FunctionProto:
    """The function, its body of ``opset`` (13 or later)."""
    return onnx.parser.parse_function(
        f'''<domain: "{SPIKING_DOMAIN}", opset_import: ["" : {opset}]>
        {LINEAR_MEMORY} (u, M, A, B) => (m, M_next) {{
            columns = Transpose <perm: ints = [1, 0]> (A)
            gains = Transpose <perm: ints = [1, 0]> (B)
            kept = MatMul (M, columns)
            driven = MatMul (u, gains)
            m = Add (kept, driven)
            M_next = Identity (m)
        }}'''
    )


def check_memory(function: oir.Function) -> None:
    """ModelError for a function that has the name of the memory and computes something else."""
    if function.name == LINEAR_MEMORY:
        require_same(function, memory_function(function.opset_imports.get("", OPSET)))
