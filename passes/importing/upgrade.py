"""Bringing each node to tinyc's one opset: operators whose form or meaning changed between opsets.

The changes are those of ONNX's Changelog.md. A node is rewritten when its operands' shapes are already
known, which makes the old flattening Softmax and the like simple. Operators without an entry mean the same
in every opset from 8 on, or are none that tinyc compiles.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import onnx.defs
import onnx_ir as oir

from ...ir.errors import ModelError
from ..onnx_edit import add_constant, add_integers, become, emit, set_inputs
from ..onnx_graph import OPSET, Array, constant, describe, graph_of, input_at, integers, shape_of
from ..onnx_infer import schema_of


@dataclass(frozen=True)
class Upgrade:
    """``apply`` rewrites a node of a model whose opset is below ``below`` or above ``above``."""

    apply: Callable[[oir.Node], None]
    below: int = 0
    above: int = 0

    def concerns(self, opset: int) -> bool:
        return opset < self.below or (bool(self.above) and opset > self.above)


def upgrade(node: oir.Node, opset: int) -> None:
    """Rewrite ``node``, valid at ``opset``, to the form it has at ``OPSET``, in place.

    Raises ModelError for a form that cannot be expressed there.
    """
    if node.domain == "com.microsoft" and node.op_type in _MICROSOFT:
        _MICROSOFT[node.op_type](node)
    if node.domain != "":
        return
    entries = _UPGRADES.get(node.op_type, ())
    for entry in entries:
        if entry.concerns(opset):
            entry.apply(node)
    if opset > OPSET and not entries:
        _refuse_newer(node, opset)


def _refuse_newer(node: oir.Node, opset: int) -> None:
    old, new = schema_of(node, OPSET), schema_of(node, opset)
    if old is None or new is None or old.since_version == new.since_version or node.op_type in _WIDENED:
        return
    raise ModelError(
        f"{node.op_type} is newer than tinyc knows it",
        where=describe(node),
        why=f"it is version {new.since_version} of the operator; tinyc knows version {old.since_version}",
        remedy=f"export the model with opset {OPSET}",
    )


_WIDENED = frozenset({
    "DequantizeLinear", "QuantizeLinear", "Cast", "Celu", "ReduceLogSum", "ReduceLogSumExp", "Einsum",
    "Unique", "ReverseSequence", "OneHot", "Compress", "DepthToSpace", "BitShift", "Mod",
})  # fmt: skip
"""Operators that only gained data types after ``OPSET``."""


def _like(node: oir.Node, number: float) -> Array:
    """``number`` in the data type of the node's first operand."""
    value = node.inputs[0]
    assert value is not None and value.dtype is not None
    return np.asarray(number, value.dtype.numpy())


def _integers_to_input(node: oir.Node, attribute: str, index: int) -> None:
    """Move an INTS attribute to operand ``index``; where the attribute is absent, so is the operand."""
    if attribute not in node.attributes:
        return
    numbers = node.attributes.pop(attribute).as_ints()
    inputs = [*node.inputs, *[None] * (index - len(node.inputs))]
    set_inputs(node, [*inputs[:index], add_integers(graph_of(node), numbers, f"{node.name}_{attribute}")])


def _axes(node: oir.Node) -> None:
    _integers_to_input(node, "axes", 1)


def _clip(node: oir.Node) -> None:
    bounds: list[oir.Value | None] = []
    for name in ("min", "max"):
        bound = node.attributes.pop(name, None)
        array = None if bound is None else _like(node, bound.as_float())
        bounds.append(None if array is None else add_constant(graph_of(node), array, f"{node.name}_{name}"))
    set_inputs(node, [node.inputs[0], *bounds])


def _pad(node: oir.Node) -> None:
    fill = node.attributes.pop("value", None)
    _integers_to_input(node, "pads", 1)
    if fill is not None and fill.as_float() != 0:
        value = add_constant(graph_of(node), _like(node, fill.as_float()), f"{node.name}_value")
        set_inputs(node, [*node.inputs, value])


def _slice(node: oir.Node) -> None:
    starts = node.attributes["starts"].as_ints()
    axes = node.attributes.get_ints("axes") or tuple(range(len(starts)))
    numbers = {"starts": starts, "ends": node.attributes["ends"].as_ints(), "axes": axes}
    operands = [add_integers(graph_of(node), n, f"{node.name}_{name}") for name, n in numbers.items()]
    become(node, "Slice", [node.inputs[0], *operands])


def _split_sizes(node: oir.Node) -> None:
    _integers_to_input(node, "split", 1)


def _split_count(node: oir.Node) -> None:
    if input_at(node, 1) is None:
        node.attributes.add(oir.AttrInt64("num_outputs", len(node.outputs)))


def _dropout_ratio(node: oir.Node) -> None:
    ratio = node.attributes.pop("ratio", None)
    if ratio is not None:
        value = add_constant(graph_of(node), _like(node, ratio.as_float()), f"{node.name}_ratio")
        set_inputs(node, [node.inputs[0], value])


def _refuse_training_dropout(node: oir.Node) -> None:
    mode = input_at(node, 2)
    if mode is not None and (array := constant(mode)) is not None and array.any():
        raise _training(node)


def _upsample(node: oir.Node) -> None:
    mode = node.attributes.get_string("mode", "nearest")
    scales = input_at(node, 1)
    if scales is None:
        numbers = np.asarray(node.attributes["scales"].as_floats(), np.float32)
        scales = add_constant(graph_of(node), numbers, f"{node.name}_scales")
    become(node, "Resize", [node.inputs[0], None, scales], _asymmetric(mode))


def _resize(node: oir.Node) -> None:
    mode = node.attributes.get_string("mode", "nearest")
    become(node, "Resize", [node.inputs[0], None, node.inputs[1]], _asymmetric(mode))


def _asymmetric(mode: str) -> dict[str, object]:
    """How Upsample and the first Resize found source pixels."""
    common: dict[str, object] = {"mode": mode, "coordinate_transformation_mode": "asymmetric"}
    return {**common, "nearest_mode": "floor"} if mode == "nearest" else common


def _flattening(node: oir.Node) -> None:
    """Softmax, LogSoftmax and Hardmax used to see a matrix: axes before and from ``axis``."""
    shape = shape_of(node.inputs[0])
    axis = node.attributes.get_int("axis", 1) % max(len(shape), 1)
    name, operator, graph = str(node.name), node.op_type, graph_of(node)
    if axis == len(shape) - 1:
        node.attributes.add(oir.AttrInt64("axis", axis))
        return
    matrix = add_integers(graph, [int(np.prod(shape[:axis])), int(np.prod(shape[axis:]))], f"{name}_matrix")
    flat = emit(node, "Reshape", [node.inputs[0], matrix], name=f"{name}_flatten")
    result = emit(node, operator, [flat], {"axis": 1}, name=name)
    become(node, "Reshape", [result, add_integers(graph, shape, f"{name}_shape")], name=f"{name}_restore")


def _batch_normalization(node: oir.Node) -> None:
    if any(output.uses() or output.is_graph_output() for output in node.outputs[1:]):
        raise _training(node)
    node.resize_outputs(1)
    spatial = node.attributes.pop("spatial", None)
    if spatial is not None and spatial.as_int() == 0:
        raise ModelError(
            "BatchNormalization with spatial=0 is not supported",
            where=describe(node),
            why="it normalises each position by its own mean and variance",
            remedy="export the model with opset 9 or newer",
        )


def _refuse_training_normalization(node: oir.Node) -> None:
    if node.attributes.get_int("training_mode", 0):
        raise _training(node)


def _training(node: oir.Node) -> ModelError:
    return ModelError(
        f"{node.op_type} is in training mode",
        where=describe(node),
        why="it would change its statistics, or drop values at random, while the model runs",
        remedy="export the model for inference (PyTorch: model.eval() before torch.onnx.export)",
    )


def _swish(node: oir.Node) -> None:
    """ONNX Runtime has no Swish at ``OPSET``: x · sigmoid(alpha · x)."""
    _sigmoid_product(node, node.attributes.get_float("alpha", 1.0))


def _sigmoid_product(node: oir.Node, alpha: float) -> None:
    x, name = node.inputs[0], str(node.name)
    scaled = x
    if alpha != 1.0:
        factor = add_constant(graph_of(node), _like(node, alpha), f"{name}_alpha")
        scaled = emit(node, "Mul", [x, factor], name=f"{name}_scale")
    gate = emit(node, "Sigmoid", [scaled], name=f"{name}_sigmoid")
    become(node, "Mul", [x, gate])


def _range(node: oir.Node) -> None:
    node.attributes.pop("stash_type", None)
    for index, value in enumerate(node.inputs):
        array = constant(value)
        if array is not None and array.ndim > 0 and array.size == 1:  # as the body of AffineGrid has it
            single = add_constant(graph_of(node), array.reshape(()), f"{node.name}_scalar")
            node.replace_input_with(index, single)


def _space_to_depth(node: oir.Node) -> None:
    mode = node.attributes.pop("mode", None)
    if mode is not None and mode.as_string() != "DCR":
        _refuse_newer(node, onnx.defs.onnx_opset_version())


def _group_axes_absent(node: oir.Node) -> None:
    """A Reduce whose axes operand is an empty tensor reduces everything, as one without axes does."""
    if integers(input_at(node, 1)) == [] and not node.attributes.get_int("noop_with_empty_axes", 0):
        set_inputs(node, node.inputs[:1])


def _microsoft_same(node: oir.Node) -> None:
    node.domain = ""


def _microsoft_fast_gelu(node: oir.Node) -> None:
    x, bias = node.inputs[0], input_at(node, 1)
    if bias is not None:
        node.domain = ""
        x = emit(node, "Add", [x, bias], name=f"{node.name}_bias")
    become(node, "Gelu", [x], {"approximate": "tanh"})


def _microsoft_quick_gelu(node: oir.Node) -> None:
    node.domain = ""
    _sigmoid_product(node, node.attributes.get_float("alpha", 1.702))


_MICROSOFT: dict[str, Callable[[oir.Node], None]] = {
    "QuantizeLinear": _microsoft_same,
    "DequantizeLinear": _microsoft_same,
    "Gelu": _microsoft_same,
    "FastGelu": _microsoft_fast_gelu,
    "QuickGelu": _microsoft_quick_gelu,
}

_REDUCE = (Upgrade(_axes, below=18), Upgrade(_group_axes_absent, above=17))
_ALWAYS = 1000

_UPGRADES: dict[str, tuple[Upgrade, ...]] = {
    "BatchNormalization": (
        Upgrade(_batch_normalization, below=14),
        Upgrade(_refuse_training_normalization, above=13),
    ),
    "Clip": (Upgrade(_clip, below=11),),
    "Dropout": (Upgrade(_dropout_ratio, below=12), Upgrade(_refuse_training_dropout, above=11)),
    "Hardmax": (Upgrade(_flattening, below=13),),
    "LogSoftmax": (Upgrade(_flattening, below=13),),
    "Pad": (Upgrade(_pad, below=11),),
    "Range": (Upgrade(_range, below=_ALWAYS),),
    "ReduceSum": (Upgrade(_axes, below=13), Upgrade(_group_axes_absent, above=12)),
    "Resize": (Upgrade(_resize, below=11),),
    "Slice": (Upgrade(_slice, below=10),),
    "Softmax": (Upgrade(_flattening, below=13),),
    "SpaceToDepth": (Upgrade(_space_to_depth, above=OPSET),),
    "Split": (Upgrade(_split_sizes, below=13), Upgrade(_split_count, below=18)),
    "Squeeze": (Upgrade(_axes, below=13),),
    "Swish": (Upgrade(_swish, below=_ALWAYS),),
    "Unsqueeze": (Upgrade(_axes, below=13),),
    "Upsample": (Upgrade(_upsample, below=10),),
    **{
        f"Reduce{kind}": _REDUCE
        for kind in ("L1", "L2", "LogSum", "LogSumExp", "Max", "Mean", "Min", "Prod", "SumSquare")
    },
}
