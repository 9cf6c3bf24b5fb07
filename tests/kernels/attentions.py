"""Small attentions, as the tests of portable and of fast kernels have them."""

from __future__ import annotations

import onnx
from onnx import helper

from tinyc.passes.attention import ATTENTION, MASKED
from tinyc.passes.onnx_graph import FUSED_DOMAIN

Shapes = tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...], int]
"""Of queries, keys and values; reach."""

SHAPES: dict[str, Shapes] = {
    "one head": ((1, 7, 5), (1, 7, 5), (1, 7, 5), 9),
    "causal": ((1, 9, 4), (1, 9, 4), (1, 9, 4), 0),
    "causal behind a cache": ((1, 3, 4), (1, 8, 4), (1, 8, 4), 5),
    "more keys, other width": ((1, 5, 6), (1, 11, 6), (1, 11, 3), 11),
    "one query": ((1, 1, 8), (1, 6, 8), (1, 6, 8), 6),
    "heads": ((1, 3, 6, 4), (1, 3, 6, 4), (1, 3, 6, 5), 6),
    "causal heads": ((1, 2, 5, 3), (1, 2, 5, 3), (1, 2, 5, 3), 0),
    "batch": ((3, 4, 5), (3, 6, 5), (3, 6, 5), 2),
    "batch of heads": ((2, 3, 4, 5), (2, 3, 7, 5), (2, 3, 7, 2), 1),
}
_IN_MEMORY = (0, 2, 1, 3)
"""The order in which exporters compute heads: of a projection's features, before they are transposed."""


def attention_nodes(
    shapes: Shapes, turned: bool = False, masked: bool = False
) -> tuple[list[onnx.NodeProto], dict[str, tuple[int, ...]]]:
    """Attention of q, k and v, which come ``turned`` or with heads in front; their shapes by name. With
    ``masked`` it reads ``seen`` too."""
    *given, reach = shapes
    rank = len(given[0])
    perm = [*range(rank - 2), rank - 1, rank - 2]
    names = [f"{n}_heads" if turned else n for n in "qkv"]
    nodes = [
        helper.make_node("Transpose", [n], [f"{n}_heads"], f"transpose_{n}", perm=_IN_MEMORY) for n in "qkv"
    ] if turned else []
    attributes = {"perm": perm, "reach": reach, "scale": given[0][-1] ** -0.5}
    operator, inputs = (MASKED, [*names, "seen"]) if masked else (ATTENTION, names)
    nodes.append(helper.make_node(operator, inputs, ["y"], "attention", domain=FUSED_DOMAIN, **attributes))
    stored = [tuple(s[a] for a in _IN_MEMORY) if turned else s for s in given]
    return nodes, dict(zip("qkv", stored, strict=True))


QUANTS = {"q": (0.02, 3), "k": (0.03, -9), "v": (0.05, 20), "y": (0.03, -4)}


def with_seen(model: onnx.ModelProto, shape: tuple[int, ...]) -> onnx.ModelProto:
    """``model``, whose input ``seen`` is booleans of that shape."""
    model.graph.input.append(helper.make_tensor_value_info("seen", onnx.TensorProto.BOOL, shape))
    return onnx.shape_inference.infer_shapes(model, strict_mode=True, data_prop=True)
