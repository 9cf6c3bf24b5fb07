"""Inlining model-local functions, all but those that tinyc keeps as one operator: spiking neurons, and what
classifies patches at run time."""

from __future__ import annotations

from collections.abc import Mapping

import onnx_ir as oir
import onnx_ir.passes.common as common

from ...ir.errors import ModelError
from ..onnx_graph import OPSET, PATCH_DOMAIN, SPIKING_DOMAIN, quoted
from ..onnx_infer import schema_of
from ..patch_functions import check_patch_function
from ..spiking.encoders import check_encoder
from ..spiking.linear_memory import check_memory
from ..spiking.neurons import check_neuron

MAX_NODES = 100_000
"""Functions that call functions can grow exponentially; no model for a microcontroller is larger."""
MAX_DEPTH = 100
"""How deeply functions may call each other."""

_CHECKS = {SPIKING_DOMAIN: (check_neuron, check_encoder, check_memory), PATCH_DOMAIN: (check_patch_function,)}
"""By domain of those that stay: what refuses one that is not what its name says."""

Identifier = tuple[str, str, str]


def inline_functions(model: oir.Model) -> None:
    """Put the bodies of model-local functions in place of their calls, except in the domains of ``_CHECKS``.

    Raises ModelError for functions that call themselves, that would unfold to more than ``MAX_NODES``
    nodes, or that need another opset than the model.
    """
    if not model.functions:
        return
    _check_growth(model)
    try:
        common.InlinePass(criteria=lambda function: function.domain not in _CHECKS)(model)
    except (ValueError, oir.passes.PassError) as e:
        raise ModelError(
            "The model's functions cannot be inlined",
            why=" ".join(str(e.__cause__ or e).split())[:400],
            remedy="export the model without functions "
            "(torch.onnx.export(..., export_modules_as_functions=False))",
        ) from e
    common.RemoveUnusedFunctionsPass()(model)
    for function in model.functions.values():
        for check in _CHECKS[function.domain]:
            check(function)
        _check_kept(function)


def _check_growth(model: oir.Model) -> None:
    sizes: dict[Identifier, int] = {}
    for identifier in model.functions:
        _size(identifier, model.functions, sizes, ())
    total = sum(sizes.get(node.op_identifier(), 1) for node in model.graph)
    if total > MAX_NODES:
        raise ModelError(
            "The model's functions unfold to too many nodes",
            why=f"{total} nodes; no more than {MAX_NODES} are accepted",
            remedy="export the model without nested functions",
        )


def _size(
    identifier: Identifier,
    functions: Mapping[Identifier, oir.Function],
    sizes: dict[Identifier, int],
    callers: tuple[Identifier, ...],
) -> int:
    """How many nodes a call of the function unfolds to."""
    if identifier in callers or len(callers) > MAX_DEPTH:
        recursive = identifier in callers
        raise ModelError(
            "The model's functions call themselves" if recursive else "The model's functions nest too deeply",
            where=f"function {quoted(identifier[1])}",
            why=" → ".join(quoted(caller[1]) for caller in callers[-5:]),
            remedy="export the model without functions",
        )
    if identifier not in sizes:
        within = (*callers, identifier)
        calls = [node.op_identifier() for node in functions[identifier].all_nodes()]
        sizes[identifier] = sum(
            _size(call, functions, sizes, within) if call in functions else 1 for call in calls
        )
    return sizes[identifier]


def _check_kept(function: oir.Function) -> None:
    """A function that stays must mean the same at ``OPSET``; then it is declared to be of that opset."""
    version = function.opset_imports.get("", OPSET)
    for node in function.all_nodes():
        old, new = schema_of(node, version), schema_of(node, OPSET)
        if old is None or new is None or len(old.attributes) != len(new.attributes):
            raise ModelError(
                f"{node.op_type} in {quoted(function.name)} cannot be brought to opset {OPSET}",
                where=f"function {quoted(function.name)}",
                why=f"the function is written for opset {version}",
                remedy=f"write the function for opset {OPSET}",
            )
    function.opset_imports[""] = OPSET
