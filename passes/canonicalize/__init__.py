"""Canonicalize: the same model in fewer forms, which lowering relies on.

After it
- Squeeze, Unsqueeze, Flatten, Dropout, Split, Sum, Mean, Global*Pool, BatchNormalization with constant
  statistics do not occur, nor does any node that only passes its operand on (an Identity stays where a
  model output is also an input, a constant or another output);
- Reshape has a constant int64 shape of positive numbers; Slice has constant starts, ends, axes and steps;
  Reduce* have constant, ascending axes and ``keepdims``;
- Conv, ConvTranspose and pooling have kernel_shape, strides, dilations, pads (and group), no auto_pad;
  ceil_mode stays only on an AveragePool that counts its padding or where explicit pads cannot express it;
- Gemm has transB alone, and a bias of one element per column or none;
- commutative operators have their constant on the right, Sub and Div have no constant there (Div keeps one
  whose reciprocal is not exact in front of a quantizer);
- hard-swish, GELU, Mish, layer and RMS normalization are one node each;
- SiLU and attention are one node too, of a function in the model: ONNX Runtime has no operator for the one,
  and ONNX's own of the other has operands that other nodes express;
- no Softmax is there for the index of the largest element alone;
- LSTM, GRU and RNN have one direction and the sequence axis first; results that nobody reads have no name;
- quantized tensors inside the model are signed.
"""

from __future__ import annotations

import onnx_ir as oir
import onnx_ir.passes.common as common

from ..onnx_edit import name_nodes, remembered_names
from . import (
    affine,
    arithmetic,
    heads,
    linear,
    pads,
    projections,
    quantization,
    recurrent,
    reshapes,
    slices,
    sliding,
    tidy,
    transposes,
)
from .attention import fuse_attention
from .engine import merge, rewrite
from .functions import fuse_functions
from .normalization import fuse_normalizations
from .signed import make_signed
from .swish import fuse_swish

_PLAIN = merge(
    tidy.RULES, slices.RULES, arithmetic.RULES, quantization.RULES, recurrent.RULES, transposes.RULES,
    reshapes.RULES, projections.RULES, heads.RULES,
)
"""What may hide a decomposed function or a layer behind it."""

_LAYERS = merge(_PLAIN, linear.RULES, sliding.RULES, affine.RULES, pads.RULES)

_LARGEST_SHARED = 1 << 16
"""Equal initializers up to this many elements become one."""


def canonicalize(model: oir.Model) -> oir.Model:
    """Rewrite ``model``, as import left it, in place, and return it.

    Outputs stay the same: to rounding for float models, identically for quantized ones.
    """
    graph = model.graph
    with remembered_names(graph):
        make_signed(graph)
        rewrite(graph, _PLAIN)
        _share(model)
        fuse_normalizations(graph)
        fuse_functions(graph)
        rewrite(graph, _LAYERS)
        _share(model)
        rewrite(graph, merge(_LAYERS, transposes.LAST))
        fuse_swish(model)
        fuse_attention(model)
    common.RemoveUnusedNodesPass()(model)
    name_nodes(graph)
    return model


def _share(model: oir.Model) -> None:
    """One initializer per content, one node per computation, none that nobody reads."""
    common.DeduplicateInitializersPass(_LARGEST_SHARED)(model)
    common.CommonSubexpressionEliminationPass()(model)
    common.RemoveUnusedNodesPass()(model)


__all__ = ["canonicalize"]
