"""Import: from a model file, or a ModelProto, to an onnx-ir model of one opset with static shapes."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Mapping, Sequence

import numpy as np
import onnx
import onnx.defs
import onnx_ir as oir
import onnx_ir.passes.common as common

from ..ir.errors import ModelError
from .importing.branches import choose, inline_if
from .importing.classical import decompose_classical, without_zip_maps
from .importing.decompose import DECOMPOSED, decompose
from .importing.fold import Folder
from .importing.functions import inline_functions
from .importing.inline import expand, is_expanded
from .importing.inputs import fix_inputs
from .importing.load import load
from .importing.recurrent import sequence_first
from .importing.recurrent_loop import gru_of_loop
from .importing.single import use_single_precision
from .importing.structure import check_structure
from .importing.unroll import unroll
from .importing.upgrade import upgrade
from .onnx_edit import add_constant, name_nodes, remembered_names, set_inputs
from .onnx_graph import IR_VERSION, OPSET, constant, describe, graph_of, quoted, static_shape
from .onnx_infer import conforms, infer, infer_function, schema_of
from .state_pairs import check_states, note_states


def import_model(
    source: str | os.PathLike[str] | onnx.ModelProto,
    input_shapes: Mapping[str, Sequence[int]] | None = None,
    states: Sequence[str] = (),
) -> oir.Model:
    """Read a model, check it, and bring it to opset ``OPSET`` with a static shape for every tensor.

    ``input_shapes`` fixes inputs by name; an open first dimension is 1 otherwise. Model-local functions
    are inlined (those of the domain ``tinyc.spiking`` stay), constants folded. ``states`` are pairs
    ``IN:OUT`` of a graph input and output that persist, besides those that the model itself names (see
    ``state_pairs``). Operators that ONNX does
    not define pass, with whatever shapes the file gives to their outputs: see ``unknown_operators``.

    ``metadata_props`` of the result hold ``tinyc.sha256``, ``tinyc.source_opset``, ``tinyc.source_name``.
    Raises ModelError for a file that is not a usable model, UsageError for shapes and states that do not fit
    it; the text says what to do.
    """
    loaded = load(source)
    opset = check_structure(loaded.proto)
    without_zip_maps(loaded.proto)
    try:
        model = oir.serde.deserialize_model(loaded.proto)
    except (oir.serde.SerdeError, ValueError, TypeError, KeyError) as e:
        raise ModelError(
            "The model is malformed",
            why=" ".join(str(e.__cause__ or e).split())[:300],
            remedy="run onnx.checker.check_model on the file; export it again",
        ) from e
    use_single_precision(model)
    note_states(model, states)
    inline_functions(model)
    common.RemoveInitializersFromInputsPass()(model)
    name_nodes(model.graph)
    model.graph.sort()
    common.RemoveUnusedNodesPass()(model)
    _load_constants(model)
    fix_inputs(model.graph, input_shapes or {})
    with remembered_names(model.graph):
        _sweep(model, opset)
        sequence_first(model.graph)
    name_nodes(model.graph)  # of bodies that took the place of their operators
    check_states(model)
    common.RemoveUnusedNodesPass()(model)
    model.opset_imports[""] = OPSET
    common.RemoveUnusedOpsetsPass()(model)
    model.ir_version = IR_VERSION
    model.metadata_props["tinyc.sha256"] = loaded.sha256
    model.metadata_props["tinyc.source_opset"] = str(opset)
    model.metadata_props["tinyc.source_name"] = loaded.name
    return model


def unknown_operators(model: oir.Model) -> list[tuple[str, str, str]]:
    """(operator, domain, node name) of every node that is neither an ONNX operator of ``OPSET`` nor a
    function of the model."""
    return [
        (node.op_type, node.domain, str(node.name))
        for node in model.graph
        if schema_of(node, OPSET) is None and node.op_identifier() not in model.functions
    ]


_INFINITY_MEANS_SOMETHING = frozenset({
    "Clip", "Pad", "Where", "Min", "Max", "Less", "LessOrEqual", "Greater", "GreaterOrEqual", "Equal",
    "IsInf", "ConstantOfShape", "Expand", "Concat", "Cast", "CastLike", "Identity",
})  # fmt: skip


def _load_constants(model: oir.Model) -> None:
    """Decode initializers once, and refuse NaN anywhere and infinity where it is a weight."""
    for value in model.graph.initializers.values():
        assert value.const_value is not None
        tensor = value.const_value
        value.shape, value.type = oir.Shape(tensor.shape.numpy()), oir.TensorType(tensor.dtype)
        if tensor.dtype == oir.DataType.STRING:
            continue
        value.const_value = oir.Tensor(tensor.numpy(), dtype=tensor.dtype, name=value.name)
        users = {node.op_type for node in value.consumers()}
        _check_finite(value.const_value, f"initializer {quoted(value.name)}", users)
    for node in model.graph:
        for attribute in node.attributes.values():
            if attribute.type == oir.AttributeType.TENSOR and node.op_type == "Constant":
                users = {user.op_type for user in node.outputs[0].consumers()}
                where = f"constant {quoted(node.outputs[0].name)} ({describe(node)})"
                _check_finite(attribute.as_tensor(), where, users)


def _check_finite(tensor: oir.TensorProtocol, where: str, users: set[str]) -> None:
    if not tensor.dtype.is_floating_point():
        return
    array = tensor.numpy()
    finite = np.isfinite(array)
    if finite.all():
        return
    nans = int(np.isnan(array).sum())
    infinities = int(array.size - finite.sum()) - nans
    if not nans and users <= _INFINITY_MEANS_SOMETHING:
        return
    if users == {"Add"} and ((array == 0) | (array == -np.inf)).all():  # which scores of attention count
        return
    found = f"{nans} NaN and {infinities} infinite values of {array.size}"
    first = [int(i) for i in np.argwhere(~np.atleast_1d(finite))[0]]
    raise ModelError(
        "The model holds weights that are not finite numbers",
        where=where,
        why=f"{found}; the first lies at {first}",
        remedy="train or export the model again: training diverged, or the export failed",
    )


def _sweep(model: oir.Model, opset: int) -> None:
    """Visit each node once, operands before results: upgrade it, infer its shapes, fold it if constant."""
    graph = model.graph
    for value in (output for node in graph for output in node.outputs):
        # What an exporter noted about shapes may be symbolic or stale; only unknown operators need it.
        if value.producer() is not None and not _needs_declared_shape(value.producer(), model):
            value.shape = None
    pending, folder = deque((node, opset) for node in graph), Folder()
    while pending:
        node, version = pending.popleft()
        if node.graph is not graph:
            continue
        inlined, version = _inline(node, version)
        if inlined:
            pending.extendleft((brought, version) for brought in reversed(inlined))
        else:
            _visit(model, node, version, folder)


def _inline(node: oir.Node, opset: int) -> tuple[list[oir.Node], int]:
    """What takes the place of ``node``, and the opset that it is written for; nothing where it stays."""
    if inlined := inline_if(node):
        return inlined, opset
    operands = [value for value in node.inputs if value is not None]
    known = all(static_shape(value) is not None for value in operands)
    if not known:
        return [], opset
    if brought := choose(node) or decompose_classical(node):
        return brought, OPSET
    if node.domain != "":
        return [], opset
    if unrolled := gru_of_loop(node, opset) or unroll(node, opset):
        return unrolled, opset
    if all(constant(value) is not None for value in operands):
        return [], opset  # what depends on constants alone is computed instead
    if is_expanded(node):
        conforms(node, opset, required=True)
        return expand(node, opset)
    if node.op_type in DECOMPOSED:
        conforms(node, opset, required=True)
        if brought := decompose(node, opset):
            return brought, OPSET
    return [], opset


def _needs_declared_shape(node: oir.Node | None, model: oir.Model) -> bool:
    return node is not None and schema_of(node, OPSET) is None and node.op_identifier() not in model.functions


def _visit(model: oir.Model, node: oir.Node, opset: int, folder: Folder) -> None:
    if not all(value is None or static_shape(value) is not None for value in node.inputs):
        return  # it depends on an operator that only lowering can refuse
    if any(attribute.type == oir.AttributeType.GRAPH for attribute in node.attributes.values()):
        return  # as it will refuse control flow
    function = model.functions.get(node.op_identifier())
    if function is not None:
        infer_function(node, function)
    else:
        conforms(node, opset, required=True)
        upgrade(node, opset)
        if node.domain != "":
            return
        _leave_out_empty(node)
        infer(node, OPSET if conforms(node, OPSET) else opset)
        _replace_empty(node)
        if folder.fold(node):
            return
    _check_static(node)


def _replace_empty(node: oir.Node) -> None:
    """Let what reads a result without elements read a constant without elements; ModelError for one that the
    caller of the model would get."""
    for output in node.outputs:
        shape = static_shape(output) or ()
        if not output.name or output.dtype is None or 0 not in shape:
            continue
        if output.is_graph_output():
            raise ModelError(
                f"Tensor {quoted(output.name)} has no elements",
                where=describe(node),
                why=f"its shape is {output.shape}",
                remedy="correct the shapes in the model or in --input-shape",
            )
        empty = np.empty(shape, output.dtype.numpy())
        output.replace_all_uses_with(add_constant(graph_of(node), empty, output.name))


def _leave_out_empty(node: oir.Node) -> None:
    """Operands without elements add nothing to a Concat; other results of them are constants."""
    kept = [value for value in node.inputs if value is not None and 0 not in (static_shape(value) or ())]
    if node.op_type == "Concat" and 0 < len(kept) < len(node.inputs):
        set_inputs(node, kept)


def _check_static(node: oir.Node) -> None:
    """Operands are static here, so a result that is not has a shape that depends on data."""
    unplanned = (output for output in node.outputs if output.name and static_shape(output) is None)
    output = next(unplanned, None)
    unknown = node.domain == "" and schema_of(node, onnx.defs.onnx_opset_version()) is None
    if output is None or unknown or not isinstance(output.type, oir.TensorType | None):
        return
    raise ModelError(
        f"The shape of tensor {quoted(output.name)} depends on the model's data",
        where=describe(node),
        why=f"its shape is {output.shape if output.shape is not None else 'unknown'}; "
        "memory is planned at compile time",
        remedy="export the model with fixed shapes, or without this operator",
    )


__all__ = ["import_model", "unknown_operators"]
