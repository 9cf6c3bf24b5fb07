"""SiLU, x · sigmoid(x), and quick GELU, x · sigmoid(1.702 · x), become one node.

ONNX has Swish since opset 24, but ONNX Runtime has no kernel for it at the opset of tinyc's models. So the
node belongs to a domain of tinyc's own, and the model brings the function that ONNX Runtime runs for it.
"""

from __future__ import annotations

import math
from functools import cache

import numpy as np
import onnx
import onnx.parser
import onnx_ir as oir

from ..onnx_edit import become
from ..onnx_functions import add_functions
from ..onnx_graph import FUSED_DOMAIN, OPSET, Array
from .functions import recognised, same
from .regions import sigmoid

_NAMED_AFTER = ("Sigmoid", "Exp", "Tanh")


def fuse_swish(model: oir.Model) -> None:
    """Replace every float32 region that computes x · sigmoid(alpha · x) by one ``Swish`` of ``FUSED_DOMAIN``.

    To come last: other rewriting does not see through the node.
    """
    for region, alpha in recognised(model.graph, _alpha):
        if region.source.dtype != oir.DataType.FLOAT:
            continue
        name = region.main_node(*_NAMED_AFTER).name
        last, attributes = region.nodes[0], {"alpha": alpha}
        become(last, "Swish", [region.source], attributes, domain=FUSED_DOMAIN, name=name)
    add_functions(model, FUSED_DOMAIN, ("Swish",), lambda _: _swish())


def _alpha(x: Array, y: Array) -> float | None:
    """The factor, a float32 number, with which ``y`` is x · sigmoid(alpha · x); None where there is none."""
    at = int(np.argmin(np.abs(x - 1)))
    gate = float(y[at] / x[at])
    if not 0 < gate < 1:
        return None
    alpha = float(np.float32(math.log(gate / (1 - gate)) / x[at]))
    return alpha if alpha and same(y, x * sigmoid(alpha * x)) else None


@cache
def _swish() -> onnx.FunctionProto:
    """Swish of float32 as ONNX's specification (Swish-24) defines it by other operators."""
    return onnx.parser.parse_function(
        f'''<domain: "{FUSED_DOMAIN}", opset_import: ["" : {OPSET}]>
        Swish <alpha> (x) => (y) {{
            factor = Constant <value_float: float = @alpha> ()
            scaled = Mul (x, factor)
            gate = Sigmoid (scaled)
            y = Mul (x, gate)
        }}'''
    )
