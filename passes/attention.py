"""Attention as an ONNX function: softmax(scale · Q · Kᵀ) · V without a matrix of scores in between.

ONNX has Attention since opset 23; its operands may come with heads folded into features, masks and a cache,
all of which other operators express. This one has what is left: operands of equal rank, 3 or 4, features
last, and ``reach``: query i sees keys 0 to i + reach. Causal attention of equally many queries and keys has
reach 0; with that of keys − 1 or more every query sees all keys. Other masks are an operand more.
"""

from __future__ import annotations

from functools import cache

import onnx
import onnx.parser
import onnx_ir as oir

from .onnx_functions import add_functions
from .onnx_graph import FUSED_DOMAIN, OPSET

ATTENTION, MASKED = "Attention", "MaskedAttention"


@cache
def attention_functions() -> tuple[onnx.FunctionProto, onnx.FunctionProto]:
    """Q (…, L, D), K (…, S, D) and V (…, S, E), float32, to (…, L, E). ``perm`` swaps the last two axes.

    The second one has booleans ``seen`` (1 or L, S) besides, which say what counts: results of queries that
    see no key are 0.
    """
    return _function(ATTENTION, "", "Identity (near)"), _function(MASKED, ", seen", "And (near, seen)")


def _function(name: str, operand: str, counted: str) -> onnx.FunctionProto:
    return onnx.parser.parse_function(
        f"""<domain: "{FUSED_DOMAIN}", opset_import: ["" : {OPSET}]>
        {name} <scale, reach, perm> (q, k, v{operand}) => (y) {{
            turned = Transpose <perm: ints = @perm> (k)
            products = MatMul (q, turned)
            factor = Constant <value_float: float = @scale> ()
            scores = Mul (products, factor)
            shape = Shape (scores)
            one = Constant <value_float: float = 1.0> ()
            ones = Expand (one, shape)
            last = Constant <value_int: int = @reach> ()
            triangle = Trilu <upper: int = 0> (ones, last)
            near = Cast <to: int = 9> (triangle)
            counted = {counted}
            hidden = Constant <value_float: float = -3.0e38> ()
            masked = Where (counted, scores, hidden)
            weights = Softmax <axis: int = -1> (masked)
            zero = Constant <value_float: float = 0.0> ()
            some = Where (counted, weights, zero)
            y = MatMul (some, v)
        }}"""
    )


def add_attention(model: oir.Model) -> None:
    """Gives ``model`` those of the functions that its nodes call."""
    written = {function.name: function for function in attention_functions()}
    add_functions(model, FUSED_DOMAIN, written, written.__getitem__)
