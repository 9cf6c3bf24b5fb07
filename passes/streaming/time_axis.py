"""Which axis of a model's inputs is time."""

from __future__ import annotations

import onnx_ir as oir

from ...ir.errors import ModelError, UsageError
from ...kernels.cells import GATES
from ..onnx_graph import shape_of
from .axes import WHOLE, operand
from .follow import Found, Stopped, timelines
from .timeline import SLIDING, Taps, taps_of


def time_axis(model: oir.Model) -> int:
    """The axis of the inputs along which the model is recurrent; where it is not, the only one along which it
    can be streamed at all and has a layer of several taps, or the only one on whose left such a layer pads.

    Raises ModelError where there is none: the reason that the layer gives that came furthest.
    """
    order = {node: number for number, node in enumerate(model.graph)}
    furthest: tuple[int, ModelError] | None = None
    possible: dict[int, Found] = {}
    for axis in range(len(shape_of(model.graph.inputs[0]))):
        try:
            possible[axis] = timelines(model.graph, axis)
        except Stopped as stopped:
            place = order[stopped.node]
            if furthest is None or place > furthest[0]:
                furthest = place, stopped.error
        except UsageError:
            continue
    for distinguished in (_is_recurrent, _slides, _pads_before):
        axes = [axis for axis, found in possible.items() if distinguished(model.graph, found)]
        if len(axes) == 1 or (axes and distinguished is _is_recurrent):
            return axes[0]
    axes = [axis for axis, found in possible.items() if _slides(model.graph, found)]
    if axes:
        raise ModelError(
            "The model can be streamed along several axes",
            why=f"each of {axes} could be time",
            remedy="name the one that is: --stream AXIS",
        )
    if furthest is not None:
        raise furthest[1]
    raise ModelError(
        "The model cannot be streamed",
        why="no layer of it is recurrent, and none slides over several frames",
        remedy=f"name the inputs' axis that is time, --stream AXIS, or {WHOLE}",
    )


def _is_recurrent(graph: oir.Graph, found: Found) -> bool:
    return any(node.op_type in GATES and node.inputs[0] in found for node in graph)


def _sliding_taps(graph: oir.Graph, found: Found) -> list[Taps]:
    """Of all layers that slide over time."""
    return [
        taps_of(node, found[source].axis)
        for node in graph
        if node.op_type in SLIDING and (source := operand(node)) in found and node.outputs[0] in found
    ]


def _slides(graph: oir.Graph, found: Found) -> bool:
    return any(taps.extent > 1 for taps in _sliding_taps(graph, found))


def _pads_before(graph: oir.Graph, found: Found) -> bool:
    return any(taps.before > 0 for taps in _sliding_taps(graph, found))
