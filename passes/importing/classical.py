"""Operators of the domain ``ai.onnx.ml``, which skl2onnx writes around matrix products, as ONNX's own.

Text is computed nowhere, so a class with a name is an index: where a model looks up the names of classes,
what it gives is the index of the class among them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import prod

import numpy as np
import onnx
import onnx.checker
import onnx_ir as oir

from ...ir.errors import ModelError
from ..onnx_graph import OPSET, Array, constant, describe, shape_of
from ..onnx_infer import contradiction
from .body import Body, operand
from .inline import splice

DOMAIN = "ai.onnx.ml"
_VERSION = 5

Rule = Callable[[oir.Node, Body], list[oir.Value]]
"""Gives a node's results, those that nobody reads included."""


def without_zip_maps(proto: onnx.ModelProto) -> None:
    """Let an output that is a sequence of maps from class to probability, one per sample, be the tensor of
    probabilities (samples, classes) that it is made of; ``proto`` is changed."""
    for node in proto.graph.node:
        if (node.op_type, node.domain) != ("ZipMap", DOMAIN):
            continue
        node.op_type, node.domain = "Identity", ""
        del node.attribute[:]
        for output in proto.graph.output:
            if output.name in node.output:
                output.type.Clear()
                output.type.tensor_type.elem_type = onnx.TensorProto.FLOAT


def decompose_classical(node: oir.Node) -> list[oir.Node]:
    """Put operators of ``OPSET`` in the place of ``node``, whose operands have types and static shapes; the
    nodes that it brought, none for an operator that stays. Raises ModelError for attributes and operands that
    the operator does not allow, or that are not covered."""
    rule = _RULES.get(node.op_type) if node.domain == DOMAIN else None
    if rule is None:
        return []
    _check(node)
    body = Body(node, OPSET)
    results = rule(node, body)
    return splice(node, body.nodes, [r for r, out in zip(results, node.outputs, strict=False) if out.name])


def _check(node: oir.Node) -> None:
    context = onnx.checker.C.CheckerContext()
    context.ir_version, context.opset_imports = onnx.IR_VERSION, {DOMAIN: _VERSION}
    try:
        onnx.checker.check_node(oir.serde.serialize_node(node), context)
    except (onnx.checker.ValidationError, oir.serde.SerdeError) as e:
        raise contradiction(node, e) from e


def _refused(node: oir.Node, why: str) -> ModelError:
    return ModelError(
        f"{node.op_type} is not of a form that is compiled",
        where=describe(node),
        why=why,
        remedy="cut the model before this operator, and compute it in the firmware",
    )


def _floats(node: oir.Node, name: str) -> Array:
    return np.array(node.attributes.get_floats(name) or [], np.float32)


def _real(node: oir.Node, body: Body) -> oir.Value:
    """Operand 0 as float32."""
    x = operand(node, 0)
    return x if x.dtype == oir.DataType.FLOAT else body.op("Cast", x, to=int(oir.DataType.FLOAT))


def _features(node: oir.Node) -> int:
    """How many features each sample of operand 0 has, which is (samples, features)."""
    shape = shape_of(operand(node, 0))
    if len(shape) != 2:
        raise _refused(node, f"its operand has the shape {list(shape)}, not (samples, features)")
    return shape[1]


def _scaler(node: oir.Node, body: Body) -> list[oir.Value]:
    """(x − offset) · scale, one of each for all features or for each feature."""
    features = shape_of(operand(node, 0))[-1]
    offset, scale = _floats(node, "offset"), _floats(node, "scale")
    if not {offset.size, scale.size} <= {1, features}:
        raise _refused(node, f"{offset.size} offsets and {scale.size} scales are for {features} features")
    centred = body.op("Sub", _real(node, body), body.constant(offset))
    return [body.op("Mul", centred, body.constant(scale))]


def _binarizer(node: oir.Node, body: Body) -> list[oir.Value]:
    """1 where x is above the threshold, else 0."""
    x = operand(node, 0)
    above = body.op("Greater", x, body.like(node.attributes.get_float("threshold", 0.0), x))
    return [body.op("CastLike", above, x)]


def _normalizer(node: oir.Node, body: Body) -> list[oir.Value]:
    norm = node.attributes.get_string("norm", "MAX")
    x = _real(node, body)
    if norm in ("L1", "L2"):
        return [body.op("LpNormalization", x, axis=-1, p=int(norm[1]))]
    largest = body.op("ReduceMax", x, body.constant(np.array([-1], np.int64)), keepdims=1)
    return [body.op("Div", x, largest)]


def _product(node: oir.Node, body: Body, rows: int) -> oir.Value:
    """x · coefficientsᵀ + intercepts, (samples, rows)."""
    features = _features(node)
    coefficients, intercepts = _floats(node, "coefficients"), _floats(node, "intercepts")
    if coefficients.size != rows * features or intercepts.size not in (0, rows):
        raise _refused(
            node,
            f"{coefficients.size} coefficients and {intercepts.size} intercepts are for {rows} results of "
            f"{features} features",
        )
    operands = [_real(node, body), body.constant(coefficients.reshape(rows, features))]
    if intercepts.size:
        operands.append(body.constant(intercepts))
    return body.op("Gemm", *operands, transB=1)


def _transformed(node: oir.Node, body: Body, scores: oir.Value) -> oir.Value:
    match node.attributes.get_string("post_transform", "NONE"):
        case "NONE":
            return scores
        case "SOFTMAX":
            return body.op("Softmax", scores, axis=-1)
        case "LOGISTIC":
            return body.op("Sigmoid", scores)
        case other:
            raise _refused(node, f"its post_transform is {other}")


def _linear_classifier(node: oir.Node, body: Body) -> list[oir.Value]:
    """Labels (samples), scores (samples, classes)."""
    names = node.attributes.get_strings("classlabels_strings") or []
    numbers = node.attributes.get_ints("classlabels_ints") or []
    if not names and not numbers:
        raise _refused(node, "it names no classes")
    scores = _product(node, body, len(names or numbers))
    largest = body.op("ArgMax", scores, axis=1, keepdims=0)
    label = largest if names else _numbered(body, largest, numbers)
    return [label, _transformed(node, body, scores)]


def _numbered(body: Body, index: oir.Value, numbers: Sequence[int]) -> oir.Value:
    """``numbers`` at ``index``, int64; the index itself where they count up from 0."""
    if list(numbers) == list(range(len(numbers))):
        return index
    return body.op("Gather", body.constant(np.array(numbers, np.int64)), index, axis=0)


def _linear_regressor(node: oir.Node, body: Body) -> list[oir.Value]:
    values = _product(node, body, node.attributes.get_int("targets", 1))
    return [_transformed(node, body, values)]


def _array_feature_extractor(node: oir.Node, body: Body) -> list[oir.Value]:
    """The elements of x along its last axis at the given indices: labels of classes, mostly."""
    x, indices = operand(node, 0), operand(node, 1)
    flat, shape, labels = body.reshape(indices, [-1]), shape_of(x), constant(x)
    if x.dtype == oir.DataType.STRING:
        if prod(shape[:-1]) != 1:
            raise _refused(node, f"it takes text from a tensor of shape {list(shape)}")
        return [body.op("Cast", body.reshape(flat, [1, -1]), to=int(oir.DataType.INT64))]
    if labels is not None and np.array_equal(labels.reshape(-1), np.arange(shape[-1])):
        index = flat if _only_cast(node.outputs[0]) else body.op("CastLike", flat, x)
        return [body.reshape(index, [1, -1])]
    source = body.reshape(x, [1, -1]) if len(shape) == 1 else x
    return [body.op("Gather", source, flat, axis=-1)]


def _only_cast(value: oir.Value) -> bool:
    """Whether nobody minds the element type of ``value``: all who read it, or a Reshape of it, cast it."""
    return not value.is_graph_output() and all(
        user.op_type == "Cast" or (user.op_type == "Reshape" and _only_cast(user.outputs[0]))
        for user in value.consumers()
    )


def _label_encoder(node: oir.Node, body: Body) -> list[oir.Value]:
    """From indices to what they stand for; to the index itself where that is text."""
    keys = node.attributes.get_ints("keys_int64s") or []
    if not keys or list(keys) != list(range(len(keys))):
        raise _refused(node, "its keys are not the integers from 0 on")
    index = operand(node, 0)
    if node.attributes.get_strings("values_strings"):
        return [index]
    whole, real = node.attributes.get_ints("values_int64s"), node.attributes.get_floats("values_floats")
    if whole:
        return [_numbered(body, index, whole)]
    if not real:
        raise _refused(node, "its values are neither integers, floats nor strings")
    return [body.op("Gather", body.constant(np.array(real, np.float32)), index, axis=0)]


_RULES: dict[str, Rule] = {
    "ArrayFeatureExtractor": _array_feature_extractor,
    "Binarizer": _binarizer,
    "LabelEncoder": _label_encoder,
    "LinearClassifier": _linear_classifier,
    "LinearRegressor": _linear_regressor,
    "Normalizer": _normalizer,
    "Scaler": _scaler,
}
