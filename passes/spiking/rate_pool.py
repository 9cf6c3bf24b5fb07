"""Max pooling of rates of spikes, as an ONNX function."""

from __future__ import annotations

from functools import cache

import onnx
import onnx.parser
import onnx_ir as oir

from ..onnx_functions import add_functions
from ..onnx_graph import OPSET, SPIKING_DOMAIN

RATE_MAX_POOL = "RateMaxPool"


def is_rate_pool(node: oir.Node) -> bool:
    """True for a call of the function."""
    return node.domain == SPIKING_DOMAIN and node.op_type == RATE_MAX_POOL


def counted(node: oir.Node) -> list[tuple[oir.Value, oir.Value]]:
    """The numbers of spikes that a call keeps, each with its new value."""
    pairs = zip(node.inputs[1:3], node.outputs[1:3], strict=True)
    return [(before, after) for before, after in pairs if before is not None]


def add_rate_pool(model: oir.Model) -> None:
    """Gives ``model`` the function where a node calls it."""
    add_functions(model, SPIKING_DOMAIN, (RATE_MAX_POOL,), lambda _: _function())


@cache
def _function() -> onnx.FunctionProto:
    """S (spikes, float32 0 or 1), how many spikes each element has given, and the greatest such number of
    each window: the result is a spike wherever that grows, so that the rate is the greatest of the window's.
    """
    return onnx.parser.parse_function(
        f'''<domain: "{SPIKING_DOMAIN}", opset_import: ["" : {OPSET}]>
        {RATE_MAX_POOL} <ceil_mode, dilations, kernel_shape, pads, storage_order, strides>
        (S, counts, peaks) => (S_pooled, counts_next, peaks_next) {{
            counts_next = Add (counts, S)
            peaks_next = MaxPool <
                ceil_mode: int = @ceil_mode, dilations: ints = @dilations, kernel_shape: ints = @kernel_shape,
                pads: ints = @pads, strides: ints = @strides
            > (counts_next)
            S_pooled = Sub (peaks_next, peaks)
        }}'''
    )
