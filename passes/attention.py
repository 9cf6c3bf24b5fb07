"""Attention as an ONNX function: softmax(scale · Q · Kᵀ) · V without a matrix of scores in between.

ONNX has Attention since opset 23; its operands may come with heads folded into features, masks and a cache,
all of which other operators express. This one has what is left: operands of equal rank, 3 or 4, features
last, and ``reach``: query i sees keys 0 to i + reach. Causal attention of equally many queries and keys has
reach 0; with that of keys − 1 or more every query sees all keys.
"""

from __future__ import annotations

from functools import cache

import onnx
import onnx.parser
import onnx_ir as oir

from .onnx_graph import FUSED_DOMAIN, OPSET

ATTENTION = "Attention"


@cache
def attention_function() -> onnx.FunctionProto:
    """Q (…, L, D), K (…, S, D) and V (…, S, E), float32, to (…, L, E). ``perm`` swaps the last two axes."""
    return onnx.parser.parse_function(
        f"""<domain: "{FUSED_DOMAIN}", opset_import: ["" : {OPSET}]>
        {ATTENTION} <scale, reach, perm> (q, k, v) => (y) {{
            turned = Transpose <perm: ints = @perm> (k)
            products = MatMul (q, turned)
            factor = Constant <value_float: float = @scale> ()
            scores = Mul (products, factor)
            shape = Shape (scores)
            one = Constant <value_float: float = 1.0> ()
            ones = Expand (one, shape)
            last = Constant <value_int: int = @reach> ()
            triangle = Trilu <upper: int = 0> (ones, last)
            seen = Cast <to: int = 9> (triangle)
            hidden = Constant <value_float: float = -3.0e38> ()
            masked = Where (seen, scores, hidden)
            weights = Softmax <axis: int = -1> (masked)
            y = MatMul (weights, v)
        }}"""
    )


def add_attention(model: oir.Model) -> None:
    """Gives ``model`` the function, whether it has it or not."""
    function = oir.serde.deserialize_function(attention_function())
    model.functions[function.identifier()] = function
    model.opset_imports[FUSED_DOMAIN] = 1
