"""Is it a graph at all? Checks on the protobuf before anything is built from it."""

from __future__ import annotations

import graphlib
import math
from collections.abc import Iterable, Set

import onnx
import onnx.defs
import onnx_ir as oir
from google.protobuf.message import Message

from ...ir.errors import ModelError
from ..onnx_graph import MAX_TENSOR_BYTES, quoted, tensor_bytes

OLDEST_OPSET = 7


def check_structure(proto: onnx.ModelProto) -> int:
    """The opset of the model's ONNX operators, after checking that the model is well formed.

    Raises ModelError for an opset that is too old or unknown, a value produced twice, an operand that
    nothing produces, a cycle, and initializers whose data does not match their shape.
    """
    _check_text(proto)
    opset = _opset(proto)
    _check_outputs(proto.graph)
    _check_graph(proto.graph, frozenset())
    for function in proto.functions:
        inputs, outputs = (
            [onnx.ValueInfoProto(name=name) for name in names] for names in (function.input, function.output)
        )
        _check_graph(onnx.GraphProto(node=function.node, input=inputs, output=outputs), frozenset())
    return opset


def _check_text(message: Message) -> None:
    """Refuse strings that are not UTF-8, which protobuf hands over as bytes."""
    for field, value in message.ListFields():
        if field.type not in (field.TYPE_STRING, field.TYPE_MESSAGE):
            continue
        for item in [value] if isinstance(value, (str, bytes, Message)) else value:
            if isinstance(item, Message):
                _check_text(item)
            elif isinstance(item, bytes):
                raise ModelError(
                    "The model file is truncated or damaged",
                    why=f"the text of a field {field.name!r} is not UTF-8",
                    remedy="copy or export the file again",
                )


def _check_outputs(graph: onnx.GraphProto) -> None:
    if not graph.output:
        raise ModelError(
            "The model has no outputs",
            where=f"graph {quoted(graph.name)}",
            why="there is nothing to compute",
            remedy="export the model with its outputs",
        )


def _opset(proto: onnx.ModelProto) -> int:
    newest = onnx.defs.onnx_opset_version()
    version = next((o.version for o in proto.opset_import if o.domain in ("", "ai.onnx")), None)
    if version is None:
        if all(node.domain not in ("", "ai.onnx") for node in proto.graph.node) and proto.opset_import:
            return newest
        raise ModelError(
            "The model does not say which opset it uses",
            where="opset_import",
            why="it has no entry for ONNX's own operators",
            remedy="export the model again; the file may have been cut off",
        )
    if version < OLDEST_OPSET:
        raise ModelError(
            f"The model's opset {version} is too old",
            why=f"opset {OLDEST_OPSET} is the oldest that is understood",
            remedy="export it again, or convert it: "
            "onnx.version_converter.convert_version(onnx.load('old.onnx'), 13)",
        )
    if version > newest:
        raise ModelError(
            f"The model's opset {version} is newer than the installed onnx package",
            why=f"onnx {onnx.__version__} knows opsets up to {newest}",
            remedy="pip install --upgrade onnx, or export the model with an older opset",
        )
    return version


def _check_graph(graph: onnx.GraphProto, outer: Set[str]) -> None:
    if graph.sparse_initializer:
        raise ModelError(
            "Sparse initializers are not supported",
            where=f"tensor {quoted(graph.sparse_initializer[0].values.name)}",
            why="no kernel reads weights of which only some are stored",
            remedy="store the weights as dense tensors",
        )
    for tensor in graph.initializer:
        check_tensor(tensor)
    known = _definitions(graph) | outer
    for position, node in enumerate(graph.node):
        for name in node.input:
            if name and name not in known:
                raise _missing(f"{node.op_type} node {quoted(node.name or f'number {position}')}", name)
        for attribute in node.attribute:
            _check_attribute(attribute, known)
    for output in graph.output:
        if output.name not in known:
            raise _missing(f"graph output {quoted(output.name)}", output.name)
    _check_acyclic(graph)


def _check_attribute(attribute: onnx.AttributeProto, known: Set[str]) -> None:
    if attribute.HasField("t"):
        check_tensor(attribute.t)
    for tensor in attribute.tensors:
        check_tensor(tensor)
    if attribute.HasField("g"):
        _check_graph(attribute.g, known)
    for graph in attribute.graphs:
        _check_graph(graph, known)


def _definitions(graph: onnx.GraphProto) -> set[str]:
    """Names that the graph defines: inputs, initializers and node outputs, each node output only once."""
    inputs = [value.name for value in graph.input]
    initializers = [tensor.name for tensor in graph.initializer]
    _check_unique(inputs, "graph input")
    _check_unique(initializers, "initializer")
    defined = {*inputs, *initializers}
    for position, node in enumerate(graph.node):
        for name in filter(None, node.output):
            if name in defined:
                raise ModelError(
                    f"Tensor {quoted(name)} is produced more than once",
                    where=f"{node.op_type} node {quoted(node.name or f'number {position}')}",
                    why="another node, initializer or input has the same name",
                    remedy="give every tensor its own name; run onnx.checker.check_model on the file",
                )
            defined.add(name)
    return defined


def _check_unique(names: Iterable[str], what: str) -> None:
    seen: set[str] = set()
    for name in names:
        if not name or name in seen:
            raise ModelError(
                f"The model has {'two of one name' if name else 'one without a name'}: {what} {quoted(name)}",
                where=f"{what} {quoted(name)}",
                why="names say which tensor a node reads",
                remedy="give every tensor its own name",
            )
        seen.add(name)


def _missing(where: str, name: str) -> ModelError:
    return ModelError(
        f"Tensor {quoted(name)} is missing",
        where=where,
        why="no node, initializer or graph input produces it",
        remedy="export the model again, or add the tensor with an ONNX editor",
    )


def _check_acyclic(graph: onnx.GraphProto) -> None:
    makers = {name: index for index, node in enumerate(graph.node) for name in node.output if name}
    edges = {
        index: {makers[name] for name in node.input if name in makers}
        for index, node in enumerate(graph.node)
    }
    try:
        graphlib.TopologicalSorter(edges).prepare()
    except graphlib.CycleError as e:
        names = [graph.node[i].name or f"{graph.node[i].op_type} number {i}" for i in e.args[1]]
        shown = " → ".join(quoted(name) for name in names[:6]) + (" → …" if len(names) > 6 else "")
        raise ModelError(
            "The graph has a cycle",
            where=f"node {quoted(names[0])}",
            why=f"{shown}: each waits for the one before it",
            remedy="let state enter and leave the model as input and output: an ONNX graph must be acyclic",
        ) from e


def check_tensor(tensor: onnx.TensorProto) -> None:
    """Refuse a tensor whose type is unknown or whose data is not exactly what its shape takes."""
    try:
        dtype = oir.DataType(tensor.data_type)
    except ValueError:
        dtype = oir.DataType.UNDEFINED
    where = f"initializer {quoted(tensor.name)}"
    if dtype == oir.DataType.UNDEFINED:
        why = f"its code is {tensor.data_type}"
        raise ModelError(
            "A tensor has no known data type", where=where, why=why, remedy="export the model again"
        )
    shape = tuple(tensor.dims)
    if any(dim < 0 for dim in shape) or tensor_bytes(dtype, shape) > MAX_TENSOR_BYTES:
        raise ModelError(
            f"Tensor {quoted(tensor.name)} is impossibly large",
            where=where,
            why=f"its shape is {list(shape)}, more than {MAX_TENSOR_BYTES} bytes",
            remedy="export the model again",
        )
    wanted, found, unit = _amount(tensor, dtype, shape)
    if wanted != found:
        raise ModelError(
            f"The data of tensor {quoted(tensor.name)} does not match its shape",
            where=where,
            why=f"shape {list(shape)} of {dtype.name.lower()} takes {wanted} {unit}; there are {found}",
            remedy="export the model again",
        )


def _amount(tensor: onnx.TensorProto, dtype: oir.DataType, shape: tuple[int, ...]) -> tuple[int, int, str]:
    """How much data the shape takes, how much there is, and in which unit."""
    if tensor.HasField("raw_data"):
        return tensor_bytes(dtype, shape), len(tensor.raw_data), "bytes"
    fields = (
        tensor.float_data, tensor.int32_data, tensor.string_data, tensor.int64_data, tensor.double_data,
        tensor.uint64_data,
    )  # fmt: skip
    elements = math.prod(shape)
    if dtype in (oir.DataType.COMPLEX64, oir.DataType.COMPLEX128):
        elements *= 2
    elif dtype != oir.DataType.STRING and dtype.bitwidth in (2, 4):
        elements = tensor_bytes(dtype, shape)
    return elements, max(len(field) for field in fields), "values"
