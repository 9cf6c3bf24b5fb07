"""Types and shapes of one node's outputs, by the inference functions that ship with ONNX."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

import onnx
import onnx.checker
import onnx.defs
import onnx.shape_inference
import onnx_ir as oir

from ..ir.errors import ModelError
from .onnx_graph import IR_VERSION, MAX_TENSOR_BYTES, OPSET, describe, quoted, static_shape, tensor_bytes

_MAX_DATA_ELEMENTS = 4096
"""Inference reads the values of small constants only: shapes, axes, pads, scales."""

_LIKE_OPERAND = ("GroupNormalization", "MeanVarianceNormalization")
"""Operators for which ONNX infers nothing: their result is of the type and shape of operand 0."""


def infer(node: oir.Node, version: int = OPSET) -> bool:
    """Set type and shape of ``node``'s outputs from its inputs, by the schema of opset ``version``.

    False where that is impossible (unknown operator or operand); the outputs are then left alone.
    Raises ModelError where operands contradict the operator or an output would be absurdly large.
    """
    schema = schema_of(node, version)
    if schema is None:
        return False
    operands = [value for value in node.inputs if value is not None]
    if any(value.dtype is None or value.shape is None for value in operands):
        return False
    if node.op_type in _LIKE_OPERAND:
        return _record(node, [type_proto(operands[0])])
    proto = oir.serde.serialize_node(node)
    try:
        inferred = onnx.shape_inference.infer_node_outputs(
            schema,
            proto,
            {str(value.name): type_proto(value) for value in operands},
            {str(value.name): data for value in operands if (data := _small_data(value)) is not None},
            opset_imports=[onnx.helper.make_opsetid("", version)],
            ir_version=IR_VERSION,
        )
    except (onnx.shape_inference.InferenceError, onnx.checker.ValidationError, RuntimeError, ValueError) as e:
        raise contradiction(node, e) from e
    complete = _record(node, [inferred.get(str(output.name)) for output in node.outputs])
    _check_elements(node)
    return complete


def infer_function(node: oir.Node, function: oir.Function) -> bool:
    """As ``infer``, for a call of a model-local function."""
    operands = [value for value in node.inputs if value is not None]
    if any(value.dtype is None or value.shape is None for value in operands):
        return False
    attributes = [oir.serde.serialize_attribute(attribute) for attribute in node.attributes.values()]
    try:
        types = onnx.shape_inference.infer_function_output_types(
            oir.serde.serialize_function(function), [type_proto(value) for value in operands], attributes
        )
    except (onnx.shape_inference.InferenceError, RuntimeError, ValueError) as e:
        raise contradiction(node, e) from e
    return _record(node, types)


def schema_of(node: oir.Node, version: int) -> onnx.defs.OpSchema | None:
    """The operator's schema in force at opset ``version``; None for one that ONNX does not define."""
    if node.domain != "":
        return None
    try:
        return onnx.defs.get_schema(node.op_type, version, "")
    except onnx.defs.SchemaError:
        return None


def conforms(node: oir.Node, version: int, *, required: bool = False) -> bool:
    """Whether operand counts and attributes are those of the operator's schema at opset ``version``.

    Operators that ONNX does not define there conform to nothing. With ``required``, a defined operator
    that does not conform raises ModelError.
    """
    if schema_of(node, version) is None:
        return False
    context = onnx.checker.C.CheckerContext()
    context.ir_version, context.opset_imports = IR_VERSION, {"": version}
    try:
        onnx.checker.check_node(oir.serde.serialize_node(node), context)
        for attribute in node.attributes.values():
            if attribute.type == oir.AttributeType.STRING:
                attribute.as_string()
    except (onnx.checker.ValidationError, oir.serde.SerdeError, TypeError) as e:
        if required:
            raise contradiction(node, e) from e
        return False
    return True


def type_proto(value: oir.Value) -> onnx.TypeProto:
    """The value's type and shape as ONNX writes them."""
    assert value.dtype is not None
    dims = None if value.shape is None else [d if isinstance(d, int) else d.value for d in value.shape]
    return onnx.helper.make_tensor_type_proto(int(value.dtype), dims)


def contradiction(node: oir.Node, error: Exception) -> ModelError:
    """The error for a node that ONNX's own rules reject."""
    text = " ".join(str(error).split())
    return ModelError(
        f"{node.op_type} has operands or attributes that it does not allow",
        where=_where(node),
        why=text[:400],
        remedy="check the model with onnx.checker.check_model(model, full_check=True)",
    )


def check_size(value: oir.Value, where: str) -> None:
    """Refuse a tensor that no microcontroller could hold, before anything takes memory for it."""
    shape = static_shape(value)
    if shape is None or value.dtype is None:
        return
    if any(dim < 0 for dim in shape) or tensor_bytes(value.dtype, shape) > MAX_TENSOR_BYTES:
        raise ModelError(
            f"Tensor {quoted(value.name)} is impossibly large",
            where=where,
            why=f"its shape is {list(shape)}, more than {MAX_TENSOR_BYTES} bytes",
            remedy="correct the shapes in the model or in --input-shape",
        )


def _small_data(value: oir.Value) -> onnx.TensorProto | None:
    tensor = value.const_value
    if tensor is None or not value.is_initializer() or tensor.size > _MAX_DATA_ELEMENTS:
        return None
    if tensor.dtype not in (oir.DataType.INT64, oir.DataType.INT32, oir.DataType.FLOAT, oir.DataType.BOOL):
        return None
    return oir.serde.serialize_tensor(tensor)


def _check_elements(node: oir.Node) -> None:
    """Refuse a Reshape that makes or loses elements, which ONNX's inference lets pass."""
    if node.op_type != "Reshape" or node.inputs[0] is None:
        return
    before, after = static_shape(node.inputs[0]), static_shape(node.outputs[0])
    if before is not None and after is not None and prod(before) != prod(after):
        raise ModelError(
            "Reshape does not keep the number of elements",
            where=_where(node),
            why=f"{list(before)} has {prod(before)} elements, {list(after)} has {prod(after)}",
            remedy="correct the shape that the node asks for, or --input-shape",
        )


def _record(node: oir.Node, types: Sequence[onnx.TypeProto | None]) -> bool:
    complete = True
    for output, inferred in zip(node.outputs, types, strict=True):
        if not output.name:
            continue
        if inferred is None or not inferred.HasField("tensor_type"):
            if inferred is not None:
                output.type = oir.serde.deserialize_type_proto_for_type(inferred)
            complete = False
            continue
        tensor = inferred.tensor_type
        if tensor.elem_type:
            output.type = oir.TensorType(oir.DataType(tensor.elem_type))
        output.shape = _shape(tensor) if tensor.HasField("shape") else None
        check_size(output, _where(node))
        complete = complete and static_shape(output) is not None and output.dtype is not None
    return complete


def _shape(tensor: onnx.TypeProto.Tensor) -> oir.Shape:
    # A name that inference made up for an unknown dimension means nothing to anybody: None says so.
    return oir.Shape([dim.dim_value if dim.HasField("dim_value") else None for dim in tensor.shape.dim])


def _where(node: oir.Node) -> str:
    shapes = ", ".join("–" if v is None or v.shape is None else str(v.shape) for v in node.inputs)
    return f"{describe(node)}, input shapes {shapes}"
